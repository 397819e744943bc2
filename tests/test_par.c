/* The thread team: shares cover everything once, the barrier orders memory, more threads than cores do not hang. */
#include "ryot_test.h"

#include <pthread.h>

#include "engine/barrier.h"
#include "engine/par.h"

enum { N_ROUNDS = 400, MAX_T = 8 };

START_TEST(shares_cover_everything_once)
{
    for (size_t n = 0; n < 200; n++)
        for (int threads = 1; threads <= MAX_T; threads++)
            for (size_t grain = 1; grain <= 16; grain *= 4) {
                size_t at = 0;
                for (int tid = 0; tid < threads; tid++) {
                    size_t lo, hi;
                    ry_par_share(n, grain, tid, threads, &lo, &hi);
                    ck_assert_uint_eq(lo, at);
                    ck_assert(hi >= lo && (hi == n || hi % grain == 0));
                    at = hi;
                }
                ck_assert_uint_eq(at, n);
            }
}
END_TEST

struct rounds {
    ry_par *par;
    int cells[MAX_T][16]; /* a line each */
    int n_seen, wrong;
};

/* Each round every thread writes its cell, all meet, every thread checks all cells, all meet. */
static void play(void *arg, int tid, int n)
{
    struct rounds *r = arg;
    if (tid == 0)
        r->n_seen = n;
    for (int round = 1; round <= N_ROUNDS; round++) {
        r->cells[tid][0] = round;
        ry_par_barrier(r->par);
        for (int i = 0; i < n; i++)
            if (r->cells[i][0] != round)
                r->wrong = 1;
        ry_par_barrier(r->par);
    }
}

START_TEST(barrier_keeps_rounds_apart)
{
    ry_err err;
    struct rounds r = {0};
    ck_assert_int_eq(ry_par_new(&r.par, &err), RY_OK);
    for (int threads = 1; threads <= MAX_T; threads++) {
        ry_par_run(r.par, threads, play, &r);
        ck_assert_int_eq(r.wrong, 0);
#ifdef _OPENMP
        ck_assert_int_eq(r.n_seen, threads);
#else
        ck_assert_int_eq(r.n_seen, 1);
#endif
    }
    ry_par_free(r.par);
}
END_TEST

/* The barrier alone under threads of our own, which a race detector can see (it cannot see OpenMP's). */
struct alone {
    struct ry_barrier barrier;
    int n, n_wrong[MAX_T][16];
    int cells[MAX_T][16];
};

struct one {
    struct alone *all;
    int tid;
};

static void *play_alone(void *arg)
{
    struct one *one = arg;
    struct alone *a = one->all;
    for (int round = 1; round <= N_ROUNDS; round++) {
        a->cells[one->tid][0] = round;
        ry_barrier_wait(&a->barrier, a->n);
        for (int i = 0; i < a->n; i++)
            a->n_wrong[one->tid][0] += a->cells[i][0] != round;
        ry_barrier_wait(&a->barrier, a->n);
    }
    return NULL;
}

START_TEST(barrier_orders_memory_of_any_threads)
{
    for (int n = 1; n <= MAX_T; n++) {
        struct alone a = {.n = n};
        struct one ones[MAX_T];
        pthread_t threads[MAX_T];
        for (int t = 0; t < n; t++) {
            ones[t] = (struct one){&a, t};
            ck_assert_int_eq(pthread_create(&threads[t], NULL, play_alone, &ones[t]), 0);
        }
        for (int t = 0; t < n; t++) {
            ck_assert_int_eq(pthread_join(threads[t], NULL), 0);
            ck_assert_int_eq(a.n_wrong[t][0], 0);
            ck_assert_int_eq(a.cells[t][0], N_ROUNDS);
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("par");
    TCase *tc = tcase_create("team");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, shares_cover_everything_once);
#ifndef __SANITIZE_THREAD__ /* it does not see how OpenMP's threads meet, and calls all they share a race */
    tcase_add_test(tc, barrier_keeps_rounds_apart);
#else
    fprintf(stderr, "SKIPPED: OpenMP's team, which ThreadSanitizer cannot follow\n");
    (void)barrier_keeps_rounds_apart;
#endif
    tcase_add_test(tc, barrier_orders_memory_of_any_threads);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
