/* The KV cache. */
#include "engine/kv.h"

#include <string.h>

#include "src/base/mem.h"

enum { PIECE = 64 }; /* elements rounded at a time before they are spread */

/* Adds n * size bytes, rounded up to a line, to *at. */
static bool grow(size_t *at, size_t n, size_t size)
{
    size_t bytes;
    return ry_mem_mul(n, size, &bytes) && ry_mem_add(bytes, 63, &bytes) &&
           ry_mem_add(*at, bytes / 64 * 64, at);
}

static bool layout(struct ry_kv *kv, const struct ry_hparams *hp, enum ry_kv_elem elem,
                   size_t n_ctx)
{
    static const size_t elem_bytes[RY_KV_ELEM_COUNT] = {4, 2, 1};
    size_t scales = elem == RY_KV_ELEM_Q8 ? sizeof(float) : 0, at = 0, n, bytes;
    size_t rows_k = elem == RY_KV_ELEM_Q8 ? (hp->head_dim_k + 3u) / 4 * 4 : hp->head_dim_k;
    *kv = (struct ry_kv){.elem = elem,
                         .n_ctx = n_ctx,
                         .n_layer = hp->n_layer,
                         .n_head_kv = hp->n_head_kv,
                         .dim_k = hp->head_dim_k,
                         .dim_v = hp->head_dim_v};
    if (!grow(&at, rows_k * elem_bytes[elem], RY_KV_CHUNK))
        return false;
    kv->k_bytes = at;
    kv->k_scales_at = at;
    if (!grow(&at, scales, RY_KV_CHUNK))
        return false;
    kv->v_at = at;
    if (!grow(&at, kv->dim_v * elem_bytes[elem], RY_KV_CHUNK))
        return false;
    kv->v_bytes = at - kv->v_at;
    kv->v_scales_at = at;
    if (!grow(&at, scales, RY_KV_CHUNK))
        return false;
    kv->record_bytes = at;
    if (!ry_mem_mul(kv->n_layer, kv->n_head_kv, &n) ||
        !ry_mem_mul(n, (n_ctx + RY_KV_CHUNK - 1) / RY_KV_CHUNK, &n) ||
        !ry_mem_mul(n, kv->record_bytes, &bytes))
        return false;
    kv->n_bytes = bytes;
    return true;
}

bool ry_kv_bytes(const struct ry_hparams *hp, enum ry_kv_elem elem, size_t n_ctx, uint64_t *out)
{
    struct ry_kv kv;
    if (!layout(&kv, hp, elem, n_ctx))
        return false;
    *out = kv.n_bytes;
    return true;
}

ry_rc ry_kv_init(struct ry_kv *kv, const struct ry_hparams *hp, enum ry_kv_elem elem, size_t n_ctx,
                 ry_err *err)
{
    if (!layout(kv, hp, elem, n_ctx))
        return ry_err_set(err, RY_ERR_MEMORY,
                          "a KV cache of %zu positions overflows: give a smaller --ctx", n_ctx);
    kv->data = ry_mem_huge(kv->n_bytes);
    if (!kv->data)
        return ry_err_set(err, RY_ERR_MEMORY,
                          "out of memory for a KV cache of %zu MB: give a smaller --ctx",
                          (size_t)(kv->n_bytes >> 20));
    return RY_OK;
}

void ry_kv_done(struct ry_kv *kv)
{
    ry_mem_huge_free(kv->data, kv->n_bytes);
    *kv = (struct ry_kv){0};
}

static void store_f32(const struct ry_kv *kv, char *record, size_t p, const float *k,
                      const float *v)
{
    float *keys = (float *)(void *)record;
    for (size_t d = 0; d < kv->dim_k; d++)
        keys[d * RY_KV_CHUNK + p] = k[d];
    memcpy(record + kv->v_at + p * kv->dim_v * sizeof *v, v, kv->dim_v * sizeof *v);
}

static void store_f16(const struct ry_kv *kv, const struct ry_kern *kern, char *record, size_t p,
                      const float *k, const float *v)
{
    uint16_t *keys = (uint16_t *)(void *)record, piece[PIECE];
    for (size_t d0 = 0; d0 < kv->dim_k; d0 += PIECE) {
        size_t n = kv->dim_k - d0 < PIECE ? kv->dim_k - d0 : PIECE;
        kern->f16_store(piece, k + d0, n);
        for (size_t d = 0; d < n; d++)
            keys[(d0 + d) * RY_KV_CHUNK + p] = piece[d];
    }
    kern->f16_store((uint16_t *)(void *)(record + kv->v_at) + p * kv->dim_v, v, kv->dim_v);
}

/* Bytes by a scale that is known, 128 added. */
static void store_q8(const struct ry_kv *kv, const struct ry_kern *kern, char *record, size_t p,
                     const float *k, const float *v)
{
    uint8_t *keys = (uint8_t *)record, *values = (uint8_t *)record + kv->v_at;
    int8_t piece[PIECE];
    float scale = kern->attn_scale(k, kv->dim_k);
    ((float *)(void *)(record + kv->k_scales_at))[p] = scale;
    for (size_t d0 = 0; d0 < kv->dim_k; d0 += PIECE) {
        size_t n = kv->dim_k - d0 < PIECE ? kv->dim_k - d0 : PIECE;
        kern->attn_quantize(piece, k + d0, n, scale);
        for (size_t d = 0; d < n; d++)
            keys[((d0 + d) / 4 * RY_KV_CHUNK + p) * 4 + (d0 + d) % 4] = (uint8_t)(piece[d] + 128);
    }
    scale = kern->attn_scale(v, kv->dim_v);
    ((float *)(void *)(record + kv->v_scales_at))[p] = scale;
    for (size_t d0 = 0; d0 < kv->dim_v; d0 += PIECE) {
        size_t n = kv->dim_v - d0 < PIECE ? kv->dim_v - d0 : PIECE;
        kern->attn_quantize(piece, v + d0, n, scale);
        for (size_t d = 0; d < n; d++)
            values[(p / 4 * kv->dim_v + d0 + d) * 4 + p % 4] = (uint8_t)(piece[d] + 128);
    }
}

void ry_kv_store(const struct ry_kv *kv, const struct ry_kern *kern, size_t layer, size_t head,
                 size_t pos, const float *k, const float *v)
{
    char *record = ry_kv_record(kv, layer, head, pos / RY_KV_CHUNK);
    size_t p = pos % RY_KV_CHUNK;
    switch (kv->elem) {
    case RY_KV_ELEM_F32:
        store_f32(kv, record, p, k, v);
        break;
    case RY_KV_ELEM_F16:
        store_f16(kv, kern, record, p, k, v);
        break;
    default:
        store_q8(kv, kern, record, p, k, v);
    }
}
