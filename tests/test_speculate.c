/* Speculation: the same tokens, the same text, the same end and the same session as without, over architectures,
 * formats, temperatures, penalties, stop strings, lengths and windows; with every guess evaluated. */
#include "tests/tiny_model.h"

#include "src/base/mem.h"

enum { N_PROMPT = 24, MOST = 200 };

static const struct {
    const char *arch;
    enum ry_fmt fmt;
} models[] = {
    {"llama", RY_FMT_F32},          {"llama", RY_FMT_Q4_0},      {"qwen3", RY_FMT_Q8_0},
    {"gemma2", RY_FMT_Q6_K},        {"gemma3", RY_FMT_Q5_1},     {"phi3", RY_FMT_Q4_K},
    {"bitnet-b1.58", RY_FMT_TQ2_0}, {"bitnet-25", RY_FMT_TQ1_0},
};

struct answer {
    int32_t ids[MOST];
    size_t n;
    ry_buf text;
    size_t stop_at;
    atomic_bool cancel;
    struct ry_live *toggle; /* speculation is switched every seven tokens */
    struct ry_generated r;
    struct ry_perf perf;
    uint32_t n_past;
    float *logits; /* owned; NULL: none left */
};

static void on_text(void *user, const char *text, size_t len)
{
    ry_buf_add(&((struct answer *)user)->text, text, len);
}

static void on_token(void *user, int32_t id, uint64_t t_ns)
{
    struct answer *a = user;
    (void)t_ns;
    ck_assert_uint_lt(a->n, MOST);
    a->ids[a->n++] = id;
    if (a->n == a->stop_at)
        atomic_store(&a->cancel, true);
    if (a->toggle && a->n % 7 == 0)
        atomic_fetch_xor(&a->toggle->speculate, RY_SPECULATE_NGRAM);
}

static void generate(struct answer *a, const ry_engine *engine, struct ry_live *live,
                     struct ry_generate o, uint32_t n_ctx)
{
    ry_session *session = tiny_session(engine, live, n_ctx, 16, RY_KV_AUTO);
    int32_t prompt[N_PROMPT];
    size_t n_vocab = ry_engine_info(engine)->n_vocab;
    ry_err err = {0};
    tiny_ids(prompt, N_PROMPT, (uint32_t)n_vocab, 5);
    memcpy(prompt + N_PROMPT / 2, prompt, sizeof prompt / 2); /* the prompt says everything twice */
    ry_draft_set_eager(session->draft, true);
    o.prompt = prompt;
    o.n_prompt = N_PROMPT;
    o.seed = 42;
    o.user = a;
    o.on_text = on_text;
    o.on_token = on_token;
    o.cancel = &a->cancel;
    ck_assert_msg(ry_generate(session, &o, &a->r, &err) == RY_OK, "%s", err.text);
    ry_session_perf(session, &a->perf);
    a->n_past = ry_session_n_past(session);
    const float *logits = ry_session_logits(session);
    if (logits) {
        a->logits = ry_mem_alloc(n_vocab, sizeof *logits);
        memcpy(a->logits, logits, n_vocab * sizeof *logits);
    }
    ry_session_free(session);
}

static void done(struct answer *a)
{
    ry_buf_done(&a->text);
    ry_mem_free(a->logits);
}

struct guesses {
    uint64_t n, right;
};

/* Both ways; adds up the guesses, so that a test can tell whether it tested anything. */
static void compare(struct guesses *guesses, const ry_engine *engine, struct ry_live *live,
                    struct ry_generate o, uint32_t n_ctx, size_t stop_at, bool toggle)
{
    struct answer a = {.stop_at = stop_at},
                  b = {.stop_at = stop_at, .toggle = toggle ? live : NULL};
    atomic_store(&live->screen, false); /* the last logits are compared whole */
    atomic_store(&live->speculate, RY_SPECULATE_OFF);
    generate(&a, engine, live, o, n_ctx);
    atomic_store(&live->speculate, RY_SPECULATE_NGRAM);
    generate(&b, engine, live, o, n_ctx);
    ck_assert_uint_eq(a.perf.n_drafted, 0);
    ck_assert_uint_eq(a.n, b.n);
    ck_assert_mem_eq(a.ids, b.ids, a.n * sizeof *a.ids);
    ck_assert_str_eq(ry_buf_str(&a.text), ry_buf_str(&b.text));
    ck_assert_int_eq(a.r.finish, b.r.finish);
    ck_assert_uint_eq(a.r.n_generated, b.r.n_generated);
    if (a.r.finish == RY_FINISH_CANCELLED) { /* a token that was guessed is evaluated already */
        ck_assert_uint_ge(b.n_past, a.n_past);
        ck_assert_uint_le(b.n_past, a.n_past + 1);
    } else {
        ck_assert_uint_eq(a.n_past, b.n_past);
        ck_assert_uint_eq(a.perf.n_decode, b.perf.n_decode);
        ck_assert_ptr_nonnull(a.logits);
        ck_assert_ptr_nonnull(b.logits);
        ck_assert_mem_eq(a.logits, b.logits, ry_engine_info(engine)->n_vocab * sizeof *a.logits);
    }
    ck_assert_uint_le(b.perf.n_accepted, b.perf.n_drafted);
    guesses->n += b.perf.n_drafted;
    guesses->right += b.perf.n_accepted;
    done(&a);
    done(&b);
}

static ry_engine *open_model(int i)
{
    struct gb_shape shape = gb_shape_default(models[i].arch, models[i].fmt);
    shape.vocab = true;
    return tiny_open(&shape);
}

START_TEST(same_tokens)
{
    static const float temps[] = {0, 0.05f, 0.3f, 1}, penalties[] = {1, 1.3f};
    ry_engine *engine = open_model(_i);
    struct ry_live live;
    struct guesses guesses = {0};
    ry_live_init(&live);
    for (size_t t = 0; t < 4; t++)
        for (size_t p = 0; p < 2; p++) {
            atomic_store(&live.temp, temps[t]);
            atomic_store(&live.repeat_penalty, penalties[p]);
            atomic_store(&live.n_threads, 1);
            compare(&guesses, engine, &live,
                    (struct ry_generate){.max_tokens = 120, .ignore_eog = true}, 256, 0, p == 1);
            atomic_store(&live.n_threads, 2);
            compare(&guesses, engine, &live, (struct ry_generate){.max_tokens = 20}, 256, 0, false);
        }
    ck_assert_msg(guesses.n > 0, "%s: nothing was guessed: nothing was tested", models[_i].arch);
    ry_engine_close(engine);
}
END_TEST

/* Every length, every end of the window and a stop at every token: inside batches and between them. */
START_TEST(same_ends)
{
    ry_engine *engine = open_model(6);
    struct ry_live live;
    struct guesses guesses = {0};
    ry_live_init(&live);
    atomic_store(&live.temp, 0);
    atomic_store(&live.n_threads, 1);
    for (int n = 0; n < 40; n++) {
        struct ry_generate o = {.max_tokens = n, .ignore_eog = true};
        compare(&guesses, engine, &live, o, 256, 0, false);
        o.max_tokens = -1;
        compare(&guesses, engine, &live, o, (uint32_t)(N_PROMPT + n), 0, false);
        o.max_tokens = 60;
        compare(&guesses, engine, &live, o, 256, (size_t)n + 1, false);
    }
    ck_assert_uint_gt(guesses.right, 0);
    ck_assert_uint_gt(guesses.n, guesses.right);
    ry_engine_close(engine);
}
END_TEST

START_TEST(same_stops)
{
    ry_engine *engine = open_model(6);
    struct ry_live live;
    struct answer whole = {0};
    struct guesses guesses = {0};
    ry_live_init(&live);
    atomic_store(&live.temp, 0);
    atomic_store(&live.n_threads, 1);
    generate(&whole, engine, &live, (struct ry_generate){.max_tokens = 60, .ignore_eog = true},
             256);
    for (size_t at = 0; at + 2 <= whole.text.len; at += 5) {
        char stop[3] = {whole.text.data[at], whole.text.data[at + 1], 0};
        const char *const stops[] = {stop};
        compare(&guesses, engine, &live,
                (struct ry_generate){
                    .max_tokens = 60, .ignore_eog = true, .stops = stops, .n_stops = 1},
                256, 0, false);
    }
    ck_assert_uint_gt(guesses.right, 0);
    done(&whole);
    ry_engine_close(engine);
}
END_TEST

/* Guesses pay or not by the clock alone: with the clock deciding, the tokens are the same too. */
START_TEST(the_clock_changes_no_token)
{
    ry_engine *engine = open_model(6);
    struct ry_live live;
    int32_t ids[2][MOST];
    ry_live_init(&live);
    atomic_store(&live.temp, 0);
    atomic_store(&live.n_threads, 1);
    for (int on = 0; on < 2; on++) {
        ry_session *session = tiny_session(engine, &live, 256, 16, RY_KV_AUTO);
        struct answer a = {0};
        int32_t prompt[N_PROMPT];
        ry_err err = {0};
        tiny_ids(prompt, N_PROMPT, ry_engine_info(engine)->n_vocab, 9);
        atomic_store(&live.speculate, on ? RY_SPECULATE_NGRAM : RY_SPECULATE_OFF);
        struct ry_generate o = {.prompt = prompt,
                                .n_prompt = N_PROMPT,
                                .max_tokens = 150,
                                .ignore_eog = true,
                                .user = &a,
                                .on_token = on_token};
        ck_assert_msg(ry_generate(session, &o, &a.r, &err) == RY_OK, "%s", err.text);
        memcpy(ids[on], a.ids, sizeof a.ids);
        ry_session_free(session);
    }
    ck_assert_mem_eq(ids[0], ids[1], 150 * sizeof **ids);
    ry_engine_close(engine);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("speculate");
    TCase *tc = tcase_create("same");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, same_tokens, 0, sizeof models / sizeof *models);
    tcase_add_test(tc, same_ends);
    tcase_add_test(tc, same_stops);
    tcase_add_test(tc, the_clock_changes_no_token);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
