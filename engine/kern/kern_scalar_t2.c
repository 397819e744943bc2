/* The scalar tier: ternary matrices in interleaved rows (T2_X16, see x16.h).
 *
 *   y = (scale * inv_s) * (float)(sum(code * q) - sum(q)), both sums exact modulo 2^32: the bits of the plain format.
 *
 * Any thread; allocates nothing. */
#include <string.h>

#include "engine/kern/act.h"
#include "engine/kern/kern_scalar.h"
#include "engine/kern/x16.h"

static void group_sums(uint32_t sums[RY_X16_ROWS], const uint8_t *line, const int8_t *q, size_t n)
{
    memset(sums, 0, RY_X16_ROWS * sizeof *sums);
    for (size_t c = 0; c < n; c += RY_T2_COLS, line += RY_X16_LINE)
        for (size_t r = 0; r < RY_X16_ROWS; r++)
            for (size_t i = 0; i < RY_T2_COLS; i++) {
                int code = line[4 * r + i % 4] >> (i / 4 * 2) & 3;
                sums[r] += (uint32_t)(code * q[c + i]);
            }
}

static void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                   size_t prefetch)
{
    const struct ry_act_head *head = act;
    float scale = w->scale * head->inv_s;
    (void)prefetch;
    for (size_t r0 = row0; r0 < row1; r0 += RY_X16_ROWS) {
        uint32_t sums[RY_X16_ROWS];
        group_sums(sums, ry_x16_group(w, r0), ry_act_q8_t(act), w->n_cols);
        for (size_t r = r0; r < row1 && r < r0 + RY_X16_ROWS; r++)
            y[r - row0] = scale * (float)(int32_t)(sums[r - r0] - (uint32_t)head->sum);
    }
}

static void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                   const void *act, size_t act_stride, size_t n_tok)
{
    for (size_t t = 0; t < n_tok; t++)
        matvec(y + t * ldy, w, row0, row1, (const char *)act + t * act_stride, 0);
}

void ry_kern_init_scalar_t2(struct ry_kern *k)
{
    k->matvec[RY_FMT_T2_X16] = matvec;
    k->matmul[RY_FMT_T2_X16] = matmul;
}
