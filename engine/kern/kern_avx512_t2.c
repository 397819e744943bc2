/* AVX-512: ternary matrices in interleaved rows (T2_X16, see x16.h) times Q8_T activations.
 *
 * A line is one register of 16 rows x 16 columns, vpdpbusd does the rest: exact, no lane meets another. Decode is bound
 * by memory. Many tokens take the codes apart once, into a panel in the first cache: shifts and masks wait for the same
 * two ports as vpdpbusd and would cost a quarter of its speed. Any thread; allocates nothing. */
#include "engine/kern/kern_avx512_t2.h"

/* Columns between two looks at a counter: what counts and fetches waits for the ports of vpdpbusd, too. */
enum { TILE = 12, STEP_COLS = 16 };

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
        ry_t2_finish(y + (r - row0), row1 - r,
                     _mm512_add_epi32(_mm512_add_epi32(a[0], a[1]), _mm512_add_epi32(a[2], a[3])),
                     w, act);
    }
}

RY_INLINE __m512i sums_so_far(const struct ry_t2_job *j, size_t t, size_t row)
{
    __mmask16 mask = ry_mask_16(j->n_rows > row ? j->n_rows - row : 0);
    return j->col0 ? _mm512_maskz_loadu_epi32(mask, j->y + t * j->ldy + row)
                   : _mm512_setzero_si512();
}

RY_INLINE void keep(const struct ry_t2_job *j, size_t t, size_t row, __m512i sums)
{
    if (row >= j->n_rows)
        return;
    float *y = j->y + t * j->ldy + row;
    if (j->col0 + j->n_cols == j->w->n_cols)
        ry_t2_finish(y, j->n_rows - row, sums, j->w, j->act + t * j->act_stride);
    else
        _mm512_mask_storeu_epi32(y, ry_mask_16(j->n_rows - row), sums);
}

/* One line of each of three tokens of the tile that comes next; behind its last token, at `end`, the line that follows
 * in all of them. Returns where to go on. */
RY_INLINE const int8_t *ask_tokens(const int8_t *p, const int8_t *end, size_t stride)
{
    RY_UNROLL
    for (size_t i = 0; i < 3; i++)
        _mm_prefetch((const char *)(p + i * stride), _MM_HINT_T0);
    p += 3 * stride;
    return p < end ? p : p - (TILE * stride - 64);
}

/* Tokens t .. t + nt, nt a constant. The tile that comes next is fetched meanwhile. One pointer serves three tokens,
 * since x86 adds an index times 1 or 2. */
RY_INLINE void tile(const struct ry_t2_job *j, size_t t, const size_t nt)
{
    const size_t stride = j->act_stride;
    const int8_t *q0 = ry_act_q8_t(j->act + t * stride) + j->col0, *next = q0 + nt * stride;
    const int8_t *q1 = q0 + 3 * stride, *q2 = q0 + 6 * stride, *q3 = q0 + 9 * stride;
    const uint8_t *line = j->panel;
    __m512i a[TILE], b[TILE];
    RY_UNROLL
    for (size_t i = 0; i < nt; i++) {
        a[i] = sums_so_far(j, t + i, 0);
        b[i] = sums_so_far(j, t + i, RY_X16_ROWS);
    }
    const uint8_t *end = line + j->n_cols / 4 * RY_PANEL_STRIDE;
    const int8_t *ahead = next;
    while (line < end) {
        const int8_t *const q[4] = {q0, q1, q2, q3};
        if (nt == TILE)
            ahead = ask_tokens(ahead, next + TILE * stride, stride);
        RY_UNROLL
        for (size_t c = 0; c < STEP_COLS; c += 4, line += RY_PANEL_STRIDE) {
            __m512i v = _mm512_load_si512(line), u = _mm512_load_si512(line + RY_X16_LINE);
            RY_UNROLL
            for (size_t i = 0; i < nt; i++) {
                __m512i x = ry_broadcast_4(q[i / 3] + i % 3 * stride + c);
                a[i] = ry_dot_4(a[i], v, x);
                b[i] = ry_dot_4(b[i], u, x);
            }
        }
        q0 += STEP_COLS, q1 += STEP_COLS, q2 += STEP_COLS, q3 += STEP_COLS;
        RY_KEEP(q0);
        RY_KEEP(q1);
        RY_KEEP(q2);
        RY_KEEP(q3);
    }
    RY_UNROLL
    for (size_t i = 0; i < nt; i++) {
        keep(j, t + i, 0, a[i]);
        keep(j, t + i, RY_X16_ROWS, b[i]);
    }
}

void ry_kern_avx512_t2_tokens(const struct ry_t2_job *j, size_t n_tok)
{
    size_t t = 0;
    for (; t + TILE <= n_tok; t += TILE)
        tile(j, t, TILE);
    for (; t + 4 <= n_tok; t += 4)
        tile(j, t, 4);
    for (; t < n_tok; t++)
        tile(j, t, 1);
}

void ry_kern_avx512_t2_matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0,
                              size_t row1, const void *act, size_t act_stride, size_t n_tok)
{
    _Alignas(64) uint8_t panel[RY_PANEL_BYTES];
    struct ry_t2_job j = {.ldy = ldy, .w = w, .panel = panel, .act = act, .act_stride = act_stride};
    memset(panel, 0,
           RY_PANEL_STRIDE); /* read, not used, where the last rows are no pair of groups */
    for (size_t r = row0; r < row1; r += RY_PANEL_ROWS) {
        j.y = y + (r - row0);
        j.n_rows = row1 - r < RY_PANEL_ROWS ? row1 - r : RY_PANEL_ROWS;
        for (j.col0 = 0; j.col0 < w->n_cols; j.col0 += RY_PANEL_COLS) {
            size_t left = w->n_cols - j.col0;
            j.n_cols = left < RY_PANEL_COLS ? left : RY_PANEL_COLS;
            ry_t2_panel(panel, w, r, row1, j.col0, j.n_cols);
            ry_kern_avx512_t2_tokens(&j, n_tok);
        }
    }
}

void ry_kern_init_avx512_t2(struct ry_kern *k)
{
    k->matvec[RY_FMT_T2_X16] = matvec;
    k->matmul[RY_FMT_T2_X16] = ry_kern_avx512_t2_matmul;
}
