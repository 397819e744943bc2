/* Interleaved copies: which matrices have a layout, and how it is written. Any thread; groups are independent. */
#include "engine/repack.h"

#include <string.h>

#include "engine/kern/x16.h"
#include "engine/quant_unpack.h"

/* ---- T2_X16 -------------------------------------------------------------------------------------------- */

/* Sixteen columns of one row: their codes stand at bits shift.. of 16 consecutive bytes. */
static void put_16(uint8_t *line, size_t row, const uint8_t *bytes, int shift)
{
    const uint32_t low = 0x03030303u;
    uint32_t c[4];
    memcpy(c, bytes, sizeof c);
    uint32_t v = (c[0] >> shift & low) | (c[1] >> shift & low) << 2 | (c[2] >> shift & low) << 4 |
                 (c[3] >> shift & low) << 6;
    memcpy(line + 4 * row, &v, sizeof v);
}

static void put_tq2_0(uint8_t *line, size_t row, const uint8_t *src, size_t n_cols)
{
    for (size_t k = 0; k < n_cols; k += 256, src += 66)
        for (int half = 0; half < 2; half++)
            for (int field = 0; field < 4; field++)
                for (int i = 0; i < 2; i++, line += RY_X16_LINE)
                    put_16(line, row, src + 32 * half + 16 * i, 2 * field);
}

static void put_i2_s(uint8_t *line, size_t row, const uint8_t *src, size_t n_cols)
{
    for (size_t k = 0; k < n_cols; k += 128, src += 32)
        for (int field = 3; field >= 0; field--)
            for (int i = 0; i < 2; i++, line += RY_X16_LINE)
                put_16(line, row, src + 16 * i, 2 * field);
}

static void put_unpacked(uint8_t *line, size_t row, const uint8_t *src, const struct ry_wmat *w)
{
    const struct ry_fmt_info *info = ry_fmt_info(w->fmt);
    ry_unpack_fn unpack = ry_fmt_unpacker(w->fmt);
    struct ry_unpacked u;
    uint8_t codes[RY_T2_COLS];
    for (size_t k = 0; k < w->n_cols; k += info->block_elems, src += info->block_bytes) {
        unpack(&u, src);
        for (size_t i = 0; i < info->block_elems; i += RY_T2_COLS, line += RY_X16_LINE) {
            for (size_t j = 0; j < RY_T2_COLS; j++)
                codes[j] = (uint8_t)(u.q[i + j] + 1);
            put_16(line, row, codes, 0);
        }
    }
}

/* Rows past the last hold code 1 everywhere: weight 0. */
static void pack_t2(uint8_t *dst, const struct ry_wmat *src, size_t row0)
{
    const uint32_t zeros = 0x55555555u;
    for (size_t r = 0; r < RY_X16_ROWS; r++) {
        const uint8_t *row = (const uint8_t *)src->data + (row0 + r) * src->row_bytes;
        if (row0 + r >= src->n_rows)
            for (size_t k = 0; k < src->n_cols; k += RY_T2_COLS)
                memcpy(dst + k / RY_T2_COLS * RY_X16_LINE + 4 * r, &zeros, sizeof zeros);
        else if (src->fmt == RY_FMT_TQ2_0)
            put_tq2_0(dst, r, row, src->n_cols);
        else if (src->fmt == RY_FMT_I2_S)
            put_i2_s(dst, r, row, src->n_cols);
        else
            put_unpacked(dst, r, row, src);
    }
}

/* ---- which ---------------------------------------------------------------------------------------------- */

static const struct layout {
    enum ry_fmt to; /* 0: none */
    ry_pack_fn pack;
} layouts[RY_FMT_COUNT] = {
    [RY_FMT_Q4_0] = {RY_FMT_Q4_0_X16, ry_repack_block_group},
    [RY_FMT_Q4_1] = {RY_FMT_Q4_1_X16, ry_repack_block_group},
    [RY_FMT_Q5_0] = {RY_FMT_Q5_0_X16, ry_repack_block_group},
    [RY_FMT_Q5_1] = {RY_FMT_Q5_1_X16, ry_repack_block_group},
    [RY_FMT_Q8_0] = {RY_FMT_Q8_0_X16, ry_repack_block_group},
    [RY_FMT_Q2_K] = {RY_FMT_Q2_K_X16, ry_repack_block_group},
    [RY_FMT_Q3_K] = {RY_FMT_Q3_K_X16, ry_repack_block_group},
    [RY_FMT_Q4_K] = {RY_FMT_Q4_K_X16, ry_repack_block_group},
    [RY_FMT_Q5_K] = {RY_FMT_Q5_K_X16, ry_repack_block_group},
    [RY_FMT_Q6_K] = {RY_FMT_Q6_K_X16, ry_repack_block_group},
    [RY_FMT_IQ4_NL] = {RY_FMT_IQ4_NL_X16, ry_repack_block_group},
    [RY_FMT_MXFP4] = {RY_FMT_MXFP4_X16, ry_repack_block_group},
    [RY_FMT_TQ1_0] = {RY_FMT_T2_X16, pack_t2},
    [RY_FMT_TQ2_0] = {RY_FMT_T2_X16, pack_t2},
    [RY_FMT_I2_S] = {RY_FMT_T2_X16, pack_t2},
};

static const struct layout *layout_of(const struct ry_wmat *src)
{
    const struct layout *l = &layouts[src->fmt];
    if (!src->data || !l->pack || (ry_fmt_info(src->fmt)->ternary && !src->uniform))
        return NULL;
    return l;
}

size_t ry_repack_bytes(const struct ry_wmat *src)
{
    const struct layout *l = layout_of(src);
    if (!l)
        return 0;
    size_t n_groups = (src->n_rows + RY_X16_ROWS - 1) / RY_X16_ROWS;
    return n_groups * RY_X16_ROWS * ry_fmt_row_bytes(l->to, src->n_cols);
}

struct ry_wmat ry_repack_view(const struct ry_wmat *src, void *data)
{
    struct ry_wmat w = *src;
    w.data = data;
    w.fmt = layout_of(src)->to;
    w.row_bytes = ry_fmt_row_bytes(w.fmt, src->n_cols);
    return w;
}

void ry_repack_groups(void *data, const struct ry_wmat *src, size_t g0, size_t g1)
{
    const struct layout *l = layout_of(src);
    size_t group_bytes = RY_X16_ROWS * ry_fmt_row_bytes(l->to, src->n_cols);
    for (size_t g = g0; g < g1; g++)
        l->pack((uint8_t *)data + g * group_bytes, src, g * RY_X16_ROWS);
}
