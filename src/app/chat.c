/* One conversation: workers, lines, and the turn from the saved message to the finished answer. */
#include "src/app/chat.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/app/commands.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"

enum { SAVE_EVERY_MS = 200, SETTLE_MS = 5000 };

/* ---- lines and news ---- */

struct ry_line *ry_chat_add_line(ry_chat *chat, enum ry_line_role role, const char *text,
                                 size_t len)
{
    if (chat->n_lines == chat->cap_lines) {
        size_t cap = chat->cap_lines ? chat->cap_lines * 2 : 64;
        struct ry_line *grown = ry_mem_resize(chat->lines, cap, sizeof *grown);
        if (!grown)
            return NULL;
        chat->lines = grown;
        chat->cap_lines = cap;
    }
    struct ry_line line = {.key = ++chat->next_key, .role = role};
    if (text && !ry_buf_add(&line.text, text, len)) {
        ry_buf_done(&line.text);
        return NULL;
    }
    chat->lines[chat->n_lines] = line;
    return &chat->lines[chat->n_lines++];
}

void ry_chat_drop_lines(ry_chat *chat, size_t from)
{
    while (chat->n_lines > from)
        ry_buf_done(&chat->lines[--chat->n_lines].text);
}

static struct ry_line *line_of(ry_chat *chat, uint64_t key)
{
    for (size_t i = chat->n_lines; i-- > 0;)
        if (chat->lines[i].key == key)
            return &chat->lines[i];
    return NULL;
}

void ry_chat_note(ry_chat *chat, const char *fmt, ...)
{
    ry_buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    ry_buf_addv(&text, fmt, ap);
    va_end(ap);
    ry_chat_add_line(chat, RY_LINE_NOTE, ry_buf_str(&text), text.len);
    if (chat->options.surface.note)
        chat->options.surface.note(chat->options.surface.user, ry_buf_str(&text));
    ry_buf_done(&text);
}

void ry_chat_notice(ry_chat *chat, bool error, const char *fmt, ...)
{
    ry_mem_free(chat->notice);
    chat->notice = NULL;
    if (!fmt)
        return;
    ry_buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    ry_buf_addv(&text, fmt, ap);
    va_end(ap);
    chat->notice = ry_buf_take(&text);
    ry_buf_done(&text);
    chat->notice_is_error = error;
    if (chat->notice && chat->options.surface.notice)
        chat->options.surface.notice(chat->options.surface.user, chat->notice, error);
    if (chat->notice && error)
        ry_log("notice: %s", chat->notice);
}

/* What was said about an earlier command; that something is not saved stays. */
static void drop_old_notice(ry_chat *chat)
{
    if (!chat->unsaved)
        ry_chat_notice(chat, false, NULL);
}

void ry_chat_switched(ry_chat *chat, const char *what, const char *from, const char *to)
{
    if (strcmp(from, to) == 0) {
        ry_chat_notice(chat, false, "%s is %s", what, to);
        return;
    }
    drop_old_notice(chat);
    ry_rate_mark(&chat->rate, to);
    ry_chat_note(chat, "%s %s -> %s", what, from, to);
}

ry_rc ry_chat_post(ry_chat *chat, struct ry_vault_op *op, ry_err *err)
{
    if (!op)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory: nothing was changed");
    if (ry_vault_worker_post(chat->vault, op))
        return RY_OK;
    ry_vault_op_free(op);
    return ry_err_set(err, RY_ERR_BUSY, "the vault is busy: try again in a moment");
}

/* ---- model ---- */

ry_rc ry_chat_load(ry_chat *chat, const char *word, ry_err *err)
{
    char *path = NULL;
    ry_rc rc = chat->options.resolve_model(chat->options.resolve_user, word, &path, err);
    if (rc != RY_OK)
        return rc;
    struct ry_task *task = ry_task_new(RY_TASK_LOAD);
    if (task)
        task->path = ry_arena_strndup(&task->arena, path, strlen(path));
    if (!task || !task->path) {
        ry_task_free(task);
        ry_mem_free(path);
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory");
    }
    task->session = chat->options.session;
    task->session.live = &chat->live;
    if (!ry_engine_worker_post(chat->engine, task)) {
        ry_task_free(task);
        ry_mem_free(path);
        return ry_err_set(err, RY_ERR_BUSY, "the engine is busy: try again in a moment");
    }
    ry_mem_free(chat->model_word);
    chat->model_word = path;
    chat->model_state = RY_MODEL_LOADING;
    chat->load_share = 0;
    return RY_OK;
}

static void load_failed_at_start(ry_chat *chat, const ry_err *err)
{
    chat->model_state = RY_MODEL_FAILED;
    chat->last_rc = err->rc;
    ry_chat_notice(chat, true, "%s", err->text);
}

/* Said once, with the first model. */
static void note_failed_tiers(ry_chat *chat)
{
    for (int t = 0; t < RY_TIER_COUNT; t++)
        if (ry_tier_failed((enum ry_tier)t)[0])
            ry_chat_note(chat, "kernel %s gives other bits than scalar here (%s): it is not used",
                         ry_tier_name((enum ry_tier)t), ry_tier_failed((enum ry_tier)t));
}

static void on_loaded(ry_chat *chat, const struct ry_event *e)
{
    ry_err err;
    bool again = chat->model.fingerprint != 0;
    chat->model = e->model;
    chat->model_state = RY_MODEL_READY;
    chat->figures = (struct ry_figures){0};
    chat->warned_full = false;
    if (!e->model.template_known)
        ry_chat_note(chat, "%s: its chat template is not known; chatml stands in", e->model.name);
    ry_guide_free(chat->guide);
    chat->guide = NULL;
    if (ry_lookup_applies(e->model.path) && ry_guide_new(&chat->guide, NULL, 0, &err) != RY_OK)
        ry_chat_note(chat, "no facts can be looked up: %s", err.text);
    if (!again)
        note_failed_tiers(chat);
    if (again) {
        ry_chat_note(chat, "model: %s", e->model.name);
        struct ry_vault_op *op =
            chat->session_posted ? ry_vault_op_new(RY_VOP_SESSION_UPDATE) : NULL;
        if (op && !(op->model = ry_mem_strdup(e->model.path))) {
            ry_vault_op_free(op);
            op = NULL;
        }
        if (op && ry_chat_post(chat, op, &err) != RY_OK)
            ry_chat_notice(chat, true, "%s", err.text);
    }
    if (chat->turn == RY_TURN_WAITING) {
        chat->turn = RY_TURN_IDLE;
        if (ry_chat_begin_turn(chat, &err) != RY_OK)
            ry_chat_notice(chat, true, "%s", err.text);
    }
}

static void on_load_failed(ry_chat *chat, const struct ry_event *e)
{
    chat->model_state = e->kept ? RY_MODEL_READY : RY_MODEL_FAILED;
    chat->last_rc = e->rc;
    if (e->rc == RY_ERR_CANCELLED)
        ry_chat_notice(chat, true, "loading was stopped: /model PATH loads another");
    else
        ry_chat_notice(chat, true, "%s%s", e->err.text, e->kept ? " (the model before stays)" : "");
    if (chat->turn == RY_TURN_WAITING) {
        chat->turn = RY_TURN_IDLE;
        if (chat->options.surface.answered)
            chat->options.surface.answered(chat->options.surface.user);
    }
}

/* ---- the turn ---- */

/* Whether line i takes part in the conversation. */
static bool is_said(const struct ry_line *line)
{
    return line->role != RY_LINE_NOTE && line->text.len > 0;
}

/* What the model reads before a user's message, and the message. */
static bool add_user_message(const ry_chat *chat, struct ry_task *task, const ry_buf *text)
{
    ry_buf fact = {0};
    if (chat->guide)
        ry_lookup_text(chat->guide, text->data, text->len, &fact);
    bool ok = !fact.failed;
    if (ok && fact.len)
        ok = ry_task_add_message(task, RY_ROLE_SYSTEM, fact.data, fact.len);
    ry_buf_done(&fact);
    return ok && ry_task_add_message(task, RY_ROLE_USER, text->data, text->len);
}

/* The conversation for the template: neighbours of one role (a turn whose answer never came) are
 * joined, since templates want roles to alternate. */
static struct ry_task *generate_task(ry_chat *chat)
{
    struct ry_task *task = ry_task_new(RY_TASK_GENERATE);
    ry_buf joined = {0};
    if (!task)
        return NULL;
    task->messages = ry_arena_alloc(&task->arena, 2 * chat->n_lines + 1, sizeof *task->messages);
    bool ok = task->messages != NULL;
    if (ok && chat->system[0])
        ok = ry_task_add_message(task, RY_ROLE_SYSTEM, chat->system, strlen(chat->system));
    for (size_t i = 0; ok && i < chat->n_lines; i++) {
        if (!is_said(&chat->lines[i]))
            continue;
        enum ry_line_role role = chat->lines[i].role;
        if (joined.len)
            ry_buf_adds(&joined, "\n\n");
        ry_buf_add(&joined, chat->lines[i].text.data, chat->lines[i].text.len);
        size_t next = i + 1;
        while (next < chat->n_lines && !is_said(&chat->lines[next]))
            next++;
        if (next < chat->n_lines && chat->lines[next].role == role)
            continue;
        if (joined.failed)
            ok = false;
        else if (role == RY_LINE_USER)
            ok = add_user_message(chat, task, &joined);
        else
            ok = ry_task_add_message(task, RY_ROLE_ASSISTANT, joined.data, joined.len);
        ry_buf_clear(&joined);
    }
    ry_buf_done(&joined);
    if (!ok) {
        ry_task_free(task);
        return NULL;
    }
    return task;
}

/* The user's message that line i, or the end, follows but for notes; NULL. */
static const ry_buf *asked_before(const ry_chat *chat, size_t i)
{
    while (i > 0 && chat->lines[i - 1].role == RY_LINE_NOTE)
        i--;
    return i > 0 && chat->lines[i - 1].role == RY_LINE_USER ? &chat->lines[i - 1].text : NULL;
}

static void note_unless_empty(ry_chat *chat, ry_buf *said)
{
    if (said->len)
        ry_chat_note(chat, "%s", ry_buf_str(said));
    ry_buf_done(said);
}

/* Looked up by words, not by the model: the note says so. */
static void note_fact(ry_chat *chat)
{
    const ry_buf *text = asked_before(chat, chat->n_lines);
    ry_buf said = {0};
    if (chat->guide && text)
        ry_lookup_say(chat->guide, text->data, text->len, &said);
    note_unless_empty(chat, &said);
}

/* What the answer should have held. */
static void note_miscopied(ry_chat *chat)
{
    const ry_buf *text = asked_before(chat, chat->answer);
    const ry_buf *answer = &chat->lines[chat->answer].text;
    ry_buf said = {0};
    if (chat->guide && text)
        ry_lookup_check(chat->guide, text->data, text->len, ry_buf_str(answer), answer->len, &said);
    note_unless_empty(chat, &said);
}

ry_rc ry_chat_begin_turn(ry_chat *chat, ry_err *err)
{
    if (chat->model_state != RY_MODEL_READY) {
        chat->turn = RY_TURN_WAITING;
        return RY_OK;
    }
    struct ry_task *task = generate_task(chat);
    if (!task)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the conversation");
    task->max_tokens = chat->options.max_tokens;
    task->seed = chat->turn_seed = chat->options.seed + chat->turn_no;
    task->stops = chat->options.stops;
    task->n_stops = chat->options.n_stops;
    if (!ry_engine_worker_post(chat->engine, task)) {
        ry_task_free(task);
        return ry_err_set(err, RY_ERR_BUSY, "the engine is busy: /regen asks again");
    }
    note_fact(chat);
    chat->turn_no++;
    chat->turn = RY_TURN_PREFILL;
    chat->answer = SIZE_MAX;
    chat->n_prefill_done = chat->n_prefill_total = 0;
    chat->perf_base = chat->figures.perf;
    chat->turn_began_ns = ry_clock_ns();
    chat->result = (struct ry_generated){0};
    return RY_OK;
}

/* Posts the answer as it stands. False: the queue is full or memory is short, later again. */
static bool post_answer(ry_chat *chat, enum ry_vault_op_kind kind, const char *stats)
{
    struct ry_line *line = &chat->lines[chat->answer];
    struct ry_vault_op *op = ry_vault_op_new(kind);
    ry_err err;
    if (!op)
        return false;
    op->key = line->key;
    op->role = RY_VAULT_ASSISTANT;
    op->status = line->status;
    op->text = ry_mem_strndup(ry_buf_str(&line->text), line->text.len);
    op->text_len = line->text.len;
    op->stats = stats ? ry_mem_strdup(stats) : NULL;
    if (!op->text || (stats && !op->stats)) {
        ry_vault_op_free(op);
        return false;
    }
    if (ry_chat_post(chat, op, &err) != RY_OK)
        return false;
    line->in_vault = true;
    chat->answer_dirty = false;
    chat->saved_ms = ry_clock_ms();
    return true;
}

static void save_answer(ry_chat *chat)
{
    bool in_vault = chat->answer != SIZE_MAX && chat->lines[chat->answer].in_vault;
    if (chat->final_due) {
        if (!post_answer(chat, in_vault ? RY_VOP_UPDATE : RY_VOP_APPEND, chat->final_stats))
            return;
        chat->final_due = false;
        ry_mem_free(chat->final_stats);
        chat->final_stats = NULL;
    } else if (chat->answer_dirty &&
               (!in_vault || ry_clock_ms() - chat->saved_ms >= SAVE_EVERY_MS)) {
        post_answer(chat, in_vault ? RY_VOP_UPDATE : RY_VOP_APPEND, NULL);
    }
}

static void warn_when_full(ry_chat *chat)
{
    uint32_t used = chat->figures.n_past, size = chat->model.n_ctx;
    if (chat->warned_full || !size || (uint64_t)used * 10 < (uint64_t)size * 9)
        return;
    chat->warned_full = true;
    ry_chat_notice(chat, false,
                   "the context is %u %% full (%u of %u tokens): /undo or /new make room",
                   (unsigned)((uint64_t)used * 100 / size), used, size);
}

static void take_figures(ry_chat *chat, const struct ry_figures *f)
{
    uint64_t now = ry_clock_ns();
    chat->figures = *f;
    if (f->n_tokens == 0)
        return;
    ry_rate_add(&chat->rate, now, f->n_tokens);
    if (f->n_threads >= 1 && f->n_threads <= RY_MAX_THREADS) {
        chat->by_threads[f->n_threads].tokens += f->n_tokens;
        chat->by_threads[f->n_threads].ns += (double)f->ns;
    }
}

static struct ry_line *answer_line(ry_chat *chat)
{
    if (chat->answer == SIZE_MAX) {
        struct ry_line *line = ry_chat_add_line(chat, RY_LINE_ASSISTANT, NULL, 0);
        if (!line)
            return NULL;
        line->streaming = true;
        line->status = RY_VAULT_STREAMING;
        chat->answer = chat->n_lines - 1;
    }
    return &chat->lines[chat->answer];
}

static void on_text(ry_chat *chat, const struct ry_event *e)
{
    if (chat->turn == RY_TURN_PREFILL) {
        chat->turn = RY_TURN_GENERATING;
        ry_rate_begin(&chat->rate, ry_clock_ns());
    }
    take_figures(chat, &e->figures);
    warn_when_full(chat);
    struct ry_line *line = e->len ? answer_line(chat) : NULL;
    if (!line)
        return;
    if (!ry_buf_add(&line->text, e->text, e->len)) {
        ry_chat_notice(chat, true, "out of memory: the answer was cut");
        ry_engine_worker_cancel(chat->engine);
        return;
    }
    chat->answer_dirty = true;
    if (chat->options.surface.text)
        chat->options.surface.text(chat->options.surface.user, e->text, e->len);
    save_answer(chat);
}

static void on_prefill(ry_chat *chat, const struct ry_event *e)
{
    chat->n_prefill_done = e->n_done;
    chat->n_prefill_total = e->n_total;
    chat->figures.n_past = e->figures.n_past;
}

/* What stands dim behind the answer, and what is said where the end was no ordinary one. */
static void describe_end(ry_chat *chat, struct ry_line *line, const struct ry_event *e)
{
    static const enum ry_vault_status statuses[RY_FINISH_COUNT] = {
        [RY_FINISH_STOP] = RY_VAULT_COMPLETE,
        [RY_FINISH_LENGTH] = RY_VAULT_LENGTH,
        [RY_FINISH_CANCELLED] = RY_VAULT_CANCELLED,
        [RY_FINISH_CONTEXT] = RY_VAULT_LENGTH,
    };
    static const char *const remarks[RY_FINISH_COUNT] = {
        [RY_FINISH_LENGTH] = "token limit · ",
        [RY_FINISH_CANCELLED] = "stopped · ",
        [RY_FINISH_CONTEXT] = "context full · ",
    };
    const struct ry_generated *g = &e->result;
    if (e->rc != RY_OK) {
        line->status = RY_VAULT_ERROR;
        snprintf(line->tail, sizeof line->tail, "failed");
        return;
    }
    double rate = ry_chat_decode_rate(g);
    line->status = statuses[g->finish];
    snprintf(line->tail, sizeof line->tail, "%s%zu tokens · %.1f tok/s",
             remarks[g->finish] ? remarks[g->finish] : "", g->n_generated, rate);
    if (g->finish == RY_FINISH_CONTEXT)
        ry_chat_notice(
            chat, true,
            "the context is full (%u of %u tokens), so the answer ends here: /undo takes turns "
            "back, /new begins afresh",
            chat->figures.n_past, chat->model.n_ctx);
}

static void on_done(ry_chat *chat, const struct ry_event *e)
{
    ry_rate_end(&chat->rate, ry_clock_ns());
    take_figures(chat, &e->figures);
    chat->result = e->result;
    chat->last_rc = e->rc;
    bool stopped_early =
        e->rc == RY_OK && e->result.finish == RY_FINISH_CANCELLED && chat->answer == SIZE_MAX;
    if (stopped_early) {
        ry_chat_notice(chat, false, "stopped before the answer began: /regen asks again");
    } else if (e->rc != RY_OK) {
        ry_chat_notice(chat, true, "%s%s", e->err.text,
                       e->rc == RY_ERR_CONTEXT ? " (/undo takes turns back, /new begins afresh)"
                                               : " (/regen asks again)");
    }
    struct ry_line *line =
        stopped_early || (e->rc != RY_OK && chat->answer == SIZE_MAX) ? NULL : answer_line(chat);
    if (line) {
        describe_end(chat, line, e);
        line->streaming = false;
        ry_mem_free(chat->final_stats);
        chat->final_stats =
            ry_chat_stats_json(chat, e->rc == RY_OK ? ry_finish_name(e->result.finish) : "error");
        chat->final_due = true;
        chat->answer_dirty = false;
        save_answer(chat);
    }
    warn_when_full(chat);
    chat->turn = RY_TURN_IDLE;
    if (chat->options.surface.answered)
        chat->options.surface.answered(chat->options.surface.user);
    if (line && e->rc == RY_OK && e->result.finish == RY_FINISH_STOP)
        note_miscopied(chat);
}

static void take_event(ry_chat *chat, const struct ry_event *e)
{
    switch (e->kind) {
    case RY_EVENT_LOADING:
        chat->load_share = e->share;
        break;
    case RY_EVENT_LOADED:
        on_loaded(chat, e);
        break;
    case RY_EVENT_LOAD_FAILED:
        on_load_failed(chat, e);
        break;
    case RY_EVENT_PREFILL:
        on_prefill(chat, e);
        break;
    case RY_EVENT_TEXT:
        on_text(chat, e);
        break;
    case RY_EVENT_DONE:
        on_done(chat, e);
        break;
    }
}

/* ---- the vault's replies ---- */

static void first_run(ry_chat *chat)
{
    bool builtin = chat->model_word && ry_lookup_applies(chat->model_word);
    ry_chat_note(chat,
                 "Welcome! Three things to try%s:\n"
                 "1  ask: %s\n"
                 "2  F2 (or /perf): live figures while it answers\n"
                 "3  ^K (or /kernel) while it answers: another kernel, the same text",
                 builtin ? " with the built-in model" : "",
                 builtin ? "how do I load a bigger model?" : "anything, and watch the answer");
    ry_chat_note(chat, "A bigger model: /model FILE.gguf here, or ryot -m FILE.gguf in the shell. "
                       "F1 or /help lists all keys and commands.");
}

static void on_opened(ry_chat *chat, const struct ry_vault_reply *r)
{
    ry_err err;
    chat->vault_open = true;
    if (r->rc != RY_OK) {
        chat->fatal = r->err;
        chat->fatal.rc = RY_ERR_VAULT;
        return;
    }
    if (r->report.read_only && !chat->options.vault.ephemeral) {
        ry_err_set(&chat->fatal, RY_ERR_VAULT, "%s: nothing can be saved there: %s",
                   chat->options.vault.path,
                   r->report.note[0] ? r->report.note : "it is read-only");
        return;
    }
    if (r->report.recovered)
        ry_chat_note(chat, "%s", r->report.note);
    else if (r->report.note[0])
        ry_chat_notice(chat, false, "%s", r->report.note);
    if (r->report.created && !chat->options.vault.ephemeral)
        first_run(chat);
    if (chat->options.session_id == RY_SESSION_NEW)
        return;
    int64_t id = chat->options.session_id == RY_SESSION_LAST ? 0 : chat->options.session_id;
    if (ry_chat_open_session(chat, id, &err) != RY_OK)
        chat->fatal = err;
}

static void on_trouble(ry_chat *chat, const struct ry_vault_reply *r)
{
    struct ry_line *line = line_of(chat, r->key);
    bool for_good = r->kind == RY_REPLY_DROPPED;
    chat->unsaved |= !for_good;
    if (for_good && line && r->op == RY_VOP_APPEND)
        line->in_vault = false;
    ry_chat_notice(chat, true, "not saved%s: %s", for_good ? "" : " yet, it is tried again",
                   r->err.text);
}

/* The turn waits for nothing more: its message is saved, or the vault is in trouble and was said
 * to be. */
static void begin_saved_turn(ry_chat *chat)
{
    ry_err err;
    chat->turn = RY_TURN_IDLE;
    if (ry_chat_begin_turn(chat, &err) != RY_OK)
        ry_chat_notice(chat, true, "%s", err.text);
}

static void take_reply(ry_chat *chat, struct ry_vault_reply *r)
{
    chat->vault_stats = r->stats;
    switch (r->kind) {
    case RY_REPLY_OPENED:
        on_opened(chat, r);
        break;
    case RY_REPLY_SESSION:
        ry_chat_adopt_session(chat, r);
        break;
    case RY_REPLY_SAVED:
        chat->session_id = r->session_id;
        break;
    case RY_REPLY_TROUBLE:
    case RY_REPLY_DROPPED:
        on_trouble(chat, r);
        break;
    case RY_REPLY_HEALED:
        chat->unsaved = false;
        ry_chat_notice(chat, false, "everything is saved again");
        break;
    case RY_REPLY_LIST:
        ry_chat_list_sessions(chat, r);
        break;
    }
}

/* ---- public ---- */

void ry_chat_pump(ry_chat *chat)
{
    ry_wake_drain(&chat->wake);
    for (struct ry_vault_reply *r; (r = ry_vault_worker_poll(chat->vault));) {
        bool waited_for =
            chat->turn == RY_TURN_SAVING && r->op == RY_VOP_APPEND && r->key == chat->user_key;
        take_reply(chat, r);
        ry_vault_reply_free(r);
        if (chat->turn == RY_TURN_SAVING && (waited_for || chat->unsaved))
            begin_saved_turn(chat);
    }
    for (struct ry_event *e; (e = ry_engine_worker_poll(chat->engine));) {
        take_event(chat, e);
        ry_engine_worker_release(chat->engine, e);
    }
    save_answer(chat);
    if (chat->turn == RY_TURN_GENERATING)
        ry_rate_tick(&chat->rate, ry_clock_ns());
}

int ry_chat_fd(const ry_chat *chat)
{
    return chat->wake.read_fd;
}

int ry_chat_timeout_ms(const ry_chat *chat)
{
    if (chat->final_due)
        return 20;
    if (chat->answer_dirty) {
        uint64_t age = ry_clock_ms() - chat->saved_ms;
        return age >= SAVE_EVERY_MS ? 20 : (int)(SAVE_EVERY_MS - age);
    }
    return chat->turn == RY_TURN_GENERATING || chat->turn == RY_TURN_PREFILL ? 250 : -1;
}

bool ry_chat_busy(const ry_chat *chat)
{
    return chat->turn != RY_TURN_IDLE || chat->final_due;
}

/* The user's text with what /read put before it. */
static ry_rc post_message(ry_chat *chat, const char *text, size_t len, ry_err *err)
{
    struct ry_vault_op *op = ry_vault_op_new(RY_VOP_APPEND);
    ry_buf whole = {0};
    if (chat->attachment)
        ry_buf_addf(&whole, "%s\n\n", chat->attachment);
    ry_buf_add(&whole, text, len);
    struct ry_line *line =
        op && !whole.failed ? ry_chat_add_line(chat, RY_LINE_USER, whole.data, whole.len) : NULL;
    if (!line) {
        ry_buf_done(&whole);
        ry_vault_op_free(op);
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory: the message was not sent");
    }
    op->key = line->key;
    op->role = RY_VAULT_USER;
    op->status = RY_VAULT_COMPLETE;
    op->text_len = whole.len;
    op->text = ry_buf_take(&whole);
    chat->turn = RY_TURN_SAVING;
    chat->user_key = line->key;
    ry_rc rc = ry_chat_post(chat, op, err);
    if (rc != RY_OK) {
        ry_chat_drop_lines(chat, chat->n_lines - 1);
        chat->turn = RY_TURN_IDLE;
        return rc;
    }
    line->in_vault = true;
    ry_mem_free(chat->attachment);
    chat->attachment = NULL;
    if (chat->unsaved)
        begin_saved_turn(chat);
    return RY_OK;
}

ry_rc ry_chat_submit(ry_chat *chat, const char *text, size_t len, ry_err *err)
{
    if (len > 1 && text[0] == '/' && text[1] == '/') {
        text++;
        len--;
    } else if (len > 0 && text[0] == '/') {
        drop_old_notice(chat);
        return ry_command_run(chat, text, len, err);
    }
    if (chat->session_pending)
        return ry_err_set(err, RY_ERR_BUSY, "the session is still being read");
    if (ry_chat_busy(chat))
        return ry_err_set(err, RY_ERR_BUSY, "an answer is being written: ^C stops it");
    if (chat->model_state == RY_MODEL_FAILED)
        return ry_err_set(err, RY_ERR_BUSY, "no model is loaded: /model PATH loads one");
    ry_rc rc = ry_chat_post_session(chat, text, len, err);
    if (rc == RY_OK)
        rc = post_message(chat, text, len, err);
    if (rc == RY_OK && chat->notice && chat->notice_is_error)
        ry_chat_notice(chat, false, NULL);
    return rc;
}

void ry_chat_stop(ry_chat *chat)
{
    switch (chat->turn) {
    case RY_TURN_IDLE:
        break;
    case RY_TURN_SAVING:
    case RY_TURN_WAITING:
        chat->turn = RY_TURN_IDLE;
        ry_chat_notice(chat, false, "stopped before the answer began: /regen asks again");
        if (chat->options.surface.answered)
            chat->options.surface.answered(chat->options.surface.user);
        break;
    case RY_TURN_PREFILL:
    case RY_TURN_GENERATING:
        ry_engine_worker_cancel(chat->engine);
        break;
    }
}

void ry_chat_settle(ry_chat *chat, int deadline_ms)
{
    uint64_t until = ry_clock_ms() + (uint64_t)deadline_ms;
    ry_chat_stop(chat);
    for (;;) {
        ry_chat_pump(chat);
        uint64_t now = ry_clock_ms();
        if (!ry_chat_busy(chat) || now >= until)
            break;
        int wait = (int)(until - now);
        ry_wake_wait(&chat->wake, wait < 20 ? wait : 20);
    }
    if (ry_chat_busy(chat) && chat->answer != SIZE_MAX && !chat->final_due) {
        chat->lines[chat->answer].status = RY_VAULT_CANCELLED;
        chat->final_due = true;
        save_answer(chat);
    }
}

ry_rc ry_chat_start(ry_chat **out, const struct ry_chat_options *options, ry_err *err)
{
    ry_chat *chat = ry_mem_zalloc(1, sizeof *chat);
    if (!chat)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory");
    struct ry_sampling sampling = ry_sampling_default();
    chat->options = *options;
    chat->answer = SIZE_MAX;
    chat->wake = (ry_wake){-1, -1};
    ry_live_init(&chat->live);
    atomic_store(&chat->live.tier, atomic_load(&options->live.tier));
    atomic_store(&chat->live.n_threads, atomic_load(&options->live.n_threads));
    atomic_store(&chat->live.attention, atomic_load(&options->live.attention));
    atomic_store(&chat->live.prefetch, atomic_load(&options->live.prefetch));
    atomic_store(&chat->live.repack, atomic_load(&options->live.repack));
    atomic_store(&chat->live.screen, atomic_load(&options->live.screen));
    atomic_store(&chat->live.speculate, atomic_load(&options->live.speculate));
    ry_live_get_sampling(&options->live, &sampling);
    ry_live_set_sampling(&chat->live, &sampling);
    chat->title = ry_mem_strdup("");
    chat->system = ry_mem_strdup(options->system ? options->system : "");
    ry_rc rc = chat->title && chat->system ? ry_wake_init(&chat->wake, err)
                                           : ry_err_set(err, RY_ERR_MEMORY, "out of memory");
    if (rc == RY_OK)
        rc = ry_vault_worker_start(&chat->vault, &options->vault, &chat->wake, err);
    if (rc == RY_OK)
        rc = ry_engine_worker_start(&chat->engine, &chat->wake, err);
    if (rc != RY_OK) {
        ry_chat_end(chat, -1);
        return rc;
    }
    chat->session_pending = options->session_id != RY_SESSION_NEW;
    if (options->model || !chat->session_pending) {
        ry_err load_err;
        const char *word = options->model ? options->model : options->default_model;
        if (ry_chat_load(chat, word, &load_err) != RY_OK)
            load_failed_at_start(chat, &load_err);
    }
    *out = chat;
    return RY_OK;
}

static void count_lost(void *user, const struct ry_vault_reply *reply)
{
    int *n_lost = user;
    *n_lost += reply->kind == RY_REPLY_DROPPED;
}

int ry_chat_end(ry_chat *chat, int patience_ms)
{
    int n_lost = 0;
    if (!chat)
        return 0;
    if (chat->engine)
        ry_chat_settle(chat, patience_ms < 0 ? SETTLE_MS : patience_ms);
    ry_vault_worker_stop(chat->vault, count_lost, &n_lost);
    chat->vault = NULL;
    if (!ry_engine_worker_stop(chat->engine, patience_ms))
        return n_lost; /* the thread still reads what is here */
    ry_chat_drop_lines(chat, 0);
    ry_mem_free(chat->lines);
    ry_mem_free(chat->title);
    ry_mem_free(chat->system);
    ry_mem_free(chat->attachment);
    ry_mem_free(chat->model_word);
    ry_mem_free(chat->final_stats);
    ry_guide_free(chat->guide);
    ry_mem_free(chat->notice);
    if (chat->wake.read_fd >= 0)
        ry_wake_done(&chat->wake);
    ry_mem_free(chat);
    return n_lost;
}
