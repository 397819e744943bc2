/* The ground: errors, memory, arena, buffer, UTF-8, ring, wake. */
#include "ryot_test.h"

#include <pthread.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/buf.h"
#include "src/base/clock.h"
#include "src/base/err.h"
#include "src/base/mem.h"
#include "src/base/ring.h"
#include "src/base/utf8.h"
#include "src/base/wake.h"

START_TEST(err_formats_and_maps_to_exit_codes)
{
    ry_err err = {0};
    ck_assert_int_eq(ry_err_set(&err, RY_ERR_MODEL, "version %d", 9), RY_ERR_MODEL);
    ck_assert_str_eq(err.text, "version 9");
    ry_err_prefix(&err, "%s", "a.gguf");
    ck_assert_str_eq(err.text, "a.gguf: version 9");
    ck_assert_int_eq(ry_rc_exit_code(RY_OK), 0);
    ck_assert_int_eq(ry_rc_exit_code(RY_ERR_USAGE), 2);
    ck_assert_int_eq(ry_rc_exit_code(RY_ERR_MODEL), 3);
    ck_assert_int_eq(ry_rc_exit_code(RY_ERR_CONTEXT), 4);
    ck_assert_int_eq(ry_rc_exit_code(RY_ERR_VAULT), 5);
    ck_assert_int_eq(ry_err_set(NULL, RY_FAIL, "nobody listens"), RY_FAIL);
}
END_TEST

START_TEST(mem_refuses_overflow_and_fails_on_demand)
{
    ck_assert_ptr_null(ry_mem_alloc(SIZE_MAX / 2, 3));
    ck_assert_ptr_null(ry_mem_zalloc(SIZE_MAX, SIZE_MAX));
    int64_t live = ry_mem_n_live();
    void *p = ry_mem_aligned(64, 3, 5);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq((uintptr_t)p % 64, 0);
    ck_assert_int_eq(ry_mem_n_live(), live + 1);
    ry_mem_free(p);
    ck_assert_int_eq(ry_mem_n_live(), live);

    ry_mem_fail_nth(2, false);
    void *a = ry_mem_alloc(1, 1), *b = ry_mem_alloc(1, 1), *c = ry_mem_alloc(1, 1);
    ck_assert(a && !b && c);
    ry_mem_fail_nth(1, true);
    ck_assert(!ry_mem_alloc(1, 1) && !ry_mem_strdup("x") && !ry_mem_resize(a, 9, 9));
    ry_mem_fail_nth(0, false);
    ry_mem_free(a);
    ry_mem_free(c);
}
END_TEST

START_TEST(buf_grows_and_remembers_failure)
{
    ry_buf buf = {0};
    ck_assert_str_eq(ry_buf_str(&buf), "");
    for (int i = 0; i < 1000; i++)
        ck_assert(ry_buf_addf(&buf, "%d,", i));
    ck_assert_uint_eq(buf.len, 10 * 2 + 90 * 3 + 900 * 4);
    ry_buf_drop_front(&buf, 2);
    ck_assert_int_eq(strncmp(ry_buf_str(&buf), "1,2,", 4), 0);
    ry_mem_fail_nth(1, true);
    ck_assert(!ry_buf_reserve(&buf, 1 << 20));
    ry_mem_fail_nth(0, false);
    ck_assert(!ry_buf_adds(&buf, "x") && buf.failed);
    ck_assert_ptr_null(ry_buf_take(&buf));
    ry_buf_adds(&buf, "again");
    char *s = ry_buf_take(&buf);
    ck_assert_str_eq(s, "again");
    ry_mem_free(s);
}
END_TEST

START_TEST(arena_aligns_and_zeroes)
{
    ry_arena arena;
    ry_arena_init(&arena);
    for (size_t i = 0; i < 5000; i++) {
        unsigned char *p = ry_arena_alloc(&arena, i % 97, 1);
        ck_assert_uint_eq((uintptr_t)p % 16, 0);
        for (size_t j = 0; j < i % 97; j++)
            ck_assert_uint_eq(p[j], 0);
        memset(p, 0xEE, i % 97);
    }
    ck_assert_ptr_nonnull(ry_arena_alloc(&arena, 1 << 20, 1));
    ck_assert_ptr_null(ry_arena_alloc(&arena, SIZE_MAX, 2));
    ck_assert_str_eq(ry_arena_strndup(&arena, "hello world", 5), "hello");
    ry_arena_done(&arena);
}
END_TEST

START_TEST(utf8_roundtrip_of_every_code_point)
{
    for (int32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char b[4];
        int32_t back;
        size_t n = ry_utf8_encode(cp, b);
        if (cp >= 0xD800 && cp <= 0xDFFF) {
            ck_assert_uint_eq(n, 0);
            continue;
        }
        if (n == 0 || ry_utf8_decode(b, n, &back) != n || back != cp)
            ck_abort_msg("U+%04X does not come back", (unsigned)cp);
        for (size_t cut = 1; cut < n; cut++)
            if (ry_utf8_complete(b, cut) != 0)
                ck_abort_msg("U+%04X cut at %zu is not held", (unsigned)cp, cut);
        if (ry_utf8_complete(b, n) != n)
            ck_abort_msg("U+%04X whole is held", (unsigned)cp);
    }
}
END_TEST

START_TEST(utf8_malformed)
{
    static const struct {
        const char *s;
        size_t len, taken;
    } cases[] = {
        {"\x80", 1, 1},         {"\xC0\x80", 2, 1},     {"\xC1\xBF", 2, 1},
        {"\xE0\x80\x80", 3, 1}, {"\xED\xA0\x80", 3, 1}, {"\xF4\x90\x80\x80", 4, 1},
        {"\xF5", 1, 1},         {"\xFF", 1, 1},         {"\xE2\x82", 2, 2},
        {"\xE2\x82x", 3, 2},    {"\xF0\x9F\x98", 3, 3}, {"\xC3(", 2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t cp;
        ck_assert_uint_eq(ry_utf8_decode(cases[i].s, cases[i].len, &cp), cases[i].taken);
        ck_assert_int_eq(cp, -1);
    }
    size_t bad;
    ck_assert(!ry_utf8_valid("ab\xFFz", 4, &bad));
    ck_assert_uint_eq(bad, 2);
    ck_assert_uint_eq(ry_utf8_complete("ab\x80\x80\x80", 5), 5); /* hopeless bytes are not held */
}
END_TEST

START_TEST(utf8_widths)
{
    static const struct {
        const char *s;
        int cells;
    } cases[] = {
        {"abc", 3},
        {"e\xCC\x81", 1},                                    /* combining acute */
        {"\xE6\x97\xA5\xE6\x9C\xAC", 4},                     /* two wide ideographs */
        {"\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB", 2}, /* woman ZWJ laptop */
        {"\xE2\x9D\xA4\xEF\xB8\x8F", 2},                     /* heart VS16 */
        {"\xF0\x9F\x87\xAF\xF0\x9F\x87\xB5", 2},             /* flag */
        {"\xED\x95\x9C", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(ry_utf8_cells(cases[i].s, strlen(cases[i].s)) == cases[i].cells,
                      "case %zu: %d cells", i, ry_utf8_cells(cases[i].s, strlen(cases[i].s)));
}
END_TEST

enum { RING_ITEMS = 200000 };

static void *ring_producer(void *arg)
{
    for (uintptr_t i = 1; i <= RING_ITEMS;)
        if (ry_ring_push(arg, (void *)i))
            i++;
    return NULL;
}

START_TEST(ring_keeps_order_between_two_threads)
{
    ry_ring *ring = ry_ring_new(5); /* becomes 8 */
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, ring_producer, ring), 0);
    for (uintptr_t want = 1; want <= RING_ITEMS;) {
        uintptr_t got = (uintptr_t)ry_ring_pop(ring);
        if (!got)
            continue;
        ck_assert_uint_eq(got, want);
        want++;
    }
    pthread_join(t, NULL);
    ck_assert_ptr_null(ry_ring_pop(ring));
    int x;
    for (int i = 0; i < 8; i++)
        ck_assert(ry_ring_push(ring, &x));
    ck_assert(!ry_ring_push(ring, &x));
    ck_assert_uint_eq(ry_ring_count(ring), 8);
    ry_ring_free(ring);
}
END_TEST

START_TEST(wake_coalesces)
{
    ry_wake wake;
    ry_err err;
    ck_assert_int_eq(ry_wake_init(&wake, &err), RY_OK);
    ck_assert(!ry_wake_wait(&wake, 0));
    for (int i = 0; i < 1000; i++)
        ry_wake_signal(&wake);
    ck_assert(ry_wake_wait(&wake, 0));
    ck_assert(!ry_wake_wait(&wake, 0));
    uint64_t t0 = ry_clock_ms();
    ck_assert(!ry_wake_wait(&wake, 30));
    ck_assert_uint_ge(ry_clock_ms() - t0, 25);
    ry_wake_done(&wake);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("base");
    TCase *tc = tcase_create("ground");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, err_formats_and_maps_to_exit_codes);
    tcase_add_test(tc, mem_refuses_overflow_and_fails_on_demand);
    tcase_add_test(tc, buf_grows_and_remembers_failure);
    tcase_add_test(tc, arena_aligns_and_zeroes);
    tcase_add_test(tc, utf8_roundtrip_of_every_code_point);
    tcase_add_test(tc, utf8_malformed);
    tcase_add_test(tc, utf8_widths);
    tcase_add_test(tc, ring_keeps_order_between_two_threads);
    tcase_add_test(tc, wake_coalesces);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
