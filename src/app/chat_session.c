/* What changes the session as a whole: new, open, regenerate, undo, title, system text, and its
 * JSON. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "src/app/chat.h"
#include "src/app/json.h"
#include "src/base/mem.h"
#include "src/base/utf8.h"

enum { TITLE_BYTES = 48 };

static ry_rc want_idle(const ry_chat *chat, ry_err *err)
{
    if (chat->session_pending)
        return ry_err_set(err, RY_ERR_BUSY, "the session is still being read");
    if (ry_chat_busy(chat))
        return ry_err_set(err, RY_ERR_BUSY, "an answer is being written: ^C stops it");
    return RY_OK;
}

/* ---- JSON ---- */

char *ry_chat_params_json(const ry_chat *chat)
{
    struct ry_sampling s = ry_sampling_default();
    ry_buf out = {0};
    ry_live_get_sampling(&chat->live, &s);
    ry_buf_adds(&out, "{");
    ry_json_number(&out, "temp", s.temp);
    ry_buf_addf(&out, ", \"top_k\": %d, ", s.top_k);
    ry_json_number(&out, "top_p", s.top_p);
    ry_buf_adds(&out, ", ");
    ry_json_number(&out, "min_p", s.min_p);
    ry_buf_adds(&out, ", ");
    ry_json_number(&out, "repeat_penalty", s.repeat_penalty);
    ry_buf_adds(&out, "}");
    char *json = ry_buf_take(&out);
    ry_buf_done(&out);
    return json;
}

static void take_number(const cJSON *object, const char *key, double min, double max, float *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (cJSON_IsNumber(item) && item->valuedouble >= min && item->valuedouble <= max)
        *out = (float)item->valuedouble;
}

/* The parameters that a session was left with; what is missing or out of range stays as it is. */
static void take_params(ry_chat *chat, const char *json)
{
    cJSON *object = cJSON_Parse(json);
    struct ry_sampling s = ry_sampling_default();
    ry_live_get_sampling(&chat->live, &s);
    float top_k = (float)s.top_k;
    take_number(object, "temp", 0, 100, &s.temp);
    take_number(object, "top_k", 0, 1 << 20, &top_k);
    take_number(object, "top_p", 1e-6, 1, &s.top_p);
    take_number(object, "min_p", 0, 0.999999, &s.min_p);
    take_number(object, "repeat_penalty", 0.01, 100, &s.repeat_penalty);
    s.top_k = (int)top_k;
    ry_live_set_sampling(&chat->live, &s);
    cJSON_Delete(object);
}

double ry_chat_decode_rate(const struct ry_generated *g)
{
    return g->decode_ms > 0 && g->n_generated > 1
               ? (double)(g->n_generated - 1) * 1e3 / g->decode_ms
               : 0;
}

char *ry_chat_stats_json(const ry_chat *chat, const char *finish)
{
    const struct ry_generated *g = &chat->result;
    size_t n_new = g->n_prompt - g->n_reused;
    ry_buf out = {0};
    ry_buf_adds(&out, "{");
    ry_json_field(&out, "finish", finish);
    ry_buf_addf(&out,
                ", \"prompt_tokens\": %zu, \"reused_tokens\": %zu, \"generated_tokens\": %zu, ",
                g->n_prompt, g->n_reused, g->n_generated);
    ry_json_number(&out, "ttft_ms", g->ttft_ms);
    ry_buf_adds(&out, ", ");
    ry_json_number(&out, "prefill_tok_s",
                   g->prefill_ms > 0 ? (double)n_new * 1e3 / g->prefill_ms : 0);
    ry_buf_adds(&out, ", ");
    ry_json_number(&out, "decode_tok_s", ry_chat_decode_rate(g));
    ry_buf_adds(&out, ", ");
    ry_json_field(&out, "kernel", ry_tier_name((enum ry_tier)atomic_load(&chat->live.tier)));
    ry_buf_addf(&out, ", \"threads\": %d, \"seed\": %llu, ", atomic_load(&chat->live.n_threads),
                (unsigned long long)chat->turn_seed);
    ry_json_field(&out, "model", chat->model.name);
    ry_buf_adds(&out, "}");
    char *json = ry_buf_take(&out);
    ry_buf_done(&out);
    return json;
}

/* ---- beginning and opening ---- */

/* The first words of a message, on one line, cut at a word. NULL when out of memory. */
static char *title_of(const char *text, size_t len)
{
    char title[TITLE_BYTES + 1];
    size_t n = 0, last_space = 0, i = 0;
    while (i < len && strchr(" \t\n\r", text[i]))
        i++;
    for (; i < len && text[i] != '\n' && n < TITLE_BYTES; i++) {
        if (text[i] == ' ' || text[i] == '\t')
            last_space = n;
        title[n++] = text[i] == '\t' || text[i] == '\r' ? ' ' : text[i];
    }
    if (i < len && n == TITLE_BYTES && last_space > TITLE_BYTES / 2)
        n = last_space;
    n = ry_utf8_complete(title, n);
    while (n > 0 && title[n - 1] == ' ')
        n--;
    return ry_mem_strndup(title, n);
}

ry_rc ry_chat_post_session(ry_chat *chat, const char *first_message, size_t len, ry_err *err)
{
    if (chat->session_posted)
        return RY_OK;
    struct ry_vault_op *op = ry_vault_op_new(RY_VOP_SESSION_NEW);
    char *title = chat->title[0] ? ry_mem_strdup(chat->title) : title_of(first_message, len);
    if (op) {
        op->model = ry_mem_strdup(chat->model_word ? chat->model_word : "");
        op->system = ry_mem_strdup(chat->system);
        op->params = ry_chat_params_json(chat);
        op->title = title ? ry_mem_strdup(title) : NULL;
    }
    if (!op || !title || !op->model || !op->system || !op->params || !op->title) {
        ry_mem_free(title);
        ry_vault_op_free(op);
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory: the message was not sent");
    }
    ry_rc rc = ry_chat_post(chat, op, err);
    if (rc != RY_OK) {
        ry_mem_free(title);
        return rc;
    }
    ry_mem_free(chat->title);
    chat->title = title;
    chat->session_posted = true;
    return RY_OK;
}

static void forget_conversation(ry_chat *chat)
{
    ry_chat_drop_lines(chat, 0);
    chat->answer = SIZE_MAX;
    chat->warned_full = false;
    chat->figures.n_past = 0;
    chat->title[0] = '\0';
    ry_chat_notice(chat, false, NULL);
}

ry_rc ry_chat_new_session(ry_chat *chat, ry_err *err)
{
    ry_rc rc = want_idle(chat, err);
    if (rc == RY_OK)
        rc = ry_chat_post(chat, ry_vault_op_new(RY_VOP_SESSION_LEAVE), err);
    if (rc != RY_OK)
        return rc;
    forget_conversation(chat);
    chat->session_id = 0;
    chat->session_posted = false;
    ry_chat_note(chat, "a new session");
    return RY_OK;
}

ry_rc ry_chat_open_session(ry_chat *chat, int64_t id, ry_err *err)
{
    chat->session_pending = false;
    ry_rc rc = want_idle(chat, err);
    if (rc != RY_OK)
        return rc;
    struct ry_vault_op *op = ry_vault_op_new(RY_VOP_SESSION_OPEN);
    if (op)
        op->id = id;
    rc = ry_chat_post(chat, op, err);
    chat->session_pending = rc == RY_OK;
    return rc;
}

static bool adopt_message(ry_chat *chat, const struct ry_vault_message *m)
{
    static const char *const tails[] = {
        [RY_VAULT_COMPLETE] = "",         [RY_VAULT_STREAMING] = "cut off: ryot was ended",
        [RY_VAULT_CANCELLED] = "stopped", [RY_VAULT_LENGTH] = "token limit",
        [RY_VAULT_ERROR] = "failed",
    };
    struct ry_line *line = ry_chat_add_line(
        chat, m->role == RY_VAULT_USER ? RY_LINE_USER : RY_LINE_ASSISTANT, m->text, m->text_len);
    if (!line)
        return false;
    line->status = m->status;
    line->in_vault = true;
    if (m->damaged)
        snprintf(line->tail, sizeof line->tail, "damaged: it does not match its check sum");
    else if ((size_t)m->status < sizeof tails / sizeof *tails)
        snprintf(line->tail, sizeof line->tail, "%s", tails[m->status]);
    return true;
}

static void set_string(char **at, const char *value)
{
    char *copy = ry_mem_strdup(value);
    if (!copy)
        return;
    ry_mem_free(*at);
    *at = copy;
}

/* The session's model where none was asked for; the default where that cannot be found any more. */
static void load_session_model(ry_chat *chat, const char *model)
{
    ry_err err;
    if (chat->model_state != RY_MODEL_NONE)
        return;
    if (model[0] && ry_chat_load(chat, model, &err) == RY_OK)
        return;
    if (model[0])
        ry_chat_note(chat, "the session's model cannot be used: %s", err.text);
    if (ry_chat_load(chat, chat->options.default_model, &err) != RY_OK) {
        chat->model_state = RY_MODEL_FAILED;
        chat->last_rc = err.rc;
        ry_chat_notice(chat, true, "%s", err.text);
    }
}

void ry_chat_adopt_session(ry_chat *chat, struct ry_vault_reply *r)
{
    int64_t at_start = chat->options.session_id; /* what the command line asked for, once */
    chat->session_pending = false;
    chat->options.session_id = RY_SESSION_NEW;
    if (r->rc != RY_OK) {
        if (r->rc == RY_ERR_NOT_FOUND && at_start == RY_SESSION_LAST)
            ry_chat_note(chat, "there is no session yet: this is the first");
        else if (at_start > 0)
            chat->fatal = r->err;
        else
            ry_chat_notice(chat, true, "%s", r->err.text);
        load_session_model(chat, "");
        return;
    }
    ry_err err;
    forget_conversation(chat);
    chat->session_id = r->session.id;
    chat->session_posted = true;
    set_string(&chat->title, r->session.title);
    if (chat->options.system_given && strcmp(chat->options.system, r->session.system) != 0) {
        if (ry_chat_set_system(chat, chat->options.system, &err) != RY_OK)
            ry_chat_notice(chat, true, "%s", err.text);
    } else {
        set_string(&chat->system, r->session.system);
    }
    if (!chat->options.sampling_given)
        take_params(chat, r->session.params);
    bool whole = true;
    for (size_t i = 0; i < r->n_messages && whole; i++)
        if (r->messages[i].role != RY_VAULT_SYSTEM)
            whole = adopt_message(chat, &r->messages[i]);
    if (!whole)
        ry_chat_notice(chat, true, "out of memory: the session is shown in part");
    ry_chat_note(chat, "session %lld: %s, %zu messages", (long long)r->session.id,
                 r->session.title[0] ? r->session.title : "untitled", r->n_messages);
    if (chat->n_lines > 1 && chat->lines[chat->n_lines - 2].role == RY_LINE_USER)
        ry_chat_note(chat, "the last message has no answer yet: /regen asks again");
    load_session_model(chat, r->session.model);
}

void ry_chat_list_sessions(ry_chat *chat, const struct ry_vault_reply *r)
{
    chat->list_pending = false;
    if (r->rc != RY_OK) {
        ry_chat_notice(chat, true, "%s", r->err.text);
        return;
    }
    ry_buf out = {0};
    ry_buf_addf(&out, "sessions, newest first (/open ID):");
    for (size_t i = 0; i < r->n_list; i++) {
        const struct ry_vault_session *s = &r->list[i];
        char when[32] = "";
        struct tm tm;
        time_t t = (time_t)(s->updated_ms / 1000);
        if (localtime_r(&t, &tm))
            strftime(when, sizeof when, "%Y-%m-%d %H:%M", &tm);
        ry_buf_addf(&out, "\n%c%5lld  %s  %4lld  %s", s->id == chat->session_id ? '*' : ' ',
                    (long long)s->id, when, (long long)s->n_messages,
                    s->title[0] ? s->title : "untitled");
    }
    ry_chat_note(chat, "%s", r->n_list ? ry_buf_str(&out) : "no sessions yet");
    ry_buf_done(&out);
}

/* ---- editing ---- */

/* Removes lines from `from` on, in the vault first. */
static ry_rc truncate_lines(ry_chat *chat, size_t from, ry_err *err)
{
    int64_t pos = 0;
    bool in_vault = false;
    for (size_t i = 0; i < chat->n_lines; i++) {
        pos += i < from && chat->lines[i].in_vault;
        in_vault |= i >= from && chat->lines[i].in_vault;
    }
    if (in_vault) {
        struct ry_vault_op *op = ry_vault_op_new(RY_VOP_TRUNCATE);
        if (op)
            op->pos = pos;
        ry_rc rc = ry_chat_post(chat, op, err);
        if (rc != RY_OK)
            return rc;
    }
    ry_chat_drop_lines(chat, from);
    chat->answer = SIZE_MAX;
    chat->warned_full = false;
    return RY_OK;
}

/* Index of the nth user line from the end (1: the last), or SIZE_MAX. */
static size_t nth_last_user(const ry_chat *chat, int n)
{
    for (size_t i = chat->n_lines; i-- > 0;)
        if (chat->lines[i].role == RY_LINE_USER && --n == 0)
            return i;
    return SIZE_MAX;
}

ry_rc ry_chat_regenerate(ry_chat *chat, ry_err *err)
{
    ry_rc rc = want_idle(chat, err);
    size_t at = nth_last_user(chat, 1);
    if (rc != RY_OK)
        return rc;
    if (at == SIZE_MAX)
        return ry_err_set(err, RY_ERR_USAGE, "there is no message to answer yet");
    if (chat->model_state == RY_MODEL_FAILED)
        return ry_err_set(err, RY_ERR_BUSY, "no model is loaded: /model PATH loads one");
    rc = truncate_lines(chat, at + 1, err);
    return rc == RY_OK ? ry_chat_begin_turn(chat, err) : rc;
}

ry_rc ry_chat_undo(ry_chat *chat, int n, ry_err *err)
{
    ry_rc rc = want_idle(chat, err);
    size_t at = nth_last_user(chat, n);
    if (rc != RY_OK)
        return rc;
    if (at == SIZE_MAX)
        return n == 1 ? ry_err_set(err, RY_ERR_USAGE, "there is no turn to take back")
                      : ry_err_set(err, RY_ERR_USAGE, "there are no %d turns to take back", n);
    char *text = ry_mem_strndup(ry_buf_str(&chat->lines[at].text), chat->lines[at].text.len);
    size_t len = chat->lines[at].text.len;
    rc = truncate_lines(chat, at, err);
    if (rc == RY_OK) {
        chat->figures.n_past = 0;
        ry_chat_notice(chat, false, "took back %d turn%s", n, n == 1 ? "" : "s");
        if (text && chat->options.surface.draft)
            chat->options.surface.draft(chat->options.surface.user, text, len);
    }
    ry_mem_free(text);
    return rc;
}

ry_rc ry_chat_set_title(ry_chat *chat, const char *title, ry_err *err)
{
    if (chat->session_posted) {
        struct ry_vault_op *op = ry_vault_op_new(RY_VOP_SESSION_UPDATE);
        if (op && !(op->title = ry_mem_strdup(title))) {
            ry_vault_op_free(op);
            op = NULL;
        }
        ry_rc rc = ry_chat_post(chat, op, err);
        if (rc != RY_OK)
            return rc;
    }
    set_string(&chat->title, title);
    return RY_OK;
}

ry_rc ry_chat_set_system(ry_chat *chat, const char *system, ry_err *err)
{
    if (chat->session_posted) {
        struct ry_vault_op *op = ry_vault_op_new(RY_VOP_SESSION_UPDATE);
        if (op && !(op->system = ry_mem_strdup(system))) {
            ry_vault_op_free(op);
            op = NULL;
        }
        ry_rc rc = ry_chat_post(chat, op, err);
        if (rc != RY_OK)
            return rc;
    }
    set_string(&chat->system, system);
    return RY_OK;
}
