/* Byte-level BPE (gpt-2's algorithm): each word of the pre-tokenizer is bytes, merged by lowest rank.
 *
 * Symbols carry token ids, and merges are looked up by a pair of ids: a merge whose parts and product are no tokens
 * was refused when the file was read. Any thread. Must not know special tokens. */
#include "engine/tok_int.h"

#include "src/base/utf8.h"

int32_t ry_tok_byte_to_cp(unsigned char byte)
{
    if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173))
        return byte;
    /* 0..32 are 256.., 127..160 follow, then 173. */
    return byte <= 32 ? 256 + byte : byte <= 160 ? 256 + 33 + (byte - 127) : 256 + 33 + 34;
}

int ry_tok_cp_to_byte(int32_t cp)
{
    if ((cp >= 33 && cp <= 126) || (cp >= 161 && cp <= 255 && cp != 173))
        return cp;
    if (cp >= 256 && cp <= 288)
        return cp - 256;
    if (cp >= 289 && cp <= 322)
        return cp - 289 + 127;
    return cp == 323 ? 173 : -1;
}

static bool bpe_pair(const struct ry_tok *tok, const char *text, const struct ry_sym *a,
                     const struct ry_sym *b, struct ry_merge_cand *out)
{
    (void)text;
    if (a->id < 0 || b->id < 0)
        return false;
    const struct ry_tok_bpe_merge *m = ry_tok_merge_slot(tok, a->id, b->id);
    if (m->left < 0)
        return false;
    out->key = m->rank;
    out->id = m->whole;
    return true;
}

/* The token that is this whole word, -1 when there is none. */
static int32_t whole_word(const struct ry_tok *tok, struct ry_tok_work *work, const char *word,
                          size_t len)
{
    if (len > tok->max_text)
        return -1;
    ry_buf_clear(&work->text);
    for (size_t i = 0; i < len; i++) {
        char utf8[RY_UTF8_MAX_BYTES];
        size_t n = ry_utf8_encode(ry_tok_byte_to_cp((unsigned char)word[i]), utf8);
        ry_buf_add(&work->text, utf8, n);
    }
    if (work->text.failed)
        return -1;
    return ry_tok_lookup_plain(tok, ry_buf_str(&work->text), work->text.len);
}

struct bpe_call {
    const struct ry_tok *tok;
    struct ry_tok_work *work;
    const char *text;
    ry_ids *out;
};

static bool encode_word(void *user, size_t begin, size_t end)
{
    const struct bpe_call *call = user;
    const struct ry_tok *tok = call->tok;
    const char *word = call->text + begin;
    size_t n = end - begin;
    if (tok->pre->ignore_merges) {
        int32_t id = whole_word(tok, call->work, word, n);
        if (call->work->text.failed)
            return false;
        if (id >= 0)
            return ry_ids_push(call->out, id);
    }
    if (!ry_tok_work_reserve(call->work, n))
        return false;
    struct ry_sym *syms = call->work->syms;
    for (size_t i = 0; i < n; i++)
        syms[i] = (struct ry_sym){.at = (uint32_t)i,
                                  .len = 1,
                                  .id = tok->byte_id[(unsigned char)word[i]],
                                  .prev = (int32_t)i - 1,
                                  .next = i + 1 < n ? (int32_t)i + 1 : -1};
    ry_merge_run(call->work, n, tok, word, bpe_pair);
    for (int32_t i = 0; i >= 0; i = syms[i].next) {
        bool ok = syms[i].id >= 0
                      ? ry_ids_push(call->out, syms[i].id)
                      : ry_tok_push_bytes(tok, word + syms[i].at, syms[i].len, call->out);
        if (!ok)
            return false;
    }
    return true;
}

bool ry_bpe_encode(const struct ry_tok *tok, struct ry_tok_work *work, const char *text, size_t len,
                   ry_ids *out)
{
    struct bpe_call call = {tok, work, text, out};
    return ry_pre_split(tok->pre, text, len, encode_word, &call);
}
