/* Chat templates: recognised from the model's own Jinja text, rendered by our own rows. const; any thread.
 *
 * Rendering yields pieces: literal template text (control tokens in it become ids) and message text (where they
 * never do). */
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
    RY_TEMPLATE_COUNT
};

/* "chatml", "llama3", "phi3", "zephyr", "gemma", "mistral", "bitnet-2b4t", "ryot". */
const char *ry_template_name(enum ry_template t);

/* Which row a model wants. jinja may be empty. *known is false when nothing fits and chatml stands in. arch and the
 * tokenizer help where the file's template is known to be wrong (BitNet 2B4T). */
enum ry_template ry_template_detect(const char *jinja, size_t len, const char *arch,
                                    const ry_tok *tok, bool *known);

struct ry_template_piece {
    bool is_template; /* literal of the template: control tokens in it count */
    ry_buf text;
};

/* Renders as text only, for tests and `ryot info`: what the reference implementation would print with bos_token. */
ry_rc ry_template_render_text(enum ry_template t, const struct ry_message *messages, size_t n,
                              bool open_answer, const char *bos, const char *eos, ry_buf *out,
                              ry_err *err);

/* Renders to ids. Unknown roles or orders that the row cannot express: RY_ERR_INPUT. */
ry_rc ry_template_render(enum ry_template t, const ry_tok *tok, const struct ry_message *messages,
                         size_t n, bool open_answer, ry_ids *out, ry_err *err);

#endif
