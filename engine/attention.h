/* Attention over the KV cache for one query head at one position. Two implementations behind one slot. Any thread of the
 * team, with scores of its own. */
#ifndef RYOT_ENGINE_ATTENTION_H
#define RYOT_ENGINE_ATTENTION_H

#include "engine/kv.h"

struct ry_attn {
    const struct ry_kern *kern;
    const struct ry_kv *kv;
    const struct ry_hparams *hp;
    size_t layer;
    uint32_t window; /* 0: sees everything before it */
};

/* out[head_dim_v] for query head `head` whose vector is q[head_dim_k], at position pos, over the keys and values of
 * positions first..pos. scores[n_ctx] is scratch of the calling thread. */
typedef void (*ry_attn_fn)(const struct ry_attn *a, float *out, const float *q, size_t head,
                           size_t pos, float *scores);

/* Scores in full, softmax, then values in order of position. */
void ry_attention_standard(const struct ry_attn *a, float *out, const float *q, size_t head,
                           size_t pos, float *scores);

/* NULL when the kind is not built. */
ry_attn_fn ry_attention_get(enum ry_attention kind);

#endif
