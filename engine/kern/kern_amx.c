/* The AMX tier: what it lays over AVX-512's table. Called after CPUID and with the system's leave only. */
#include "engine/kern/kern_amx.h"

void ry_kern_init_amx(struct ry_kern *k)
{
    k->tier = RY_TIER_AMX;
    ry_kern_init_amx_t2(k);
    ry_kern_init_amx_x16q(k);
}
