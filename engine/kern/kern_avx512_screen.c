/* AVX-512: rows of bytes that stand for a matrix of floats (struct ry_screen_rows). Any thread; allocates nothing.
 *
 * vpdpbusd wants its left side unsigned: code + 128, and 128 times the sum of the digits is taken away at the end. */
#include "engine/kern/kern_avx512.h"
#include "engine/kern/x16.h"

RY_INLINE __m512 unbiased(__m512i sums, int32_t digit_sum)
{
    return _mm512_cvtepi32_ps(_mm512_sub_epi32(sums, _mm512_set1_epi32(128 * digit_sum)));
}

static void screen(float *y, const struct ry_screen_rows *w, size_t row0, size_t row1,
                   const struct ry_screen_x *x, size_t prefetch)
{
    const __m512i bias = _mm512_set1_epi8((char)-128);
    for (size_t r = row0; r < row1; r += RY_X16_ROWS) {
        const int8_t *line = w->codes + r / RY_X16_ROWS * w->n_lines * RY_X16_LINE;
        __m512i high = _mm512_setzero_si512(), low = _mm512_setzero_si512();
        for (size_t c = 0; c < w->n_lines; c++, line += RY_X16_LINE) {
            ry_ask_line(line, prefetch);
            __m512i v = _mm512_xor_si512(_mm512_loadu_si512(line), bias);
            high = ry_dot_4(high, v, ry_broadcast_4(x->high + 4 * c));
            low = ry_dot_4(low, v, ry_broadcast_4(x->low + 4 * c));
        }
        __m512 y16 = _mm512_mul_ps(_mm512_set1_ps(x->s_high), unbiased(high, x->sum_high));
        y16 = _mm512_fmadd_ps(_mm512_set1_ps(x->s_low), unbiased(low, x->sum_low), y16);
        ry_store_16(y + (r - row0), _mm512_mul_ps(_mm512_loadu_ps(w->scale + r), y16), row1 - r);
    }
}

void ry_kern_init_avx512_screen(struct ry_kern *k)
{
    k->screen = screen;
}
