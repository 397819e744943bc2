/* Ternary codes of interleaved rows laid out as bytes, for products of many tokens: read by AVX-512's and AMX's.
 *
 * A panel is 32 rows x at most RY_PANEL_COLS columns: for each four columns a line of 16 rows, dword r = row r, and
 * behind it the line of the next 16 rows. Included by those tiers' files only. */
#ifndef RYOT_ENGINE_KERN_KERN_AVX512_T2_H
#define RYOT_ENGINE_KERN_KERN_AVX512_T2_H

#include "engine/kern/kern_avx512.h"
#include "engine/kern/x16.h"

enum {
    RY_PANEL_ROWS = 32,
    RY_PANEL_COLS = 640, /* 20 KiB: with the tokens of two tiles in the first cache */
    RY_PANEL_STRIDE = 2 * RY_X16_LINE,
    RY_PANEL_BYTES = RY_PANEL_ROWS * RY_PANEL_COLS
};

/* The slot of AVX-512, for what AMX leaves to it. */
void ry_kern_avx512_t2_matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0,
                              size_t row1, const void *act, size_t act_stride, size_t n_tok);

/* A panel's columns for some tokens. Between panels y holds the sums so far, as int32. */
struct ry_t2_job {
    float *y; /* of the first token and the panel's first row */
    size_t ldy, n_rows;
    const struct ry_wmat *w;
    const uint8_t *panel;
    const char *act;
    size_t act_stride, col0, n_cols;
};

/* y of n_tok tokens: this panel's products added, and after the row's last columns the scales multiplied in. */
void ry_kern_avx512_t2_tokens(const struct ry_t2_job *j, size_t n_tok);

/* Columns col0 .. col0 + n_cols of the rows from row on; the second half is left alone where the matrix has no such
 * group below row1. */
RY_INLINE void ry_t2_panel(uint8_t *panel, const struct ry_wmat *w, size_t row, size_t row1,
                           size_t col0, size_t n_cols)
{
    const __m512i three = _mm512_set1_epi8(3);
    for (size_t half = 0; half < 2 && row + half * RY_X16_ROWS < row1; half++) {
        const uint8_t *line =
            ry_x16_group(w, row + half * RY_X16_ROWS) + col0 / RY_T2_COLS * RY_X16_LINE;
        uint8_t *to = panel + half * RY_X16_LINE;
        for (size_t k = 0; k < n_cols; k += RY_T2_COLS, line += RY_X16_LINE) {
            ry_ask_line(line, 2048);
            __m512i v = _mm512_loadu_si512(line);
            RY_UNROLL
            for (unsigned s = 0; s < 4; s++, to += RY_PANEL_STRIDE)
                _mm512_store_si512(to,
                                   _mm512_and_si512(s ? _mm512_srli_epi16(v, 2 * s) : v, three));
        }
    }
}

/* y = (scale * inv_s) * (float)(sum - sum of q) for the first n of 16 rows. */
RY_INLINE void ry_t2_finish(float *y, size_t n, __m512i sums, const struct ry_wmat *w,
                            const void *act)
{
    const struct ry_act_head *head = act;
    __m512 v = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums, _mm512_set1_epi32(head->sum)));
    ry_store_16(y, _mm512_mul_ps(_mm512_set1_ps(w->scale * head->inv_s), v), n);
}

#endif
