/* Attention: the face, and the standard implementation: one query head at a time, scores in full, softmax, then values
 * in order of position. */
#include "engine/attention.h"

#include <string.h>

#include "engine/attn_rows.h"
#include "src/base/mem.h"

bool ry_attn_part_floats(const struct ry_hparams *hp, size_t n_ctx, size_t *out)
{
    size_t n_chunks = (n_ctx + RY_KV_CHUNK - 1) / RY_KV_CHUNK, n;
    *out = 0;
    if (n_chunks < 2)
        return true;
    return ry_mem_mul(n_chunks, (size_t)RY_ATTN_SPLIT_TOKENS * hp->n_head, &n) &&
           ry_mem_mul(n, (size_t)hp->head_dim_v + 2, out);
}

/* The chunks that a query sees, one after the other: their scores to own->s side by side, or with `out` the values by
 * the weights that stand there. */
static void walk(const struct ry_attn *a, struct ry_attn_own *own, size_t kv_head, size_t first,
                 size_t last, float *out)
{
    size_t c0 = first / RY_KV_CHUNK, c1 = last / RY_KV_CHUNK;
    for (size_t c = c0; c <= c1; c++) {
        float *s = own->s + (c - c0) * RY_KV_CHUNK;
        size_t lo = c == c0 ? first % RY_KV_CHUNK : 0;
        size_t hi = c == c1 ? last % RY_KV_CHUNK + 1 : RY_KV_CHUNK;
        struct ry_attn_chunk chunk =
            ry_attn_chunk_of(a, ry_kv_record(a->kv, a->layer, kv_head, c), NULL);
        if (out)
            ry_attn_values(a, &chunk, own, out, a->hp->head_dim_v, s, 1, lo, hi);
        else
            ry_attn_scores(a, &chunk, own, s, 1, lo, hi);
    }
}

/* Task i: head i % n_head of token i / n_head. */
static void standard_task(const struct ry_attn *a, size_t i, struct ry_attn_own *own)
{
    const struct ry_hparams *hp = a->hp;
    size_t t = i / hp->n_head, h = i % hp->n_head, kv_head = h / (hp->n_head / hp->n_head_kv);
    size_t last = a->pos + t, first = ry_attn_first(a, last), n = last - first + 1;
    const float *q = a->q + t * a->ldq + h * hp->head_dim_k;
    float *out = a->out + t * a->ldo + h * hp->head_dim_v, *seen = own->s + first % RY_KV_CHUNK;
    ry_attn_take_queries(a, own, &q, 1);
    walk(a, own, kv_head, first, last, NULL);
    if (hp->attn_softcap != 0)
        a->kern->softcap(seen, hp->attn_softcap, n);
    a->kern->softmax(seen, n);
    memset(out, 0, hp->head_dim_v * sizeof *out);
    walk(a, own, kv_head, first, last, out);
}

void ry_attn_plan(struct ry_attn *a, enum ry_attention kind, int n_threads)
{
    a->kind = kind;
    a->stride = (size_t)n_threads;
    a->n_merges = 0;
    if (kind == RY_ATTENTION_FLASH)
        ry_attn_flash_plan(a, n_threads);
    else
        a->n_tasks = a->n_tok * a->hp->n_head;
}

void ry_attn_task(const struct ry_attn *a, size_t i, struct ry_attn_own *own)
{
    if (a->kind == RY_ATTENTION_FLASH)
        ry_attn_flash_task(a, i, own);
    else
        standard_task(a, i, own);
}

void ry_attn_merge(const struct ry_attn *a, size_t i)
{
    ry_attn_flash_merge(a, i);
}
