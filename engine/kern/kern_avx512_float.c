/* AVX-512: F32, F16 and BF16 matrices.
 *
 * Lanes run along the summed dimension: the 16 virtual lanes are one register, what does not fill it is masked (a lane
 * that holds -0 must keep it), and the tree of kern.h ends it. Any thread; allocates nothing. */
#include "engine/kern/kern_avx512.h"

enum { ROWS = 8, TILE_ROWS = 4, TILE_TOK = 6, PANEL_ROWS = 64, PANEL_TOK = 24 };

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

/* Four rows times six tokens: 24 accumulators, weights taken once for six tokens. Rows and tokens past the end repeat
 * the last and are not stored. l[TILE_TOK * r + t]. */
RY_INLINE void tile(float out[TILE_ROWS * TILE_TOK], const uint8_t *const p[TILE_ROWS],
                    const float *const x[TILE_TOK], size_t n, const struct elem *e)
{
    __m512 l[TILE_ROWS * TILE_TOK];
    size_t i = 0;
    RY_UNROLL
    for (int k = 0; k < TILE_ROWS * TILE_TOK; k++)
        l[k] = _mm512_setzero_ps();
    for (; i + 16 <= n; i += 16) {
        __m512 w[TILE_ROWS];
        RY_UNROLL
        for (int r = 0; r < TILE_ROWS; r++)
            w[r] = e->load(p[r] + i * e->bytes);
        RY_UNROLL
        for (int t = 0; t < TILE_TOK; t++) {
            __m512 v = _mm512_loadu_ps(x[t] + i);
            RY_UNROLL
            for (int r = 0; r < TILE_ROWS; r++)
                l[TILE_TOK * r + t] = _mm512_fmadd_ps(w[r], v, l[TILE_TOK * r + t]);
        }
    }
    if (i < n) {
        __mmask16 mask = ry_mask_16(n - i);
        RY_UNROLL
        for (int k = 0; k < TILE_ROWS * TILE_TOK; k++)
            l[k] =
                _mm512_mask3_fmadd_ps(e->load_part(p[k / TILE_TOK] + i * e->bytes, mask),
                                      _mm512_maskz_loadu_ps(mask, x[k % TILE_TOK] + i), l[k], mask);
    }
    RY_UNROLL
    for (int k = 0; k < TILE_ROWS * TILE_TOK; k += ROWS)
        _mm256_storeu_ps(out + k, ry_tree_8_rows(l + k));
}

struct job {
    float *y;
    size_t ldy;
    const struct ry_wmat *w;
    size_t row0, row1;
    const char *act;
    size_t act_stride, n_tok;
};

/* Rows r0 .. r1 times tokens t0 .. t1. */
RY_INLINE void block(const struct job *j, size_t r0, size_t r1, size_t t0, size_t t1,
                     const struct elem *e)
{
    for (size_t r = r0; r < r1; r += TILE_ROWS)
        for (size_t t = t0; t < t1; t += TILE_TOK) {
            const uint8_t *p[TILE_ROWS];
            const float *x[TILE_TOK];
            float out[TILE_ROWS * TILE_TOK];
            RY_UNROLL
            for (size_t k = 0; k < TILE_ROWS; k++)
                p[k] = row_of(j->w, r + k, r1);
            RY_UNROLL
            for (size_t k = 0; k < TILE_TOK; k++)
                x[k] = (const float *)(j->act + (t + k < t1 ? t + k : t1 - 1) * j->act_stride);
            tile(out, p, x, j->w->n_cols, e);
            for (size_t k = 0; k < TILE_TOK && t + k < t1; k++)
                for (size_t i = 0; i < TILE_ROWS && r + i < r1; i++)
                    j->y[(t + k) * j->ldy + (r + i - j->row0)] = out[TILE_TOK * i + k];
        }
}

/* Some rows times some tokens at a time: both stay in the second cache, and the weights come from memory once. */
RY_INLINE void matmul(const struct job *j, const struct elem *e)
{
    for (size_t r = j->row0, r1; r < j->row1; r = r1) {
        r1 = r + PANEL_ROWS < j->row1 ? r + PANEL_ROWS : j->row1;
        for (size_t t = 0, t1; t < j->n_tok; t = t1) {
            t1 = t + PANEL_TOK < j->n_tok ? t + PANEL_TOK : j->n_tok;
            block(j, r, r1, t, t1, e);
        }
    }
}

#define SLOTS(name)                                                                                \
    static void matvec_##name(float *y, const struct ry_wmat *w, size_t row0, size_t row1,         \
                              const void *act, size_t prefetch)                                    \
    {                                                                                              \
        matvec(y, w, row0, row1, act, prefetch, &name);                                            \
    }                                                                                              \
    static void matmul_##name(float *y, size_t ldy, const struct ry_wmat *w, size_t row0,          \
                              size_t row1, const void *act, size_t act_stride, size_t n_tok)       \
    {                                                                                              \
        struct job j = {y, ldy, w, row0, row1, act, act_stride, n_tok};                            \
        matmul(&j, &name);                                                                         \
    }
SLOTS(f32)
SLOTS(f16)
SLOTS(bf16)

void ry_kern_init_avx512_float(struct ry_kern *k)
{
    k->matvec[RY_FMT_F32] = matvec_f32;
    k->matmul[RY_FMT_F32] = matmul_f32;
    k->matvec[RY_FMT_F16] = matvec_f16;
    k->matmul[RY_FMT_F16] = matmul_f16;
    k->matvec[RY_FMT_BF16] = matvec_bf16;
    k->matmul[RY_FMT_BF16] = matmul_bf16;
}
