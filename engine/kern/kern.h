/* The kernel table: everything that touches numbers in the token path, one table of pointers per tier.
 *
 * A tier's table is filled from scalar, then overridden by what the tier has. All tables exist side by side, so
 * that a tier changes between two tokens by swapping one pointer. Kernels are single-threaded over a range of
 * rows (or heads, or elements), allocate nothing, and know no model.
 *
 * The promise: every slot of every tier gives the same bits as scalar. The order of summation of each formula is
 * written above its scalar function in kern_scalar.c:
 *   - exact int32 inside a block, then acc = fmaf(scale, (float)sum, acc), block after block;
 *   - where float lanes run along the summed dimension: 16 virtual lanes (element i goes to lane i % 16, by fmaf),
 *     then the fixed tree  8: l[j] += l[j+8],  4: l[j] += l[j+4],  2: l[j] += l[j+2],  1: l[0] + l[1];
 *   - where a result is NaN, only that it is one is promised, not its payload;
 *   - expf, tanhf are our own polynomials, one sequence of operations for every tier; no libm but fmaf, sqrtf.
 */
#ifndef RYOT_ENGINE_KERN_KERN_H
#define RYOT_ENGINE_KERN_KERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/quant.h"

/* Threads split rows in multiples of this (the last range may be short). */
enum { RY_ROW_GRAIN = 16 };

/* One weight matrix as kernels see it; borrowed pointers into the map (or a repacked copy). const after load. */
struct ry_wmat {
    const void *
        data; /* row-major, [n_rows, n_cols] in blocks of fmt; interleaved formats: groups of 16 rows, see x16.h */
    size_t n_rows, n_cols, row_bytes;
    enum ry_fmt fmt;
    /* Ternary: y = scale * sum(code * q) * (1 / s). `uniform`: one scale for the tensor (I2_S; TQ1_0 and TQ2_0 whose
     * blocks all carry the same d, or d = 0 or codes all zero): then block scales are ignored. */
    float scale;
    bool uniform;
};

/* Activation rows. One row takes ry_act_bytes(), a multiple of 64; rows follow each other at that stride, 64-aligned.
 *   F32    float x[n]
 *   Q8_T   float inv_s; int32_t sum; pad to 64; int8_t q[n]           s = 127 / max(max|x|, 1e-5), inv_s = 1 / s
 *   Q8_32  int8_t q[n]; pad to 64; float d[n/32]; float ds[n/32]; int32_t sum[n/32]
 *                                                                     sum of the 32 q, ds = d * sum
 *   Q8_256 int8_t q[n]; pad to 64; float d[n/256]; int16_t sum[n/16]
 */
size_t ry_act_bytes(enum ry_act_fmt act, size_t n);

/* What the KV cache holds (see engine/kv.h). Q8: int8 by the vector's own scale, stored with 128 added. */
enum ry_kv_elem {
    RY_KV_ELEM_F32,
    RY_KV_ELEM_F16,
    RY_KV_ELEM_FLOATS, /* how many of them are floating */
    RY_KV_ELEM_Q8 = RY_KV_ELEM_FLOATS,
    RY_KV_ELEM_COUNT
};

/* Positions in a chunk of the KV cache. Part of the order of summation: attention over a chunk is computed whole. */
enum { RY_KV_CHUNK = 128 };

/* One operand of an attention product: keys (k: dimensions, columns: positions) or values (k: positions, columns:
 * dimensions) of one chunk. `next`: n_next bytes that will be wanted after this call, asked for while it runs. */
struct ry_attn_mat {
    const void *data; /* floats: [n_k, ld]; Q8: [n_k / 4 rounded up, ld, 4] */
    size_t ld, n_k, n_cols;
    const char *next;
    size_t n_next;
};

/* Rows of bytes that stand for a matrix of floats, each row with a scale of its own (engine/screen.h): groups of 16 rows,
 * a group is n_lines lines of 64 bytes, dword r of line c holds columns 4c .. 4c + 3 of row r; |code| <= 127. Rows past
 * the last and columns past the last are zero. */
struct ry_screen_rows {
    const int8_t *codes; /* [n_rows / 16 rounded up, n_lines, 16, 4] */
    const float *scale;  /* [n_rows rounded up to 16] */
    size_t n_rows, n_lines;
};

/* A vector in two digits: x is about s_high * high + s_low * low, |high|, |low| <= 127. */
struct ry_screen_x {
    const int8_t *high, *low; /* [4 * n_lines] */
    float s_high, s_low;
    int32_t sum_high, sum_low; /* of the digits */
};

struct ry_kern {
    enum ry_tier tier;

    /* x[n] floats to one activation row at dst (n a multiple of the format's block), padding zeroed. NaN or infinite
     * input makes the scale of its block NaN or infinite, so that it is seen in the logits; never undefined
     * behaviour. */
    void (*quantize[RY_ACT_COUNT])(void *dst, const float *x, size_t n);

    /* y[r - row0] for rows row0 <= r < row1, one token: y = W x. prefetch: bytes ahead, 0 off. Of interleaved formats
     * row0 is a multiple of 16. */
    void (*matvec[RY_FMT_SLOTS])(float *y, const struct ry_wmat *w, size_t row0, size_t row1,
                                 const void *act, size_t prefetch);

    /* y[t * ldy + (r - row0)] for n_tok tokens whose activation rows start at act, act_stride bytes apart. The same
     * bits as n_tok calls of matvec. */
    void (*matmul[RY_FMT_SLOTS])(float *y, size_t ldy, const struct ry_wmat *w, size_t row0,
                                 size_t row1, const void *act, size_t act_stride, size_t n_tok);

    /* y[r - row0] = scale[r] * fmaf(s_low, (float)sum(code * low), s_high * (float)sum(code * high)) for rows row0 <= r <
     * row1, row0 a multiple of 16; the sums are exact for up to 65,536 columns. prefetch as in matvec. */
    void (*screen)(float *y, const struct ry_screen_rows *w, size_t row0, size_t row1,
                   const struct ry_screen_x *x, size_t prefetch);

    /* y = x / sqrt(mean(x^2) + eps) * w; w NULL: ones. y may be x. Mean: 16 lanes and tree, then divided by n. */
    void (*rmsnorm)(float *y, const float *x, const float *w, size_t n, float eps);

    /* In place on one head vector: rotates the first n_rot dimensions. cs[n_rot]: cos, sin interleaved per pair i.
     * pairs: (2i, 2i+1); halves: (i, i + n_rot/2). x0 = fmaf(x0, c, -(x1*s)), x1 = fmaf(x0, s, x1*c). */
    void (*rope_pairs)(float *x, const float *cs, size_t n_rot);
    void (*rope_halves)(float *x, const float *cs, size_t n_rot);

    /* x[n] to its softmax in place, n >= 1. Entries of -INFINITY become 0 (all of them: all 0). */
    void (*softmax)(float *x, size_t n);

    /* The parts of softmax, for one that runs over tiles. max_of: the largest of x[n], NaN passed over, -INFINITY for
     * n = 0. exp_sum: x = exp(x - m) in place, returns the sum by 16 lanes and tree. */
    float (*max_of)(const float *x, size_t n);
    float (*exp_sum)(float *x, size_t n, float m);

    /* y = f(gate) * up, elementwise; y may be gate. */
    void (*silu_mul)(float *y, const float *gate, const float *up, size_t n);
    void (*gelu_mul)(float *y, const float *gate, const float *up, size_t n); /* tanh form */
    void (*relu2_mul)(float *y, const float *gate, const float *up,
                      size_t n); /* max(gate, 0)^2 * up */

    void (*add)(float *y, const float *x, size_t n); /* y += x */
    void (*scale)(float *y, float s, size_t n);      /* y *= s */
    void (*softcap)(float *x, float cap, size_t n);  /* x = cap * tanh(x / cap) */

    /* y[r * ldy + j] = fmaf(a[r * lda + k], b[k][j], y[r * ldy + j]) for k = 0, 1 .. n_k - 1, starting from y as given. */
    void (*attn_mac[RY_KV_ELEM_FLOATS])(float *y, size_t ldy, const float *a, size_t lda,
                                        const struct ry_attn_mat *b, size_t n_rows);
    /* y[r * ldy + j] = sum over k of a[r * lda + k] * (b[k][j] - 128): exact, |a| <= 127. Rows of a are zero from n_k up
     * to a multiple of 4. */
    void (*attn_mac_q8)(int32_t *y, size_t ldy, const int8_t *a, size_t lda,
                        const struct ry_attn_mat *b, size_t n_rows);

    /* The scale by which bytes stand for x[n]: max |x| / 127. Below RY_ACT_TINY / 127: 0. NaN or infinity in x: NaN. */
    float (*attn_scale)(const float *x, size_t n);
    /* q[i] = round(x[i] * (1 / scale)), |q| <= 127; zeros where the scale is 0 or NaN. */
    void (*attn_quantize)(int8_t *q, const float *x, size_t n, float scale);
    /* s[j] = (float)sum[j] * (scale * scales[j]). */
    void (*attn_scores_q8)(float *s, const int32_t *sum, const float *scales, float scale,
                           size_t n);
    /* Weights of positions to 14 bits in two digits: w = p[j] * scales[j], m = max |w|, round(w * (16383 / m)) =
     * 128 * high[j] + low[j], 0 <= low <= 127. Returns m / 16383. m below RY_ACT_TINY: zeros and 0; NaN or infinity among
     * w: NaN. p and scales are not negative. */
    float (*attn_digits)(int8_t *high, int8_t *low, const float *p, const float *scales, size_t n);
    /* out[d] = fmaf((float)(128 * high[d] + low[d]), scale, out[d]). */
    void (*attn_values_q8)(float *out, const int32_t *high, const int32_t *low, float scale,
                           size_t n);

    /* n floats to halves, rounded to nearest even, and back. */
    void (*f16_store)(uint16_t *dst, const float *src, size_t n);
    void (*f16_load)(float *dst, const uint16_t *src, size_t n);

    /* dst[n_cols] of one row as floats (embedding lookup), scale of the tensor included. */
    void (*decode_row)(float *dst, const struct ry_wmat *w, size_t row);
};

/* exp(x) and tanh(x) as every tier computes them, for one value: x > 88.37 counts as 88.37, x < -87.33 gives 0, NaN
 * stays NaN. Within 2 ulp. */
float ry_kern_expf(float x);
float ry_kern_tanhf(float x);

/* The table of a usable tier. Tables are built once, on first use, any thread. */
const struct ry_kern *ry_kern_get(enum ry_tier tier);

/* Fill functions of the tiers: set what the tier has, leave the rest. */
void ry_kern_init_scalar(struct ry_kern *k);
void ry_kern_init_avx2(struct ry_kern *k);
void ry_kern_init_avxvnni(struct ry_kern *k);
void ry_kern_init_avx512(struct ry_kern *k);
void ry_kern_init_amx(struct ry_kern *k);

#endif
