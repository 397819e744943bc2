/* Literal screens and what keys do, with the real UI in a pseudo-terminal (tests/screen_rig.h).
 *
 * The literals are tests/screen_literals/NAME.txt. After a wanted change RYOT_SCREENS_WRITE=1
 * writes them anew; read the difference before it is committed. */
#include "ryot_test.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "screen_rig.h"

#define F1       "\033OP"
#define F2       "\033OQ"
#define F3       "\033OR"
#define F4       "\033OS"
#define F6       "\033[17~"
#define PG_UP    "\033[5~"
#define PG_DN    "\033[6~"
#define UP       "\033OA"
#define DOWN     "\033OB"
#define PASTE(s) "\033[200~" s "\033[201~"

static char *read_literal(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = '\0';
    if (file)
        fclose(file);
    return file ? text : NULL;
}

static void expect(struct rig *rig, const char *name)
{
    char path[4096];
    const char *got = rig_text(rig);
    snprintf(path, sizeof path, "%s/tests/screen_literals/%s.txt", RYOT_SRCDIR, name);
    if (getenv("RYOT_SCREENS_WRITE")) {
        FILE *file = fopen(path, "w");
        ck_assert_msg(file && fputs(got, file) >= 0 && fclose(file) == 0, "cannot write %s", path);
        return;
    }
    const char *want = read_literal(path);
    ck_assert_msg(want && strcmp(got, want) == 0, "%s differs\n--- got\n%s--- want\n%s", name, got,
                  want ? want : "(no such file)\n");
}

static struct rig *open_at(int rows, int cols, enum rig_scene scene)
{
    return rig_open(&(struct rig_options){.rows = rows, .cols = cols, .scene = scene});
}

static void finish(struct rig *rig)
{
    struct rig_answer end;
    rig_close(rig, &end);
    ck_assert_int_eq(end.exit_code, 0);
}

/* Row `row` of the screen, 0 the first. */
static const char *row_of(struct rig *rig, int row)
{
    static char line[4096];
    const char *s = rig_text(rig);
    for (; row > 0 && s; row--) {
        s = strchr(s, '\n');
        s = s ? s + 1 : NULL;
    }
    snprintf(line, sizeof line, "%.*s", s ? (int)strcspn(s, "\n") : 0, s ? s : "");
    return line;
}

static void has(struct rig *rig, const char *text)
{
    const char *got = rig_text(rig);
    ck_assert_msg(strstr(got, text) != NULL, "\"%s\" is not on the screen:\n%s", text, got);
}

static void has_not(struct rig *rig, const char *text)
{
    const char *got = rig_text(rig);
    ck_assert_msg(strstr(got, text) == NULL, "\"%s\" is on the screen:\n%s", text, got);
}

/* ---- literals ---- */

START_TEST(the_chat_at_every_size)
{
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    expect(rig, "chat_80x24");
    rig_keys(rig, F1);
    expect(rig, "help_80x24");
    rig_keys(rig, F1 F2);
    expect(rig, "performance_80x24");
    rig_keys(rig, F3 F4);
    rig_resize(rig, 40, 140);
    expect(rig, "panels_140x40");
    rig_resize(rig, 9, 39);
    expect(rig, "tiny_39x9");
    rig_resize(rig, 5, 20);
    expect(rig, "tiny_20x5");
    rig_resize(rig, 24, 80);
    rig_keys(rig, F2 F3 F4);
    expect(rig, "chat_80x24");
    finish(rig);
}
END_TEST

START_TEST(unicode_keeps_its_columns)
{
    struct rig *rig = open_at(12, 60, RIG_UNICODE);
    expect(rig, "unicode_60x12");
    rig_resize(rig, 12, 40);
    expect(rig, "unicode_40x12");
    finish(rig);
}
END_TEST

START_TEST(hostile_text_is_shown_and_not_obeyed)
{
    struct rig *rig = open_at(20, 110, RIG_HOSTILE);
    rig_keys(rig, F2);
    expect(rig, "hostile_110x20");
    ck_assert_int_eq(rig_n_titles(rig), 0);
    rig_keys(rig, PASTE("\033]0;x\007\033[2J\x9b"
                        "A\xe2\x80\xae"
                        "B"));
    has(rig, " > ^[]0;x^G^[[2J<9B>A<U+202E>B");
    ck_assert_int_eq(rig_n_titles(rig), 0);
    finish(rig);
}
END_TEST

START_TEST(without_box_characters)
{
    struct rig *rig =
        rig_open(&(struct rig_options){.rows = 24, .cols = 100, .scene = RIG_CHAT, .ascii = true});
    rig_keys(rig, F2 F3);
    expect(rig, "ascii_100x24");
    finish(rig);
}
END_TEST

/* In a small window every open panel has its place, whatever the ones above would like. */
START_TEST(three_panels_share_a_small_window)
{
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    rig_keys(rig, F2 F3 F4);
    has(rig, "F2 performance");
    has(rig, "decode");
    has(rig, "F3 threads");
    has(rig, "F4 cache");
    has(rig, "vault  hit");
    finish(rig);
}
END_TEST

START_TEST(while_loading)
{
    struct rig *rig = open_at(12, 80, RIG_EMPTY);
    expect(rig, "loading_80x12");
    rig_keys(rig, F2);
    has(rig, "nothing was measured yet");
    finish(rig);
    rig = open_at(15, 60, RIG_EMPTY); /* the hint is broken at a word */
    has(rig, "F1 shows what\n  else there is.");
    finish(rig);
}
END_TEST

START_TEST(no_size_is_too_small)
{
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    rig_keys(rig, F2 F4 "a draft of some words");
    for (int rows = 1; rows <= 13; rows += 2) {
        for (int cols = 1; cols <= 105; cols += cols < 12 ? 1 : 31) {
            rig_resize(rig, rows, cols);
            int row, col;
            rig_cursor(rig, &row, &col);
            ck_assert(row < rows && col < cols);
        }
    }
    rig_resize(rig, 24, 80);
    has(rig, " > a draft of some words");
    finish(rig);
}
END_TEST

/* ---- the place in the chat ---- */

START_TEST(the_answer_never_steals_the_place)
{
    struct rig *rig = open_at(24, 80, RIG_LONG);
    has(rig, "message number 40");
    rig_keys(rig, PG_UP);
    has_not(rig, "message number 40");
    has(rig, "more below");
    char before[16384], after[16384];
    snprintf(before, sizeof before, "%s", rig_text(rig));
    rig_grow(rig, " and on\n\nand on\n\nand on");
    snprintf(after, sizeof after, "%s", rig_text(rig));
    ck_assert_str_eq(before, after);
    rig_resize(rig, 24, 60);
    ck_assert_str_eq(row_of(rig, 2), " ryot message number 22");
    rig_keys(rig, "\033[1;3F");
    has(rig, "and on");
    has_not(rig, "more below");
    rig_keys(rig, "\033[1;3H");
    ck_assert_str_eq(row_of(rig, 2), " you  message number 1");
    rig_keys(rig, "\033[F");
    has(rig, "message number 40");
    rig_keys(rig, PG_UP PG_UP PG_UP PG_UP PG_UP PG_UP PG_UP PG_UP);
    ck_assert_str_eq(row_of(rig, 2), " you  message number 1");
    rig_keys(rig, PG_DN PG_DN PG_DN PG_DN PG_DN PG_DN PG_DN PG_DN);
    has(rig, "message number 40");
    has_not(rig, "more below");
    finish(rig);
}
END_TEST

START_TEST(a_frame_sends_what_changed)
{
    struct rig *rig = open_at(40, 140, RIG_LONG);
    size_t before, after;
    rig_output(rig, &before);
    rig_grow(rig, " more");
    rig_output(rig, &after);
    ck_assert_uint_gt(after, before);
    ck_assert_msg(after - before < 120, "%zu bytes for one word", after - before);
    finish(rig);
}
END_TEST

START_TEST(search_goes_round_the_chat)
{
    struct rig *rig = open_at(24, 80, RIG_LONG);
    rig_keys(rig, "\x13"
                  "NUMBER 7\r");
    has(rig, "message number 7");
    has(rig, "find: NUMBER 7   (n older, N newer, Esc ends)");
    rig_keys(rig, "n");
    has(rig, "message number 7");
    rig_keys(rig, "\033");
    has_not(rig, "find:");
    rig_keys(rig, "\x13"
                  "nowhere to be seen\r");
    has(rig, "nowhere in this chat");
    rig_keys(rig, "\033n");
    finish(rig);
}
END_TEST

START_TEST(raw_shows_the_source)
{
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    rig_keys(rig, "\033[1;3H");
    has_not(rig, "**Day one**");
    rig_toggle_raw(rig);
    has(rig, "**Day one** is for the\n      *east*:");
    rig_toggle_raw(rig);
    has_not(rig, "**Day one**");
    finish(rig);
}
END_TEST

/* ---- keys and actions ---- */

static struct rig_answer typed(struct rig *rig, const char *keys, int kind)
{
    struct rig_answer answer = rig_keys(rig, keys);
    ck_assert_msg(answer.kind == kind, "keys gave action %d, not %d", answer.kind, kind);
    return answer;
}

START_TEST(enter_sends_and_pastes_never_do)
{
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    typed(rig, "one", RY_UI_ACT_NONE);
    typed(rig, PASTE(" two\rthree\r\nfour\n"), RY_UI_ACT_NONE);
    has(rig, " > one two\n   three\n   four");
    typed(rig, "five\033\rsix\nseven", RY_UI_ACT_NONE);
    struct rig_answer sent = typed(rig, "\r", RY_UI_ACT_SUBMIT);
    ck_assert_str_eq(sent.text, "one two\nthree\nfour\nfive\nsix\nseven");
    typed(rig, "\r", RY_UI_ACT_NONE);
    has(rig, "nothing to send");
    finish(rig);
}
END_TEST

START_TEST(a_paste_may_come_in_pieces)
{
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    typed(rig, "\033[200~abc\033[20", RY_UI_ACT_NONE);
    typed(rig, "0x\r\033[201", RY_UI_ACT_NONE);
    struct rig_answer sent = typed(rig, "~!\r", RY_UI_ACT_SUBMIT);
    ck_assert_str_eq(sent.text, "abc\033[200x\n!");
    finish(rig);
}
END_TEST

START_TEST(interrupt_never_quits)
{
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    typed(rig, "\003", RY_UI_ACT_NONE);
    has(rig, "nothing to stop");
    typed(rig, "a draft\003", RY_UI_ACT_NONE);
    has(rig, "draft cleared");
    has_not(rig, " > a draft");
    typed(rig, "\037", RY_UI_ACT_NONE);
    has(rig, " > a draft");
    rig_scene(rig, RIG_BUSY);
    typed(rig, "\003", RY_UI_ACT_STOP);
    has(rig, " > a draft");
    typed(rig, "\033", RY_UI_ACT_STOP);
    typed(rig, F1, RY_UI_ACT_NONE);
    typed(rig, "\033", RY_UI_ACT_NONE);
    has_not(rig, "Esc or F1 closes this");
    finish(rig);
}
END_TEST

START_TEST(kernel_key_and_kill)
{
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    typed(rig, "\013", RY_UI_ACT_CYCLE_KERNEL);
    typed(rig, "abc def\033b\013", RY_UI_ACT_NONE);
    has(rig, " > abc\n");
    typed(rig, "\031", RY_UI_ACT_NONE);
    has(rig, " > abc def");
    rig_scene(rig, RIG_BUSY);
    typed(rig, "\013", RY_UI_ACT_CYCLE_KERNEL);
    has(rig, " > abc def");
    finish(rig);
}
END_TEST

START_TEST(other_keys_that_leave)
{
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    typed(rig, "\032", RY_UI_ACT_SUSPEND);
    ck_assert_str_eq(typed(rig, F6, RY_UI_ACT_SUBMIT).text, "/sessions");
    ck_assert_str_eq(typed(rig, "abc\x18\x05", RY_UI_ACT_EXTERNAL_EDIT).text, "abc");
    typed(rig, "\004", RY_UI_ACT_NONE);
    typed(rig, "\025", RY_UI_ACT_NONE);
    ck_assert_int_eq(typed(rig, "\033+", RY_UI_ACT_THREADS).arg, 1);
    typed(rig, F3, RY_UI_ACT_NONE);
    ck_assert_int_eq(typed(rig, "-", RY_UI_ACT_THREADS).arg, -1);
    typed(rig, F3 "-", RY_UI_ACT_NONE);
    has(rig, " > -");
    typed(rig, "\025", RY_UI_ACT_NONE);
    typed(rig, "?", RY_UI_ACT_NONE);
    has(rig, "Esc or F1 closes this");
    typed(rig, "\033[1;9Zx", RY_UI_ACT_NONE);
    has(rig, " > x\n");
    typed(rig, "\025", RY_UI_ACT_NONE);
    typed(rig, "\004", RY_UI_ACT_QUIT);
    finish(rig);
}
END_TEST

START_TEST(commands_complete)
{
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    rig_keys(rig, "/k\t");
    has(rig, " > /kernel");
    has(rig, "/kernel scalar|avx2|avx512  which kernels run");
    rig_keys(rig, "a\t");
    has(rig, " avx2  avx512");
    rig_keys(rig, "5\t");
    has(rig, " > /kernel avx512");
    rig_keys(rig, "\003"
                  "/thraeds");
    has(rig, "did you mean /threads?");
    finish(rig);
}
END_TEST

START_TEST(history_survives_and_is_found)
{
    char path[] = "/tmp/ryot-history-XXXXXX";
    struct stat st;
    int fd = mkstemp(path);
    ck_assert(fd >= 0 && close(fd) == 0 && unlink(path) == 0);
    struct rig_options options = {.rows = 24, .cols = 80, .scene = RIG_CHAT, .history = path};
    struct rig *rig = rig_open(&options);
    rig_keys(rig, "first\nof two lines\r");
    rig_keys(rig, "second\r");
    finish(rig);
    ck_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);

    rig = rig_open(&options);
    rig_keys(rig, "mine" UP);
    has(rig, " > second");
    rig_keys(rig, UP);
    has(rig, " > first\n   of two lines");
    rig_keys(rig, DOWN);
    has(rig, " > second");
    rig_keys(rig, DOWN);
    has(rig, " > mine");
    rig_keys(rig, "\x12two");
    has(rig, "history: two");
    has(rig, " > first\n   of two lines");
    rig_keys(rig, "\033");
    has(rig, " > mine");
    rig_keys(rig, "\x12two\r");
    struct rig_answer sent = typed(rig, "\r", RY_UI_ACT_SUBMIT);
    ck_assert_str_eq(sent.text, "first\nof two lines");
    finish(rig);
    unlink(path);
}
END_TEST

/* ---- leaving ---- */

static void is_restored(struct rig *rig)
{
    size_t len;
    ck_assert(!rig_is_alternate(rig));
    ck_assert_uint_eq(rig_local_modes(rig) & (ICANON | ECHO | ISIG), ICANON | ECHO | ISIG);
    ck_assert_ptr_nonnull(strstr(rig_output(rig, &len), "\033[?2004l"));
}

START_TEST(a_crash_gives_the_terminal_back)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTERM, SIGHUP};
    struct rig *rig = open_at(24, 80, RIG_CHAT);
    ck_assert(rig_is_alternate(rig));
    ck_assert_uint_eq(rig_local_modes(rig) & (ICANON | ECHO), 0);
    int status = rig_crash(rig, signals[_i]);
    ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) != 0, "survived signal %d",
                  signals[_i]);
    is_restored(rig);
    rig_close(rig, NULL);
}
END_TEST

START_TEST(a_pipe_on_stdin_is_left_alone)
{
    struct rig *rig =
        rig_open(&(struct rig_options){.rows = 24, .cols = 80, .scene = RIG_CHAT, .piped = true});
    expect(rig, "chat_80x24");
    ck_assert_str_eq(typed(rig, "typed\r", RY_UI_ACT_SUBMIT).text, "typed");
    finish(rig);
}
END_TEST

START_TEST(a_hang_up_is_reported)
{
    struct rig *rig = rig_open(
        &(struct rig_options){.rows = 24, .cols = 80, .scene = RIG_CHAT, .ignore_hangup = true});
    ck_assert_int_eq(rig_hang_up(rig).kind, RY_UI_ACT_HANGUP);
    rig_close(rig, NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("screens");
    TCase *t = tcase_create("literals");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, the_chat_at_every_size);
    tcase_add_test(t, unicode_keeps_its_columns);
    tcase_add_test(t, hostile_text_is_shown_and_not_obeyed);
    tcase_add_test(t, without_box_characters);
    tcase_add_test(t, three_panels_share_a_small_window);
    tcase_add_test(t, while_loading);
    tcase_add_test(t, no_size_is_too_small);
    suite_add_tcase(s, t);
    t = tcase_create("behaviour");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, the_answer_never_steals_the_place);
    tcase_add_test(t, a_frame_sends_what_changed);
    tcase_add_test(t, search_goes_round_the_chat);
    tcase_add_test(t, raw_shows_the_source);
    tcase_add_test(t, enter_sends_and_pastes_never_do);
    tcase_add_test(t, a_paste_may_come_in_pieces);
    tcase_add_test(t, interrupt_never_quits);
    tcase_add_test(t, kernel_key_and_kill);
    tcase_add_test(t, other_keys_that_leave);
    tcase_add_test(t, commands_complete);
    tcase_add_test(t, history_survives_and_is_found);
    tcase_add_loop_test(t, a_crash_gives_the_terminal_back, 0, 7);
    tcase_add_test(t, a_pipe_on_stdin_is_left_alone);
    tcase_add_test(t, a_hang_up_is_reported);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
