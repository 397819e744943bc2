/* Formats in blocks of 256 weights with integer scales for sub-blocks of 16 or 32: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K.
 *
 * Byte offsets inside a block:
 *   Q2_K   sc[16] 0, qs[64] 16, d 80, dmin 82            Q3_K  hmask[32] 0, qs[64] 32, sc[12] 96, d 108
 *   Q4_K   d 0, dmin 2, sc[12] 4, qs[128] 16             Q5_K  d 0, dmin 2, sc[12] 4, qh[32] 16, qs[128] 48
 *   Q6_K   ql[128] 0, qh[64] 128, sc[16] 192, d 208
 * Pure functions; any thread. */
#include <math.h>
#include <string.h>

#include "engine/quant_unpack.h"

/* ---- taking apart ------------------------------------------------------------------------------------ */

static void no_minima(struct ry_unpacked *u)
{
    u->dmin = 0.0f;
    memset(u->mins, 0, sizeof u->mins);
}

/* Weight i of two-bit fields: each half of 128 uses 32 bytes at shifts 0, 2, 4, 6. */
static int two_bits(const uint8_t *qs, int i)
{
    return qs[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

void ry_unpack_q2_k(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_quant_get_f16(block + 80);
    u->dmin = ry_quant_get_f16(block + 82);
    for (int j = 0; j < 16; j++) {
        u->sc[j] = block[j] & 15;
        u->mins[j] = block[j] >> 4;
    }
    for (int i = 0; i < 256; i++)
        u->q[i] = (int8_t)two_bits(block + 16, i);
}

void ry_unpack_q3_k(struct ry_unpacked *u, const uint8_t *block)
{
    const uint8_t *hmask = block, *sc = block + 96;
    u->d = ry_quant_get_f16(block + 108);
    no_minima(u);
    for (int j = 0; j < 16; j++) {
        int low = j < 8 ? sc[j] & 15 : sc[j - 8] >> 4, high = sc[8 + j % 4] >> (j / 4 * 2) & 3;
        u->sc[j] = (int16_t)((low | high << 4) - 32);
    }
    for (int i = 0; i < 256; i++)
        u->q[i] = (int8_t)(two_bits(block + 32, i) - (hmask[i % 32] >> (i / 32) & 1 ? 0 : 4));
}

/* The twelve bytes of Q4_K and Q5_K: eight 6-bit scales and eight 6-bit minima. */
static void get_scales_6(struct ry_unpacked *u, const uint8_t *s)
{
    for (int j = 0; j < 8; j++) {
        int sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
        int m = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
        u->sc[2 * j] = u->sc[2 * j + 1] = (int16_t)sc;
        u->mins[2 * j] = u->mins[2 * j + 1] = (int16_t)m;
    }
}

/* Weight i of Q4_K and Q5_K: a chunk of 32 bytes holds sub-block 2c in its low nibbles, 2c + 1 in its high ones. */
static int nibble_k(const uint8_t *qs, int i)
{
    return qs[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 15;
}

void ry_unpack_q4_k(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_quant_get_f16(block);
    u->dmin = ry_quant_get_f16(block + 2);
    get_scales_6(u, block + 4);
    for (int i = 0; i < 256; i++)
        u->q[i] = (int8_t)nibble_k(block + 16, i);
}

void ry_unpack_q5_k(struct ry_unpacked *u, const uint8_t *block)
{
    const uint8_t *qh = block + 16;
    u->d = ry_quant_get_f16(block);
    u->dmin = ry_quant_get_f16(block + 2);
    get_scales_6(u, block + 4);
    for (int i = 0; i < 256; i++)
        u->q[i] = (int8_t)(nibble_k(block + 48, i) | (qh[i % 32] >> (i / 32) & 1) << 4);
}

/* Each 128 weights: four groups of 32; ql[l] and ql[l + 32] give low nibbles to groups 0, 1 and high ones to 2, 3;
 * qh[l] gives bits 2g..2g+1 to group g. */
void ry_unpack_q6_k(struct ry_unpacked *u, const uint8_t *block)
{
    const uint8_t *ql = block, *qh = block + 128;
    u->d = ry_quant_get_f16(block + 208);
    no_minima(u);
    for (int j = 0; j < 16; j++)
        u->sc[j] = (int8_t)block[192 + j];
    for (int i = 0; i < 256; i++) {
        int half = i / 128, g = i % 128 / 32, l = i % 32;
        int low = ql[half * 64 + (g & 1) * 32 + l] >> (g / 2 * 4) & 15;
        int high = qh[half * 32 + l] >> (2 * g) & 3;
        u->q[i] = (int8_t)((low | high << 4) - 32);
    }
}

/* ---- encoding: fit to integers, then pack ------------------------------------------------------------ */

struct fit {
    float scale[16], min[16]; /* of the sub-blocks, before they are rounded to integers */
    int sc[16], m[16];
    int q[256];
};

static float largest(const float *v, int n)
{
    float best = 0.0f;
    for (int i = 0; i < n; i++)
        best = fabsf(v[i]) > best ? fabsf(v[i]) : best;
    return best;
}

/* w = d*sc*q - dmin*m with q in 0..q_top, sc and m in 0..s_top, sub-blocks of `sub`. */
static void fit_affine(struct fit *f, const float *x, int sub, int q_top, int s_top, uint8_t *d_out)
{
    int n_sub = 256 / sub;
    for (int j = 0; j < n_sub; j++) {
        float lo = 0.0f, hi = x[j * sub];
        for (int i = 0; i < sub; i++) {
            lo = x[j * sub + i] < lo ? x[j * sub + i] : lo;
            hi = x[j * sub + i] > hi ? x[j * sub + i] : hi;
        }
        f->scale[j] = hi > lo ? (hi - lo) / (float)q_top : 0.0f;
        f->min[j] = -lo;
    }
    float d = ry_quant_put_f16(d_out, largest(f->scale, n_sub) / (float)s_top);
    float dmin = ry_quant_put_f16(d_out + 2, largest(f->min, n_sub) / (float)s_top);
    for (int j = 0; j < n_sub; j++) {
        f->sc[j] = ry_quant_round(f->scale[j] * ry_quant_inverse(d), 0, s_top);
        f->m[j] = ry_quant_round(f->min[j] * ry_quant_inverse(dmin), 0, s_top);
        float inv = ry_quant_inverse(d * (float)f->sc[j]), m = dmin * (float)f->m[j];
        for (int i = 0; i < sub; i++)
            f->q[j * sub + i] = ry_quant_round((x[j * sub + i] + m) * inv, 0, q_top);
    }
}

/* w = d*sc*q with q in -q_half..q_half-1, sc in -s_top-1..s_top, sub-blocks of 16. */
static void fit_centred(struct fit *f, const float *x, int q_half, int s_top, uint8_t *d_out)
{
    for (int j = 0; j < 16; j++) {
        float best = 0.0f;
        for (int i = 0; i < 16; i++)
            best = fabsf(x[16 * j + i]) > fabsf(best) ? x[16 * j + i] : best;
        f->scale[j] = best / -(float)q_half;
    }
    float d = ry_quant_put_f16(d_out, largest(f->scale, 16) / (float)s_top);
    for (int j = 0; j < 16; j++) {
        f->sc[j] = ry_quant_round(f->scale[j] * ry_quant_inverse(d), -s_top - 1, s_top);
        float inv = ry_quant_inverse(d * (float)f->sc[j]);
        for (int i = 0; i < 16; i++)
            f->q[16 * j + i] = ry_quant_round(x[16 * j + i] * inv, -q_half, q_half - 1);
    }
}

static void put_two_bits(uint8_t *qs, const int *q)
{
    memset(qs, 0, 64);
    for (int i = 0; i < 256; i++) {
        uint8_t *p = &qs[i / 128 * 32 + i % 32];
        *p = (uint8_t)(*p | (q[i] & 3) << (i % 128 / 32 * 2));
    }
}

static void put_nibbles_k(uint8_t *qs, const int *q)
{
    memset(qs, 0, 128);
    for (int i = 0; i < 256; i++) {
        uint8_t *p = &qs[i / 64 * 32 + i % 32];
        *p = (uint8_t)(*p | (q[i] & 15) << (i % 64 / 32 * 4));
    }
}

/* Bit g of byte l serves weight 32g + l. */
static void put_bit_planes(uint8_t *qh, const int *q, int bit)
{
    memset(qh, 0, 32);
    for (int i = 0; i < 256; i++)
        qh[i % 32] = (uint8_t)(qh[i % 32] | (q[i] >> bit & 1) << (i / 32));
}

static void put_scales_6(uint8_t *s, const int *sc, const int *m)
{
    for (int j = 0; j < 4; j++) {
        s[j] = (uint8_t)(sc[j] | (sc[j + 4] >> 4) << 6);
        s[j + 4] = (uint8_t)(m[j] | (m[j + 4] >> 4) << 6);
        s[j + 8] = (uint8_t)((sc[j + 4] & 15) | (m[j + 4] & 15) << 4);
    }
}

void ry_encode_q2_k(uint8_t *block, const float *x)
{
    struct fit f;
    fit_affine(&f, x, 16, 3, 15, block + 80);
    for (int j = 0; j < 16; j++)
        block[j] = (uint8_t)(f.sc[j] | f.m[j] << 4);
    put_two_bits(block + 16, f.q);
}

void ry_encode_q3_k(uint8_t *block, const float *x)
{
    struct fit f;
    fit_centred(&f, x, 4, 31, block + 108);
    for (int i = 0; i < 256; i++)
        f.q[i] += 4;
    put_bit_planes(block, f.q, 2);
    put_two_bits(block + 32, f.q);
    uint8_t *sc = block + 96;
    memset(sc, 0, 12);
    for (int j = 0; j < 16; j++) {
        int v = f.sc[j] + 32;
        sc[j % 8] = (uint8_t)(sc[j % 8] | (v & 15) << (j / 8 * 4));
        sc[8 + j % 4] = (uint8_t)(sc[8 + j % 4] | (v >> 4) << (j / 4 * 2));
    }
}

void ry_encode_q4_k(uint8_t *block, const float *x)
{
    struct fit f;
    fit_affine(&f, x, 32, 15, 63, block);
    put_scales_6(block + 4, f.sc, f.m);
    put_nibbles_k(block + 16, f.q);
}

void ry_encode_q5_k(uint8_t *block, const float *x)
{
    struct fit f;
    fit_affine(&f, x, 32, 31, 63, block);
    put_scales_6(block + 4, f.sc, f.m);
    put_bit_planes(block + 16, f.q, 4);
    put_nibbles_k(block + 48, f.q);
}

void ry_encode_q6_k(uint8_t *block, const float *x)
{
    struct fit f;
    fit_centred(&f, x, 32, 127, block + 208);
    memset(block, 0, 192);
    for (int j = 0; j < 16; j++)
        block[192 + j] = (uint8_t)f.sc[j];
    for (int i = 0; i < 256; i++) {
        int half = i / 128, g = i % 128 / 32, l = i % 32, v = f.q[i] + 32;
        uint8_t *ql = &block[half * 64 + (g & 1) * 32 + l], *qh = &block[128 + half * 32 + l];
        *ql = (uint8_t)(*ql | (v & 15) << (g / 2 * 4));
        *qh = (uint8_t)(*qh | (v >> 4) << (2 * g));
    }
}
