/* The KV cache: keys and values of every position, in chunks of RY_KV_CHUNK positions.
 *
 *   [chunk][layer][KV head] record:  keys, turned: [dim_k][RY_KV_CHUNK]   values: [RY_KV_CHUNK][dim_v]
 *
 * A record is two matrices as attention's products read them, one stream; the cache grows at its end as the timeline
 * does. Q8 holds bytes in groups of four along the summed dimension, keys [dim_k / 4][RY_KV_CHUNK][4] and values
 * [RY_KV_CHUNK / 4][dim_v][4], 128 added, and behind each matrix the scales of the chunk's positions. Positions are
 * written once by prefill or decode and read from then on; forgetting is moving the session's n_past. Session's
 * team. */
#ifndef RYOT_ENGINE_KV_H
#define RYOT_ENGINE_KV_H

#include "engine/model.h"

struct ry_kv {
    enum ry_kv_elem elem;
    size_t n_ctx, n_layer, n_head_kv, dim_k, dim_v;
    size_t k_bytes, v_bytes; /* of a record's matrices, scales left out */
    size_t k_scales_at, v_at, v_scales_at, record_bytes;
    char *data; /* 64-aligned, owned; zero pages until written */
    uint64_t n_bytes;
};

/* Bytes that a cache would take; false on overflow. */
bool ry_kv_bytes(const struct ry_hparams *hp, enum ry_kv_elem elem, size_t n_ctx, uint64_t *out);

ry_rc ry_kv_init(struct ry_kv *kv, const struct ry_hparams *hp, enum ry_kv_elem elem, size_t n_ctx,
                 ry_err *err);
void ry_kv_done(struct ry_kv *kv);

/* First byte of the record of a head in a chunk. */
static inline char *ry_kv_record(const struct ry_kv *kv, size_t layer, size_t head, size_t chunk)
{
    return kv->data + ((chunk * kv->n_layer + layer) * kv->n_head_kv + head) * kv->record_bytes;
}

/* Bytes that attention reads for one position of one head. */
static inline size_t ry_kv_position_bytes(const struct ry_kv *kv)
{
    return kv->record_bytes / RY_KV_CHUNK;
}

/* Writes k[dim_k] and v[dim_v] of a head at a position, in the kernel's rounding. */
void ry_kv_store(const struct ry_kv *kv, const struct ry_kern *kern, size_t layer, size_t head,
                 size_t pos, const float *k, const float *v);

#endif
