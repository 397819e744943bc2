/* Row-interleaved layouts: 16 rows side by side, so that a register holds one number of each and no sum crosses lanes.
 *
 * A matrix is a run of groups, a group is 16 rows, ry_fmt_row_bytes() * 16 long; rows past the last are zero. Made by
 * repack.c, read by kernels only; the bits of every product are those of the plain format.
 *
 *   T2_X16   one line of 64 bytes is 16 rows x 16 columns; dword r belongs to row r, its byte b holds in bits
 *            2s..2s+1 the code (weight + 1) of column 4s + b. Shifted by 2s and masked, the line meets the broadcast
 *            dword of four activations 4s..4s+3. */
#ifndef RYOT_ENGINE_KERN_X16_H
#define RYOT_ENGINE_KERN_X16_H

#include "engine/kern/kern.h"

enum { RY_X16_ROWS = 16, RY_X16_LINE = 64, RY_T2_COLS = 16 };

/* The group that begins at row r, a multiple of 16. */
static inline const uint8_t *ry_x16_group(const struct ry_wmat *w, size_t r)
{
    return (const uint8_t *)w->data + r * w->row_bytes;
}

#endif
