/* AVX-512: ternary matrices in interleaved rows (T2_X16, see x16.h) times Q8_T activations.
 *
 * A line is one register of 16 rows x 16 columns, vpdpbusd does the rest: exact, no lane meets another. Decode is bound
 * by memory. Prefill cuts a line's fields out once for a tile of 32 rows x 6 tokens. Any thread; allocates nothing. */
#include "engine/kern/kern_avx512.h"
#include "engine/kern/x16.h"

enum { TILE = 6 };

/* y = (scale * inv_s) * (float)(sum - sum of q) for the first n of 16 rows. */
RY_INLINE void finish(float *y, size_t n, __m512i sums, const struct ry_wmat *w, const void *act)
{
    const struct ry_act_head *head = act;
    __m512 v = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums, _mm512_set1_epi32(head->sum)));
    ry_store_16(y, _mm512_mul_ps(_mm512_set1_ps(w->scale * head->inv_s), v), n);
}

static void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                   size_t prefetch)
{
    const __m512i three = _mm512_set1_epi8(3);
    const int8_t *q = ry_act_q8_t(act);
    for (size_t r = row0; r < row1; r += RY_X16_ROWS) {
        const uint8_t *line = ry_x16_group(w, r);
        __m512i a[4];
        RY_UNROLL
        for (int s = 0; s < 4; s++)
            a[s] = _mm512_setzero_si512();
        for (size_t k = 0; k < w->n_cols; k += RY_T2_COLS, line += RY_X16_LINE) {
            ry_ask_line(line, prefetch);
            __m512i v = _mm512_loadu_si512(line);
            RY_UNROLL
            for (unsigned s = 0; s < 4; s++)
                a[s] = ry_dot_4(a[s], _mm512_and_si512(s ? _mm512_srli_epi16(v, 2 * s) : v, three),
                                ry_broadcast_4(q + k + 4 * s));
        }
        finish(y + (r - row0), row1 - r,
               _mm512_add_epi32(_mm512_add_epi32(a[0], a[1]), _mm512_add_epi32(a[2], a[3])), w,
               act);
    }
}

/* The groups at a and b (a again where there is no second) for nt tokens, a constant; n rows from a's first on. */
RY_INLINE void tile(float *y, size_t ldy, const struct ry_wmat *w, const uint8_t *a,
                    const uint8_t *b, size_t n, const char *act, size_t act_stride, const size_t nt)
{
    const __m512i three = _mm512_set1_epi8(3);
    __m512i s0[TILE], s1[TILE];
    RY_UNROLL
    for (size_t t = 0; t < nt; t++)
        s0[t] = s1[t] = _mm512_setzero_si512();
    for (size_t k = 0; k < w->n_cols; k += RY_T2_COLS, a += RY_X16_LINE, b += RY_X16_LINE) {
        __m512i v = _mm512_loadu_si512(a), u = _mm512_loadu_si512(b);
        RY_UNROLL
        for (size_t s = 0; s < 4; s++) {
            __m512i f = _mm512_and_si512(v, three), g = _mm512_and_si512(u, three);
            v = _mm512_srli_epi16(v, 2);
            u = _mm512_srli_epi16(u, 2);
            RY_UNROLL
            for (size_t t = 0; t < nt; t++) {
                __m512i x = ry_broadcast_4(ry_act_q8_t(act + t * act_stride) + k + 4 * s);
                s0[t] = ry_dot_4(s0[t], f, x);
                s1[t] = ry_dot_4(s1[t], g, x);
            }
        }
    }
    RY_UNROLL
    for (size_t t = 0; t < nt; t++) {
        finish(y + t * ldy, n, s0[t], w, act + t * act_stride);
        if (n > RY_X16_ROWS)
            finish(y + t * ldy + RY_X16_ROWS, n - RY_X16_ROWS, s1[t], w, act + t * act_stride);
    }
}

/* All tokens pass before the next 32 rows, whose 8 * n_cols bytes stay in the first cache. */
static void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                   const void *act, size_t act_stride, size_t n_tok)
{
    for (size_t r = row0; r < row1; r += 2 * RY_X16_ROWS) {
        const uint8_t *a = ry_x16_group(w, r);
        const uint8_t *b = r + RY_X16_ROWS < row1 ? ry_x16_group(w, r + RY_X16_ROWS) : a;
        size_t t = 0, n = row1 - r;
        for (; t + TILE <= n_tok; t += TILE)
            tile(y + t * ldy + (r - row0), ldy, w, a, b, n, (const char *)act + t * act_stride,
                 act_stride, TILE);
        for (; t + 2 <= n_tok; t += 2)
            tile(y + t * ldy + (r - row0), ldy, w, a, b, n, (const char *)act + t * act_stride,
                 act_stride, 2);
        if (t < n_tok)
            tile(y + t * ldy + (r - row0), ldy, w, a, b, n, (const char *)act + t * act_stride,
                 act_stride, 1);
    }
}

void ry_kern_init_avx512_t2(struct ry_kern *k)
{
    k->matvec[RY_FMT_T2_X16] = matvec;
    k->matmul[RY_FMT_T2_X16] = matmul;
}
