/* The AVX-VNNI tier: what it lays over AVX2's table. Built with AVX2's flags and AVX-VNNI's; called after CPUID only. */
#include "engine/kern/kern_avxvnni.h"

void ry_kern_init_avxvnni(struct ry_kern *k)
{
    k->tier = RY_TIER_AVXVNNI;
    ry_kern_init_avxvnni_t2(k);
    ry_kern_init_avxvnni_x16q(k);
    ry_kern_init_avxvnni_screen(k);
}
