/* What the files of the AVX-512 tier share (F, BW, DQ, VL, VNNI, VBMI). Included by kern_avx512*.c only; every function
 * here is static, so that no wide instruction can reach the baseline program. */
#ifndef RYOT_ENGINE_KERN_KERN_AVX512_H
#define RYOT_ENGINE_KERN_KERN_AVX512_H

#include <immintrin.h>
#include <string.h>

#include "engine/kern/act.h"
#include "engine/kern/kern.h"
#include "engine/kern/wide.h"

/* Called by ry_kern_init_avx512, which has activations, norm, rope, softmax and elementwise functions itself. */
void ry_kern_init_avx512_float(struct ry_kern *k);   /* F32, F16, BF16 matrices */
void ry_kern_init_avx512_ternary(struct ry_kern *k); /* TQ1_0, TQ2_0, I2_S */
void ry_kern_init_avx512_t2(struct ry_kern *k);      /* T2_X16 */
void ry_kern_init_avx512_attn(struct ry_kern *k);    /* attention, KV elements */
void ry_kern_init_avx512_x16q(struct ry_kern *k);    /* Q4_0_X16 … MXFP4_X16 */
void ry_kern_init_avx512_screen(struct ry_kern *k);  /* rows of bytes of a head */

/* Four activations in every dword. */
RY_INLINE __m512i ry_broadcast_4(const int8_t *q)
{
    int32_t v;
    memcpy(&v, q, sizeof v);
    return _mm512_set1_epi32(v);
}

/* acc + the dot products of four unsigned with four signed bytes, lane by lane, modulo 2^32. */
RY_INLINE __m512i ry_dot_4(__m512i acc, __m512i u8, __m512i s8)
{
    return _mm512_dpbusd_epi32(acc, u8, s8);
}

/* The first n lanes (more than 16: all). */
RY_INLINE __mmask16 ry_mask_16(size_t n)
{
    return (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1);
}

/* The first n (more than 16: all) floats at x, zeros behind them. */
RY_INLINE __m512 ry_load_16(const float *x, size_t n)
{
    return n >= 16 ? _mm512_loadu_ps(x) : _mm512_maskz_loadu_ps(ry_mask_16(n), x);
}

/* The first n (more than 16: all) lanes to y. */
RY_INLINE void ry_store_16(float *y, __m512 v, size_t n)
{
    if (n >= 16)
        _mm512_storeu_ps(y, v);
    else
        _mm512_mask_storeu_ps(y, ry_mask_16(n), v);
}

/* The first n (more than 8: all) lanes to y. */
RY_INLINE void ry_store_8(float *y, __m256 v, size_t n)
{
    if (n >= 8)
        _mm256_storeu_ps(y, v);
    else
        _mm256_mask_storeu_ps(y, (__mmask8)((1u << n) - 1), v);
}

/* The tree of kern.h over the lanes. */
RY_INLINE float ry_tree_16(__m512 l)
{
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(l), _mm512_extractf32x8_ps(l, 1));
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

/* The same for eight rows at once: lane i of the result is that of l[i]. */
RY_INLINE __m256 ry_tree_8_rows(const __m512 l[8])
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256 a[8], b[4];
    RY_UNROLL
    for (int i = 0; i < 8; i++)
        a[i] = _mm256_add_ps(_mm512_castps512_ps256(l[i]), _mm512_extractf32x8_ps(l[i], 1));
    RY_UNROLL
    for (int i = 0; i < 4; i++)
        b[i] = _mm256_add_ps(_mm256_permute2f128_ps(a[2 * i], a[2 * i + 1], 0x20),
                             _mm256_permute2f128_ps(a[2 * i], a[2 * i + 1], 0x31));
    RY_UNROLL
    for (int i = 0; i < 4; i += 2) /* dwords 0, 1 and 2, 3 of each half */
        b[i] = _mm256_add_ps(_mm256_shuffle_ps(b[i], b[i + 1], 0x44),
                             _mm256_shuffle_ps(b[i], b[i + 1], 0xee));
    __m256 sums =
        _mm256_add_ps(_mm256_shuffle_ps(b[0], b[2], 0x88), _mm256_shuffle_ps(b[0], b[2], 0xdd));
    return _mm256_permutevar8x32_ps(sums, order);
}

/* Asks for the line `ahead` bytes behind p, which may lie outside the matrix; 0: not at all. */
RY_INLINE void ry_ask_line(const void *p, size_t ahead)
{
    if (ahead)
        _mm_prefetch((const char *)((uintptr_t)p + ahead), _MM_HINT_T1);
}

#endif
