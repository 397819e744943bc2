/* AVX2: ternary matrices in interleaved rows (T2_X16, see x16.h) times Q8_T activations.
 *
 * A line is two registers of eight rows. Fields 1 and 3 are multiplied where they stand, four times too large: one
 * shift instead of three. A pair of products is at most 2 * 3 * 128 = 768 (code 3 in a hostile file), so four lines
 * give at most 4 * 2 * 768 = 6,144 in the one kind and 24,576 in the other: words hold them, and are widened then.
 * Whole-row sums are exact, so their order is free. Any thread; allocates nothing. */
#include "engine/kern/kern_avx2.h"
#include "engine/kern/x16.h"

enum { FLUSH_COLS = 4 * RY_T2_COLS, TILE = 4 };

RY_INLINE __m256i broadcast_4(const int8_t *q)
{
    return _mm256_set1_epi32((int32_t)ry_load_u32(q));
}

struct words {
    __m256i ones, fours;
};

/* Half a line: eight rows, 16 columns; x: their activations, four a dword. */
RY_INLINE void dot_half_line(struct words *s, __m256i v, const __m256i x[4])
{
    const __m256i low = _mm256_set1_epi8(3), high = _mm256_set1_epi8(12);
    __m256i w = _mm256_srli_epi16(v, 4);
    s->ones = _mm256_add_epi16(
        s->ones, _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_and_si256(v, low), x[0]),
                                  _mm256_maddubs_epi16(_mm256_and_si256(w, low), x[2])));
    s->fours = _mm256_add_epi16(
        s->fours, _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_and_si256(v, high), x[1]),
                                   _mm256_maddubs_epi16(_mm256_and_si256(w, high), x[3])));
}

RY_INLINE __m256i widen(struct words s)
{
    return _mm256_madd_epi16(_mm256_add_epi16(s.ones, _mm256_srai_epi16(s.fours, 2)),
                             _mm256_set1_epi16(1));
}

/* y = (scale * inv_s) * (float)(sum - sum of q) for the first n of eight rows. */
RY_INLINE void finish(float *y, size_t n, __m256i sums, const struct ry_wmat *w, const void *act)
{
    const struct ry_act_head *head = act;
    __m256 v = _mm256_cvtepi32_ps(_mm256_sub_epi32(sums, _mm256_set1_epi32(head->sum)));
    ry_store_rows(y, _mm256_mul_ps(_mm256_set1_ps(w->scale * head->inv_s), v), n);
}

static void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                   size_t prefetch)
{
    const int8_t *q = ry_act_q8_t(act);
    for (size_t r = row0; r < row1; r += RY_X16_ROWS) {
        const uint8_t *line = ry_x16_group(w, r);
        __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t c = 0; c < w->n_cols; c += FLUSH_COLS) {
            size_t end = c + FLUSH_COLS < w->n_cols ? c + FLUSH_COLS : w->n_cols;
            struct words s[2] = {{_mm256_setzero_si256(), _mm256_setzero_si256()},
                                 {_mm256_setzero_si256(), _mm256_setzero_si256()}};
            for (size_t k = c; k < end; k += RY_T2_COLS, line += RY_X16_LINE) {
                ry_ask_ahead(line, RY_X16_LINE, prefetch);
                __m256i x[4] = {broadcast_4(q + k), broadcast_4(q + k + 4), broadcast_4(q + k + 8),
                                broadcast_4(q + k + 12)};
                dot_half_line(&s[0], ry_load_256(line), x);
                dot_half_line(&s[1], ry_load_256(line + 32), x);
            }
            sums[0] = _mm256_add_epi32(sums[0], widen(s[0]));
            sums[1] = _mm256_add_epi32(sums[1], widen(s[1]));
        }
        finish(y + (r - row0), row1 - r, sums[0], w, act);
        if (row1 - r > RY_GROUP)
            finish(y + (r - row0) + RY_GROUP, row1 - r - RY_GROUP, sums[1], w, act);
    }
}

/* Eight rows for nt tokens, a constant: a half line's fields are cut out once for all of them. */
RY_INLINE void tile(float *y, size_t ldy, const struct ry_wmat *w, const uint8_t *half, size_t n,
                    const char *act, size_t act_stride, const size_t nt)
{
    const __m256i low = _mm256_set1_epi8(3), high = _mm256_set1_epi8(12);
    __m256i sums[TILE];
    RY_UNROLL
    for (size_t t = 0; t < nt; t++)
        sums[t] = _mm256_setzero_si256();
    for (size_t c = 0; c < w->n_cols; c += FLUSH_COLS) {
        size_t end = c + FLUSH_COLS < w->n_cols ? c + FLUSH_COLS : w->n_cols;
        struct words s[TILE];
        RY_UNROLL
        for (size_t t = 0; t < nt; t++)
            s[t].ones = s[t].fours = _mm256_setzero_si256();
        for (size_t k = c; k < end; k += RY_T2_COLS, half += RY_X16_LINE) {
            __m256i v = ry_load_256(half), u = _mm256_srli_epi16(v, 4);
            __m256i f0 = _mm256_and_si256(v, low), f1 = _mm256_and_si256(v, high);
            __m256i f2 = _mm256_and_si256(u, low), f3 = _mm256_and_si256(u, high);
            RY_UNROLL
            for (size_t t = 0; t < nt; t++) {
                const int8_t *q = ry_act_q8_t(act + t * act_stride) + k;
                s[t].ones = _mm256_add_epi16(
                    s[t].ones, _mm256_add_epi16(_mm256_maddubs_epi16(f0, broadcast_4(q)),
                                                _mm256_maddubs_epi16(f2, broadcast_4(q + 8))));
                s[t].fours = _mm256_add_epi16(
                    s[t].fours, _mm256_add_epi16(_mm256_maddubs_epi16(f1, broadcast_4(q + 4)),
                                                 _mm256_maddubs_epi16(f3, broadcast_4(q + 12))));
            }
        }
        RY_UNROLL
        for (size_t t = 0; t < nt; t++)
            sums[t] = _mm256_add_epi32(sums[t], widen(s[t]));
    }
    RY_UNROLL
    for (size_t t = 0; t < nt; t++)
        finish(y + t * ldy, n, sums[t], w, act + t * act_stride);
}

/* All tokens pass before the next eight rows, whose 8 * n_cols / 4 bytes stay in the first cache. */
static void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                   const void *act, size_t act_stride, size_t n_tok)
{
    for (size_t r = row0; r < row1; r += RY_GROUP) {
        const uint8_t *half = ry_x16_group(w, r / RY_X16_ROWS * RY_X16_ROWS) + r % RY_X16_ROWS * 4;
        size_t t = 0;
        for (; t + TILE <= n_tok; t += TILE)
            tile(y + t * ldy + (r - row0), ldy, w, half, row1 - r,
                 (const char *)act + t * act_stride, act_stride, TILE);
        for (; t < n_tok; t++)
            tile(y + t * ldy + (r - row0), ldy, w, half, row1 - r,
                 (const char *)act + t * act_stride, act_stride, 1);
    }
}

void ry_kern_init_avx2_t2(struct ry_kern *k)
{
    k->matvec[RY_FMT_T2_X16] = matvec;
    k->matmul[RY_FMT_T2_X16] = matmul;
}
