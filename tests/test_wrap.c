/* Breaking text into rows, units and widths, finding. */
#include "ryot_test.h"

#include <stdint.h>

#include "ui/cells.h"
#include "ui/find.h"
#include "ui/wrap.h"

/* Rows joined by '|', a soft break shown as '/' instead. */
static const char *wrapped(const char *s, int width, bool words)
{
    static char out[4096];
    struct ry_wrap wrap;
    struct ry_wrap_row row;
    size_t n = 0;
    ry_wrap_begin(&wrap, s, strlen(s), words);
    while (ry_wrap_next(&wrap, width, &row)) {
        n += (size_t)snprintf(out + n, sizeof out - n, "%.*s%c", (int)row.len, s + row.start,
                              wrap.done  ? '.'
                              : row.hard ? '|'
                                         : '/');
    }
    return out;
}

START_TEST(words_break_at_spaces)
{
    ck_assert_str_eq(wrapped("", 10, true), ".");
    ck_assert_str_eq(wrapped("one two three", 8, true), "one two/three.");
    ck_assert_str_eq(wrapped("one two three", 7, true), "one two/three.");
    ck_assert_str_eq(wrapped("one two three", 6, true), "one/two/three.");
    ck_assert_str_eq(wrapped("one    two", 5, true), "one/two.");
    ck_assert_str_eq(wrapped("a\n\nb\n", 5, true), "a||b|.");
    ck_assert_str_eq(wrapped("abcdefgh", 3, true), "abc/def/gh.");
    ck_assert_str_eq(wrapped("ab cdefgh", 4, true), "ab/cdef/gh.");
    ck_assert_str_eq(wrapped("well-known fact", 6, true), "well-/known/fact.");
    ck_assert_str_eq(wrapped("one two", 3, false), "one/ tw/o.");
    ck_assert_str_eq(wrapped("ab", 0, true), "a/b.");
}
END_TEST

START_TEST(wide_characters_break_anywhere_but_before_punctuation)
{
    ck_assert_str_eq(wrapped("中文字", 4, true), "中文/字.");
    ck_assert_str_eq(wrapped("中文。字", 4, true), "中/文。/字.");
    ck_assert_str_eq(wrapped("a中", 2, true), "a/中.");
    ck_assert_str_eq(wrapped("中", 1, true), "中.");
}
END_TEST

START_TEST(units_are_clusters)
{
    static const struct {
        const char *s;
        size_t bytes;
        int width;
    } units[] = {
        {"ab", 1, 1},
        {"e\xCC\x81x", 3, 1},
        {"中x", 3, 2},
        {"\x1B[", 1, 2},
        {"\n", 1, 0},
        {"\tx", 1, RY_TAB_CELLS},
        {"\xFFz", 1, 1},
        {"\x9B", 1, 4},
        {"\xE2\x80\xAEx", 3, 8},
        {"\U0001F469\u200D\U0001F4BBx", 11, 4}, /* two glyphs side by side */
        {"\u2764\uFE0Fx", 6, 1},
        {"\U0001F1EF\U0001F1F5x", 8, 2},
        {"\u0928\u0940x", 6, 2}, /* a spacing vowel sign has a cell of its own */
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int width;
        size_t len = strlen(units[i].s);
        size_t n = ry_cells_unit(units[i].s, len, &width);
        ck_assert_msg(n == units[i].bytes && width == units[i].width,
                      "unit %zu: %zu bytes, %d cells", i, n, width);
        ck_assert_uint_eq(ry_cells_unit_before(units[i].s, n), n);
    }
    ck_assert_int_eq(ry_cells_width("a中e\xCC\x81", 7), 4);
    int width;
    ck_assert_uint_eq(ry_cells_fit("a中中", 7, 4, &width), 4);
    ck_assert_int_eq(width, 3);
}
END_TEST

/* Whatever the bytes: rows cover the text in order, no row is wider than asked unless it is one
 * unit. */
START_TEST(any_bytes_wrap)
{
    uint64_t seed = 0x9E3779B97F4A7C15u + (uint64_t)_i;
    char text[200];
    for (size_t i = 0; i < sizeof text; i++) {
        static const char some[] =
            "ab -\n\t\x1B\xE4\xB8\xAD\xF0\x9F\x91\xA9\xE2\x80\x8D\xCC\x81\xFF\x9B";
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        text[i] = some[(seed >> 33) % (sizeof some - 1)];
    }
    for (int width = 1; width < 30; width += 4) {
        struct ry_wrap wrap;
        struct ry_wrap_row row;
        size_t at = 0;
        ry_wrap_begin(&wrap, text, sizeof text, _i % 2 == 0);
        while (ry_wrap_next(&wrap, width, &row)) {
            ck_assert_msg(row.start == at && row.start + row.len <= row.next, "seed %d", _i);
            int cells = ry_cells_width(text + row.start, row.len);
            bool one = row.len && ry_cells_unit(text + row.start, row.len, NULL) == row.len;
            size_t end = row.start + row.len;
            bool hangs = _i % 2 == 0 && end > row.start && text[end - 1] == ' ';
            ck_assert_msg(cells <= width || one || hangs, "seed %d: %d of %d cells", _i, cells,
                          width);
            at = row.next;
        }
        ck_assert_uint_eq(at, sizeof text);
    }
}
END_TEST

START_TEST(finding_ignores_case)
{
    size_t at;
    const char *s = "Größe und GRÖSSE, grÖße";
    ck_assert_uint_eq(ry_find(s, strlen(s), "GRÖ", 4, 0, &at), 4);
    ck_assert_uint_eq(at, 0);
    ck_assert_uint_eq(ry_find(s, strlen(s), "grö", 4, 1, &at), 4);
    ck_assert_uint_eq(at, strlen("Größe und "));
    ck_assert_uint_eq(ry_find_last(s, strlen(s), "grö", 4, SIZE_MAX, &at), 4);
    ck_assert_uint_eq(at, strlen("Größe und GRÖSSE, "));
    ck_assert_uint_eq(ry_find(s, strlen(s), "x", 1, 0, &at), 0);
    ck_assert_uint_eq(ry_find(s, strlen(s), "", 0, 0, &at), 0);
    ck_assert_uint_eq(ry_find("a", 1, "ab", 2, 0, &at), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("wrap");
    TCase *t = tcase_create("wrap");
    tcase_add_test(t, words_break_at_spaces);
    tcase_add_test(t, wide_characters_break_anywhere_but_before_punctuation);
    tcase_add_test(t, units_are_clusters);
    tcase_add_loop_test(t, any_bytes_wrap, 0, 200);
    tcase_add_test(t, finding_ignores_case);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
