/* The tokenizer's door: special tokens cut out, the rest to SPM or BPE; queries; streaming detokenisation.
 * A ry_tok is const: any thread. Must not know files, models or templates. */
#include "engine/tok.h"

#include <string.h>

#include "engine/tok_int.h"
#include "src/base/mem.h"
#include "src/base/utf8.h"

/* Symbols are counted in 32 bits, and SPM's escaping triples a text of spaces. */
enum { MAX_TEXT_BYTES = 1 << 28 };

/* ---- id lists ---------------------------------------------------------------------------------------- */

void ry_ids_done(ry_ids *ids)
{
    ry_mem_free(ids->v);
    memset(ids, 0, sizeof *ids);
}

bool ry_ids_push(ry_ids *ids, int32_t id)
{
    if (ids->n == ids->cap) {
        size_t cap = ids->cap ? ids->cap * 2 : 64;
        int32_t *v = ry_mem_resize(ids->v, cap, sizeof *v);
        if (!v)
            return false;
        ids->v = v;
        ids->cap = cap;
    }
    ids->v[ids->n++] = id;
    return true;
}

/* ---- queries ----------------------------------------------------------------------------------------- */

static bool in_vocab(const ry_tok *tok, int32_t id)
{
    return id >= 0 && (uint32_t)id < tok->n_vocab;
}

uint32_t ry_tok_n_vocab(const ry_tok *tok)
{
    return tok->n_vocab;
}

const char *ry_tok_model_name(const ry_tok *tok)
{
    return tok->bpe ? "BPE" : "SPM";
}

const char *ry_tok_pre_name(const ry_tok *tok)
{
    return tok->pre_name;
}

int32_t ry_tok_bos(const ry_tok *tok)
{
    return tok->bos;
}

int32_t ry_tok_eos(const ry_tok *tok)
{
    return tok->eos;
}

bool ry_tok_adds_prefix(const ry_tok *tok)
{
    return !tok->bpe && tok->adds_prefix;
}

bool ry_tok_adds_bos(const ry_tok *tok)
{
    return tok->adds_bos && tok->bos >= 0;
}

bool ry_tok_is_eog(const ry_tok *tok, int32_t id)
{
    return in_vocab(tok, id) && tok->eog[id];
}

bool ry_tok_is_control(const ry_tok *tok, int32_t id)
{
    return in_vocab(tok, id) &&
           (tok->type[id] == RY_TOK_CONTROL || tok->type[id] == RY_TOK_UNKNOWN);
}

int32_t ry_tok_find(const ry_tok *tok, const char *text, size_t len)
{
    return ry_tok_lookup(tok, text, len);
}

const char *ry_tok_text(const ry_tok *tok, int32_t id, size_t *len)
{
    *len = in_vocab(tok, id) ? tok->text_at[id + 1] - tok->text_at[id] : 0;
    return *len ? tok->texts + tok->text_at[id] : "";
}

const char *ry_tok_bytes(const ry_tok *tok, int32_t id, size_t *len)
{
    *len = in_vocab(tok, id) ? tok->byte_at[id + 1] - tok->byte_at[id] : 0;
    return *len ? tok->bytes + tok->byte_at[id] : "";
}

/* ---- encoding ---------------------------------------------------------------------------------------- */

struct encode {
    const ry_tok *tok;
    const char *text;
    size_t len;
    ry_ids *out;
    struct ry_tok_work work;
    bool after_special; /* SPM: the next fragment gets a space prefix */
};

/* Text that holds no special token. */
static bool encode_fragment(struct encode *e, size_t begin, size_t end)
{
    if (begin == end)
        return true;
    bool prefix = e->after_special && e->tok->adds_prefix;
    e->after_special = false;
    if (e->tok->bpe)
        return ry_bpe_encode(e->tok, &e->work, e->text + begin, end - begin, e->out);
    return ry_spm_encode(e->tok, &e->work, e->text + begin, end - begin, prefix, e->out);
}

/* The longest special token that begins at `at`, -1 when none does; control ones must end by control_end. Leftmost and
 * then longest is what the models' original tokenizers do. The candidates are a range of the sorted list that each
 * further byte narrows. */
static int32_t special_at(const struct encode *e, size_t at, size_t control_end, size_t *len)
{
    const ry_tok *tok = e->tok;
    unsigned char first = (unsigned char)e->text[at];
    uint32_t lo = tok->special_first[first], hi = tok->special_first[first + 1];
    int32_t best = -1;
    for (size_t depth = 1; lo < hi; depth++) {
        size_t n;
        int32_t id = tok->specials[lo];
        const char *bytes = ry_tok_special_bytes(tok, id, &n);
        if (n == depth) { /* the shortest of the range comes first: it is matched whole */
            if (tok->type[id] == RY_TOK_USER_DEFINED || at + depth <= control_end) {
                best = id;
                *len = depth;
            }
            lo++;
        }
        if (at + depth >= e->len)
            break;
        unsigned char want = (unsigned char)e->text[at + depth];
        /* Lower bounds of want and of want + 1 at this depth. */
        uint32_t range[2];
        for (unsigned k = 0; k < 2; k++) {
            uint32_t a = k ? range[0] : lo, b = hi;
            while (a < b) {
                uint32_t mid = a + (b - a) / 2;
                bytes = ry_tok_special_bytes(tok, tok->specials[mid], &n);
                if ((unsigned)(unsigned char)bytes[depth] < want + k)
                    a = mid + 1;
                else
                    b = mid;
            }
            range[k] = a;
        }
        lo = range[0];
        hi = range[1];
    }
    return best;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool encode_spans(struct encode *e, const struct ry_tok_span *spans, size_t n_spans)
{
    const ry_tok *tok = e->tok;
    size_t fragment = 0, span = 0, span_end = n_spans ? spans[0].len : 0;
    for (size_t at = 0; at < e->len;) {
        while (at >= span_end && span + 1 < n_spans)
            span_end += spans[++span].len;
        size_t len = 0;
        int32_t id = special_at(e, at, spans[span].special ? span_end : 0, &len);
        if (id < 0) {
            at++;
            continue;
        }
        if (!encode_fragment(e, fragment, at) || !ry_ids_push(e->out, id))
            return false;
        at += len;
        while (tok->rstrip[id] && at < e->len && is_space(e->text[at]))
            at++;
        fragment = at;
        e->after_special = true;
    }
    return encode_fragment(e, fragment, e->len);
}

ry_rc ry_tok_encode_spans(const ry_tok *tok, const char *text, const struct ry_tok_span *spans,
                          size_t n_spans, unsigned flags, ry_ids *out, ry_err *err)
{
    size_t n_before = out->n;
    struct encode e = {.tok = tok, .text = text, .out = out};
    for (size_t i = 0; i < n_spans; i++)
        if (spans[i].len > MAX_TEXT_BYTES || (e.len += spans[i].len) > MAX_TEXT_BYTES)
            return ry_err_set(err, RY_ERR_INPUT, "the text is longer than %d MiB; give it in parts",
                              MAX_TEXT_BYTES >> 20);
    e.after_special = !(flags & RY_TOK_NO_PREFIX);
    bool ok = true;
    if (flags & RY_TOK_BOS && ry_tok_adds_bos(tok))
        ok = ry_ids_push(out, tok->bos);
    ok = ok && encode_spans(&e, spans, n_spans);
    ry_tok_work_done(&e.work);
    if (ok)
        return RY_OK;
    out->n = n_before;
    return ry_err_set(err, RY_ERR_MEMORY, "out of memory while tokenising %zu bytes", e.len);
}

ry_rc ry_tok_encode(const ry_tok *tok, const char *text, size_t len, unsigned flags, ry_ids *out,
                    ry_err *err)
{
    const struct ry_tok_span span = {len, flags & RY_TOK_SPECIAL};
    return ry_tok_encode_spans(tok, text, &span, 1, flags, out, err);
}

/* ---- streaming detokenisation ------------------------------------------------------------------------ */

static const char REPLACEMENT[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* Appends text[0..len) with U+FFFD for what is malformed. */
static bool add_valid(ry_buf *out, const char *text, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len;) {
        int32_t cp;
        size_t n = ry_utf8_decode(text + i, len - i, &cp);
        if (cp < 0) {
            ry_buf_add(out, text + from, i - from);
            ry_buf_adds(out, REPLACEMENT);
            from = i + n;
        }
        i += n;
    }
    return ry_buf_add(out, text + from, len - from);
}

bool ry_detok_push(struct ry_detok *d, const char *bytes, size_t len, ry_buf *out)
{
    /* First byte by byte until the held tail is resolved, then the rest at once. */
    size_t i = 0;
    while (d->n_held && i < len) {
        d->held[d->n_held++] = bytes[i++];
        size_t whole = ry_utf8_complete(d->held, d->n_held);
        if (!whole)
            continue;
        if (!add_valid(out, d->held, whole))
            return false;
        d->n_held -= whole;
        memmove(d->held, d->held + whole, d->n_held);
    }
    if (i == len)
        return !out->failed;
    size_t whole = ry_utf8_complete(bytes + i, len - i);
    if (!add_valid(out, bytes + i, whole))
        return false;
    d->n_held = len - i - whole;
    memcpy(d->held, bytes + i + whole, d->n_held);
    return true;
}

bool ry_detok_flush(struct ry_detok *d, ry_buf *out)
{
    bool ok = add_valid(out, d->held, d->n_held);
    d->n_held = 0;
    return ok;
}
