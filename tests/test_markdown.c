/* Markdown in a layout: what it looks like, and that streaming ends where the whole text would. */
#include "ryot_test.h"

#include <stdint.h>

#include "src/base/mem.h"
#include "src/base/utf8.h"
#include "ui/markdown.h"
#include "ui/message.h"

static struct ry_messages messages;

static void setup(void)
{
    memset(&messages, 0, sizeof messages);
}

static void teardown(void)
{
    ry_messages_done(&messages);
    ck_assert_int_eq(ry_mem_n_live(), 0);
}

static const struct ry_layout *lay_out(const char *text, size_t len, bool streaming, int width)
{
    struct ry_ui_message m = {
        .id = 1, .role = RY_UI_ASSISTANT, .text = text, .len = len, .streaming = streaming};
    return ry_messages_get(&messages, &m, width, false);
}

/* The drawn lines, as a screen would show them. */
static const char *drawn(const struct ry_layout *layout)
{
    static char out[65536];
    struct ry_grid grid = {0};
    size_t n = 0;
    ck_assert(ry_grid_resize(&grid, (int)layout->n_lines, layout->width));
    for (size_t i = 0; i < layout->n_lines; i++)
        ry_layout_draw(layout, i, &grid, (int)i, 0);
    for (int y = 0; y < grid.rows; y++) {
        size_t end = n;
        for (int x = 0; x < grid.cols; x++) {
            const struct ry_glyph *g = &grid.cells[y * grid.cols + x].glyph;
            ck_assert_uint_lt(n + 64, sizeof out);
            for (int k = 0; k < g->n; k++)
                n += ry_utf8_encode(g->cp[k], out + n);
            if (g->n && g->cp[0] != ' ')
                end = n;
        }
        n = end;
        out[n++] = '\n';
    }
    out[n] = '\0';
    ry_grid_done(&grid);
    return out;
}

static void looks(const char *source, int width, const char *want)
{
    ck_assert_str_eq(drawn(lay_out(source, strlen(source), false, width)), want);
    ry_messages_done(&messages);
}

START_TEST(blocks)
{
    looks("one\ntwo\n\nthree", 20, "one two\n\nthree\n");
    looks("# Title\ntext", 20, "Title\n\ntext\n");
    looks("a\n\n---\n\nb", 5, "a\n\n─────\n\nb\n");
    looks("> quoted text\n> more", 12, "│ quoted\n│ text more\n");
    looks("hard  \nbreak", 20, "hard\nbreak\n");
    looks("", 20, "\n");
}
END_TEST

START_TEST(lists)
{
    looks("- a\n- b\n  - c\n- d", 20, "• a\n• b\n  • c\n• d\n");
    looks("9. nine\n10. ten is longer than that", 16,
          "9. nine\n10. ten is\n    longer than\n    that\n");
    looks("- a\n\n- b\n\n  more\n\nend", 20, "• a\n\n• b\n\n  more\n\nend\n");
    looks("- [x] done\n- [ ] open", 20, "• [x] done\n• [ ] open\n");
    looks("- \n- x", 20, "•\n• x\n");
    looks("- a\n  ```\n  c\n  ```\n- b", 12,
          "• a\n  ┌────────┐\n  │ c      │\n  └────────┘\n• b\n");
}
END_TEST

START_TEST(code_has_a_frame)
{
    looks("```python\nfor x in y:\n\tpass\n```\nend", 20,
          "┌ python ──────────┐\n"
          "│ for x in y:      │\n"
          "│     pass         │\n"
          "└──────────────────┘\n"
          "\n"
          "end\n");
    looks("```\nunfinished", 16, "┌──────────────┐\n│ unfinished   │\n└──────────────┘\n");
    looks("```\na long line of code\n```", 14,
          "┌────────────┐\n│ a long lin │\n│ e of code  │\n└────────────┘\n");
    looks("```\n\n```", 8, "┌──────┐\n│      │\n└──────┘\n");
}
END_TEST

START_TEST(tables)
{
    looks("| a | b |\n|---|--:|\n| one | 1 |\n| two | 20 |", 30,
          "a   │  b\n────┼───\none │  1\ntwo │ 20\n");
    looks("| name | text |\n|---|---|\n| x | words that need room |", 20,
          "name │ text\n─────┼──────────────\nx    │ words that\n     │ need room\n");
    looks("| a | b | c |\n|---|---|---|\n| 12345 | 12345 | 12345 |", 9,
          "a | b | c\n12345 |\n12345 |\n12345\n");
}
END_TEST

START_TEST(spans)
{
    looks("*em* **strong** `code` ~~gone~~ &amp; &#x41; &copy;", 60,
          "em strong `code` ~~gone~~ & A &copy;\n");
    looks("[here](http://a.b) <http://c.d> ![pic](e.f)", 60,
          "here (http://a.b) http://c.d image: pic (e.f)\n");
    looks("<b>html</b> is text", 60, "<b>html</b> is text\n");
    looks("&#27;[31m &#x202E;x", 60, "^[[31m <U+202E>x\n");
}
END_TEST

START_TEST(attributes_follow_the_source)
{
    const char *s = "a **b** *c* `d`\n\n# e";
    const struct ry_layout *l = lay_out(s, strlen(s), false, 40);
    static const struct {
        const char *text;
        unsigned attr;
    } want[] = {{"a ", RY_AT_TEXT},
                {"b", RY_AT_TEXT | RY_AT_BOLD},
                {" ", RY_AT_TEXT},
                {"c", RY_AT_TEXT | RY_AT_ITALIC},
                {" ", RY_AT_TEXT},
                {"`d`", RY_AT_CODE},
                {"e", RY_AT_HEADING | RY_AT_BOLD | RY_AT_UNDERLINE}};
    ck_assert_uint_eq(l->n_runs, sizeof want / sizeof *want);
    for (size_t i = 0; i < l->n_runs; i++) {
        ck_assert_uint_eq(l->runs[i].len, strlen(want[i].text));
        ck_assert_mem_eq(l->text.data + l->runs[i].off, want[i].text, l->runs[i].len);
        ck_assert_uint_eq(l->runs[i].attr, want[i].attr);
    }
}
END_TEST

static const char *const sources[] = {
    ("# T\n\npara one\nstill\n\n1. a\n2. b\n\n3. c\n\n   d\n\n```c\nint x;\n\ny\n```\nafter\n\n"
     "- x\n\n- y\n\n1"),
    "text\n\n1\n\n2) two\n\n3) three\n\n```\n``\n```` \n\n> q\n\n> r\n\nend",
    "| a | b |\n|--|--|\n| 1 | 2 |\n\n***\n\n~~~\n```\n~~~\n**bold\n\nnot**",
    "- a\n\n  ```\n  code\n\n  more\n  ```\n\n- b\n\n-\n\nx\n\n   \n\n\ty\n\n+ z",
    "\xE4\xB8\xAD\xE6\x96\x87\n\n\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB \x1B[31m\r\n\r\nx\r",
};

START_TEST(streaming_ends_where_the_whole_begins)
{
    const char *s = sources[_i];
    size_t len = strlen(s);
    static char whole[65536];
    snprintf(whole, sizeof whole, "%s", drawn(lay_out(s, len, false, 24)));
    for (size_t step = 1; step < 8; step++) {
        ry_messages_done(&messages);
        for (size_t at = step; at < len; at += step)
            lay_out(s, at, true, 24);
        ck_assert_str_eq(drawn(lay_out(s, len, false, 24)), whole);
    }
}
END_TEST

START_TEST(a_token_costs_the_last_block)
{
    ry_buf text = {0};
    for (int i = 0; i < 500; i++)
        ry_buf_addf(&text, "paragraph %d\n\n", i);
    lay_out(text.data, text.len, true, 40);
    ck_assert_uint_ge(messages.n_blocks, 500);
    size_t before = messages.n_blocks;
    for (int i = 0; i < 100; i++) {
        ry_buf_adds(&text, "word ");
        lay_out(text.data, text.len, true, 40);
    }
    ck_assert_uint_le(messages.n_blocks - before, 200);
    before = messages.n_blocks;
    lay_out(text.data, text.len, true, 40);
    ck_assert_uint_eq(messages.n_blocks, before);
    ry_buf_done(&text);
}
END_TEST

START_TEST(what_costs_too_much_is_shown_as_source)
{
    ry_buf text = {0};
    for (int i = 0; i < 60; i++)
        ry_buf_adds(&text, "|a");
    ry_buf_adds(&text, "|\n");
    for (int i = 0; i < 60; i++)
        ry_buf_adds(&text, "|-");
    ry_buf_adds(&text, "|\n");
    const struct ry_layout *l = lay_out(text.data, text.len, false, 200);
    ck_assert_ptr_nonnull(strstr(l->text.data, "|a|a|a"));
    ry_buf_clear(&text);
    for (int i = 0; i < 5000; i++)
        ry_buf_addc(&text, '>');
    ry_buf_adds(&text, "deep");
    messages.slots[0].used = 0;
    l = lay_out(text.data, text.len, false, 80);
    ck_assert_ptr_nonnull(strstr(l->text.data, "deep"));
    ry_buf_done(&text);
}
END_TEST

START_TEST(a_changed_message_is_laid_out_anew)
{
    ck_assert_str_eq(drawn(lay_out("abc", 3, false, 20)), "abc\n");
    ck_assert_str_eq(drawn(lay_out("xyz", 2, true, 20)), "xy\n");
    ck_assert_str_eq(drawn(lay_out("xyz", 3, false, 20)), "xyz\n");
    struct ry_ui_message m = {
        .id = 1, .role = RY_UI_ASSISTANT, .text = "xyz", .len = 3, .tail = "end"};
    ck_assert_str_eq(drawn(ry_messages_get(&messages, &m, 20, false)), "xyz  end\n");
    m.tail = NULL;
    ck_assert_str_eq(drawn(ry_messages_get(&messages, &m, 20, false)), "xyz\n");
    m.text = "**x**";
    m.len = 5;
    ck_assert_str_eq(drawn(ry_messages_get(&messages, &m, 20, true)), "**x**\n");
    ck_assert_str_eq(drawn(ry_messages_get(&messages, &m, 20, false)), "x\n");
}
END_TEST

START_TEST(no_memory_shows_what_there_is)
{
    const char *s = sources[_i];
    for (uint64_t nth = 1; nth < 60; nth++) {
        ry_mem_fail_nth(nth, true);
        lay_out(s, strlen(s), false, 24);
        ry_mem_fail_nth(0, false);
        ry_messages_done(&messages);
    }
    ck_assert_int_eq(ry_mem_n_live(), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("markdown");
    TCase *t = tcase_create("markdown");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, blocks);
    tcase_add_test(t, lists);
    tcase_add_test(t, code_has_a_frame);
    tcase_add_test(t, tables);
    tcase_add_test(t, spans);
    tcase_add_test(t, attributes_follow_the_source);
    tcase_add_loop_test(t, streaming_ends_where_the_whole_begins, 0, 5);
    tcase_add_test(t, a_token_costs_the_last_block);
    tcase_add_test(t, what_costs_too_much_is_shown_as_source);
    tcase_add_test(t, a_changed_message_is_laid_out_anew);
    tcase_add_loop_test(t, no_memory_shows_what_there_is, 0, 5);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
