/* `ryot [chat]`: chooses screen or lines and fills in what they need. */
#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/app/app.h"
#include "src/app/out.h"
#include "src/app/paths.h"
#include "src/app/plain.h"
#include "src/app/signals.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/cmd/cmd.h"

static bool wants_lines(const struct ry_opts *o)
{
    const char *term = getenv("TERM");
    if (o->plain || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
        return true;
    return !term || !term[0] || strcmp(term, "dumb") == 0;
}

static ry_rc resolve(void *user, const char *word, char **path, ry_err *err)
{
    return ry_setup_find_model(user, word, path, err);
}

static ry_rc session_of(const struct ry_opts *o, int64_t *out, ry_err *err)
{
    char *end;
    *out = o->cont ? RY_SESSION_LAST : RY_SESSION_NEW;
    if (!o->session)
        return RY_OK;
    if (o->cont)
        return ry_err_set(err, RY_ERR_USAGE, "--continue and --session exclude each other");
    errno = 0;
    long long id = strtoll(o->session, &end, 10);
    if (*end || end == o->session || errno || id <= 0)
        return ry_err_set(err, RY_ERR_USAGE,
                          "session: \"%s\" is no id: `ryot sessions list` shows them", o->session);
    *out = id;
    return RY_OK;
}

/* The model is looked up before anything is shown, so that a wrong word fails at once; loading
 * comes later. */
static ry_rc choose_model(struct ry_setup *s, struct ry_chat_options *c, ry_err *err)
{
    ry_rc rc = ry_setup_model(s, err);
    bool resumed = c->session_id != RY_SESSION_NEW && !ry_opts_on_line(s->opts, "model");
    if (rc != RY_OK && !resumed)
        return rc;
    c->default_model = rc == RY_OK ? s->model : "builtin";
    c->model = resumed ? NULL : s->model;
    return RY_OK;
}

static ry_rc fill_options(struct ry_setup *s, struct ry_chat_options *c, ry_err *err)
{
    const struct ry_opts *o = s->opts;
    *c = (struct ry_chat_options){
        .system = o->system,
        .resolve_model = resolve,
        .resolve_user = s,
        .max_tokens = o->max_tokens,
        .stops = o->stops,
        .n_stops = o->n_stops,
        .system_given = ry_opts_on_line(o, "system"),
        .sampling_given = ry_opts_on_line(o, "temp") || ry_opts_on_line(o, "top-k") ||
                          ry_opts_on_line(o, "top-p") || ry_opts_on_line(o, "min-p") ||
                          ry_opts_on_line(o, "repeat-penalty"),
        .vault = {.ephemeral = o->ephemeral, .create = true},
    };
    ry_setup_session(s, &c->session);
    ry_read_limit_load(&c->read_limit);
    ry_rc rc = session_of(o, &c->session_id, err);
    if (rc == RY_OK)
        rc = choose_model(s, c, err);
    if (rc == RY_OK)
        rc = ry_setup_live(s, &c->live, &c->seed, err);
    if (rc == RY_OK && !o->ephemeral)
        rc = ry_setup_vault(s, &c->vault.path, err);
    return rc;
}

/* The log of a screen session goes to the state folder unless --log says otherwise; without one
 * the screen works as well. */
static void open_default_log(const struct ry_opts *o)
{
    char *path = NULL;
    ry_err err;
    if (o->log || o->ephemeral)
        return;
    if (ry_path_of(RY_PATH_STATE, "ryot.log", &path, &err) == RY_OK &&
        ry_path_make_parent(path, &err) == RY_OK && ry_log_open(path, &err) != RY_OK)
        ry_log_close();
    ry_mem_free(path);
}

static ry_rc run_screen(struct ry_setup *s, const struct ry_chat_options *chat, int *sig,
                        ry_err *err)
{
    char *history = NULL;
    ry_err ignored;
    const char *no_color = getenv("NO_COLOR");
    open_default_log(s->opts);
    if (!s->opts->ephemeral && (ry_path_of(RY_PATH_STATE, "history", &history, &ignored) != RY_OK ||
                                ry_path_make_parent(history, &ignored) != RY_OK)) {
        ry_mem_free(history);
        history = NULL;
    }
    struct ry_app_options options = {
        .chat = *chat,
        .version = PACKAGE_VERSION,
        .history_path = history,
        .theme = s->opts->theme,
        .ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0,
        .color = !(no_color && no_color[0]),
        .mouse = s->opts->mouse && strcmp(s->opts->mouse, "on") == 0,
    };
    ry_rc rc = ry_app_run(&options, sig, err);
    ry_mem_free(history);
    return rc;
}

ry_rc ry_cmd_chat(struct ry_setup *s, int *sig, ry_err *err)
{
    struct ry_chat_options chat;
    ry_rc rc = fill_options(s, &chat, err);
    if (rc == RY_OK)
        rc = ry_signals_init(RY_SIGNALS_LOOP, err);
    if (rc != RY_OK)
        return rc;
    rc = wants_lines(s->opts) ? ry_plain_run(&chat, sig, err) : run_screen(s, &chat, sig, err);
    if (rc == RY_ERR_VAULT && err->text[0]) {
        ry_out_error("%s", err->text);
        ry_out_error("another vault: --vault FILE; none at all: --ephemeral");
        err->text[0] = '\0';
    }
    return rc;
}
