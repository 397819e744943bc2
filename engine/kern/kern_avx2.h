/* What the files of the AVX2 tier share: sub-init functions and small static pieces (rows in groups of eight,
 * reductions, the 16-lane tree). Included by kern_avx2*.c only; every function here is static, so that no wide instruction can
 * reach the baseline program. */
#ifndef RYOT_ENGINE_KERN_KERN_AVX2_H
#define RYOT_ENGINE_KERN_KERN_AVX2_H

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "engine/kern/act.h"
#include "engine/kern/kern.h"
#include "engine/kern/wide.h"

/* Called by ry_kern_init_avx2, which has activations, norm, rope, softmax and elementwise functions itself. */
void ry_kern_init_avx2_float(struct ry_kern *k);   /* F32, F16, BF16 matrices */
void ry_kern_init_avx2_attn(struct ry_kern *k);    /* attention, KV elements */
void ry_kern_init_avx2_q32(struct ry_kern *k);     /* blocks of 32 */
void ry_kern_init_avx2_k(struct ry_kern *k);       /* blocks of 256 */
void ry_kern_init_avx2_ternary(struct ry_kern *k); /* TQ1_0, TQ2_0, I2_S */
void ry_kern_init_avx2_t2(struct ry_kern *k);      /* T2_X16 */
void ry_kern_init_avx2_x16q(struct ry_kern *k);    /* Q4_0_X16 … MXFP4_X16 */
void ry_kern_init_avx2_screen(struct ry_kern *k);  /* rows of bytes of a head */

enum { RY_GROUP = 8 }; /* rows that end up in the lanes of one vector */

/* Eight row pointers from row r on; rows past the last repeat it, and their results are not stored. */
RY_INLINE void ry_group_rows(const uint8_t *p[RY_GROUP], const struct ry_wmat *w, size_t r,
                             size_t row1)
{
    RY_UNROLL
    for (size_t i = 0; i < RY_GROUP; i++)
        p[i] = (const uint8_t *)w->data + (r + i < row1 ? r + i : row1 - 1) * w->row_bytes;
}

/* The first n (at most 8) lanes to y. */
RY_INLINE void ry_store_rows(float *y, __m256 v, size_t n)
{
    if (n >= RY_GROUP) {
        _mm256_storeu_ps(y, v);
        return;
    }
    float lanes[RY_GROUP];
    _mm256_storeu_ps(lanes, v);
    memcpy(y, lanes, n * sizeof *y);
}

/* Asks for the lines that `bytes` from p on will need, `ahead` bytes early; the address may lie outside the matrix. */
RY_INLINE void ry_ask_ahead(const uint8_t *p, size_t bytes, size_t ahead)
{
    if (ahead)
        for (size_t i = 0; i < bytes; i += 64)
            _mm_prefetch((const char *)((uintptr_t)p + ahead + i), _MM_HINT_T1);
}

RY_INLINE __m256i ry_load_256(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

RY_INLINE uint32_t ry_load_u32(const void *p)
{
    uint32_t u;
    memcpy(&u, p, sizeof u);
    return u;
}

RY_INLINE int16_t ry_load_i16(const uint8_t *p)
{
    int16_t i;
    memcpy(&i, p, sizeof i);
    return i;
}

/* The halves at p[i] + offset as eight floats. */
RY_INLINE __m256 ry_gather_f16(const uint8_t *const p[RY_GROUP], size_t offset)
{
    return _mm256_cvtph_ps(_mm_setr_epi16(ry_load_i16(p[0] + offset), ry_load_i16(p[1] + offset),
                                          ry_load_i16(p[2] + offset), ry_load_i16(p[3] + offset),
                                          ry_load_i16(p[4] + offset), ry_load_i16(p[5] + offset),
                                          ry_load_i16(p[6] + offset), ry_load_i16(p[7] + offset)));
}

/* Lane i of the result is the sum of the eight lanes of v[i]. */
RY_INLINE __m256i ry_reduce_rows(const __m256i v[RY_GROUP])
{
    __m256i a = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    __m256i b = _mm256_hadd_epi32(_mm256_hadd_epi32(v[4], v[5]), _mm256_hadd_epi32(v[6], v[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                            _mm256_permute2x128_si256(a, b, 0x31));
}

/* Dword j of row i becomes dword i of v[j]. */
RY_INLINE void ry_transpose_dwords(__m256i v[RY_GROUP])
{
    __m256i t[8], u[8];
    RY_UNROLL
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
        t[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
    }
    RY_UNROLL
    for (int i = 0; i < 8; i += 4) {
        u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    RY_UNROLL
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
        v[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
    }
}

/* The tree of kern.h over 16 lanes: l0 holds lanes 0..7, l1 lanes 8..15. */
RY_INLINE float ry_tree(__m256 l0, __m256 l1)
{
    __m256 a = _mm256_add_ps(l0, l1);
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

/* The same for four rows at once. */
RY_INLINE __m128 ry_tree_4(const __m256 l0[4], const __m256 l1[4])
{
    __m128 b[4];
    RY_UNROLL
    for (int i = 0; i < 4; i++) {
        __m256 a = _mm256_add_ps(l0[i], l1[i]);
        b[i] = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    }
    _MM_TRANSPOSE4_PS(b[0], b[1], b[2], b[3]);
    return _mm_add_ps(_mm_add_ps(b[0], b[2]), _mm_add_ps(b[1], b[3]));
}

#endif
