/* Rows of queries against one chunk. See the header. */
#include "engine/attn_rows.h"

#include <string.h>

#include "src/base/mem.h"

enum { LANES = 16 }; /* scores are computed in whole groups of positions */

/* ---- memory -------------------------------------------------------------------------------------------- */

struct cutter {
    char *block;
    size_t at;
    bool overflow;
};

static void *cut(struct cutter *c, size_t a, size_t b, size_t size)
{
    size_t n, here = c->at;
    if (!ry_mem_mul(a, b, &n) || !ry_mem_mul(n, size, &n) || !ry_mem_add(n, 63, &n) ||
        !ry_mem_add(here, n / 64 * 64, &c->at))
        c->overflow = true;
    return c->block && !c->overflow ? c->block + here : NULL;
}

size_t ry_attn_own_cut(struct ry_attn_own *own, const struct ry_hparams *hp, enum ry_kv_elem elem,
                       size_t n_ctx, char *block)
{
    struct cutter c = {.block = block};
    size_t n_chunks = (n_ctx + RY_KV_CHUNK - 1) / RY_KV_CHUNK;
    size_t half = elem == RY_KV_ELEM_F16, q8 = elem == RY_KV_ELEM_Q8, dim_v = hp->head_dim_v;
    *own = (struct ry_attn_own){.ld_q8 = (hp->head_dim_k + 63u) / 64 * 64};
    own->q = cut(&c, RY_ATTN_ROWS, hp->head_dim_k, sizeof *own->q);
    own->s =
        cut(&c, n_chunks > RY_ATTN_ROWS ? n_chunks : RY_ATTN_ROWS, RY_KV_CHUNK, sizeof *own->s);
    own->part = cut(&c, RY_ATTN_ROWS, dim_v, sizeof *own->part);
    own->acc = cut(&c, RY_ATTN_ROWS, dim_v, sizeof *own->acc);
    own->m = cut(&c, RY_ATTN_ROWS, 1, sizeof *own->m);
    own->l = cut(&c, RY_ATTN_ROWS, 1, sizeof *own->l);
    own->mm = cut(&c, RY_ATTN_ROWS, 1, sizeof *own->mm);
    own->ll = cut(&c, RY_ATTN_ROWS, 1, sizeof *own->ll);
    own->k = cut(&c, half * RY_KV_CHUNK, hp->head_dim_k, sizeof *own->k);
    own->v = cut(&c, half * RY_KV_CHUNK, dim_v, sizeof *own->v);
    own->q8 = cut(&c, q8 * RY_ATTN_ROWS, own->ld_q8, sizeof *own->q8);
    own->q8_scale = cut(&c, q8 * RY_ATTN_ROWS, 1, sizeof *own->q8_scale);
    own->sum =
        cut(&c, q8 * 2 * RY_ATTN_ROWS, dim_v > RY_KV_CHUNK ? dim_v : RY_KV_CHUNK, sizeof *own->sum);
    own->digits = cut(&c, q8 * 2 * RY_ATTN_ROWS, RY_KV_CHUNK, sizeof *own->digits);
    return c.overflow ? 0 : c.at;
}

/* ---- chunks -------------------------------------------------------------------------------------------- */

struct ry_attn_chunk ry_attn_chunk_of(const struct ry_attn *a, const char *record,
                                      const char *next_record)
{
    const struct ry_kv *kv = a->kv;
    struct ry_attn_chunk c = {.elem = kv->elem, .k = record, .v = record + kv->v_at};
    c.k_scales = (const float *)(const void *)(record + kv->k_scales_at);
    c.v_scales = (const float *)(const void *)(record + kv->v_scales_at);
    if (a->prefetch && next_record) {
        c.next = next_record;
        c.n_next = kv->v_at;
    }
    return c;
}

void ry_attn_unpack(struct ry_attn_chunk *chunk, const struct ry_attn *a, struct ry_attn_own *own)
{
    if (chunk->elem != RY_KV_ELEM_F16)
        return;
    const struct ry_kv *kv = a->kv;
    a->kern->f16_load(own->k, (const uint16_t *)(const void *)chunk->k, RY_KV_CHUNK * kv->dim_k);
    a->kern->f16_load(own->v, (const uint16_t *)(const void *)chunk->v, RY_KV_CHUNK * kv->dim_v);
    chunk->elem = RY_KV_ELEM_F32;
    chunk->k = (const char *)own->k;
    chunk->v = (const char *)own->v;
}

static size_t elem_bytes(const struct ry_attn_chunk *chunk)
{
    return chunk->elem == RY_KV_ELEM_F32 ? sizeof(float) : sizeof(uint16_t);
}

/* ---- the two products ---------------------------------------------------------------------------------- */

void ry_attn_take_queries(const struct ry_attn *a, struct ry_attn_own *own, const float *const *q,
                          size_t n_rows)
{
    size_t dim = a->kv->dim_k;
    for (size_t r = 0; r < n_rows; r++) {
        if (a->kv->elem != RY_KV_ELEM_Q8) {
            memcpy(own->q + r * dim, q[r], dim * sizeof *own->q);
            continue;
        }
        int8_t *bytes = own->q8 + r * own->ld_q8;
        own->q8_scale[r] = a->kern->attn_scale(q[r], dim);
        a->kern->attn_quantize(bytes, q[r], dim, own->q8_scale[r]);
        memset(bytes + dim, 0, own->ld_q8 - dim);
    }
}

void ry_attn_scores(const struct ry_attn *a, const struct ry_attn_chunk *chunk,
                    struct ry_attn_own *own, float *s, size_t n_rows, size_t lo, size_t hi)
{
    const struct ry_kv *kv = a->kv;
    lo = lo / LANES * LANES;
    hi = (hi + LANES - 1) / LANES * LANES;
    struct ry_attn_mat k = {.ld = RY_KV_CHUNK,
                            .n_k = kv->dim_k,
                            .n_cols = hi - lo,
                            .next = chunk->v,
                            .n_next = a->prefetch && chunk->elem == kv->elem ? kv->v_bytes : 0};
    if (chunk->elem == RY_KV_ELEM_Q8) {
        k.data = chunk->k + 4 * lo;
        a->kern->attn_mac_q8(own->sum + lo, RY_KV_CHUNK, own->q8, own->ld_q8, &k, n_rows);
        for (size_t r = 0; r < n_rows; r++)
            a->kern->attn_scores_q8(s + r * RY_KV_CHUNK + lo, own->sum + r * RY_KV_CHUNK + lo,
                                    chunk->k_scales + lo, own->q8_scale[r], hi - lo);
        return;
    }
    k.data = chunk->k + lo * elem_bytes(chunk);
    for (size_t r = 0; r < n_rows; r++)
        memset(s + r * RY_KV_CHUNK + lo, 0, (hi - lo) * sizeof *s);
    a->kern->attn_mac[chunk->elem](s + lo, RY_KV_CHUNK, own->q, kv->dim_k, &k, n_rows);
}

/* Weights in two digits, high ones of all rows before the low ones; positions from a multiple of four to one, those
 * outside of the span with weight 0. */
static void values_q8(const struct ry_attn *a, const struct ry_attn_chunk *chunk,
                      struct ry_attn_own *own, struct ry_attn_mat *v, float *out, size_t ldo,
                      const float *p, size_t n_rows, size_t lo, size_t hi)
{
    size_t base = lo / 4 * 4, end = (hi + 3) / 4 * 4, dim = a->kv->dim_v;
    float factor[RY_ATTN_ROWS];
    memset(own->digits, 0, 2 * n_rows * RY_KV_CHUNK);
    for (size_t r = 0; r < n_rows; r++)
        factor[r] = a->kern->attn_digits(own->digits + r * RY_KV_CHUNK + (lo - base),
                                         own->digits + (n_rows + r) * RY_KV_CHUNK + (lo - base),
                                         p + r * RY_KV_CHUNK + lo, chunk->v_scales + lo, hi - lo);
    v->data = chunk->v + base * dim;
    v->n_k = end - base;
    a->kern->attn_mac_q8(own->sum, dim, own->digits, RY_KV_CHUNK, v, 2 * n_rows);
    for (size_t r = 0; r < n_rows; r++)
        a->kern->attn_values_q8(out + r * ldo, own->sum + r * dim, own->sum + (n_rows + r) * dim,
                                factor[r], dim);
}

void ry_attn_values(const struct ry_attn *a, const struct ry_attn_chunk *chunk,
                    struct ry_attn_own *own, float *out, size_t ldo, const float *p, size_t n_rows,
                    size_t lo, size_t hi)
{
    size_t dim = a->kv->dim_v;
    struct ry_attn_mat v = {
        .ld = dim, .n_k = hi - lo, .n_cols = dim, .next = chunk->next, .n_next = chunk->n_next};
    if (chunk->elem == RY_KV_ELEM_Q8) {
        values_q8(a, chunk, own, &v, out, ldo, p, n_rows, lo, hi);
        return;
    }
    v.data = chunk->v + lo * dim * elem_bytes(chunk);
    a->kern->attn_mac[chunk->elem](out, ldo, p + lo, RY_KV_CHUNK, &v, n_rows);
}
