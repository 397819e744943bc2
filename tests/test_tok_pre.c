/* engine/tok_pre: words of hand-made texts, no byte lost in random ones, linear on long runs. */
#include "ryot_test.h"

#include "engine/tok_pre.h"
#include "src/base/buf.h"

struct words {
    const char *text;
    size_t at; /* end of the word before */
    size_t n;
    ry_buf joined;       /* words between bars; NULL data while only counting */
    bool join, in_order; /* every word began where the last one ended, and was not empty */
};

static bool take(void *user, size_t begin, size_t end)
{
    struct words *w = user;
    w->in_order = w->in_order && begin == w->at && begin < end;
    w->at = end;
    w->n++;
    if (w->join) {
        if (w->joined.len)
            ry_buf_addc(&w->joined, '|');
        ry_buf_add(&w->joined, w->text + begin, end - begin);
    }
    return true;
}

static void check(const char *pre, const char *text, const char *want)
{
    struct words w = {.text = text, .join = true, .in_order = true};
    const struct ry_pre *p = ry_pre_find(pre, strlen(pre));
    ck_assert_msg(p != NULL, "no pre-tokenizer '%s'", pre);
    ck_assert(ry_pre_split(p, text, strlen(text), take, &w));
    ck_assert(w.in_order);
    ck_assert_uint_eq(w.at, strlen(text));
    ck_assert_msg(strcmp(ry_buf_str(&w.joined), want) == 0, "%s: '%s' gives '%s', not '%s'", pre,
                  text, ry_buf_str(&w.joined), want);
    ry_buf_done(&w.joined);
}

START_TEST(test_words)
{
    check("llama-bpe", "Hello world", "Hello| world");
    check("llama-bpe", "I'LL you'Re 'x", "I|'LL| you|'Re| '|x");
    check("llama-bpe", "1234567", "123|456|7");
    check("llama-bpe", "a  b\n\n  c", "a| | b|\n\n| | c");
    check("llama-bpe", "x!!\n\ny", "x|!!\n\n|y");
    check("llama-bpe", "\tend  \n ", "\tend|  \n| ");
    check("llama-bpe", "(don't)", "(don|'t|)");
    check("llama-bpe", "\xD0\x9F\xD1\x80 \xE6\x97\xA5\xE6\x9C\xAC",
          "\xD0\x9F\xD1\x80| \xE6\x97\xA5\xE6\x9C\xAC");
    check("llama3", "12345", "123|45");
    check("smaug-bpe", "12345", "123|45");
    check("qwen2", "abc 123", "abc| |1|2|3");
    check("qwen2", "we'VE", "we|'VE");
    check("gpt-2", "we'VE we've", "we|'|VE| we|'ve");
    check("gpt-2", "a1234 5678", "a|1234| 5678");
    check("gpt-2", "x \n y", "x| \n| y");
    check("gpt-2", " !? \xC3\xA9", " !?| \xC3\xA9");
    check("smollm", "a1234 56", "a|1|2|3|4| |5|6");
    check("starcoder", "x=10", "x|=|1|0");
    check("refact", "v2.1", "v|2|.|1");
    check("deepseek-llm", "Hi there\n\n12 34!", "Hi| there|\n|\n|12| |34|!");
    check("deepseek-llm",
          "\xE4\xBD\xA0\xE5\xA5\xBD"
          "abc",
          "\xE4\xBD\xA0\xE5\xA5\xBD|abc");
    check("deepseek-llm", "a   ", "a|   ");
    check("deepseek-llm", "a   b", "a|  | b");
    check("deepseek-coder", "foo(12)\n", "foo|(|1|2|)|\n");
    check("default", "a+b=12345", "a|+|b|=|123|45");
    check("default", "Hi, you're", "Hi|,| you|'|re");
    ck_assert_ptr_null(ry_pre_find("nonsense", 8));
    ck_assert_ptr_null(ry_pre_find("", 0));
}
END_TEST

START_TEST(test_nothing_lost)
{
    static const char *const parts[] = {"a",
                                        "Z",
                                        " ",
                                        "  ",
                                        "\n",
                                        "\r\n",
                                        "\t",
                                        "1",
                                        "\xD9\xA1",
                                        "'",
                                        "'s",
                                        "'LL",
                                        "!",
                                        "$",
                                        "\xC2\xA0",
                                        "_",
                                        "\xFF",
                                        "\xE2\x82",
                                        "\xE3\x80\x80",
                                        "\xE4\xBD\xA0",
                                        "\xC3\xA9",
                                        "\xF0\x9F\x98\x80",
                                        "\xCC\x81",
                                        "\xE2\x80\x8B",
                                        "\xC3"};
    uint64_t state = 1;
    const struct ry_pre *pre;
    for (size_t row = 0; (pre = ry_pre_at(row)); row++) {
        for (int round = 0; round < 400; round++) {
            ry_buf text = {0};
            for (int i = round % 40; i >= 0; i--) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                ry_buf_adds(&text, parts[(state >> 33) % (sizeof parts / sizeof parts[0])]);
            }
            struct words w = {.text = ry_buf_str(&text), .in_order = true};
            ck_assert(ry_pre_split(pre, text.data, text.len, take, &w));
            ck_assert(w.in_order);
            ck_assert_uint_eq(w.at, text.len);
            ry_buf_done(&text);
        }
        struct words none = {.text = ""};
        ck_assert(ry_pre_split(pre, "", 0, take, &none));
        ck_assert_uint_eq(none.n, 0);
    }
}
END_TEST

/* A megabyte of one class, and of runs that each rule tries in vain: recursion would overflow the stack here, and
 * looking again from every place would not end within the suite's time. */
START_TEST(test_long_runs)
{
    static const char *const units[] = {"a",  " ",   "\n",           "7",           "!",
                                        "'",  " \t", "\xE4\xBD\xA0", "\xFF",        "\xC2\xA0",
                                        " 1", "\r",  "'s",           "\xE3\x80\x80"};
    enum { BYTES = 1 << 20 };
    const struct ry_pre *pre;
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        ry_buf text = {0};
        while (text.len < BYTES)
            ry_buf_adds(&text, units[u]);
        ry_buf_addc(&text, 'x');
        ck_assert(!text.failed);
        for (size_t row = 0; (pre = ry_pre_at(row)); row++) {
            struct words w = {.text = text.data, .in_order = true};
            ck_assert(ry_pre_split(pre, text.data, text.len, take, &w));
            ck_assert(w.in_order);
            ck_assert_uint_eq(w.at, text.len);
        }
        ry_buf_done(&text);
    }
}
END_TEST

static bool stop_at_second(void *user, size_t begin, size_t end)
{
    int *n = user;
    (void)begin;
    (void)end;
    return ++*n < 2;
}

START_TEST(test_callback_stops)
{
    int n = 0;
    ck_assert(!ry_pre_split(ry_pre_find("gpt-2", 5), "a b c d", 7, stop_at_second, &n));
    ck_assert_int_eq(n, 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tok_pre");
    TCase *tc = tcase_create("tok_pre");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_words);
    tcase_add_test(tc, test_nothing_lost);
    tcase_add_test(tc, test_long_runs);
    tcase_add_test(tc, test_callback_stops);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
