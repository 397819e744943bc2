/* The real program in a real pseudo-terminal, looked at through an emulator: typing, streaming,
 * live switches, resizing, stopping, leaving, signals, and the terminal as it was before.
 *
 * The model is random, built on the spot, and never ends an answer by itself; HOME is a private
 * folder. */
#include "ryot_test.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>
#include <vterm.h>

#include "src/base/clock.h"
#include "src/base/mem.h"
#include "tests/chat_fixture.h"

enum { PATIENCE_MS = 30000, MAX_ROWS = 60, MAX_COLS = 200 };

static struct fixture f;

/* ---- the terminal ---- */

struct terminal {
    pid_t pid;
    int fd, slave; /* slave: kept open, to read the modes after the program has gone */
    VTerm *vt;
    VTermScreen *screen;
    struct termios before;
    ry_buf raw; /* everything written */
    char text[MAX_ROWS * (MAX_COLS * 4 + 1) + 1];
};

static const char *ryot_path(void)
{
    const char *path = getenv("RYOT");
    return path ? path : "./ryot";
}

static void set_environment(const char *term)
{
    setenv("HOME", f.dir, 1);
    setenv("TERM", term, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("XDG_DATA_HOME");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("RYOT_MODEL");
    unsetenv("RYOT_VAULT");
    unsetenv("NO_COLOR");
}

/* What the emulator answers (cursor reports) goes back to the program. */
static void on_reply(const char *bytes, size_t len, void *user)
{
    struct terminal *t = user;
    ck_assert_int_eq(write(t->fd, bytes, len), (ssize_t)len);
}

/* ryot with the model and the arguments of a NULL-ended list behind it. */
static void terminal_open(struct terminal *t, const char *term, const char *const *args)
{
    struct winsize ws = {.ws_row = 24, .ws_col = 80};
    char *argv[24] = {(char *)ryot_path(), (char *)"-m", f.model};
    int argc = 3;
    *t = (struct terminal){.pid = -1};
    for (; args && *args; args++)
        argv[argc++] = (char *)*args;
    ck_assert_int_eq(openpty(&t->fd, &t->slave, NULL, NULL, &ws), 0);
    ck_assert_int_eq(tcgetattr(t->slave, &t->before), 0);
    t->vt = vterm_new(ws.ws_row, ws.ws_col);
    vterm_set_utf8(t->vt, 1);
    vterm_output_set_callback(t->vt, on_reply, t);
    t->screen = vterm_obtain_screen(t->vt);
    vterm_screen_enable_altscreen(t->screen, 1);
    vterm_screen_reset(t->screen, 1);
    t->pid = fork();
    ck_assert_int_ge(t->pid, 0);
    if (t->pid == 0) {
        close(t->fd);
        set_environment(term);
        if (login_tty(t->slave) == 0)
            execv(argv[0], argv);
        _exit(127);
    }
}

static void terminal_close(struct terminal *t)
{
    if (t->pid > 0) {
        kill(t->pid, SIGKILL);
        waitpid(t->pid, NULL, 0);
    }
    if (t->fd >= 0)
        close(t->fd);
    close(t->slave);
    vterm_free(t->vt);
    ry_buf_done(&t->raw);
}

/* Feeds the emulator for at most wait_ms; false when nothing came. */
static bool terminal_read(struct terminal *t, int wait_ms)
{
    char bytes[65536];
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    if (poll(&p, 1, wait_ms) <= 0)
        return false;
    ssize_t n = read(t->fd, bytes, sizeof bytes);
    if (n <= 0)
        return false;
    ry_buf_add(&t->raw, bytes, (size_t)n);
    vterm_input_write(t->vt, bytes, (size_t)n);
    return true;
}

/* The screen as text, a newline behind each row. */
static const char *terminal_text(struct terminal *t)
{
    int rows, cols;
    size_t n = 0;
    vterm_get_size(t->vt, &rows, &cols);
    for (int r = 0; r < rows; r++) {
        VTermRect rect = {.start_row = r, .end_row = r + 1, .start_col = 0, .end_col = cols};
        n += vterm_screen_get_text(t->screen, t->text + n, sizeof t->text - n - 2, rect);
        t->text[n++] = '\n';
    }
    t->text[n] = '\0';
    return t->text;
}

static void terminal_await(struct terminal *t, const char *words)
{
    uint64_t until = ry_clock_ms() + PATIENCE_MS;
    while (!strstr(terminal_text(t), words)) {
        ck_assert_msg(ry_clock_ms() < until, "\"%s\" never appeared; the screen:\n%s", words,
                      t->text);
        terminal_read(t, 20);
    }
}

static void terminal_await_gone(struct terminal *t, const char *words)
{
    uint64_t until = ry_clock_ms() + PATIENCE_MS;
    while (strstr(terminal_text(t), words)) {
        ck_assert_msg(ry_clock_ms() < until, "\"%s\" stays; the screen:\n%s", words, t->text);
        terminal_read(t, 20);
    }
}

static void type(struct terminal *t, const char *keys)
{
    for (size_t len = strlen(keys), n; len > 0; keys += n, len -= n) {
        n = len < 512 ? len : 512; /* a terminal's input queue is short */
        ck_assert_int_eq(write(t->fd, keys, n), (ssize_t)n);
        terminal_read(t, 5);
    }
}

/* Waits for the end; the wait status. */
static int terminal_wait(struct terminal *t)
{
    uint64_t until = ry_clock_ms() + PATIENCE_MS;
    int status = 0;
    while (waitpid(t->pid, &status, WNOHANG) != t->pid) {
        ck_assert_msg(ry_clock_ms() < until, "the program does not end; the screen:\n%s",
                      terminal_text(t));
        if (t->fd >= 0)
            terminal_read(t, 10);
    }
    t->pid = -1;
    while (t->fd >= 0 && terminal_read(t, 50))
        continue;
    return status;
}

static void check_terminal_is_as_before(struct terminal *t)
{
    struct termios now;
    ck_assert_int_eq(tcgetattr(t->slave, &now), 0);
    ck_assert_uint_eq(now.c_lflag, t->before.c_lflag);
    ck_assert_uint_eq(now.c_iflag, t->before.c_iflag);
    ck_assert_uint_eq(now.c_oflag, t->before.c_oflag);
    ck_assert_mem_eq(now.c_cc, t->before.c_cc, sizeof now.c_cc);
    const char *on = NULL, *off = NULL;
    for (const char *p = ry_buf_str(&t->raw); (p = strstr(p, "\x1b[?2004")) != NULL; p += 7) {
        if (p[7] == 'h')
            on = p;
        else
            off = p;
    }
    ck_assert_msg(on && off && off > on, "bracketed paste was not switched off last");
    on = off = NULL;
    for (const char *p = ry_buf_str(&t->raw); (p = strstr(p, "\x1b[?1049")) != NULL; p += 7) {
        if (p[7] == 'h')
            on = p;
        else
            off = p;
    }
    ck_assert_msg(on && off && off > on, "the alternate screen was not left last");
}

/* What `ryot sessions show ID` prints, from the first message on. The caller frees. */
static char *shown(int id)
{
    char command[512], bytes[4096];
    ry_buf all = {0};
    set_environment("dumb");
    snprintf(command, sizeof command, "'%s' sessions show %d", ryot_path(), id);
    FILE *p = popen(command, "r");
    ck_assert_ptr_nonnull(p);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, p)) > 0;)
        ry_buf_add(&all, bytes, n);
    ck_assert_int_eq(pclose(p), 0);
    const char *from = strstr(ry_buf_str(&all), "## You");
    ck_assert_msg(from != NULL, "no message in: %s", ry_buf_str(&all));
    char *copy = ry_mem_strdup(from);
    ry_buf_done(&all);
    return copy;
}

static void set_up(void)
{
    fixture_make(&f, 16384);
}

static void tear_down(void)
{
    fixture_remove(&f);
}

static const char *const scalar_forever[] = {"--kernel", "scalar", "-t",    "1", "--temp",
                                             "0",        "--ctx",  "16384", NULL};

/* ---- tests ---- */

START_TEST(a_conversation_from_start_to_end)
{
    static const char *const args[] = {"-t", "1", "--temp", "0", "-n", "40", NULL};
    struct terminal t;
    terminal_open(&t, "xterm-256color", args);
    terminal_await(&t, "Welcome");
    terminal_await(&t, "F1");
    type(&t, "Who goes there?\r");
    terminal_await(&t, "40 tokens");
    ck_assert_ptr_nonnull(strstr(terminal_text(&t), "Who goes there?"));
    type(&t, "/threads 2\r");
    terminal_await(&t, "threads 1 -> 2");
    type(&t, "/thrads 2\r");
    terminal_await(&t, "did you mean /threads");
    type(&t, "\x03"); /* clears the draft that came back */
    type(&t, "\x04");
    int status = terminal_wait(&t);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "wait status %x",
                  (unsigned)status);
    check_terminal_is_as_before(&t);
    terminal_close(&t);
    char *said = shown(1);
    ck_assert_ptr_nonnull(strstr(said, "## You\n\nWho goes there?\n\n## Answer (token limit)"));
    ry_mem_free(said);
}
END_TEST

START_TEST(switching_the_kernel_mid_answer_changes_no_byte)
{
    static const char *const args[] = {"-t", "1", "--temp", "0", "-n", "3000", NULL};
    char *texts[2];
    for (int run = 0; run < 2; run++) {
        struct terminal t;
        terminal_open(&t, "xterm-256color", args);
        terminal_await(&t, "F1");
        type(&t, "Go on\r");
        for (int i = 0; run == 1 && i < 4; i++) {
            type(&t, "\x0b"); /* ^K */
            for (uint64_t until = ry_clock_ms() + 40; ry_clock_ms() < until;)
                terminal_read(&t, 10);
        }
        terminal_await(&t, "3000 tokens");
        ck_assert(run == 0 || strstr(ry_buf_str(&t.raw), "scalar"));
        type(&t, "\x04");
        terminal_wait(&t);
        terminal_close(&t);
        texts[run] = shown(run + 1);
    }
    ck_assert_str_eq(texts[0], texts[1]);
    ry_mem_free(texts[0]);
    ry_mem_free(texts[1]);
}
END_TEST

START_TEST(a_stop_mid_answer_keeps_the_text_and_the_size_may_change)
{
    struct terminal t;
    terminal_open(&t, "xterm-256color", scalar_forever);
    terminal_await(&t, "F1");
    type(&t, "Go on\r");
    terminal_await(&t, "tok/s");
    struct winsize ws = {.ws_row = 40, .ws_col = 120};
    vterm_set_size(t.vt, ws.ws_row, ws.ws_col);
    ck_assert_int_eq(ioctl(t.fd, TIOCSWINSZ, &ws), 0);
    terminal_await(&t, "F1");
    const char *status = strstr(terminal_text(&t), "F1");
    size_t below = 0;
    for (uint64_t until = ry_clock_ms() + PATIENCE_MS; ry_clock_ms() < until;
         terminal_read(&t, 20)) {
        status = strstr(terminal_text(&t), "F1 help");
        below = 0;
        for (const char *p = status; p && *p; p++)
            below += *p == '\n';
        if (status && below == 1)
            break;
    }
    ck_assert_msg(status && below == 1, "the status line is not on the last row:\n%s", t.text);
    type(&t, "\x03");
    terminal_await(&t, "stopped");
    type(&t, "\x04");
    int end = terminal_wait(&t);
    ck_assert(WIFEXITED(end) && WEXITSTATUS(end) == 0);
    check_terminal_is_as_before(&t);
    terminal_close(&t);
    char *said = shown(1);
    ck_assert_ptr_nonnull(strstr(said, "## Answer (stopped)\n\n"));
    ck_assert_str_ne(said, "## You\n\nGo on\n\n## Answer (stopped)\n\n\n");
    ry_mem_free(said);
}
END_TEST

/* A prompt that takes this machine seconds to read is stopped while it is read. */
START_TEST(a_stop_in_prefill_is_heard)
{
    char path[128], line[160];
    struct terminal t;
    snprintf(path, sizeof path, "%s/long.txt", f.dir);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    for (int i = 0; i < 14000; i++)
        fputc("0123456789"[i % 10], out);
    fclose(out);
    terminal_open(&t, "xterm-256color", scalar_forever);
    terminal_await(&t, "F1");
    snprintf(line, sizeof line, "/read %s\r", path);
    type(&t, line);
    terminal_await(&t, "your next message");
    type(&t, "Sum it up\r");
    terminal_await(&t, " / 14,");
    uint64_t t0 = ry_clock_ms();
    type(&t, "\x03");
    terminal_await(&t, "stopped before the answer began");
    fprintf(stderr, "^C in prefill was answered on the screen after %llu ms\n",
            (unsigned long long)(ry_clock_ms() - t0));
    type(&t, "\x04");
    int end = terminal_wait(&t);
    ck_assert(WIFEXITED(end) && WEXITSTATUS(end) == 0);
    terminal_close(&t);
}
END_TEST

static const int signals[] = {SIGTERM, SIGHUP, SIGINT};

START_TEST(a_signal_saves_restores_and_is_raised_again)
{
    int sig = signals[_i];
    struct terminal t;
    terminal_open(&t, "xterm-256color", scalar_forever);
    terminal_await(&t, "F1");
    type(&t, "Go on\r");
    terminal_await(&t, "tok/s");
    if (sig == SIGINT) { /* the first stops the answer, the next ends the program */
        kill(t.pid, sig);
        terminal_await(&t, "stopped");
    }
    kill(t.pid, sig);
    int status = terminal_wait(&t);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == sig, "wait status %x",
                  (unsigned)status);
    check_terminal_is_as_before(&t);
    terminal_close(&t);
    char *said = shown(1);
    ck_assert_ptr_nonnull(strstr(said, "Go on\n\n## Answer (stopped)\n\n"));
    ry_mem_free(said);
}
END_TEST

START_TEST(a_terminal_that_goes_away_ends_it_with_everything_saved)
{
    struct terminal t;
    terminal_open(&t, "xterm-256color", scalar_forever);
    terminal_await(&t, "F1");
    type(&t, "Go on\r");
    terminal_await(&t, "tok/s");
    close(t.fd);
    t.fd = -1;
    uint64_t t0 = ry_clock_ms();
    int status = terminal_wait(&t);
    fprintf(stderr, "it ended %llu ms after the hang-up\n",
            (unsigned long long)(ry_clock_ms() - t0));
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP, "wait status %x",
                  (unsigned)status);
    terminal_close(&t);
    char *said = shown(1);
    ck_assert_ptr_nonnull(strstr(said, "## Answer (stopped)\n\n"));
    ry_mem_free(said);
}
END_TEST

START_TEST(a_paste_is_never_sent_and_its_escapes_are_data)
{
    struct terminal t;
    terminal_open(&t, "xterm-256color", scalar_forever);
    terminal_await(&t, "F1");
    type(&t, "\x1b[200~one\rtwo \x1b]0;title\x07 three\x1b[201~");
    terminal_await(&t, "three");
    ck_assert_ptr_null(strstr(ry_buf_str(&t.raw), "]0;title\x07"));
    ck_assert_ptr_null(strstr(terminal_text(&t), "tok/s"));
    type(&t, "\x03");
    terminal_await_gone(&t, "three");
    type(&t, "\x04");
    int end = terminal_wait(&t);
    ck_assert(WIFEXITED(end) && WEXITSTATUS(end) == 0);
    check_terminal_is_as_before(&t);
    terminal_close(&t);
}
END_TEST

START_TEST(a_dumb_terminal_gets_lines_without_escapes)
{
    static const char *const args[] = {"-t", "1", "--temp", "0", "-n", "20", NULL};
    struct terminal t;
    terminal_open(&t, "dumb", args);
    terminal_await(&t, "> ");
    type(&t, "/stats\r");
    terminal_await(&t, "nothing was measured yet");
    type(&t, "Hello\r");
    for (uint64_t until = ry_clock_ms() + PATIENCE_MS; ry_clock_ms() < until && t.raw.len < 500;)
        if (!terminal_read(&t, 20) && strstr(terminal_text(&t), "Hello"))
            break;
    type(&t, "/quit\r");
    int end = terminal_wait(&t);
    ck_assert_msg(WIFEXITED(end) && WEXITSTATUS(end) == 0, "wait status %x", (unsigned)end);
    ck_assert_ptr_null(memchr(t.raw.data, 0x1b, t.raw.len));
    terminal_close(&t);
    char *said = shown(1);
    ck_assert_ptr_nonnull(strstr(said, "## You\n\nHello\n\n## Answer (token limit)"));
    ry_mem_free(said);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pty");
    TCase *t = tcase_create("pty");
    if (access(ryot_path(), X_OK) != 0) {
        fprintf(stderr, "SKIPPED: %s is not built, so nothing was run in a terminal\n",
                ryot_path());
        exit(RY_TEST_SKIP);
    }
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_conversation_from_start_to_end);
    tcase_add_test(t, switching_the_kernel_mid_answer_changes_no_byte);
    tcase_add_test(t, a_stop_mid_answer_keeps_the_text_and_the_size_may_change);
    tcase_add_test(t, a_stop_in_prefill_is_heard);
    tcase_add_loop_test(t, a_signal_saves_restores_and_is_raised_again, 0, 3);
    tcase_add_test(t, a_terminal_that_goes_away_ends_it_with_everything_saved);
    tcase_add_test(t, a_paste_is_never_sent_and_its_escapes_are_data);
    tcase_add_test(t, a_dumb_terminal_gets_lines_without_escapes);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
