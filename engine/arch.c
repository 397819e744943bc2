/* The architectures, one row each. Const data; any thread. Must not know how anything is computed.
 *
 * Source of the facts: the reference implementations of the families (transformers) and the GGUF files of each that
 * ryot is tested against; each row has its golden file. */
#include "engine/arch.h"

#include <string.h>

#define BITNET_ROW(...)                                                                            \
    .rope = RY_ROPE_HALVES, .sub_norms = true, .weight_scales = true, __VA_ARGS__

static const struct ry_arch rows[] = {
    {.name = "llama", .rope = RY_ROPE_PAIRS, .act = RY_FFN_SILU},
    {.name = "qwen2", .rope = RY_ROPE_HALVES, .act = RY_FFN_SILU, .qkv_bias = true},
    {.name = "qwen3", .rope = RY_ROPE_HALVES, .act = RY_FFN_SILU, .qk_norm = true},
    {.name = "gemma",
     .rope = RY_ROPE_HALVES,
     .act = RY_FFN_GELU,
     .embed_scale = true,
     .must_tie = true},
    {.name = "gemma2",
     .rope = RY_ROPE_HALVES,
     .act = RY_FFN_GELU,
     .embed_scale = true,
     .must_tie = true,
     .post_norms = true,
     .softcaps = true,
     .window_every = 2,
     .window_default = 4096,
     .embd_scale_layers = 46}, /* 27B: heads of 128, scores scaled by 1/sqrt(144) */
    {.name = "gemma3",
     .rope = RY_ROPE_HALVES,
     .act = RY_FFN_GELU,
     .embed_scale = true,
     .post_norms = true,
     .qk_norm = true,
     .window_every = 6,
     .window_rope_base = 10000.0f,
     .embd_scale_layers = 62}, /* 27B: heads of 128, scores scaled by 1/sqrt(168) */
    {.name = "phi3",
     .rope = RY_ROPE_HALVES,
     .act = RY_FFN_SILU,
     .fused_qkv = true,
     .window_all = true,
     .fused_gate_up = true},
    {.name = "smollm3", .rope = RY_ROPE_PAIRS, .act = RY_FFN_SILU, .nope_every = 4},
    {.name = "bitnet", BITNET_ROW(.act = RY_FFN_SILU, .must_tie = true)},
    {.name = "bitnet-b1.58", BITNET_ROW(.act = RY_FFN_RELU2, .must_tie = true)},
    {.name = "bitnet-25", BITNET_ROW(.act = RY_FFN_RELU2)},
};

#define NAMES                                                                                      \
    "llama, qwen2, qwen3, gemma, gemma2, gemma3, phi3, smollm3, bitnet, bitnet-b1.58, bitnet-25"

const struct ry_arch *ry_arch_find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    return NULL;
}

const char *ry_arch_names(void)
{
    return NAMES;
}
