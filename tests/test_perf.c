/* Live figures: percentiles against a sorted list, the rate window, the sparkline, the verdict. */
#include "ryot_test.h"

#include "src/app/perf.h"

static const uint64_t s_ns = 1000000000u, ms_ns = 1000000u;

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(percentiles_are_at_most_a_sixteenth_high)
{
    enum { N = 5000 };
    static uint64_t v[N];
    static struct ry_histogram h;
    unsigned seed = (unsigned)_i + 1;
    fprintf(stderr, "seed %u\n", seed);
    srand(seed);
    memset(&h, 0, sizeof h);
    ck_assert_uint_eq(ry_histogram_percentile(&h, 0.5), 0);
    for (size_t i = 0; i < N; i++) {
        v[i] = (uint64_t)rand() >> (rand() % 31);
        ry_histogram_add(&h, v[i]);
    }
    qsort(v, N, sizeof *v, by_value);
    static const double shares[] = {0.01, 0.5, 0.95, 0.99, 1.0};
    for (size_t i = 0; i < 5; i++) {
        uint64_t want = v[(size_t)(shares[i] * N + 0.9999) - 1];
        uint64_t got = ry_histogram_percentile(&h, shares[i]);
        ck_assert_msg(got >= want && got <= want + want / 16 + 1, "p%g: %llu for %llu",
                      shares[i] * 100, (unsigned long long)got, (unsigned long long)want);
    }
}
END_TEST

START_TEST(the_largest_values_stay_in_range)
{
    static struct ry_histogram h;
    ry_histogram_add(&h, UINT64_MAX);
    ry_histogram_add(&h, 0);
    ck_assert_uint_eq(ry_histogram_percentile(&h, 0.5), 0);
    ck_assert_uint_eq(ry_histogram_percentile(&h, 1.0), UINT64_MAX);
}
END_TEST

START_TEST(the_rate_is_that_of_the_last_second)
{
    struct ry_rate r = {0};
    uint64_t t = 5 * s_ns;
    ry_rate_begin(&r, t);
    ck_assert_double_eq(ry_rate_now(&r, t), 0);
    for (int i = 0; i < 60; i++) /* two seconds at 30 events of 4 tokens */
        ry_rate_add(&r, t += 33 * ms_ns, 4);
    ck_assert_double_eq_tol(ry_rate_now(&r, t), 4 / 0.033, 4);
    ck_assert_double_eq(ry_rate_now(&r, t + 2 * s_ns), 0);
}
END_TEST

START_TEST(a_young_answer_is_not_divided_by_a_whole_second)
{
    struct ry_rate r = {0};
    ry_rate_begin(&r, s_ns);
    ry_rate_add(&r, s_ns + 100 * ms_ns, 10);
    ck_assert_double_eq_tol(ry_rate_now(&r, s_ns + 100 * ms_ns), 100, 0.001);
}
END_TEST

START_TEST(the_sparkline_has_a_value_a_second_and_keeps_a_minute)
{
    struct ry_rate r = {0};
    uint64_t t = s_ns;
    ry_rate_begin(&r, t);
    for (int sec = 0; sec < 70; sec++) {
        for (int i = 0; i < 10; i++)
            ry_rate_add(&r, t + (uint64_t)i * 100 * ms_ns, (uint32_t)sec);
        if (sec == 69)
            ry_rate_mark(&r, "scalar");
        t += s_ns;
    }
    ry_rate_tick(&r, t);
    ck_assert_uint_eq(r.n_spark, RY_RATE_SECONDS);
    ck_assert_float_eq(r.spark[0], 100.0f); /* second 10 */
    ck_assert_float_eq(r.spark[RY_RATE_SECONDS - 1], 690.0f);
    ck_assert_str_eq(r.marks[RY_RATE_SECONDS - 1], "scalar");
    ck_assert_str_eq(r.marks[RY_RATE_SECONDS - 2], "");
    ry_rate_end(&r, t);
    ry_rate_tick(&r, t + 10 * s_ns); /* idle seconds are no zeros */
    ck_assert_float_eq(r.spark[RY_RATE_SECONDS - 1], 690.0f);
}
END_TEST

START_TEST(a_short_answer_leaves_its_rate)
{
    struct ry_rate r = {0};
    ry_rate_begin(&r, s_ns);
    ry_rate_add(&r, s_ns + 200 * ms_ns, 50);
    ry_rate_end(&r, s_ns + 500 * ms_ns);
    ck_assert_uint_eq(r.n_spark, 1);
    ck_assert_float_eq(r.spark[0], 100.0f);
}
END_TEST

START_TEST(the_verdict_follows_the_counters)
{
    struct ry_perf p = {.decode_ns = s_ns, .n_decode = 100};
    struct ry_read_limit none = {0}, limit = {0};
    ck_assert_ptr_null(ry_perf_verdict(&p, 1, &none));
    ry_read_limit_set(&limit, 1, 10);
    ry_read_limit_set(&limit, 2, 20);
    ry_read_limit_set(&limit, 4, 21);
    p.op_ns[RY_OP_MATMUL] = 900 * ms_ns;
    p.op_bytes[RY_OP_MATMUL] = 9 * s_ns;
    ck_assert_ptr_null(strstr(ry_perf_verdict(&p, 1, &limit), "memory-bound")); /* of prefill */
    p.decode_bytes = 9 * s_ns;
    ck_assert_double_eq(ry_perf_read_gb_s(&p), 9);
    ck_assert_ptr_nonnull(strstr(ry_perf_verdict(&p, 1, &limit), "memory-bound at 90 %"));
    ck_assert_ptr_nonnull(strstr(ry_perf_verdict(&p, 1, &limit), "would read faster"));
    ck_assert_ptr_null(strstr(ry_perf_verdict(&p, 2, &limit), "memory-bound"));
    ck_assert_ptr_null(strstr(ry_perf_verdict(&p, 1, &none), "memory-bound"));
    p.decode_bytes = 19 * s_ns;
    ck_assert_ptr_nonnull(strstr(ry_perf_verdict(&p, 2, &limit), "will not help"));
    p.decode_bytes = 0;
    p.op_ns[RY_OP_WAIT] = 900 * ms_ns;
    ck_assert_ptr_nonnull(strstr(ry_perf_verdict(&p, 4, &none), "fewer"));
    ck_assert_ptr_null(strstr(ry_perf_verdict(&p, 1, &none), "fewer"));
    struct ry_perf zero = {0}, d = ry_perf_since(&p, &zero);
    ck_assert_mem_eq(&d, &p, sizeof d);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("perf");
    TCase *t = tcase_create("perf");
    tcase_add_loop_test(t, percentiles_are_at_most_a_sixteenth_high, 0, 5);
    tcase_add_test(t, the_largest_values_stay_in_range);
    tcase_add_test(t, the_rate_is_that_of_the_last_second);
    tcase_add_test(t, a_young_answer_is_not_divided_by_a_whole_second);
    tcase_add_test(t, the_sparkline_has_a_value_a_second_and_keeps_a_minute);
    tcase_add_test(t, a_short_answer_leaves_its_rate);
    tcase_add_test(t, the_verdict_follows_the_counters);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
