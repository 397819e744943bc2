/* Flash attention: chunk after chunk, each finished by itself and merged in index order.
 *
 *   chunk:  m = max s, p = exp(s - m), l = sum p, part = sum p v
 *   merge:  m > M:  acc = acc * exp(M - m) + part,  L = L * exp(M - m) + l,  M = m
 *           else:   part = part * exp(m - M), acc = acc + part,  L = L + l * exp(m - M)
 *   end:    out = acc * (1 / L)
 *
 * A tile is up to RY_ATTN_ROWS queries (token, head) that share a KV head, so that a chunk is read once for all of them.
 * With few tokens (decode) tasks are chunks of KV heads instead, their parts are kept and merged behind a barrier: the
 * same operations on the same numbers, work for every thread, and a chunk's heads read as they lie (4,096 positions of
 * the 2B4T shape, Xeon, AVX-512, one thread: 23 ms a token, 26 head by head; bench_attention). */
#include "engine/attn_rows.h"

#include <math.h>
#include <string.h>

/* Tiles of fewer rows read halves where they stand: turning a chunk into floats costs as much as a few rows. */
enum { UNPACK_ROWS = 16 };

/* Rows row0 .. row0 + n_rows - 1 of the list (token, head of the group) of one KV head. */
struct tile {
    size_t kv_head, row0, n_rows, group;
};

static size_t token_of(const struct tile *tile, size_t r)
{
    return (tile->row0 + r) / tile->group;
}

static size_t head_of(const struct tile *tile, size_t r)
{
    return tile->kv_head * tile->group + (tile->row0 + r) % tile->group;
}

/* Positions lo .. hi of the chunk, counted in it, that token t sees; false when there are none. */
static bool span_of(const struct ry_attn *a, size_t t, size_t c, size_t *lo, size_t *hi)
{
    size_t last = a->pos + t, first = ry_attn_first(a, last), begin = c * RY_KV_CHUNK;
    if (last < begin || first >= begin + RY_KV_CHUNK)
        return false;
    *lo = first > begin ? first - begin : 0;
    *hi = last - begin < RY_KV_CHUNK ? last - begin + 1 : RY_KV_CHUNK;
    return true;
}

static void take_queries(const struct ry_attn *a, struct ry_attn_own *own, const struct tile *tile)
{
    const float *q[RY_ATTN_ROWS];
    for (size_t r = 0; r < tile->n_rows; r++)
        q[r] = a->q + token_of(tile, r) * a->ldq + head_of(tile, r) * a->hp->head_dim_k;
    ry_attn_take_queries(a, own, q, tile->n_rows);
}

/* Scores of the rows r0 .. r1 that see lo .. hi: to weights, their sum to l, what they weigh to part. */
static void finish_rows(const struct ry_attn *a, const struct ry_attn_chunk *chunk,
                        struct ry_attn_own *own, size_t r0, size_t r1, size_t lo, size_t hi)
{
    size_t dim = a->hp->head_dim_v;
    for (size_t r = r0; r < r1; r++) {
        float *s = own->s + r * RY_KV_CHUNK + lo;
        if (a->hp->attn_softcap != 0)
            a->kern->softcap(s, a->hp->attn_softcap, hi - lo);
        own->m[r] = a->kern->max_of(s, hi - lo);
        own->l[r] = a->kern->exp_sum(s, hi - lo, own->m[r]);
    }
    memset(own->part + r0 * dim, 0, (r1 - r0) * dim * sizeof *own->part);
    ry_attn_values(a, chunk, own, own->part + r0 * dim, dim, own->s + r0 * RY_KV_CHUNK, r1 - r0, lo,
                   hi);
}

/* The chunk for all rows of a tile whose queries are taken: m, l and part of the rows that see any of it. */
static void chunk_of_tile(const struct ry_attn *a, struct ry_attn_own *own, const struct tile *tile,
                          size_t c, const char *next_record)
{
    size_t t0 = token_of(tile, 0), t1 = token_of(tile, tile->n_rows - 1);
    size_t lo = RY_KV_CHUNK, hi = 0, row_lo, row_hi;
    for (size_t t = t0; t <= t1; t++)
        if (span_of(a, t, c, &row_lo, &row_hi)) {
            lo = row_lo < lo ? row_lo : lo;
            hi = row_hi > hi ? row_hi : hi;
        }
    if (lo >= hi)
        return;
    struct ry_attn_chunk chunk =
        ry_attn_chunk_of(a, ry_kv_record(a->kv, a->layer, tile->kv_head, c), next_record);
    if (tile->n_rows >= UNPACK_ROWS)
        ry_attn_unpack(&chunk, a, own);
    ry_attn_scores(a, &chunk, own, own->s, tile->n_rows, lo, hi);
    for (size_t r = 0, end; r < tile->n_rows; r = end) {
        bool sees = span_of(a, token_of(tile, r), c, &row_lo, &row_hi);
        size_t end_lo = row_lo, end_hi = row_hi;
        end = r;
        do
            end++;
        while (end < tile->n_rows && sees && span_of(a, token_of(tile, end), c, &end_lo, &end_hi) &&
               end_lo == row_lo && end_hi == row_hi);
        if (sees)
            finish_rows(a, &chunk, own, r, end, row_lo, row_hi);
    }
}

/* acc, *big, *sum: what is merged so far (*big = -INFINITY: nothing); part is used up. */
static void merge(const struct ry_kern *kern, float *acc, float *big, float *sum, float *part,
                  float m, float l, size_t dim)
{
    if (*sum == 0 && *big == -INFINITY) {
        memcpy(acc, part, dim * sizeof *acc);
        *big = m;
        *sum = l;
        return;
    }
    if (m > *big) {
        float f = ry_kern_expf(*big - m);
        kern->scale(acc, f, dim);
        *sum = *sum * f + l;
        *big = m;
    } else {
        float f = ry_kern_expf(m - *big);
        kern->scale(part, f, dim);
        *sum = *sum + l * f;
    }
    kern->add(acc, part, dim);
}

/* A whole tile: all chunks that it sees. */
static void tile_task(const struct ry_attn *a, struct ry_attn_own *own, const struct tile *tile)
{
    size_t dim = a->hp->head_dim_v;
    size_t first = ry_attn_first(a, a->pos + token_of(tile, 0));
    size_t c1 = (a->pos + token_of(tile, tile->n_rows - 1)) / RY_KV_CHUNK;
    take_queries(a, own, tile);
    for (size_t r = 0; r < tile->n_rows; r++) {
        own->mm[r] = -INFINITY;
        own->ll[r] = 0;
    }
    for (size_t c = first / RY_KV_CHUNK; c <= c1; c++) {
        size_t lo, hi;
        chunk_of_tile(a, own, tile, c,
                      c < c1 ? ry_kv_record(a->kv, a->layer, tile->kv_head, c + 1) : NULL);
        for (size_t r = 0; r < tile->n_rows; r++)
            if (span_of(a, token_of(tile, r), c, &lo, &hi))
                merge(a->kern, own->acc + r * dim, &own->mm[r], &own->ll[r], own->part + r * dim,
                      own->m[r], own->l[r], dim);
    }
    for (size_t r = 0; r < tile->n_rows; r++) {
        float *out = a->out + token_of(tile, r) * a->ldo + head_of(tile, r) * dim;
        memcpy(out, own->acc + r * dim, dim * sizeof *out);
        a->kern->scale(out, 1.0f / own->ll[r], dim);
    }
}

/* Part of a query in a chunk: [head_dim_v] values, m, l. */
static float *part_of(const struct ry_attn *a, size_t c, size_t t, size_t h)
{
    return a->parts +
           ((c * RY_ATTN_SPLIT_TOKENS + t) * a->hp->n_head + h) * ((size_t)a->hp->head_dim_v + 2);
}

/* One chunk of one KV head for all queries of the step. */
static void part_task(const struct ry_attn *a, struct ry_attn_own *own, size_t kv_head, size_t c,
                      const char *next_record)
{
    size_t dim = a->hp->head_dim_v, group = a->hp->n_head / a->hp->n_head_kv, lo, hi;
    for (size_t row0 = 0; row0 < a->n_tok * group; row0 += RY_ATTN_ROWS) {
        size_t left = a->n_tok * group - row0;
        struct tile tile = {kv_head, row0, left < RY_ATTN_ROWS ? left : RY_ATTN_ROWS, group};
        take_queries(a, own, &tile);
        chunk_of_tile(a, own, &tile, c, next_record);
        for (size_t r = 0; r < tile.n_rows; r++)
            if (span_of(a, token_of(&tile, r), c, &lo, &hi)) {
                float *part = part_of(a, c, token_of(&tile, r), head_of(&tile, r));
                memcpy(part, own->part + r * dim, dim * sizeof *part);
                part[dim] = own->m[r];
                part[dim + 1] = own->l[r];
            }
    }
}

void ry_attn_flash_plan(struct ry_attn *a, int n_threads)
{
    const struct ry_hparams *hp = a->hp;
    size_t group = hp->n_head / hp->n_head_kv, n_rows = a->n_tok * group;
    size_t c0 = ry_attn_first(a, a->pos) / RY_KV_CHUNK;
    size_t c1 = (a->pos + a->n_tok - 1) / RY_KV_CHUNK;
    a->split = a->n_tok <= RY_ATTN_SPLIT_TOKENS && c1 > c0;
    if (a->split) {
        a->n_tasks = (c1 - c0 + 1) * hp->n_head_kv;
        a->n_merges = a->n_tok * hp->n_head;
        return;
    }
    /* Smaller tiles where there would be too few for the threads, or where one would take too long. */
    size_t want = 4 * (size_t)n_threads, least = n_threads > 1 ? UNPACK_ROWS : RY_ATTN_ROWS;
    size_t row_macs = (a->pos + a->n_tok) * (hp->head_dim_k + (size_t)hp->head_dim_v);
    a->tile_rows = RY_ATTN_ROWS;
    while ((a->tile_rows > least &&
            (n_rows + a->tile_rows - 1) / a->tile_rows * hp->n_head_kv < want) ||
           (a->tile_rows > 1 && a->tile_rows * row_macs > a->max_macs))
        a->tile_rows /= 2;
    a->n_tasks = (n_rows + a->tile_rows - 1) / a->tile_rows * hp->n_head_kv;
}

void ry_attn_flash_task(const struct ry_attn *a, size_t i, struct ry_attn_own *own)
{
    size_t n_kv = a->hp->n_head_kv, group = a->hp->n_head / n_kv;
    if (a->split) {
        size_t c0 = ry_attn_first(a, a->pos) / RY_KV_CHUNK, next = i + a->stride;
        part_task(a, own, i % n_kv, c0 + i / n_kv,
                  next < a->n_tasks ? ry_kv_record(a->kv, a->layer, next % n_kv, c0 + next / n_kv)
                                    : NULL);
        return;
    }
    size_t row0 = i / n_kv * a->tile_rows, left = a->n_tok * group - row0;
    struct tile tile = {i % n_kv, row0, left < a->tile_rows ? left : a->tile_rows, group};
    tile_task(a, own, &tile);
}

void ry_attn_flash_merge(const struct ry_attn *a, size_t i)
{
    size_t t = i / a->hp->n_head, h = i % a->hp->n_head, dim = a->hp->head_dim_v;
    size_t last = a->pos + t, first = ry_attn_first(a, last);
    float *out = a->out + t * a->ldo + h * dim, m = -INFINITY, l = 0;
    for (size_t c = first / RY_KV_CHUNK; c <= last / RY_KV_CHUNK; c++) {
        float *part = part_of(a, c, t, h);
        merge(a->kern, out, &m, &l, part, part[dim], part[dim + 1], dim);
    }
    a->kern->scale(out, 1.0f / l, dim);
}
