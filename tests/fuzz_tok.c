/* Fuzz target: a text, and edits of a vocabulary file, through the tokenizer.
 *
 * Input: byte 0 chooses the vocabulary and the flags, byte 1 how many of the next bytes are edits of that file (3 bytes
 * each: place as u16 of the image's length, value), the rest is the text. What must hold: no crash, ids within the
 * vocabulary, bytes of an unedited vocabulary come back, streaming gives valid UTF-8.
 * With libFuzzer (configure --enable-fuzz, clang): tests/fuzz_tok CORPUS. */
#include <stdlib.h>
#include <string.h>

#include "src/base/utf8.h"
#include "tests/fuzz_main.h"
#include "tests/text_vocab.h"

static void build(struct gb *b, unsigned which)
{
    static const char *const pres[] = {"llama-bpe", "gpt-2",        "qwen2",         "smollm",
                                       "default",   "deepseek-llm", "deepseek-coder"};
    if (which % 8 == 0)
        tv_spm(b);
    else
        tv_bpe(b, pres[which % 8 - 1]);
}

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void use(const ry_tok *tok, const char *text, size_t len, unsigned flags, bool edited)
{
    ry_ids ids = {0};
    ry_err err;
    struct ry_detok detok = {0};
    ry_buf stream = {0};
    check(ry_tok_encode(tok, text, len, flags, &ids, &err) == RY_OK);
    for (size_t i = 0; i < ids.n; i++) {
        size_t n;
        check(ids.v[i] >= 0 && (uint32_t)ids.v[i] < ry_tok_n_vocab(tok));
        const char *bytes = ry_tok_bytes(tok, ids.v[i], &n);
        check(ry_detok_push(&detok, bytes, n, &stream));
    }
    check(ry_detok_flush(&detok, &stream));
    check(ry_utf8_valid(ry_buf_str(&stream), stream.len, NULL));
    /* U+2581 is a space to SPM: such a text does not come back. */
    if (!edited && !flags && !memmem(text, len, "\xE2\x96\x81", 3)) {
        ry_buf back = tv_decode(tok, &ids);
        size_t skip = back.len - len;
        check(back.len >= len && skip <= len + 1);
        if (ry_tok_model_name(tok)[0] == 'B')
            check(skip == 0 && memcmp(ry_buf_str(&back), text, len) == 0);
        ry_buf_done(&back);
    }
    ry_buf_done(&stream);
    ry_ids_done(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    unsigned which = data[0] & 7, flags = data[0] >> 3 & 7;
    size_t n_edits = data[1], at = 2;
    struct gb b;
    ry_buf image = {0};
    ry_gguf *gguf = NULL;
    ry_tok *tok = NULL;
    ry_err err;
    build(&b, which);
    gb_image(&b, &image);
    size_t n_done = 0;
    for (; n_done < n_edits && at + 3 <= size; n_done++, at += 3) {
        size_t place = (size_t)(data[at] | data[at + 1] << 8) * image.len / 65536;
        image.data[place] = (char)data[at + 2];
    }
    if (ry_gguf_parse(&gguf, "fuzz", image.data, image.len, true, &err) == RY_OK &&
        ry_tok_load(&tok, gguf, 0, &err) == RY_OK && tok)
        use(tok, (const char *)data + at, size - at, flags, n_done > 0);
    ry_tok_free(tok);
    if (gguf)
        ry_gguf_close(gguf);
    ry_buf_done(&image);
    gb_done(&b);
    return 0;
}

#ifndef RYOT_LIBFUZZER
static bool seed(size_t i, ry_buf *out)
{
    static const char *const texts[] = {
        "hello world, it's 12345\n\n  node <|im_end|> </s> <ud>",
        "aaaaaaaaaaaa hello\xC3\xA9\xFF\xE2",
        "\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80\xE3\x80\x80 don't 'RE !? \t\r\n"};
    if (i >= 48)
        return false;
    ry_buf_addc(out, (char)(i % 8 + (i / 16 ? 8 * (i % 7) : 0)));
    ry_buf_addc(out, (char)(i >= 24 ? 4 : 0));
    for (size_t k = 0; i >= 24 && k < 12; k++)
        ry_buf_addc(out, (char)(i * 37 + k * 101));
    ry_buf_adds(out, texts[i % 3]);
    return !out->failed;
}

int main(int argc, char **argv)
{
    return ry_fuzz_main(argc, argv, seed, 20000);
}
#endif
