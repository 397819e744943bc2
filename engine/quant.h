/* The tensor formats: one table says everything that ryot knows about each.
 *
 * Id on disk, name, block shape, scalar decoder, partner activation format, source of the layout. A format that
 * is not in this table does not exist for ryot. Pure functions and const tables; any thread. */
#ifndef RYOT_ENGINE_QUANT_H
#define RYOT_ENGINE_QUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Dense ids, index of every table by format (kernels too). */
enum ry_fmt {
    RY_FMT_F32,
    RY_FMT_F16,
    RY_FMT_BF16,
    RY_FMT_Q4_0,
    RY_FMT_Q4_1,
    RY_FMT_Q5_0,
    RY_FMT_Q5_1,
    RY_FMT_Q8_0,
    RY_FMT_Q2_K,
    RY_FMT_Q3_K,
    RY_FMT_Q4_K,
    RY_FMT_Q5_K,
    RY_FMT_Q6_K,
    RY_FMT_IQ4_NL,
    RY_FMT_MXFP4,
    RY_FMT_TQ1_0,
    RY_FMT_TQ2_0,
    RY_FMT_I2_S,
    RY_FMT_COUNT,
    /* Kernels' own: 16 rows interleaved, made at load (repack.h), never in a file. */
    RY_FMT_T2_X16,
    RY_FMT_Q4_0_X16, /* from here on in the order of the plain ones */
    RY_FMT_Q4_1_X16,
    RY_FMT_Q5_0_X16,
    RY_FMT_Q5_1_X16,
    RY_FMT_Q8_0_X16,
    RY_FMT_Q2_K_X16,
    RY_FMT_Q3_K_X16,
    RY_FMT_Q4_K_X16,
    RY_FMT_Q5_K_X16,
    RY_FMT_Q6_K_X16,
    RY_FMT_IQ4_NL_X16,
    RY_FMT_MXFP4_X16,
    RY_FMT_SLOTS
};

/* How activations are handed to a matrix of a format (layouts in kern/kern.h). */
enum ry_act_fmt {
    RY_ACT_F32,    /* as they are */
    RY_ACT_Q8_T,   /* int8, one scale per token: BitLinear's own definition */
    RY_ACT_Q8_32,  /* int8 in blocks of 32, one f32 scale each */
    RY_ACT_Q8_256, /* int8 in blocks of 256, one f32 scale each, sums of 16 beside */
    RY_ACT_COUNT
};

struct ry_fmt_info {
    const char *name;     /* "Q4_K" */
    uint32_t ggml_type;   /* id on disk */
    uint16_t block_elems; /* weights a block; a row holds whole blocks */
    uint16_t block_bytes;
    enum ry_act_fmt act;
    bool ternary;
    /* dst[n] from n weights at src, n a multiple of block_elems, for one run inside a row. I2_S is decoded without
     * its scale, which belongs to the tensor. */
    void (*decode)(float *dst, const void *src, size_t n);
    const char *source;
};

/* The row of the table. fmt < RY_FMT_SLOTS, not RY_FMT_COUNT. Interleaved formats have no decode. */
const struct ry_fmt_info *ry_fmt_info(enum ry_fmt fmt);

/* False when the id is none that ryot knows. */
bool ry_fmt_from_ggml(uint32_t ggml_type, enum ry_fmt *fmt);

/* Name of any ggml type id for messages, known or not ("Q8_1", "removed (4)", "unknown (77)"); buf for numbers. */
const char *ry_fmt_ggml_name(uint32_t ggml_type, char buf[32]);

/* Bytes of a row of n_cols weights (a multiple of block_elems). I2_S: n_cols / 4, n_cols a multiple of 128. */
size_t ry_fmt_row_bytes(enum ry_fmt fmt, size_t n_cols);

/* Bytes of a whole tensor, tail included (I2_S: 32 more, which begin with the f32 scale). False on overflow. */
bool ry_fmt_tensor_bytes(enum ry_fmt fmt, uint64_t n_cols, uint64_t n_rows, uint64_t *out);

/* Half precision and bfloat16; round to nearest even; NaN stays NaN. */
float ry_f16_to_f32(uint16_t h);
uint16_t ry_f32_to_f16(float f);
float ry_bf16_to_f32(uint16_t h);

/* Scalar encoders, for tests, benches and random shapes: n weights from src. RY_FMT_F32 … MXFP4 all have one;
 * plain round-to-nearest, no search. The K-quants' are simple and not for publishing models. */
void ry_fmt_encode(enum ry_fmt fmt, void *dst, const float *src, size_t n);

#endif
