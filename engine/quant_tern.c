/* Ternary formats: TQ1_0 (five trits a byte), TQ2_0 and I2_S (two bits a weight).
 *
 * Byte offsets inside a block: TQ1_0 qs[48] 0, qh[4] 48, d 52; TQ2_0 qs[64] 0, d 64; I2_S 32 bytes of codes, its
 * scale stands once at the end of the tensor. Pure functions; any thread. */
#include <math.h>
#include <string.h>

#include "engine/quant_unpack.h"

/* Digit n of a byte that holds five trits as a fixed-point fraction: multiplied by 3^n, the top trit moves out. */
static int8_t trit(uint8_t byte, int n)
{
    static const uint8_t pow3[5] = {1, 3, 9, 27, 81};
    uint8_t v = (uint8_t)(byte * pow3[n]);
    return (int8_t)((v * 3 >> 8) - 1);
}

void ry_unpack_tq1_0(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_quant_get_f16(block + 52);
    for (int n = 0; n < 5; n++) {
        for (int m = 0; m < 32; m++)
            u->q[32 * n + m] = trit(block[m], n);
        for (int m = 0; m < 16; m++)
            u->q[160 + 16 * n + m] = trit(block[32 + m], n);
    }
    for (int n = 0; n < 4; n++)
        for (int j = 0; j < 4; j++)
            u->q[240 + 4 * n + j] = trit(block[48 + j], n);
}

void ry_unpack_tq2_0(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = ry_quant_get_f16(block + 64);
    for (int i = 0; i < 256; i++)
        u->q[i] = (int8_t)((block[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3) - 1);
}

void ry_unpack_i2_s(struct ry_unpacked *u, const uint8_t *block)
{
    u->d = 1.0f;
    for (int i = 0; i < 128; i++)
        u->q[i] = (int8_t)((block[i % 32] >> (6 - i / 32 * 2) & 3) - 1);
}

/* ---- encoding ---------------------------------------------------------------------------------------- */

static float abs_max(const float *x, int n)
{
    float best = 0.0f;
    for (int i = 0; i < n; i++)
        best = fabsf(x[i]) > best ? fabsf(x[i]) : best;
    return best;
}

/* n digits, the first the most significant, as a fraction of 256 rounded up, so that trit() finds them again. */
static uint8_t pack_trits(const int *codes, int stride, int n)
{
    int v = 0;
    for (int i = 0; i < 5; i++)
        v = v * 3 + (i < n ? codes[i * stride] : 0);
    return (uint8_t)((v * 256 + 242) / 243);
}

void ry_encode_tq1_0(uint8_t *block, const float *x)
{
    int codes[256];
    float inv = ry_quant_inverse(ry_quant_put_f16(block + 52, abs_max(x, 256)));
    for (int i = 0; i < 256; i++)
        codes[i] = ry_quant_round(x[i] * inv, -1, 1) + 1;
    for (int m = 0; m < 32; m++)
        block[m] = pack_trits(codes + m, 32, 5);
    for (int m = 0; m < 16; m++)
        block[32 + m] = pack_trits(codes + 160 + m, 16, 5);
    for (int j = 0; j < 4; j++)
        block[48 + j] = pack_trits(codes + 240 + j, 4, 4);
}

void ry_encode_tq2_0(uint8_t *block, const float *x)
{
    float inv = ry_quant_inverse(ry_quant_put_f16(block + 64, abs_max(x, 256)));
    memset(block, 0, 64);
    for (int i = 0; i < 256; i++) {
        uint8_t *p = &block[i / 128 * 32 + i % 32];
        *p = (uint8_t)(*p | (ry_quant_round(x[i] * inv, -1, 1) + 1) << (i % 128 / 32 * 2));
    }
}

/* Codes only: the nearest of -1, 0, 1 to each weight in units of the block's largest. The caller writes the tensor's
 * scale. */
void ry_encode_i2_s(uint8_t *block, const float *x)
{
    float inv = ry_quant_inverse(abs_max(x, 128));
    memset(block, 0, 32);
    for (int i = 0; i < 128; i++) {
        int code = ry_quant_round(x[i] * inv, -1, 1) + 1;
        block[i % 32] = (uint8_t)(block[i % 32] | code << (6 - i / 32 * 2));
    }
}
