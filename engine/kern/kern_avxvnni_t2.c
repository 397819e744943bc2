/* AVX-VNNI: ternary matrices in interleaved rows (T2_X16, see x16.h) times Q8_T activations, by vpdpbusd on 32 bytes.
 *
 * vpdpbusd adds four products into each int32: nothing to widen, exact. Any thread; allocates nothing. */
#include "engine/kern/kern_avxvnni.h"
#include "engine/kern/x16.h"

enum { TILE = 5 };

RY_INLINE void finish(float *y, size_t n, __m256i sums, const struct ry_wmat *w, const void *act)
{
    const struct ry_act_head *head = act;
    __m256 v = _mm256_cvtepi32_ps(_mm256_sub_epi32(sums, _mm256_set1_epi32(head->sum)));
    ry_store_rows(y, _mm256_mul_ps(_mm256_set1_ps(w->scale * head->inv_s), v), n);
}

static void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                   size_t prefetch)
{
    const __m256i three = _mm256_set1_epi8(3);
    const int8_t *q = ry_act_q8_t(act);
    for (size_t r = row0; r < row1; r += RY_X16_ROWS) {
        const uint8_t *line = ry_x16_group(w, r);
        __m256i a[2][4];
        RY_UNROLL
        for (int s = 0; s < 4; s++)
            a[0][s] = a[1][s] = _mm256_setzero_si256();
        for (size_t k = 0; k < w->n_cols; k += RY_T2_COLS, line += RY_X16_LINE) {
            ry_ask_ahead(line, RY_X16_LINE, prefetch);
            __m256i v = ry_load_256(line), u = ry_load_256(line + 32);
            RY_UNROLL
            for (int s = 0; s < 4; s++) {
                __m256i x = ry_broadcast_4(q + k + 4 * s);
                a[0][s] = ry_dot_4(a[0][s],
                                   _mm256_and_si256(s ? _mm256_srli_epi16(v, 2 * s) : v, three), x);
                a[1][s] = ry_dot_4(a[1][s],
                                   _mm256_and_si256(s ? _mm256_srli_epi16(u, 2 * s) : u, three), x);
            }
        }
        RY_UNROLL
        for (int h = 0; h < 2; h++) {
            size_t r_half = r + (size_t)h * RY_GROUP;
            __m256i sums = _mm256_add_epi32(_mm256_add_epi32(a[h][0], a[h][1]),
                                            _mm256_add_epi32(a[h][2], a[h][3]));
            if (r_half < row1)
                finish(y + (r_half - row0), row1 - r_half, sums, w, act);
        }
    }
}

/* 16 rows for nt tokens, a constant. */
RY_INLINE void tile(float *y, size_t ldy, const struct ry_wmat *w, const uint8_t *line, size_t n,
                    const char *act, size_t act_stride, const size_t nt)
{
    const __m256i three = _mm256_set1_epi8(3);
    __m256i a[TILE][2];
    RY_UNROLL
    for (size_t t = 0; t < nt; t++)
        a[t][0] = a[t][1] = _mm256_setzero_si256();
    for (size_t k = 0; k < w->n_cols; k += RY_T2_COLS, line += RY_X16_LINE) {
        __m256i v = ry_load_256(line), u = ry_load_256(line + 32);
        RY_UNROLL
        for (size_t s = 0; s < 4; s++) {
            __m256i f = _mm256_and_si256(v, three), g = _mm256_and_si256(u, three);
            v = _mm256_srli_epi16(v, 2);
            u = _mm256_srli_epi16(u, 2);
            RY_UNROLL
            for (size_t t = 0; t < nt; t++) {
                __m256i x = ry_broadcast_4(ry_act_q8_t(act + t * act_stride) + k + 4 * s);
                a[t][0] = ry_dot_4(a[t][0], f, x);
                a[t][1] = ry_dot_4(a[t][1], g, x);
            }
        }
    }
    RY_UNROLL
    for (size_t t = 0; t < nt; t++) {
        finish(y + t * ldy, n, a[t][0], w, act + t * act_stride);
        if (n > RY_GROUP)
            finish(y + t * ldy + RY_GROUP, n - RY_GROUP, a[t][1], w, act + t * act_stride);
    }
}

static void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                   const void *act, size_t act_stride, size_t n_tok)
{
    for (size_t r = row0; r < row1; r += RY_X16_ROWS) {
        const uint8_t *line = ry_x16_group(w, r);
        size_t t = 0;
        for (; t + TILE <= n_tok; t += TILE)
            tile(y + t * ldy + (r - row0), ldy, w, line, row1 - r,
                 (const char *)act + t * act_stride, act_stride, TILE);
        for (; t < n_tok; t++)
            tile(y + t * ldy + (r - row0), ldy, w, line, row1 - r,
                 (const char *)act + t * act_stride, act_stride, 1);
    }
}

void ry_kern_init_avxvnni_t2(struct ry_kern *k)
{
    k->matvec[RY_FMT_T2_X16] = matvec;
    k->matmul[RY_FMT_T2_X16] = matmul;
}
