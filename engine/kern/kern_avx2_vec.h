/* AVX2's vocabulary for wide_x16q.h, and AVX-VNNI's: a register holds one number of each of eight rows. */
#ifndef RYOT_ENGINE_KERN_KERN_AVX2_VEC_H
#define RYOT_ENGINE_KERN_KERN_AVX2_VEC_H

#include "engine/kern/kern_avx2.h"

/* Rows of a register, and registers side by side that share a token's activations: 16 are few. */
enum { RY_LANES = 8, RY_STRIPS = 1 };

typedef __m256i ry_vi;
typedef __m256 ry_vf;

RY_INLINE ry_vi ry_v_load(const void *p)
{
    return ry_load_256(p);
}

/* One dword of memory to every lane. */
RY_INLINE ry_vi ry_v_each(const void *p)
{
    return _mm256_set1_epi32((int32_t)ry_load_u32(p));
}

RY_INLINE ry_vi ry_v_set8(int v)
{
    return _mm256_set1_epi8((char)v);
}

RY_INLINE ry_vi ry_v_set32(int32_t v)
{
    return _mm256_set1_epi32(v);
}

RY_INLINE ry_vi ry_v_zero(void)
{
    return _mm256_setzero_si256();
}

RY_INLINE ry_vi ry_v_and(ry_vi a, ry_vi b)
{
    return _mm256_and_si256(a, b);
}

RY_INLINE ry_vi ry_v_or(ry_vi a, ry_vi b)
{
    return _mm256_or_si256(a, b);
}

/* a and the bits of b under the mask. */
RY_INLINE ry_vi ry_v_merge(ry_vi a, ry_vi b, ry_vi mask)
{
    return _mm256_or_si256(a, _mm256_and_si256(b, mask));
}

RY_INLINE ry_vi ry_v_add(ry_vi a, ry_vi b)
{
    return _mm256_add_epi32(a, b);
}

RY_INLINE ry_vi ry_v_sub(ry_vi a, ry_vi b)
{
    return _mm256_sub_epi32(a, b);
}

RY_INLINE ry_vi ry_v_sub8(ry_vi a, ry_vi b)
{
    return _mm256_sub_epi8(a, b);
}

/* Words, n a constant: left for n > 0, right for n < 0. */
RY_INLINE ry_vi ry_v_shift(ry_vi a, const int n)
{
    return n > 0 ? _mm256_slli_epi16(a, n) : n < 0 ? _mm256_srli_epi16(a, -n) : a;
}

RY_INLINE ry_vi ry_v_shl32(ry_vi a, const int n)
{
    return _mm256_slli_epi32(a, n);
}

RY_INLINE ry_vi ry_v_sar16(ry_vi a, const int n)
{
    return _mm256_srai_epi16(a, n);
}

RY_INLINE ry_vi ry_v_sar32(ry_vi a, const int n)
{
    return _mm256_srai_epi32(a, n);
}

/* Bytes of a by the low nibbles of idx, within 16 bytes; 0 where idx has its highest bit. */
RY_INLINE ry_vi ry_v_pick(ry_vi a, ry_vi idx)
{
    return _mm256_shuffle_epi8(a, idx);
}

/* The 16 bytes at p, twice. */
RY_INLINE ry_vi ry_v_table(const void *p)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
}

#if defined(__AVXVNNI__)
#define RY_V_DOT 1 /* has ry_v_dot and ry_v_mul */

/* acc + the dot products of two signed words with two, lane by lane. */
RY_INLINE ry_vi ry_v_words(ry_vi acc, ry_vi a, ry_vi b)
{
    return _mm256_dpwssd_avx_epi32(acc, a, b);
}

/* acc + the dot products of four unsigned with four signed bytes, lane by lane, modulo 2^32. */
RY_INLINE ry_vi ry_v_dot(ry_vi acc, ry_vi u8, ry_vi s8)
{
    return _mm256_dpbusd_avx_epi32(acc, u8, s8);
}

RY_INLINE ry_vi ry_v_mul(ry_vi a, ry_vi b)
{
    return _mm256_mullo_epi32(a, b);
}
#else
/* acc + the dot products of two signed words with two, lane by lane. */
RY_INLINE ry_vi ry_v_words(ry_vi acc, ry_vi a, ry_vi b)
{
    return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b));
}

/* Words: the dot products of two unsigned with two signed bytes; what does not fit is cut. */
RY_INLINE ry_vi ry_v_pairs(ry_vi u8, ry_vi s8)
{
    return _mm256_maddubs_epi16(u8, s8);
}

RY_INLINE ry_vi ry_v_add16(ry_vi a, ry_vi b)
{
    return _mm256_add_epi16(a, b);
}

RY_INLINE ry_vi ry_v_abs8(ry_vi a)
{
    return _mm256_abs_epi8(a);
}

/* Bytes of a with the signs of b; 0 where b is 0. */
RY_INLINE ry_vi ry_v_sign8(ry_vi a, ry_vi b)
{
    return _mm256_sign_epi8(a, b);
}
#endif

/* The bytes at p, one to a lane. */
RY_INLINE ry_vi ry_v_bytes(const void *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

/* Lane by lane a > b ? yes : no. */
RY_INLINE ry_vi ry_v_if_greater(ry_vi a, ry_vi b, ry_vi yes, ry_vi no)
{
    return _mm256_blendv_epi8(no, yes, _mm256_cmpgt_epi32(a, b));
}

RY_INLINE ry_vi ry_v_shl32_by(ry_vi a, ry_vi n)
{
    return _mm256_sllv_epi32(a, n);
}

RY_INLINE ry_vf ry_f_bits(ry_vi a)
{
    return _mm256_castsi256_ps(a);
}

RY_INLINE ry_vf ry_f_int(ry_vi a)
{
    return _mm256_cvtepi32_ps(a);
}

RY_INLINE ry_vf ry_f_zero(void)
{
    return _mm256_setzero_ps();
}

RY_INLINE ry_vf ry_f_each(const float *p)
{
    return _mm256_set1_ps(*p);
}

/* The halves at p, one to a lane. */
RY_INLINE ry_vf ry_f_halves(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

RY_INLINE ry_vf ry_f_mul(ry_vf a, ry_vf b)
{
    return _mm256_mul_ps(a, b);
}

RY_INLINE ry_vf ry_f_fma(ry_vf a, ry_vf b, ry_vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* c - a * b */
RY_INLINE ry_vf ry_f_fnma(ry_vf a, ry_vf b, ry_vf c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

/* The first n lanes, at most all, to y. */
RY_INLINE void ry_f_store(float *y, ry_vf v, size_t n)
{
    ry_store_rows(y, v, n);
}

#endif
