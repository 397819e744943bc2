/* The screen rig: pseudo-terminal, child, emulator. */
#include "screen_rig.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <vterm.h>

#include "src/base/buf.h"
#include "src/base/mem.h"
#include "src/base/utf8.h"

enum { N_LONG = 40, QUIET_MS = 40, COMMAND_BYTES = 4096 };

/* ---- the child ---- */

struct child {
    ry_ui *ui;
    int commands, answers;
    struct ry_ui_model model;
    struct ry_ui_message messages[N_LONG];
    ry_buf texts[N_LONG];
    ry_buf growing;
    struct rig_answer answer;
};

static const struct ry_ui_command commands[] = {
    {"attention", "flash|standard", "how attention is computed"},
    {"help", "", "this help"},
    {"kernel", "scalar|avx2|avx512", "which kernels run, from the next token on"},
    {"quit", "", "leave"},
    {"sessions", "", "list sessions"},
    {"threads", "N", "how many threads run, from the next token on"},
};

static const char answer_text[] =
    "Two days are enough for the old heart of the city. **Day one** is for the *east*:\n"
    "\n"
    "# Day one\n"
    "1. Kiyomizu at dawn\n"
    "2. the lanes of Gion\n"
    "   - tea\n"
    "\n"
    "```python\n"
    "for day in range(2):\n"
    "    walk(day)\n"
    "```\n"
    "\n"
    "| place | yen |\n"
    "|---|---:|\n"
    "| `temple` | 400 |\n"
    "| tram | 1,100 |\n";

static const char unicode_text[] =
    "\u4e2d\u6587\u5b57 wide, e\u0301 one cell, "
    "\U0001F469\u200D\U0001F4BB joined, \u2764\uFE0F selector, "
    "\U0001F1EF\U0001F1F5 flag, \u0928\u092E\u0938\u094D\u0924\u0947 end";

static const char hostile_text[] =
    "a\x1b[31mred\x1b[2J b\x9b"
    "31m c\xC2\x9B"
    "31m d\u202Ereversed e\rf\bg h\u200Bi \xff\xfe j\x1b]0;title\x07 "
    "k&#27;[1m &#x202e;l";

static void say(struct child *c, size_t i, enum ry_ui_role role, const char *text, const char *tail)
{
    c->messages[i] = (struct ry_ui_message){
        .id = 1000 + i, .role = role, .text = text, .len = strlen(text), .tail = tail};
    c->model.n_messages = i + 1;
}

static void fill_figures(struct ry_ui_model *m)
{
    static const struct ry_ui_threads_row threads[] = {{1, 24.9}, {2, 47.0}};
    m->app_version = "0.1.0";
    m->model_name = "bitnet-b1.58-2B-4T";
    m->session_title = "Trip to Kyoto";
    m->ctx_used = 1312;
    m->ctx_size = 4096;
    m->state = RY_UI_IDLE;
    m->kernel = "avx512";
    m->attention = "flash";
    m->n_threads = 2;
    m->temp = 0.7f;
    m->prefetch = true;
    m->repack = true;
    m->prefill_eta_s = -1;
    m->tok_s = 48.2;
    m->threads = threads;
    m->n_threads_rows = 2;
    m->perf = (struct ry_ui_perf){.any = true,
                                  .decode_tok_s = 48.2,
                                  .prefill_tok_s = 231,
                                  .ttft_ms = 412,
                                  .p50_ms = 20.6,
                                  .p95_ms = 21.9,
                                  .p99_ms = 23.1,
                                  .n_spark = 12,
                                  .ops = {{"matmul", 0.81}, {"attention", 0.11}, {"norm", 0.02}},
                                  .n_ops = 3,
                                  .read_gb_s = 38.4,
                                  .read_limit_gb_s = 41.0,
                                  .memory_bytes = 1300000000,
                                  .kv_bytes = 104857600,
                                  .kv_reused = 1180,
                                  .kv_computed = 132,
                                  .verdict = "memory-bound: the weights come as fast as the memory "
                                             "gives them, more threads will not help"};
    static const float spark[] = {8, 14, 22, 30, 38, 44, 47, 46, 48, 48, 40, 48};
    memcpy(m->perf.spark, spark, sizeof spark);
    m->perf.marks[6] = "avx2";
    m->cache = (struct ry_ui_cache){.any = true,
                                    .hits = 961,
                                    .misses = 39,
                                    .lines_used = 1204,
                                    .lines_max = 4096,
                                    .bytes_used = 3000000,
                                    .bytes_max = 8388608,
                                    .evictions = 7,
                                    .wal_bytes = 40960,
                                    .db_bytes = 1048576,
                                    .n_commits = 87,
                                    .hot_p50_us = 0.4,
                                    .hot_p99_us = 1.9,
                                    .cold_p50_us = 85,
                                    .cold_p99_us = 410,
                                    .kv_cells = 1312,
                                    .kv_max = 4096,
                                    .kv_bytes = 104857600,
                                    .kv_reused = 1180,
                                    .kv_computed = 132};
}

static void set_scene(struct child *c, enum rig_scene scene)
{
    memset(&c->model, 0, sizeof c->model);
    c->model.messages = c->messages;
    fill_figures(&c->model);
    ry_buf_clear(&c->growing);
    switch (scene) {
    case RIG_EMPTY:
        c->model.perf.any = c->model.cache.any = false;
        c->model.n_threads_rows = 0;
        c->model.state = RY_UI_LOADING;
        c->model.load_share = 0.43;
        c->model.ctx_size = 0;
        c->model.tok_s = 0;
        c->model.notice = "loading the model from a file whose path is long enough for this notice "
                          "to need a second row";
        break;
    case RIG_LONG:
        for (size_t i = 0; i < N_LONG; i++) {
            ry_buf_clear(&c->texts[i]);
            ry_buf_addf(&c->texts[i], "message number %zu", i + 1);
            say(c, i, i % 2 ? RY_UI_ASSISTANT : RY_UI_USER, c->texts[i].data, NULL);
        }
        c->messages[N_LONG - 1].streaming = true;
        break;
    case RIG_UNICODE:
        say(c, 0, RY_UI_ASSISTANT, unicode_text, NULL);
        break;
    case RIG_HOSTILE:
        say(c, 0, RY_UI_ASSISTANT, hostile_text, "\x1b[7mtail\n");
        say(c, 1, RY_UI_USER, hostile_text, NULL);
        c->model.session_title = "title\x1b]0;x\x07\nnext";
        c->model.model_name = "\u202Emodel";
        c->model.notice = "notice\x1b[2J\x9b";
        c->model.notice_is_error = true;
        c->model.perf.verdict = "verdict\x1b[8m";
        c->model.perf.ops[0].name = "op\x1b[1m";
        c->model.kernel = "k\x1bZ";
        break;
    default:
        say(c, 0, RY_UI_USER, "What should I see in two days?", NULL);
        say(c, 1, RY_UI_ASSISTANT, answer_text, "stopped");
        say(c, 2, RY_UI_NOTE, "kernel avx2 from here on", NULL);
        if (scene == RIG_BUSY)
            c->model.state = RY_UI_GENERATING;
        break;
    }
}

static void grow(struct child *c, const char *text)
{
    struct ry_ui_message *last = &c->messages[c->model.n_messages - 1];
    if (c->growing.len == 0)
        ry_buf_add(&c->growing, last->text, last->len);
    ry_buf_adds(&c->growing, text);
    last->text = c->growing.data;
    last->len = c->growing.len;
    last->streaming = true;
}

static void take_actions(struct child *c)
{
    struct ry_ui_action action;
    for (;;) {
        ry_ui_next_action(c->ui, &action);
        if (action.kind == RY_UI_ACT_NONE)
            return;
        c->answer.kind = action.kind;
        c->answer.arg = action.arg;
        snprintf(c->answer.text, sizeof c->answer.text, "%s", action.text ? action.text : "");
        ry_mem_free(action.text);
    }
}

/* Input may need a moment to pass the pseudo-terminal: waits for its first byte, then for silence.
 */
static void take_input(struct child *c)
{
    struct pollfd pfd = {.fd = ry_ui_fd(c->ui), .events = POLLIN};
    for (int wait_ms = 2000; poll(&pfd, 1, wait_ms) > 0; wait_ms = QUIET_MS) {
        take_actions(c);
        if (c->answer.kind == RY_UI_ACT_HANGUP)
            return;
    }
}

static void close_child(struct child *c)
{
    ry_ui_close(c->ui);
    for (size_t i = 0; i < N_LONG; i++)
        ry_buf_done(&c->texts[i]);
    ry_buf_done(&c->growing);
}

static int run_child(const struct rig_options *options, int commands_fd, int answers_fd)
{
    struct child c = {.commands = commands_fd, .answers = answers_fd};
    struct ry_ui_options ui_options = {.commands = commands,
                                       .n_commands = sizeof commands / sizeof *commands,
                                       .history_path = options->history,
                                       .ascii = options->ascii,
                                       .color = true};
    ry_err err = {0};
    char command[COMMAND_BYTES];
    for (int sig = 1; sig < 32; sig++)
        signal(sig, SIG_DFL); /* the test runner has handlers of its own */
    if (options->ignore_hangup)
        signal(SIGHUP, SIG_IGN);
    int closed[2];
    if (options->piped && (pipe(closed) < 0 || dup2(closed[0], 0) < 0 || close(closed[1]) < 0))
        return 1;
    setenv("TERM", "xterm-256color", 1);
    setlocale(LC_ALL, "C.UTF-8");
    set_scene(&c, options->scene);
    if (ry_ui_open(&c.ui, &ui_options, &err) != RY_OK) {
        fprintf(stderr, "cannot open the UI: %s\n", err.text);
        return 1;
    }
    do {
        ry_ui_resized(c.ui); /* a frame now, whatever the clock says */
        ry_ui_draw(c.ui, &c.model);
        if (write(c.answers, &c.answer, sizeof c.answer) != sizeof c.answer)
            break;
        memset(&c.answer, 0, sizeof c.answer);
        ssize_t n;
        do
            n = read(c.commands, command, sizeof command);
        while (n < 0 && errno == EINTR); /* a resize */
        if (n != sizeof command || command[0] == 'q')
            break;
        if (command[0] == 'k')
            take_input(&c);
        else if (command[0] == 's')
            set_scene(&c, (enum rig_scene)command[1]);
        else if (command[0] == 'g')
            grow(&c, command + 1);
        else if (command[0] == 'r')
            ry_ui_toggle_raw(c.ui);
        else if (command[0] == '!')
            raise(command[1]);
    } while (c.answer.kind != RY_UI_ACT_HANGUP);
    bool told = c.answer.kind != RY_UI_ACT_HANGUP ||
                write(c.answers, &c.answer, sizeof c.answer) == sizeof c.answer;
    close_child(&c);
    return told ? 0 : 1;
}

/* ---- the parent ---- */

struct rig {
    pid_t pid;
    int master, commands, answers;
    VTerm *vt;
    VTermScreen *screen;
    bool alternate;
    int n_titles;
    ry_buf output, text;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int on_property(VTermProp prop, VTermValue *value, void *user)
{
    struct rig *rig = user;
    if (prop == VTERM_PROP_ALTSCREEN)
        rig->alternate = value->boolean;
    else if (prop == VTERM_PROP_TITLE || prop == VTERM_PROP_ICONNAME)
        rig->n_titles++;
    return 1;
}

static const VTermScreenCallbacks callbacks = {.settermprop = on_property};

/* Feeds the emulator what is there; false when nothing came for a while or the terminal was closed.
 */
static bool feed(struct rig *rig, int wait_ms)
{
    struct pollfd pfd = {.fd = rig->master, .events = POLLIN};
    char bytes[4096];
    if (poll(&pfd, 1, wait_ms) <= 0)
        return false;
    ssize_t n = read(rig->master, bytes, sizeof bytes);
    if (n <= 0)
        return false;
    ry_buf_add(&rig->output, bytes, (size_t)n);
    vterm_input_write(rig->vt, bytes, (size_t)n);
    return true;
}

static struct rig_answer await(struct rig *rig)
{
    struct rig_answer answer = {0};
    struct pollfd pfd = {.fd = rig->answers, .events = POLLIN};
    for (int waits = 0; poll(&pfd, 1, 0) == 0; waits++) {
        feed(rig, 10);
        if (waits > 3000) {
            fprintf(stderr, "the child does not answer\n");
            exit(1);
        }
    }
    if (read(rig->answers, &answer, sizeof answer) != sizeof answer) {
        while (feed(rig, 300))
            ;
        fprintf(stderr, "the child ended; the last it wrote:\n%s\n",
                ry_buf_str(&rig->output) + (rig->output.len > 3000 ? rig->output.len - 3000 : 0));
        exit(1);
    }
    while (feed(rig, QUIET_MS))
        ;
    return answer;
}

static void command(struct rig *rig, char what, const char *text)
{
    char bytes[COMMAND_BYTES] = {what};
    snprintf(bytes + 1, sizeof bytes - 1, "%s", text);
    if (write(rig->commands, bytes, sizeof bytes) != sizeof bytes)
        die("command");
}

struct rig *rig_open(const struct rig_options *options)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct winsize ws = {.ws_row = (unsigned short)options->rows,
                         .ws_col = (unsigned short)options->cols};
    int to_child[2], from_child[2];
    if (!rig || pipe(to_child) < 0 || pipe(from_child) < 0)
        die("rig");
    rig->pid = forkpty(&rig->master, NULL, NULL, &ws);
    if (rig->pid < 0)
        die("forkpty");
    if (rig->pid == 0) {
        close(to_child[1]);
        close(from_child[0]);
        free(rig);
        exit(run_child(options, to_child[0], from_child[1]));
    }
    close(to_child[0]);
    close(from_child[1]);
    rig->commands = to_child[1];
    rig->answers = from_child[0];
    rig->vt = vterm_new(options->rows, options->cols);
    vterm_set_utf8(rig->vt, 1);
    rig->screen = vterm_obtain_screen(rig->vt);
    vterm_screen_set_callbacks(rig->screen, &callbacks, rig);
    vterm_screen_enable_altscreen(rig->screen, 1);
    vterm_screen_reset(rig->screen, 1);
    await(rig);
    return rig;
}

static int reap(struct rig *rig)
{
    int status = 0;
    while (feed(rig, 300))
        ;
    waitpid(rig->pid, &status, 0);
    rig->pid = 0;
    return status;
}

static void dispose(struct rig *rig)
{
    if (rig->master >= 0)
        close(rig->master);
    close(rig->commands);
    close(rig->answers);
    vterm_free(rig->vt);
    ry_buf_done(&rig->output);
    ry_buf_done(&rig->text);
    free(rig);
}

void rig_close(struct rig *rig, struct rig_answer *answer)
{
    int status = 0;
    if (rig->pid) {
        command(rig, 'q', "");
        status = reap(rig);
    }
    if (answer)
        answer->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    dispose(rig);
}

struct rig_answer rig_bytes(struct rig *rig, const char *bytes, size_t len)
{
    command(rig, 'k', "");
    while (len > 0) {
        ssize_t n = write(rig->master, bytes, len < 256 ? len : 256);
        if (n <= 0)
            die("keys");
        bytes += n;
        len -= (size_t)n;
        feed(rig, 0);
    }
    return await(rig);
}

struct rig_answer rig_keys(struct rig *rig, const char *bytes)
{
    return rig_bytes(rig, bytes, strlen(bytes));
}

void rig_scene(struct rig *rig, enum rig_scene scene)
{
    char text[2] = {(char)scene};
    command(rig, 's', text);
    await(rig);
}

void rig_grow(struct rig *rig, const char *text)
{
    command(rig, 'g', text);
    await(rig);
}

void rig_toggle_raw(struct rig *rig)
{
    command(rig, 'r', "");
    await(rig);
}

void rig_resize(struct rig *rig, int rows, int cols)
{
    struct winsize ws = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
    if (ioctl(rig->master, TIOCSWINSZ, &ws) < 0)
        die("resize");
    vterm_set_size(rig->vt, rows, cols);
    command(rig, 'd', "");
    await(rig);
}

int rig_crash(struct rig *rig, int sig)
{
    char text[2] = {(char)sig};
    command(rig, '!', text);
    return reap(rig);
}

const char *rig_text(struct rig *rig)
{
    int rows, cols;
    size_t keep = 0;
    ry_buf_clear(&rig->text);
    vterm_get_size(rig->vt, &rows, &cols);
    for (VTermPos pos = {0, 0}; pos.row < rows; pos.row++) {
        size_t end = rig->text.len;
        for (pos.col = 0; pos.col < cols; pos.col++) {
            VTermScreenCell cell;
            vterm_screen_get_cell(rig->screen, pos, &cell);
            for (int i = 0;
                 i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] && cell.chars[i] != (uint32_t)-1;
                 i++) {
                char bytes[4];
                ry_buf_add(&rig->text, bytes, ry_utf8_encode((int32_t)cell.chars[i], bytes));
            }
            if (!cell.chars[0])
                ry_buf_addc(&rig->text, ' ');
            else if (cell.chars[0] != ' ' && cell.chars[0] != (uint32_t)-1)
                end = rig->text.len;
            if (cell.width == 2)
                pos.col++;
        }
        rig->text.len = end;
        if (rig->text.len > keep &&
            (rig->text.len == 0 || rig->text.data[rig->text.len - 1] != '\n'))
            keep = rig->text.len + 1;
        ry_buf_addc(&rig->text, '\n');
    }
    rig->text.len = keep;
    ry_buf_addc(&rig->text, '\0');
    return rig->text.data;
}

void rig_cursor(struct rig *rig, int *row, int *col)
{
    VTermPos pos;
    vterm_state_get_cursorpos(vterm_obtain_state(rig->vt), &pos);
    *row = pos.row;
    *col = pos.col;
}

bool rig_is_alternate(const struct rig *rig)
{
    return rig->alternate;
}

const char *rig_output(const struct rig *rig, size_t *len)
{
    *len = rig->output.len;
    return ry_buf_str(&rig->output);
}

int rig_n_titles(const struct rig *rig)
{
    return rig->n_titles;
}

unsigned rig_local_modes(const struct rig *rig)
{
    struct termios modes;
    if (tcgetattr(rig->master, &modes) < 0)
        die("tcgetattr");
    return modes.c_lflag;
}

struct rig_answer rig_hang_up(struct rig *rig)
{
    struct rig_answer answer = {0};
    struct pollfd pfd = {.fd = rig->answers, .events = POLLIN};
    command(rig, 'k', "");
    close(rig->master);
    rig->master = -1;
    if (poll(&pfd, 1, 5000) <= 0 || read(rig->answers, &answer, sizeof answer) != sizeof answer)
        die("hang up");
    waitpid(rig->pid, NULL, 0);
    rig->pid = 0;
    return answer;
}
