/* What the files of the AVX-512 tier share (F, BW, DQ, VL, VNNI, VBMI). Included by kern_avx512*.c only; every function
 * here is static, so that no wide instruction can reach the baseline program. */
#ifndef RYOT_ENGINE_KERN_KERN_AVX512_H
#define RYOT_ENGINE_KERN_KERN_AVX512_H

#include <immintrin.h>
#include <string.h>

#include "engine/kern/act.h"
#include "engine/kern/kern.h"
#include "engine/kern/wide.h"

/* Called by ry_kern_init_avx512. */
void ry_kern_init_avx512_t2(struct ry_kern *k);   /* T2_X16 */
void ry_kern_init_avx512_attn(struct ry_kern *k); /* attention, KV elements */
void ry_kern_init_avx512_x16q(struct ry_kern *k); /* Q4_0_X16 … MXFP4_X16 */

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

/* The first n (at most 16) lanes to y. */
RY_INLINE void ry_store_16(float *y, __m512 v, size_t n)
{
    _mm512_mask_storeu_ps(y, ry_mask_16(n), v);
}

/* Asks for the line `ahead` bytes behind p, which may lie outside the matrix; 0: not at all. */
RY_INLINE void ry_ask_line(const void *p, size_t ahead)
{
    if (ahead)
        _mm_prefetch((const char *)((uintptr_t)p + ahead), _MM_HINT_T1);
}

#endif
