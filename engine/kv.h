/* The KV cache: for each layer and KV head, the keys and values of consecutive positions side by side.
 *
 *   k: [n_layer][n_head_kv][n_ctx][head_dim_k]   v: [n_layer][n_head_kv][n_ctx][head_dim_v]
 *
 * so that attention reads one head as a stream. Positions are written once by prefill or decode and read from then
 * on; forgetting is moving the session's n_past. Session's team. */
#ifndef RYOT_ENGINE_KV_H
#define RYOT_ENGINE_KV_H

#include "engine/model.h"

struct ry_kv {
    enum ry_kv_elem elem;
    size_t elem_bytes, n_ctx;
    size_t k_stride, v_stride; /* bytes from a position to the next */
    size_t k_head, v_head;     /* bytes of one head's positions */
    size_t n_head_kv;
    char *k, *v; /* 64-aligned, inside block */
    void *block; /* owned; zero pages until written */
    uint64_t n_bytes;
};

/* Bytes that a cache would take; false on overflow. */
bool ry_kv_bytes(const struct ry_hparams *hp, enum ry_kv_elem elem, size_t n_ctx, uint64_t *out);

ry_rc ry_kv_init(struct ry_kv *kv, const struct ry_hparams *hp, enum ry_kv_elem elem, size_t n_ctx,
                 ry_err *err);
void ry_kv_done(struct ry_kv *kv);

/* First byte of a head's keys or values at a position. */
static inline char *ry_kv_k(const struct ry_kv *kv, size_t layer, size_t head, size_t pos)
{
    return kv->k + (layer * kv->n_head_kv + head) * kv->k_head + pos * kv->k_stride;
}

static inline char *ry_kv_v(const struct ry_kv *kv, size_t layer, size_t head, size_t pos)
{
    return kv->v + (layer * kv->n_head_kv + head) * kv->v_head + pos * kv->v_stride;
}

#endif
