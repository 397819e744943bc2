/* AVX-512: attention over one chunk of the KV cache, and KV elements.
 *
 * Lanes are columns (positions of keys, dimensions of values), so that every output keeps scalar's order over k. Up to
 * six rows times four vectors stay in registers; with one or two rows, eight vectors, which hides the latency of FMA.
 * Any thread; allocates nothing. */
#include <float.h>
#include <math.h>

#include "engine/kern/ahead.h"
#include "engine/kern/kern_avx512.h"

enum { MAX_R = 6, PANEL = 64, WIDE_PANEL = 128 };

/* How elements of a kind are read; always compile-time constants. */
struct elem {
    size_t bytes;
    __m512 (*load)(const char *p, __mmask16 mask);
};

RY_INLINE __m512 load_f32(const char *p, __mmask16 mask)
{
    return _mm512_maskz_loadu_ps(mask, p);
}

RY_INLINE __m512 load_f16(const char *p, __mmask16 mask)
{
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p));
}

static const struct elem f32 = {4, load_f32};
static const struct elem f16 = {2, load_f16};

/* n_r rows times n_v vectors of columns, of which the last has the lanes of `mask`. */
RY_INLINE void mac_tile(float *y, size_t ldy, const float *a, size_t lda, const char *data,
                        const struct ry_attn_mat *b, int n_r, int n_v, __mmask16 mask,
                        struct ry_ahead *ahead, const struct elem *e)
{
    __m512 acc[MAX_R][8];
    RY_UNROLL
    for (int r = 0; r < n_r; r++)
        RY_UNROLL
    for (int j = 0; j < n_v; j++)
        acc[r][j] = _mm512_maskz_loadu_ps(j == n_v - 1 ? mask : 0xffff,
                                          y + (size_t)r * ldy + 16 * (size_t)j);
    for (size_t k = 0; k < b->n_k; k++, data += b->ld * e->bytes) {
        __m512 v[8];
        ry_ask_next(ahead);
        RY_UNROLL
        for (int j = 0; j < n_v; j++)
            v[j] = e->load(data + 16 * (size_t)j * e->bytes, j == n_v - 1 ? mask : 0xffff);
        RY_UNROLL
        for (int r = 0; r < n_r; r++) {
            __m512 x = _mm512_set1_ps(a[(size_t)r * lda + k]);
            RY_UNROLL
            for (int j = 0; j < n_v; j++)
                acc[r][j] = _mm512_fmadd_ps(x, v[j], acc[r][j]);
        }
    }
    RY_UNROLL
    for (int r = 0; r < n_r; r++)
        RY_UNROLL
    for (int j = 0; j < n_v; j++)
        _mm512_mask_storeu_ps(y + (size_t)r * ldy + 16 * (size_t)j, j == n_v - 1 ? mask : 0xffff,
                              acc[r][j]);
}

/* All rows of n_v vectors of columns. */
RY_INLINE void mac_panel(float *y, size_t ldy, const float *a, size_t lda, const char *data,
                         const struct ry_attn_mat *b, size_t n_rows, int n_v, __mmask16 mask,
                         struct ry_ahead *ahead, const struct elem *e)
{
    for (size_t r = 0, n; r < n_rows; r += n) {
        float *to = y + r * ldy;
        const float *from = a + r * lda;
        n = n_rows - r;
        n = n >= 2 * MAX_R ? MAX_R : n > MAX_R ? (n + 1) / 2 : n;
        switch (n) {
        case 1:
            mac_tile(to, ldy, from, lda, data, b, 1, n_v, mask, ahead, e);
            break;
        case 2:
            mac_tile(to, ldy, from, lda, data, b, 2, n_v, mask, ahead, e);
            break;
        case 3:
            mac_tile(to, ldy, from, lda, data, b, 3, n_v, mask, ahead, e);
            break;
        case 4:
            mac_tile(to, ldy, from, lda, data, b, 4, n_v, mask, ahead, e);
            break;
        case 5:
            mac_tile(to, ldy, from, lda, data, b, 5, n_v, mask, ahead, e);
            break;
        default:
            mac_tile(to, ldy, from, lda, data, b, 6, n_v, mask, ahead, e);
        }
        ahead->n_lines = 0; /* one row group of a panel asks */
    }
}

RY_INLINE void mac(float *y, size_t ldy, const float *a, size_t lda, const struct ry_attn_mat *b,
                   size_t n_rows, const struct elem *e)
{
    size_t panel = n_rows <= 2 && b->n_cols >= WIDE_PANEL ? WIDE_PANEL : PANEL;
    struct ry_ahead ahead = ry_ahead_of(b, (b->n_cols + panel - 1) / panel * b->n_k);
    size_t n_lines = ahead.n_lines, j = 0;
    const char *data = b->data;
    for (; panel == WIDE_PANEL && j + WIDE_PANEL <= b->n_cols; j += WIDE_PANEL) {
        ahead.n_lines = n_lines;
        if (n_rows == 1)
            mac_tile(y + j, ldy, a, lda, data + j * e->bytes, b, 1, 8, 0xffff, &ahead, e);
        else
            mac_tile(y + j, ldy, a, lda, data + j * e->bytes, b, 2, 8, 0xffff, &ahead, e);
    }
    for (; j + PANEL <= b->n_cols; j += PANEL) {
        ahead.n_lines = n_lines;
        mac_panel(y + j, ldy, a, lda, data + j * e->bytes, b, n_rows, 4, 0xffff, &ahead, e);
    }
    for (; j < b->n_cols; j += 16) {
        size_t left = b->n_cols - j;
        ahead.n_lines = n_lines;
        mac_panel(y + j, ldy, a, lda, data + j * e->bytes, b, n_rows, 1, ry_mask_16(left), &ahead,
                  e);
    }
}

static void mac_f32(float *y, size_t ldy, const float *a, size_t lda, const struct ry_attn_mat *b,
                    size_t n_rows)
{
    mac(y, ldy, a, lda, b, n_rows, &f32);
}

static void mac_f16(float *y, size_t ldy, const float *a, size_t lda, const struct ry_attn_mat *b,
                    size_t n_rows)
{
    mac(y, ldy, a, lda, b, n_rows, &f16);
}

/* ---- eight bits -------------------------------------------------------------------------------------- */

static int32_t sum_of(const int8_t *a, size_t n)
{
    __m512i sum = _mm512_setzero_si512();
    for (size_t k = 0; k < n; k += 64) {
        size_t left = n - k;
        __mmask64 mask = left >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
        sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), _mm512_maskz_loadu_epi8(mask, a + k));
    }
    return _mm512_reduce_add_epi32(sum);
}

RY_INLINE void q8_tile(int32_t *y, size_t ldy, const int8_t *a, size_t lda, const uint8_t *data,
                       const struct ry_attn_mat *b, const int32_t *sums, int n_r, int n_v,
                       __mmask16 mask, struct ry_ahead *ahead)
{
    __m512i acc[MAX_R][4];
    RY_UNROLL
    for (int r = 0; r < n_r; r++)
        RY_UNROLL
    for (int j = 0; j < n_v; j++)
        acc[r][j] = _mm512_set1_epi32(-128 * sums[r]);
    for (size_t k = 0; k < b->n_k; k += 4, data += 4 * b->ld) {
        __m512i v[4];
        ry_ask_next(ahead);
        RY_UNROLL
        for (int j = 0; j < n_v; j++)
            v[j] = _mm512_maskz_loadu_epi32(j == n_v - 1 ? mask : 0xffff, data + 64 * (size_t)j);
        RY_UNROLL
        for (int r = 0; r < n_r; r++) {
            __m512i x = ry_broadcast_4(a + (size_t)r * lda + k);
            RY_UNROLL
            for (int j = 0; j < n_v; j++)
                acc[r][j] = ry_dot_4(acc[r][j], v[j], x);
        }
    }
    RY_UNROLL
    for (int r = 0; r < n_r; r++)
        RY_UNROLL
    for (int j = 0; j < n_v; j++)
        _mm512_mask_storeu_epi32(y + (size_t)r * ldy + 16 * (size_t)j, j == n_v - 1 ? mask : 0xffff,
                                 acc[r][j]);
}

/* All columns of n_r rows. */
RY_INLINE void q8_rows(int32_t *y, size_t ldy, const int8_t *a, size_t lda,
                       const struct ry_attn_mat *b, int n_r, struct ry_ahead *ahead)
{
    const uint8_t *data = b->data;
    int32_t sums[MAX_R];
    size_t j = 0;
    for (int r = 0; r < n_r; r++)
        sums[r] = sum_of(a + (size_t)r * lda, b->n_k);
    for (; j + PANEL <= b->n_cols; j += PANEL)
        q8_tile(y + j, ldy, a, lda, data + 4 * j, b, sums, n_r, 4, 0xffff, ahead);
    for (; j < b->n_cols; j += 16)
        q8_tile(y + j, ldy, a, lda, data + 4 * j, b, sums, n_r, 1, ry_mask_16(b->n_cols - j),
                ahead);
}

static void mac_q8(int32_t *y, size_t ldy, const int8_t *a, size_t lda, const struct ry_attn_mat *b,
                   size_t n_rows)
{
    struct ry_ahead ahead = ry_ahead_of(b, ((b->n_cols + PANEL - 1) / PANEL) * ((b->n_k + 3) / 4));
    size_t r = 0;
    for (; r + 4 <= n_rows; r += 4) {
        q8_rows(y + r * ldy, ldy, a + r * lda, lda, b, 4, &ahead);
        ahead.n_lines = 0; /* the first rows ask */
    }
    for (; r < n_rows; r++) {
        q8_rows(y + r * ldy, ldy, a + r * lda, lda, b, 1, &ahead);
        ahead.n_lines = 0;
    }
}

/* Magnitudes as integers: exact in any order, NaN above everything. */
RY_INLINE __m512i larger(__m512i best, __m512 x)
{
    return _mm512_max_epu32(
        best, _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff)));
}

static float largest(__m512i best)
{
    return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)_mm512_reduce_max_epu32(best))));
}

static float scale_of(const float *x, size_t n)
{
    __m512i best = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 16)
        best = larger(best, _mm512_maskz_loadu_ps(ry_mask_16(n - i), x + i));
    float m = largest(best);
    return m < RY_ACT_TINY ? 0.0f : m <= FLT_MAX ? m / 127.0f : NAN;
}

static void quantize(int8_t *q, const float *x, size_t n, float scale)
{
    if (!(scale > 0)) {
        memset(q, 0, n);
        return;
    }
    const __m512 s = _mm512_set1_ps(1.0f / scale);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 mask = ry_mask_16(n - i);
        __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), s);
        _mm512_mask_cvtepi32_storeu_epi8(q + i, mask, _mm512_cvtps_epi32(v));
    }
}

static void scores_q8(float *s, const int32_t *sum, const float *scales, float factor, size_t n)
{
    const __m512 f = _mm512_set1_ps(factor);
    for (size_t j = 0; j < n; j += 16) {
        __mmask16 mask = ry_mask_16(n - j);
        __m512 v = _mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(mask, sum + j));
        __m512 by = _mm512_mul_ps(f, _mm512_maskz_loadu_ps(mask, scales + j));
        _mm512_mask_storeu_ps(s + j, mask, _mm512_mul_ps(v, by));
    }
}

RY_INLINE __m512 weights(const float *p, const float *scales, __mmask16 mask)
{
    return _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, p), _mm512_maskz_loadu_ps(mask, scales));
}

static float digits(int8_t *high, int8_t *low, const float *p, const float *scales, size_t n)
{
    __m512i best = _mm512_setzero_si512();
    for (size_t j = 0; j < n; j += 16)
        best = larger(best, weights(p + j, scales + j, ry_mask_16(n - j)));
    float m = largest(best);
    if (m < RY_ACT_TINY || !(m <= FLT_MAX)) {
        memset(high, 0, n);
        memset(low, 0, n);
        return m < RY_ACT_TINY ? 0.0f : NAN;
    }
    const __m512 s = _mm512_set1_ps(16383.0f / m);
    for (size_t j = 0; j < n; j += 16) {
        __mmask16 mask = ry_mask_16(n - j);
        __m512i v = _mm512_cvtps_epi32(_mm512_mul_ps(weights(p + j, scales + j, mask), s));
        _mm512_mask_cvtepi32_storeu_epi8(high + j, mask, _mm512_srai_epi32(v, 7));
        _mm512_mask_cvtepi32_storeu_epi8(low + j, mask,
                                         _mm512_and_si512(v, _mm512_set1_epi32(127)));
    }
    return m / 16383.0f;
}

static void values_q8(float *out, const int32_t *high, const int32_t *low, float factor, size_t n)
{
    const __m512 f = _mm512_set1_ps(factor);
    for (size_t d = 0; d < n; d += 16) {
        __mmask16 mask = ry_mask_16(n - d);
        __m512i v = _mm512_slli_epi32(_mm512_maskz_loadu_epi32(mask, high + d), 7);
        v = _mm512_add_epi32(v, _mm512_maskz_loadu_epi32(mask, low + d));
        __m512 y = _mm512_maskz_loadu_ps(mask, out + d);
        _mm512_mask_storeu_ps(out + d, mask, _mm512_fmadd_ps(_mm512_cvtepi32_ps(v), f, y));
    }
}

/* ---- halves ------------------------------------------------------------------------------------------ */

static void f16_store(uint16_t *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 mask = ry_mask_16(n - i);
        __m512 v = _mm512_maskz_loadu_ps(mask, src + i);
        _mm256_mask_storeu_epi16(dst + i, mask, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    }
}

static void f16_load(float *dst, const uint16_t *src, size_t n)
{
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 mask = ry_mask_16(n - i);
        _mm512_mask_storeu_ps(dst + i, mask, load_f16((const char *)(src + i), mask));
    }
}

void ry_kern_init_avx512_attn(struct ry_kern *k)
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
