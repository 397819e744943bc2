/* Interleaved copies of matrices in blocks (Q4_0 … MXFP4): the plain blocks' bytes, dealt out row by row (see
 * kern/x16.h). No weight is decoded: a copy costs little more than its memory. Any thread; groups are independent. */
#include <string.h>

#include "engine/kern/x16.h"
#include "engine/repack.h"

static uint8_t *put_dwords(uint8_t *line, const uint8_t *src, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i += 4, line += RY_X16_LINE)
        memcpy(line, src + i, 4);
    return line;
}

static void put_block(uint8_t *dst, size_t lane, const uint8_t *src, const struct ry_x16_shape *s)
{
    size_t unit = s->head == 1 ? 1 : 2, behind = (size_t)s->head_at + s->head;
    for (size_t i = 0; i < s->head; i += unit)
        memcpy(dst + i * RY_X16_ROWS + unit * lane, src + s->head_at + i, unit);
    uint8_t *line = dst + (size_t)s->head * RY_X16_ROWS + 4 * lane;
    uint8_t *rest = put_dwords(line, src, s->head_at);
    put_dwords(rest, src + behind, s->bytes - behind);
    if (s->turned) {
        uint32_t h;
        memcpy(&h, line, sizeof h);
        h = ry_x16_turn_bits(h);
        memcpy(line, &h, sizeof h);
    }
}

void ry_repack_block_group(uint8_t *dst, const struct ry_wmat *src, size_t row0)
{
    const struct ry_x16_shape *s =
        ry_x16_shape((enum ry_fmt)(src->fmt - RY_FMT_Q4_0 + RY_FMT_Q4_0_X16));
    size_t n_blocks = src->row_bytes / s->bytes;
    size_t rows = src->n_rows - row0 < RY_X16_ROWS ? src->n_rows - row0 : RY_X16_ROWS;
    if (rows < RY_X16_ROWS)
        memset(dst, 0, src->row_bytes * RY_X16_ROWS);
    for (size_t b = 0; b < n_blocks; b++, dst += (size_t)s->bytes * RY_X16_ROWS)
        for (size_t r = 0; r < rows; r++)
            put_block(dst, r,
                      (const uint8_t *)src->data + (row0 + r) * src->row_bytes + b * s->bytes, s);
}
