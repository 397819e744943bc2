/* The AVX-512 tier: what it lays over AVX2's table. Called after CPUID only. */
#include "engine/kern/kern_avx512.h"

void ry_kern_init_avx512(struct ry_kern *k)
{
    k->tier = RY_TIER_AVX512;
    ry_kern_init_avx512_t2(k);
    ry_kern_init_avx512_attn(k);
    ry_kern_init_avx512_x16q(k);
}
