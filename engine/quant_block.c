/* Formats in blocks of 32 weights: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4.
 *
 * Nibbles: byte j holds w[j] low and w[j + 16] high. Pure functions; any thread. */
#include <math.h>
#include <string.h>

#include "engine/quant_unpack.h"

/* ggml's k-values of IQ4_NL. */
const int8_t ry_iq4_nl_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                     1,    13,   25,  38,  53,  69,  89,  113};

/* E2M1 doubled: 0 .5 1 1.5 2 3 4 6 and their negatives. */
const int8_t ry_mxfp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* ---- taking apart ------------------------------------------------------------------------------------ */

static void nibbles(int8_t q[32], const uint8_t *qs, int offset)
{
    for (int j = 0; j < 16; j++) {
        q[j] = (int8_t)((qs[j] & 15) - offset);
        q[j + 16] = (int8_t)((qs[j] >> 4) - offset);
    }
}

static void nibbles_by_table(int8_t q[32], const uint8_t *qs, const int8_t table[16])
{
    for (int j = 0; j < 16; j++) {
        q[j] = table[qs[j] & 15];
        q[j + 16] = table[qs[j] >> 4];
    }
}

static void fifth_bits(int8_t q[32], const uint8_t *qh)
{
    for (int j = 0; j < 32; j++)
        q[j] = (int8_t)(q[j] + ((qh[j / 8] >> (j % 8) & 1) << 4));
}

void ry_unpack_q4_0(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_quant_get_f16(block);
    u->m = 0.0f;
    nibbles(u->q, block + 2, 8);
}

void ry_unpack_q4_1(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_quant_get_f16(block);
    u->m = ry_quant_get_f16(block + 2);
    nibbles(u->q, block + 4, 0);
}

void ry_unpack_q5_0(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_quant_get_f16(block);
    u->m = 0.0f;
    nibbles(u->q, block + 6, 16);
    fifth_bits(u->q, block + 2);
}

void ry_unpack_q5_1(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_quant_get_f16(block);
    u->m = ry_quant_get_f16(block + 2);
    nibbles(u->q, block + 8, 0);
    fifth_bits(u->q, block + 4);
}

void ry_unpack_q8_0(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_quant_get_f16(block);
    u->m = 0.0f;
    memcpy(u->q, block + 2, 32);
}

void ry_unpack_iq4_nl(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_quant_get_f16(block);
    u->m = 0.0f;
    nibbles_by_table(u->q, block + 2, ry_iq4_nl_values);
}

float ry_e8m0_half(uint8_t e)
{
    return e == 255 ? NAN : ldexpf(1.0f, e - 128);
}

void ry_unpack_mxfp4(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_e8m0_half(block[0]);
    u->m = 0.0f;
    nibbles_by_table(u->q, block + 1, ry_mxfp4_values);
}

/* ---- encoding ---------------------------------------------------------------------------------------- */

/* The value of the largest magnitude, with its sign. */
static float signed_max(const float *x)
{
    float best = 0.0f;
    for (int i = 0; i < 32; i++)
        if (fabsf(x[i]) > fabsf(best))
            best = x[i];
    return best;
}

static void put_nibbles(uint8_t *qs, const int q[32])
{
    for (int j = 0; j < 16; j++)
        qs[j] = (uint8_t)((q[j] & 15) | (q[j + 16] & 15) << 4);
}

static void put_fifth_bits(uint8_t *qh, const int q[32])
{
    memset(qh, 0, 4);
    for (int j = 0; j < 32; j++)
        qh[j / 8] = (uint8_t)(qh[j / 8] | (q[j] >> 4 & 1) << (j % 8));
}

/* q in 0..2*half - 1 with w = d * (q - half); the largest magnitude becomes -half. */
static void fit_centred(uint8_t *d_out, int q[32], const float *x, int half)
{
    float inv = ry_quant_inverse(ry_quant_put_f16(d_out, signed_max(x) / -(float)half));
    for (int i = 0; i < 32; i++)
        q[i] = ry_quant_round(x[i] * inv, -half, half - 1) + half;
}

/* q in 0..top with w = d * q + m. */
static void fit_affine(uint8_t *dm_out, int q[32], const float *x, int top)
{
    float lo = x[0], hi = x[0];
    for (int i = 1; i < 32; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    float m = ry_quant_put_f16(dm_out + 2, lo);
    float inv = ry_quant_inverse(ry_quant_put_f16(dm_out, (hi - m) / (float)top));
    for (int i = 0; i < 32; i++)
        q[i] = ry_quant_round((x[i] - m) * inv, 0, top);
}

void ry_encode_q4_0(uint8_t *block, const float *x)
{
    int q[32];
    fit_centred(block, q, x, 8);
    put_nibbles(block + 2, q);
}

void ry_encode_q4_1(uint8_t *block, const float *x)
{
    int q[32];
    fit_affine(block, q, x, 15);
    put_nibbles(block + 4, q);
}

void ry_encode_q5_0(uint8_t *block, const float *x)
{
    int q[32];
    fit_centred(block, q, x, 16);
    put_fifth_bits(block + 2, q);
    put_nibbles(block + 6, q);
}

void ry_encode_q5_1(uint8_t *block, const float *x)
{
    int q[32];
    fit_affine(block, q, x, 31);
    put_fifth_bits(block + 4, q);
    put_nibbles(block + 8, q);
}

void ry_encode_q8_0(uint8_t *block, const float *x)
{
    float inv = ry_quant_inverse(ry_quant_put_f16(block, fabsf(signed_max(x)) / 127.0f));
    for (int i = 0; i < 32; i++)
        block[2 + i] = (uint8_t)ry_quant_round(x[i] * inv, -127, 127);
}

static int nearest(const int8_t table[16], float v)
{
    int best = 0;
    for (int i = 1; i < 16; i++)
        if (fabsf((float)table[i] - v) < fabsf((float)table[best] - v))
            best = i;
    return best;
}

static void put_nearest(uint8_t *qs, const float *x, float inv, const int8_t table[16])
{
    int q[32];
    for (int i = 0; i < 32; i++)
        q[i] = nearest(table, x[i] * inv);
    put_nibbles(qs, q);
}

void ry_encode_iq4_nl(uint8_t *block, const float *x)
{
    float inv = ry_quant_inverse(ry_quant_put_f16(block, signed_max(x) / -127.0f));
    put_nearest(block + 2, x, inv, ry_iq4_nl_values);
}

/* The shared exponent of the specification: floor(log2(max)) less the largest element exponent, 2. */
void ry_encode_mxfp4(uint8_t *block, const float *x)
{
    float amax = fabsf(signed_max(x));
    int e = amax > 0.0f && isfinite(amax) ? ilogbf(amax) - 2 + 127 : 0;
    block[0] = (uint8_t)(e < 0 ? 0 : e > 254 ? 254 : e);
    put_nearest(block + 1, x, ry_quant_inverse(ry_e8m0_half(block[0])), ry_mxfp4_values);
}
