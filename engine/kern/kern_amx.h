/* What the files of the AMX tier share: AVX-512 with products of int8 tiles. Included by kern_amx*.c only. */
#ifndef RYOT_ENGINE_KERN_KERN_AMX_H
#define RYOT_ENGINE_KERN_KERN_AMX_H

#include "engine/kern/kern_avx512.h"

void ry_kern_init_amx_t2(struct ry_kern *k); /* T2_X16 */

#endif
