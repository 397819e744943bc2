/* The screen before a head of floats: the rows that decide are exact and all there, over formats, widths and inputs chosen
 * to be near each other; and a whole generation gives the same tokens as with the whole head. */
#include "tests/tiny_model.h"

#include <math.h>

#include "src/base/mem.h"

enum { MOST_COLS = 600, MOST_ROWS = 400, MOST = 120, N_PROMPT = 24 };

static uint64_t state;

static uint64_t next(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static float uniform(void)
{
    return (float)(int32_t)(next() >> 32) * 0x1p-31f;
}

/* ---- one head ------------------------------------------------------------------------------------------ */

/* What makes a screen's work hard. */
enum kind {
    EVEN,     /* numbers of one size */
    OUTLIERS, /* a few columns a hundred times as large, in the head and in the state */
    TWINS,    /* rows that differ in their last bits only */
    SMALL,    /* near the least numbers of the format */
    LARGE,    /* products near the end of the range of float */
    ZERO,
    N_KINDS
};

static void fill_row(float *row, const float *before, size_t n, enum kind kind, enum ry_fmt fmt)
{
    float least = fmt == RY_FMT_F16 ? 0x1p-24f : 0x1p-140f,
          most = fmt == RY_FMT_F16 ? 60000.0f : 1e15f;
    for (size_t i = 0; i < n; i++) {
        row[i] = uniform();
        if (kind == OUTLIERS && i % 97 == 5)
            row[i] *= 100;
        else if (kind == TWINS && before)
            row[i] = before[i] * (next() % 8 ? 1.0f : 1.0f + 0x1p-9f);
        else if (kind == SMALL)
            row[i] *= 9 * least;
        else if (kind == LARGE)
            row[i] *= most;
        else if (kind == ZERO)
            row[i] = 0;
    }
}

static void fill_state(float *x, size_t n, enum kind kind)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = 3 * uniform();
        if (kind == OUTLIERS && i % 97 == 5)
            x[i] *= 300;
        else if (kind == SMALL)
            x[i] *= 1e-12f;
        else if (kind == LARGE)
            x[i] *= 1e18f;
    }
}

/* A model of which only the head is there. */
static void make_head(struct ry_model *m, enum ry_fmt fmt, size_t n_rows, size_t n_cols,
                      enum kind kind)
{
    float row[MOST_COLS];
    size_t row_bytes = ry_fmt_row_bytes(fmt, n_cols);
    char *data = ry_mem_aligned(64, n_rows, row_bytes);
    for (size_t r = 0; r < n_rows; r++) {
        fill_row(row, r ? row : NULL, n_cols, kind, fmt);
        ry_fmt_encode(fmt, data + r * row_bytes, row, n_cols);
    }
    *m = (struct ry_model){.output = {.data = data,
                                      .n_rows = n_rows,
                                      .n_cols = n_cols,
                                      .row_bytes = row_bytes,
                                      .fmt = fmt,
                                      .scale = 1}};
}

struct rig {
    struct ry_model model;
    struct ry_screen screen;
    ry_screener *own;
    char *act;
    float full[MOST_ROWS], got[MOST_ROWS];
};

static void rig_init(struct rig *rig)
{
    ry_err err = {0};
    struct ry_repack_options options = {.n_threads = 3};
    ck_assert_int_eq(ry_screen_make(&rig->screen, &rig->model, &options, &err), RY_OK);
    ck_assert_msg(!rig->screen.reason, "%s", rig->screen.reason);
    ck_assert_int_eq(ry_screener_new(&rig->own, &rig->screen, 1, &err), RY_OK);
    rig->act = ry_mem_aligned(64, 1, ry_act_bytes(RY_ACT_F32, rig->model.output.n_cols));
}

static void rig_done(struct rig *rig)
{
    ry_screener_free(rig->own);
    ry_screen_done(&rig->screen);
    ry_mem_free((void *)rig->model.output.data);
    ry_mem_free(rig->act);
}

/* All stages, with the rows split between n_threads, one after the other. Returns how many were computed. */
static size_t run_stages(struct rig *rig, const struct ry_kern *kern,
                         const struct ry_screen_want *want, int n_threads)
{
    struct ry_screen_job j[4];
    size_t n_rows = rig->model.output.n_rows, lo, hi, n = 0;
    bool finite = true;
    for (int t = 0; t < n_threads; t++) {
        j[t] = (struct ry_screen_job){.screen = &rig->screen,
                                      .own = rig->own,
                                      .kern = kern,
                                      .head = &rig->model.output,
                                      .want = want,
                                      .act = rig->act,
                                      .n_tok = 1,
                                      .logits = rig->got,
                                      .tid = t};
        ck_assert(ry_screen_begin(&j[t]));
        ry_par_share(n_rows, RY_ROW_GRAIN, t, n_threads, &lo, &hi);
        ry_screen_rows(&j[t], lo, hi);
    }
    ry_screen_decide(&j[0], n_threads);
    for (int t = 0; t < n_threads; t++) {
        ry_par_share(n_rows, RY_ROW_GRAIN, t, n_threads, &lo, &hi);
        n += ry_screen_rescore(&j[t], 0, lo, hi, &finite);
    }
    ck_assert(finite);
    return n;
}

static bool is_kept(const struct ry_screen_want *want, size_t id)
{
    for (size_t i = 0; i < want->n_keep; i++)
        if ((size_t)want->keep[i] == id)
            return true;
    return false;
}

/* Every logit is the full head's or -INFINITY, and -INFINITY only where k others that are not kept are larger. */
static void check_logits(const struct rig *rig, const struct ry_screen_want *want)
{
    size_t n_rows = rig->model.output.n_rows;
    for (size_t r = 0; r < n_rows; r++) {
        size_t larger = 0;
        if (memcmp(&rig->full[r], &rig->got[r], sizeof(float)) == 0)
            continue;
        ck_assert_msg(rig->got[r] == -INFINITY && !is_kept(want, r), "row %zu is %g, not %g", r,
                      (double)rig->got[r], (double)rig->full[r]);
        for (size_t i = 0; i < n_rows; i++)
            larger += rig->full[i] > rig->full[r] && !is_kept(want, i);
        ck_assert_msg(larger >= want->k, "row %zu is left out and only %zu are larger", r, larger);
    }
}

START_TEST(what_decides_is_exact)
{
    static const enum ry_fmt formats[] = {RY_FMT_F16, RY_FMT_BF16, RY_FMT_F32};
    static const size_t cols[] = {1, 3, 16, 61, 128, 256, 600}, ks[] = {1, 2, 40};
    const int32_t keep[] = {0, 7, 33, 7};
    enum ry_tier tier = (enum ry_tier)_i;
    size_t n_left = 0;
    if (!ry_tier_usable(tier))
        return;
    state = 4711;
    for (size_t i = 0; i < 3 * 7 * N_KINDS; i++) {
        struct rig rig;
        enum kind kind = (enum kind)(i % N_KINDS);
        size_t n_rows = 50 + next() % (MOST_ROWS - 50);
        make_head(&rig.model, formats[i / N_KINDS % 3], n_rows, cols[i / N_KINDS / 3], kind);
        rig_init(&rig);
        for (size_t k = 0; k < 6; k++) {
            float x[MOST_COLS];
            const struct ry_kern *kern = ry_kern_get(tier);
            struct ry_screen_want want = {ks[k % 3], keep, k < 3 ? 0 : 4};
            fill_state(x, rig.model.output.n_cols, kind);
            kern->quantize[RY_ACT_F32](rig.act, x, rig.model.output.n_cols);
            kern->matvec[rig.model.output.fmt](rig.full, &rig.model.output, 0, n_rows, rig.act, 0);
            n_left += n_rows - run_stages(&rig, kern, &want, 1 + (int)(next() % 4));
            check_logits(&rig, &want);
        }
        rig_done(&rig);
    }
    ck_assert_uint_gt(n_left, 10000); /* a screen that lets everything through is none */
}
END_TEST

START_TEST(a_state_that_is_not_finite_is_refused)
{
    struct rig rig;
    state = 12;
    make_head(&rig.model, RY_FMT_F16, 64, 64, EVEN);
    rig_init(&rig);
    float x[64];
    struct ry_screen_want want = {.k = 1};
    struct ry_screen_job j = {.screen = &rig.screen,
                              .own = rig.own,
                              .kern = ry_kern_get(RY_TIER_SCALAR),
                              .head = &rig.model.output,
                              .want = &want,
                              .act = rig.act,
                              .n_tok = 1,
                              .logits = rig.got};
    for (int bad = 0; bad < 2; bad++) {
        fill_state(x, 64, EVEN);
        x[63] = bad ? NAN : INFINITY;
        j.kern->quantize[RY_ACT_F32](rig.act, x, 64);
        ck_assert(!ry_screen_begin(&j));
    }
    rig_done(&rig);
}
END_TEST

START_TEST(heads_that_allow_no_screen_say_why)
{
    struct ry_repack_options options = {.n_threads = 2};
    struct ry_screen screen;
    struct ry_model m;
    ry_err err = {0};
    state = 13;
    make_head(&m, RY_FMT_F32, 40, 32, EVEN);
    ((float *)m.output.data)[39 * 32 + 31] = NAN;
    ck_assert_int_eq(ry_screen_make(&screen, &m, &options, &err), RY_OK);
    ck_assert_ptr_nonnull(strstr(screen.reason, "not finite"));
    ck_assert_ptr_null(screen.map);
    ((float *)m.output.data)[39 * 32 + 31] = 0;
    m.hp.final_softcap = 30;
    ck_assert_int_eq(ry_screen_make(&screen, &m, &options, &err), RY_OK);
    ck_assert_ptr_nonnull(screen.reason);
    m.hp.final_softcap = 0;
    atomic_bool stop = true;
    options.cancel = &stop;
    ck_assert_int_eq(ry_screen_make(&screen, &m, &options, &err), RY_ERR_CANCELLED);
    ry_mem_free((void *)m.output.data);
    make_head(&m, RY_FMT_Q8_0, 40, 32, EVEN);
    options.cancel = NULL;
    ck_assert_int_eq(ry_screen_make(&screen, &m, &options, &err), RY_OK);
    ck_assert_ptr_nonnull(strstr(screen.reason, "floats"));
    ry_mem_free((void *)m.output.data);
}
END_TEST

/* ---- generations --------------------------------------------------------------------------------------- */

struct answer {
    int32_t ids[MOST];
    size_t n;
    struct ry_live *toggle; /* the screen is switched every five tokens */
    struct ry_perf perf;
    bool has_logits;
};

static void on_token(void *user, int32_t id, uint64_t t_ns)
{
    struct answer *a = user;
    (void)t_ns;
    ck_assert_uint_lt(a->n, MOST);
    a->ids[a->n++] = id;
    if (a->toggle && a->n % 5 == 0)
        atomic_store(&a->toggle->screen, a->n / 5 % 2 == 0);
}

static void generate(struct answer *a, const ry_engine *engine, struct ry_live *live)
{
    ry_session *session = tiny_session(engine, live, 200, 16, RY_KV_AUTO);
    int32_t prompt[N_PROMPT];
    ry_err err = {0};
    struct ry_generated r;
    tiny_ids(prompt, N_PROMPT, ry_engine_info(engine)->n_vocab, 5);
    memcpy(prompt + N_PROMPT / 2, prompt, sizeof prompt / 2);
    ry_draft_set_eager(session->draft, true);
    struct ry_generate o = {.prompt = prompt,
                            .n_prompt = N_PROMPT,
                            .seed = 42,
                            .user = a,
                            .max_tokens = MOST,
                            .ignore_eog = true,
                            .on_token = on_token};
    ck_assert_msg(ry_generate(session, &o, &r, &err) == RY_OK, "%s", err.text);
    ry_session_perf(session, &a->perf);
    a->has_logits = ry_session_logits(session) != NULL;
    ry_session_free(session);
}

static void check_tokens(const ry_engine *engine, struct ry_live *live, bool toggle)
{
    struct answer full = {0}, screened = {.toggle = toggle ? live : NULL};
    atomic_store(&live->screen, false);
    generate(&full, engine, live);
    atomic_store(&live->screen, true);
    generate(&screened, engine, live);
    ck_assert_uint_eq(full.n, screened.n);
    ck_assert_mem_eq(full.ids, screened.ids, full.n * sizeof *full.ids);
    ck_assert_uint_eq(full.perf.n_screened, 0);
    ck_assert_uint_gt(screened.perf.n_screened, 0);
    ck_assert_uint_lt(screened.perf.n_rescored,
                      screened.perf.n_screened * ry_engine_info(engine)->n_vocab);
    ck_assert(full.has_logits);
    if (!toggle)
        ck_assert(!screened.has_logits);
}

START_TEST(same_tokens)
{
    static const enum ry_fmt heads[] = {RY_FMT_F16, RY_FMT_BF16, RY_FMT_F32};
    static const float temps[] = {0, 0.4f, 1.5f}, penalties[] = {1, 1.3f, 0.8f};
    struct gb_shape shape =
        gb_shape_default(_i % 2 ? "bitnet-b1.58" : "llama", _i % 2 ? RY_FMT_TQ2_0 : RY_FMT_F32);
    shape.embd_fmt = heads[_i % 3];
    shape.vocab = true;
    shape.seed = 3 + (uint64_t)_i;
    ry_engine *engine = tiny_open(&shape);
    struct ry_live live;
    ry_live_init(&live);
    for (int i = 0; i < 27; i++) {
        struct ry_sampling s = ry_sampling_default();
        s.temp = temps[i % 3];
        s.repeat_penalty = penalties[i / 3 % 3];
        s.repeat_last_n = 30;
        s.top_k = 5 + i;
        s.top_p = i % 2 ? 0.9f : 1;
        ry_live_set_sampling(&live, &s);
        atomic_store(&live.speculate, i / 9 % 2 ? RY_SPECULATE_NGRAM : RY_SPECULATE_OFF);
        atomic_store(&live.n_threads, 1 + i % 3);
        enum ry_tier tier = (enum ry_tier)(i % RY_TIER_COUNT);
        atomic_store(&live.tier, ry_tier_usable(tier) ? tier : RY_TIER_SCALAR);
        check_tokens(engine, &live, i >= 18);
    }
    ry_engine_close(engine);
}
END_TEST

START_TEST(what_needs_every_logit_gets_it)
{
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    struct ry_live live;
    struct ry_sampling s = ry_sampling_default();
    ry_engine *engine = tiny_open(&shape);
    ry_live_init(&live);
    for (int top_k = 0; top_k <= 300; top_k += 300) {
        struct answer a = {0};
        s.top_k = top_k;
        ry_live_set_sampling(&live, &s);
        generate(&a, engine, &live);
        ck_assert_uint_eq(a.perf.n_screened, 0);
        ck_assert(a.has_logits);
    }
    ry_engine_close(engine);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("screen");
    TCase *tc = tcase_create("screen");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, what_decides_is_exact, 0, RY_TIER_COUNT);
    tcase_add_test(tc, a_state_that_is_not_finite_is_refused);
    tcase_add_test(tc, heads_that_allow_no_screen_say_why);
    tcase_add_loop_test(tc, same_tokens, 0, 6);
    tcase_add_test(tc, what_needs_every_logit_gets_it);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
