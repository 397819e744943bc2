/* engine/sample: every filter's kept set and the distribution against a naive model, ties, determinism, edges. */
#include "ryot_test.h"

#include <math.h>

#include "engine/sample.h"
#include "src/base/mem.h"

enum { MAX_N = 64 };

static const struct ry_sampling OFF = {
    .temp = 1, .top_k = 0, .top_p = 1, .min_p = 0, .repeat_penalty = 1, .repeat_last_n = 64};

/* The naive model: p[n], 0 for what is not kept; sums to 1. */
static void naive(const float *logits, int n, const struct ry_sampling *s, const int32_t *last,
                  size_t n_last, double *p)
{
    double l[MAX_N], total = 0, reached = 0, largest;
    int order[MAX_N], kept = n;
    for (int i = 0; i < n; i++) {
        bool seen = false;
        for (size_t j = 0; j < n_last; j++)
            seen |= last[j] == i;
        l[i] = logits[i];
        if (seen)
            l[i] = l[i] > 0 ? l[i] / s->repeat_penalty : l[i] * s->repeat_penalty;
        order[i] = i;
        p[i] = 0;
    }
    for (int i = 1; i < n; i++) /* insertion sort: likelier first, lower id on ties */
        for (int j = i; j > 0 && (float)l[order[j]] > (float)l[order[j - 1]]; j--) {
            int t = order[j];
            order[j] = order[j - 1];
            order[j - 1] = t;
        }
    if (s->top_k > 0 && s->top_k < kept)
        kept = s->top_k;
    largest = l[order[0]];
    for (int i = 0; i < kept; i++)
        total += p[order[i]] = exp((l[order[i]] - largest) / s->temp);
    for (int i = 0; i < kept; i++) {
        bool in = i == 0 || reached < s->top_p * total;
        reached += p[order[i]];
        if (!in || (i && p[order[i]] < s->min_p))
            p[order[i]] = 0;
    }
    total = 0;
    for (int i = 0; i < n; i++)
        total += p[i];
    for (int i = 0; i < n; i++)
        p[i] /= total;
}

/* Draws many times and compares: nothing outside the kept set, chi-square of the rest below a bound that chance exceeds
 * about once in 10^6 (Wilson-Hilferty, z = 4.75). The seed is fixed, so that a run repeats. */
static void check_distribution(const float *logits, int n, const struct ry_sampling *s,
                               const int32_t *last, size_t n_last)
{
    enum { DRAWS = 20000 };
    double p[MAX_N], chi2 = 0;
    int count[MAX_N] = {0}, df = -1;
    ry_sampler *sampler;
    ck_assert_int_eq(ry_sampler_new(&sampler, (uint32_t)n, NULL), RY_OK);
    ry_sampler_seed(sampler, 12345);
    naive(logits, n, s, last, n_last, p);
    for (int i = 0; i < DRAWS; i++) {
        int32_t id = ry_sampler_pick(sampler, logits, s, last, n_last);
        ck_assert(id >= 0 && id < n);
        count[id]++;
    }
    for (int i = 0; i < n; i++) {
        double want = p[i] * DRAWS;
        if (p[i] == 0) {
            ck_assert_msg(count[i] == 0, "token %d is not kept but was drawn %d times", i,
                          count[i]);
            continue;
        }
        if (want < 5)
            continue;
        df++;
        ck_assert_msg(count[i] > 0, "token %d is kept (p %g) but was never drawn", i, p[i]);
        chi2 += (count[i] - want) * (count[i] - want) / want;
    }
    if (df > 0) {
        double h = 2.0 / (9.0 * df), bound = df * pow(1 - h + 4.75 * sqrt(h), 3);
        ck_assert_msg(chi2 < bound, "chi-square %g with %d degrees of freedom, bound %g", chi2, df,
                      bound);
    }
    ry_sampler_free(sampler);
}

static const float LOGITS[12] = {1.5f, -0.25f, 3.0f, 2.75f, 0.0f,  -4.0f,
                                 2.0f, 2.0f,   1.0f, -1.0f, 0.75f, 2.5f};

START_TEST(test_filters)
{
    const int32_t last[] = {2, 3, 3, 7, -1, 99};
    struct ry_sampling s = OFF;
    check_distribution(LOGITS, 12, &s, NULL, 0);
    for (s.temp = 0.4f; s.temp < 2; s.temp += 0.5f)
        check_distribution(LOGITS, 12, &s, NULL, 0);
    s = OFF;
    for (s.top_k = 1; s.top_k <= 13; s.top_k++)
        check_distribution(LOGITS, 12, &s, NULL, 0);
    s = OFF;
    const float top_p[] = {0.05f, 0.3f, 0.5f, 0.77f, 0.9f, 0.99f};
    for (int i = 0; i < 6; i++) {
        s.top_p = top_p[i];
        s.top_k = 0;
        check_distribution(LOGITS, 12, &s, NULL, 0);
        s.top_k = 7;
        check_distribution(LOGITS, 12, &s, NULL, 0);
    }
    s = OFF;
    const float min_p[] = {0.01f, 0.2f, 0.5f, 0.9f};
    for (int i = 0; i < 4; i++) {
        s.min_p = min_p[i];
        s.top_p = 1;
        check_distribution(LOGITS, 12, &s, NULL, 0);
        s.top_p = 0.9f;
        check_distribution(LOGITS, 12, &s, NULL, 0);
    }
    s = OFF;
    s.repeat_penalty = 1.8f;
    check_distribution(LOGITS, 12, &s, last, 6);
    s.top_k = 5;
    s.top_p = 0.95f;
    s.min_p = 0.05f;
    s.temp = 0.7f;
    check_distribution(LOGITS, 12, &s, last, 6);
}
END_TEST

START_TEST(test_random_against_naive)
{
    uint64_t state = 7;
    for (int round = 0; round < 60; round++) {
        float logits[MAX_N];
        int n = 1 + round % MAX_N;
        for (int i = 0; i < n; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            logits[i] = (float)((int)(state >> 33) % 24) / 4.0f; /* ties are frequent */
        }
        struct ry_sampling s = OFF;
        s.top_k = round % 5 ? (int)(state >> 40) % (n + 2) : 0;
        s.top_p = round % 3 ? 0.2f + (float)(round % 7) / 10.0f : 1;
        s.min_p = round % 4 ? 0 : 0.1f;
        s.temp = 0.5f + (float)(round % 4) / 2.0f;
        check_distribution(logits, n, &s, NULL, 0);
    }
}
END_TEST

START_TEST(test_greedy)
{
    const float ties[] = {1, 5, 2, 5, 5};
    const float penalised[] = {4.0f, 5.0f, -1.0f};
    const int32_t last[] = {1};
    struct ry_sampling s = OFF;
    ry_sampler *sampler;
    s.temp = 0;
    ck_assert_int_eq(ry_sampler_new(&sampler, 5, NULL), RY_OK);
    ck_assert_int_eq(ry_sampler_pick(sampler, ties, &s, NULL, 0), 1);
    ry_sampler_free(sampler);
    ck_assert_int_eq(ry_sampler_new(&sampler, 3, NULL), RY_OK);
    ck_assert_int_eq(ry_sampler_pick(sampler, penalised, &s, last, 1), 1);
    s.repeat_penalty = 1.5f;
    ck_assert_int_eq(ry_sampler_pick(sampler, penalised, &s, last, 1), 0);
    s.repeat_last_n = 0;
    ck_assert_int_eq(ry_sampler_pick(sampler, penalised, &s, last, 1), 1);
    ry_sampler_free(sampler);
}
END_TEST

/* Every length and place of the largest, with its equal behind it, all below zero: the lanes have no seams. */
START_TEST(test_greedy_lengths)
{
    enum { MOST = 70 };
    struct ry_sampling s = OFF;
    float logits[MOST];
    s.temp = 0;
    for (uint32_t n = 1; n <= MOST; n++) {
        ry_sampler *sampler;
        ck_assert_int_eq(ry_sampler_new(&sampler, n, NULL), RY_OK);
        for (uint32_t at = 0; at < n; at++) {
            for (uint32_t i = 0; i < n; i++)
                logits[i] = -2.0f - (float)(i * 37 % 11);
            logits[at] = logits[n - 1] = -1.0f;
            ck_assert_int_eq(ry_sampler_pick(sampler, logits, &s, NULL, 0), (int32_t)at);
        }
        ry_sampler_free(sampler);
    }
}
END_TEST

START_TEST(test_determinism)
{
    /* From an independent implementation of generator and draw: the same seed must give these ids on every machine. */
    static const int32_t want[] = {2, 3, 7, 11, 11, 8, 7, 11, 7, 6, 7, 2, 8, 2, 7, 11};
    struct ry_sampling s = OFF;
    ry_sampler *sampler;
    ck_assert_int_eq(ry_sampler_new(&sampler, 12, NULL), RY_OK);
    ry_sampler_seed(sampler, 42);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        int32_t id = ry_sampler_pick(sampler, LOGITS, &s, NULL, 0);
        ck_assert_msg(id == want[i], "draw %zu is %d, was %d", i, id, want[i]);
    }
    ry_sampler_free(sampler);
}
END_TEST

START_TEST(test_edges)
{
    const float low[] = {-INFINITY, 3, -INFINITY};
    const float huge[] = {3e38f, -3e38f, 0};
    struct ry_sampling s = OFF;
    ry_sampler *sampler;
    ry_err err;
    ck_assert_int_eq(ry_sampler_new(&sampler, 0, &err), RY_ERR_INPUT);
    ck_assert_int_eq(ry_sampler_new(&sampler, 3, NULL), RY_OK);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(ry_sampler_pick(sampler, low, &s, NULL, 0), 1);
    s.temp = 1e-30f;
    ck_assert_int_eq(ry_sampler_pick(sampler, huge, &s, NULL, 0), 0);
    /* Values out of range switch a filter off or keep the best; nothing is read or written outside. */
    s = (struct ry_sampling){
        .temp = NAN, .top_k = -5, .top_p = -1, .min_p = 7, .repeat_penalty = -2};
    ck_assert_int_eq(ry_sampler_pick(sampler, huge, &s, NULL, 0), 0);
    s.temp = 1;
    ck_assert_int_eq(ry_sampler_pick(sampler, huge, &s, NULL, 0), 0);
    s.top_p = NAN;
    s.min_p = NAN;
    s.repeat_penalty = INFINITY;
    s.repeat_last_n = 4;
    ck_assert_int_eq(ry_sampler_pick(sampler, huge, &s, (const int32_t[]){2}, 1), 0);
    ry_sampler_free(sampler);
    ry_sampler_free(NULL);
}
END_TEST

START_TEST(test_no_allocation)
{
    struct ry_sampling s = {.temp = 0.8f,
                            .top_k = 5,
                            .top_p = 0.9f,
                            .min_p = 0.05f,
                            .repeat_penalty = 1.1f,
                            .repeat_last_n = 3};
    const int32_t last[] = {1, 2, 3};
    ry_sampler *sampler;
    ck_assert_int_eq(ry_sampler_new(&sampler, 12, NULL), RY_OK);
    uint64_t before = ry_mem_n_allocs();
    for (int i = 0; i < 100; i++)
        ry_sampler_pick(sampler, LOGITS, &s, last, 3);
    ck_assert_uint_eq(ry_mem_n_allocs(), before);
    ry_sampler_free(sampler);
    for (uint64_t nth = 1; nth <= 3; nth++) {
        int64_t live = ry_mem_n_live();
        ry_err err;
        ry_mem_fail_nth(nth, false);
        ck_assert_int_eq(ry_sampler_new(&sampler, 12, &err), RY_ERR_MEMORY);
        ry_mem_fail_nth(0, false);
        ck_assert_int_eq(ry_mem_n_live(), live);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sample");
    TCase *tc = tcase_create("sample");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_filters);
    tcase_add_test(tc, test_random_against_naive);
    tcase_add_test(tc, test_greedy);
    tcase_add_test(tc, test_greedy_lengths);
    tcase_add_test(tc, test_determinism);
    tcase_add_test(tc, test_edges);
    tcase_add_test(tc, test_no_allocation);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
