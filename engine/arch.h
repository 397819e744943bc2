/* The architectures, as rows of data: forward.c branches on features, never on names.
 *
 * A feature exists only when two rows differ by it. const tables; any thread. */
#ifndef RYOT_ENGINE_ARCH_H
#define RYOT_ENGINE_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ry_rope_style { RY_ROPE_PAIRS, RY_ROPE_HALVES };
enum ry_ffn_act { RY_FFN_SILU, RY_FFN_GELU, RY_FFN_RELU2 };

struct ry_arch {
    const char *name; /* general.architecture */
    enum ry_rope_style rope;
    enum ry_ffn_act act;
    bool qkv_bias;  /* required biases on q, k, v (optional ones are bound wherever they exist) */
    bool qk_norm;   /* RMS norm of q and k per head before RoPE */
    bool fused_qkv; /* attn_qkv.weight */
    bool fused_gate_up; /* ffn_up.weight holds gate then up */
    bool sub_norms;     /* attn_sub_norm before the output product, ffn_sub_norm before down */
    bool post_norms;    /* norms after attention and after FFN */
    bool embed_scale;   /* embedding times sqrt(n_embd) */
    bool softcaps;      /* attn_logit_softcapping, final_logit_softcapping */
    bool weight_scales; /* optional .scale tensors */
    bool must_tie;      /* no output.weight in this family */
    uint32_t
        window_every; /* 0: none; n: every n-th layer is global, the others slide (gemma2: 2, gemma3: 6) */
    float window_rope_base;  /* RoPE base of sliding layers; 0: the model's */
    uint32_t window_default; /* where the file does not say; 0: it must */
    bool window_all;         /* every layer slides where the file gives a window above 0 */
    /* Models of the family with this many layers (0: none) scale scores by 1/sqrt(n_embd/n_head). */
    uint32_t embd_scale_layers;
    uint32_t nope_every; /* 0: none; n: no RoPE on layers where (i + 1) % n == 0 */
};

/* NULL when the name is unknown; ry_arch_names lists the known ones, comma-separated. */
const struct ry_arch *ry_arch_find(const char *name, size_t len);
const char *ry_arch_names(void);

#endif
