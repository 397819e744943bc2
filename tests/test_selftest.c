/* The self-test of kernel tables: sound ones pass, one bit wrong in any slot is found and named, and a refused tier is
 * refused everywhere with the reason. */
#include "ryot_test.h"

#include "engine/kern/selftest.h"

/* Scalar's slots, one bit of each result turned: what a broken unit might do. */
static const struct ry_kern *sound(void)
{
    return ry_kern_get(RY_TIER_SCALAR);
}

static void turn(void *p)
{
    *(unsigned char *)p ^= 1;
}

static void bad_quantize_q8_t(void *dst, const float *x, size_t n)
{
    sound()->quantize[RY_ACT_Q8_T](dst, x, n);
    turn((char *)dst + 64 + n - 1);
}

static void bad_matvec_q4_k(float *y, const struct ry_wmat *w, size_t row0, size_t row1,
                            const void *act, size_t prefetch)
{
    sound()->matvec[RY_FMT_Q4_K](y, w, row0, row1, act, prefetch);
    turn(y + (row1 - row0) - 1);
}

static void bad_matmul_t2(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                          const void *act, size_t act_stride, size_t n_tok)
{
    sound()->matmul[RY_FMT_T2_X16](y, ldy, w, row0, row1, act, act_stride, n_tok);
    turn(y + (n_tok - 1) * ldy);
}

/* Scales of the blocks are left out: seen in matrices of unlike scales only. */
static void bad_matvec_tq2_0(float *y, const struct ry_wmat *w, size_t row0, size_t row1,
                             const void *act, size_t prefetch)
{
    struct ry_wmat uniform = *w;
    uniform.uniform = true;
    sound()->matvec[RY_FMT_TQ2_0](y, &uniform, row0, row1, act, prefetch);
}

static void bad_rmsnorm(float *y, const float *x, const float *w, size_t n, float eps)
{
    sound()->rmsnorm(y, x, w, n, eps);
    turn(y + n - 1);
}

static void bad_rope_halves(float *x, const float *cs, size_t n_rot)
{
    sound()->rope_halves(x, cs, n_rot);
    turn(x + n_rot - 1);
}

static float bad_exp_sum(float *x, size_t n, float m)
{
    float sum = sound()->exp_sum(x, n, m);
    turn(&sum);
    return sum;
}

/* One float too many. */
static void bad_silu_mul(float *y, const float *gate, const float *up, size_t n)
{
    sound()->silu_mul(y, gate, up, n);
    y[n] = 0;
}

static void bad_attn_mac_f16(float *y, size_t ldy, const float *a, size_t lda,
                             const struct ry_attn_mat *b, size_t n_rows)
{
    sound()->attn_mac[RY_KV_ELEM_F16](y, ldy, a, lda, b, n_rows);
    turn(y + (n_rows - 1) * ldy + b->n_cols - 1);
}

static void bad_attn_mac_q8(int32_t *y, size_t ldy, const int8_t *a, size_t lda,
                            const struct ry_attn_mat *b, size_t n_rows)
{
    sound()->attn_mac_q8(y, ldy, a, lda, b, n_rows);
    turn(y);
}

static void bad_f16_store(uint16_t *dst, const float *src, size_t n)
{
    sound()->f16_store(dst, src, n);
    turn(dst + n - 1);
}

static void bad_decode_row(float *dst, const struct ry_wmat *w, size_t row)
{
    sound()->decode_row(dst, w, row);
    turn(dst + w->n_cols - 1);
}

/* `k` is scalar's table with one bad slot; the fault must carry that slot's name, and sound tables beside it none. */
static void must_be_found(const struct ry_kern *k, const char *name)
{
    struct ry_kern copy = *k;
    const struct ry_kern *tables[] = {sound(), k, &copy, ry_kern_get(ry_tier_best())};
    struct ry_selftest_fault faults[4];
    ry_selftest(sound(), tables, 4, faults);
    ck_assert_str_eq(faults[0].slot, "");
    ck_assert_str_eq(faults[1].slot, name);
    ck_assert_str_eq(faults[2].slot, name);
    ck_assert_str_eq(faults[3].slot, "");
}

#define MUST_FIND(member, bad, name)                                                               \
    do {                                                                                           \
        struct ry_kern k = *sound();                                                               \
        k.member = bad;                                                                            \
        must_be_found(&k, name);                                                                   \
    } while (0)

START_TEST(one_wrong_bit_in_a_slot_is_found_and_named)
{
    MUST_FIND(quantize[RY_ACT_Q8_T], bad_quantize_q8_t, "quantize Q8_T");
    MUST_FIND(matvec[RY_FMT_Q4_K], bad_matvec_q4_k, "matvec Q4_K");
    MUST_FIND(matmul[RY_FMT_T2_X16], bad_matmul_t2, "matmul T2 x16");
    MUST_FIND(matvec[RY_FMT_TQ2_0], bad_matvec_tq2_0, "matvec TQ2_0");
    MUST_FIND(rmsnorm, bad_rmsnorm, "rmsnorm");
    MUST_FIND(rope_halves, bad_rope_halves, "rope_halves");
    MUST_FIND(exp_sum, bad_exp_sum, "exp_sum");
    MUST_FIND(silu_mul, bad_silu_mul, "silu_mul");
    MUST_FIND(attn_mac[RY_KV_ELEM_F16], bad_attn_mac_f16, "attn_mac F16");
    MUST_FIND(attn_mac_q8, bad_attn_mac_q8, "attn_mac_q8");
    MUST_FIND(f16_store, bad_f16_store, "f16_store");
    MUST_FIND(decode_row, bad_decode_row, "decode_row F32");
}
END_TEST

static void bad_matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                       size_t prefetch)
{
    sound()->matvec[w->fmt](y, w, row0, row1, act, prefetch);
    turn(y);
}

static void bad_matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                       const void *act, size_t act_stride, size_t n_tok)
{
    sound()->matmul[w->fmt](y, ldy, w, row0, row1, act, act_stride, n_tok);
    turn(y);
}

START_TEST(every_format_is_looked_at)
{
    for (int fmt = 0; fmt < RY_FMT_SLOTS; fmt++) {
        char name[64];
        if (fmt == RY_FMT_COUNT)
            continue;
        snprintf(name, sizeof name, "matvec %s", ry_fmt_info((enum ry_fmt)fmt)->name);
        MUST_FIND(matvec[fmt], bad_matvec, name);
        snprintf(name, sizeof name, "matmul %s", ry_fmt_info((enum ry_fmt)fmt)->name);
        MUST_FIND(matmul[fmt], bad_matmul, name);
    }
}
END_TEST

START_TEST(the_tiers_of_this_machine_pass)
{
    for (int t = 0; t < RY_TIER_COUNT; t++)
        ck_assert_str_eq(ry_tier_failed((enum ry_tier)t), "");
}
END_TEST

START_TEST(a_refused_tier_is_refused_everywhere_with_the_reason)
{
    enum ry_tier best = ry_tier_best(), tier = RY_TIER_COUNT;
    ry_err err;
    if (best == RY_TIER_SCALAR) {
        printf("SKIPPED: this machine has no tier that could be refused\n");
        return;
    }
    ry_tier_refuse(best, "matmul Q4_K");
    ck_assert(!ry_tier_usable(best));
    ck_assert_int_ne(ry_tier_best(), best);
    ck_assert_str_eq(ry_tier_failed(best), "matmul Q4_K");
    ck_assert_int_eq(ry_kern_get(best)->tier, RY_TIER_SCALAR);
    ck_assert_int_eq(ry_tier_parse(ry_tier_name(best), &tier, &err), RY_ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "other bits"));
    ck_assert_ptr_nonnull(strstr(err.text, "matmul Q4_K"));
    ck_assert_int_eq(ry_tier_parse("auto", &tier, &err), RY_OK);
    ck_assert_int_ne(tier, best);
    ry_tier_refuse(best, NULL);
    ck_assert(ry_tier_usable(best));
    ck_assert_int_eq(ry_tier_best(), best);
}
END_TEST

static Suite *selftest_suite(void)
{
    Suite *suite = suite_create("selftest");
    TCase *tc = tcase_create("selftest");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, the_tiers_of_this_machine_pass);
    tcase_add_test(tc, one_wrong_bit_in_a_slot_is_found_and_named);
    tcase_add_test(tc, every_format_is_looked_at);
    tcase_add_test(tc, a_refused_tier_is_refused_everywhere_with_the_reason);
    suite_add_tcase(suite, tc);
    return suite;
}

RY_TEST_MAIN(selftest_suite);
