/* Chat templates: recognised from the model's own Jinja text by its telltale literals, rendered by our own rows of
 * data (template_rows.c). const; any thread.
 *
 * What a row prints is literal template text, in which control tokens become ids, and message text, in which they
 * never do. */
#ifndef RYOT_ENGINE_TEMPLATE_H
#define RYOT_ENGINE_TEMPLATE_H

#include "engine/engine.h"
#include "engine/tok.h"

enum ry_template {
    RY_TEMPLATE_CHATML,
    RY_TEMPLATE_LLAMA3,
    RY_TEMPLATE_PHI3,
    RY_TEMPLATE_ZEPHYR,
    RY_TEMPLATE_GEMMA,
    RY_TEMPLATE_MISTRAL,
    RY_TEMPLATE_BITNET_2B4T,
    RY_TEMPLATE_RYOT,
    /* ChatML and its dialects */
    RY_TEMPLATE_CHATML_BOS,
    RY_TEMPLATE_QWEN2,
    RY_TEMPLATE_QWEN2_5,
    RY_TEMPLATE_QWEN3,
    RY_TEMPLATE_QWEN3_5,
    RY_TEMPLATE_QWQ,
    RY_TEMPLATE_SMOLLM2,
    RY_TEMPLATE_BIELIK,
    RY_TEMPLATE_MINICPM5,
    RY_TEMPLATE_MIMO,
    RY_TEMPLATE_STEPFUN,
    /* Llama, Gemma, Mistral */
    RY_TEMPLATE_LLAMA3_1,
    RY_TEMPLATE_LLAMA3_2,
    RY_TEMPLATE_FUNCTIONARY_3_1,
    RY_TEMPLATE_GEMMA4,
    RY_TEMPLATE_MISTRAL_NEMO,
    RY_TEMPLATE_MISTRAL_V7,
    /* DeepSeek */
    RY_TEMPLATE_DEEPSEEK_R1,
    RY_TEMPLATE_DEEPSEEK_R1_QWEN,
    RY_TEMPLATE_DEEPSEEK_R1_TURNS,
    RY_TEMPLATE_DEEPSEEK_V3_1,
    RY_TEMPLATE_DEEPSEEK_V3_2,
    RY_TEMPLATE_DEEPSEEK_V4,
    /* others */
    RY_TEMPLATE_GRANITE4,
    RY_TEMPLATE_GRANITE4_1,
    RY_TEMPLATE_GLM4_6,
    RY_TEMPLATE_GLM4_7,
    RY_TEMPLATE_KIMI_K2,
    RY_TEMPLATE_KIMI_K2_INSTRUCT,
    RY_TEMPLATE_KIMI_K2_THINKING,
    RY_TEMPLATE_SEED_OSS,
    RY_TEMPLATE_MINIMAX_M2,
    RY_TEMPLATE_RWKV_WORLD,
    RY_TEMPLATE_COUNT
};

/* "chatml", "llama3", "phi3", "zephyr", "gemma", "mistral", "bitnet-2b4t", "ryot" ... Never NULL. */
const char *ry_template_name(enum ry_template t);

/* Which row a model wants. jinja may be empty. *known is false when no row renders exactly what the model's own
 * template would: then the nearest stands in (chatml where nothing is near). arch and the tokenizer (either may be NULL)
 * help where the file's template is known to be wrong (BitNet 2B4T) or absent. */
enum ry_template ry_template_detect(const char *jinja, size_t len, const char *arch,
                                    const ry_tok *tok, bool *known);

/* Renders as text only, for tests and `ryot info`: what the reference implementation would print with these for
 * bos_token and eos_token. Appends to *out, unchanged on failure. */
ry_rc ry_template_render_text(enum ry_template t, const struct ry_message *messages, size_t n,
                              bool open_answer, const char *bos, const char *eos, ry_buf *out,
                              ry_err *err);

/* Renders to ids, BOS first where the template or the tokenizer wants it. Appends to *out, unchanged on failure.
 * Unknown roles or orders that the row cannot express: RY_ERR_INPUT. */
ry_rc ry_template_render(enum ry_template t, const ry_tok *tok, const struct ry_message *messages,
                         size_t n, bool open_answer, ry_ids *out, ry_err *err);

#endif
