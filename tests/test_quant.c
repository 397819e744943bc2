/* Formats: the table, sizes, half precision, every layout from bytes written by hand, encoders, and how far the
 * polynomials and the quantised products are from double precision. */
#include "ryot_test.h"

#include <math.h>
#include <stdint.h>

#include "engine/kern/kern.h"
#include "engine/quant.h"
#include "src/base/mem.h"

static uint64_t state = 99;

static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)state * 0x1p-63;
}

/* ---- table and sizes --------------------------------------------------------------------------------- */

START_TEST(table_is_whole)
{
    for (int i = 0; i < RY_FMT_COUNT; i++) {
        const struct ry_fmt_info *info = ry_fmt_info((enum ry_fmt)i);
        enum ry_fmt back;
        char buf[32];
        ck_assert(ry_fmt_from_ggml(info->ggml_type, &back));
        ck_assert_int_eq(back, i);
        ck_assert_str_eq(ry_fmt_ggml_name(info->ggml_type, buf), info->name);
        ck_assert(info->decode && info->block_elems && info->block_bytes && info->source[0]);
        ck_assert_uint_eq(ry_fmt_row_bytes((enum ry_fmt)i, 2u * info->block_elems),
                          2u * info->block_bytes);
    }
}
END_TEST

START_TEST(names_of_types_that_are_not_read)
{
    char buf[32];
    enum ry_fmt fmt = RY_FMT_Q4_K;
    ck_assert_str_eq(ry_fmt_ggml_name(9, buf), "Q8_1");
    ck_assert_str_eq(ry_fmt_ggml_name(4, buf), "removed (4)");
    ck_assert_str_eq(ry_fmt_ggml_name(77, buf), "unknown (77)");
    ck_assert_str_eq(ry_fmt_ggml_name(UINT32_MAX, buf), "unknown (4294967295)");
    ck_assert(!ry_fmt_from_ggml(9, &fmt));
    ck_assert_int_eq(fmt, RY_FMT_Q4_K);
}
END_TEST

START_TEST(tensor_bytes_refuse_overflow)
{
    uint64_t n = 7;
    ck_assert(ry_fmt_tensor_bytes(RY_FMT_Q4_0, 64, 3, &n));
    ck_assert_uint_eq(n, 3 * 2 * 18);
    ck_assert(ry_fmt_tensor_bytes(RY_FMT_I2_S, 256, 3, &n));
    ck_assert_uint_eq(n, 3 * 64 + 32);
    ck_assert(ry_fmt_tensor_bytes(RY_FMT_F32, 0, 5, &n));
    ck_assert_uint_eq(n, 0);
    ck_assert(!ry_fmt_tensor_bytes(RY_FMT_Q4_0, 33, 1, &n));
    ck_assert(!ry_fmt_tensor_bytes(RY_FMT_F32, UINT64_MAX, 1, &n));
    ck_assert(!ry_fmt_tensor_bytes(RY_FMT_F32, 1ull << 40, 1ull << 40, &n));
    ck_assert(!ry_fmt_tensor_bytes(RY_FMT_I2_S, 1ull << 40, 1ull << 26, &n));
    ck_assert_uint_eq(n, 0);
}
END_TEST

/* ---- half precision ---------------------------------------------------------------------------------- */

static double half_value(unsigned h)
{
    int exp = h >> 10 & 31, man = h & 0x3ff;
    double v = exp == 0    ? ldexp(man, -24)
               : exp == 31 ? (man ? (double)NAN : (double)INFINITY)
                           : ldexp(1024 + man, exp - 25);
    return h & 0x8000 ? -v : v;
}

START_TEST(every_half_survives_and_midpoints_go_to_even)
{
    for (unsigned h = 0; h < 65536; h++) {
        float f = ry_f16_to_f32((uint16_t)h);
        double v = half_value(h);
        if (isnan(v)) {
            ck_assert(isnan(f) && isnan(ry_f16_to_f32(ry_f32_to_f16(f))));
            continue;
        }
        ck_assert((double)f == v && (signbit(f) != 0) == (h >> 15 != 0));
        ck_assert_uint_eq(ry_f32_to_f16(f), h);
    }
    for (unsigned h = 0; h < 0x7bff; h++) {
        float mid = (float)((half_value(h) + half_value(h + 1)) / 2);
        ck_assert_uint_eq(ry_f32_to_f16(mid), h + (h & 1));
        ck_assert_uint_eq(ry_f32_to_f16(nextafterf(mid, 0.0f)), h);
        ck_assert_uint_eq(ry_f32_to_f16(-nextafterf(mid, INFINITY)), (h + 1) | 0x8000);
    }
    ck_assert_uint_eq(ry_f32_to_f16(65519.9f), 0x7bff);
    ck_assert_uint_eq(ry_f32_to_f16(65520.0f), 0x7c00);
    ck_assert_uint_eq(ry_f32_to_f16(-INFINITY), 0xfc00);
    ck_assert(isnan(ry_bf16_to_f32(0x7fc0)));
    ck_assert(ry_bf16_to_f32(0xc040) == -3.0f);
}
END_TEST

/* ---- layouts ----------------------------------------------------------------------------------------- */

static float weights[256];

static void decode(enum ry_fmt fmt, const uint8_t *block)
{
    ry_fmt_info(fmt)->decode(weights, block, ry_fmt_info(fmt)->block_elems);
}

static void is(int i, double want)
{
    ck_assert_msg((double)weights[i] == want, "weight %d is %g, not %g", i, (double)weights[i],
                  want);
}

enum { ONE_LO = 0x00, ONE_HI = 0x3c, TWO_HI = 0x40 }; /* 1.0 and 2.0 as halves */

START_TEST(blocks_of_32_read_as_written)
{
    uint8_t b[64] = {ONE_LO, TWO_HI};
    b[2 + 3] = 0xf1; /* w[3] = 1 - 8, w[19] = 15 - 8, times 2 */
    decode(RY_FMT_Q4_0, b);
    is(3, -14), is(19, 14), is(0, -16);
    decode(RY_FMT_IQ4_NL, b);
    is(3, -208), is(19, 226), is(0, -254);

    uint8_t b1[64] = {ONE_LO, TWO_HI, ONE_LO, ONE_HI};
    b1[4 + 15] = 0x2e;
    decode(RY_FMT_Q4_1, b1);
    is(15, 29), is(31, 5), is(0, 1);

    uint8_t b2[64] = {ONE_LO, ONE_HI, 0x08, 0, 0x01, 0};
    b2[6 + 3] = 0x02; /* w[3] = 2 + 16 - 16; w[16] has its fifth bit */
    decode(RY_FMT_Q5_0, b2);
    is(3, 2), is(16, 0), is(0, -16);

    uint8_t b3[64] = {ONE_LO, ONE_HI, ONE_LO, TWO_HI, 0, 0, 0, 0x80};
    b3[8 + 15] = 0x90;
    decode(RY_FMT_Q5_1, b3);
    is(31, 27), is(15, 2);

    uint8_t b4[64] = {ONE_LO, TWO_HI};
    b4[2] = 0x80, b4[2 + 31] = 0x7f;
    decode(RY_FMT_Q8_0, b4);
    is(0, -256), is(31, 254);

    uint8_t b5[64] = {128}; /* 2^1 */
    b5[1 + 5] = 0xf7, b5[1] = 0x1a;
    decode(RY_FMT_MXFP4, b5);
    is(5, 12), is(21, -12), is(0, -2), is(16, 1);
    b5[0] = 0;
    decode(RY_FMT_MXFP4, b5);
    is(5, 6 * 0x1p-127), is(16, 0x1p-128);
    b5[0] = 255;
    decode(RY_FMT_MXFP4, b5);
    ck_assert(isnan(weights[5]));
}
END_TEST

START_TEST(blocks_of_256_read_as_written)
{
    uint8_t q2[84] = {0};
    q2[80 + 1] = TWO_HI, q2[82 + 1] = ONE_HI;
    q2[9] = 0x53;            /* sub-block 9: weights 144..159, scale 3, minimum 5 */
    q2[16 + 32 + 17] = 0x08; /* second half, byte 17, shift 2: weight 128 + 32 + 17 = 177, code 2 */
    q2[16 + 32 + 16] = 0x03; /* byte 16, shift 0: weight 144, code 3 */
    q2[11] = 0x01;
    decode(RY_FMT_Q2_K, q2);
    is(144, 2 * 3 * 3 - 5), is(145, -5), is(177, 2 * 2), is(0, 0);

    uint8_t q3[110] = {0};
    q3[108 + 1] = ONE_HI;
    q3[96 + 2] = 0x50;      /* low nibble of scale 10: 5 */
    q3[96 + 8 + 2] = 0x20;  /* bits 4..5: its high bits, 2: 5 + 32 - 32 */
    q3[5] = 0x20;           /* hmask bit 5: weight 165 has no -4 */
    q3[32 + 32 + 5] = 0x04; /* weight 128 + 32 + 5, code 1 */
    decode(RY_FMT_Q3_K, q3);
    is(165, 5 * 1), is(166, 5 * -4), is(0, -32 * -4);

    uint8_t q4[144] = {0, TWO_HI, 0, ONE_HI};
    q4[4 + 1] = 0xc7;       /* scale 1 is 7, top bits of scale 5 are 3 */
    q4[4 + 5] = 0x42;       /* minimum 1 is 2, top bits of minimum 5 are 1 */
    q4[4 + 9] = 0x31;       /* scale 5: 1 + 48, minimum 5: 3 + 16 */
    q4[16 + 3] = 0xa0;      /* high nibble: sub-block 1, weight 35, code 10 */
    q4[16 + 64 + 3] = 0x50; /* sub-block 5, weight 163, code 5 */
    decode(RY_FMT_Q4_K, q4);
    is(35, 2 * 7 * 10 - 2), is(163, 2 * 49 * 5 - 19), is(0, 0);

    uint8_t q5[176] = {0, TWO_HI, 0, ONE_HI};
    memcpy(q5 + 4, q4 + 4, 12);
    q5[16 + 3] = 0x22; /* fifth bits of sub-blocks 1 and 5 */
    memcpy(q5 + 48, q4 + 16, 128);
    decode(RY_FMT_Q5_K, q5);
    is(35, 2 * 7 * 26 - 2), is(163, 2 * 49 * 21 - 19);

    uint8_t q6[210] = {0};
    q6[208 + 1] = ONE_HI;
    q6[192 + 8 + 7] = 0xfd;   /* weights 240..255 of scale -3 */
    q6[64 + 32 + 20] = 0x90;  /* second half, group 3, l 20: weight 128 + 96 + 20 = 244, low 9 */
    q6[128 + 32 + 20] = 0x80; /* bits 6..7: 2 */
    decode(RY_FMT_Q6_K, q6);
    is(244, (41 - 32) * -3), is(245, -32 * -3), is(0, 0);
}
END_TEST

START_TEST(ternary_blocks_read_as_written)
{
    uint8_t t2[66] = {0};
    t2[64 + 1] = TWO_HI;
    t2[32 + 4] = 0x60; /* shifts 4 and 6: 2 and 1 */
    decode(RY_FMT_TQ2_0, t2);
    is(128 + 64 + 4, 2), is(128 + 96 + 4, 0), is(0, -2);

    uint8_t i2[32] = {0};
    i2[4] = 0x60; /* bits 6..7 are the first 32: 1; bits 4..5 the second: 2 */
    decode(RY_FMT_I2_S, i2);
    is(4, 0), is(36, 1), is(68, -1);

    uint8_t t1[54] = {0};
    t1[52 + 1] = TWO_HI;
    t1[7] = (uint8_t)(((2 * 81 + 0 * 27 + 1 * 9 + 2 * 3 + 1) * 256 + 242) / 243);
    t1[32 + 9] = (uint8_t)(((0 * 81 + 2 * 27 + 1 * 9 + 0 * 3 + 2) * 256 + 242) / 243);
    t1[48 + 2] = (uint8_t)(((1 * 81 + 2 * 27 + 2 * 9 + 1 * 3) * 256 + 242) / 243);
    decode(RY_FMT_TQ1_0, t1);
    is(7, 2), is(39, -2), is(71, 0), is(103, 2), is(135, 0);
    is(169, -2), is(185, 2), is(201, 0), is(217, -2), is(233, 2);
    is(242, 0), is(246, 2), is(250, 2), is(254, 0), is(0, -2);
}
END_TEST

/* ---- encoders ---------------------------------------------------------------------------------------- */

/* Largest error of a uniform block over its largest weight, from the width of a step. */
static const double bounds[RY_FMT_COUNT] = {
    [RY_FMT_F32] = 0,      [RY_FMT_F16] = 0.0005,  [RY_FMT_BF16] = 0.004, [RY_FMT_Q4_0] = 0.13,
    [RY_FMT_Q4_1] = 0.07,  [RY_FMT_Q5_0] = 0.07,   [RY_FMT_Q5_1] = 0.035, [RY_FMT_Q8_0] = 0.005,
    [RY_FMT_Q2_K] = 0.45,  [RY_FMT_Q3_K] = 0.27,   [RY_FMT_Q4_K] = 0.1,   [RY_FMT_Q5_K] = 0.06,
    [RY_FMT_Q6_K] = 0.04,  [RY_FMT_IQ4_NL] = 0.13, [RY_FMT_MXFP4] = 0.26, [RY_FMT_TQ1_0] = 0.51,
    [RY_FMT_TQ2_0] = 0.51,
};

START_TEST(encoders_stay_within_half_a_step)
{
    enum ry_fmt fmt = (enum ry_fmt)_i;
    uint8_t block[256 * 4];
    float x[256], y[256];
    if (fmt == RY_FMT_I2_S)
        return;
    for (int run = 0; run < 50; run++) {
        double top = 0, err = 0;
        for (int i = 0; i < 256; i++) {
            x[i] = (float)uniform();
            top = fmax(top, fabs((double)x[i]));
        }
        ry_fmt_encode(fmt, block, x, 256);
        ry_fmt_info(fmt)->decode(y, block, 256);
        for (int i = 0; i < 256; i++)
            err = fmax(err, fabs((double)x[i] - (double)y[i]));
        ck_assert_msg(err <= bounds[fmt] * top, "%s: error %g of %g", ry_fmt_info(fmt)->name, err,
                      top);
    }
    memset(x, 0, sizeof x);
    ry_fmt_encode(fmt, block, x, 256);
    ry_fmt_info(fmt)->decode(y, block, 256);
    for (int i = 0; i < 256; i++)
        ck_assert(y[i] == 0.0f);
}
END_TEST

/* Ternary weights come back exactly, whichever trits stand together in a byte. */
START_TEST(trits_survive)
{
    static const enum ry_fmt fmts[] = {RY_FMT_TQ1_0, RY_FMT_TQ2_0, RY_FMT_I2_S};
    for (int run = 0; run < 200; run++)
        for (int f = 0; f < 3; f++) {
            uint8_t block[66];
            float x[256], y[256];
            for (int i = 0; i < 256; i++)
                x[i] = (float)lrint(1.4 * uniform());
            x[0] = x[128] = 1.0f;
            ry_fmt_encode(fmts[f], block, x, 256);
            ry_fmt_info(fmts[f])->decode(y, block, 256);
            ck_assert_mem_eq(x, y, sizeof x);
        }
}
END_TEST

/* ---- accuracy ---------------------------------------------------------------------------------------- */

static double ulps(float got, double want)
{
    float f = (float)want;
    double ulp = (double)(nextafterf(fabsf(f), INFINITY) - fabsf(f));
    return fabs((double)got - want) / ulp;
}

START_TEST(exp_and_tanh_are_within_two_ulps)
{
    double worst_exp = 0, worst_tanh = 0;
    for (float x = -87.3f; x < 88.3f; x += 0.00071f) {
        worst_exp = fmax(worst_exp, ulps(ry_kern_expf(x), exp((double)x)));
        float t = x * 0.12f;
        worst_tanh = fmax(worst_tanh, ulps(ry_kern_tanhf(t), tanh((double)t)));
    }
    printf("worst error: exp %.3f ulp, tanh %.3f ulp\n", worst_exp, worst_tanh);
    ck_assert(worst_exp <= 2.0 && worst_tanh <= 2.0);
    ck_assert(ry_kern_expf(0.0f) == 1.0f);
    ck_assert(ry_kern_expf(-88.0f) == 0.0f && ry_kern_expf(-INFINITY) == 0.0f);
    ck_assert(ry_kern_expf(1000.0f) == ry_kern_expf(88.37626f) && isfinite(ry_kern_expf(INFINITY)));
    ck_assert(isnan(ry_kern_expf(NAN)) && isnan(ry_kern_tanhf(NAN)));
    ck_assert(ry_kern_tanhf(50.0f) == 1.0f && ry_kern_tanhf(-INFINITY) == -1.0f);
}
END_TEST

START_TEST(activation_functions_are_close_to_double)
{
    const struct ry_kern *k = ry_kern_get(RY_TIER_SCALAR);
    for (float x = -30.0f; x < 30.0f; x += 0.013f) {
        float one = 1.0f, y;
        double d = (double)x;
        k->silu_mul(&y, &x, &one, 1);
        ck_assert_double_eq_tol((double)y, d / (1 + exp(-d)), 3e-7 * fmax(1e-3, fabs(d)));
        k->gelu_mul(&y, &x, &one, 1);
        double u = 0.7978845608028654 * (d + 0.044715 * d * d * d);
        ck_assert_double_eq_tol((double)y, 0.5 * d * (1 + tanh(u)), 1e-6 * fmax(1e-3, fabs(d)));
        k->relu2_mul(&y, &x, &one, 1);
        ck_assert(y == (x > 0 ? x * x : 0.0f));
    }
    float scores[5] = {1.0f, -INFINITY, 3.0f, 2.0f, -200.0f}, none[2] = {-INFINITY, -INFINITY};
    k->softmax(scores, 5);
    ck_assert(scores[1] == 0.0f && scores[4] == 0.0f);
    ck_assert_double_eq_tol((double)scores[2], exp(3) / (exp(1) + exp(3) + exp(2)), 1e-7);
    k->softmax(none, 2);
    ck_assert(none[0] == 0.0f && none[1] == 0.0f);
}
END_TEST

/* y = W x against double precision from the decoded weights: float formats to rounding, others to what 8-bit
 * activations cost. */
START_TEST(products_are_close_to_double)
{
    enum { N = 768, ROWS = 20 };
    enum ry_fmt fmt = (enum ry_fmt)_i;
    const struct ry_fmt_info *info = ry_fmt_info(fmt);
    size_t row = ry_fmt_row_bytes(fmt, N);
    uint8_t *data = ry_mem_alloc(ROWS, row);
    char *act = ry_mem_aligned(64, 1, ry_act_bytes(info->act, N));
    struct ry_wmat w = {data, ROWS, N, row, fmt, 0.5f, false};
    static float x[N], d[N], y[ROWS];
    ck_assert(data && act);
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < N; i++)
            d[i] = (float)uniform();
        ry_fmt_encode(fmt, data + (size_t)r * row, d, N);
    }
    for (int i = 0; i < N; i++)
        x[i] = (float)uniform();
    const struct ry_kern *k = ry_kern_get(RY_TIER_SCALAR);
    k->quantize[info->act](act, x, N);
    k->matvec[fmt](y, &w, 0, ROWS, act, 0);
    double err = 0, all = 0;
    for (size_t r = 0; r < ROWS; r++) {
        double want = 0;
        k->decode_row(d, &w, r);
        for (int i = 0; i < N; i++)
            want += (double)d[i] * (double)x[i];
        err += ((double)y[r] - want) * ((double)y[r] - want);
        all += want * want;
    }
    ck_assert_msg(sqrt(err / all) < (info->act == RY_ACT_F32 ? 1e-6 : 0.02), "%s: %g", info->name,
                  sqrt(err / all));
    ry_mem_free(act);
    ry_mem_free(data);
}
END_TEST

/* A NaN or infinity in the activations is not swallowed by the 8-bit formats. */
START_TEST(what_is_not_finite_reaches_the_result)
{
    const struct ry_kern *k = ry_kern_get(ry_tier_best());
    for (int fmt = 0; fmt < RY_FMT_COUNT; fmt++)
        for (int bad = 0; bad < 2; bad++) {
            enum ry_act_fmt af = ry_fmt_info((enum ry_fmt)fmt)->act;
            static float x[256], y;
            static uint8_t data[1024];
            static _Alignas(64) char act[2048];
            for (int i = 0; i < 256; i++)
                x[i] = 1.0f;
            ry_fmt_encode((enum ry_fmt)fmt, data, x, 256);
            x[77] = bad ? INFINITY : NAN;
            struct ry_wmat w = {
                data, 1,   256, ry_fmt_row_bytes((enum ry_fmt)fmt, 256), (enum ry_fmt)fmt,
                1.0f, true};
            k->quantize[af](act, x, 256);
            k->matvec[fmt](&y, &w, 0, 1, act, 0);
            ck_assert_msg(!isfinite(y), "%s: %g", ry_fmt_info((enum ry_fmt)fmt)->name, (double)y);
        }
}
END_TEST

static Suite *quant_suite(void)
{
    Suite *suite = suite_create("quant");
    TCase *tc = tcase_create("formats");
    tcase_add_test(tc, table_is_whole);
    tcase_add_test(tc, names_of_types_that_are_not_read);
    tcase_add_test(tc, tensor_bytes_refuse_overflow);
    tcase_add_test(tc, every_half_survives_and_midpoints_go_to_even);
    tcase_add_test(tc, blocks_of_32_read_as_written);
    tcase_add_test(tc, blocks_of_256_read_as_written);
    tcase_add_test(tc, ternary_blocks_read_as_written);
    tcase_add_loop_test(tc, encoders_stay_within_half_a_step, 0, RY_FMT_COUNT);
    tcase_add_test(tc, trits_survive);
    suite_add_tcase(suite, tc);
    tc = tcase_create("accuracy");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, exp_and_tanh_are_within_two_ulps);
    tcase_add_test(tc, activation_functions_are_close_to_double);
    tcase_add_loop_test(tc, products_are_close_to_double, 0, RY_FMT_COUNT);
    tcase_add_test(tc, what_is_not_finite_reaches_the_result);
    suite_add_tcase(suite, tc);
    return suite;
}

RY_TEST_MAIN(quant_suite);
