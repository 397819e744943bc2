/* AVX-VNNI: rows of bytes that stand for a matrix of floats (struct ry_screen_rows). Any thread; allocates nothing.
 *
 * vpdpbusd wants its left side unsigned: code + 128, and 128 times the sum of the digits is taken away at the end. */
#include "engine/kern/kern_avxvnni.h"
#include "engine/kern/x16.h"

RY_INLINE __m256 unbiased(__m256i sums, int32_t digit_sum)
{
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(sums, _mm256_set1_epi32(128 * digit_sum)));
}

RY_INLINE void finish(float *y, size_t n, __m256i high, __m256i low, const float *scale,
                      const struct ry_screen_x *x)
{
    __m256 v = _mm256_mul_ps(_mm256_set1_ps(x->s_high), unbiased(high, x->sum_high));
    v = _mm256_fmadd_ps(_mm256_set1_ps(x->s_low), unbiased(low, x->sum_low), v);
    ry_store_rows(y, _mm256_mul_ps(_mm256_loadu_ps(scale), v), n);
}

static void screen(float *y, const struct ry_screen_rows *w, size_t row0, size_t row1,
                   const struct ry_screen_x *x, size_t prefetch)
{
    const __m256i bias = _mm256_set1_epi8((char)-128);
    for (size_t r = row0; r < row1; r += RY_X16_ROWS) {
        const uint8_t *line =
            (const uint8_t *)w->codes + r / RY_X16_ROWS * w->n_lines * RY_X16_LINE;
        __m256i high[2], low[2];
        high[0] = high[1] = low[0] = low[1] = _mm256_setzero_si256();
        for (size_t c = 0; c < w->n_lines; c++, line += RY_X16_LINE) {
            ry_ask_ahead(line, RY_X16_LINE, prefetch);
            __m256i a = ry_broadcast_4(x->high + 4 * c), b = ry_broadcast_4(x->low + 4 * c);
            RY_UNROLL
            for (int h = 0; h < 2; h++) {
                __m256i v = _mm256_xor_si256(ry_load_256(line + 32 * h), bias);
                high[h] = ry_dot_4(high[h], v, a);
                low[h] = ry_dot_4(low[h], v, b);
            }
        }
        for (size_t h = 0; h < 2 && r + RY_GROUP * h < row1; h++)
            finish(y + (r + RY_GROUP * h - row0), row1 - r - RY_GROUP * h, high[h], low[h],
                   w->scale + r + RY_GROUP * h, x);
    }
}

void ry_kern_init_avxvnni_screen(struct ry_kern *k)
{
    k->screen = screen;
}
