/* Attention over the KV cache (Vaswani et al., Attention Is All You Need, 3.2.1), grouped-query heads (Ainslie et al.,
 * GQA): query head h reads the keys and values of head h / (n_head / n_head_kv). */
#include "engine/attention.h"

#include <string.h>

void ry_attention_standard(const struct ry_attn *a, float *out, const float *q, size_t head,
                           size_t pos, float *scores)
{
    const struct ry_hparams *hp = a->hp;
    const struct ry_kv *kv = a->kv;
    size_t kv_head = head / (hp->n_head / hp->n_head_kv);
    size_t first = a->window && pos >= a->window ? pos - a->window + 1 : 0, n = pos - first + 1;
    a->kern->attn_qk[kv->elem](scores, q, ry_kv_k(kv, a->layer, kv_head, first), kv->k_stride, n,
                               hp->head_dim_k, hp->attn_scale);
    if (hp->attn_softcap != 0)
        a->kern->softcap(scores, hp->attn_softcap, n);
    a->kern->softmax(scores, n);
    memset(out, 0, hp->head_dim_v * sizeof *out);
    a->kern->attn_pv[kv->elem](out, scores, ry_kv_v(kv, a->layer, kv_head, first), kv->v_stride, n,
                               hp->head_dim_v);
}

ry_attn_fn ry_attention_get(enum ry_attention kind)
{
    static const ry_attn_fn table[RY_ATTENTION_COUNT] = {[RY_ATTENTION_STANDARD] =
                                                             ry_attention_standard};
    return (unsigned)kind < RY_ATTENTION_COUNT ? table[kind] : NULL;
}
