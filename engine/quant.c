/* The table of tensor formats, sizes, names, half precision; the layouts are in quant_block.c, quant_k.c and
 * quant_tern.c. Pure functions and const tables; any thread. Knows no file, no model and no kernel. */
#include "engine/quant.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/quant_unpack.h"

static_assert(sizeof(float) == 4 && sizeof(int) == 4, "the formats are defined on 32-bit words");

enum { I2_S_TAIL_BYTES = 32 };

/* ---- half precision ---------------------------------------------------------------------------------- */

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float float_of(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* Exact for every half; a signalling NaN comes out quiet, as the CPU's own conversion does it. */
float ry_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = (h >> 10) & 31, man = h & 0x3ff;
    if (exp == 31)
        return float_of(sign | 0x7f800000 | (man ? 0x400000 | man << 13 : 0));
    if (exp == 0) {
        float v = (float)man * 0x1p-24f;
        return sign ? -v : v;
    }
    return float_of(sign | (exp + 112) << 23 | man << 13);
}

/* The bits below the half's last are cut off and rounded to even by hand; NaN keeps its upper bits, made quiet. */
uint16_t ry_f32_to_f16(float f)
{
    uint32_t u = bits_of(f), sign = u >> 16 & 0x8000, mag = u & 0x7fffffff;
    if (mag > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (mag >> 13 & 0x3ff));
    if (mag >= 0x477ff000) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (mag <
        0x38800000) { /* below 2^-14: a multiple of 2^-24; adding 0.5 leaves it in the low bits */
        uint32_t r = bits_of(float_of(mag) + 0.5f) - 0x3f000000;
        return (uint16_t)(sign | r);
    }
    uint32_t r = mag - 0x38000000;
    r += 0xfff + (r >> 13 & 1);
    return (uint16_t)(sign | r >> 13);
}

float ry_bf16_to_f32(uint16_t h)
{
    return float_of((uint32_t)h << 16);
}

static uint16_t f32_to_bf16(float f)
{
    uint32_t u = bits_of(f);
    if ((u & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static uint16_t get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

float ry_quant_get_f16(const uint8_t *p)
{
    return ry_f16_to_f32(get_u16(p));
}

float ry_quant_put_f16(uint8_t *p, float v)
{
    uint16_t h = ry_f32_to_f16(v);
    put_u16(p, h);
    return ry_f16_to_f32(h);
}

int ry_quant_round(float v, int lo, int hi)
{
    v = v > (float)lo ? v : (float)lo;
    v = v < (float)hi ? v : (float)hi;
    return (int)lrintf(v);
}

float ry_quant_inverse(float d)
{
    return d != 0.0f && isfinite(d) ? 1.0f / d : 0.0f;
}

/* ---- decoding a run of weights ----------------------------------------------------------------------- */

static void decode_f32(float *dst, const void *src, size_t n)
{
    memcpy(dst, src, n * sizeof *dst);
}

static void decode_f16(float *dst, const void *src, size_t n)
{
    const uint8_t *p = src;
    for (size_t i = 0; i < n; i++)
        dst[i] = ry_quant_get_f16(p + 2 * i);
}

static void decode_bf16(float *dst, const void *src, size_t n)
{
    const uint8_t *p = src;
    for (size_t i = 0; i < n; i++)
        dst[i] = ry_bf16_to_f32(get_u16(p + 2 * i));
}

static void decode_32(float *dst, const uint8_t *src, size_t n, ry_unpack_fn unpack, size_t bytes)
{
    struct ry_unpacked u;
    for (; n; n -= 32, dst += 32, src += bytes) {
        unpack(&u, src);
        for (int i = 0; i < 32; i++)
            dst[i] = u.d * (float)u.q[i] + u.m;
    }
}

static void decode_k(float *dst, const uint8_t *src, size_t n, ry_unpack_fn unpack, size_t bytes)
{
    struct ry_unpacked u;
    for (; n; n -= 256, dst += 256, src += bytes) {
        unpack(&u, src);
        for (int i = 0; i < 256; i++)
            dst[i] = u.d * (float)u.sc[i / 16] * (float)u.q[i] - u.dmin * (float)u.mins[i / 16];
    }
}

static void decode_ternary(float *dst, const uint8_t *src, size_t n, ry_unpack_fn unpack,
                           size_t elems, size_t bytes)
{
    struct ry_unpacked u;
    for (; n; n -= elems, dst += elems, src += bytes) {
        unpack(&u, src);
        for (size_t i = 0; i < elems; i++)
            dst[i] = u.d * (float)u.q[i];
    }
}

static void decode_q4_0(float *dst, const void *src, size_t n)
{
    decode_32(dst, src, n, ry_unpack_q4_0, 18);
}

static void decode_q4_1(float *dst, const void *src, size_t n)
{
    decode_32(dst, src, n, ry_unpack_q4_1, 20);
}

static void decode_q5_0(float *dst, const void *src, size_t n)
{
    decode_32(dst, src, n, ry_unpack_q5_0, 22);
}

static void decode_q5_1(float *dst, const void *src, size_t n)
{
    decode_32(dst, src, n, ry_unpack_q5_1, 24);
}

static void decode_q8_0(float *dst, const void *src, size_t n)
{
    decode_32(dst, src, n, ry_unpack_q8_0, 34);
}

static void decode_iq4_nl(float *dst, const void *src, size_t n)
{
    decode_32(dst, src, n, ry_unpack_iq4_nl, 18);
}

static void decode_mxfp4(float *dst, const void *src, size_t n)
{
    decode_32(dst, src, n, ry_unpack_mxfp4, 17);
}

static void decode_q2_k(float *dst, const void *src, size_t n)
{
    decode_k(dst, src, n, ry_unpack_q2_k, 84);
}

static void decode_q3_k(float *dst, const void *src, size_t n)
{
    decode_k(dst, src, n, ry_unpack_q3_k, 110);
}

static void decode_q4_k(float *dst, const void *src, size_t n)
{
    decode_k(dst, src, n, ry_unpack_q4_k, 144);
}

static void decode_q5_k(float *dst, const void *src, size_t n)
{
    decode_k(dst, src, n, ry_unpack_q5_k, 176);
}

static void decode_q6_k(float *dst, const void *src, size_t n)
{
    decode_k(dst, src, n, ry_unpack_q6_k, 210);
}

static void decode_tq1_0(float *dst, const void *src, size_t n)
{
    decode_ternary(dst, src, n, ry_unpack_tq1_0, 256, 54);
}

static void decode_tq2_0(float *dst, const void *src, size_t n)
{
    decode_ternary(dst, src, n, ry_unpack_tq2_0, 256, 66);
}

static void decode_i2_s(float *dst, const void *src, size_t n)
{
    decode_ternary(dst, src, n, ry_unpack_i2_s, 128, 32);
}

/* ---- the table --------------------------------------------------------------------------------------- */

/* Layouts as published in ggml's ggml-common.h and ggml-quants.c (MIT), I2_S as in bitnet.cpp; MXFP4 after the OCP
 * Microscaling Formats specification 1.0. */
#define GGML  "ggml, ggml-common.h and ggml-quants.c"
#define IEEE  "IEEE 754-2008"
#define BFLT  "bfloat16: the upper half of an IEEE 754 single"
#define OCP   "OCP Microscaling Formats (MX) v1.0, section 5"
#define BITNT "bitnet.cpp, ggml-bitnet-mad.cpp"
#define OURS  "ryot, kern/x16.h"
#define NO_ID UINT32_MAX /* on disk: never */

static const struct ry_fmt_info infos[] = {
    [RY_FMT_F32] = {"F32", 0, 1, 4, RY_ACT_F32, false, decode_f32, IEEE},
    [RY_FMT_F16] = {"F16", 1, 1, 2, RY_ACT_F32, false, decode_f16, IEEE},
    [RY_FMT_BF16] = {"BF16", 30, 1, 2, RY_ACT_F32, false, decode_bf16, BFLT},
    [RY_FMT_Q4_0] = {"Q4_0", 2, 32, 18, RY_ACT_Q8_32, false, decode_q4_0, GGML},
    [RY_FMT_Q4_1] = {"Q4_1", 3, 32, 20, RY_ACT_Q8_32, false, decode_q4_1, GGML},
    [RY_FMT_Q5_0] = {"Q5_0", 6, 32, 22, RY_ACT_Q8_32, false, decode_q5_0, GGML},
    [RY_FMT_Q5_1] = {"Q5_1", 7, 32, 24, RY_ACT_Q8_32, false, decode_q5_1, GGML},
    [RY_FMT_Q8_0] = {"Q8_0", 8, 32, 34, RY_ACT_Q8_32, false, decode_q8_0, GGML},
    [RY_FMT_Q2_K] = {"Q2_K", 10, 256, 84, RY_ACT_Q8_256, false, decode_q2_k, GGML},
    [RY_FMT_Q3_K] = {"Q3_K", 11, 256, 110, RY_ACT_Q8_256, false, decode_q3_k, GGML},
    [RY_FMT_Q4_K] = {"Q4_K", 12, 256, 144, RY_ACT_Q8_256, false, decode_q4_k, GGML},
    [RY_FMT_Q5_K] = {"Q5_K", 13, 256, 176, RY_ACT_Q8_256, false, decode_q5_k, GGML},
    [RY_FMT_Q6_K] = {"Q6_K", 14, 256, 210, RY_ACT_Q8_256, false, decode_q6_k, GGML},
    [RY_FMT_IQ4_NL] = {"IQ4_NL", 20, 32, 18, RY_ACT_Q8_32, false, decode_iq4_nl, GGML},
    [RY_FMT_MXFP4] = {"MXFP4", 39, 32, 17, RY_ACT_Q8_32, false, decode_mxfp4, OCP},
    [RY_FMT_TQ1_0] = {"TQ1_0", 34, 256, 54, RY_ACT_Q8_T, true, decode_tq1_0, GGML},
    [RY_FMT_TQ2_0] = {"TQ2_0", 35, 256, 66, RY_ACT_Q8_T, true, decode_tq2_0, GGML},
    [RY_FMT_I2_S] = {"I2_S", 36, 128, 32, RY_ACT_Q8_T, true, decode_i2_s, BITNT},
    /* A group of 16 rows has 16 rows' bytes; what a block is stands in kern/x16.h. */
    [RY_FMT_T2_X16] = {"T2 x16", NO_ID, 16, 4, RY_ACT_Q8_T, true, NULL, OURS},
    [RY_FMT_Q4_0_X16] = {"Q4_0 x16", NO_ID, 32, 18, RY_ACT_Q8_32, false, NULL, OURS},
    [RY_FMT_Q4_1_X16] = {"Q4_1 x16", NO_ID, 32, 20, RY_ACT_Q8_32, false, NULL, OURS},
    [RY_FMT_Q5_0_X16] = {"Q5_0 x16", NO_ID, 32, 22, RY_ACT_Q8_32, false, NULL, OURS},
    [RY_FMT_Q5_1_X16] = {"Q5_1 x16", NO_ID, 32, 24, RY_ACT_Q8_32, false, NULL, OURS},
    [RY_FMT_Q8_0_X16] = {"Q8_0 x16", NO_ID, 32, 34, RY_ACT_Q8_32, false, NULL, OURS},
    [RY_FMT_Q2_K_X16] = {"Q2_K x16", NO_ID, 256, 84, RY_ACT_Q8_256, false, NULL, OURS},
    [RY_FMT_Q3_K_X16] = {"Q3_K x16", NO_ID, 256, 110, RY_ACT_Q8_256, false, NULL, OURS},
    [RY_FMT_Q4_K_X16] = {"Q4_K x16", NO_ID, 256, 144, RY_ACT_Q8_256, false, NULL, OURS},
    [RY_FMT_Q5_K_X16] = {"Q5_K x16", NO_ID, 256, 176, RY_ACT_Q8_256, false, NULL, OURS},
    [RY_FMT_Q6_K_X16] = {"Q6_K x16", NO_ID, 256, 210, RY_ACT_Q8_256, false, NULL, OURS},
    [RY_FMT_IQ4_NL_X16] = {"IQ4_NL x16", NO_ID, 32, 18, RY_ACT_Q8_32, false, NULL, OURS},
    [RY_FMT_MXFP4_X16] = {"MXFP4 x16", NO_ID, 32, 17, RY_ACT_Q8_32, false, NULL, OURS},
};

static_assert(sizeof infos / sizeof infos[0] == RY_FMT_SLOTS, "a format lacks its row");

static const ry_unpack_fn unpackers[RY_FMT_COUNT] = {
    [RY_FMT_Q4_0] = ry_unpack_q4_0,     [RY_FMT_Q4_1] = ry_unpack_q4_1,
    [RY_FMT_Q5_0] = ry_unpack_q5_0,     [RY_FMT_Q5_1] = ry_unpack_q5_1,
    [RY_FMT_Q8_0] = ry_unpack_q8_0,     [RY_FMT_Q2_K] = ry_unpack_q2_k,
    [RY_FMT_Q3_K] = ry_unpack_q3_k,     [RY_FMT_Q4_K] = ry_unpack_q4_k,
    [RY_FMT_Q5_K] = ry_unpack_q5_k,     [RY_FMT_Q6_K] = ry_unpack_q6_k,
    [RY_FMT_IQ4_NL] = ry_unpack_iq4_nl, [RY_FMT_MXFP4] = ry_unpack_mxfp4,
    [RY_FMT_TQ1_0] = ry_unpack_tq1_0,   [RY_FMT_TQ2_0] = ry_unpack_tq2_0,
    [RY_FMT_I2_S] = ry_unpack_i2_s,
};

typedef void (*encode_fn)(uint8_t *block, const float *x);

static const encode_fn encoders[RY_FMT_COUNT] = {
    [RY_FMT_Q4_0] = ry_encode_q4_0,     [RY_FMT_Q4_1] = ry_encode_q4_1,
    [RY_FMT_Q5_0] = ry_encode_q5_0,     [RY_FMT_Q5_1] = ry_encode_q5_1,
    [RY_FMT_Q8_0] = ry_encode_q8_0,     [RY_FMT_Q2_K] = ry_encode_q2_k,
    [RY_FMT_Q3_K] = ry_encode_q3_k,     [RY_FMT_Q4_K] = ry_encode_q4_k,
    [RY_FMT_Q5_K] = ry_encode_q5_k,     [RY_FMT_Q6_K] = ry_encode_q6_k,
    [RY_FMT_IQ4_NL] = ry_encode_iq4_nl, [RY_FMT_MXFP4] = ry_encode_mxfp4,
    [RY_FMT_TQ1_0] = ry_encode_tq1_0,   [RY_FMT_TQ2_0] = ry_encode_tq2_0,
    [RY_FMT_I2_S] = ry_encode_i2_s,
};

const struct ry_fmt_info *ry_fmt_info(enum ry_fmt fmt)
{
    assert((unsigned)fmt < RY_FMT_SLOTS && fmt != RY_FMT_COUNT);
    return &infos[fmt];
}

ry_unpack_fn ry_fmt_unpacker(enum ry_fmt fmt)
{
    assert((unsigned)fmt < RY_FMT_COUNT);
    return unpackers[fmt];
}

bool ry_fmt_from_ggml(uint32_t ggml_type, enum ry_fmt *fmt)
{
    for (int i = 0; i < RY_FMT_COUNT; i++)
        if (infos[i].ggml_type == ggml_type) {
            *fmt = (enum ry_fmt)i;
            return true;
        }
    return false;
}

/* Ids that ryot does not read, by the names under which other programs write them. */
static const char *const other_names[] = {
    [9] = "Q8_1",     [15] = "Q8_K",  [16] = "IQ2_XXS", [17] = "IQ2_XS",
    [18] = "IQ3_XXS", [19] = "IQ1_S", [21] = "IQ3_S",   [22] = "IQ2_S",
    [23] = "IQ4_XS",  [24] = "I8",    [25] = "I16",     [26] = "I32",
    [27] = "I64",     [28] = "F64",   [29] = "IQ1_M",   [40] = "NVFP4",
};

static bool is_removed(uint32_t t)
{
    return t == 4 || t == 5 || (t >= 31 && t <= 33) || t == 37 || t == 38;
}

const char *ry_fmt_ggml_name(uint32_t ggml_type, char buf[32])
{
    enum ry_fmt fmt;
    if (ry_fmt_from_ggml(ggml_type, &fmt))
        return infos[fmt].name;
    if (ggml_type < sizeof other_names / sizeof other_names[0] && other_names[ggml_type])
        return other_names[ggml_type];
    snprintf(buf, 32, is_removed(ggml_type) ? "removed (%u)" : "unknown (%u)", (unsigned)ggml_type);
    return buf;
}

size_t ry_fmt_row_bytes(enum ry_fmt fmt, size_t n_cols)
{
    const struct ry_fmt_info *info = ry_fmt_info(fmt);
    assert(n_cols % info->block_elems == 0);
    return n_cols / info->block_elems * info->block_bytes;
}

bool ry_fmt_tensor_bytes(enum ry_fmt fmt, uint64_t n_cols, uint64_t n_rows, uint64_t *out)
{
    const struct ry_fmt_info *info = ry_fmt_info(fmt);
    uint64_t n_blocks = n_cols / info->block_elems, tail = fmt == RY_FMT_I2_S ? I2_S_TAIL_BYTES : 0;
    if (n_cols % info->block_elems != 0)
        return false;
    if (n_blocks > UINT64_MAX / info->block_bytes)
        return false;
    uint64_t row = n_blocks * info->block_bytes;
    if (n_rows && row > (UINT64_MAX - tail) / n_rows)
        return false;
    *out = row * n_rows + tail;
    return true;
}

void ry_fmt_encode(enum ry_fmt fmt, void *dst, const float *src, size_t n)
{
    const struct ry_fmt_info *info = ry_fmt_info(fmt);
    uint8_t *p = dst;
    assert(n % info->block_elems == 0);
    switch (fmt) {
    case RY_FMT_F32:
        memcpy(dst, src, n * sizeof *src);
        return;
    case RY_FMT_F16:
        for (size_t i = 0; i < n; i++)
            put_u16(p + 2 * i, ry_f32_to_f16(src[i]));
        return;
    case RY_FMT_BF16:
        for (size_t i = 0; i < n; i++)
            put_u16(p + 2 * i, f32_to_bf16(src[i]));
        return;
    default:
        for (; n; n -= info->block_elems, src += info->block_elems, p += info->block_bytes)
            encoders[fmt](p, src);
    }
}
