/* AVX2: attention over one chunk of the KV cache, and KV elements.
 *
 * Lanes are columns (positions of keys, dimensions of values), so that every output keeps scalar's order over k. Up to
 * six rows times two vectors stay in registers; with one or two rows, four vectors, which hides the latency of FMA.
 * Any thread; allocates nothing. */
#include <float.h>

#include "engine/kern/ahead.h"
#include "engine/kern/kern_avx2.h"

enum { MAX_R = 6 };

/* How elements of a kind are read; always compile-time constants. */
struct elem {
    size_t bytes;
    __m256 (*load_8)(const char *p);
    float (*load)(const char *p);
};

RY_INLINE __m256 load_8_f32(const char *p)
{
    return _mm256_loadu_ps((const float *)(const void *)p);
}

RY_INLINE float load_f32(const char *p)
{
    float f;
    memcpy(&f, p, sizeof f);
    return f;
}

RY_INLINE __m256 load_8_f16(const char *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

RY_INLINE float load_f16(const char *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}

static const struct elem f32 = {4, load_8_f32, load_f32};
static const struct elem f16 = {2, load_8_f16, load_f16};

/* n_r rows times n_v vectors of columns. */
RY_INLINE void mac_tile(float *y, size_t ldy, const float *a, size_t lda, const char *data,
                        const struct ry_attn_mat *b, int n_r, int n_v, struct ry_ahead *ahead,
                        const struct elem *e)
{
    __m256 acc[MAX_R][4];
    RY_UNROLL
    for (int r = 0; r < n_r; r++)
        RY_UNROLL
    for (int j = 0; j < n_v; j++)
        acc[r][j] = _mm256_loadu_ps(y + (size_t)r * ldy + 8 * (size_t)j);
    for (size_t k = 0; k < b->n_k; k++, data += b->ld * e->bytes) {
        __m256 v[4];
        ry_ask_next(ahead);
        RY_UNROLL
        for (int j = 0; j < n_v; j++)
            v[j] = e->load_8(data + 8 * (size_t)j * e->bytes);
        RY_UNROLL
        for (int r = 0; r < n_r; r++) {
            __m256 x = _mm256_set1_ps(a[(size_t)r * lda + k]);
            RY_UNROLL
            for (int j = 0; j < n_v; j++)
                acc[r][j] = _mm256_fmadd_ps(x, v[j], acc[r][j]);
        }
    }
    RY_UNROLL
    for (int r = 0; r < n_r; r++)
        RY_UNROLL
    for (int j = 0; j < n_v; j++)
        _mm256_storeu_ps(y + (size_t)r * ldy + 8 * (size_t)j, acc[r][j]);
}

/* All rows of n_v vectors of columns. */
RY_INLINE void mac_panel(float *y, size_t ldy, const float *a, size_t lda, const char *data,
                         const struct ry_attn_mat *b, size_t n_rows, int n_v,
                         struct ry_ahead *ahead, const struct elem *e)
{
    for (size_t r = 0, n; r < n_rows; r += n) {
        float *to = y + r * ldy;
        const float *from = a + r * lda;
        n = n_rows - r;
        n = n >= 2 * MAX_R ? MAX_R : n > MAX_R ? (n + 1) / 2 : n;
        switch (n) {
        case 1:
            mac_tile(to, ldy, from, lda, data, b, 1, n_v, ahead, e);
            break;
        case 2:
            mac_tile(to, ldy, from, lda, data, b, 2, n_v, ahead, e);
            break;
        case 3:
            mac_tile(to, ldy, from, lda, data, b, 3, n_v, ahead, e);
            break;
        case 4:
            mac_tile(to, ldy, from, lda, data, b, 4, n_v, ahead, e);
            break;
        case 5:
            mac_tile(to, ldy, from, lda, data, b, 5, n_v, ahead, e);
            break;
        default:
            mac_tile(to, ldy, from, lda, data, b, 6, n_v, ahead, e);
        }
        ahead->n_lines = 0; /* one row group of a panel asks */
    }
}

/* Columns from j on, fewer than eight, one at a time. */
RY_INLINE void mac_tail(float *y, size_t ldy, const float *a, size_t lda,
                        const struct ry_attn_mat *b, size_t n_rows, size_t j, const struct elem *e)
{
    const char *data = b->data;
    for (; j < b->n_cols; j++)
        for (size_t r = 0; r < n_rows; r++) {
            float sum = y[r * ldy + j];
            for (size_t k = 0; k < b->n_k; k++)
                sum = fmaf(a[r * lda + k], e->load(data + (k * b->ld + j) * e->bytes), sum);
            y[r * ldy + j] = sum;
        }
}

RY_INLINE void mac(float *y, size_t ldy, const float *a, size_t lda, const struct ry_attn_mat *b,
                   size_t n_rows, const struct elem *e)
{
    size_t panel = n_rows <= 2 ? 32 : 16, j = 0;
    struct ry_ahead ahead = ry_ahead_of(b, (b->n_cols + panel - 1) / panel * b->n_k);
    size_t n_lines = ahead.n_lines;
    const char *data = b->data;
    for (; panel == 32 && j + 32 <= b->n_cols; j += 32) {
        ahead.n_lines = n_lines;
        if (n_rows == 1)
            mac_tile(y + j, ldy, a, lda, data + j * e->bytes, b, 1, 4, &ahead, e);
        else
            mac_tile(y + j, ldy, a, lda, data + j * e->bytes, b, 2, 4, &ahead, e);
    }
    for (; j + 16 <= b->n_cols; j += 16) {
        ahead.n_lines = n_lines;
        mac_panel(y + j, ldy, a, lda, data + j * e->bytes, b, n_rows, 2, &ahead, e);
    }
    for (; j + 8 <= b->n_cols; j += 8) {
        ahead.n_lines = n_lines;
        mac_panel(y + j, ldy, a, lda, data + j * e->bytes, b, n_rows, 1, &ahead, e);
    }
    mac_tail(y, ldy, a, lda, b, n_rows, j, e);
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

/* n_r rows times eight columns: bytes widened to words, pairs of products in each half of a column's sum. */
RY_INLINE void q8_tile(int32_t *y, size_t ldy, const int8_t *a, size_t lda, const uint8_t *data,
                       const struct ry_attn_mat *b, int n_r, struct ry_ahead *ahead)
{
    const __m256i bias = _mm256_set1_epi16(128);
    __m256i acc[4][2];
    RY_UNROLL
    for (int r = 0; r < n_r; r++)
        acc[r][0] = acc[r][1] = _mm256_setzero_si256();
    for (size_t k = 0; k < b->n_k; k += 4, data += 4 * b->ld) {
        ry_ask_next(ahead);
        __m256i v = ry_load_256(data);
        __m256i v0 = _mm256_cvtepu8_epi16(_mm256_castsi256_si128(v));
        __m256i v1 = _mm256_cvtepu8_epi16(_mm256_extracti128_si256(v, 1));
        v0 = _mm256_sub_epi16(v0, bias);
        v1 = _mm256_sub_epi16(v1, bias);
        RY_UNROLL
        for (int r = 0; r < n_r; r++) {
            __m128i words =
                _mm_cvtepi8_epi16(_mm_cvtsi32_si128((int)ry_load_u32(a + (size_t)r * lda + k)));
            __m256i x = _mm256_broadcastq_epi64(words);
            acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(v0, x));
            acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(v1, x));
        }
    }
    RY_UNROLL
    for (int r = 0; r < n_r; r++)
        _mm256_storeu_si256(
            (__m256i *)(void *)(y + (size_t)r * ldy),
            _mm256_permute4x64_epi64(_mm256_hadd_epi32(acc[r][0], acc[r][1]), 0xd8));
}

RY_INLINE void q8_rows(int32_t *y, size_t ldy, const int8_t *a, size_t lda,
                       const struct ry_attn_mat *b, int n_r, struct ry_ahead *ahead)
{
    const uint8_t *data = b->data;
    size_t j = 0;
    for (; j + 8 <= b->n_cols; j += 8)
        q8_tile(y + j, ldy, a, lda, data + 4 * j, b, n_r, ahead);
    for (; j < b->n_cols; j++)
        for (int r = 0; r < n_r; r++) {
            int32_t sum = 0;
            for (size_t k = 0; k < b->n_k; k++)
                sum += a[(size_t)r * lda + k] * (data[(k / 4 * b->ld + j) * 4 + k % 4] - 128);
            y[(size_t)r * ldy + j] = sum;
        }
}

static void mac_q8(int32_t *y, size_t ldy, const int8_t *a, size_t lda, const struct ry_attn_mat *b,
                   size_t n_rows)
{
    struct ry_ahead ahead = ry_ahead_of(b, (b->n_cols + 7) / 8 * ((b->n_k + 3) / 4));
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

/* The first n < 8 floats, zeros behind them. */
RY_INLINE __m256 load_part(const float *x, size_t n)
{
    float v[8] = {0};
    memcpy(v, x, n * sizeof *x);
    return _mm256_loadu_ps(v);
}

RY_INLINE __m256 load_up_to_8(const float *x, size_t n)
{
    return n >= 8 ? _mm256_loadu_ps(x) : load_part(x, n);
}

/* Magnitudes as integers: exact in any order, NaN above everything. */
RY_INLINE __m256i larger(__m256i best, __m256 x)
{
    return _mm256_max_epi32(
        best, _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff)));
}

static float largest(__m256i best)
{
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(best), _mm256_extracti128_si256(best, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
    return _mm_cvtss_f32(_mm_castsi128_ps(m));
}

/* Eight integers of -128..127 as bytes, the first n of them to dst. */
RY_INLINE void store_bytes(int8_t *dst, __m256i v, size_t n)
{
    int8_t bytes[16];
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    _mm_storeu_si128((__m128i *)(void *)bytes, _mm_packs_epi16(words, words));
    memcpy(dst, bytes, n >= 8 ? 8 : n);
}

static float scale_of(const float *x, size_t n)
{
    __m256i best = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 8)
        best = larger(best, load_up_to_8(x + i, n - i));
    float m = largest(best);
    return m < RY_ACT_TINY ? 0.0f : m <= FLT_MAX ? m / 127.0f : NAN;
}

static void quantize(int8_t *q, const float *x, size_t n, float scale)
{
    if (!(scale > 0)) {
        memset(q, 0, n);
        return;
    }
    const __m256 s = _mm256_set1_ps(1.0f / scale);
    for (size_t i = 0; i < n; i += 8) {
        __m256 v = _mm256_mul_ps(load_up_to_8(x + i, n - i), s);
        store_bytes(q + i, _mm256_cvtps_epi32(v), n - i);
    }
}

static void scores_q8(float *s, const int32_t *sum, const float *scales, float factor, size_t n)
{
    const __m256 f = _mm256_set1_ps(factor);
    size_t j = 0;
    for (; j + 8 <= n; j += 8) {
        __m256 v = _mm256_cvtepi32_ps(ry_load_256(sum + j));
        _mm256_storeu_ps(s + j, _mm256_mul_ps(v, _mm256_mul_ps(f, _mm256_loadu_ps(scales + j))));
    }
    for (; j < n; j++)
        s[j] = (float)sum[j] * (factor * scales[j]);
}

RY_INLINE __m256 weights(const float *p, const float *scales, size_t n)
{
    return _mm256_mul_ps(load_up_to_8(p, n), load_up_to_8(scales, n));
}

static float digits(int8_t *high, int8_t *low, const float *p, const float *scales, size_t n)
{
    __m256i best = _mm256_setzero_si256();
    for (size_t j = 0; j < n; j += 8)
        best = larger(best, weights(p + j, scales + j, n - j));
    float m = largest(best);
    if (m < RY_ACT_TINY || !(m <= FLT_MAX)) {
        memset(high, 0, n);
        memset(low, 0, n);
        return m < RY_ACT_TINY ? 0.0f : NAN;
    }
    const __m256 s = _mm256_set1_ps(16383.0f / m);
    for (size_t j = 0; j < n; j += 8) {
        __m256i v = _mm256_cvtps_epi32(_mm256_mul_ps(weights(p + j, scales + j, n - j), s));
        store_bytes(high + j, _mm256_srai_epi32(v, 7), n - j);
        store_bytes(low + j, _mm256_and_si256(v, _mm256_set1_epi32(127)), n - j);
    }
    return m / 16383.0f;
}

static void values_q8(float *out, const int32_t *high, const int32_t *low, float factor, size_t n)
{
    const __m256 f = _mm256_set1_ps(factor);
    size_t d = 0;
    for (; d + 8 <= n; d += 8) {
        __m256i v = _mm256_slli_epi32(ry_load_256(high + d), 7);
        v = _mm256_add_epi32(v, ry_load_256(low + d));
        _mm256_storeu_ps(out + d,
                         _mm256_fmadd_ps(_mm256_cvtepi32_ps(v), f, _mm256_loadu_ps(out + d)));
    }
    for (; d < n; d++)
        out[d] = fmaf((float)(128 * high[d] + low[d]), factor, out[d]);
}

/* ---- halves ------------------------------------------------------------------------------------------ */

static void f16_store(uint16_t *dst, const float *src, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(dst + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(src + i), _MM_FROUND_TO_NEAREST_INT));
    for (; i < n; i++)
        dst[i] = (uint16_t)_mm_cvtsi128_si32(
            _mm_cvtps_ph(_mm_set_ss(src[i]), _MM_FROUND_TO_NEAREST_INT));
}

static void f16_load(float *dst, const uint16_t *src, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(dst + i, load_8_f16((const char *)(src + i)));
    for (; i < n; i++)
        dst[i] = load_f16((const char *)(src + i));
}

void ry_kern_init_avx2_attn(struct ry_kern *k)
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
