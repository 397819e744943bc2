/* Row-interleaved layouts: 16 rows side by side, so that a register holds one number of each and no sum crosses lanes.
 *
 * A matrix is a run of groups, a group is 16 rows, ry_fmt_row_bytes() * 16 long; rows past the last are zero. Made by
 * repack.c, read by kernels only; the bits of every product are those of the plain format.
 *
 *   T2_X16   one line of 64 bytes is 16 rows x 16 columns; dword r belongs to row r, its byte b holds in bits
 *            2s..2s+1 the code (weight + 1) of column 4s + b. Shifted by 2s and masked, the line meets the broadcast
 *            dword of four activations 4s..4s+3.
 *
 *   Q4_0_X16 … MXFP4_X16: one block of each row, one behind the other, as long as 16 plain blocks. In front stand the
 *            block's floats: 16 halves d, then 16 halves m (or dmin) where the format has it (MXFP4: 16 bytes e). The
 *            rest of the plain block follows dword by dword, in its own order: a line of 64 bytes is one dword of each
 *            row. In Q5_0 and Q5_1 the first line holds the fifth bits, turned: bit i of byte b belongs to column
 *            4i + b (in a file bit 4i + b), so that line i of codes finds its own at one bit of every byte. */
#ifndef RYOT_ENGINE_KERN_X16_H
#define RYOT_ENGINE_KERN_X16_H

#include "engine/kern/kern.h"

enum { RY_X16_ROWS = 16, RY_X16_LINE = 64, RY_T2_COLS = 16, RY_X16_BLOCK_MAX = 210 };

/* Where a plain block has its floats; everything else is its body, whole dwords. */
struct ry_x16_shape {
    uint8_t bytes;   /* of a plain block */
    uint8_t head_at; /* offset of the floats */
    uint8_t head;    /* bytes of them: 2 one half, 4 two, 1 an e8m0 */
    bool turned;     /* the body's first dword is fifth bits */
};

/* The shape of Q4_0_X16 … MXFP4_X16. */
const struct ry_x16_shape *ry_x16_shape(enum ry_fmt fmt);

/* The plain format of Q4_0_X16 … MXFP4_X16; any other is its own. */
static inline enum ry_fmt ry_x16_plain(enum ry_fmt fmt)
{
    return fmt <= RY_FMT_T2_X16 ? fmt : (enum ry_fmt)(fmt - RY_FMT_Q4_0_X16 + RY_FMT_Q4_0);
}

/* Block b of row r of such a matrix as the plain bytes it was made of. */
void ry_x16_get_block(uint8_t plain[RY_X16_BLOCK_MAX], const struct ry_wmat *w, size_t r, size_t b);

/* Fifth bits as they stand in a file (bit 4i + b) to bit i of byte b. n * 0x204081 puts bit b of a nibble at 8b. */
static inline uint32_t ry_x16_turn_bits(uint32_t h)
{
    uint32_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= ((h >> 4 * i & 15) * 0x00204081u & 0x01010101u) << i;
    return v;
}

/* The group that begins at row r, a multiple of 16. */
static inline const uint8_t *ry_x16_group(const struct ry_wmat *w, size_t r)
{
    return (const uint8_t *)w->data + r * w->row_bytes;
}

#endif
