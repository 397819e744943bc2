/* A bound model: hyper-parameters and tensors, validated against each other. const after bind; any thread. */
#ifndef RYOT_ENGINE_MODEL_H
#define RYOT_ENGINE_MODEL_H

#include "engine/arch.h"
#include "engine/gguf.h"
#include "engine/kern/kern.h"

/* Caps on what a file may claim. */
enum {
    RY_MAX_LAYERS = 512,
    RY_MAX_VOCAB = 1 << 22,
    RY_MAX_EMBD = 1 << 20,
    RY_MAX_HEADS = 4096,
    RY_MAX_CTX = 1 << 24
};

struct ry_hparams {
    uint32_t n_vocab, n_ctx_train, n_embd, n_layer, n_head, n_head_kv, head_dim_k, head_dim_v, n_ff,
        n_rot;
    float norm_eps, rope_base;
    float rope_scale;                  /* linear scaling: position divided by it; 1: none */
    float attn_softcap, final_softcap; /* 0: none */
    float attn_scale;                  /* 1 / sqrt(head_dim_k) unless the family says otherwise */
    uint32_t window;                   /* 0: none */
    uint32_t
        window_every; /* each n-th layer sees everything; 0: all slide where there is a window */
    float window_rope_base; /* base of sliding layers; 0: rope_base */
    bool
        longrope; /* rope_freqs are the short factors of a longrope model, n_ctx_train what they serve */
};

/* Matrices: w.scale is the ternary scale (1 where the blocks carry it) times the file's `.scale` tensor where there is
 * one. Kernels apply it where w.uniform; where not, and it is not 1, the caller multiplies y by it.
 *
 * One layer; absent matrices have data NULL, absent vectors are NULL. Vectors are f32, converted at bind when the
 * file has them otherwise. */
struct ry_layer {
    const float *attn_norm, *ffn_norm;              /* [n_embd] */
    const float *post_attn_norm, *post_ffn_norm;    /* [n_embd] or NULL */
    const float *attn_sub_norm, *ffn_sub_norm;      /* [n_head*head_dim_v], [n_ff] or NULL */
    const float *q_norm, *k_norm;                   /* [head_dim_k] or NULL */
    const float *q_bias, *k_bias, *v_bias, *o_bias; /* or NULL */
    struct ry_wmat q, k, v, o;                      /* fused_qkv is split into views of rows */
    struct ry_wmat gate, up, down;                  /* fused gate and up likewise */
    float rope_base;                                /* of this layer; 0: no RoPE here */
    float
        rope_scale;  /* position divided by it; 1: none (sliding layers of gemma3 are not scaled) */
    uint32_t window; /* 0: sees everything */
};

struct ry_model {
    const struct ry_arch *arch;
    struct ry_hparams hp;
    struct ry_layer *layers;  /* [n_layer] */
    struct ry_wmat tok_embd;  /* [n_vocab, n_embd] */
    struct ry_wmat output;    /* [n_vocab, n_embd]; the embedding where tied */
    const float *output_norm; /* [n_embd] */
    const float *rope_freqs;  /* [n_rot/2] divisors, or NULL */
    const ry_gguf *gguf;      /* borrowed */
    uint64_t weight_bytes;    /* of all tensors that a forward pass reads */
    uint64_t n_params;
    struct ry_arena *arena; /* owned: layers, converted vectors */
};

/* The hyper-parameters alone (hparams.c), checked against each other; n_vocab stays 0, it is the embedding's height. */
ry_rc ry_hparams_read(const ry_gguf *gguf, const struct ry_arch **arch, struct ry_hparams *out,
                      ry_err *err);

/* Reads hyper-parameters and tensors, checks every shape; refusals are RY_ERR_MODEL naming key or tensor, value and
 * limit. *out is zeroed on failure. */
ry_rc ry_model_bind(struct ry_model *out, const ry_gguf *gguf, ry_err *err);
void ry_model_done(struct ry_model *model);

#endif
