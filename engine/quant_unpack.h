/* The block formats taken apart: what quant.c's table, its encoders and the scalar kernels share.
 *
 * One unpacker a format turns a block into plain integers and scales; decoding to float and the integer dot products
 * of kern_scalar.c both start from there, so that a layout is written down once. Pure functions; any thread.
 * Blocks are bytes of a file: unaligned, little-endian, and every bit pattern is a valid block. */
#ifndef RYOT_ENGINE_QUANT_UNPACK_H
#define RYOT_ENGINE_QUANT_UNPACK_H

#include "engine/quant.h"

enum { RY_QK_MAX = 256 };

/* A block as numbers. Blocks of 32:  w[i] = d * q[i] + m.
 * Blocks of 256 with scales (K): w[i] = d * sc[i / 16] * q[i] - dmin * mins[i / 16].
 * Ternary: w[i] = d * q[i], q in -1..1 (2 for the code 3, which no encoder writes); I2_S: d = 1. */
struct ry_unpacked {
    float d;
    float m;
    float dmin;
    int16_t sc[16];
    int16_t mins[16];
    int8_t q[RY_QK_MAX];
};

/* Fills what its family uses (above); m, dmin and mins are 0 where the format has none. */
typedef void (*ry_unpack_fn)(struct ry_unpacked *u, const uint8_t *block);

/* The unpacker of a format, NULL for F32, F16 and BF16. */
ry_unpack_fn ry_fmt_unpacker(enum ry_fmt fmt);

/* 2^(e - 128), half of an e8m0 scale; 255 is NaN. MXFP4's doubled element values times this are exact. */
float ry_e8m0_half(uint8_t e);

/* IQ4_NL's code book, and MXFP4's doubled element values. */
extern const int8_t ry_iq4_nl_values[16];
extern const int8_t ry_mxfp4_values[16];

/* Unpackers, decoders and encoders behind the table; n whole blocks. */
#define RY_FMT_DECLARE(name)                                                                       \
    void ry_unpack_##name(struct ry_unpacked *u, const uint8_t *block);                            \
    void ry_encode_##name(uint8_t *block, const float *x)
RY_FMT_DECLARE(q4_0);
RY_FMT_DECLARE(q4_1);
RY_FMT_DECLARE(q5_0);
RY_FMT_DECLARE(q5_1);
RY_FMT_DECLARE(q8_0);
RY_FMT_DECLARE(iq4_nl);
RY_FMT_DECLARE(mxfp4);
RY_FMT_DECLARE(q2_k);
RY_FMT_DECLARE(q3_k);
RY_FMT_DECLARE(q4_k);
RY_FMT_DECLARE(q5_k);
RY_FMT_DECLARE(q6_k);
RY_FMT_DECLARE(tq1_0);
RY_FMT_DECLARE(tq2_0);
RY_FMT_DECLARE(i2_s);
#undef RY_FMT_DECLARE

/* v to the nearest integer (ties to even) in lo..hi; NaN gives lo. Encoders only. */
int ry_quant_round(float v, int lo, int hi);

/* 1 / d, or 0 where d is zero or not finite. */
float ry_quant_inverse(float d);

/* A half at p, and one written there; the value as it was stored is returned. */
float ry_quant_get_f16(const uint8_t *p);
float ry_quant_put_f16(uint8_t *p, float v);

#endif
