/* Drafts: looked up as a naive search would, whole under loops, and drafted no further than they pay. */
#include "ryot_test.h"

#include "engine/draft.h"
#include "src/base/mem.h"

enum { N = 400, LONGEST_MATCH = 32 };

static ry_draft *draft;

static void setup(void)
{
    ry_err err = {0};
    ck_assert_msg(ry_draft_new(&draft, N, &err) == RY_OK, "%s", err.text);
}

static void teardown(void)
{
    ry_draft_free(draft);
}

/* The longest match (3 to 32) of the newest tokens before the end, the latest of equals; -1: none. */
static long naive_match(const int32_t *ids, long n)
{
    long best = 2, at = -1;
    for (long end = n - 2; end >= 2; end--) {
        long len = 0;
        while (len <= end && len < LONGEST_MATCH && ids[end - len] == ids[n - 1 - len])
            len++;
        if (len > best) {
            best = len;
            at = end;
        }
    }
    return at;
}

START_TEST(as_a_naive_search)
{
    int32_t ids[N];
    size_t n_found = 0;
    unsigned seed = (unsigned)_i + 1;
    fprintf(stderr, "seed %u\n", seed);
    srand(seed);
    ry_draft_begin(draft, NULL, 0);
    for (long n = 1; n <= N; n++) {
        struct ry_drafted got;
        size_t most = (size_t)rand() % (RY_DRAFT_MOST + 1);
        ids[n - 1] = rand() % (3 + _i);
        ry_draft_push(draft, ids[n - 1]);
        ry_draft_look_up(draft, most, &got);
        long at = naive_match(ids, n);
        ck_assert_uint_eq(got.n, at < 0 ? 0 : most);
        n_found += got.n > 0;
        for (size_t k = 0; k < got.n; k++) {
            size_t from = (size_t)at + 1 + k;
            ck_assert_int_eq(got.ids[k], from < (size_t)n ? ids[from] : got.ids[from - (size_t)n]);
        }
    }
    ck_assert_uint_gt(n_found, 0);
    ry_draft_push(draft, 1); /* one more than there is room for changes nothing */
}
END_TEST

START_TEST(a_loop_goes_on)
{
    const int32_t ids[] = {9, 1, 2, 3, 1, 2, 3};
    struct ry_drafted got;
    ry_draft_begin(draft, ids, 7);
    ry_draft_look_up(draft, 8, &got);
    ck_assert_uint_eq(got.n, 8);
    for (size_t k = 0; k < 8; k++)
        ck_assert_int_eq(got.ids[k], 1 + (int32_t)(k % 3));
    ry_draft_begin(draft, ids, 6);
    ry_draft_look_up(draft, 8, &got);
    ck_assert_uint_eq(got.n, 0); /* nothing of the longer timeline is left */
}
END_TEST

START_TEST(no_further_than_it_pays)
{
    struct ry_drafted d = {.n = RY_DRAFT_MOST, .kind = 1};
    ck_assert_uint_eq(ry_draft_worth(draft, &d), 0); /* the price is not known */
    for (int i = 0; i < 100; i++) {
        ry_draft_time(draft, 1, 1000);
        ry_draft_time(draft, 5, 1100);
        ry_draft_judge(draft, 1, true);
        ry_draft_judge(draft, 0, false);
    }
    ck_assert_uint_eq(ry_draft_worth(draft, &d), RY_DRAFT_MOST); /* right, and nearly free */
    d.n = 2;
    ck_assert_uint_eq(ry_draft_worth(draft, &d), 2);
    d.kind = 0;
    ck_assert_uint_eq(ry_draft_worth(draft, &d), 0); /* free, and never right */
    d.kind = 1;
    for (int i = 0; i < 20; i++)
        ry_draft_time(draft, 5, 6000);
    ck_assert_uint_eq(ry_draft_worth(draft, &d), 0); /* right, and dearer than step by step */
    int n = 0;
    while (ry_draft_worth(draft, &d) == 0 && n < 10000)
        n++;
    ck_assert_int_gt(n, 50); /* tried again, and seldom */
    ck_assert_int_lt(n, 10000);
    ry_draft_set_eager(draft, true);
    d.kind = 0;
    ck_assert_uint_eq(ry_draft_worth(draft, &d), 2);
}
END_TEST

START_TEST(every_failed_allocation_is_survived)
{
    for (uint64_t n = 1; n <= 4; n++) {
        ry_draft *d = NULL;
        ry_err err = {0};
        int64_t live = ry_mem_n_live();
        ry_mem_fail_nth(n, true);
        ck_assert_int_eq(ry_draft_new(&d, 100, &err), RY_ERR_MEMORY);
        ry_mem_fail_nth(0, false);
        ck_assert_int_eq(ry_mem_n_live(), live);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("draft");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, as_a_naive_search, 0, 4);
    tcase_add_test(tc, a_loop_goes_on);
    tcase_add_test(tc, no_further_than_it_pays);
    tcase_add_test(tc, every_failed_allocation_is_survived);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
