/* What the files of the AVX-VNNI tier share: AVX2 with vpdpbusd on 32 bytes. Included by kern_avxvnni*.c only. */
#ifndef RYOT_ENGINE_KERN_KERN_AVXVNNI_H
#define RYOT_ENGINE_KERN_KERN_AVXVNNI_H

#include "engine/kern/kern_avx2.h"

void ry_kern_init_avxvnni_t2(struct ry_kern *k);   /* T2_X16 */
void ry_kern_init_avxvnni_x16q(struct ry_kern *k); /* Q4_0_X16 … MXFP4_X16 */
void ry_kern_init_avxvnni_screen(struct ry_kern *k);

/* acc + the dot products of four unsigned with four signed bytes, lane by lane, modulo 2^32. */
RY_INLINE __m256i ry_dot_4(__m256i acc, __m256i u8, __m256i s8)
{
    return _mm256_dpbusd_avx_epi32(acc, u8, s8);
}

/* Four activations in every dword. */
RY_INLINE __m256i ry_broadcast_4(const int8_t *q)
{
    return _mm256_set1_epi32((int32_t)ry_load_u32(q));
}

#endif
