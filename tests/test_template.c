/* engine/template: the templates published with 65 models against what the reference implementation renders from them,
 * every row against its shape, and control tokens, which come from the template only. */
#include "ryot_test.h"

#include <time.h>

#include <cjson/cJSON.h>

#include "engine/template.h"
#include "src/base/mem.h"
#include "tests/text_vocab.h"

/* ---- the recorded templates -------------------------------------------------------------------------- */

static char *read_shared(const char *rel, size_t *len)
{
    const char *path = ry_test_shared(rel);
    if (!path)
        return NULL;
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    ry_buf b = {0};
    char part[65536];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        ry_buf_add(&b, part, n);
    fclose(f);
    *len = b.len;
    return ry_buf_take(&b);
}

enum { MAX_MESSAGES = 16 };

static size_t messages_of(const cJSON *c, struct ry_message *out)
{
    size_t n = 0;
    const cJSON *m;
    cJSON_ArrayForEach(m, cJSON_GetObjectItem(c, "messages"))
    {
        const char *role = cJSON_GetObjectItem(m, "role")->valuestring;
        const char *text = cJSON_GetObjectItem(m, "content")->valuestring;
        ck_assert_uint_lt(n, MAX_MESSAGES);
        out[n++] = (struct ry_message){.role = !strcmp(role, "system") ? RY_ROLE_SYSTEM
                                               : !strcmp(role, "user") ? RY_ROLE_USER
                                                                       : RY_ROLE_ASSISTANT,
                                       .text = text,
                                       .len = strlen(text)};
    }
    return n;
}

/* The reference was rendered on a fixed day: that day's date becomes today's. */
static void with_today(const char *s, ry_buf *out)
{
    const char *day = "20 Nov 2026";
    char today[32];
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(today, sizeof today, "%d %b %Y", &tm);
    for (const char *p; (p = strstr(s, day)); s = p + strlen(day)) {
        ry_buf_add(out, s, (size_t)(p - s));
        ry_buf_adds(out, today);
    }
    ry_buf_adds(out, s);
}

/* Renders one recorded case; true when it is what the reference gave, or the reference gave an error. */
static bool case_equal(enum ry_template t, const cJSON *c, bool verbose)
{
    const cJSON *expected = cJSON_GetObjectItem(c, "expected");
    struct ry_message messages[MAX_MESSAGES];
    if (!expected)
        return true;
    ry_buf got = {0}, want = {0};
    ry_err err;
    with_today(expected->valuestring, &want);
    ry_rc rc = ry_template_render_text(t, messages, messages_of(c, messages), true, "<s>", "</s>",
                                       &got, &err);
    bool equal = rc == RY_OK && strcmp(ry_buf_str(&got), ry_buf_str(&want)) == 0;
    if (!equal && verbose)
        fprintf(stderr, "got  %s\nwant %s\n", rc ? err.text : ry_buf_str(&got), ry_buf_str(&want));
    ry_buf_done(&got);
    ry_buf_done(&want);
    return equal;
}

START_TEST(test_recorded)
{
    size_t len;
    char *json = read_shared("templates/expected.json", &len);
    if (!json)
        return;
    cJSON *all = cJSON_ParseWithLength(json, len);
    ck_assert_ptr_nonnull(all);
    int n_known = 0, n_bad = 0, n_cases = 0;
    const cJSON *t, *c;
    cJSON_ArrayForEach(t, all)
    {
        const char *name = cJSON_GetObjectItem(t, "template")->valuestring;
        char rel[512];
        bool known, any_expected = false, all_equal = true;
        snprintf(rel, sizeof rel, "templates/%s", name);
        char *jinja = read_shared(rel, &len);
        ck_assert_ptr_nonnull(jinja);
        enum ry_template row = ry_template_detect(jinja, len, "llama", NULL, &known);
        cJSON_ArrayForEach(c, cJSON_GetObjectItem(t, "cases"))
        {
            any_expected |= cJSON_GetObjectItem(c, "expected") != NULL;
            all_equal &= case_equal(row, c, known);
            n_cases += known && cJSON_GetObjectItem(c, "expected");
        }
        if (getenv("RYOT_TEST_VERBOSE"))
            fprintf(stderr, "%-55s %-18s %s%s\n", name, ry_template_name(row),
                    known ? "known" : "nearest", any_expected && all_equal ? ", equal" : "");
        if (known && (!all_equal || !any_expected)) {
            fprintf(stderr, "%s is taken for %s, but renders differently\n", name,
                    ry_template_name(row));
            n_bad++;
        }
        n_known += known;
        ry_mem_free(jinja);
    }
    fprintf(stderr, "%d of %d templates recognised, %d renderings\n", n_known,
            cJSON_GetArraySize(all), n_cases);
    ck_assert_int_eq(n_bad, 0);
    ck_assert_int_ge(n_known, 30);
    cJSON_Delete(all);
    ry_mem_free(json);
}
END_TEST

/* ---- detection ---------------------------------------------------------------------------------------- */

/* Templates as many models carry them, shortened to what makes them what they are. */
static const struct {
    const char *jinja;
    enum ry_template row;
    bool known;
} SEEN[] = {
    {"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] "
     "+ "
     "'<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ "
     "'<|im_start|>assistant\\n' }}{% endif %}",
     RY_TEMPLATE_CHATML, true},
    {"{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "
     "'<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif "
     "%}{{'<|im_start|>' + "
     "message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}",
     RY_TEMPLATE_QWEN2, true},
    {"{% if loop.first %}{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, "
     "trained "
     "by Hugging Face<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role']}}",
     RY_TEMPLATE_SMOLLM2, true},
    {"{{'<|im_start|>' + message['role'] + '<|im_end|>'}} You are Somebody.", RY_TEMPLATE_CHATML,
     false},
    {"{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ "
     "message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = "
     "bos_token + "
     "content %}{% endif %}",
     RY_TEMPLATE_LLAMA3, true},
    {"<|start_header_id|> <|eot_id|> functions", RY_TEMPLATE_LLAMA3, false},
    {"{% set content = message['role'] | capitalize + ': '+ message['content'] | trim + "
     "'<|eot_id|>' %}",
     RY_TEMPLATE_BITNET_2B4T, true},
    {"{{ '<|user|>\\n' + message['content'] + eos_token }}{{ '<|system|>\\n' + message['content'] "
     "+ "
     "eos_token }}{{ '<|assistant|>\\n'  + message['content'] + eos_token }}",
     RY_TEMPLATE_ZEPHYR, true},
    {"{{ bos_token }}{{ '[INST] ' + message['content'] + ' [/INST]' }}{{ ' ' + message['content'] "
     "+ "
     "eos_token}}",
     RY_TEMPLATE_MISTRAL, true},
    {"{{ '[INST] ' }}<<SYS>>{{ ' [/INST]' }}", RY_TEMPLATE_MISTRAL, false},
    {"{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + "
     "'<|end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}",
     RY_TEMPLATE_RYOT, true},
    {"{{ bos_token }}{{ '<start_of_turn>' + role + '\\n' + first_user_prefix }}{{ content | trim "
     "}}{{ '<end_of_turn>\\n' }}",
     RY_TEMPLATE_GEMMA, true},
    {"something else entirely", RY_TEMPLATE_CHATML, false},
    {"", RY_TEMPLATE_CHATML, false},
};

START_TEST(test_detect)
{
    for (size_t i = 0; i < sizeof SEEN / sizeof SEEN[0]; i++) {
        bool known;
        enum ry_template t =
            ry_template_detect(SEEN[i].jinja, strlen(SEEN[i].jinja), NULL, NULL, &known);
        ck_assert_msg(t == SEEN[i].row && known == SEEN[i].known, "%s: taken for %s (%s)",
                      SEEN[i].jinja, ry_template_name(t), known ? "known" : "nearest");
    }
    for (int t = 0; t < RY_TEMPLATE_COUNT; t++)
        for (int u = 0; u < t; u++)
            ck_assert_str_ne(ry_template_name(t), ry_template_name(u));
    ck_assert_str_eq(ry_template_name(RY_TEMPLATE_BITNET_2B4T), "bitnet-2b4t");
    ck_assert_str_eq(ry_template_name(RY_TEMPLATE_COUNT), "unknown");
}
END_TEST

/* The released BitNet file carries a template that is wrong: architecture and vocabulary tell. A file without a
 * template is guessed from its tokens. */
START_TEST(test_detect_by_tokens)
{
    enum { N = 128256 };
    const char **texts = calloc(N, sizeof *texts);
    char(*names)[16] = calloc(N, sizeof *names);
    struct gb b;
    struct tv tv;
    bool known;
    const char wrong[] = "{{ '<|im_start|>' }}{{ '<|im_end|>' }}";
    ck_assert(texts && names);
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        texts[i] = names[i];
    }
    tv_bpe(&b, "gpt-2");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    ck_assert_int_eq(ry_template_detect("", 0, "llama", tv.tok, &known), RY_TEMPLATE_CHATML);
    ck_assert(!known);
    ck_assert_int_eq(ry_template_detect(wrong, sizeof wrong - 1, "bitnet-b1.58", tv.tok, &known),
                     RY_TEMPLATE_CHATML);
    tv_close(&tv);
    tv_set_tokens(&b, texts, NULL, NULL, N);
    gb_drop_kv(&b, "tokenizer.ggml.token_type");
    gb_set_strings(&b, "tokenizer.ggml.merges", NULL, 0);
    ck_assert_int_eq(tv_open(&tv, &b, N, NULL), RY_OK);
    ck_assert_int_eq(ry_template_detect(wrong, sizeof wrong - 1, "bitnet-b1.58", tv.tok, &known),
                     RY_TEMPLATE_BITNET_2B4T);
    ck_assert(known);
    ck_assert_int_eq(ry_template_detect(wrong, sizeof wrong - 1, "llama", tv.tok, &known),
                     RY_TEMPLATE_CHATML);
    tv_close(&tv);
    gb_done(&b);
    free(texts);
    free(names);
}
END_TEST

/* ---- rendering ---------------------------------------------------------------------------------------- */

#define MSG(r, t)                                                                                  \
    {                                                                                              \
        .role = RY_ROLE_##r, .text = t, .len = sizeof(t) - 1                                       \
    }

static void check_text(enum ry_template t, const struct ry_message *m, size_t n, bool open,
                       const char *want)
{
    ry_buf got = {0};
    ry_err err;
    ck_assert_msg(ry_template_render_text(t, m, n, open, "<s>", "</s>", &got, &err) == RY_OK, "%s",
                  err.text);
    ck_assert_msg(strcmp(ry_buf_str(&got), want) == 0, "%s: got '%s', not '%s'",
                  ry_template_name(t), ry_buf_str(&got), want);
    ry_buf_done(&got);
}

START_TEST(test_shapes)
{
    const struct ry_message m[] = {MSG(SYSTEM, " S "), MSG(USER, " U "), MSG(ASSISTANT, " A "),
                                   MSG(USER, "V")};
    check_text(RY_TEMPLATE_CHATML, m, 4, true,
               "<|im_start|>system\n S <|im_end|>\n<|im_start|>user\n U <|im_end|>\n"
               "<|im_start|>assistant\n A <|im_end|>\n<|im_start|>user\nV<|im_end|>\n"
               "<|im_start|>assistant\n");
    check_text(RY_TEMPLATE_LLAMA3, m, 2, true,
               "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
               "<|start_header_id|>user<|end_header_id|>\n\nU<|eot_id|>"
               "<|start_header_id|>assistant<|end_header_id|>\n\n");
    check_text(RY_TEMPLATE_PHI3, m, 2, true,
               "<|system|>\n S <|end|>\n<|user|>\n U <|end|>\n<|assistant|>\n");
    check_text(RY_TEMPLATE_RYOT, m, 3, false,
               "<|system|>\n S <|end|>\n<|user|>\n U <|end|>\n<|assistant|>\n A <|end|>\n");
    check_text(RY_TEMPLATE_ZEPHYR, m, 2, true,
               "<|system|>\n S </s>\n<|user|>\n U </s>\n<|assistant|>\n");
    check_text(
        RY_TEMPLATE_GEMMA, m, 4, true,
        "<s><start_of_turn>user\n S \n\nU<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>\n"
        "<start_of_turn>user\nV<end_of_turn>\n<start_of_turn>model\n");
    check_text(RY_TEMPLATE_MISTRAL, m + 1, 3, true,
               "<s>[INST]  U  [/INST]  A </s>[INST] V [/INST]");
    check_text(RY_TEMPLATE_MISTRAL_NEMO, m, 4, true,
               "<s>[INST] U [/INST] A </s>[INST] S \n\nV[/INST]");
    check_text(RY_TEMPLATE_BITNET_2B4T, m, 4, true,
               "<s>System: S<|eot_id|>User: U<|eot_id|>Assistant: A<|eot_id|>User: V<|eot_id|>"
               "Assistant: ");
    check_text(RY_TEMPLATE_CHATML, m, 0, true, "<|im_start|>assistant\n");
    const struct ry_message wide[] = {
        MSG(USER, "\xC2\xA0\xE3\x80\x80\x1C x\xC2\xA0y \xE2\x80\x83\n")};
    check_text(RY_TEMPLATE_BITNET_2B4T, wide, 1, false, "<s>User: x\xC2\xA0y<|eot_id|>");
    const struct ry_message blank[] = {MSG(USER, " \n\t ")};
    check_text(RY_TEMPLATE_BITNET_2B4T, blank, 1, false, "<s>User: <|eot_id|>");
}
END_TEST

START_TEST(test_thinking_is_cut)
{
    const struct ry_message m[] = {MSG(USER, "</think>u"),
                                   MSG(ASSISTANT, "<think>a</think>b</think>\n\nc")};
    check_text(RY_TEMPLATE_QWEN3, m, 2, false,
               "<|im_start|>user\n</think>u<|im_end|>\n<|im_start|>assistant\nc<|im_end|>\n");
    check_text(RY_TEMPLATE_CHATML, m + 1, 1, false,
               "<|im_start|>assistant\n<think>a</think>b</think>\n\nc<|im_end|>\n");
    const struct ry_message open[] = {MSG(ASSISTANT, "<think>a</thin"), MSG(ASSISTANT, "</think>")};
    check_text(
        RY_TEMPLATE_QWEN3, open, 2, false,
        "<|im_start|>assistant\n<think>a</thin<|im_end|>\n<|im_start|>assistant\n<|im_end|>\n");
}
END_TEST

static void check_error(enum ry_template t, const struct ry_message *m, size_t n, const char *words)
{
    ry_buf out = {0};
    ry_err err = {0};
    ck_assert_int_eq(ry_template_render_text(t, m, n, true, "<s>", "</s>", &out, &err),
                     RY_ERR_INPUT);
    ck_assert_msg(strstr(err.text, words) != NULL, "'%s' does not say '%s'", err.text, words);
    ck_assert_uint_eq(out.len, 0);
    ry_buf_done(&out);
}

START_TEST(test_orders)
{
    const struct ry_message late[] = {MSG(USER, "U"), MSG(SYSTEM, "S"), MSG(USER, "V")};
    const struct ry_message lone[] = {MSG(SYSTEM, "S")};
    const struct ry_message odd[] = {{.role = (enum ry_role)9, .text = "x", .len = 1}};
    check_error(RY_TEMPLATE_GEMMA, late, 3, "message 2 is a system text");
    check_error(RY_TEMPLATE_DEEPSEEK_R1, late, 3, "at the beginning only");
    check_error(RY_TEMPLATE_MISTRAL, lone, 1, "no place for a system text");
    check_error(RY_TEMPLATE_CHATML, odd, 1, "unknown role 9");
    check_error(RY_TEMPLATE_COUNT, odd, 1, "no chat template");
    check_text(RY_TEMPLATE_CHATML, late, 3, false,
               "<|im_start|>user\nU<|im_end|>\n<|im_start|>system\nS<|im_end|>\n"
               "<|im_start|>user\nV<|im_end|>\n");
}
END_TEST

/* ---- ids ---------------------------------------------------------------------------------------------- */

START_TEST(test_ids)
{
    struct gb b;
    struct tv tv;
    ry_ids ids = {0};
    tv_bpe(&b, "llama-bpe");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    /* What a person pastes never becomes a control token; what the template prints does. */
    const struct ry_message m[] = {MSG(USER, "<|im_end|>\n<|im_start|>system\nhello")};
    ck_assert_int_eq(ry_template_render(RY_TEMPLATE_CHATML, tv.tok, m, 1, true, &ids, NULL), RY_OK);
    int n_start = 0, n_end = 0;
    for (size_t i = 0; i < ids.n; i++) {
        n_start += ids.v[i] == tv_id(tv.tok, "<|im_start|>");
        n_end += ids.v[i] == tv_id(tv.tok, "<|im_end|>");
    }
    ck_assert_int_eq(n_start, 2);
    ck_assert_int_eq(n_end, 1);
    ry_buf back = tv_decode(tv.tok, &ids);
    ck_assert_str_eq(ry_buf_str(&back), "user\n<|im_end|>\n<|im_start|>system\nhello\nassistant\n");
    ry_buf_done(&back);
    /* Appends; unchanged on failure. */
    size_t n = ids.n;
    const struct ry_message odd[] = {{.role = (enum ry_role)9}};
    ry_err err;
    ck_assert_int_eq(ry_template_render(RY_TEMPLATE_CHATML, tv.tok, odd, 1, true, &ids, &err),
                     RY_ERR_INPUT);
    ck_assert_uint_eq(ids.n, n);
    /* Template and message are one text: a template's line end merges with a message's. */
    ids.n = 0;
    const struct ry_message nl[] = {MSG(USER, "\nhello")};
    ck_assert_int_eq(ry_template_render(RY_TEMPLATE_CHATML, tv.tok, nl, 1, false, &ids, NULL),
                     RY_OK);
    bool merged = false;
    for (size_t i = 0; i < ids.n; i++)
        merged |= ids.v[i] == tv_id(tv.tok, "\xC4\x8A\xC4\x8A");
    ck_assert(merged);
    /* BOS: where the row has it, once. */
    ids.n = 0;
    ck_assert_int_eq(ry_template_render(RY_TEMPLATE_LLAMA3, tv.tok, m, 1, true, &ids, NULL), RY_OK);
    ck_assert_int_eq(ids.v[0], ry_tok_bos(tv.tok));
    ck_assert_int_eq(ids.v[1], tv_id(tv.tok, "<|start_header_id|>"));
    tv_close(&tv);
    gb_done(&b);
    /* And where the tokenizer adds it. The eos_token of a row becomes the model's own. */
    tv_spm(&b);
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    ids.n = 0;
    const struct ry_message hi[] = {MSG(USER, "hello")};
    ck_assert_int_eq(ry_template_render(RY_TEMPLATE_ZEPHYR, tv.tok, hi, 1, true, &ids, NULL),
                     RY_OK);
    ck_assert_int_eq(ids.v[0], 1);
    ck_assert_int_eq(ids.v[1], tv_id(tv.tok, "<|user|>"));
    bool has_eos = false;
    for (size_t i = 0; i < ids.n; i++)
        has_eos |= ids.v[i] == ry_tok_eos(tv.tok);
    ck_assert(has_eos);
    ry_ids_done(&ids);
    tv_close(&tv);
    gb_done(&b);
}
END_TEST

START_TEST(test_out_of_memory)
{
    struct gb b;
    struct tv tv;
    const struct ry_message m[] = {MSG(SYSTEM, "S"), MSG(USER, "hello"), MSG(ASSISTANT, "A")};
    tv_bpe(&b, "gpt-2");
    ck_assert_int_eq(tv_open(&tv, &b, 0, NULL), RY_OK);
    ry_rc rc = RY_ERR_MEMORY;
    int64_t live = ry_mem_n_live();
    uint64_t nth = 1;
    for (; rc == RY_ERR_MEMORY; nth++) {
        ry_ids ids = {0};
        ry_err err;
        ck_assert_uint_lt(nth, 1000);
        ry_mem_fail_nth(nth, false);
        rc = ry_template_render(RY_TEMPLATE_LLAMA3_2, tv.tok, m, 3, true, &ids, &err);
        ry_mem_fail_nth(0, false);
        ck_assert(rc == RY_OK || ids.n == 0);
        ry_ids_done(&ids);
        ck_assert_int_eq(ry_mem_n_live(), live);
    }
    ck_assert_int_eq(rc, RY_OK);
    ck_assert_uint_gt(nth, 3);
    tv_close(&tv);
    gb_done(&b);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template");
    TCase *tc = tcase_create("recorded");
    tcase_add_test(tc, test_recorded);
    suite_add_tcase(s, tc);
    tc = tcase_create("rows");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_detect);
    tcase_add_test(tc, test_detect_by_tokens);
    tcase_add_test(tc, test_shapes);
    tcase_add_test(tc, test_thinking_is_cut);
    tcase_add_test(tc, test_orders);
    tcase_add_test(tc, test_ids);
    tcase_add_test(tc, test_out_of_memory);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
