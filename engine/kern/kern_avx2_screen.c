/* AVX2: rows of bytes that stand for a matrix of floats (struct ry_screen_rows). Any thread; allocates nothing.
 *
 * vpmaddubsw wants one unsigned side: |code| with the digit turned by the code's sign. Two products of at most 127 * 127
 * fit its 16 bits. */
#include "engine/kern/kern_avx2.h"
#include "engine/kern/x16.h"

/* acc + the dot products of four bytes, lane by lane. */
RY_INLINE __m256i add_dots(__m256i acc, __m256i codes, __m256i x)
{
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(x, codes));
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

RY_INLINE __m256i broadcast_4(const int8_t *q)
{
    return _mm256_set1_epi32((int32_t)ry_load_u32(q));
}

RY_INLINE void finish(float *y, size_t n, __m256i high, __m256i low, const float *scale,
                      const struct ry_screen_x *x)
{
    __m256 v = _mm256_mul_ps(_mm256_set1_ps(x->s_high), _mm256_cvtepi32_ps(high));
    v = _mm256_fmadd_ps(_mm256_set1_ps(x->s_low), _mm256_cvtepi32_ps(low), v);
    ry_store_rows(y, _mm256_mul_ps(_mm256_loadu_ps(scale), v), n);
}

static void screen(float *y, const struct ry_screen_rows *w, size_t row0, size_t row1,
                   const struct ry_screen_x *x, size_t prefetch)
{
    for (size_t r = row0; r < row1; r += RY_X16_ROWS) {
        const uint8_t *line =
            (const uint8_t *)w->codes + r / RY_X16_ROWS * w->n_lines * RY_X16_LINE;
        __m256i high[2], low[2];
        high[0] = high[1] = low[0] = low[1] = _mm256_setzero_si256();
        for (size_t c = 0; c < w->n_lines; c++, line += RY_X16_LINE) {
            ry_ask_ahead(line, RY_X16_LINE, prefetch);
            __m256i a = broadcast_4(x->high + 4 * c), b = broadcast_4(x->low + 4 * c);
            RY_UNROLL
            for (int h = 0; h < 2; h++) {
                __m256i v = ry_load_256(line + 32 * h);
                high[h] = add_dots(high[h], v, a);
                low[h] = add_dots(low[h], v, b);
            }
        }
        for (size_t h = 0; h < 2 && r + RY_GROUP * h < row1; h++)
            finish(y + (r + RY_GROUP * h - row0), row1 - r - RY_GROUP * h, high[h], low[h],
                   w->scale + r + RY_GROUP * h, x);
    }
}

void ry_kern_init_avx2_screen(struct ry_kern *k)
{
    k->screen = screen;
}
