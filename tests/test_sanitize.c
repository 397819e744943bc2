/* The sanitiser: every rule of its table, and that the place of a split never changes the outcome.
 */
#include "ryot_test.h"

#include <stdint.h>

#include "src/base/mem.h"
#include "src/base/sanitize.h"

#define MARK "\xE2\x97\x8C"
#define BAD  "\xEF\xBF\xBD"

struct row {
    const char *in, *out;
};

static const struct row rows[] = {
    {"plain \xC3\xA4 \xE4\xB8\xAD\n\tx", "plain \xC3\xA4 \xE4\xB8\xAD\n\tx"},
    {"\x1B[31mred\x1B[0m", "^[[31mred^[[0m"},
    {"a\r\nb", "a\nb"},
    {"a\rb\r", "a^Mb^M"},
    {"\r\r\n", "^M\n"},
    {"x\by\x7F\x01\x1F", "x^Hy^?^A^_"},
    {"\xC2\x9B"
     "31m",
     "<U+009B>31m"},
    {"\x9B"
     "31m \x85",
     "<9B>31m <85>"},
    {"\xA0\xFF", BAD BAD},
    {"\xC0\xAF \xED\xA0\x80", BAD BAD " " BAD BAD "<80>"},
    {"\xE4\xB8x \xF0\x9F\x98", BAD "x " BAD},
    {"\xF0\x9F\x98\xE4\xB8\xAD", BAD "\xE4\xB8\xAD"},
    {"a\xE2\x80\xAE"
     "b\xE2\x81\xA6"
     "c\xE2\x80\x8F\xD8\x9C",
     "a<U+202E>b<U+2066>c<U+200F><U+061C>"},
    {"p\xE2\x80\xA8q\xE2\x80\xA9", "p<U+2028>q<U+2029>"},
    {"a\xE2\x80\x8B"
     "b\xE2\x81\xA0"
     "c\xEF\xBB\xBF"
     "d\xC2\xAD"
     "e",
     "a" MARK "b" MARK "c" MARK "d" MARK "e"},
    {"t\xF3\xA0\x80\x81\xF3\xA0\x81\xA1\xF3\xA0\x81\xBF", "t" MARK MARK MARK},
    {"s\xF3\xA0\x84\x80", "s" MARK}, /* VS17, a smuggler's byte */
    /* ZWJ and VS16 only inside emoji: woman + ZWJ + laptop, heart + VS16 + ZWJ + fire, keycap one
     */
    {"\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",
     "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB"},
    {"\xE2\x9D\xA4\xEF\xB8\x8F\xE2\x80\x8D\xF0\x9F\x94\xA5",
     "\xE2\x9D\xA4\xEF\xB8\x8F\xE2\x80\x8D\xF0\x9F\x94\xA5"},
    {"1\xEF\xB8\x8F\xE2\x83\xA3", "1\xEF\xB8\x8F\xE2\x83\xA3"},
    {"1\xEF\xB8\x8Fx", "1" MARK "x"},
    {"1\xEF\xB8\x8F", "1" MARK},
    {"a\xE2\x80\x8D"
     "b",
     "a" MARK "b"},
    {"\xF0\x9F\x91\xA9\xE2\x80\x8Dx", "\xF0\x9F\x91\xA9" MARK "x"},
    {"\xF0\x9F\x91\xA9\xE2\x80\x8D\xE2\x80\x8D\xF0\x9F\x92\xBB",
     "\xF0\x9F\x91\xA9" MARK MARK "\xF0\x9F\x92\xBB"},
    {"\xF0\x9F\x91\xA9\xE2\x80\x8D", "\xF0\x9F\x91\xA9" MARK},
    {"x\xEF\xB8\x8F", "x" MARK},
    {"\xE2\x9D\xA4\xEF\xB8\x8F\xEF\xB8\x8F", "\xE2\x9D\xA4\xEF\xB8\x8F" MARK},
    /* hand with a skin tone, joined */
    {"\xF0\x9F\x91\xA9\xF0\x9F\x8F\xBD\xE2\x80\x8D\xF0\x9F\x92\xBB",
     "\xF0\x9F\x91\xA9\xF0\x9F\x8F\xBD\xE2\x80\x8D\xF0\x9F\x92\xBB"},
    /* ZWNJ between Persian letters stays, between Latin ones it hides */
    {"\xD9\x85\xE2\x80\x8C\xD8\xAE", "\xD9\x85\xE2\x80\x8C\xD8\xAE"},
    {"a\xE2\x80\x8C"
     "b",
     "a" MARK "b"},
    {"\xCC\x81"
     "e",
     MARK "\xCC\x81"
          "e"},
    {"e\xCC\x81\n\xCC\x81", "e\xCC\x81\n" MARK "\xCC\x81"},
    {"\xEF\xB7\x90\xEF\xBF\xBE", BAD BAD},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static void same(const ry_buf *got, const char *want, const char *what, int at)
{
    ck_assert_msg(strcmp(ry_buf_str(got), want) == 0, "%s at %d: got \"%s\", want \"%s\"", what, at,
                  ry_buf_str(got), want);
}

START_TEST(every_rule_holds)
{
    const struct row *row = &rows[_i];
    ry_buf out = {0};
    ck_assert(ry_sanitize_text(row->in, strlen(row->in), &out));
    same(&out, row->out, "whole", _i);
    ry_buf_done(&out);
}
END_TEST

START_TEST(a_split_changes_nothing)
{
    const struct row *row = &rows[_i];
    size_t len = strlen(row->in);
    for (size_t cut = 0; cut <= len; cut++) {
        struct ry_sanitize san = {0};
        ry_buf out = {0};
        ck_assert(ry_sanitize_push(&san, row->in, cut, &out));
        ck_assert(ry_sanitize_push(&san, row->in + cut, len - cut, &out));
        ck_assert(ry_sanitize_flush(&san, &out));
        same(&out, row->out, "cut", (int)cut);
        ry_buf_done(&out);
    }
    struct ry_sanitize san = {0};
    ry_buf out = {0};
    for (size_t i = 0; i < len; i++)
        ck_assert(ry_sanitize_push(&san, row->in + i, 1, &out));
    ck_assert(ry_sanitize_flush(&san, &out));
    same(&out, row->out, "bytes", _i);
    ry_buf_done(&out);
}
END_TEST

START_TEST(an_escape_over_two_tokens_is_shown_at_once)
{
    struct ry_sanitize san = {0};
    ry_buf out = {0};
    ck_assert(ry_sanitize_push(&san, "a\x1B", 2, &out));
    ck_assert_str_eq(ry_buf_str(&out), "a^[");
    ck_assert(ry_sanitize_push(&san, "]0;title\a", 9, &out));
    ck_assert_str_eq(ry_buf_str(&out), "a^[]0;title^G");
    ck_assert(ry_sanitize_push(&san, "\xE4", 1, &out));
    ck_assert(ry_sanitize_push(&san, "\xB8", 1, &out));
    ck_assert(ry_sanitize_push(&san, "\xAD", 1, &out));
    ck_assert_str_eq(ry_buf_str(&out), "a^[]0;title^G\xE4\xB8\xAD");
    ry_buf_done(&out);
}
END_TEST

START_TEST(nul_is_shown)
{
    ry_buf out = {0};
    ck_assert(ry_sanitize_text("a\0b", 3, &out));
    ck_assert_str_eq(ry_buf_str(&out), "a^@b");
    ck_assert_uint_eq(out.len, 4);
    ry_buf_done(&out);
}
END_TEST

START_TEST(marks_are_capped)
{
    ry_buf in = {0}, out = {0};
    ry_buf_addc(&in, 'e');
    for (int i = 0; i < 500; i++)
        ry_buf_adds(&in, "\xCC\x81");
    ry_buf_adds(&in, "f\xCC\x81");
    ck_assert(ry_sanitize_text(in.data, in.len, &out));
    ck_assert_uint_eq(out.len, 1 + 2 * RY_SANITIZE_MAX_MARKS + 1 + 2);
    ry_buf_done(&in);
    ry_buf_done(&out);
}
END_TEST

START_TEST(one_line_for_titles_and_errors)
{
    ry_buf out = {0};
    const char *s = "a\nb\r\nc\td\x1B[2J";
    ck_assert(ry_sanitize_line(s, strlen(s), &out));
    ck_assert_str_eq(ry_buf_str(&out), "a b c d^[[2J");
    ry_buf_done(&out);

    char small[8];
    ck_assert_uint_eq(ry_sanitize_fixed("abc\xE4\xB8\xAD\xE4\xB8\xADz", 10, small, sizeof small),
                      6);
    ck_assert_str_eq(small, "abc\xE4\xB8\xAD");
    ck_assert_uint_eq(ry_sanitize_fixed("x", 1, small, 1), 0);
    ck_assert_str_eq(small, "");
}
END_TEST

START_TEST(no_memory_is_said)
{
    ry_buf out = {0};
    ry_mem_fail_nth(1, true);
    ck_assert(!ry_sanitize_text("abc", 3, &out));
    ry_mem_fail_nth(0, false);
    ck_assert(out.failed);
    ry_buf_done(&out);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sanitize");
    TCase *t = tcase_create("rules");
    tcase_add_loop_test(t, every_rule_holds, 0, N_ROWS);
    tcase_add_loop_test(t, a_split_changes_nothing, 0, N_ROWS);
    tcase_add_test(t, an_escape_over_two_tokens_is_shown_at_once);
    tcase_add_test(t, nul_is_shown);
    tcase_add_test(t, marks_are_capped);
    tcase_add_test(t, one_line_for_titles_and_errors);
    tcase_add_test(t, no_memory_is_said);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
