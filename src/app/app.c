/* The full screen. While it is taken, stderr goes to the log: a library's words must not tear
 * the picture. */
#include "src/app/app.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/app/commands.h"
#include "src/app/edit.h"
#include "src/app/out.h"
#include "src/app/signals.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "ui/ui.h"

enum { HANGUP_MS = 700, QUIT_MS = 5000 };

struct app {
    const struct ry_app_options *options;
    ry_chat *chat;
    ry_ui *ui;
    bool quitting;
    int sig;                        /* that ends the program */
    int stderr_fd;                  /* the real one, while the log stands in; -1 */
    struct ry_ui_message *messages; /* [cap_messages] owned */
    size_t cap_messages;
    struct ry_ui_threads_row threads[RY_MAX_THREADS];
    struct ry_ui_command *commands; /* owned */
    struct ry_ui_model model;
};

/* ---- stderr ---- */

static void divert_stderr(struct app *app)
{
    int to = ry_log_fd();
    int null = to < 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
    app->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (app->stderr_fd >= 0 && (to >= 0 || null >= 0))
        dup2(to >= 0 ? to : null, STDERR_FILENO);
    if (null >= 0)
        close(null);
}

static void restore_stderr(struct app *app)
{
    if (app->stderr_fd < 0)
        return;
    dup2(app->stderr_fd, STDERR_FILENO);
    close(app->stderr_fd);
    app->stderr_fd = -1;
}

/* ---- the view model ---- */

static bool fill_messages(struct app *app)
{
    ry_chat *chat = app->chat;
    if (chat->n_lines > app->cap_messages) {
        size_t cap = chat->cap_lines;
        struct ry_ui_message *grown = ry_mem_resize(app->messages, cap, sizeof *grown);
        if (!grown)
            return false;
        app->messages = grown;
        app->cap_messages = cap;
    }
    static const enum ry_ui_role roles[] = {[RY_LINE_USER] = RY_UI_USER,
                                            [RY_LINE_ASSISTANT] = RY_UI_ASSISTANT,
                                            [RY_LINE_NOTE] = RY_UI_NOTE};
    for (size_t i = 0; i < chat->n_lines; i++) {
        const struct ry_line *line = &chat->lines[i];
        app->messages[i] = (struct ry_ui_message){
            .id = line->key,
            .role = roles[line->role],
            .text = ry_buf_str(&line->text),
            .len = line->text.len,
            .streaming = line->streaming,
            .tail = line->tail[0] ? line->tail : NULL,
        };
    }
    app->model.messages = app->messages;
    app->model.n_messages = chat->n_lines;
    return true;
}

static enum ry_ui_state state_of(const ry_chat *chat)
{
    switch (chat->turn) {
    case RY_TURN_PREFILL:
        return RY_UI_PREFILL;
    case RY_TURN_GENERATING:
        return RY_UI_GENERATING;
    case RY_TURN_SAVING:
    case RY_TURN_WAITING:
    case RY_TURN_IDLE:
        break;
    }
    switch (chat->model_state) {
    case RY_MODEL_READY:
        return chat->turn == RY_TURN_IDLE ? RY_UI_IDLE : RY_UI_PREFILL;
    case RY_MODEL_FAILED:
        return RY_UI_FAILED;
    case RY_MODEL_NONE:
    case RY_MODEL_LOADING:
        break;
    }
    return RY_UI_LOADING;
}

static void fill_operations(struct ry_ui_perf *p, const struct ry_perf *d)
{
    uint64_t total = 0;
    p->n_ops = 0;
    for (int i = 0; i < RY_OP_COUNT; i++)
        total += d->op_ns[i];
    for (int i = 0; i < RY_OP_COUNT && total; i++) {
        if (d->op_ns[i] == 0)
            continue;
        p->ops[p->n_ops].name = ry_op_name((enum ry_op)i);
        p->ops[p->n_ops].share = (double)d->op_ns[i] / (double)total;
        p->n_ops++;
    }
}

_Static_assert((int)RY_OP_COUNT <= (int)RY_UI_OPS, "the panel has a row for every operation");
_Static_assert((int)RY_RATE_SECONDS == (int)RY_UI_SPARK,
               "the sparkline is a minute long on both sides");

static void fill_perf(struct app *app, uint64_t now_ns)
{
    ry_chat *chat = app->chat;
    struct ry_ui_perf *p = &app->model.perf;
    const struct ry_figures *f = &chat->figures;
    const struct ry_generated *g = &chat->result;
    bool running = chat->turn == RY_TURN_GENERATING;
    struct ry_perf d = ry_perf_since(&f->perf, &chat->perf_base);
    *p = (struct ry_ui_perf){.any = running || g->n_prompt > 0};
    app->model.tok_s = running ? ry_rate_now(&chat->rate, now_ns) : 0;
    p->decode_tok_s = running ? app->model.tok_s : ry_chat_decode_rate(g);
    p->prefill_tok_s = d.prefill_ns ? (double)d.n_prefill * 1e9 / (double)d.prefill_ns : 0;
    p->ttft_ms = f->ttft_ms;
    p->p50_ms = f->p50_ms;
    p->p95_ms = f->p95_ms;
    p->p99_ms = f->p99_ms;
    p->n_spark = chat->rate.n_spark;
    memcpy(p->spark, chat->rate.spark, sizeof p->spark);
    for (size_t i = 0; i < p->n_spark; i++)
        p->marks[i] = chat->rate.marks[i][0] ? chat->rate.marks[i] : NULL;
    fill_operations(p, &d);
    p->read_gb_s = ry_perf_read_gb_s(&d);
    p->read_limit_gb_s = ry_read_limit_of(&chat->options.read_limit, app->model.n_threads);
    p->n_drafted = d.n_drafted;
    p->n_accepted = d.n_accepted;
    p->n_screened = d.n_screened;
    p->n_rescored = d.n_rescored;
    p->tokens_a_step = ry_perf_tokens_a_step(&d);
    p->memory_bytes = chat->model.memory.total;
    p->kv_bytes = chat->model.kv_bytes;
    p->kv_reused = (uint32_t)g->n_reused;
    p->kv_computed = (uint32_t)(g->n_prompt - g->n_reused);
    p->verdict = ry_perf_verdict(&d, app->model.n_threads, &chat->options.read_limit);
}

static void fill_cache(struct app *app)
{
    const struct ry_vault_stats *s = &app->chat->vault_stats;
    app->model.cache = (struct ry_ui_cache){
        .any = true,
        .hits = s->hits,
        .misses = s->misses,
        .insertions = s->insertions,
        .evictions = s->evictions,
        .lines_used = s->lines_used,
        .lines_max = s->lines_max,
        .bytes_used = s->bytes_used,
        .bytes_max = s->bytes_max,
        .wal_bytes = s->wal_bytes,
        .db_bytes = s->db_bytes,
        .n_commits = s->n_commits,
        .hot_p50_us = s->hot_p50_us,
        .hot_p99_us = s->hot_p99_us,
        .cold_p50_us = s->cold_p50_us,
        .cold_p99_us = s->cold_p99_us,
        .kv_cells = app->chat->figures.n_past,
        .kv_max = app->chat->model.n_ctx,
        .kv_reused = app->model.perf.kv_reused,
        .kv_computed = app->model.perf.kv_computed,
        .kv_bytes = app->chat->model.kv_bytes,
    };
}

static void fill_model(struct app *app)
{
    ry_chat *chat = app->chat;
    struct ry_ui_model *m = &app->model;
    uint64_t now = ry_clock_ns();
    if (!fill_messages(app))
        m->n_messages = 0;
    m->app_version = app->options->version;
    m->model_name = chat->model_state == RY_MODEL_READY ? chat->model.name
                    : chat->model_word                  ? chat->model_word
                                                        : "";
    m->session_title = chat->title;
    m->ctx_used = chat->figures.n_past;
    m->ctx_size = chat->model.n_ctx;
    m->state = state_of(chat);
    m->load_share = chat->load_share;
    m->prefill_done = chat->n_prefill_done;
    m->prefill_total = chat->n_prefill_total;
    double spent_s = (double)(now - chat->turn_began_ns) / 1e9;
    m->prefill_eta_s =
        chat->n_prefill_done > 0
            ? spent_s * (chat->n_prefill_total - chat->n_prefill_done) / chat->n_prefill_done
            : -1;
    m->kernel = ry_tier_name((enum ry_tier)atomic_load(&chat->live.tier));
    m->attention = atomic_load(&chat->live.attention) == RY_ATTENTION_FLASH ? "flash" : "standard";
    m->n_threads = atomic_load(&chat->live.n_threads);
    m->temp = atomic_load(&chat->live.temp);
    m->prefetch = atomic_load(&chat->live.prefetch);
    m->repack = atomic_load(&chat->live.repack);
    m->full_head = !atomic_load(&chat->live.screen) && !chat->model.no_screen[0];
    m->notice = chat->notice;
    m->notice_is_error = chat->notice_is_error;
    m->threads = app->threads;
    m->n_threads_rows = 0;
    for (int n = 1; n <= RY_MAX_THREADS; n++)
        if (chat->by_threads[n].ns > 0)
            app->threads[m->n_threads_rows++] = (struct ry_ui_threads_row){
                .n_threads = n, .tok_s = chat->by_threads[n].tokens * 1e9 / chat->by_threads[n].ns};
    fill_perf(app, now);
    fill_cache(app);
}

/* ---- surface ---- */

static void on_draft(void *user, const char *text, size_t len)
{
    struct app *app = user;
    ry_ui_set_draft(app->ui, text, len);
}

static bool on_perform(void *user, enum ry_surface_do what, int arg)
{
    struct app *app = user;
    switch (what) {
    case RY_DO_PANEL_PERF:
        ry_ui_toggle_panel(app->ui, RY_UI_PANEL_PERF);
        break;
    case RY_DO_PANEL_THREADS:
        ry_ui_toggle_panel(app->ui, RY_UI_PANEL_THREADS);
        break;
    case RY_DO_PANEL_CACHE:
        ry_ui_toggle_panel(app->ui, RY_UI_PANEL_CACHE);
        break;
    case RY_DO_HELP:
        ry_ui_show_help(app->ui);
        break;
    case RY_DO_MOUSE:
        ry_ui_set_mouse(app->ui, arg != 0);
        break;
    case RY_DO_RAW:
        ry_ui_toggle_raw(app->ui);
        break;
    case RY_DO_QUIT:
        app->quitting = true;
        break;
    }
    return true;
}

/* ---- actions ---- */

static void resume(struct app *app)
{
    ry_err err;
    divert_stderr(app);
    if (ry_ui_resume(app->ui, &err) != RY_OK) {
        ry_log("resume: %s", err.text);
        app->sig = SIGHUP;
        return;
    }
    ry_ui_redraw(app->ui);
}

static void suspend(struct app *app)
{
    struct sigaction sa = {.sa_handler = SIG_DFL}, old;
    sigemptyset(&sa.sa_mask);
    ry_ui_suspend(app->ui);
    restore_stderr(app);
    sigaction(SIGTSTP, &sa, &old);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &old, NULL);
    resume(app);
}

static bool keep_going(void *user)
{
    struct app *app = user;
    ry_chat_pump(app->chat);
    return !ry_signals_take(SIGHUP) && !ry_signals_take(SIGTERM);
}

static void edit_outside(struct app *app, const char *text, size_t len)
{
    ry_buf edited = {0};
    ry_err err;
    ry_ui_suspend(app->ui);
    restore_stderr(app);
    ry_rc rc = ry_edit_outside(text, len, ry_chat_fd(app->chat), keep_going, app, &edited, &err);
    resume(app);
    if (rc == RY_OK)
        ry_ui_set_draft(app->ui, ry_buf_str(&edited), edited.len);
    else
        ry_chat_notice(app->chat, true, "%s", err.text);
    ry_buf_done(&edited);
}

static void submit(struct app *app, const char *text, size_t len)
{
    ry_err err;
    ry_rc rc = ry_chat_submit(app->chat, text, len, &err);
    if (rc == RY_OK)
        return;
    ry_ui_set_draft(app->ui, text, len);
    ry_chat_notice(app->chat, true, "%s", err.text);
}

static void act(struct app *app, struct ry_ui_action *a)
{
    switch (a->kind) {
    case RY_UI_ACT_NONE:
        break;
    case RY_UI_ACT_SUBMIT:
        submit(app, a->text, a->len);
        break;
    case RY_UI_ACT_STOP:
        ry_chat_stop(app->chat);
        break;
    case RY_UI_ACT_CYCLE_KERNEL:
        ry_command_cycle_kernel(app->chat);
        break;
    case RY_UI_ACT_THREADS:
        ry_command_step_threads(app->chat, a->arg);
        break;
    case RY_UI_ACT_QUIT:
        app->quitting = true;
        break;
    case RY_UI_ACT_SUSPEND:
        suspend(app);
        break;
    case RY_UI_ACT_EXTERNAL_EDIT:
        edit_outside(app, a->text ? a->text : "", a->len);
        break;
    case RY_UI_ACT_HANGUP:
        app->sig = SIGHUP;
        break;
    }
    ry_mem_free(a->text);
}

static void take_signals(struct app *app)
{
    ry_signals_drain();
    if (ry_signals_take(SIGWINCH))
        ry_ui_resized(app->ui);
    if (ry_signals_take(SIGTSTP))
        suspend(app);
    if (ry_signals_take(SIGCONT))
        ry_ui_redraw(app->ui);
    if (ry_signals_take(SIGTERM))
        app->sig = SIGTERM;
    if (ry_signals_take(SIGHUP))
        app->sig = SIGHUP;
    if (ry_signals_take(SIGINT)) {
        if (app->chat->turn == RY_TURN_IDLE)
            app->sig = SIGINT;
        else
            ry_chat_stop(app->chat);
    }
}

static int soonest(int a, int b)
{
    if (a < 0)
        return b;
    return b < 0 || a < b ? a : b;
}

static void loop(struct app *app)
{
    while (!app->quitting && !app->sig && app->chat->fatal.rc == RY_OK) {
        fill_model(app);
        ry_ui_draw(app->ui, &app->model);
        struct pollfd fds[] = {{.fd = ry_ui_fd(app->ui), .events = POLLIN},
                               {.fd = ry_chat_fd(app->chat), .events = POLLIN},
                               {.fd = ry_signals_fd(), .events = POLLIN}};
        int wait = soonest(ry_ui_timeout_ms(app->ui), ry_chat_timeout_ms(app->chat));
        if (poll(fds, 3, wait) < 0 && errno != EINTR) {
            ry_log("poll: %s", strerror(errno));
            app->sig = SIGHUP;
        }
        take_signals(app);
        if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
            app->sig = app->sig ? app->sig : SIGHUP;
        ry_chat_pump(app->chat);
        for (struct ry_ui_action a = {0}; !app->sig && !app->quitting;
             a = (struct ry_ui_action){0}) {
            ry_ui_next_action(app->ui, &a);
            if (a.kind == RY_UI_ACT_NONE)
                break;
            act(app, &a);
        }
    }
}

/* ---- open and close ---- */

static ry_rc open_ui(struct app *app, ry_err *err)
{
    size_t n;
    const struct ry_command *table = ry_command_table(&n);
    app->commands = ry_mem_zalloc(n, sizeof *app->commands);
    if (!app->commands)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++)
        app->commands[i] = (struct ry_ui_command){
            .name = table[i].name, .args = table[i].args, .help = table[i].help};
    struct ry_ui_options options = {
        .commands = app->commands,
        .n_commands = n,
        .history_path = app->options->history_path,
        .ascii = app->options->ascii,
        .color = app->options->color,
        .theme = app->options->theme,
        .mouse = app->options->mouse,
    };
    divert_stderr(app);
    ry_rc rc = ry_ui_open(&app->ui, &options, err);
    if (rc != RY_OK)
        restore_stderr(app);
    return rc;
}

/* The terminal is the person's again before the last words are written. */
static void put_away(struct app *app)
{
    if (app->chat)
        ry_chat_settle(app->chat, app->sig ? HANGUP_MS : QUIT_MS);
    ry_ui_close(app->ui);
    restore_stderr(app);
    int n_lost = ry_chat_end(app->chat, app->sig ? 0 : -1);
    if (n_lost > 0)
        ry_out_error("%d changes could not be saved", n_lost);
    ry_mem_free(app->messages);
    ry_mem_free(app->commands);
}

ry_rc ry_app_run(const struct ry_app_options *options, int *sig, ry_err *err)
{
    struct app app = {.options = options, .stderr_fd = -1};
    struct ry_chat_options chat = options->chat;
    chat.surface = (struct ry_surface){.user = &app, .draft = on_draft, .perform = on_perform};
    ry_rc rc = open_ui(&app, err);
    if (rc == RY_OK)
        rc = ry_chat_start(&app.chat, &chat, err);
    if (rc == RY_OK) {
        loop(&app);
        if (app.chat->fatal.rc != RY_OK) {
            rc = app.chat->fatal.rc;
            *err = app.chat->fatal;
        }
    }
    put_away(&app);
    *sig = app.sig;
    return rc;
}
