/* The KV cache. */
#include "engine/kv.h"

#include "src/base/mem.h"

static const size_t elem_bytes[RY_KV_ELEM_COUNT] = {[RY_KV_ELEM_F32] = 4, [RY_KV_ELEM_F16] = 2};

static bool head_bytes(size_t n_ctx, size_t dim, size_t elem, size_t *out)
{
    return ry_mem_mul(n_ctx, dim, out) && ry_mem_mul(*out, elem, out) &&
           ry_mem_add(*out, 63, out) && (*out = *out / 64 * 64, true);
}

static bool layout(struct ry_kv *kv, const struct ry_hparams *hp, enum ry_kv_elem elem,
                   size_t n_ctx)
{
    size_t n_heads, k_bytes, v_bytes, total;
    *kv = (struct ry_kv){
        .elem = elem, .elem_bytes = elem_bytes[elem], .n_ctx = n_ctx, .n_head_kv = hp->n_head_kv};
    kv->k_stride = hp->head_dim_k * kv->elem_bytes;
    kv->v_stride = hp->head_dim_v * kv->elem_bytes;
    if (!head_bytes(n_ctx, hp->head_dim_k, kv->elem_bytes, &kv->k_head) ||
        !head_bytes(n_ctx, hp->head_dim_v, kv->elem_bytes, &kv->v_head) ||
        !ry_mem_mul(hp->n_layer, hp->n_head_kv, &n_heads) ||
        !ry_mem_mul(n_heads, kv->k_head, &k_bytes) || !ry_mem_mul(n_heads, kv->v_head, &v_bytes) ||
        !ry_mem_add(k_bytes, v_bytes, &total))
        return false;
    kv->n_bytes = total;
    kv->v = (char *)k_bytes; /* an offset until the block is there */
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
    size_t bytes;
    if (!layout(kv, hp, elem, n_ctx) || !ry_mem_add(kv->n_bytes, 64, &bytes))
        return ry_err_set(err, RY_ERR_MEMORY,
                          "a KV cache of %zu positions overflows: give a smaller --ctx", n_ctx);
    kv->block = ry_mem_zalloc(bytes, 1);
    if (!kv->block)
        return ry_err_set(err, RY_ERR_MEMORY,
                          "out of memory for a KV cache of %zu MB: give a smaller --ctx",
                          bytes >> 20);
    size_t k_bytes = (size_t)kv->v;
    kv->k = (char *)(((uintptr_t)kv->block + 63) / 64 * 64);
    kv->v = kv->k + k_bytes;
    return RY_OK;
}

void ry_kv_done(struct ry_kv *kv)
{
    ry_mem_free(kv->block);
    *kv = (struct ry_kv){0};
}
