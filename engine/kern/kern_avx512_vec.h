/* AVX-512's vocabulary for wide_x16q.h: a register holds one number of each of 16 rows. */
#ifndef RYOT_ENGINE_KERN_KERN_AVX512_VEC_H
#define RYOT_ENGINE_KERN_KERN_AVX512_VEC_H

#include "engine/kern/kern_avx512.h"

/* Rows of a register, and registers side by side that share a token's activations: a thread has 32. */
enum { RY_LANES = 16, RY_STRIPS = 2 };

#define RY_V_DOT 1 /* has ry_v_dot and ry_v_mul */

typedef __m512i ry_vi;
typedef __m512 ry_vf;

RY_INLINE ry_vi ry_v_load(const void *p)
{
    return _mm512_loadu_si512(p);
}

/* One dword of memory to every lane. */
RY_INLINE ry_vi ry_v_each(const void *p)
{
    return ry_broadcast_4(p);
}

RY_INLINE ry_vi ry_v_set8(int v)
{
    return _mm512_set1_epi8((char)v);
}

RY_INLINE ry_vi ry_v_set32(int32_t v)
{
    return _mm512_set1_epi32(v);
}

RY_INLINE ry_vi ry_v_zero(void)
{
    return _mm512_setzero_si512();
}

RY_INLINE ry_vi ry_v_and(ry_vi a, ry_vi b)
{
    return _mm512_and_si512(a, b);
}

RY_INLINE ry_vi ry_v_or(ry_vi a, ry_vi b)
{
    return _mm512_or_si512(a, b);
}

/* a and the bits of b under the mask. */
RY_INLINE ry_vi ry_v_merge(ry_vi a, ry_vi b, ry_vi mask)
{
    return _mm512_ternarylogic_epi32(a, b, mask, 0xf8);
}

RY_INLINE ry_vi ry_v_add(ry_vi a, ry_vi b)
{
    return _mm512_add_epi32(a, b);
}

RY_INLINE ry_vi ry_v_sub(ry_vi a, ry_vi b)
{
    return _mm512_sub_epi32(a, b);
}

RY_INLINE ry_vi ry_v_sub8(ry_vi a, ry_vi b)
{
    return _mm512_sub_epi8(a, b);
}

/* Words, n a constant: left for n > 0, right for n < 0. */
RY_INLINE ry_vi ry_v_shift(ry_vi a, const int n)
{
    return n > 0   ? _mm512_slli_epi16(a, (unsigned)n)
           : n < 0 ? _mm512_srli_epi16(a, (unsigned)-n)
                   : a;
}

RY_INLINE ry_vi ry_v_shl32(ry_vi a, const int n)
{
    return _mm512_slli_epi32(a, (unsigned)n);
}

RY_INLINE ry_vi ry_v_sar16(ry_vi a, const int n)
{
    return _mm512_srai_epi16(a, (unsigned)n);
}

RY_INLINE ry_vi ry_v_sar32(ry_vi a, const int n)
{
    return _mm512_srai_epi32(a, (unsigned)n);
}

/* Bytes of a by the low nibbles of idx, within 16 bytes; 0 where idx has its highest bit. */
RY_INLINE ry_vi ry_v_pick(ry_vi a, ry_vi idx)
{
    return _mm512_shuffle_epi8(a, idx);
}

/* The 16 bytes at p, four times over. */
RY_INLINE ry_vi ry_v_table(const void *p)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128(p));
}

/* acc + the dot products of two signed words with two, lane by lane. */
RY_INLINE ry_vi ry_v_words(ry_vi acc, ry_vi a, ry_vi b)
{
    return _mm512_dpwssd_epi32(acc, a, b);
}

RY_INLINE ry_vi ry_v_dot(ry_vi acc, ry_vi u8, ry_vi s8)
{
    return ry_dot_4(acc, u8, s8);
}

RY_INLINE ry_vi ry_v_mul(ry_vi a, ry_vi b)
{
    return _mm512_mullo_epi32(a, b);
}

/* The bytes at p, one to a lane. */
RY_INLINE ry_vi ry_v_bytes(const void *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(p));
}

/* Lane by lane a > b ? yes : no. */
RY_INLINE ry_vi ry_v_if_greater(ry_vi a, ry_vi b, ry_vi yes, ry_vi no)
{
    return _mm512_mask_blend_epi32(_mm512_cmpgt_epi32_mask(a, b), no, yes);
}

RY_INLINE ry_vi ry_v_shl32_by(ry_vi a, ry_vi n)
{
    return _mm512_sllv_epi32(a, n);
}

RY_INLINE ry_vf ry_f_bits(ry_vi a)
{
    return _mm512_castsi512_ps(a);
}

RY_INLINE ry_vf ry_f_int(ry_vi a)
{
    return _mm512_cvtepi32_ps(a);
}

RY_INLINE ry_vf ry_f_zero(void)
{
    return _mm512_setzero_ps();
}

RY_INLINE ry_vf ry_f_each(const float *p)
{
    return _mm512_set1_ps(*p);
}

/* The halves at p, one to a lane. */
RY_INLINE ry_vf ry_f_halves(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256(p));
}

RY_INLINE ry_vf ry_f_mul(ry_vf a, ry_vf b)
{
    return _mm512_mul_ps(a, b);
}

RY_INLINE ry_vf ry_f_fma(ry_vf a, ry_vf b, ry_vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* c - a * b */
RY_INLINE ry_vf ry_f_fnma(ry_vf a, ry_vf b, ry_vf c)
{
    return _mm512_fnmadd_ps(a, b, c);
}

/* The first n lanes, at most all, to y. */
RY_INLINE void ry_f_store(float *y, ry_vf v, size_t n)
{
    ry_store_16(y, v, n);
}

#endif
