/* The forward pass under threads that a race detector can see (tests/team_pthread.c): prefill, decode and cancelling, for
 * every architecture. In any build it compares bits; configured with --enable-tsan it also finds what the barriers of
 * forward.c leave unordered. */
#include "tests/tiny_model.h"

#include <pthread.h>

#include "src/base/mem.h"

enum { N_IDS = 11, N_PREFILL = 8 };

static const char *const archs[] = {"llama",  "qwen2",        "qwen3",    "gemma",
                                    "gemma2", "gemma3",       "phi3",     "smollm3",
                                    "bitnet", "bitnet-b1.58", "bitnet-25"};

static ry_rc eval(ry_session *s, const int32_t *ids, size_t n, float *rows,
                  const atomic_bool *cancel)
{
    ry_err err = {0};
    struct ry_eval e = {.ids = ids, .n = n, .all_logits = rows, .cancel = cancel};
    ry_rc rc = ry_session_eval(s, &e, &err);
    ck_assert_msg(rc == RY_OK || rc == RY_ERR_CANCELLED, "%s", err.text);
    return rc;
}

/* Prefill of the first ids in steps of 5, then one by one: [N_IDS, n_vocab], freed by the caller. */
static float *logits_on(const ry_engine *engine, struct ry_live *live, int n_threads)
{
    size_t n_vocab = ry_engine_info(engine)->n_vocab;
    float *rows = ry_mem_alloc(N_IDS * n_vocab, sizeof *rows);
    int32_t ids[N_IDS];
    tiny_ids(ids, N_IDS, (uint32_t)n_vocab, 9);
    atomic_store(&live->n_threads, n_threads);
    ry_session *s = tiny_session(engine, live, 32, 5, RY_KV_F16);
    ck_assert_int_eq(eval(s, ids, N_PREFILL, rows, NULL), RY_OK);
    for (size_t i = N_PREFILL; i < N_IDS; i++)
        ck_assert_int_eq(eval(s, ids + i, 1, rows + i * n_vocab, NULL), RY_OK);
    ry_session_free(s);
    return rows;
}

START_TEST(steps_are_ordered)
{
    struct gb_shape shape = gb_shape_default(archs[_i], RY_FMT_F32);
    ry_engine *engine = tiny_open(&shape);
    struct ry_live live;
    ry_live_init(&live);
    float *want = logits_on(engine, &live, 1);
    for (int n = 2; n <= 4; n++) {
        float *got = logits_on(engine, &live, n);
        ck_assert_msg(memcmp(got, want, N_IDS * shape.n_vocab * sizeof *got) == 0,
                      "%s: other bits with %d threads", shape.arch, n);
        ry_mem_free(got);
    }
    ry_mem_free(want);
    ry_engine_close(engine);
}
END_TEST

/* Attention over several chunks of the cache, of which decode hands one after the other to the threads. */
START_TEST(chunks_are_ordered)
{
    enum { N = 300 };
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    shape.n_ctx = N;
    ry_engine *engine = tiny_open(&shape);
    float *want = ry_mem_alloc(shape.n_vocab, sizeof *want);
    struct ry_live live;
    int32_t ids[N];
    tiny_ids(ids, N, shape.n_vocab, 3);
    ry_live_init(&live);
    atomic_store(&live.attention, _i % RY_ATTENTION_COUNT);
    for (int n = 1; n <= 3; n++) {
        atomic_store(&live.n_threads, n);
        ry_session *s =
            tiny_session(engine, &live, N, 64, _i / RY_ATTENTION_COUNT ? RY_KV_Q8 : RY_KV_F16);
        ck_assert_int_eq(eval(s, ids, N - 2, NULL, NULL), RY_OK);
        for (size_t i = N - 2; i < N; i++)
            ck_assert_int_eq(eval(s, ids + i, 1, NULL, NULL), RY_OK);
        if (n == 1)
            memcpy(want, ry_session_logits(s), shape.n_vocab * sizeof *want);
        ck_assert_mem_eq(ry_session_logits(s), want, shape.n_vocab * sizeof *want);
        ry_session_free(s);
    }
    ry_mem_free(want);
    ry_engine_close(engine);
}
END_TEST

static void collect(void *user, int32_t id, uint64_t t_ns)
{
    (void)t_ns;
    ry_ids_push(user, id);
}

/* The screened head, and guesses that are evaluated together. */
START_TEST(generations_are_ordered)
{
    struct gb_shape shape = gb_shape_default("bitnet-b1.58", RY_FMT_TQ2_0);
    shape.embd_fmt = RY_FMT_F16;
    shape.vocab = true;
    ry_engine *engine = tiny_open(&shape);
    ry_ids want = {0};
    struct ry_live live;
    int32_t ids[N_IDS];
    tiny_ids(ids, N_IDS, shape.n_vocab, 3);
    ry_live_init(&live);
    atomic_store(&live.speculate, RY_SPECULATE_NGRAM);
    for (int n = 1; n <= 4; n++) {
        ry_ids got = {0};
        struct ry_generated r;
        struct ry_perf perf;
        ry_err err = {0};
        atomic_store(&live.n_threads, n);
        ry_session *s = tiny_session(engine, &live, 64, 5, RY_KV_F16);
        ry_draft_set_eager(s->draft, true);
        struct ry_generate o = {.prompt = ids,
                                .n_prompt = N_IDS,
                                .max_tokens = 40,
                                .seed = 5,
                                .ignore_eog = true,
                                .user = n == 1 ? &want : &got,
                                .on_token = collect};
        ck_assert_msg(ry_generate(s, &o, &r, &err) == RY_OK, "%s", err.text);
        ry_session_perf(s, &perf);
        ck_assert_uint_gt(perf.n_screened, 0);
        if (n > 1) {
            ck_assert_uint_eq(got.n, want.n);
            ck_assert_mem_eq(got.v, want.v, want.n * sizeof *want.v);
        }
        ry_ids_done(&got);
        ry_session_free(s);
    }
    ry_ids_done(&want);
    ry_engine_close(engine);
}
END_TEST

struct clicker {
    atomic_bool cancel, quit;
};

static void *click(void *arg)
{
    struct clicker *c = arg;
    while (!atomic_load(&c->quit)) {
        atomic_store(&c->cancel, true);
        usleep(50);
        atomic_store(&c->cancel, false);
        usleep(200);
    }
    return NULL;
}

/* Threads that see the flag at different places still meet at every barrier. */
START_TEST(cancelling_is_ordered)
{
    enum { N = 24, TRIES = 60 };
    struct gb_shape shape = gb_shape_default("gemma2", RY_FMT_F32);
    ry_engine *engine = tiny_open(&shape);
    struct ry_live live;
    struct clicker c = {.cancel = false};
    pthread_t thread;
    int32_t ids[N];
    tiny_ids(ids, N, shape.n_vocab, 2);
    ry_live_init(&live);
    atomic_store(&live.n_threads, 3);
    ry_session *s = tiny_session(engine, &live, 32, 12, RY_KV_F16);
    ck_assert_int_eq(pthread_create(&thread, NULL, click, &c), 0);
    for (int i = 0; i < TRIES; i++) {
        ry_rc rc = eval(s, ids, N, NULL, &c.cancel);
        ck_assert_uint_eq(ry_session_n_past(s), rc == RY_OK ? N : 0);
        ry_session_truncate(s, 0);
    }
    atomic_store(&c.quit, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ry_session_free(s);
    ry_engine_close(engine);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("race");
    TCase *tc = tcase_create("forward");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, steps_are_ordered, 0, sizeof archs / sizeof *archs);
    tcase_add_loop_test(tc, chunks_are_ordered, 0, 2 * RY_ATTENTION_COUNT);
    tcase_add_test(tc, generations_are_ordered);
    tcase_add_test(tc, cancelling_is_ordered);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
