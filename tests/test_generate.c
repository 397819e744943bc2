/* Generation: ends, stop strings, whole UTF-8 only, and switches in the middle that change nothing but speed. */
#include "tests/tiny_model.h"

#include "src/base/utf8.h"

static ry_engine *engine;
static struct ry_live live;
static ry_session *session;
static int32_t prompt[12];

static void setup(void)
{
    struct gb_shape shape = gb_shape_default("bitnet-b1.58", RY_FMT_TQ2_0);
    shape.vocab = true;
    engine = tiny_open(&shape);
    ry_live_init(&live);
    atomic_store(&live.temp, 1.0f);
    session = tiny_session(engine, &live, 128, 16, RY_KV_AUTO);
    tiny_ids(prompt, 12, ry_engine_info(engine)->n_vocab, 5);
}

static void teardown(void)
{
    ry_session_free(session);
    ry_engine_close(engine);
}

struct heard {
    ry_buf text;
    int32_t ids[256];
    size_t n_ids, stop_at;
    int switch_every;
    atomic_bool cancel;
};

static void on_text(void *user, const char *text, size_t len)
{
    struct heard *h = user;
    ck_assert(ry_utf8_valid(text, len, NULL));
    ry_buf_add(&h->text, text, len);
}

static void on_token(void *user, int32_t id, uint64_t t_ns)
{
    struct heard *h = user;
    (void)t_ns;
    ck_assert_uint_lt(h->n_ids, 256);
    h->ids[h->n_ids++] = id;
    if (h->switch_every && h->n_ids % (size_t)h->switch_every == 0) {
        int tier = (atomic_load(&live.tier) + 1) % RY_TIER_COUNT;
        atomic_store(&live.tier, ry_tier_usable(tier) ? tier : RY_TIER_SCALAR);
        atomic_store(&live.n_threads, (int)(1 + h->n_ids % 4));
        atomic_store(&live.prefetch, h->n_ids % 2 == 0);
    }
    if (h->stop_at && h->n_ids == h->stop_at)
        atomic_store(&h->cancel, true);
}

static struct ry_generated run(struct heard *h, struct ry_generate o)
{
    struct ry_generated out;
    ry_err err = {0};
    o.prompt = prompt;
    o.n_prompt = 12;
    o.seed = 42;
    o.ignore_eog = true;
    o.user = h;
    o.on_text = on_text;
    o.on_token = on_token;
    o.cancel = &h->cancel;
    ck_assert_msg(ry_generate(session, &o, &out, &err) == RY_OK, "%s", err.text);
    return out;
}

START_TEST(switching_kernels_and_threads_changes_no_token)
{
    struct heard plain = {0}, switched = {.switch_every = 3};
    struct ry_generated a = run(&plain, (struct ry_generate){.max_tokens = 60});
    struct ry_generated b = run(&switched, (struct ry_generate){.max_tokens = 60});
    ck_assert_int_eq(a.finish, RY_FINISH_LENGTH);
    ck_assert_uint_eq(a.n_generated, 60);
    ck_assert_uint_eq(a.n_reused, 0);
    ck_assert_uint_eq(b.n_reused, 11);
    ck_assert_mem_eq(plain.ids, switched.ids, 60 * sizeof *plain.ids);
    ck_assert_str_eq(ry_buf_str(&plain.text), ry_buf_str(&switched.text));
    ry_buf_done(&plain.text);
    ry_buf_done(&switched.text);
}
END_TEST

START_TEST(a_stop_string_ends_the_text_before_it)
{
    struct heard whole = {0};
    run(&whole, (struct ry_generate){.max_tokens = 60});
    /* Every stop string that stands in the text, cut at a character, ends it at its first place. */
    const char *text = ry_buf_str(&whole.text);
    for (size_t at = 0; at + 4 < whole.text.len; at++) {
        char stop[8] = {0};
        int32_t cp;
        size_t n = ry_utf8_decode(text + at, whole.text.len - at, &cp);
        if (cp < 0)
            continue;
        n += ry_utf8_decode(text + at + n, whole.text.len - at - n, &cp);
        if (cp < 0 || n > 7)
            continue;
        memcpy(stop, text + at, n);
        const char *const stops[] = {"never said", stop};
        struct heard h = {0};
        struct ry_generated r =
            run(&h, (struct ry_generate){.max_tokens = 60, .stops = stops, .n_stops = 2});
        size_t first = (size_t)(strstr(text, stop) - text);
        ck_assert_int_eq(r.finish, RY_FINISH_STOP);
        ck_assert_uint_eq(h.text.len, first);
        ck_assert_mem_eq(ry_buf_str(&h.text), text, first);
        ry_buf_done(&h.text);
        at += 16;
    }
    ry_buf_done(&whole.text);
}
END_TEST

/* Where text ends by the rule: before the stop string that ends first, the longest of those. */
static size_t naive_end(const char *text, size_t len, const char *const *stops, size_t n_stops)
{
    for (size_t end = 1; end <= len; end++)
        for (size_t at = 0; at < end; at++)
            for (size_t k = 0; k < n_stops; k++)
                if (strlen(stops[k]) == end - at && memcmp(text + at, stops[k], end - at) == 0)
                    return at;
    return len;
}

/* A stop string that has begun and never comes must not hide a whole one inside it, at no length of the answer. */
START_TEST(a_stop_string_inside_the_beginning_of_another)
{
    struct heard whole = {0};
    run(&whole, (struct ry_generate){.max_tokens = 40});
    const char *text = ry_buf_str(&whole.text);
    char outer[16] = {0}, inner[8] = {0};
    int32_t cp;
    size_t at = whole.text.len / 2;
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    size_t n = ry_utf8_decode(text + at, whole.text.len - at, &cp);
    size_t m = ry_utf8_decode(text + at + n, whole.text.len - at - n, &cp);
    memcpy(outer, text + at, n + m);
    strcat(outer, "\x01~");
    memcpy(inner, text + at + n, m);
    const char *const stops[] = {outer, inner};
    for (int max = 1; max <= 40; max++) {
        struct heard free = {0}, h = {0};
        run(&free, (struct ry_generate){.max_tokens = max});
        run(&h, (struct ry_generate){.max_tokens = max, .stops = stops, .n_stops = 2});
        size_t want = naive_end(ry_buf_str(&free.text), free.text.len, stops, 2);
        ck_assert_uint_eq(h.text.len, want);
        ck_assert_mem_eq(ry_buf_str(&h.text), ry_buf_str(&free.text), want);
        ck_assert_uint_le(h.n_ids, free.n_ids);
        ry_buf_done(&free.text);
        ry_buf_done(&h.text);
    }
    ry_buf_done(&whole.text);
}
END_TEST

START_TEST(cancel_keeps_what_was_said)
{
    struct heard whole = {0}, h = {.stop_at = 9};
    run(&whole, (struct ry_generate){.max_tokens = 30});
    struct ry_generated r = run(&h, (struct ry_generate){.max_tokens = -1});
    ck_assert_int_eq(r.finish, RY_FINISH_CANCELLED);
    ck_assert_uint_eq(h.n_ids, 9);
    ck_assert_mem_eq(h.ids, whole.ids, 9 * sizeof *h.ids);
    ry_buf_done(&h.text);
    ry_buf_done(&whole.text);
}
END_TEST

START_TEST(the_window_is_an_end)
{
    struct heard h = {0};
    struct ry_generated r = run(&h, (struct ry_generate){.max_tokens = -1});
    ck_assert_int_eq(r.finish, RY_FINISH_CONTEXT);
    ck_assert_uint_eq(r.n_generated, 128 - 12 + 1); /* the last one needs no position */
    ry_buf_done(&h.text);
    ry_err err = {0};
    struct ry_generated out;
    int32_t many[200];
    tiny_ids(many, 200, ry_engine_info(engine)->n_vocab, 1);
    struct ry_generate o = {.prompt = many, .n_prompt = 200, .max_tokens = 4};
    ck_assert_int_eq(ry_generate(session, &o, &out, &err), RY_ERR_CONTEXT);
    ck_assert_ptr_nonnull(strstr(err.text, "200"));
    o.n_prompt = 0;
    ck_assert_int_eq(ry_generate(session, &o, &out, &err), RY_ERR_INPUT);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("generate");
    TCase *tc = tcase_create("ends");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, switching_kernels_and_threads_changes_no_token);
    tcase_add_test(tc, a_stop_string_ends_the_text_before_it);
    tcase_add_test(tc, a_stop_string_inside_the_beginning_of_another);
    tcase_add_test(tc, cancel_keeps_what_was_said);
    tcase_add_test(tc, the_window_is_an_end);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
