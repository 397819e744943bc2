/* The scalar tier's view of interleaved block formats (Q4_0_X16 … MXFP4_X16, see x16.h): blocks are put together again
 * as they stood in the file, and the plain formats' own arithmetic does the rest (kern_scalar.c). Any thread. */
#include <assert.h>
#include <string.h>

#include "engine/kern/x16.h"

static_assert(RY_FMT_MXFP4_X16 - RY_FMT_Q4_0_X16 == RY_FMT_MXFP4 - RY_FMT_Q4_0,
              "interleaved formats stand in the order of the plain ones");

static const struct ry_x16_shape shapes[] = {
    {18, 0, 2, false},    /* Q4_0 */
    {20, 0, 4, false},    /* Q4_1 */
    {22, 0, 2, true},     /* Q5_0 */
    {24, 0, 4, true},     /* Q5_1 */
    {34, 0, 2, false},    /* Q8_0 */
    {84, 80, 4, false},   /* Q2_K */
    {110, 108, 2, false}, /* Q3_K */
    {144, 0, 4, false},   /* Q4_K */
    {176, 0, 4, false},   /* Q5_K */
    {210, 208, 2, false}, /* Q6_K */
    {18, 0, 2, false},    /* IQ4_NL */
    {17, 0, 1, false},    /* MXFP4 */
};

static_assert(sizeof shapes / sizeof shapes[0] == RY_FMT_SLOTS - RY_FMT_Q4_0_X16,
              "a format lacks its shape");

const struct ry_x16_shape *ry_x16_shape(enum ry_fmt fmt)
{
    assert(fmt >= RY_FMT_Q4_0_X16 && fmt < RY_FMT_SLOTS);
    return &shapes[fmt - RY_FMT_Q4_0_X16];
}

/* The way back of ry_x16_turn_bits: bits 0, 8, 16, 24 meet at 24..27. */
static uint32_t file_bits(uint32_t h)
{
    uint32_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= ((h >> i & 0x01010101u) * 0x01020408u >> 24 & 15) << 4 * i;
    return v;
}

void ry_x16_get_block(uint8_t plain[RY_X16_BLOCK_MAX], const struct ry_wmat *w, size_t r, size_t b)
{
    const struct ry_x16_shape *s = ry_x16_shape(w->fmt);
    size_t lane = r % RY_X16_ROWS, unit = s->head == 1 ? 1 : 2;
    const uint8_t *block = ry_x16_group(w, r - lane) + b * s->bytes * RY_X16_ROWS;
    for (size_t i = 0; i < s->head; i += unit)
        memcpy(plain + s->head_at + i, block + i * RY_X16_ROWS + unit * lane, unit);
    const uint8_t *dword = block + (size_t)s->head * RY_X16_ROWS + 4 * lane;
    for (size_t i = 0; i < s->bytes; i += 4, dword += RY_X16_LINE) {
        if (i == s->head_at)
            i += s->head;
        if (i < s->bytes)
            memcpy(plain + i, dword, 4);
    }
    if (s->turned) {
        uint32_t h;
        memcpy(&h, plain + s->head_at + s->head, sizeof h);
        h = file_bits(h);
        memcpy(plain + s->head_at + s->head, &h, sizeof h);
    }
}
