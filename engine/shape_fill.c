/* Random blocks of every tensor format: random codes, and scales that give a wanted standard deviation.
 *
 * Bits are drawn eight bytes at a time and masked, then each block's scale (and minimum) is written over them: nothing
 * is encoded, so that a gigabyte takes less than a second. Pure functions; any thread. Knows no model. */
#include <math.h>
#include <string.h>

#include "engine/shape.h"

enum { NONE = -1, SAMPLE_BLOCKS = 32, MAX_BLOCK_ELEMS = 256, MAX_BLOCK_BYTES = 256 };

#define HIGH_BITS UINT64_C(0xAAAAAAAAAAAAAAAA) /* of pairs */

/* Where a block keeps its scale, and its minimum in scales: half the largest code, so that the mean is about 0. */
struct recipe {
    int d_at, m_at;
    float m;
    bool pairs; /* codes of two bits, of which 3 is none */
};

static const struct recipe recipes[RY_FMT_COUNT] = {
    [RY_FMT_F32] = {NONE, NONE, 0, false},  [RY_FMT_F16] = {NONE, NONE, 0, false},
    [RY_FMT_BF16] = {NONE, NONE, 0, false}, [RY_FMT_Q4_0] = {0, NONE, 0, false},
    [RY_FMT_Q4_1] = {0, 2, -7.5f, false},   [RY_FMT_Q5_0] = {0, NONE, 0, false},
    [RY_FMT_Q5_1] = {0, 2, -15.5f, false},  [RY_FMT_Q8_0] = {0, NONE, 0, false},
    [RY_FMT_Q2_K] = {80, 82, 1.5f, false},  [RY_FMT_Q3_K] = {108, NONE, 0, false},
    [RY_FMT_Q4_K] = {0, 2, 7.5f, false},    [RY_FMT_Q5_K] = {0, 2, 15.5f, false},
    [RY_FMT_Q6_K] = {208, NONE, 0, false},  [RY_FMT_IQ4_NL] = {0, NONE, 0, false},
    [RY_FMT_MXFP4] = {0, NONE, 0, false},   [RY_FMT_TQ1_0] = {52, NONE, 0, false},
    [RY_FMT_TQ2_0] = {64, NONE, 0, true},   [RY_FMT_I2_S] = {NONE, NONE, 0, true},
};

/* The next number of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* A pair of bits that reads 3 becomes 1: half of the codes are the middle one, as in trained ternary models. */
static void fill_bits(const struct ry_fill *f, uint8_t *dst, size_t n_bytes, uint64_t seed)
{
    bool pairs = recipes[f->fmt].pairs;
    for (size_t i = 0; i < n_bytes; i += sizeof seed) {
        uint64_t v = next_random(&seed);
        if (pairs)
            v &= ~(v & v << 1 & HIGH_BITS);
        v = (v & f->keep) | f->set;
        memcpy(dst + i, &v, n_bytes - i < sizeof v ? n_bytes - i : sizeof v);
    }
}

void ry_fill_blocks(const struct ry_fill *f, uint8_t *dst, size_t n_blocks, uint64_t seed)
{
    const struct recipe *r = &recipes[f->fmt];
    size_t block = ry_fmt_info(f->fmt)->block_bytes;
    fill_bits(f, dst, n_blocks * block, seed);
    if (r->d_at == NONE)
        return;
    size_t d_bytes = f->fmt == RY_FMT_MXFP4 ? 1 : sizeof f->d; /* MXFP4 has an exponent only */
    for (size_t i = 0; i < n_blocks; i++) {
        memcpy(dst + i * block + r->d_at, &f->d, d_bytes);
        if (r->m_at != NONE)
            memcpy(dst + i * block + r->m_at, &f->m, sizeof f->m);
    }
}

/* ---- scales -------------------------------------------------------------------------------------------- */

/* Root mean square of weights filled like this, decoded. */
static double rms_of(const struct ry_fill *f)
{
    const struct ry_fmt_info *info = ry_fmt_info(f->fmt);
    uint8_t blocks[SAMPLE_BLOCKS * MAX_BLOCK_BYTES];
    float w[SAMPLE_BLOCKS * MAX_BLOCK_ELEMS];
    size_t n = (size_t)SAMPLE_BLOCKS * info->block_elems;
    double sum = 0;
    ry_fill_blocks(f, blocks, SAMPLE_BLOCKS, 1);
    info->decode(w, blocks, n);
    for (size_t i = 0; i < n; i++)
        sum += (double)w[i] * (double)w[i];
    return sqrt(sum / (double)n);
}

/* Floats: random sign and mantissa under one exponent, so from 2^e to 2^(e+1), whose rms is 2^e sqrt(7/3). */
static void set_exponent(struct ry_fill *f, double deviation)
{
    int e = (int)lrint(log2(deviation / sqrt(7.0 / 3.0)));
    switch (f->fmt) {
    case RY_FMT_F32:
        f->keep = UINT64_C(0x807FFFFF807FFFFF);
        f->set = (uint64_t)(uint32_t)(e + 127) << 23;
        f->set |= f->set << 32;
        return;
    case RY_FMT_F16:
        f->keep = UINT64_C(0x83FF83FF83FF83FF);
        f->set = (uint64_t)(uint32_t)(e + 15) << 10;
        break;
    default:
        f->keep = UINT64_C(0x807F807F807F807F);
        f->set = (uint64_t)(uint32_t)(e + 127) << 7;
    }
    f->set |= f->set << 16;
    f->set |= f->set << 32;
}

struct ry_fill ry_fill_of(enum ry_fmt fmt, uint64_t n_cols)
{
    const struct recipe *r = &recipes[fmt];
    double deviation = 1 / sqrt((double)n_cols);
    struct ry_fill f = {.fmt = fmt, .keep = UINT64_MAX, .scale = 1.0f};
    if (fmt == RY_FMT_F32 || fmt == RY_FMT_F16 || fmt == RY_FMT_BF16) {
        set_exponent(&f, deviation);
    } else if (fmt == RY_FMT_MXFP4) {
        f.d = 127;
        f.d = (uint16_t)(127 + lrint(log2(deviation / rms_of(&f))));
    } else {
        f.d = ry_f32_to_f16(1.0f);
        f.m = ry_f32_to_f16(r->m);
        double d = deviation / rms_of(&f);
        f.d = ry_f32_to_f16((float)d);
        f.m = ry_f32_to_f16((float)(d * (double)r->m));
        f.scale = (float)d;
    }
    return f;
}
