/* The scalar tier, part three: attention over one chunk of the KV cache, and KV elements.
 *
 * Sums run over k in order, each output alone: the wide tiers put outputs into lanes. Any thread; allocates nothing. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "engine/kern/act.h"
#include "engine/kern/kern_scalar.h"

static void mac_f32(float *y, size_t ldy, const float *a, size_t lda, const struct ry_attn_mat *b,
                    size_t n_rows)
{
    const float *data = b->data;
    for (size_t r = 0; r < n_rows; r++)
        for (size_t k = 0; k < b->n_k; k++)
            for (size_t j = 0; j < b->n_cols; j++)
                y[r * ldy + j] = fmaf(a[r * lda + k], data[k * b->ld + j], y[r * ldy + j]);
}

static void mac_f16(float *y, size_t ldy, const float *a, size_t lda, const struct ry_attn_mat *b,
                    size_t n_rows)
{
    const uint16_t *data = b->data;
    for (size_t k = 0; k < b->n_k; k++)
        for (size_t j = 0; j < b->n_cols; j++) {
            float v = ry_f16_to_f32(data[k * b->ld + j]);
            for (size_t r = 0; r < n_rows; r++)
                y[r * ldy + j] = fmaf(a[r * lda + k], v, y[r * ldy + j]);
        }
}

static void mac_q8(int32_t *y, size_t ldy, const int8_t *a, size_t lda, const struct ry_attn_mat *b,
                   size_t n_rows)
{
    const uint8_t *data = b->data;
    for (size_t r = 0; r < n_rows; r++)
        for (size_t j = 0; j < b->n_cols; j++) {
            int32_t sum = 0;
            for (size_t k = 0; k < b->n_k; k++)
                sum += a[r * lda + k] * (data[(k / 4 * b->ld + j) * 4 + k % 4] - 128);
            y[r * ldy + j] = sum;
        }
}

static float scale_of(const float *x, size_t n)
{
    float m = ry_scalar_abs_max(x, n);
    return m < RY_ACT_TINY ? 0.0f : m <= FLT_MAX ? m / 127.0f : NAN;
}

static void quantize(int8_t *q, const float *x, size_t n, float scale)
{
    if (!(scale > 0)) {
        memset(q, 0, n);
        return;
    }
    float s = 1.0f / scale;
    for (size_t i = 0; i < n; i++)
        q[i] = (int8_t)lrintf(x[i] * s);
}

static void scores_q8(float *s, const int32_t *sum, const float *scales, float factor, size_t n)
{
    for (size_t j = 0; j < n; j++)
        s[j] = (float)sum[j] * (factor * scales[j]);
}

static float digits(int8_t *high, int8_t *low, const float *p, const float *scales, size_t n)
{
    uint32_t best = 0;
    for (size_t j = 0; j < n; j++) {
        float w = p[j] * scales[j];
        uint32_t bits;
        memcpy(&bits, &w, sizeof bits);
        bits &= 0x7fffffff;
        best = bits > best ? bits : best;
    }
    float m;
    memcpy(&m, &best, sizeof m);
    if (m < RY_ACT_TINY || !(m <= FLT_MAX)) {
        memset(high, 0, n);
        memset(low, 0, n);
        return m < RY_ACT_TINY ? 0.0f : NAN;
    }
    float s = 16383.0f / m;
    for (size_t j = 0; j < n; j++) {
        long v = lrintf(p[j] * scales[j] * s);
        high[j] = (int8_t)(v >> 7);
        low[j] = (int8_t)(v & 127);
    }
    return m / 16383.0f;
}

static void values_q8(float *out, const int32_t *high, const int32_t *low, float factor, size_t n)
{
    for (size_t d = 0; d < n; d++)
        out[d] = fmaf((float)(128 * high[d] + low[d]), factor, out[d]);
}

static void f16_store(uint16_t *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = ry_f32_to_f16(src[i]);
}

static void f16_load(float *dst, const uint16_t *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = ry_f16_to_f32(src[i]);
}

void ry_kern_init_scalar_attn(struct ry_kern *k)
{
    k->attn_mac[RY_KV_ELEM_F32] = mac_f32;
    k->attn_mac[RY_KV_ELEM_F16] = mac_f16;
    k->attn_mac_q8 = mac_q8;
    k->attn_scale = scale_of;
    k->attn_quantize = quantize;
    k->attn_scores_q8 = scores_q8;
    k->attn_digits = digits;
    k->attn_values_q8 = values_q8;
    k->f16_store = f16_store;
    k->f16_load = f16_load;
}
