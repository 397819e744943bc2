/* Chat templates as rows of data. Sources: the Jinja templates published with the models; each row was checked against
 * what the reference implementation renders from them. const; any thread; knows neither tokens nor models.
 *
 * Where a template keeps the thinking of earlier answers out of the prompt, so does the row. */
#include "engine/template_rows.h"

#define CHATML(default_system)                                                                     \
    .no_system = default_system, .system_pre = "<|im_start|>system\n",                             \
    .system_post = "<|im_end|>\n", .user_pre = "<|im_start|>user\n", .user_post = "<|im_end|>\n",  \
    .answer_pre = "<|im_start|>assistant\n", .answer_post = "<|im_end|>\n"
#define CHATML_SYSTEM(text) "<|im_start|>system\n" text "<|im_end|>\n"
#define CHATML_OPEN         "<|im_start|>assistant\n"

#define LLAMA3_TURN(role) "<|start_header_id|>" role "<|end_header_id|>\n\n"
#define LLAMA3_TURNS                                                                               \
    .user_pre = LLAMA3_TURN("user"), .user_post = "<|eot_id|>",                                    \
    .answer_pre = LLAMA3_TURN("assistant"), .answer_post = "<|eot_id|>",                           \
    .open = LLAMA3_TURN("assistant")
#define LLAMA3_1_SYSTEM(date)                                                                      \
    LLAMA3_TURN("system") "Cutting Knowledge Date: December 2023\nToday Date: " date "\n\n"

/* U+FF5C and U+2581 as DeepSeek writes them. */
#define BAR             "\xEF\xBD\x9C"
#define DEEPSEEK(word)  "<" BAR word BAR ">"
#define DEEPSEEK_END    DEEPSEEK("end\xE2\x96\x81of\xE2\x96\x81sentence")
#define DEEPSEEK_USER   DEEPSEEK("User")
#define DEEPSEEK_ANSWER DEEPSEEK("Assistant")

#define GRANITE(role) "<|start_of_role|>" role "<|end_of_role|>"
#define GRANITE_TURNS                                                                              \
    .system_pre = GRANITE("system"), .system_post = "<|end_of_text|>\n",                           \
    .user_pre = GRANITE("user"), .user_post = "<|end_of_text|>\n",                                 \
    .answer_pre = GRANITE("assistant"), .answer_post = "<|end_of_text|>\n",                        \
    .open = GRANITE("assistant"), .flags = RY_ROW_SYSTEM_ANYWHERE

#define KIMI(role) "<|im_" role "|>" role "<|im_middle|>"
#define KIMI_TURNS                                                                                 \
    .system_pre = KIMI("system"), .system_post = "<|im_end|>", .user_pre = KIMI("user"),           \
    .user_post = "<|im_end|>", .answer_post = "<|im_end|>", .open = KIMI("assistant"),             \
    .flags = RY_ROW_SYSTEM_ANYWHERE

static const struct ry_template_row ROWS[] = {
    [RY_TEMPLATE_CHATML] = {.name = "chatml",
                            CHATML(NULL),
                            .open = CHATML_OPEN,
                            .flags = RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_LLAMA3] = {.name = "llama3",
                            .system_pre = LLAMA3_TURN("system"),
                            .system_post = "<|eot_id|>",
                            LLAMA3_TURNS,
                            .flags = RY_ROW_BOS | RY_ROW_TRIM | RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_PHI3] = {.name = "phi3",
                          .system_pre = "<|system|>\n",
                          .system_post = "<|end|>\n",
                          .user_pre = "<|user|>\n",
                          .user_post = "<|end|>\n",
                          .answer_pre = "<|assistant|>\n",
                          .answer_post = "<|end|>\n",
                          .open = "<|assistant|>\n",
                          .flags = RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_ZEPHYR] = {.name = "zephyr",
                            .system_pre = "<|system|>\n",
                            .system_post = RY_ROW_EOS "\n",
                            .user_pre = "<|user|>\n",
                            .user_post = RY_ROW_EOS "\n",
                            .answer_pre = "<|assistant|>\n",
                            .answer_post = RY_ROW_EOS "\n",
                            .open = "<|assistant|>\n",
                            .flags = RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_GEMMA] = {.name = "gemma",
                           .user_pre = "<start_of_turn>user\n",
                           .user_post = "<end_of_turn>\n",
                           .answer_pre = "<start_of_turn>model\n",
                           .answer_post = "<end_of_turn>\n",
                           .open = "<start_of_turn>model\n",
                           .flags = RY_ROW_BOS | RY_ROW_TRIM_USER | RY_ROW_TRIM_ANSWER |
                                    RY_ROW_SYSTEM_IN_FIRST_USER},
    [RY_TEMPLATE_MISTRAL] = {.name = "mistral",
                             .user_pre = "[INST] ",
                             .user_post = " [/INST]",
                             .answer_pre = " ",
                             .answer_post = RY_ROW_EOS,
                             .flags = RY_ROW_BOS | RY_ROW_SYSTEM_IN_FIRST_USER},
    [RY_TEMPLATE_BITNET_2B4T] = {.name = "bitnet-2b4t",
                                 .system_pre = "System: ",
                                 .system_post = "<|eot_id|>",
                                 .user_pre = "User: ",
                                 .user_post = "<|eot_id|>",
                                 .answer_pre = "Assistant: ",
                                 .answer_post = "<|eot_id|>",
                                 .open = "Assistant: ",
                                 .flags = RY_ROW_BOS | RY_ROW_TRIM | RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_RYOT] = {.name = "ryot",
                          .system_pre = "<|system|>\n",
                          .system_post = "<|end|>\n",
                          .user_pre = "<|user|>\n",
                          .user_post = "<|end|>\n",
                          .answer_pre = "<|assistant|>\n",
                          .answer_post = "<|end|>\n",
                          .open = "<|assistant|>\n",
                          .flags = RY_ROW_SYSTEM_ANYWHERE},

    [RY_TEMPLATE_CHATML_BOS] = {.name = "chatml-bos",
                                CHATML(NULL),
                                .open = CHATML_OPEN,
                                .flags = RY_ROW_BOS | RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_QWEN2] = {.name = "qwen2",
                           CHATML(CHATML_SYSTEM("You are a helpful assistant.")),
                           .open = CHATML_OPEN,
                           .flags = RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_QWEN2_5] = {.name = "qwen2.5",
                             CHATML(CHATML_SYSTEM("You are Qwen, created by Alibaba Cloud. You are "
                                                  "a helpful assistant.")),
                             .open = CHATML_OPEN,
                             .flags = RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_QWEN3] = {.name = "qwen3",
                           CHATML(NULL),
                           .open = CHATML_OPEN,
                           .flags =
                               RY_ROW_CUT_THINK | RY_ROW_LSTRIP_LINES | RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_QWEN3_5] = {.name = "qwen3.5",
                             CHATML(NULL),
                             .open = CHATML_OPEN "<think>\n",
                             .flags = RY_ROW_TRIM | RY_ROW_CUT_THINK | RY_ROW_LSTRIP_LINES},
    [RY_TEMPLATE_QWQ] = {.name = "qwq",
                         CHATML(NULL),
                         .open = CHATML_OPEN "<think>\n</think>",
                         .flags = RY_ROW_CUT_THINK | RY_ROW_LSTRIP_LINES | RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_SMOLLM2] = {.name = "smollm2",
                             CHATML(CHATML_SYSTEM("You are a helpful AI assistant named SmolLM, "
                                                  "trained by Hugging Face")),
                             .open = CHATML_OPEN,
                             .flags = RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_BIELIK] = {.name = "bielik",
                            CHATML(NULL),
                            .open = CHATML_OPEN,
                            .flags = RY_ROW_BOS | RY_ROW_LSTRIP_ANSWER},
    [RY_TEMPLATE_MINICPM5] = {.name = "minicpm5",
                              CHATML(NULL),
                              .open = CHATML_OPEN,
                              .flags = RY_ROW_BOS | RY_ROW_CUT_THINK | RY_ROW_LSTRIP_LINES |
                                       RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_MIMO] = {.name = "mimo",
                          CHATML(CHATML_SYSTEM("You are MiMo, an AI assistant developed by "
                                               "Xiaomi.")),
                          .open = CHATML_OPEN,
                          .flags = RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_STEPFUN] = {.name = "stepfun",
                             CHATML(NULL),
                             .open = CHATML_OPEN "<think>\n",
                             .flags = RY_ROW_BOS | RY_ROW_CUT_THINK | RY_ROW_LSTRIP_LINES |
                                      RY_ROW_SYSTEM_ANYWHERE},

    [RY_TEMPLATE_LLAMA3_1] = {.name = "llama3.1",
                              .no_system = LLAMA3_1_SYSTEM("26 Jul 2024") "<|eot_id|>",
                              .system_pre = LLAMA3_1_SYSTEM("26 Jul 2024"),
                              .system_post = "<|eot_id|>",
                              LLAMA3_TURNS,
                              .flags = RY_ROW_BOS | RY_ROW_TRIM},
    [RY_TEMPLATE_LLAMA3_2] = {.name = "llama3.2",
                              .no_system = LLAMA3_1_SYSTEM(RY_ROW_DATE) "<|eot_id|>",
                              .system_pre = LLAMA3_1_SYSTEM(RY_ROW_DATE),
                              .system_post = "<|eot_id|>",
                              LLAMA3_TURNS,
                              .flags = RY_ROW_BOS | RY_ROW_TRIM},
    [RY_TEMPLATE_FUNCTIONARY_3_1] =
        {.name = "functionary-3.1",
         .head = LLAMA3_TURN("system") "\nCutting Knowledge Date: December 2023\n\n<|eot_id|>",
         .system_pre = LLAMA3_TURN("system"),
         .system_post = "<|eot_id|>",
         LLAMA3_TURNS,
         .flags = RY_ROW_BOS | RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_GEMMA4] = {.name = "gemma4",
                            .system_pre = "<|turn>system\n",
                            .system_post = "<turn|>\n",
                            .user_pre = "<|turn>user\n",
                            .user_post = "<turn|>\n",
                            .answer_pre = "<|turn>model\n",
                            .answer_post = "<turn|>\n",
                            .open = "<|turn>model\n<|channel>thought\n<channel|>",
                            .flags = RY_ROW_BOS | RY_ROW_TRIM},
    [RY_TEMPLATE_MISTRAL_NEMO] = {.name = "mistral-nemo",
                                  .user_pre = "[INST]",
                                  .user_post = "[/INST]",
                                  .answer_post = RY_ROW_EOS,
                                  .flags = RY_ROW_BOS | RY_ROW_SYSTEM_IN_LAST_USER},
    [RY_TEMPLATE_MISTRAL_V7] = {.name = "mistral-v7",
                                .system_pre = "[SYSTEM_PROMPT]",
                                .system_post = "[/SYSTEM_PROMPT]",
                                .user_pre = "[INST]",
                                .user_post = "[/INST]",
                                .answer_post = RY_ROW_EOS,
                                .flags = RY_ROW_BOS | RY_ROW_SYSTEM_ANYWHERE},

    [RY_TEMPLATE_DEEPSEEK_R1] = {.name = "deepseek-r1",
                                 .user_pre = DEEPSEEK_USER,
                                 .answer_pre = DEEPSEEK_ANSWER,
                                 .answer_post = DEEPSEEK_END,
                                 .open = DEEPSEEK_ANSWER "<think>\n",
                                 .flags = RY_ROW_BOS | RY_ROW_CUT_THINK},
    [RY_TEMPLATE_DEEPSEEK_R1_QWEN] = {.name = "deepseek-r1-qwen",
                                      .user_pre = DEEPSEEK_USER,
                                      .answer_pre = DEEPSEEK_ANSWER,
                                      .answer_post = DEEPSEEK_END,
                                      .open = DEEPSEEK_ANSWER "<think>\n</think>",
                                      .flags = RY_ROW_BOS | RY_ROW_CUT_THINK},
    [RY_TEMPLATE_DEEPSEEK_R1_TURNS] = {.name = "deepseek-r1-turns",
                                       .user_pre = DEEPSEEK_USER,
                                       .user_post = DEEPSEEK_END,
                                       .answer_pre = DEEPSEEK_ANSWER,
                                       .answer_post = DEEPSEEK_END,
                                       .open = DEEPSEEK_ANSWER "<think>\n",
                                       .flags = RY_ROW_BOS | RY_ROW_CUT_THINK},
    [RY_TEMPLATE_DEEPSEEK_V3_1] = {.name = "deepseek-v3.1",
                                   .user_pre = DEEPSEEK_USER,
                                   .answer_pre = DEEPSEEK_ANSWER "<think></think>",
                                   .answer_post = DEEPSEEK_END,
                                   .open = DEEPSEEK_ANSWER "<think></think>",
                                   .flags = RY_ROW_BOS | RY_ROW_CUT_THINK},
    [RY_TEMPLATE_DEEPSEEK_V3_2] = {.name = "deepseek-v3.2",
                                   .user_pre = DEEPSEEK_USER,
                                   .answer_pre = DEEPSEEK_ANSWER "</think>",
                                   .answer_post = DEEPSEEK_END,
                                   .open = DEEPSEEK_ANSWER "<think></think>",
                                   .flags = RY_ROW_BOS},
    [RY_TEMPLATE_DEEPSEEK_V4] = {.name = "deepseek-v4",
                                 .user_pre = DEEPSEEK_USER,
                                 .answer_pre = DEEPSEEK_ANSWER "</think>",
                                 .answer_post = DEEPSEEK_END,
                                 .open = DEEPSEEK_ANSWER "</think>",
                                 .flags = RY_ROW_BOS},

    [RY_TEMPLATE_GRANITE4] = {.name = "granite4",
                              .no_system = GRANITE("system") "You are a helpful assistant. Please "
                                                             "ensure responses are professional, "
                                                             "accurate, and safe.<|end_of_text|>\n",
                              GRANITE_TURNS},
    [RY_TEMPLATE_GRANITE4_1] = {.name = "granite4.1", GRANITE_TURNS},
    [RY_TEMPLATE_GLM4_6] = {.name = "glm4.6",
                            .head = "[gMASK]<sop>",
                            .system_pre = "<|system|>\n",
                            .user_pre = "<|user|>\n",
                            .answer_pre = "<|assistant|>\n<think></think>\n",
                            .open = "<|assistant|>",
                            .flags =
                                RY_ROW_CUT_THINK | RY_ROW_TRIM_ANSWER | RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_GLM4_7] = {.name = "glm4.7",
                            .head = "[gMASK]<sop>",
                            .system_pre = "<|system|>",
                            .user_pre = "<|user|>",
                            .answer_pre = "<|assistant|></think>",
                            .open = "<|assistant|><think>",
                            .flags =
                                RY_ROW_CUT_THINK | RY_ROW_TRIM_ANSWER | RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_KIMI_K2] = {.name = "kimi-k2",
                             .no_system = KIMI("system") "You are a helpful assistant<|im_end|>",
                             .answer_pre = KIMI("assistant"),
                             KIMI_TURNS},
    [RY_TEMPLATE_KIMI_K2_INSTRUCT] = {.name = "kimi-k2-instruct",
                                      .no_system = KIMI("system") "You are Kimi, an AI assistant "
                                                                  "created by Moonshot AI."
                                                                  "<|im_end|>\n",
                                      .answer_pre = KIMI("assistant"),
                                      KIMI_TURNS},
    [RY_TEMPLATE_KIMI_K2_THINKING] = {.name = "kimi-k2-thinking",
                                      .no_system = KIMI("system") "You are Kimi, an AI assistant "
                                                                  "created by Moonshot AI."
                                                                  "<|im_end|>",
                                      .answer_pre = KIMI("assistant") "<think></think>",
                                      KIMI_TURNS},
    [RY_TEMPLATE_SEED_OSS] = {.name = "seed-oss",
                              .system_pre = "<seed:bos>system\n",
                              .system_post = "<seed:eos>",
                              .user_pre = "<seed:bos>user\n",
                              .user_post = "<seed:eos>",
                              .answer_pre = "<seed:bos>assistant\n",
                              .answer_post = "<seed:eos>",
                              .open = "<seed:bos>assistant\n",
                              .flags = RY_ROW_TRIM_ANSWER | RY_ROW_SYSTEM_ANYWHERE},
    [RY_TEMPLATE_MINIMAX_M2] = {.name = "minimax-m2",
                                .head = "]~!b[",
                                .no_system = "]~b]system\nYou are a helpful assistant.[e~[\n",
                                .system_pre = "]~b]system\n",
                                .system_post = "[e~[\n",
                                .user_pre = "]~b]user\n",
                                .user_post = "[e~[\n",
                                .answer_pre = "]~b]ai\n",
                                .answer_post = "[e~[\n",
                                .open = "]~b]ai\n<think>\n",
                                .flags = RY_ROW_CUT_THINK | RY_ROW_LSTRIP_LINES},
    [RY_TEMPLATE_RWKV_WORLD] = {.name = "rwkv-world",
                                .system_pre = "System: ",
                                .system_post = "\n\n",
                                .user_pre = "User: ",
                                .user_post = "\n\n",
                                .answer_pre = "Assistant: ",
                                .answer_post = "\n\n",
                                .open = "Assistant:",
                                .flags = RY_ROW_BOS | RY_ROW_CUT_THINK | RY_ROW_TRIM_USER |
                                         RY_ROW_TRIM_ANSWER},
};
_Static_assert(sizeof ROWS / sizeof ROWS[0] == RY_TEMPLATE_COUNT, "a row for every template");

/* From the special to the general: the first that fits counts. */
static const struct ry_template_telltale TELLTALES[] = {
    {RY_TEMPLATE_BITNET_2B4T, .want = {"<|eot_id|>", "capitalize + ': '"}},
    {RY_TEMPLATE_FUNCTIONARY_3_1,
     .want = {"<|start_header_id|>", "Cutting Knowledge Date: December 2023", "<function="},
     .without = {"Today Date"}},
    {RY_TEMPLATE_LLAMA3_2,
     .want = {"<|start_header_id|>", "Today Date: ", "strftime_now(\"%d %b %Y\")", "26 Jul 2024"}},
    {RY_TEMPLATE_LLAMA3_1,
     .want = {"<|start_header_id|>", "Today Date: ", "26 Jul 2024", "Cutting Knowledge Date"},
     .without = {"strftime_now"}},
    {RY_TEMPLATE_LLAMA3, .want = {"<|start_header_id|>", "<|eot_id|>", "bos_token", "| trim"},
     .without = {"functions", "tools", "Knowledge Date", "recipient"}},
    {RY_TEMPLATE_LLAMA3, true, .want = {"<|start_header_id|>", "<|eot_id|>"}},

    {RY_TEMPLATE_KIMI_K2_THINKING, .want = {"<|im_middle|>", "You are Kimi", "<think></think>"}},
    {RY_TEMPLATE_KIMI_K2_INSTRUCT, .want = {"<|im_middle|>", "You are Kimi"}},
    {RY_TEMPLATE_KIMI_K2, .want = {"<|im_middle|>", "You are a helpful assistant<|im_end|>"}},

    {RY_TEMPLATE_SMOLLM2,
     .want = {"<|im_start|>",
              "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>"},
     .without = {"Metadata"}},
    {RY_TEMPLATE_QWEN2_5,
     .want = {"<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
              "assistant.<|im_end|>"}},
    {RY_TEMPLATE_QWEN2, .want = {"<|im_start|>system\nYou are a helpful assistant.<|im_end|>"}},
    {RY_TEMPLATE_QWEN2, .want = {"<|im_start|>system\\nYou are a helpful assistant.<|im_end|>"}},
    {RY_TEMPLATE_MIMO,
     .want = {"<|im_start|>system\\nYou are MiMo, an AI assistant developed by Xiaomi.<|im_end|>"}},
    {RY_TEMPLATE_QWQ,
     .want = {"<|im_start|>assistant\\n<think>\\n", "if not enable_thinking -%}", "</think>"},
     .without = {"bos_token"}},
    {RY_TEMPLATE_QWEN3_5,
     .want = {"<|im_start|>", "render_content(message.content, true)|trim", "last_query_index"}},
    {RY_TEMPLATE_STEPFUN,
     .want = {"bos_token", "<|im_start|>assistant\\n<think>\\n", "<|im_start|>tool_response"}},
    {RY_TEMPLATE_QWEN3,
     .want = {"<|im_start|>", "last_query_index", "enable_thinking is false",
              "messages[0].content + '<|im_end|>\\n'"},
     .without = {"bos_token", "|trim"}},
    {RY_TEMPLATE_MINICPM5,
     .want = {"bos_token", "<|im_start|>", "enable_thinking is true", "tool_definitions"}},
    {RY_TEMPLATE_BIELIK, .want = {"bos_token", "<|im_start|>", "content.lstrip()", "Bielik"}},
    {RY_TEMPLATE_CHATML_BOS,
     .want = {"bos_token", "<|im_start|>", "keep_past_thinking", "system_prompt"},
     .without = {"generation %}", "generation -%}"}},
    {RY_TEMPLATE_CHATML_BOS,
     .want = {"bos_token", "<|im_start|>", "<|im_end|>", "<|tool_list_start|>"},
     .without = {"<think>", "</think>"}},
    {RY_TEMPLATE_CHATML,
     .want = {"<|im_start|>", "<|im_end|>", "system_message is defined", "loop.previtem"},
     .without = {"bos_token", "think>"}},
    {RY_TEMPLATE_CHATML, .want = {"<|im_start|>", "<|im_end|>", "message['content']"},
     .without = {"bos_token", "You are", "think>", "tools", "system_message"}},
    {RY_TEMPLATE_CHATML, true, .want = {"<|im_start|>", "<|im_end|>"}},

    {RY_TEMPLATE_GEMMA4, .want = {"<|turn>", "<turn|>", "<|channel>thought\\n<channel|>"}},
    {RY_TEMPLATE_GEMMA, .want = {"<start_of_turn>", "<end_of_turn>", "bos_token", "trim"}},
    {RY_TEMPLATE_GEMMA, true, .want = {"<start_of_turn>", "<end_of_turn>"}},

    {RY_TEMPLATE_MISTRAL_V7, true, .want = {"[SYSTEM_PROMPT]", "[INST]", "[/INST]"}},
    {RY_TEMPLATE_MISTRAL_NEMO,
     .want = {"\"[INST]\" + system_message + \"\\n\\n\" + message[\"content\"] + \"[/INST]\"",
              "loop.last and system_message is defined", "message[\"content\"] + eos_token"}},
    {RY_TEMPLATE_MISTRAL_NEMO, true, .want = {"[INST]", "[/INST]", "[AVAILABLE_TOOLS]"}},
    {RY_TEMPLATE_MISTRAL, .want = {"'[INST] ' + message['content'] + ' [/INST]'",
                                   "' ' + message['content'] + eos_token", "bos_token"}},
    {RY_TEMPLATE_MISTRAL, true, .want = {"[INST]", "[/INST]"}},

    {RY_TEMPLATE_DEEPSEEK_R1_TURNS,
     .want = {"'<" BAR "User" BAR ">' + message['content'] + '<" BAR "end", "flush_tool_outputs"}},
    {RY_TEMPLATE_DEEPSEEK_R1_QWEN,
     .want = {DEEPSEEK_ANSWER "<think>\\n", "if not enable_thinking %}"}},
    {RY_TEMPLATE_DEEPSEEK_R1, .want = {DEEPSEEK_ANSWER "<think>\\n", "ns.system_prompt"}},
    {RY_TEMPLATE_DEEPSEEK_V3_1, .want = {DEEPSEEK_USER, DEEPSEEK_ANSWER "<think></think>"}},
    {RY_TEMPLATE_DEEPSEEK_V3_2,
     .want = {DEEPSEEK_USER, "thinking_start_token + thinking_end_token", "pending_asst_marker"}},
    {RY_TEMPLATE_DEEPSEEK_V4, .want = {"thinking_end_token", "keep_reasoning", "drop_thinking"}},
    {RY_TEMPLATE_DEEPSEEK_R1, true, .want = {DEEPSEEK_USER, DEEPSEEK_ANSWER}},

    {RY_TEMPLATE_GRANITE4, .want = {"<|start_of_role|>", "g4_default_system_message"}},
    {RY_TEMPLATE_GRANITE4_1, .want = {"<|start_of_role|>", "tools_system_message_prefix"},
     .without = {"default_system_message"}},
    {RY_TEMPLATE_GRANITE4_1, true, .want = {"<|start_of_role|>", "<|end_of_role|>"}},
    {RY_TEMPLATE_GLM4_7, .want = {"[gMASK]<sop>", "'</think>' if", "else '<think>'"}},
    {RY_TEMPLATE_GLM4_6, .want = {"[gMASK]<sop>", "'/nothink' if", "\\n<think></think>"}},
    {RY_TEMPLATE_SEED_OSS, .want = {"<seed:think>", "thinking_budget"}},
    {RY_TEMPLATE_MINIMAX_M2, .want = {"]~b]ai", "'<think>' ~ '\\n'"}, .without = {"mm:think"}},
    {RY_TEMPLATE_RWKV_WORLD, .want = {"'User: ' + message['content']|trim + '\\n\\n'"}},

    {RY_TEMPLATE_RYOT,
     .want = {"'<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>"}},
    {RY_TEMPLATE_PHI3, .want = {"<|system|>", "<|user|>", "<|assistant|>", "<|end|>"},
     .without = {"bos_token", "You are", "<think>", "tools"}},
    {RY_TEMPLATE_PHI3, true, .want = {"<|user|>", "<|assistant|>", "<|end|>"}},
    {RY_TEMPLATE_ZEPHYR,
     .want = {"<|system|>", "<|user|>", "<|assistant|>", "message['content'] + eos_token"},
     .without = {"bos_token", "You are", "tools"}},
    {RY_TEMPLATE_ZEPHYR, true, .want = {"<|user|>", "<|assistant|>"}},
};

const struct ry_template_row *ry_template_row_at(enum ry_template t)
{
    return &ROWS[t];
}

const struct ry_template_telltale *ry_template_telltale_at(size_t i)
{
    return i < sizeof TELLTALES / sizeof TELLTALES[0] ? &TELLTALES[i] : NULL;
}
