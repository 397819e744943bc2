/* `ryot sessions`: the conversations in the vault, from outside a chat. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/app/out.h"
#include "src/base/buf.h"
#include "src/cmd/cmd.h"
#include "store/vault.h"

static const char *title_of(const struct ry_vault_session *s)
{
    return s->title && s->title[0] ? s->title : "untitled";
}

static void when(int64_t ms, char out[32])
{
    struct tm tm;
    time_t t = (time_t)(ms / 1000);
    out[0] = '\0';
    if (localtime_r(&t, &tm))
        strftime(out, 32, "%Y-%m-%d %H:%M", &tm);
}

/* An id, or with least 0 a position. */
static ry_rc parse_number(const char *text, long long least, int64_t *out, ry_err *err)
{
    char *end;
    errno = 0;
    long long x = strtoll(text, &end, 10);
    if (end == text || *end || errno || x < least)
        return ry_err_set(err, RY_ERR_USAGE, "\"%s\" is no %s", text,
                          least ? "id: `ryot sessions list` shows them"
                                : "position: the first message is 0");
    *out = x;
    return RY_OK;
}

static ry_rc list(ry_vault *vault, ry_err *err)
{
    struct ry_vault_session *all = NULL;
    size_t n = 0;
    ry_buf out = {0};
    ry_rc rc = ry_vault_session_list(vault, 0, &all, &n, err);
    if (rc != RY_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        char date[32];
        when(all[i].updated_ms, date);
        ry_buf_addf(&out, "%6lld  %s  %5lld messages  %s\n", (long long)all[i].id, date,
                    (long long)all[i].n_messages, title_of(&all[i]));
    }
    ry_out_block(ry_buf_str(&out), out.len);
    if (n == 0)
        ry_out_note("no sessions yet");
    ry_buf_done(&out);
    ry_vault_sessions_free(all, n);
    return RY_OK;
}

/* Markdown: a heading for each message, its text as it is, and a word where it is not whole. */
static void add_message(const struct ry_vault_message *m, ry_buf *out)
{
    static const char *const roles[] = {
        [RY_VAULT_SYSTEM] = "System", [RY_VAULT_USER] = "You", [RY_VAULT_ASSISTANT] = "Answer"};
    static const char *const remarks[] = {[RY_VAULT_COMPLETE] = "",
                                          [RY_VAULT_STREAMING] = " (cut off)",
                                          [RY_VAULT_CANCELLED] = " (stopped)",
                                          [RY_VAULT_LENGTH] = " (token limit)",
                                          [RY_VAULT_ERROR] = " (failed)"};
    ry_buf_addf(out, "\n## %s%s%s\n\n", (size_t)m->role < 3 ? roles[m->role] : "?",
                (size_t)m->status < 5 ? remarks[m->status] : "",
                m->damaged ? " (damaged: it does not match its check sum)" : "");
    ry_buf_add(out, m->text, m->text_len);
    ry_buf_addc(out, '\n');
}

static ry_rc show(ry_vault *vault, int64_t id, ry_err *err)
{
    struct ry_vault_session session = {0};
    struct ry_vault_message *messages = NULL;
    size_t n = 0;
    char date[32];
    ry_buf out = {0};
    ry_rc rc = ry_vault_session_get(vault, id, &session, err);
    if (rc == RY_OK)
        rc = ry_vault_message_list(vault, id, &messages, &n, err);
    if (rc == RY_OK) {
        when(session.created_ms, date);
        ry_buf_addf(&out, "# %s\n\nsession %lld, %s, model %s\n", title_of(&session), (long long)id,
                    date, session.model);
        if (session.system[0])
            ry_buf_addf(&out, "\n## System\n\n%s\n", session.system);
        for (size_t i = 0; i < n; i++)
            add_message(&messages[i], &out);
        ry_out_block(ry_buf_str(&out), out.len);
    }
    ry_buf_done(&out);
    ry_vault_messages_free(messages, n);
    ry_vault_session_done(&session);
    return rc;
}

static ry_rc rename_to(ry_vault *vault, int64_t id, const char *name, ry_err *err)
{
    ry_rc rc = ry_vault_session_update(vault, id, name, NULL, NULL, NULL, err);
    if (rc == RY_OK)
        ry_out_note("session %lld is called %s", (long long)id, name);
    return rc;
}

static ry_rc delete (ry_vault *vault, int64_t id, ry_err *err)
{
    struct ry_vault_session session = {0};
    ry_rc rc = ry_vault_session_get(vault, id, &session, err);
    if (rc == RY_OK)
        rc = ry_vault_session_delete(vault, id, err);
    if (rc == RY_OK)
        ry_out_note("session %lld (%s, %lld messages) is erased", (long long)id, title_of(&session),
                    (long long)session.n_messages);
    ry_vault_session_done(&session);
    return rc;
}

static ry_rc fork_at(ry_vault *vault, int64_t id, int64_t at, ry_err *err)
{
    struct ry_vault_session session = {0};
    int64_t new_id;
    ry_rc rc = ry_vault_session_get(vault, id, &session, err);
    if (rc == RY_OK)
        rc = ry_vault_session_fork(vault, id, at < 0 ? session.n_messages : at, &new_id, err);
    if (rc == RY_OK) {
        ry_buf out = {0};
        ry_buf_addf(&out, "%lld\n", (long long)new_id);
        ry_out_bytes(ry_buf_str(&out), out.len);
        ry_buf_done(&out);
        ry_out_note("session %lld goes on as %lld: ryot --session %lld", (long long)id,
                    (long long)new_id, (long long)new_id);
    }
    ry_vault_session_done(&session);
    return rc;
}

/* What the arguments ask for, checked before the vault is touched. */
struct request {
    enum { LIST, SHOW, RENAME, FORK, DELETE } verb;
    int64_t id, at;   /* at: of FORK, -1 at the end */
    const char *name; /* of RENAME */
};

static ry_rc parse(const struct ry_opts *o, struct request *r, ry_err *err)
{
    static const struct {
        const char *word;
        size_t least, most; /* arguments, the word too */
    } verbs[] = {[LIST] = {"list", 1, 1},
                 [SHOW] = {"show", 2, 2},
                 [RENAME] = {"rename", 3, 3},
                 [FORK] = {"fork", 2, 3},
                 [DELETE] = {"delete", 2, 2}};
    const char *word = o->n_args ? o->args[0] : "list";
    size_t n_args = o->n_args ? o->n_args : 1, v = 0;
    while (v < sizeof verbs / sizeof *verbs && strcmp(word, verbs[v].word) != 0)
        v++;
    if (v == sizeof verbs / sizeof *verbs)
        return ry_err_set(err, RY_ERR_USAGE,
                          "sessions: \"%s\" is none of list, show, rename, fork, delete", word);
    if (n_args < verbs[v].least || n_args > verbs[v].most)
        return ry_err_set(err, RY_ERR_USAGE, "sessions %s: see ryot sessions --help", word);
    *r = (struct request){.verb = v, .at = -1};
    ry_rc rc = n_args > 1 ? parse_number(o->args[1], 1, &r->id, err) : RY_OK;
    if (rc == RY_OK && v == FORK && n_args > 2)
        rc = parse_number(o->args[2], 0, &r->at, err);
    if (v == RENAME)
        r->name = o->args[2];
    return rc;
}

ry_rc ry_cmd_sessions(struct ry_setup *s, int *sig, ry_err *err)
{
    struct request r = {0};
    struct ry_vault_options options = {0};
    struct ry_vault_report report;
    ry_vault *vault = NULL;
    (void)sig;
    ry_rc rc = parse(s->opts, &r, err);
    if (rc == RY_OK)
        rc = ry_setup_vault(s, &options.path, err);
    if (rc != RY_OK)
        return rc;
    if (access(options.path, F_OK) != 0 && errno == ENOENT && r.verb == LIST) {
        ry_out_note("no sessions yet: %s is not there", options.path);
        return RY_OK;
    }
    rc = ry_vault_open(&vault, &options, &report, err);
    if (rc !=
        RY_OK) /* whatever it was, it is the vault that cannot be used, unless there is none */
        return rc == RY_ERR_NOT_FOUND ? rc : (err->rc = RY_ERR_VAULT);
    if (report.note[0])
        ry_out_note("%s", report.note);
    switch (r.verb) {
    case LIST:
        rc = list(vault, err);
        break;
    case SHOW:
        rc = show(vault, r.id, err);
        break;
    case RENAME:
        rc = rename_to(vault, r.id, r.name, err);
        break;
    case FORK:
        rc = fork_at(vault, r.id, r.at, err);
        break;
    case DELETE:
        rc = delete (vault, r.id, err);
        break;
    }
    ry_vault_close(vault);
    return rc;
}
