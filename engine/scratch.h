/* A session's working memory: everything a step writes except the KV cache, allocated once.
 *
 * One block, cut into 64-aligned arrays. Shapes are row-major; U = n_ubatch, T = RY_MAX_THREADS for what is private to
 * a thread. Session's team; who writes what stands in forward.c. */
#ifndef RYOT_ENGINE_SCRATCH_H
#define RYOT_ENGINE_SCRATCH_H

#include "engine/attn_rows.h"

struct ry_scratch {
    float *x;          /* [U, n_embd] the residual stream */
    float *tmp;        /* [U, n_embd] what is about to be added to it */
    float *norm;       /* [U, max(n_embd, n_att, n_ff)] normed rows before quantisation */
    float *qkv;        /* [U, n_qkv] */
    float *att;        /* [U, n_att] heads' outputs */
    float *gate;       /* [U, n_ff] */
    float *up;         /* [U, n_ff] */
    float *attn_parts; /* ry_attn_part_floats() */
    char *attn_block;  /* [T] what attn is cut from */
    char *act
        [RY_ACT_COUNT]; /* [U] activation rows of the widest input; NULL where no matrix wants the format */
    char *own[RY_ACT_COUNT]; /* [T] the same for one row, private to a thread */
    float *own_norm;         /* [T, like norm] */
    float *rope
        [2]; /* [n_ctx, n_rot] cos, sin interleaved, for the base and scale below; [1] only where layers differ */
    float rope_base[2], rope_scale[2];
    size_t n_norm, n_qkv, n_att, n_attn,
        act_stride[RY_ACT_COUNT];            /* n_attn: bytes of one thread's */
    struct ry_attn_own attn[RY_MAX_THREADS]; /* private to a thread */
    void *block;                             /* owned */
    uint64_t n_bytes;
};

/* What a session was made for. */
struct ry_scratch_sizes {
    size_t n_ctx, n_ubatch;
    enum ry_kv_elem elem;
};

/* Bytes that it would take; false on overflow. */
bool ry_scratch_bytes(const struct ry_model *model, const struct ry_scratch_sizes *sizes,
                      uint64_t *out);

/* Allocates and fills the RoPE tables (the only libm of inference, in double, here at load). */
ry_rc ry_scratch_init(struct ry_scratch *s, const struct ry_model *model,
                      const struct ry_scratch_sizes *sizes, ry_err *err);
void ry_scratch_done(struct ry_scratch *s);

#endif
