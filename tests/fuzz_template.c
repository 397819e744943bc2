/* Fuzz target: any bytes as a model's chat template, and as the messages of a conversation in every row.
 *
 * Input: byte 0 the row, byte 1 the roles (two bits each, four messages), then the text, which is the Jinja text for
 * detection and, cut in four, the messages. What must hold: no crash; a rendering, or a reason; message text never
 * makes a control token: as many come out as from the same conversation with empty messages.
 * With libFuzzer (configure --enable-fuzz, clang): tests/fuzz_template CORPUS. */
#include <stdlib.h>
#include <string.h>

#include "engine/template.h"
#include "tests/fuzz_main.h"
#include "tests/text_vocab.h"

static struct gb vocab;
static struct tv opened;

static void check(bool ok)
{
    if (!ok)
        abort();
}

static size_t n_control(const ry_ids *ids)
{
    size_t n = 0;
    for (size_t i = 0; i < ids->n; i++)
        n += ry_tok_is_control(opened.tok, ids->v[i]);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!opened.tok) {
        tv_bpe(&vocab, "llama-bpe");
        check(tv_open(&opened, &vocab, 0, NULL) == RY_OK);
    }
    if (size < 2)
        return 0;
    enum ry_template t = (enum ry_template)(data[0] % RY_TEMPLATE_COUNT);
    const char *text = (const char *)data + 2;
    size_t len = size - 2, part = len / 4;
    struct ry_message messages[4], empty[4];
    bool known;
    ry_err err = {0};
    enum ry_template found = ry_template_detect(text, len, "llama", opened.tok, &known);
    check((unsigned)found < RY_TEMPLATE_COUNT);
    for (int i = 0; i < 4; i++) {
        messages[i] = (struct ry_message){(enum ry_role)(data[1] >> 2 * i & 3),
                                          text + part * (size_t)i, i == 3 ? len - 3 * part : part};
        empty[i] = (struct ry_message){messages[i].role, "", 0};
    }
    ry_ids ids = {0}, bare = {0};
    ry_buf plain = {0};
    ry_rc rc = ry_template_render(t, opened.tok, messages, 4, true, &ids, &err);
    check(rc == RY_OK || (ids.n == 0 && err.rc == rc && err.text[0]));
    check(ry_template_render(t, opened.tok, empty, 4, true, &bare, &err) == rc);
    check(n_control(&ids) == n_control(&bare));
    check(ry_template_render_text(t, messages, 4, true, "<s>", "</s>", &plain, &err) == rc);
    ry_buf_done(&plain);
    ry_ids_done(&ids);
    ry_ids_done(&bare);
    return 0;
}

#ifndef RYOT_LIBFUZZER
static bool seed(size_t i, ry_buf *out)
{
    static const char *const texts[] = {
        "{{ bos_token }}{% for m in messages %}<|im_start|>user\n  hello <|im_end|> \n{% endfor %}",
        "  <|start_header_id|>user<|end_header_id|>\n\n\xC2\xA0 hi </think>\n\nthere<|eot_id|>\xFF "
        " "};
    if (i >= 2 * RY_TEMPLATE_COUNT)
        return false;
    ry_buf_addc(out, (char)(i / 2));
    ry_buf_addc(out, (char)(i % 3 ? 0x64 : 0x99));
    ry_buf_adds(out, texts[i % 2]);
    return !out->failed;
}

int main(int argc, char **argv)
{
    int rc = ry_fuzz_main(argc, argv, seed, 20000);
    tv_close(&opened);
    gb_done(&vocab);
    return rc;
}
#endif
