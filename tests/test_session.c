/* Sessions: prefix reuse, forgetting, limits, cancelling, damaged numbers, memory. */
#include "tests/tiny_model.h"

#include <math.h>
#include <pthread.h>

#include "engine/forward.h"
#include "src/base/mem.h"

static ry_engine *engine;
static struct ry_live live;

static void setup(void)
{
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_Q8_0);
    engine = tiny_open(&shape);
    ry_live_init(&live);
    atomic_store(&live.n_threads, 2);
}

static void teardown(void)
{
    ry_engine_close(engine);
}

static void eval_ok(ry_session *s, const int32_t *ids, size_t n)
{
    ry_err err = {0};
    struct ry_eval eval = {.ids = ids, .n = n};
    ck_assert_msg(ry_session_eval(s, &eval, &err) == RY_OK, "%s", err.text);
}

START_TEST(sync_keeps_the_common_prefix_and_the_bits)
{
    int32_t a[20], b[20];
    uint32_t n_vocab = ry_engine_info(engine)->n_vocab;
    tiny_ids(a, 20, n_vocab, 1);
    memcpy(b, a, sizeof b);
    b[12] = a[12] == 5 ? 6 : 5;
    ry_session *s = tiny_session(engine, &live, 64, 8, RY_KV_AUTO),
               *fresh = tiny_session(engine, &live, 64, 8, RY_KV_AUTO);
    ck_assert_ptr_null(ry_session_logits(s));
    ck_assert_uint_eq(ry_session_sync(s, a, 20), 0);
    eval_ok(s, a, 20);
    ck_assert_uint_eq(ry_session_n_past(s), 20);
    ck_assert_uint_eq(ry_session_sync(s, b, 20), 12);
    ck_assert_ptr_null(ry_session_logits(s));
    eval_ok(s, b + 12, 8);
    eval_ok(fresh, b, 20);
    ck_assert_mem_eq(ry_session_logits(s), ry_session_logits(fresh), n_vocab * sizeof(float));
    ck_assert_uint_eq(ry_session_sync(s, b, 20), 19); /* one is left, so that logits come out */
    ck_assert_uint_eq(ry_session_sync(s, b, 3), 2);
    ck_assert_uint_eq(ry_session_n_past(s), 2);
    ry_session_truncate(s, 0);
    ck_assert_uint_eq(ry_session_n_past(s), 0);
    ry_session_free(s);
    ry_session_free(fresh);
}
END_TEST

START_TEST(bad_ids_and_full_windows_change_nothing)
{
    int32_t ids[32];
    ry_err err = {0};
    uint32_t n_vocab = ry_engine_info(engine)->n_vocab;
    tiny_ids(ids, 32, n_vocab, 2);
    ry_session *s = tiny_session(engine, &live, 16, 8, RY_KV_F16);
    eval_ok(s, ids, 10);
    struct ry_eval too_many = {.ids = ids, .n = 7}, none = {.ids = ids, .n = 0};
    ck_assert_int_eq(ry_session_eval(s, &too_many, &err), RY_ERR_CONTEXT);
    ck_assert_ptr_nonnull(strstr(err.text, "10 of the context's 16"));
    ck_assert_int_eq(ry_session_eval(s, &none, &err), RY_ERR_INPUT);
    const int32_t bad[] = {-1, (int32_t)n_vocab, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        struct ry_eval eval = {.ids = &bad[i], .n = 1};
        ck_assert_int_eq(ry_session_eval(s, &eval, &err), RY_ERR_INPUT);
    }
    ck_assert_uint_eq(ry_session_n_past(s), 10);
    eval_ok(s, ids, 6);
    ck_assert_uint_eq(ry_session_n_past(s), 16);
    ry_session_free(s);
}
END_TEST

/* Progress of the first ubatch sets the cancel flag: the eval ends, and the history is as before. */
static atomic_bool cancel;
static void cancel_now(void *user, size_t n_done, size_t n_total)
{
    (void)user;
    ck_assert_uint_lt(n_done, n_total);
    atomic_store(&cancel, true);
}

START_TEST(cancel_keeps_the_history)
{
    int32_t ids[40];
    ry_err err = {0};
    tiny_ids(ids, 40, ry_engine_info(engine)->n_vocab, 3);
    ry_session *s = tiny_session(engine, &live, 64, 8, RY_KV_AUTO),
               *fresh = tiny_session(engine, &live, 64, 8, RY_KV_AUTO);
    eval_ok(s, ids, 5);
    atomic_store(&cancel, false);
    struct ry_eval eval = {.ids = ids + 5, .n = 35, .progress = cancel_now, .cancel = &cancel};
    ck_assert_int_eq(ry_session_eval(s, &eval, &err), RY_ERR_CANCELLED);
    ck_assert_uint_eq(ry_session_n_past(s), 5);
    eval_ok(s, ids + 5, 35);
    eval_ok(fresh, ids, 40);
    ck_assert_mem_eq(ry_session_logits(s), ry_session_logits(fresh),
                     ry_engine_info(engine)->n_vocab * sizeof(float));
    ry_session_free(s);
    ry_session_free(fresh);
}
END_TEST

/* A flag that comes and goes while steps run, as fast as it can. */
static atomic_bool toggling;
static void *toggle(void *arg)
{
    (void)arg;
    while (atomic_load(&toggling)) {
        atomic_store(&cancel, true);
        atomic_store(&cancel, false);
    }
    return NULL;
}

/* Whatever the flag does: done means whole, and cancelled means as before. */
START_TEST(a_flag_taken_back_leaves_no_half_step)
{
    enum { N = 24, TRIES = 200 };
    int32_t ids[N];
    ry_err err = {0};
    size_t bytes = ry_engine_info(engine)->n_vocab * sizeof(float), n_done = 0, n_cancelled = 0;
    tiny_ids(ids, N, ry_engine_info(engine)->n_vocab, 4);
    ry_session *s = tiny_session(engine, &live, 64, 16, RY_KV_AUTO),
               *calm = tiny_session(engine, &live, 64, 16, RY_KV_AUTO);
    eval_ok(calm, ids, N);
    pthread_t thread;
    atomic_store(&toggling, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, toggle, NULL), 0);
    for (int i = 0; i < TRIES; i++) {
        atomic_store(&live.n_threads, 1 + i % 3);
        struct ry_eval eval = {.ids = ids, .n = N, .cancel = &cancel};
        ry_rc rc = ry_session_eval(s, &eval, &err);
        n_done += rc == RY_OK;
        n_cancelled += rc == RY_ERR_CANCELLED;
        ck_assert_uint_eq(ry_session_n_past(s), rc == RY_OK ? N : 0);
        if (rc == RY_OK)
            ck_assert_mem_eq(ry_session_logits(s), ry_session_logits(calm), bytes);
        ry_session_truncate(s, 0);
    }
    atomic_store(&toggling, false);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(n_done + n_cancelled, TRIES);
    eval_ok(s, ids, N);
    ck_assert_mem_eq(ry_session_logits(s), ry_session_logits(calm), bytes);
    ry_session_free(s);
    ry_session_free(calm);
}
END_TEST

START_TEST(counters_say_what_was_read)
{
    int32_t ids[12];
    struct ry_perf perf;
    const struct ry_model *m = ry_engine_model(engine);
    tiny_ids(ids, 12, ry_engine_info(engine)->n_vocab, 6);
    ry_session *s = tiny_session(engine, &live, 32, 8, RY_KV_F16);
    eval_ok(s, ids, 11);
    eval_ok(s, ids + 11, 1);
    ry_session_perf(s, &perf);
    ck_assert_uint_eq(perf.n_prefill, 11);
    ck_assert_uint_eq(perf.n_decode, 1);
    /* Two steps of prefill, of which the last needs the head, and one of decode. */
    ck_assert_uint_eq(perf.op_bytes[RY_OP_HEAD], 2 * m->output.row_bytes * m->output.n_rows);
    size_t position = 2 * (size_t)m->hp.n_head_kv * (m->hp.head_dim_k + m->hp.head_dim_v);
    ck_assert_uint_eq(perf.op_bytes[RY_OP_ATTENTION], m->hp.n_layer * position * (8 + 11 + 12));
    ck_assert_uint_gt(perf.op_ns[RY_OP_MATMUL], 0);
    ck_assert_uint_gt(perf.op_ns[RY_OP_WAIT], 0); /* two threads: the model is not too small here */
    ry_session_free(s);
}
END_TEST

/* Steps of a model too small to read the clock all the time: counted in full, timed by samples. */
START_TEST(small_steps_are_timed_by_samples)
{
    int32_t ids[60];
    struct ry_perf perf;
    const struct ry_model *m = ry_engine_model(engine);
    tiny_ids(ids, 60, ry_engine_info(engine)->n_vocab, 8);
    ry_session *s = tiny_session(engine, &live, 64, 8, RY_KV_F16);
    s->single_thread_bytes = RY_SINGLE_THREAD_BYTES;
    for (uint32_t i = 0; i < 60; i++) {
        uint64_t before = s->profile.sums.op_ns[RY_OP_HEAD];
        eval_ok(s, ids + i, 1);
        ry_session_perf(s, &perf);
        ck_assert_uint_eq(perf.n_decode, i + 1);
        ck_assert_uint_eq(perf.op_bytes[RY_OP_HEAD],
                          (i + 1) * m->output.row_bytes * m->output.n_rows);
        ck_assert_int_eq(perf.op_ns[RY_OP_HEAD] > before, i % RY_PROFILE_EVERY == 0);
        ck_assert_uint_eq(s->profile.n_untimed, i % RY_PROFILE_EVERY);
        ck_assert_uint_eq(perf.op_ns[RY_OP_WAIT], 0); /* one thread */
    }
    ry_session_free(s);
}
END_TEST

START_TEST(nan_weights_are_an_error_with_the_position)
{
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    struct gb b;
    ry_err err = {0};
    int32_t ids[6] = {3, 4, 5, 6, 7, 8};
    gb_init(&b);
    gb_model(&b, &shape);
    struct gb_tensor *t = gb_find_tensor(&b, "token_embd.weight");
    float nan = NAN;
    memcpy(t->data.data + 6 * shape.n_embd * sizeof nan, &nan, sizeof nan); /* the row of id 6 */
    ry_engine *broken = tiny_open_built(&b);
    gb_done(&b);
    ry_session *s = tiny_session(broken, &live, 32, 32, RY_KV_AUTO);
    float *rows = ry_mem_alloc(6 * shape.n_vocab, sizeof *rows);
    eval_ok(s, ids, 2);
    struct ry_eval eval = {.ids = ids + 2, .n = 4, .all_logits = rows};
    ck_assert_int_eq(ry_session_eval(s, &eval, &err), RY_ERR_NUMERIC);
    ck_assert_msg(strstr(err.text, "position 3"), "%s", err.text);
    ck_assert_uint_eq(ry_session_n_past(s), 2);
    eval_ok(s, ids, 3);
    ry_mem_free(rows);
    ry_session_free(s);
    ry_engine_close(broken);
}
END_TEST

START_TEST(what_cannot_fit_is_refused_with_numbers)
{
    ry_err err = {0};
    struct ry_memory mem;
    struct ry_session_options o = {.n_ctx = 1 << 24, .live = &live};
    ry_session *s = NULL;
    ck_assert_int_eq(ry_session_estimate(engine,
                                         &(struct ry_session_options){.n_ctx = 64, .live = &live},
                                         &mem, &err),
                     RY_OK);
    ck_assert_uint_gt(mem.kv, 0);
    ck_assert_uint_eq(mem.total, mem.weights + mem.kv + mem.scratch);
    if (ry_session_estimate(engine, &o, &mem, &err) == RY_ERR_MEMORY) {
        ck_assert_ptr_nonnull(strstr(err.text, "MB"));
        ck_assert_ptr_nonnull(strstr(err.text, "--ctx"));
        ck_assert_int_eq(ry_session_new(&s, engine, &o, &err), RY_ERR_MEMORY);
    } else {
        ck_assert_uint_le(mem.total, mem.available); /* a machine with a terabyte */
    }
    o.n_ctx = UINT32_MAX;
    ck_assert_int_eq(ry_session_new(&s, engine, &o, &err), RY_ERR_USAGE);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(every_failed_allocation_is_survived)
{
    ry_err err;
    struct ry_session_options o = {.n_ctx = 32, .live = &live};
    int64_t alive = ry_mem_n_live();
    bool done = false;
    for (uint64_t nth = 1; nth < 64 && !done; nth++) {
        ry_session *s = NULL;
        ry_mem_fail_nth(nth, true);
        ry_rc rc = ry_session_new(&s, engine, &o, &err);
        ry_mem_fail_nth(0, false);
        done = rc == RY_OK;
        if (!done)
            ck_assert_int_eq(rc, RY_ERR_MEMORY);
        ry_session_free(s);
        ck_assert_int_eq(ry_mem_n_live(), alive);
    }
    ck_assert(done);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("session");
    TCase *tc = tcase_create("timeline");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, sync_keeps_the_common_prefix_and_the_bits);
    tcase_add_test(tc, bad_ids_and_full_windows_change_nothing);
    tcase_add_test(tc, cancel_keeps_the_history);
    tcase_add_test(tc, a_flag_taken_back_leaves_no_half_step);
    tcase_add_test(tc, counters_say_what_was_read);
    tcase_add_test(tc, small_steps_are_timed_by_samples);
    tcase_add_test(tc, nan_weights_are_an_error_with_the_position);
    tcase_add_test(tc, what_cannot_fit_is_refused_with_numbers);
    tcase_add_test(tc, every_failed_allocation_is_survived);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
