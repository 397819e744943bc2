/* What the files of the AMX tier share: AVX-512 with products of int8 tiles. Included by kern_amx*.c only. */
#ifndef RYOT_ENGINE_KERN_KERN_AMX_H
#define RYOT_ENGINE_KERN_KERN_AMX_H

#include "engine/kern/kern_avx512.h"

void ry_kern_init_amx_t2(struct ry_kern *k);   /* T2_X16 */
void ry_kern_init_amx_x16q(struct ry_kern *k); /* Q4_0_X16 … MXFP4_X16; k has AVX-512's */

/* The operand of ldtilecfg: palette 1, rows and bytes a row of each tile. */
struct ry_tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
};
_Static_assert(sizeof(struct ry_tile_config) == 64, "as the instruction reads it");

/* Compilers know of the intrinsics' memory only in part: what was written before is written when a tile instruction
 * behind this reads it. */
#define RY_TILES_READ() __asm__ volatile("" : : : "memory")

RY_INLINE void ry_tile_configure(const struct ry_tile_config *c)
{
    __asm__ volatile("" : : "m"(*c));
    _tile_loadconfig(c);
}

#endif
