/* AVX2: F32, F16 and BF16 matrices.
 *
 * Lanes run along the summed dimension: 16 virtual lanes are two vectors, what does not fill eight lanes is done lane
 * by lane, and the tree of kern.h ends it.
 * Any thread; allocates nothing. */
#include "engine/kern/kern_avx2.h"

/* How elements of a kind are read; always compile-time constants. */
struct elem {
    size_t bytes;
    __m256 (*load_8)(const uint8_t *p);
    float (*load)(const uint8_t *p);
};

RY_INLINE __m256 load_8_f32(const uint8_t *p)
{
    return _mm256_loadu_ps((const float *)p);
}

RY_INLINE float load_f32(const uint8_t *p)
{
    float f;
    memcpy(&f, p, sizeof f);
    return f;
}

RY_INLINE __m256 load_8_f16(const uint8_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

RY_INLINE float load_f16(const uint8_t *p)
{
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128((uint16_t)ry_load_i16(p))));
}

RY_INLINE __m256 load_8_bf16(const uint8_t *p)
{
    __m256i v = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(v, 16));
}

RY_INLINE float load_bf16(const uint8_t *p)
{
    return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)ry_load_i16(p) * 65536)));
}

static const struct elem f32 = {4, load_8_f32, load_f32};
static const struct elem f16 = {2, load_8_f16, load_f16};
static const struct elem bf16 = {2, load_8_bf16, load_bf16};

/* ---- dot products ------------------------------------------------------------------------------------ */

/* Elements from i on, fewer than 16: eight to l0 where there are so many, the rest one lane at a time. */
RY_INLINE void dot_tail(__m256 *l0, __m256 *l1, const uint8_t *w, const float *x, size_t i,
                        size_t n, const struct elem *e)
{
    __m256 *last = l0;
    if (n - i >= 8) {
        *l0 = _mm256_fmadd_ps(e->load_8(w + i * e->bytes), _mm256_loadu_ps(x + i), *l0);
        last = l1;
        i += 8;
    }
    if (i == n)
        return;
    float lanes[8];
    _mm256_storeu_ps(lanes, *last);
    for (size_t k = 0; i + k < n; k++)
        lanes[k] = fmaf(e->load(w + (i + k) * e->bytes), x[i + k], lanes[k]);
    *last = _mm256_loadu_ps(lanes);
}

/* Four rows times one vector, sums in the lanes of the result. */
RY_INLINE __m128 dot_4(const uint8_t *const p[4], const float *x, size_t n, size_t prefetch,
                       const struct elem *e)
{
    __m256 l0[4], l1[4];
    size_t i = 0;
    RY_UNROLL
    for (int k = 0; k < 4; k++)
        l0[k] = l1[k] = _mm256_setzero_ps();
    for (; i + 16 <= n; i += 16) {
        __m256 x0 = _mm256_loadu_ps(x + i), x1 = _mm256_loadu_ps(x + i + 8);
        RY_UNROLL
        for (int k = 0; k < 4; k++) {
            const uint8_t *w = p[k] + i * e->bytes;
            if (i % (64 / e->bytes) == 0)
                ry_ask_ahead(w, 64, prefetch);
            l0[k] = _mm256_fmadd_ps(e->load_8(w), x0, l0[k]);
            l1[k] = _mm256_fmadd_ps(e->load_8(w + 8 * e->bytes), x1, l1[k]);
        }
    }
    if (i < n) {
        RY_UNROLL
        for (int k = 0; k < 4; k++)
            dot_tail(&l0[k], &l1[k], p[k], x, i, n, e);
    }
    return ry_tree_4(l0, l1);
}

RY_INLINE void store_up_to_4(float *y, __m128 v, size_t n)
{
    float lanes[4];
    if (n >= 4) {
        _mm_storeu_ps(y, v);
        return;
    }
    _mm_storeu_ps(lanes, v);
    memcpy(y, lanes, n * sizeof *y);
}

/* ---- matrices ---------------------------------------------------------------------------------------- */

RY_INLINE void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                      size_t prefetch, const struct elem *e)
{
    for (size_t r = row0; r < row1; r += 4) {
        const uint8_t *p[4];
        RY_UNROLL
        for (size_t k = 0; k < 4; k++)
            p[k] = (const uint8_t *)w->data + (r + k < row1 ? r + k : row1 - 1) * w->row_bytes;
        store_up_to_4(y + (r - row0), dot_4(p, act, w->n_cols, prefetch, e), row1 - r);
    }
}

/* Two rows times three tokens: twelve accumulators, each weight loaded once for three tokens. Rows and tokens past the
 * end repeat the last and are not stored. */
RY_INLINE void tile_2x3(float out[6], const uint8_t *const p[2], const float *const x[3], size_t n,
                        const struct elem *e)
{
    __m256 l0[6], l1[6];
    size_t i = 0;
    RY_UNROLL
    for (int k = 0; k < 6; k++)
        l0[k] = l1[k] = _mm256_setzero_ps();
    for (; i + 16 <= n; i += 16) {
        RY_UNROLL
        for (int r = 0; r < 2; r++) {
            __m256 w0 = e->load_8(p[r] + i * e->bytes), w1 = e->load_8(p[r] + (i + 8) * e->bytes);
            RY_UNROLL
            for (int t = 0; t < 3; t++) {
                l0[3 * r + t] = _mm256_fmadd_ps(w0, _mm256_loadu_ps(x[t] + i), l0[3 * r + t]);
                l1[3 * r + t] = _mm256_fmadd_ps(w1, _mm256_loadu_ps(x[t] + i + 8), l1[3 * r + t]);
            }
        }
    }
    RY_UNROLL
    for (int k = 0; k < 6; k++) {
        if (i < n)
            dot_tail(&l0[k], &l1[k], p[k / 3], x[k % 3], i, n, e);
        out[k] = ry_tree(l0[k], l1[k]);
    }
}

RY_INLINE void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                      const void *act, size_t act_stride, size_t n_tok, const struct elem *e)
{
    for (size_t r = row0; r < row1; r += 2) {
        const uint8_t *p[2] = {(const uint8_t *)w->data + r * w->row_bytes,
                               (const uint8_t *)w->data +
                                   (r + 1 < row1 ? r + 1 : r) * w->row_bytes};
        for (size_t t0 = 0; t0 < n_tok; t0 += 3) {
            const float *x[3];
            float out[6];
            RY_UNROLL
            for (size_t t = 0; t < 3; t++)
                x[t] = (const float *)((const char *)act +
                                       (t0 + t < n_tok ? t0 + t : n_tok - 1) * act_stride);
            tile_2x3(out, p, x, w->n_cols, e);
            for (size_t t = 0; t < 3 && t0 + t < n_tok; t++) {
                float *dst = y + (t0 + t) * ldy + (r - row0);
                dst[0] = out[t];
                if (r + 1 < row1)
                    dst[1] = out[3 + t];
            }
        }
    }
}

RY_SLOTS(f32)
RY_SLOTS(f16)
RY_SLOTS(bf16)

void ry_kern_init_avx2_float(struct ry_kern *k)
{
    k->matvec[RY_FMT_F32] = matvec_f32;
    k->matmul[RY_FMT_F32] = matmul_f32;
    k->matvec[RY_FMT_F16] = matvec_f16;
    k->matmul[RY_FMT_F16] = matmul_f16;
    k->matvec[RY_FMT_BF16] = matvec_bf16;
    k->matmul[RY_FMT_BF16] = matmul_bf16;
}
