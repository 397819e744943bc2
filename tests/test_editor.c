/* The line editor, and the prompt history behind it. */
#include "ryot_test.h"

#include <stdint.h>
#include <sys/stat.h>

#include "src/base/mem.h"
#include "ui/cells.h"
#include "ui/editor.h"
#include "ui/history.h"

static struct ry_editor ed;

static void setup(void)
{
    memset(&ed, 0, sizeof ed);
}

static void teardown(void)
{
    ry_editor_done(&ed);
    ck_assert_int_eq(ry_mem_n_live(), 0);
}

static void type(const char *s)
{
    for (size_t i = 0; s[i];) {
        size_t n = ry_cells_unit(s + i, strlen(s + i), NULL);
        ry_editor_insert(&ed, s + i, n, false);
        i += n;
    }
}

/* The text with '|' at the cursor. */
static void is(const char *want)
{
    static char got[4096];
    const char *s = ry_buf_str(&ed.text);
    snprintf(got, sizeof got, "%.*s|%s", (int)ed.cursor, s, s + ed.cursor);
    ck_assert_str_eq(got, want);
}

START_TEST(moves_by_units_and_words)
{
    type("one twö, e\xCC\x81 中文");
    ry_editor_left(&ed);
    is("one twö, e\xCC\x81 中|文");
    ry_editor_word_left(&ed);
    is("one twö, e\xCC\x81 |中文");
    ry_editor_left(&ed);
    ry_editor_left(&ed);
    is("one twö, |e\xCC\x81 中文");
    ry_editor_word_left(&ed);
    is("one |twö, e\xCC\x81 中文");
    ry_editor_word_right(&ed);
    is("one twö|, e\xCC\x81 中文");
    ry_editor_line_start(&ed);
    ry_editor_left(&ed);
    is("|one twö, e\xCC\x81 中文");
    ry_editor_line_end(&ed);
    ry_editor_right(&ed);
    is("one twö, e\xCC\x81 中文|");
}
END_TEST

START_TEST(rows_up_and_down_keep_the_column)
{
    type("abcdef\nxy\n123456");
    ck_assert(ry_editor_up(&ed, 20));
    is("abcdef\nxy|\n123456");
    ck_assert(ry_editor_up(&ed, 20));
    is("abcdef|\nxy\n123456");
    ck_assert(!ry_editor_up(&ed, 20));
    ck_assert(ry_editor_down(&ed, 20));
    ck_assert(ry_editor_down(&ed, 20));
    is("abcdef\nxy\n123456|");
    ck_assert(!ry_editor_down(&ed, 20));
    ck_assert(ry_editor_up(&ed, 4)); /* soft rows count */
    is("abcdef\nxy\n123|456");
}
END_TEST

START_TEST(kills_collect_and_come_back)
{
    type("one two three");
    ry_editor_kill_to_space(&ed);
    ry_editor_kill_to_space(&ed);
    is("one |");
    ry_editor_yank(&ed);
    is("one two three|");
    ry_editor_line_start(&ed);
    ry_editor_kill_word(&ed);
    ry_editor_kill_end(&ed);
    is("|");
    ry_editor_yank(&ed);
    is("one two three|");
    ry_editor_left(&ed);
    ry_editor_kill_start(&ed);
    is("|e");
    type("x.y z\nw");
    ry_editor_up(&ed, 80);
    ry_editor_line_end(&ed);
    ry_editor_kill_word_before(&ed);
    is("x.y |\nwe");
    ry_editor_kill_word_before(&ed);
    is("x.|\nwe");
    ry_editor_kill_end(&ed);
    is("x.|we");
}
END_TEST

START_TEST(transposes_and_deletes)
{
    type("acb");
    ry_editor_transpose(&ed);
    is("abc|");
    ry_editor_left(&ed);
    ry_editor_transpose(&ed);
    is("acb|");
    ry_editor_line_start(&ed);
    ry_editor_transpose(&ed);
    is("|acb");
    ry_editor_delete(&ed);
    is("|cb");
    ry_editor_line_end(&ed);
    ry_editor_backspace(&ed);
    is("c|");
    ry_editor_delete(&ed);
    is("c|");
}
END_TEST

START_TEST(undo_goes_word_by_word)
{
    ck_assert(!ry_editor_undo(&ed));
    type("one two");
    ry_editor_kill_to_space(&ed);
    is("one |");
    ck_assert(ry_editor_undo(&ed));
    is("one two|");
    ck_assert(ry_editor_undo(&ed));
    is("one|");
    ck_assert(ry_editor_undo(&ed));
    is("|");
    ck_assert(!ry_editor_undo(&ed));
    ry_editor_set(&ed, "draft", 5);
    ry_editor_set(&ed, "", 0);
    ck_assert(ry_editor_undo(&ed));
    is("draft|");
}
END_TEST

START_TEST(pastes_keep_their_bytes)
{
    ry_editor_insert(&ed, "a\rb\r\nc\x1B[31m\xFF", 13, true);
    ck_assert_uint_eq(ed.text.len, 12);
    ck_assert_mem_eq(ed.text.data, "a\nb\nc\x1B[31m\xFF", 12);
    ck_assert(ry_editor_undo(&ed));
    is("|");
}
END_TEST

START_TEST(locates_the_cursor)
{
    int row, col, n_rows;
    type("hello wide 中文 worlds");
    ry_editor_locate(&ed, 10, 0, &row, &col, &n_rows);
    ck_assert(row == 0 && col == 0 && n_rows == 3);
    ry_editor_locate(&ed, 10, 6, &row, &col, &n_rows);
    ck_assert(row == 0 && col == 6);
    ry_editor_locate(&ed, 10, 11, &row, &col, &n_rows);
    ck_assert(row == 1 && col == 0);
    ry_editor_locate(&ed, 10, ed.text.len, &row, &col, &n_rows);
    ck_assert_msg(row == 2 && col == 6, "%d %d", row, col);
    ry_editor_locate(&ed, 4, 5, &row, &col, &n_rows);
    ck_assert_msg(row == 1 && col == 1, "%d %d", row, col);
    ry_editor_locate(&ed, 10, 10, &row, &col, &n_rows); /* the space hangs over the edge */
    ck_assert_msg(row == 0 && col == 10, "%d %d", row, col);
}
END_TEST

/* Random keys under a printed seed: the cursor stays on a unit boundary and undo leads back to
 * nothing. */
START_TEST(random_keys_keep_it_whole)
{
    static void (*const moves[])(struct ry_editor *) = {
        ry_editor_left,       ry_editor_right,      ry_editor_word_left,
        ry_editor_word_right, ry_editor_line_start, ry_editor_line_end,
        ry_editor_backspace,  ry_editor_delete,     ry_editor_kill_end,
        ry_editor_kill_start, ry_editor_kill_word,  ry_editor_kill_word_before,
        ry_editor_yank,       ry_editor_transpose,  ry_editor_kill_to_space,
    };
    static const char *const texts[] = {"a",    " ",   "\n", "中", "\xCC\x81", "\xF0\x9F\x91\xA9",
                                        "\x1B", "\xFF"};
    uint64_t seed = (uint64_t)_i * 2654435761u + 1;
    for (int i = 0; i < 150; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned r = (unsigned)(seed >> 33);
        if (r % 3)
            ry_editor_insert(&ed, texts[r / 3 % 8], strlen(texts[r / 3 % 8]), r % 5 == 0);
        else
            moves[r / 3 % 15](&ed);
        ck_assert_msg(ed.cursor <= ed.text.len, "seed %d step %d", _i, i);
    }
    while (ry_editor_undo(&ed))
        ;
    ck_assert_msg(ed.text.len == 0, "seed %d", _i);
}
END_TEST

START_TEST(no_memory_loses_nothing)
{
    type("keep this");
    ry_mem_fail_nth(1, true);
    ry_editor_insert(&ed, "x", 1, false);
    ry_editor_kill_to_space(&ed);
    ry_editor_yank(&ed);
    ry_mem_fail_nth(0, false);
    is("keep this|");
}
END_TEST

/* ---- history ---- */

static char path[64];

static void write_file(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    ck_assert(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

static void new_path(void)
{
    snprintf(path, sizeof path, "/tmp/ryot-test-history-%ld", (long)getpid());
    unlink(path);
}

START_TEST(history_keeps_newlines_over_a_restart)
{
    struct ry_history h;
    struct stat st;
    ry_err err;
    new_path();
    ck_assert_int_eq(ry_history_open(&h, path, &err), RY_OK);
    ck_assert_uint_eq(h.n, 0);
    ck_assert_int_eq(ry_history_add(&h, "a\nb\\n \\", 7, &err), RY_OK);
    ck_assert_int_eq(ry_history_add(&h, "same", 4, &err), RY_OK);
    ck_assert_int_eq(ry_history_add(&h, "same", 4, &err), RY_OK);
    ry_history_done(&h);
    ck_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    ck_assert_int_eq(ry_history_open(&h, path, &err), RY_OK);
    ck_assert_uint_eq(h.n, 2);
    ck_assert_str_eq(h.entries[0], "a\nb\\n \\");
    ck_assert_str_eq(h.entries[1], "same");
    ck_assert_uint_eq(ry_history_search(&h, "B\\", h.n), 0);
    ck_assert_uint_eq(ry_history_search(&h, "absent", h.n), h.n);
    ry_history_done(&h);
    unlink(path);
}
END_TEST

START_TEST(history_takes_any_file)
{
    struct ry_history h;
    ry_err err = {0};
    new_path();
    write_file("\n\n\0x\nok\\", 8);
    ck_assert_int_eq(ry_history_open(&h, path, &err), RY_OK);
    ck_assert_uint_eq(h.n, 1);
    ck_assert_str_eq(h.entries[0], "ok\\");
    ry_history_done(&h);
    unlink(path);
    ck_assert(mkdir(path, 0700) == 0);
    ck_assert_int_eq(ry_history_open(&h, path, &err), RY_ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
    ck_assert_int_eq(ry_history_add(&h, "in memory", 9, &err), RY_OK);
    ck_assert_uint_eq(h.n, 1);
    ry_history_done(&h);
    rmdir(path);
}
END_TEST

START_TEST(history_is_bounded)
{
    struct ry_history h;
    struct stat st;
    ry_err err;
    ry_buf big = {0};
    new_path();
    for (int i = 0; big.len < RY_HISTORY_FILE_BYTES + 100000; i++)
        ry_buf_addf(&big, "entry %d %0500d\n", i, i);
    write_file(big.data, big.len);
    ry_buf_done(&big);
    ck_assert_int_eq(ry_history_open(&h, path, &err), RY_OK);
    ck_assert_uint_eq(h.n, RY_HISTORY_ENTRIES);
    ck_assert(stat(path, &st) == 0 && st.st_size < 600 * RY_HISTORY_ENTRIES);
    ry_history_done(&h);
    unlink(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("editor");
    TCase *t = tcase_create("editor");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, moves_by_units_and_words);
    tcase_add_test(t, rows_up_and_down_keep_the_column);
    tcase_add_test(t, kills_collect_and_come_back);
    tcase_add_test(t, transposes_and_deletes);
    tcase_add_test(t, undo_goes_word_by_word);
    tcase_add_test(t, pastes_keep_their_bytes);
    tcase_add_test(t, locates_the_cursor);
    tcase_add_loop_test(t, random_keys_keep_it_whole, 0, 100);
    tcase_add_test(t, no_memory_loses_nothing);
    suite_add_tcase(s, t);
    t = tcase_create("history");
    tcase_add_test(t, history_keeps_newlines_over_a_restart);
    tcase_add_test(t, history_takes_any_file);
    tcase_add_test(t, history_is_bounded);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
