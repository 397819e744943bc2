/* SPM (SentencePiece BPE as Llama 2 uses it), and the merge loop that both algorithms share.
 * Any thread; the scratch belongs to one call. Must not know special tokens. */
#include "engine/tok_int.h"

#include <string.h>

#include "src/base/mem.h"
#include "src/base/utf8.h"

static const char SPACE_MARK[] = "\xE2\x96\x81"; /* U+2581 */

void ry_tok_work_done(struct ry_tok_work *work)
{
    ry_mem_free(work->syms);
    ry_mem_free(work->heap);
    ry_buf_done(&work->text);
    memset(work, 0, sizeof *work);
}

bool ry_tok_work_reserve(struct ry_tok_work *work, size_t n)
{
    if (n <= work->cap)
        return true;
    size_t cap = work->cap * 2 > n ? work->cap * 2 : n;
    cap = cap < 64 ? 64 : cap;
    struct ry_sym *syms = ry_mem_resize(work->syms, cap, sizeof *syms);
    if (!syms)
        return false;
    work->syms = syms;
    /* n - 1 pairs at first; each merge takes one away and adds at most two, and there are at most n - 1 merges. */
    struct ry_merge_cand *heap = ry_mem_resize(work->heap, cap, 2 * sizeof *heap);
    if (!heap)
        return false;
    work->heap = heap;
    work->cap = cap;
    return true;
}

static bool before(const struct ry_merge_cand *a, const struct ry_merge_cand *b)
{
    return a->key < b->key || (a->key == b->key && a->left < b->left);
}

static void heap_push(struct ry_tok_work *work, struct ry_merge_cand cand)
{
    struct ry_merge_cand *h = work->heap;
    size_t i = work->n_heap++;
    while (i > 0 && before(&cand, &h[(i - 1) / 2])) {
        h[i] = h[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h[i] = cand;
}

static struct ry_merge_cand heap_pop(struct ry_tok_work *work)
{
    struct ry_merge_cand *h = work->heap;
    struct ry_merge_cand top = h[0], last = h[--work->n_heap];
    size_t i = 0, n = work->n_heap;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&h[child + 1], &h[child]))
            child++;
        if (!before(&h[child], &last))
            break;
        h[i] = h[child];
    }
    h[i] = last;
    return top;
}

/* The pair of symbol `left` and the one after it, onto the heap if it merges. */
static void consider(struct ry_tok_work *work, int32_t left, const struct ry_tok *tok,
                     const char *text, ry_merge_pair pair)
{
    if (left < 0 || work->syms[left].next < 0)
        return;
    const struct ry_sym *a = &work->syms[left], *b = &work->syms[a->next];
    struct ry_merge_cand cand = {.left = (uint32_t)left, .len = a->len + b->len};
    if (pair(tok, text, a, b, &cand))
        heap_push(work, cand);
}

void ry_merge_run(struct ry_tok_work *work, size_t n, const struct ry_tok *tok, const char *text,
                  ry_merge_pair pair)
{
    work->n_heap = 0;
    for (size_t i = 0; i + 1 < n; i++)
        consider(work, (int32_t)i, tok, text, pair);
    while (work->n_heap) {
        struct ry_merge_cand cand = heap_pop(work);
        struct ry_sym *a = &work->syms[cand.left];
        if (!a->len || a->next < 0 || a->len + work->syms[a->next].len != cand.len)
            continue;
        struct ry_sym *b = &work->syms[a->next];
        a->len = cand.len;
        a->id = cand.id;
        a->next = b->next;
        b->len = 0;
        if (a->next >= 0)
            work->syms[a->next].prev = (int32_t)cand.left;
        consider(work, a->prev, tok, text, pair);
        consider(work, (int32_t)cand.left, tok, text, pair);
    }
}

bool ry_tok_push_bytes(const struct ry_tok *tok, const char *bytes, size_t len, ry_ids *out)
{
    for (size_t i = 0; i < len; i++) {
        int32_t id = tok->byte_id[(unsigned char)bytes[i]];
        if (id < 0)
            id = tok->unk;
        if (id >= 0 && !ry_ids_push(out, id))
            return false;
    }
    return true;
}

/* Higher scores first: floats to integers whose order is the reverse. */
static uint32_t score_key(float score)
{
    uint32_t bits;
    score += 0.0f; /* -0 is 0 */
    memcpy(&bits, &score, sizeof bits);
    return bits & 0x80000000u ? bits : 0x7FFFFFFFu - bits;
}

static bool spm_pair(const struct ry_tok *tok, const char *text, const struct ry_sym *a,
                     const struct ry_sym *b, struct ry_merge_cand *out)
{
    size_t len = (size_t)a->len + b->len;
    if (len > tok->max_text)
        return false;
    int32_t id = ry_tok_lookup_plain(tok, text + a->at, len);
    if (id < 0)
        return false;
    out->id = id;
    out->key = score_key(tok->scores[id]);
    return true;
}

/* Spaces become U+2581, and one stands before when prefix says so. */
static bool escape(ry_buf *out, const char *text, size_t len, bool prefix)
{
    ry_buf_clear(out);
    if (prefix)
        ry_buf_adds(out, SPACE_MARK);
    size_t from = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != ' ')
            continue;
        ry_buf_add(out, text + from, i - from);
        if (i < len)
            ry_buf_adds(out, SPACE_MARK);
        from = i + 1;
    }
    return !out->failed;
}

bool ry_spm_encode(const struct ry_tok *tok, struct ry_tok_work *work, const char *text, size_t len,
                   bool prefix, ry_ids *out)
{
    if (!escape(&work->text, text, len, prefix))
        return false;
    const char *s = work->text.data;
    size_t n_bytes = work->text.len, n = 0;
    if (!ry_tok_work_reserve(work, n_bytes))
        return false;
    for (size_t at = 0; at < n_bytes; n++) {
        int32_t cp;
        size_t took = ry_utf8_decode(s + at, n_bytes - at, &cp);
        work->syms[n] = (struct ry_sym){.at = (uint32_t)at,
                                        .len = (uint32_t)took,
                                        .id = ry_tok_lookup_plain(tok, s + at, took),
                                        .prev = (int32_t)n - 1,
                                        .next = at + took < n_bytes ? (int32_t)n + 1 : -1};
        at += took;
    }
    if (!n)
        return true;
    ry_merge_run(work, n, tok, s, spm_pair);
    for (int32_t i = 0; i >= 0; i = work->syms[i].next) {
        const struct ry_sym *sym = &work->syms[i];
        bool ok = sym->id >= 0 ? ry_ids_push(out, sym->id)
                               : ry_tok_push_bytes(tok, s + sym->at, sym->len, out);
        if (!ok)
            return false;
    }
    return true;
}
