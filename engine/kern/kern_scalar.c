/* The scalar tier, part one: activations and matrices. The truth that every other tier repeats bit by bit.
 *
 * Any thread; allocates nothing; knows no model. Plain C11, runs on every CPU. */
#include "engine/kern/kern_scalar.h"

#include <math.h>
#include <string.h>

#include "engine/kern/act.h"
#include "engine/kern/x16.h"
#include "engine/quant_unpack.h"

enum { TILE = 8 }; /* tokens for which a block is taken apart once */

/* ---- activations ------------------------------------------------------------------------------------- */

/* Nearest integer, ties to even, in lo..127; NaN gives lo. */
static int8_t to_q8(float v, float lo)
{
    v = v > lo ? v : lo;
    v = v < 127.0f ? v : 127.0f;
    return (int8_t)lrintf(v);
}

static void quantize_f32(void *dst, const float *x, size_t n)
{
    memcpy(dst, x, n * sizeof *x);
    memset((float *)dst + n, 0, ry_act_pad(n * sizeof *x) - n * sizeof *x);
}

/* m = max|x|, at least 1e-5; s = 127 / m; inv_s = 1 / s; q = clamp(round(x * s), -128, 127). */
static void quantize_q8_t(void *dst, const float *x, size_t n)
{
    struct ry_act_head head = {0};
    int8_t *q = (int8_t *)dst + RY_Q8_T_HEAD;
    float m = ry_scalar_abs_max(x, n);
    float s = 127.0f / (m < 1e-5f ? 1e-5f : m);
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        q[i] = to_q8(x[i] * s, -128.0f);
        sum += (uint32_t)q[i];
    }
    memset(q + n, 0, ry_act_pad(n) - n);
    head.inv_s = 1.0f / s;
    head.sum = (int32_t)sum;
    memset(dst, 0, RY_Q8_T_HEAD);
    memcpy(dst, &head, sizeof head);
}

/* One block: d = m / 127 and q = clamp(round(x * (127 / m)), -127, 127), or all zero when m < RY_ACT_TINY. */
static float quantize_block(int8_t *q, const float *x, size_t n)
{
    float m = ry_scalar_abs_max(x, n);
    if (m < RY_ACT_TINY) {
        memset(q, 0, n);
        return 0.0f;
    }
    float s = 127.0f / m;
    for (size_t i = 0; i < n; i++)
        q[i] = to_q8(x[i] * s, -127.0f);
    return m / 127.0f;
}

static void quantize_q8_32(void *dst, const float *x, size_t n)
{
    int8_t *q = dst;
    float *d = (float *)((char *)dst + ry_act_pad(n)), *ds = d + n / 32;
    int32_t *sums = (int32_t *)(ds + n / 32);
    memset(q + n, 0, ry_act_pad(n) - n);
    for (size_t b = 0; b < n / 32; b++) {
        d[b] = quantize_block(q + 32 * b, x + 32 * b, 32);
        int sum = 0;
        for (int i = 0; i < 32; i++)
            sum += q[32 * b + i];
        sums[b] = sum;
        ds[b] = d[b] * (float)sum;
    }
    memset(sums + n / 32, 0, ry_act_bytes(RY_ACT_Q8_32, n) - ry_act_pad(n) - n / 32 * 12);
}

static void quantize_q8_256(void *dst, const float *x, size_t n)
{
    int8_t *q = dst;
    float *d = (float *)((char *)dst + ry_act_pad(n));
    int16_t *sums = (int16_t *)(d + n / 256);
    for (size_t b = 0; b < n / 256; b++)
        d[b] = quantize_block(q + 256 * b, x + 256 * b, 256);
    for (size_t j = 0; j < n / 16; j++) {
        int sum = 0;
        for (int i = 0; i < 16; i++)
            sum += q[16 * j + i];
        sums[j] = (int16_t)sum;
    }
    memset(sums + n / 16, 0, ry_act_bytes(RY_ACT_Q8_256, n) - ry_act_pad(n) - n / 64 - n / 8);
}

/* ---- matrices ---------------------------------------------------------------------------------------- */

struct job {
    float *y;
    size_t ldy;
    const struct ry_wmat *w;
    size_t row0, row1;
    const char *act;
    size_t act_stride, n_tok;
};

static const uint8_t *row_of(const struct ry_wmat *w, size_t r)
{
    return (const uint8_t *)w->data + r * w->row_bytes;
}

/* Block b of row r, taken apart; of an interleaved matrix it is put together first. */
static void take_block(struct ry_unpacked *u, const struct ry_wmat *w, size_t r, size_t b)
{
    enum ry_fmt plain = ry_x16_plain(w->fmt);
    uint8_t bytes[RY_X16_BLOCK_MAX];
    const uint8_t *block = bytes;
    if (plain != w->fmt)
        ry_x16_get_block(bytes, w, r, b);
    else
        block = row_of(w, r) + b * ry_fmt_info(plain)->block_bytes;
    ry_fmt_unpacker(plain)(u, block);
}

static int32_t dot(const int8_t *a, const int8_t *b, int n)
{
    int32_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* F32, F16, BF16: 16 lanes, element i to lane i % 16:  l = fmaf(w, x, l), from +0; then the tree of kern.h. */
static float tree(float l[16])
{
    for (int step = 8; step; step /= 2)
        for (int j = 0; j < step; j++)
            l[j] += l[j + step];
    return l[0];
}

static void rows_float(const struct job *j)
{
    const struct ry_fmt_info *info = ry_fmt_info(j->w->fmt);
    size_t n = j->w->n_cols;
    for (size_t r = j->row0; r < j->row1; r++) {
        const uint8_t *row = row_of(j->w, r);
        for (size_t t = 0; t < j->n_tok; t++) {
            const float *x = (const float *)(j->act + t * j->act_stride);
            float l[16] = {0}, w[16];
            for (size_t i = 0; i < n; i += 16) {
                size_t m = n - i < 16 ? n - i : 16;
                info->decode(w, row + i * info->block_bytes, m);
                for (size_t k = 0; k < m; k++)
                    l[k] = fmaf(w[k], x[i + k], l[k]);
            }
            j->y[t * j->ldy + (r - j->row0)] = tree(l);
        }
    }
}

/* Blocks of 32, in order, from acc = +0, s = d * dx in one multiplication:
 *   acc = fmaf(s, (float)sum(q * x), acc), q with its offset taken away;
 *   with minima (Q4_1, Q5_1) then acc = fmaf(m, ds, acc). */
static void rows_q8_32(const struct job *j)
{
    enum ry_fmt plain = ry_x16_plain(j->w->fmt);
    bool minima = plain == RY_FMT_Q4_1 || plain == RY_FMT_Q5_1;
    size_t n = j->w->n_cols;
    struct ry_unpacked u;
    for (size_t r = j->row0; r < j->row1; r++)
        for (size_t t0 = 0; t0 < j->n_tok; t0 += TILE) {
            size_t nt = j->n_tok - t0 < TILE ? j->n_tok - t0 : TILE;
            float acc[TILE] = {0};
            for (size_t b = 0; b < n / 32; b++) {
                take_block(&u, j->w, r, b);
                for (size_t t = 0; t < nt; t++) {
                    const char *act = j->act + (t0 + t) * j->act_stride;
                    float s = u.d * ry_act_d(act, n)[b];
                    int32_t sum = dot(u.q, (const int8_t *)act + 32 * b, 32);
                    acc[t] = fmaf(s, (float)sum, acc[t]);
                    if (minima)
                        acc[t] = fmaf(u.m, ry_act_ds(act, n)[b], acc[t]);
                }
            }
            for (size_t t = 0; t < nt; t++)
                j->y[(t0 + t) * j->ldy + (r - j->row0)] = acc[t];
        }
}

/* Blocks of 256, in order, from acc = +0:
 *   acc = fmaf(d * dx, (float)sum, acc), sum of sc * q * x over the block: |sum| <= 256 * 128 * 32 * 127 < 2^31;
 *   with minima (Q2_K, Q4_K, Q5_K) then acc = fmaf(-(dmin * dx), (float)sum of mins * sums of 16, acc). */
static void rows_q8_256(const struct job *j)
{
    enum ry_fmt plain = ry_x16_plain(j->w->fmt);
    bool minima = plain != RY_FMT_Q3_K && plain != RY_FMT_Q6_K;
    size_t n = j->w->n_cols;
    struct ry_unpacked u;
    for (size_t r = j->row0; r < j->row1; r++)
        for (size_t t0 = 0; t0 < j->n_tok; t0 += TILE) {
            size_t nt = j->n_tok - t0 < TILE ? j->n_tok - t0 : TILE;
            float acc[TILE] = {0};
            for (size_t b = 0; b < n / 256; b++) {
                take_block(&u, j->w, r, b);
                for (size_t t = 0; t < nt; t++) {
                    const char *act = j->act + (t0 + t) * j->act_stride;
                    const int8_t *x = (const int8_t *)act + 256 * b;
                    const int16_t *sums = ry_act_sums(act, n) + 16 * b;
                    float dx = ry_act_d(act, n)[b];
                    int32_t sum = 0, min_sum = 0;
                    for (int k = 0; k < 16; k++) {
                        sum += u.sc[k] * dot(u.q + 16 * k, x + 16 * k, 16);
                        min_sum += u.mins[k] * sums[k];
                    }
                    acc[t] = fmaf(u.d * dx, (float)sum, acc[t]);
                    if (minima)
                        acc[t] = fmaf(-(u.dmin * dx), (float)min_sum, acc[t]);
                }
            }
            for (size_t t = 0; t < nt; t++)
                j->y[(t0 + t) * j->ldy + (r - j->row0)] = acc[t];
        }
}

/* Uniform (I2_S always): the sum of code * q over the whole row, modulo 2^32 (exact for every real shape), then
 *   y = (scale * inv_s) * (float)sum.
 * Else blocks in order, from acc = +0: acc = fmaf(d, (float)block sum, acc), then y = acc * inv_s. */
static void rows_ternary(const struct job *j)
{
    ry_unpack_fn unpack = ry_fmt_unpacker(j->w->fmt);
    const struct ry_fmt_info *info = ry_fmt_info(j->w->fmt);
    bool uniform = j->w->uniform || j->w->fmt == RY_FMT_I2_S;
    size_t n_blocks = j->w->n_cols / info->block_elems;
    struct ry_unpacked u;
    for (size_t r = j->row0; r < j->row1; r++)
        for (size_t t0 = 0; t0 < j->n_tok; t0 += TILE) {
            size_t nt = j->n_tok - t0 < TILE ? j->n_tok - t0 : TILE;
            float acc[TILE] = {0};
            uint32_t total[TILE] = {0};
            for (size_t b = 0; b < n_blocks; b++) {
                unpack(&u, row_of(j->w, r) + b * info->block_bytes);
                for (size_t t = 0; t < nt; t++) {
                    const char *act = j->act + (t0 + t) * j->act_stride;
                    int32_t sum =
                        dot(u.q, ry_act_q8_t(act) + b * info->block_elems, info->block_elems);
                    total[t] += (uint32_t)sum;
                    acc[t] = fmaf(u.d, (float)sum, acc[t]);
                }
            }
            for (size_t t = 0; t < nt; t++) {
                float inv_s = *(const float *)(j->act + (t0 + t) * j->act_stride);
                j->y[(t0 + t) * j->ldy + (r - j->row0)] =
                    uniform ? (j->w->scale * inv_s) * (float)(int32_t)total[t] : acc[t] * inv_s;
            }
        }
}

/* ---- slots ------------------------------------------------------------------------------------------- */

static void rows(const struct job *j)
{
    switch (ry_fmt_info(j->w->fmt)->act) {
    case RY_ACT_F32:
        rows_float(j);
        return;
    case RY_ACT_Q8_T:
        rows_ternary(j);
        return;
    case RY_ACT_Q8_32:
        rows_q8_32(j);
        return;
    default:
        rows_q8_256(j);
    }
}

static void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                   size_t prefetch)
{
    (void)prefetch;
    rows(&(struct job){y, 0, w, row0, row1, act, 0, 1});
}

static void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                   const void *act, size_t act_stride, size_t n_tok)
{
    rows(&(struct job){y, ldy, w, row0, row1, act, act_stride, n_tok});
}

/* I2_S: code * scale; all others carry their scales in the blocks. */
static void decode_row(float *dst, const struct ry_wmat *w, size_t row)
{
    ry_fmt_info(w->fmt)->decode(dst, row_of(w, row), w->n_cols);
    if (w->fmt == RY_FMT_I2_S)
        for (size_t i = 0; i < w->n_cols; i++)
            dst[i] *= w->scale;
}

void ry_kern_init_scalar(struct ry_kern *k)
{
    k->tier = RY_TIER_SCALAR;
    k->quantize[RY_ACT_F32] = quantize_f32;
    k->quantize[RY_ACT_Q8_T] = quantize_q8_t;
    k->quantize[RY_ACT_Q8_32] = quantize_q8_32;
    k->quantize[RY_ACT_Q8_256] = quantize_q8_256;
    for (int fmt = 0; fmt < RY_FMT_COUNT; fmt++) {
        k->matvec[fmt] = matvec;
        k->matmul[fmt] = matmul;
    }
    for (int fmt = RY_FMT_Q4_0_X16; fmt <= RY_FMT_MXFP4_X16; fmt++) {
        k->matvec[fmt] = matvec;
        k->matmul[fmt] = matmul;
    }
    k->decode_row = decode_row;
    ry_kern_init_scalar_ops(k);
    ry_kern_init_scalar_attn(k);
    ry_kern_init_scalar_t2(k);
    ry_kern_init_scalar_screen(k);
}
