/* Rows of queries against one chunk of one KV head: scores before the softmax, and weighted sums of values behind it.
 *
 *   s[r, j] = q[r] . k[j]          dimensions in order                    F32, F16
 *           = (scale_q scale_k) * exact sum of bytes                      Q8
 *   out[r] += sum of p[r, j] v[j]  positions in order                     F32, F16
 *          += (m / 16383) * exact sum of 14-bit weights times bytes       Q8: weights are p[j] * scale_v[j]
 *
 * A row's bits depend on nothing but itself, its span of positions and the chunk. Any thread, with its own memory. */
#ifndef RYOT_ENGINE_ATTN_ROWS_H
#define RYOT_ENGINE_ATTN_ROWS_H

#include "engine/attention.h"

enum { RY_ATTN_ROWS = 64 }; /* at most, in a tile of queries */

/* One thread's working memory, cut from its block. */
struct ry_attn_own {
    float *q;               /* [RY_ATTN_ROWS, dim_k] */
    float *s;               /* [max(RY_ATTN_ROWS, chunks of the context), RY_KV_CHUNK] */
    float *part, *acc;      /* [RY_ATTN_ROWS, dim_v] */
    float *m, *l, *mm, *ll; /* [RY_ATTN_ROWS] */
    float *k, *v;           /* F16: a chunk as floats */
    int8_t *q8;             /* Q8: [RY_ATTN_ROWS, ld_q8] */
    size_t ld_q8;
    float *q8_scale; /* Q8: [RY_ATTN_ROWS] */
    int32_t *sum;    /* Q8: [2 * RY_ATTN_ROWS, max(RY_KV_CHUNK, dim_v)] */
    int8_t *digits;  /* Q8: [2 * RY_ATTN_ROWS, RY_KV_CHUNK] */
};

/* Cuts a block; returns the bytes taken, 0 on overflow. block NULL: only counts. */
size_t ry_attn_own_cut(struct ry_attn_own *own, const struct ry_hparams *hp, enum ry_kv_elem elem,
                       size_t n_ctx, char *block);

/* One chunk as the products read it; next: the bytes that the thread will want behind it. */
struct ry_attn_chunk {
    enum ry_kv_elem elem;
    const char *k, *v;
    const float *k_scales, *v_scales;
    const char *next;
    size_t n_next;
};

/* A record as it stands; next_record may be NULL. */
struct ry_attn_chunk ry_attn_chunk_of(const struct ry_attn *a, const char *record,
                                      const char *next_record);

/* F16 turned to floats in the thread's memory, which pays for tiles of many rows; others stay. */
void ry_attn_unpack(struct ry_attn_chunk *chunk, const struct ry_attn *a, struct ry_attn_own *own);

/* Brings queries into own: row r of n_rows is q[r]. */
void ry_attn_take_queries(const struct ry_attn *a, struct ry_attn_own *own, const float *const *q,
                          size_t n_rows);

/* s[r * RY_KV_CHUNK + j] for lo <= j < hi; up to fifteen more on either side are written without meaning. */
void ry_attn_scores(const struct ry_attn *a, const struct ry_attn_chunk *chunk,
                    struct ry_attn_own *own, float *s, size_t n_rows, size_t lo, size_t hi);

/* out[r * ldo ..] += the values of lo <= j < hi weighted by p[r * RY_KV_CHUNK + j]. */
void ry_attn_values(const struct ry_attn *a, const struct ry_attn_chunk *chunk,
                    struct ry_attn_own *own, float *out, size_t ldo, const float *p, size_t n_rows,
                    size_t lo, size_t hi);

/* The first position that a query at pos sees. */
static inline size_t ry_attn_first(const struct ry_attn *a, size_t pos)
{
    return a->window && pos >= a->window ? pos - a->window + 1 : 0;
}

/* Flash attention (attn_flash.c); the plan is made. */
void ry_attn_flash_plan(struct ry_attn *a, int n_threads);
void ry_attn_flash_task(const struct ry_attn *a, size_t i, struct ry_attn_own *own);
void ry_attn_flash_merge(const struct ry_attn *a, size_t i);

#endif
