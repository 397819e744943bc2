/* Small vocabularies in memory. Test code: failure aborts. */
#include "tests/text_vocab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tok_int.h"
#include "src/base/utf8.h"

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "text_vocab: %s\n", what);
    abort();
}

void tv_set_tokens(struct gb *b, const char *const *texts, const int32_t *types,
                   const float *scores, size_t n)
{
    gb_set_strings(b, "tokenizer.ggml.tokens", texts, n);
    if (types)
        gb_set_array(b, "tokenizer.ggml.token_type", RY_GGUF_I32, n, types, n * sizeof *types);
    if (scores)
        gb_set_array(b, "tokenizer.ggml.scores", RY_GGUF_F32, n, scores, n * sizeof *scores);
}

enum { MAX_TOKENS = 400 };

struct list {
    char text[MAX_TOKENS][32];
    const char *texts[MAX_TOKENS];
    int32_t types[MAX_TOKENS];
    float scores[MAX_TOKENS];
    size_t n;
};

static void put(struct list *l, const char *text, int32_t type, float score)
{
    must(l->n < MAX_TOKENS && strlen(text) < sizeof l->text[0], "too many or too long tokens");
    strcpy(l->text[l->n], text);
    l->texts[l->n] = l->text[l->n];
    l->types[l->n] = type;
    l->scores[l->n++] = score;
}

#define SP "\xE2\x96\x81"

void tv_spm(struct gb *b)
{
    static const char *const pieces[] = {
        "he",        "ll",        "llo", "hello", SP "hello", SP "h", SP "w",   "or",  "wor",
        SP "wor",    "ld",        "aa",  "aaa",   "aaaa",     SP "a", "ab",     "abc", SP SP,
        SP SP SP SP, "\xC3\xA9t", "no",  "od",    "de",       "node", SP "node"};
    static const char *const letters = "abcdehlnortw";
    struct list *l = calloc(1, sizeof *l);
    must(l != NULL, "memory");
    put(l, "<unk>", RY_TOK_UNKNOWN, 0);
    put(l, "<s>", RY_TOK_CONTROL, 0);
    put(l, "</s>", RY_TOK_CONTROL, 0);
    for (int i = 0; i < 256; i++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", i);
        put(l, text, RY_TOK_BYTE, 0);
    }
    for (const char *p = letters; *p; p++)
        put(l, (char[]){*p, 0}, RY_TOK_NORMAL, -100);
    put(l, SP, RY_TOK_NORMAL, -100);
    put(l, "\xC3\xA9", RY_TOK_NORMAL, -100);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        put(l, pieces[i], RY_TOK_NORMAL, -(float)(i % 7) - 1);
    put(l, "<ud>", RY_TOK_USER_DEFINED, 0);
    put(l, "<|user|>", RY_TOK_CONTROL, 0);
    put(l, "<|assistant|>", RY_TOK_CONTROL, 0);
    put(l, "<|system|>", RY_TOK_CONTROL, 0);
    put(l, "<|end|>", RY_TOK_CONTROL, 0);
    gb_init(b);
    gb_set_str(b, "general.architecture", "llama");
    gb_set_str(b, "tokenizer.ggml.model", "llama");
    tv_set_tokens(b, l->texts, l->types, l->scores, l->n);
    free(l);
}

void tv_bpe(struct gb *b, const char *pre)
{
    static const char *const merges[] = {"a a",
                                         "aa aa",
                                         "h e",
                                         "l l",
                                         "he ll",
                                         "hell o",
                                         "\xC4\xA0 hello",
                                         "\xC4\xA0 a",
                                         "\xC4\xA0 \xC4\xA0",
                                         "1 2",
                                         "12 3",
                                         "n o",
                                         "d e",
                                         "no de",
                                         "\xC4\x8A \xC4\x8A"};
    struct list *l = calloc(1, sizeof *l);
    must(l != NULL, "memory");
    for (int i = 0; i < 256; i++) {
        char utf8[RY_UTF8_MAX_BYTES + 1] = {0};
        ry_utf8_encode(ry_tok_byte_to_cp((unsigned char)i), utf8);
        put(l, utf8, RY_TOK_NORMAL, 0);
    }
    for (size_t i = 0; i < sizeof merges / sizeof merges[0]; i++) {
        char whole[32];
        const char *space = strchr(merges[i], ' ');
        snprintf(whole, sizeof whole, "%.*s%s", (int)(space - merges[i]), merges[i], space + 1);
        put(l, whole, RY_TOK_NORMAL, 0);
    }
    put(l, "world", RY_TOK_NORMAL, 0); /* a word that no merge makes */
    put(l, "<ud>", RY_TOK_USER_DEFINED, 0);
    put(l, "<|im_start|>", RY_TOK_CONTROL, 0);
    put(l, "<|im_end|>", RY_TOK_CONTROL, 0);
    put(l, "<|eot_id|>", RY_TOK_CONTROL, 0);
    put(l, "<|start_header_id|>", RY_TOK_CONTROL, 0);
    put(l, "<|end_header_id|>", RY_TOK_CONTROL, 0);
    put(l, "<|endoftext|>", RY_TOK_CONTROL, 0);
    gb_init(b);
    gb_set_str(b, "general.architecture", "llama");
    gb_set_str(b, "tokenizer.ggml.model", "gpt2");
    if (pre)
        gb_set_str(b, "tokenizer.ggml.pre", pre);
    tv_set_tokens(b, l->texts, l->types, NULL, l->n);
    gb_set_strings(b, "tokenizer.ggml.merges", merges, sizeof merges / sizeof merges[0]);
    gb_set_u32(b, "tokenizer.ggml.bos_token_id", (uint32_t)l->n - 1);
    gb_set_u32(b, "tokenizer.ggml.eos_token_id", (uint32_t)l->n - 1);
    free(l);
}

ry_rc tv_open(struct tv *tv, const struct gb *b, uint32_t n_rows, ry_err *err)
{
    memset(tv, 0, sizeof *tv);
    gb_image(b, &tv->image);
    ry_rc rc = ry_gguf_parse(&tv->gguf, "memory", tv->image.data, tv->image.len, true, err);
    return rc ? rc : ry_tok_load(&tv->tok, tv->gguf, n_rows, err);
}

void tv_close(struct tv *tv)
{
    ry_tok_free(tv->tok);
    if (tv->gguf)
        ry_gguf_close(tv->gguf);
    ry_buf_done(&tv->image);
    memset(tv, 0, sizeof *tv);
}

ry_ids tv_encode(const ry_tok *tok, const char *text, size_t len, unsigned flags)
{
    ry_ids ids = {0};
    ry_err err;
    must(ry_tok_encode(tok, text, len, flags, &ids, &err) == RY_OK, "encoding failed");
    return ids;
}

ry_buf tv_decode(const ry_tok *tok, const ry_ids *ids)
{
    ry_buf out = {0};
    for (size_t i = 0; i < ids->n; i++) {
        size_t len;
        const char *bytes = ry_tok_bytes(tok, ids->v[i], &len);
        ry_buf_add(&out, bytes, len);
    }
    must(!out.failed, "memory");
    return out;
}

int32_t tv_id(const ry_tok *tok, const char *text)
{
    int32_t id = ry_tok_find(tok, text, strlen(text));
    must(id >= 0, text);
    return id;
}

uint64_t tv_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}
