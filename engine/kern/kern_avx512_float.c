/* AVX-512: F32, F16 and BF16 matrices.
 *
 * Lanes run along the summed dimension: the 16 virtual lanes are one register, what does not fill it is masked (a lane
 * that holds -0 must keep it), and the tree of kern.h ends it. Any thread; allocates nothing. */
#include "engine/kern/kern_avx512.h"

enum { ROWS = 8, TILE_ROWS = 4, TILE_TOK = 6, PANEL_ROWS = 64, PANEL_TOK = 12, PIECE = 512 };

/* How elements of a kind are read; always compile-time constants. */
struct elem {
    size_t bytes;
    __m512 (*load)(const uint8_t *p);
    __m512 (*load_part)(const uint8_t *p, __mmask16 mask);
};

RY_INLINE __m512 load_f32(const uint8_t *p)
{
    return _mm512_loadu_ps(p);
}

RY_INLINE __m512 load_part_f32(const uint8_t *p, __mmask16 mask)
{
    return _mm512_maskz_loadu_ps(mask, p);
}

RY_INLINE __m512 load_f16(const uint8_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

RY_INLINE __m512 load_part_f16(const uint8_t *p, __mmask16 mask)
{
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p));
}

RY_INLINE __m512 from_bf16(__m256i v)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}

RY_INLINE __m512 load_bf16(const uint8_t *p)
{
    return from_bf16(_mm256_loadu_si256((const __m256i *)p));
}

RY_INLINE __m512 load_part_bf16(const uint8_t *p, __mmask16 mask)
{
    return from_bf16(_mm256_maskz_loadu_epi16(mask, p));
}

static const struct elem f32 = {4, load_f32, load_part_f32};
static const struct elem f16 = {2, load_f16, load_part_f16};
static const struct elem bf16 = {2, load_bf16, load_part_bf16};

RY_INLINE const uint8_t *row_of(const struct ry_wmat *w, size_t r, size_t row1)
{
    return (const uint8_t *)w->data + (r < row1 ? r : row1 - 1) * w->row_bytes;
}

/* ---- one token --------------------------------------------------------------------------------------- */

/* Columns i0 .. i1 (whole registers) of eight rows, and the lines `ahead` bytes behind them asked for; 0: not. */
RY_INLINE void dot_run(__m512 l[ROWS], const uint8_t *const p[ROWS], const float *x, size_t i0,
                       size_t i1, size_t ahead, const struct elem *e)
{
    for (size_t i = i0; i < i1; i += 16) {
        __m512 v = _mm512_loadu_ps(x + i);
        RY_UNROLL
        for (int k = 0; k < ROWS; k++) {
            const uint8_t *w = p[k] + i * e->bytes;
            if (i % (64 / e->bytes) == 0)
                ry_ask_line(w, ahead);
            l[k] = _mm512_fmadd_ps(e->load(w), v, l[k]);
        }
    }
}

/* Eight rows are read side by side, so what is read `prefetch` bytes later stands an eighth of that further on in each
 * of them, or, past their end, in the eight rows that follow. */
RY_INLINE __m256 dot_rows(const uint8_t *const p[ROWS], const float *x, const struct ry_wmat *w,
                          size_t prefetch, const struct elem *e)
{
    size_t n = w->n_cols, whole = n / 16 * 16, ahead = prefetch / ROWS / 64 * 64;
    size_t reach = ahead < w->row_bytes ? (w->row_bytes - ahead) / e->bytes / 16 * 16 : 0;
    __m512 l[ROWS];
    RY_UNROLL
    for (int k = 0; k < ROWS; k++)
        l[k] = _mm512_setzero_ps();
    reach = reach < whole ? reach : whole;
    dot_run(l, p, x, 0, reach, ahead, e);
    dot_run(l, p, x, reach, whole, ahead ? ahead + (ROWS - 1) * w->row_bytes : 0, e);
    if (whole < n) {
        __mmask16 mask = ry_mask_16(n - whole);
        __m512 v = _mm512_maskz_loadu_ps(mask, x + whole);
        RY_UNROLL
        for (int k = 0; k < ROWS; k++)
            l[k] =
                _mm512_mask3_fmadd_ps(e->load_part(p[k] + whole * e->bytes, mask), v, l[k], mask);
    }
    return ry_tree_8_rows(l);
}

RY_INLINE void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                      size_t prefetch, const struct elem *e)
{
    for (size_t r = row0; r < row1; r += ROWS) {
        const uint8_t *p[ROWS];
        RY_UNROLL
        for (size_t k = 0; k < ROWS; k++)
            p[k] = row_of(w, r + k, row1);
        ry_store_8(y + (r - row0), dot_rows(p, act, w, prefetch, e), row1 - r);
    }
}

/* ---- many tokens ------------------------------------------------------------------------------------- */

/* Some rows times some tokens, a piece of the columns at a time. The tokens' piece is copied into one run: where it lies
 * the rows are often a power of two apart, and would push each other out of the first cache. */
struct panel {
    const struct ry_wmat *w;
    size_t row, n_rows, n_tok, col0, n_cols;
    bool first, last; /* piece of the columns */
    _Alignas(64) float x[PANEL_TOK][PIECE];
    __m512 sums[PANEL_ROWS / TILE_ROWS][PANEL_TOK / TILE_TOK][TILE_ROWS * TILE_TOK];
};

/* Every row k and token j of a tile. Two loops: compilers unroll no more than 16 steps of one. */
#define EACH_OF_TILE(k, j)                                                                         \
    RY_UNROLL                                                                                      \
    for (int k = 0; k < TILE_ROWS; k++)                                                            \
        RY_UNROLL                                                                                  \
    for (int j = 0; j < TILE_TOK; j++)

/* The columns behind the last whole register. */
RY_INLINE void tile_end(__m512 l[TILE_ROWS * TILE_TOK], const uint8_t *const p[TILE_ROWS],
                        const float *x, size_t i, size_t n, const struct elem *e)
{
    __mmask16 mask = ry_mask_16(n - i);
    EACH_OF_TILE(k, j)
    {
        __m512 w = e->load_part(p[k] + i * e->bytes, mask);
        __m512 v = _mm512_maskz_loadu_ps(mask, x + j * PIECE + i);
        l[TILE_TOK * k + j] = _mm512_mask3_fmadd_ps(w, v, l[TILE_TOK * k + j], mask);
    }
}

/* Four rows times six tokens: 24 accumulators, weights taken once for six tokens; number TILE_TOK * r + t. Rows past
 * the end repeat the last. */
RY_INLINE void tile(struct panel *a, size_t r, size_t t, float out[TILE_ROWS * TILE_TOK],
                    const struct elem *e)
{
    __m512 l[TILE_ROWS * TILE_TOK], *kept = a->sums[r / TILE_ROWS][t / TILE_TOK];
    const uint8_t *p[TILE_ROWS];
    const float *x = a->x[t];
    size_t i = 0;
    RY_UNROLL
    for (size_t k = 0; k < TILE_ROWS; k++)
        p[k] = row_of(a->w, a->row + r + k, a->row + a->n_rows) + a->col0 * e->bytes;
    if (a->first)
        EACH_OF_TILE(k, j) l[TILE_TOK * k + j] = _mm512_setzero_ps();
    else
        EACH_OF_TILE(k, j) l[TILE_TOK * k + j] = kept[TILE_TOK * k + j];
    for (; i + 16 <= a->n_cols; i += 16) {
        __m512 w[TILE_ROWS];
        RY_UNROLL
        for (int k = 0; k < TILE_ROWS; k++)
            w[k] = e->load(p[k] + i * e->bytes);
        RY_UNROLL
        for (int j = 0; j < TILE_TOK; j++) {
            __m512 v = _mm512_load_ps(x + j * PIECE + i);
            RY_UNROLL
            for (int k = 0; k < TILE_ROWS; k++)
                l[TILE_TOK * k + j] = _mm512_fmadd_ps(w[k], v, l[TILE_TOK * k + j]);
        }
    }
    if (i < a->n_cols)
        tile_end(l, p, x, i, a->n_cols, e);
    if (!a->last) {
        EACH_OF_TILE(k, j) kept[TILE_TOK * k + j] = l[TILE_TOK * k + j];
        return;
    }
    RY_UNROLL
    for (int k = 0; k < TILE_ROWS * TILE_TOK; k += ROWS)
        _mm256_storeu_ps(out + k, ry_tree_8_rows(l + k));
}

/* All tiles of a piece; y is that of the panel's first row and token. */
RY_INLINE void tiles(struct panel *a, float *y, size_t ldy, const struct elem *e)
{
    for (size_t r = 0; r < a->n_rows; r += TILE_ROWS)
        for (size_t t = 0; t < a->n_tok; t += TILE_TOK) {
            float out[TILE_ROWS * TILE_TOK];
            tile(a, r, t, out, e);
            if (a->last)
                for (size_t j = 0; j < TILE_TOK && t + j < a->n_tok; j++)
                    for (size_t k = 0; k < TILE_ROWS && r + k < a->n_rows; k++)
                        y[(t + j) * ldy + r + k] = out[TILE_TOK * k + j];
        }
}

RY_INLINE void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                      const void *act, size_t act_stride, size_t n_tok, const struct elem *e)
{
    struct panel a;
    a.w = w;
    memset(a.x, 0, sizeof a.x); /* tokens past the last are computed, not stored */
    for (a.row = row0; a.row < row1; a.row += PANEL_ROWS) {
        a.n_rows = row1 - a.row < PANEL_ROWS ? row1 - a.row : PANEL_ROWS;
        for (size_t t = 0; t < n_tok; t += PANEL_TOK) {
            a.n_tok = n_tok - t < PANEL_TOK ? n_tok - t : PANEL_TOK;
            for (a.col0 = 0; a.col0 < w->n_cols; a.col0 += PIECE) {
                a.n_cols = w->n_cols - a.col0 < PIECE ? w->n_cols - a.col0 : PIECE;
                a.first = a.col0 == 0;
                a.last = a.col0 + a.n_cols == w->n_cols;
                for (size_t j = 0; j < a.n_tok; j++)
                    memcpy(a.x[j],
                           (const float *)((const char *)act + (t + j) * act_stride) + a.col0,
                           a.n_cols * sizeof(float));
                tiles(&a, y + t * ldy + (a.row - row0), ldy, e);
            }
        }
    }
}

RY_SLOTS(f32)
RY_SLOTS(f16)
RY_SLOTS(bf16)

void ry_kern_init_avx512_float(struct ry_kern *k)
{
    k->matvec[RY_FMT_F32] = matvec_f32;
    k->matmul[RY_FMT_F32] = matmul_f32;
    k->matvec[RY_FMT_F16] = matvec_f16;
    k->matmul[RY_FMT_F16] = matmul_f16;
    k->matvec[RY_FMT_BF16] = matvec_bf16;
    k->matmul[RY_FMT_BF16] = matmul_bf16;
}
