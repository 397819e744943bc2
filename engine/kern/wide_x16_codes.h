/* Interleaved block formats (Q4_0_X16 … MXFP4_X16, see x16.h) taken apart in a wide tier's registers: codes, scales and
 * floats. Read by wide_x16q.h's products and by AMX's.
 *
 * kern_avx512_vec.h and kern_avx2_vec.h hold the vocabulary. A register holds one number of each row. Codes are
 * unsigned, weight = d * (code - offset), since vpdpbusd and vpmaddubsw want them so. Any thread; pure functions. Knows
 * no activations. */
#ifndef RYOT_ENGINE_KERN_WIDE_X16_CODES_H
#define RYOT_ENGINE_KERN_WIDE_X16_CODES_H

#include "engine/kern/x16.h"
#include "engine/quant_unpack.h"

#if defined(__AVX512F__)
#include "engine/kern/kern_avx512_vec.h"
#else
#include "engine/kern/kern_avx2_vec.h"
#endif

enum { RY_X16_CHUNK = 8 }; /* registers of four columns */

/* Every line of a strip is here: p stands on the strip's dword of the body's first line. */
RY_INLINE ry_vi ry_line(const uint8_t *body, int i)
{
    return ry_v_load(body + i * RY_X16_LINE);
}

enum { RY_NONE = 0x80 };

/* Four bytes of each dword, or RY_NONE for a zero. */
RY_INLINE ry_vi ry_bytes(ry_vi v, const int a, const int b, const int c, const int d)
{
    static const uint8_t dword[16] = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    int32_t of = (int32_t)((uint32_t)a | (uint32_t)b << 8 | (uint32_t)c << 16 | (uint32_t)d << 24);
    return ry_v_pick(v, ry_v_add(ry_v_table(dword), ry_v_set32(of)));
}

/* Codes of one byte (Q8_0) and of a code book (IQ4_NL) come signed; where products want them unsigned, 128 is added. */
#if defined(RY_V_DOT)
enum { RY_SIGNED_OFFSET = 128 };
#else
enum { RY_SIGNED_OFFSET = 0 };
#endif

RY_INLINE ry_vi ry_from_signed(ry_vi v)
{
    return RY_SIGNED_OFFSET ? ry_v_sub8(v, ry_v_set8(-128)) : v;
}

/* ---- blocks of 32 ------------------------------------------------------------------------------------ */

/* Register j of a chunk holds columns 4j..4j+3. Lines hold w[c] low and w[c + 16] high. */
RY_INLINE void ry_nibbles(ry_vi u[RY_X16_CHUNK], const uint8_t *body)
{
    const ry_vi low = ry_v_set8(15);
    RY_UNROLL
    for (int j = 0; j < 4; j++) {
        ry_vi v = ry_line(body, j);
        u[j] = ry_v_and(v, low);
        u[j + 4] = ry_v_and(ry_v_shift(v, -4), low);
    }
}

RY_INLINE void ry_codes_nibbles(ry_vi u[RY_X16_CHUNK], const uint8_t *body)
{
    ry_nibbles(u, body);
}

RY_INLINE void ry_codes_fifth(ry_vi u[RY_X16_CHUNK], const uint8_t *body)
{
    const ry_vi bit = ry_v_set8(16);
    ry_vi h = ry_line(body, 0);
    ry_nibbles(u, body + RY_X16_LINE);
    RY_UNROLL
    for (int j = 0; j < RY_X16_CHUNK; j++)
        u[j] = ry_v_merge(u[j], ry_v_shift(h, 4 - j), bit);
}

RY_INLINE void ry_codes_bytes(ry_vi u[RY_X16_CHUNK], const uint8_t *body)
{
    RY_UNROLL
    for (int j = 0; j < RY_X16_CHUNK; j++)
        u[j] = ry_from_signed(ry_line(body, j));
}

RY_INLINE void ry_codes_iq4_nl(ry_vi u[RY_X16_CHUNK], const uint8_t *body)
{
    const ry_vi values = ry_from_signed(ry_v_table(ry_iq4_nl_values));
    ry_nibbles(u, body);
    RY_UNROLL
    for (int j = 0; j < RY_X16_CHUNK; j++)
        u[j] = ry_v_pick(values, u[j]);
}

/* Doubled E2M1 values with 12 added: 0..24. */
RY_INLINE void ry_codes_mxfp4(ry_vi u[RY_X16_CHUNK], const uint8_t *body)
{
    const ry_vi values = ry_v_sub8(ry_v_table(ry_mxfp4_values), ry_v_set8(-12));
    ry_nibbles(u, body);
    RY_UNROLL
    for (int j = 0; j < RY_X16_CHUNK; j++)
        u[j] = ry_v_pick(values, u[j]);
}

/* A format in blocks of 32 as the drivers see it; always a compile-time constant. */
struct ry_x16_32 {
    size_t bytes, head; /* of a row's block, and of its floats */
    void (*codes)(ry_vi u[RY_X16_CHUNK], const uint8_t *body);
    int top;    /* the largest code; 255: bytes */
    int offset; /* w = d * (code - offset) */
    bool minima;
};

static const struct ry_x16_32 ry_q4_0 = {18, 2, ry_codes_nibbles, 15, 8, false};
static const struct ry_x16_32 ry_q4_1 = {20, 4, ry_codes_nibbles, 15, 0, true};
static const struct ry_x16_32 ry_q5_0 = {22, 2, ry_codes_fifth, 31, 16, false};
static const struct ry_x16_32 ry_q5_1 = {24, 4, ry_codes_fifth, 31, 0, true};
static const struct ry_x16_32 ry_q8_0 = {34, 2, ry_codes_bytes, 255, RY_SIGNED_OFFSET, false};
static const struct ry_x16_32 ry_iq4_nl = {18, 2, ry_codes_iq4_nl, 255, RY_SIGNED_OFFSET, false};
static const struct ry_x16_32 ry_mxfp4 = {17, 1, ry_codes_mxfp4, 31, 12, false};

/* 2^(e - 128): a normal number from e = 2 on, the two last denormals below; 255 is NaN. */
RY_INLINE ry_vf ry_e8m0(const uint8_t *p)
{
    ry_vi e = ry_v_bytes(p);
    ry_vi v = ry_v_shl32(ry_v_sub(e, ry_v_set32(1)), 23);
    v = ry_v_if_greater(ry_v_set32(2), e, ry_v_shl32_by(ry_v_set32(0x200000), e), v);
    return ry_f_bits(ry_v_if_greater(e, ry_v_set32(254), ry_v_set32(0x7fc00000), v));
}

/* The floats of a strip's block: its rows begin at lane. m stays untouched where there is none. */
RY_INLINE void ry_floats_32(ry_vf *d, ry_vf *m, const uint8_t *block, size_t lane,
                            const struct ry_x16_32 *f)
{
    *d = f->head == 1 ? ry_e8m0(block + lane) : ry_f_halves(block + 2 * lane);
    if (f->minima)
        *m = ry_f_halves(block + 2 * RY_X16_ROWS + 2 * lane);
}

/* ---- blocks of 256 ----------------------------------------------------------------------------------- */

/* A chunk lies in eight lines of which it takes some bits. */
RY_INLINE void ry_bits(ry_vi u[RY_X16_CHUNK], const uint8_t *lines, const int shift, const int mask)
{
    RY_UNROLL
    for (int j = 0; j < RY_X16_CHUNK; j++)
        u[j] = ry_v_and(ry_v_shift(ry_line(lines, j), -shift), ry_v_set8(mask));
}

/* The field `mask` << from of each byte of eight lines joins the codes at mask << to. */
RY_INLINE void ry_high_bits(ry_vi u[RY_X16_CHUNK], const uint8_t *lines, const int from,
                            const int to, const int mask)
{
    RY_UNROLL
    for (int j = 0; j < RY_X16_CHUNK; j++)
        u[j] = ry_v_merge(u[j], ry_v_shift(ry_line(lines, j), to - from), ry_v_set8(mask << to));
}

/* Lines of a body: Q2_K scales 0, codes 4; Q3_K high bits 0, codes 8, scales 24; Q4_K scales 0, codes 3; Q5_K scales 0,
 * high bits 3, codes 11; Q6_K low bits 0, high bits 32, scales 48. */
RY_INLINE void ry_codes_q2_k(ry_vi u[RY_X16_CHUNK], const uint8_t *body, const int chunk)
{
    ry_bits(u, body + (4 + chunk / 4 * 8) * RY_X16_LINE, chunk % 4 * 2, 3);
}

RY_INLINE void ry_codes_q3_k(ry_vi u[RY_X16_CHUNK], const uint8_t *body, const int chunk)
{
    ry_bits(u, body + (8 + chunk / 4 * 8) * RY_X16_LINE, chunk % 4 * 2, 3);
    ry_high_bits(u, body, chunk, 2, 1);
}

RY_INLINE void ry_codes_q4_k(ry_vi u[RY_X16_CHUNK], const uint8_t *body, const int chunk)
{
    ry_bits(u, body + (3 + chunk / 2 * 8) * RY_X16_LINE, chunk % 2 * 4, 15);
}

RY_INLINE void ry_codes_q5_k(ry_vi u[RY_X16_CHUNK], const uint8_t *body, const int chunk)
{
    ry_bits(u, body + (11 + chunk / 2 * 8) * RY_X16_LINE, chunk % 2 * 4, 15);
    ry_high_bits(u, body + 3 * RY_X16_LINE, chunk, 4, 1);
}

RY_INLINE void ry_codes_q6_k(ry_vi u[RY_X16_CHUNK], const uint8_t *body, const int chunk)
{
    const int half = chunk / 4, g = chunk % 4;
    ry_bits(u, body + (16 * half + 8 * (g & 1)) * RY_X16_LINE, g / 2 * 4, 15);
    ry_high_bits(u, body + (32 + 8 * half) * RY_X16_LINE, 2 * g, 4, 3);
}

/* The field mask << from of each byte to bits `to`, alone. */
RY_INLINE ry_vi ry_field(ry_vi v, const int from, const int to, const int mask)
{
    return ry_v_and(ry_v_shift(v, to - from), ry_v_set8(mask << to));
}

/* Scales: dword i holds those of four sub-blocks, 4i..4i+3, a byte each; minima likewise. */
RY_INLINE void ry_scales_q2_k(ry_vi sc[4], ry_vi mins[4], const uint8_t *body)
{
    RY_UNROLL
    for (int i = 0; i < 4; i++) {
        sc[i] = ry_field(ry_line(body, i), 0, 0, 15);
        mins[i] = ry_field(ry_line(body, i), 4, 0, 15);
    }
}

RY_INLINE void ry_scales_q3_k(ry_vi sc[4], ry_vi mins[4], const uint8_t *body)
{
    ry_vi h = ry_line(body, 26);
    (void)mins;
    RY_UNROLL
    for (int i = 0; i < 4; i++) {
        ry_vi low = ry_field(ry_line(body, 24 + i % 2), i / 2 * 4, 0, 15);
        sc[i] = ry_v_sub8(ry_v_or(low, ry_field(h, 2 * i, 4, 3)), ry_v_set8(32));
    }
}

/* Twelve bytes: six bits of the first four scales and of the first four minima, with two of the last four above them,
 * then the last four's low nibbles. */
RY_INLINE void ry_scales_q4_k(ry_vi sc[4], ry_vi mins[4], const uint8_t *body)
{
    ry_vi a = ry_line(body, 0), b = ry_line(body, 1), c = ry_line(body, 2);
    sc[0] = ry_field(a, 0, 0, 63);
    mins[0] = ry_field(b, 0, 0, 63);
    sc[1] = ry_v_or(ry_field(c, 0, 0, 15), ry_field(a, 6, 4, 3));
    mins[1] = ry_v_or(ry_field(c, 4, 0, 15), ry_field(b, 6, 4, 3));
}

RY_INLINE void ry_scales_q6_k(ry_vi sc[4], ry_vi mins[4], const uint8_t *body)
{
    (void)mins;
    RY_UNROLL
    for (int i = 0; i < 4; i++)
        sc[i] = ry_line(body, 48 + i);
}

/* A format in blocks of 256 as the drivers see it; always a compile-time constant. */
struct ry_x16_k {
    size_t bytes, head; /* of a row's block, and of its floats */
    void (*codes)(ry_vi u[RY_X16_CHUNK], const uint8_t *body, const int chunk);
    void (*scales)(ry_vi sc[4], ry_vi mins[4], const uint8_t *body);
    int top; /* the largest code */
    int per; /* columns of a scale */
    bool is_signed, minima;
    int offset_shift; /* codes carry an offset of 1 << this; 0: none */
};

static const struct ry_x16_k ry_q2_k = {84,   4, ry_codes_q2_k, ry_scales_q2_k, 3, 16, false,
                                        true, 0};
static const struct ry_x16_k ry_q3_k = {110,   2, ry_codes_q3_k, ry_scales_q3_k, 7, 16, true,
                                        false, 2};
static const struct ry_x16_k ry_q4_k = {144,  4, ry_codes_q4_k, ry_scales_q4_k, 15, 32, false,
                                        true, 0};
static const struct ry_x16_k ry_q5_k = {176,  4, ry_codes_q5_k, ry_scales_q4_k, 31, 32, false,
                                        true, 0};
static const struct ry_x16_k ry_q6_k = {210,   2, ry_codes_q6_k, ry_scales_q6_k, 63, 16, true,
                                        false, 5};

RY_INLINE void ry_floats_k(ry_vf *d, ry_vf *dmin, const uint8_t *block, size_t lane,
                           const struct ry_x16_k *f)
{
    *d = ry_f_halves(block + 2 * lane);
    *dmin = f->minima ? ry_f_halves(block + 2 * RY_X16_ROWS + 2 * lane) : ry_f_zero();
}

#endif
