/* From the `tokenizer.ggml.*` keys of a GGUF to a ry_tok. The file is not trusted: counts, types, ids and the texts of
 * byte tokens and merges are checked before use. All strings are copied, so that the file may go.
 * One thread while loading; const afterwards. Must not know how text is encoded. */
#include "engine/tok_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "src/base/mem.h"
#include "src/base/utf8.h"

enum { MAX_TOKENS = 1 << 22, MAX_MERGES = 1 << 24 };

static ry_rc no_memory(ry_err *err)
{
    return ry_err_set(err, RY_ERR_MEMORY, "out of memory while reading the tokenizer");
}

/* ---- tables ------------------------------------------------------------------------------------------ */

static const char *text_of(const struct ry_tok *tok, int32_t id, size_t *len)
{
    *len = tok->text_at[id + 1] - tok->text_at[id];
    return tok->texts + tok->text_at[id];
}

/* Slot of this text: its token, or the empty slot where it would go. */
static uint32_t *slot_of(const struct ry_tok *tok, const char *text, size_t len)
{
    uint32_t mask = tok->n_slots - 1;
    for (uint32_t i = (uint32_t)XXH3_64bits(text, len) & mask;; i = (i + 1) & mask) {
        size_t have;
        if (!tok->slots[i])
            return &tok->slots[i];
        const char *s = text_of(tok, (int32_t)tok->slots[i] - 1, &have);
        if (have == len && memcmp(s, text, len) == 0)
            return &tok->slots[i];
    }
}

int32_t ry_tok_lookup(const struct ry_tok *tok, const char *text, size_t len)
{
    return len ? (int32_t)*slot_of(tok, text, len) - 1 : -1;
}

int32_t ry_tok_lookup_plain(const struct ry_tok *tok, const char *text, size_t len)
{
    int32_t id = ry_tok_lookup(tok, text, len);
    if (id < 0 || tok->type[id] == RY_TOK_CONTROL || tok->type[id] == RY_TOK_UNKNOWN ||
        tok->type[id] == RY_TOK_BYTE)
        return -1;
    return id;
}

struct ry_tok_bpe_merge *ry_tok_merge_slot(const struct ry_tok *tok, int32_t left, int32_t right)
{
    uint32_t mask = tok->n_merge_slots - 1;
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    for (uint32_t i = (uint32_t)(h >> 32) & mask;; i = (i + 1) & mask) {
        struct ry_tok_bpe_merge *m = &tok->merges[i];
        if (m->left < 0 || (m->left == left && m->right == right))
            return m;
    }
}

const char *ry_tok_special_bytes(const struct ry_tok *tok, int32_t id, size_t *len)
{
    if (tok->type[id] != RY_TOK_USER_DEFINED)
        return text_of(tok, id, len);
    *len = tok->byte_at[id + 1] - tok->byte_at[id];
    return tok->bytes + tok->byte_at[id];
}

/* Smallest power of two that is at least twice n. */
static uint32_t table_size(uint32_t n)
{
    uint32_t size = 16;
    while (size < 2 * n)
        size *= 2;
    return size;
}

/* ---- steps of loading -------------------------------------------------------------------------------- */

/* Texts and their hash table. The first of several equal texts owns it; an empty text is never found. */
static ry_rc load_texts(struct ry_tok *tok, const ry_gguf *gguf, uint32_t n_rows, ry_err *err)
{
    const char *key = "tokenizer.ggml.tokens";
    const struct ry_gguf_kv *kv;
    ry_rc rc = ry_gguf_get_array(gguf, key, RY_GGUF_STRING, &kv, err);
    if (rc == RY_ERR_NOT_FOUND)
        return ry_gguf_fail(gguf, RY_GGUF_NO_OFFSET, err,
                            "%s is missing: the file names a tokenizer without one", key);
    if (rc)
        return rc;
    uint64_t limit = n_rows ? n_rows : MAX_TOKENS;
    if (kv->count == 0 || kv->count > limit)
        return ry_gguf_fail(gguf, RY_GGUF_NO_OFFSET, err,
                            "%s (offset %llu) holds %llu tokens; 1 to %llu can be%s", key,
                            (unsigned long long)kv->offset, (unsigned long long)kv->count,
                            (unsigned long long)limit, n_rows ? ", as the embedding has rows" : "");
    uint32_t n = tok->n_vocab = (uint32_t)kv->count;
    struct ry_str *strs = ry_mem_alloc(n, sizeof *strs);
    tok->text_at = ry_mem_zalloc((size_t)n + 1, sizeof *tok->text_at);
    tok->byte_at = ry_mem_zalloc((size_t)n + 1, sizeof *tok->byte_at);
    tok->type = ry_mem_zalloc(n, 1);
    tok->eog = ry_mem_zalloc(n, 1);
    tok->rstrip = ry_mem_zalloc(n, 1);
    tok->n_slots = table_size(n);
    tok->slots = ry_mem_zalloc(tok->n_slots, sizeof *tok->slots);
    if (!strs || !tok->text_at || !tok->byte_at || !tok->type || !tok->eog || !tok->rstrip ||
        !tok->slots) {
        rc = no_memory(err);
        goto done;
    }
    rc = ry_gguf_array_strings(gguf, kv, strs, err);
    if (rc)
        goto done;
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        total += strs[i].len;
        if (total > UINT32_MAX) {
            rc =
                ry_gguf_fail(gguf, RY_GGUF_NO_OFFSET, err, "%s holds more than 4 GiB of text", key);
            goto done;
        }
        tok->text_at[i + 1] = (uint32_t)total;
        if (strs[i].len > tok->max_text)
            tok->max_text = (uint32_t)strs[i].len;
    }
    tok->texts = ry_mem_alloc(total, 1);
    tok->bytes = ry_mem_alloc(total, 1);
    if (!tok->texts || !tok->bytes) {
        rc = no_memory(err);
        goto done;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!strs[i].len)
            continue;
        memcpy(tok->texts + tok->text_at[i], strs[i].s, strs[i].len);
        uint32_t *slot = slot_of(tok, strs[i].s, strs[i].len);
        if (!*slot)
            *slot = i + 1;
    }
done:
    ry_mem_free(strs);
    return rc;
}

/* The value of a byte token, -1 when the text is not of the form <0xXX>. */
static int byte_token_value(const char *text, size_t len)
{
    if (len != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>')
        return -1;
    int v = 0;
    for (int i = 3; i < 5; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

/* An array of one number per token; RY_ERR_NOT_FOUND when the key is absent. */
static ry_rc per_token_array(const struct ry_tok *tok, const ry_gguf *gguf, const char *key,
                             enum ry_gguf_type elem, const struct ry_gguf_kv **kv, ry_err *err)
{
    ry_rc rc = ry_gguf_get_array(gguf, key, elem, kv, err);
    if (rc == RY_OK && (*kv)->count != tok->n_vocab)
        rc = ry_gguf_fail(
            gguf, RY_GGUF_NO_OFFSET, err, "%s (offset %llu) has %llu elements for %u tokens", key,
            (unsigned long long)(*kv)->offset, (unsigned long long)(*kv)->count, tok->n_vocab);
    return rc;
}

static ry_rc load_types(struct ry_tok *tok, const ry_gguf *gguf, ry_err *err)
{
    const char *key = "tokenizer.ggml.token_type";
    const struct ry_gguf_kv *kv = ry_gguf_find(gguf, key);
    bool is_unsigned = kv && kv->type == RY_GGUF_ARRAY && kv->elem == RY_GGUF_U32;
    ry_rc rc = per_token_array(tok, gguf, key, is_unsigned ? RY_GGUF_U32 : RY_GGUF_I32, &kv, err);
    if (rc && rc != RY_ERR_NOT_FOUND)
        return rc;
    bool absent = rc == RY_ERR_NOT_FOUND;
    for (uint32_t i = 0; i < tok->n_vocab; i++) {
        uint32_t type = RY_TOK_NORMAL;
        size_t len;
        const char *text = text_of(tok, (int32_t)i, &len);
        int value = byte_token_value(text, len);
        if (!absent)
            memcpy(&type, kv->data + 4 * (size_t)i, 4);
        else if (!tok->bpe && value >= 0)
            type = RY_TOK_BYTE;
        if (type >= RY_TOK_TYPE_COUNT)
            return ry_gguf_fail(gguf, RY_GGUF_NO_OFFSET, err,
                                "%s: token %u has type %d; 0 to %d are known", key, i, (int)type,
                                RY_TOK_TYPE_COUNT - 1);
        if (type == RY_TOK_BYTE && value < 0)
            return ry_gguf_fail(
                gguf, RY_GGUF_NO_OFFSET, err,
                "%s: token %u is a byte token, but its text '%.*s' is not <0x00> to "
                "<0xFF>",
                key, i, (int)(len < 64 ? len : 64), text);
        tok->type[i] = (uint8_t)type;
    }
    return RY_OK;
}

static ry_rc load_scores(struct ry_tok *tok, const ry_gguf *gguf, ry_err *err)
{
    const char *key = "tokenizer.ggml.scores";
    const struct ry_gguf_kv *kv;
    ry_rc rc = per_token_array(tok, gguf, key, RY_GGUF_F32, &kv, err);
    if (rc == RY_ERR_NOT_FOUND)
        return ry_gguf_fail(gguf, RY_GGUF_NO_OFFSET, err,
                            "%s is missing: an SPM tokenizer merges by score", key);
    if (rc)
        return rc;
    tok->scores = ry_mem_alloc(tok->n_vocab, sizeof *tok->scores);
    if (!tok->scores)
        return no_memory(err);
    memcpy(tok->scores, kv->data, tok->n_vocab * sizeof *tok->scores);
    for (uint32_t i = 0; i < tok->n_vocab; i++)
        if (isnan(tok->scores[i]))
            return ry_gguf_fail(gguf, RY_GGUF_NO_OFFSET, err,
                                "%s: the score of token %u is not a number", key, i);
    return RY_OK;
}

/* An id from a key, or the default where the key is absent: then it must exist and be a control token. */
static ry_rc load_special_id(const struct ry_tok *tok, const ry_gguf *gguf, const char *key,
                             uint32_t by_default, int32_t *out, ry_err *err)
{
    uint32_t id;
    ry_rc rc = ry_gguf_get_u32(gguf, key, &id, err);
    *out = -1;
    if (rc == RY_ERR_NOT_FOUND) {
        if (by_default < tok->n_vocab &&
            (tok->type[by_default] == RY_TOK_CONTROL || tok->type[by_default] == RY_TOK_UNKNOWN))
            *out = (int32_t)by_default;
        return RY_OK;
    }
    if (rc)
        return rc;
    if (id >= tok->n_vocab)
        return ry_gguf_fail(gguf, RY_GGUF_NO_OFFSET, err,
                            "%s is %u, but the vocabulary has %u tokens", key, id, tok->n_vocab);
    *out = (int32_t)id;
    return RY_OK;
}

/* Texts that end an answer in one family or another; a token with such a text is a control token whatever its type
 * says (Phi-3 calls its </s> user-defined, and typed text must not end an answer). */
static const char *const EOG_TEXTS[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
    "<|eom_id|>",
    "<\357\275\234end\342\226\201of\342\226\201sentence\357\275\234>", /* DeepSeek: U+FF5C, U+2581 */
};

static ry_rc load_special_ids(struct ry_tok *tok, const ry_gguf *gguf, ry_err *err)
{
    const uint32_t none = UINT32_MAX;
    int32_t eot, eom;
    ry_rc rc;
    for (size_t i = 0; i < sizeof EOG_TEXTS / sizeof EOG_TEXTS[0]; i++) {
        int32_t id = ry_tok_lookup(tok, EOG_TEXTS[i], strlen(EOG_TEXTS[i]));
        if (id >= 0) {
            tok->eog[id] = 1;
            tok->type[id] = RY_TOK_CONTROL;
        }
    }
    if ((rc = load_special_id(tok, gguf, "tokenizer.ggml.bos_token_id", tok->bpe ? 11 : 1,
                              &tok->bos, err)) ||
        (rc = load_special_id(tok, gguf, "tokenizer.ggml.eos_token_id", tok->bpe ? 11 : 2,
                              &tok->eos, err)) ||
        (rc = load_special_id(tok, gguf, "tokenizer.ggml.unknown_token_id", tok->bpe ? none : 0,
                              &tok->unk, err)) ||
        (rc = load_special_id(tok, gguf, "tokenizer.ggml.eot_token_id", none, &eot, err)) ||
        (rc = load_special_id(tok, gguf, "tokenizer.ggml.eom_token_id", none, &eom, err)))
        return rc;
    const int32_t ends[] = {tok->eos, eot, eom};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i] >= 0)
            tok->eog[ends[i]] = 1;
    return RY_OK;
}

/* The key's flag, or by_default where it is absent. */
static ry_rc load_flag(const ry_gguf *gguf, const char *key, bool by_default, bool *out,
                       ry_err *err)
{
    *out = by_default;
    ry_rc rc = ry_gguf_get_bool(gguf, key, out, err);
    return rc == RY_ERR_NOT_FOUND ? RY_OK : rc;
}

/* Bytes of a normal BPE token: its printable code points back to bytes; what is none of them stays. */
static size_t unprint(const char *text, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        int32_t cp;
        size_t took = ry_utf8_decode(text + i, len - i, &cp);
        int byte = cp < 0 ? -1 : ry_tok_cp_to_byte(cp);
        if (byte >= 0) {
            out[n++] = (char)byte;
        } else {
            memcpy(out + n, text + i, took);
            n += took;
        }
        i += took;
    }
    return n;
}

/* Copies, U+2581 as a space. */
static size_t unescape(const char *text, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        bool mark = len - i >= 3 && memcmp(text + i, "\xE2\x96\x81", 3) == 0;
        out[n++] = mark ? ' ' : text[i];
        i += mark ? 2 : 0;
    }
    return n;
}

/* Running text of every token. It is never longer than the text in the file, so that one block of that size holds all. */
static void make_bytes(struct ry_tok *tok)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < tok->n_vocab; i++) {
        size_t len;
        const char *text = text_of(tok, (int32_t)i, &len);
        char *out = tok->bytes + at;
        tok->byte_at[i] = at;
        switch (tok->type[i]) {
        case RY_TOK_CONTROL:
        case RY_TOK_UNKNOWN:
            break;
        case RY_TOK_BYTE:
            out[0] = (char)byte_token_value(text, len);
            at++;
            break;
        case RY_TOK_USER_DEFINED:
            if (tok->bpe) {
                memcpy(out, text, len);
                at += (uint32_t)len;
                break;
            }
            at += (uint32_t)unescape(text, len, out);
            break;
        default:
            at += (uint32_t)(tok->bpe ? unprint(text, len, out) : unescape(text, len, out));
        }
    }
    tok->byte_at[tok->n_vocab] = at;
}

/* Which token stands for a byte that no longer text covers. */
static void make_byte_ids(struct ry_tok *tok)
{
    for (int b = 0; b < 256; b++) {
        char utf8[RY_UTF8_MAX_BYTES] = {(char)b};
        size_t n = tok->bpe ? ry_utf8_encode(ry_tok_byte_to_cp((unsigned char)b), utf8) : 1;
        tok->byte_id[b] = ry_tok_lookup_plain(tok, utf8, n);
    }
    if (tok->bpe)
        return;
    for (uint32_t i = tok->n_vocab; i-- > 0;)
        if (tok->type[i] == RY_TOK_BYTE)
            tok->byte_id[(unsigned char)tok->bytes[tok->byte_at[i]]] = (int32_t)i;
}

static ry_rc load_pre(struct ry_tok *tok, const ry_gguf *gguf, ry_err *err)
{
    struct ry_str name = {"", 0};
    ry_rc rc = ry_gguf_get_str(gguf, "tokenizer.ggml.pre", &name, err);
    if (rc && rc != RY_ERR_NOT_FOUND)
        return rc;
    if (rc == RY_ERR_NOT_FOUND) {
        /* BitNet 2B4T and early Llama 3 files do not say, and are recognised by their own begin token. */
        bool llama3 = ry_tok_lookup(tok, "<|begin_of_text|>", 17) >= 0;
        name.s = llama3 ? "llama-bpe" : "default";
        name.len = strlen(name.s);
    }
    tok->pre = ry_pre_find(name.s, name.len);
    if (tok->pre) {
        snprintf(tok->pre_name, sizeof tok->pre_name, "%s", tok->pre->name);
        return RY_OK;
    }
    tok->pre = ry_pre_find("default", 7);
    snprintf(tok->pre_name, sizeof tok->pre_name, "default (%.*s unknown)",
             (int)(name.len < 64 ? name.len : 64), name.s);
    return RY_OK;
}

/* One line "left right" of the merges. The first of several equal merges counts; one that would make a control token
 * out of typed text is left out. */
static ry_rc add_merge(struct ry_tok *tok, const ry_gguf *gguf, struct ry_str line, uint32_t rank,
                       ry_buf *whole, ry_err *err)
{
    const char *space = line.len > 1 ? memchr(line.s + 1, ' ', line.len - 1) : NULL;
    int32_t left = -1, right = -1, both = -1;
    if (space) {
        size_t n = (size_t)(space - line.s), m = line.len - n - 1;
        ry_buf_clear(whole);
        ry_buf_add(whole, line.s, n);
        ry_buf_add(whole, space + 1, m);
        if (whole->failed)
            return no_memory(err);
        left = ry_tok_lookup(tok, line.s, n);
        right = ry_tok_lookup(tok, space + 1, m);
        both = ry_tok_lookup(tok, ry_buf_str(whole), whole->len);
    }
    if (left < 0 || right < 0 || both < 0)
        return ry_gguf_fail(
            gguf, RY_GGUF_NO_OFFSET, err,
            "tokenizer.ggml.merges: number %u ('%.*s') does not make a token out of two", rank,
            (int)(line.len < 96 ? line.len : 96), line.s);
    if (tok->type[both] == RY_TOK_CONTROL || tok->type[both] == RY_TOK_UNKNOWN)
        return RY_OK;
    struct ry_tok_bpe_merge *slot = ry_tok_merge_slot(tok, left, right);
    if (slot->left < 0)
        *slot = (struct ry_tok_bpe_merge){left, right, both, rank};
    return RY_OK;
}

static ry_rc load_merges(struct ry_tok *tok, const ry_gguf *gguf, ry_err *err)
{
    const char *key = "tokenizer.ggml.merges";
    const struct ry_gguf_kv *kv;
    ry_rc rc = ry_gguf_get_array(gguf, key, RY_GGUF_STRING, &kv, err);
    if (rc == RY_ERR_NOT_FOUND)
        return ry_gguf_fail(gguf, RY_GGUF_NO_OFFSET, err,
                            "%s is missing: a BPE tokenizer merges by it", key);
    if (rc)
        return rc;
    if (kv->count > MAX_MERGES)
        return ry_gguf_fail(
            gguf, RY_GGUF_NO_OFFSET, err, "%s (offset %llu) holds %llu merges; at most %d can be",
            key, (unsigned long long)kv->offset, (unsigned long long)kv->count, MAX_MERGES);
    uint32_t n = (uint32_t)kv->count;
    ry_buf whole = {0};
    struct ry_str *lines = ry_mem_alloc(n, sizeof *lines);
    tok->n_merge_slots = table_size(n);
    tok->merges = ry_mem_alloc(tok->n_merge_slots, sizeof *tok->merges);
    if (!lines || !tok->merges) {
        rc = no_memory(err);
        goto done;
    }
    memset(tok->merges, 0xFF, tok->n_merge_slots * sizeof *tok->merges);
    rc = ry_gguf_array_strings(gguf, kv, lines, err);
    for (uint32_t i = 0; i < n && !rc; i++)
        rc = add_merge(tok, gguf, lines[i], i, &whole, err);
done:
    ry_buf_done(&whole);
    ry_mem_free(lines);
    return rc;
}

struct special {
    const char *bytes;
    size_t len;
    int32_t id;
};

static int compare_specials(const void *a, const void *b)
{
    const struct special *x = a, *y = b;
    int c = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);
    if (c || x->len != y->len)
        return c ? c : x->len < y->len ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

/* The tokens that are cut out of a text, sorted, each text once. */
static ry_rc make_specials(struct ry_tok *tok, ry_err *err)
{
    uint32_t n = 0;
    struct special *all = ry_mem_alloc(tok->n_vocab, sizeof *all);
    if (!all)
        return no_memory(err);
    for (uint32_t i = 0; i < tok->n_vocab; i++) {
        uint8_t t = tok->type[i];
        if (t != RY_TOK_CONTROL && t != RY_TOK_UNKNOWN && t != RY_TOK_USER_DEFINED)
            continue;
        struct special s = {.id = (int32_t)i};
        s.bytes = ry_tok_special_bytes(tok, s.id, &s.len);
        if (s.len && s.len <= RY_TOK_MAX_SPECIAL_BYTES)
            all[n++] = s;
    }
    qsort(all, n, sizeof *all, compare_specials);
    tok->specials = ry_mem_alloc(n, sizeof *tok->specials);
    if (!tok->specials) {
        ry_mem_free(all);
        return no_memory(err);
    }
    uint32_t kept = 0, b = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i && all[i].len == all[i - 1].len &&
            memcmp(all[i].bytes, all[i - 1].bytes, all[i].len) == 0)
            continue;
        while (b <= (unsigned char)all[i].bytes[0])
            tok->special_first[b++] = kept;
        tok->specials[kept++] = all[i].id;
    }
    while (b <= 256)
        tok->special_first[b++] = kept;
    tok->n_specials = kept;
    ry_mem_free(all);
    return RY_OK;
}

/* Phi-3's SentencePiece tokenizer takes the white space behind its own tokens with them ("rstrip" in its
 * tokenizer.json), all but these three. A GGUF does not say so; the family is known by architecture and model. */
static void mark_rstrip(struct ry_tok *tok, const ry_gguf *gguf)
{
    struct ry_str arch;
    if (tok->bpe || ry_gguf_get_str(gguf, "general.architecture", &arch, NULL) || arch.len != 4 ||
        memcmp(arch.s, "phi3", 4) != 0)
        return;
    for (uint32_t i = 0; i < tok->n_specials; i++) {
        int32_t id = tok->specials[i];
        tok->rstrip[id] = tok->type[id] == RY_TOK_CONTROL;
    }
    const char *const plain[] = {"<unk>", "<s>", "<|endoftext|>"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        int32_t id = ry_tok_lookup(tok, plain[i], strlen(plain[i]));
        if (id >= 0)
            tok->rstrip[id] = 0;
    }
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

/* Which kind of tokenizer the file names; *none when it has none. */
static ry_rc load_kind(const ry_gguf *gguf, bool *bpe, bool *none, ry_err *err)
{
    struct ry_str model;
    ry_rc rc = ry_gguf_get_str(gguf, "tokenizer.ggml.model", &model, err);
    *none = false;
    if (rc == RY_ERR_NOT_FOUND) {
        *none = !ry_gguf_find(gguf, "tokenizer.ggml.tokens");
        return *none ? RY_OK
                     : ry_gguf_fail(gguf, RY_GGUF_NO_OFFSET, err,
                                    "tokenizer.ggml.model is missing, though tokens are there");
    }
    if (rc)
        return rc;
    if (model.len == 8 && memcmp(model.s, "no_vocab", 8) == 0)
        *none = true;
    else if (model.len == 5 && memcmp(model.s, "llama", 5) == 0)
        *bpe = false;
    else if (model.len == 4 && memcmp(model.s, "gpt2", 4) == 0)
        *bpe = true;
    else
        return ry_gguf_fail(
            gguf, RY_GGUF_NO_OFFSET, err,
            "tokenizer.ggml.model is '%.*s'; 'llama' (SPM) and 'gpt2' (BPE) can be read",
            (int)(model.len < 64 ? model.len : 64), model.s);
    return RY_OK;
}

static ry_rc load_all(struct ry_tok *tok, const ry_gguf *gguf, uint32_t n_rows, ry_err *err)
{
    ry_rc rc;
    if ((rc = load_texts(tok, gguf, n_rows, err)) || (rc = load_types(tok, gguf, err)) ||
        (rc = load_special_ids(tok, gguf, err)))
        return rc;
    make_bytes(tok);
    make_byte_ids(tok);
    if (tok->bpe)
        rc = load_pre(tok, gguf, err);
    else
        rc = load_scores(tok, gguf, err);
    if (rc || (tok->bpe && (rc = load_merges(tok, gguf, err))) ||
        (rc = load_flag(gguf, "tokenizer.ggml.add_bos_token", !tok->bpe || tok->pre->adds_bos,
                        &tok->adds_bos, err)) ||
        (rc = load_flag(gguf, "tokenizer.ggml.add_space_prefix", true, &tok->adds_prefix, err)) ||
        (rc = make_specials(tok, err)))
        return rc;
    mark_rstrip(tok, gguf);
    return RY_OK;
}

ry_rc ry_tok_load(ry_tok **out, const ry_gguf *gguf, uint32_t n_vocab, ry_err *err)
{
    bool bpe = false, none;
    ry_rc rc = load_kind(gguf, &bpe, &none, err);
    if (rc)
        return rc;
    if (none) {
        *out = NULL;
        return RY_OK;
    }
    struct ry_tok *tok = ry_mem_zalloc(1, sizeof *tok);
    if (!tok)
        return no_memory(err);
    tok->bpe = bpe;
    rc = load_all(tok, gguf, n_vocab, err);
    if (rc) {
        ry_tok_free(tok);
        return rc;
    }
    *out = tok;
    return RY_OK;
}

void ry_tok_free(ry_tok *tok)
{
    if (!tok)
        return;
    ry_mem_free(tok->texts);
    ry_mem_free(tok->text_at);
    ry_mem_free(tok->bytes);
    ry_mem_free(tok->byte_at);
    ry_mem_free(tok->type);
    ry_mem_free(tok->eog);
    ry_mem_free(tok->rstrip);
    ry_mem_free(tok->scores);
    ry_mem_free(tok->slots);
    ry_mem_free(tok->merges);
    ry_mem_free(tok->specials);
    ry_mem_free(tok);
}
