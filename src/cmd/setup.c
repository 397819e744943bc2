/* What every command begins with. */
#include "src/cmd/setup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/app/out.h"
#include "src/app/paths.h"
#include "src/app/perf.h"
#include "src/app/signals.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"

/* ---- config ---- */

static ry_rc take_section(struct ry_setup *s, const char *section, ry_err *err)
{
    for (size_t i = 0; i < s->config.n; i++) {
        const struct ry_config_entry *e = &s->config.entries[i];
        if (strcmp(e->section, section) != 0 || (section[0] && strcmp(e->key, "path") == 0))
            continue;
        ry_rc rc = ry_opts_set_default(s->opts, e->key, e->value, err);
        if (rc != RY_OK) {
            ry_err_prefix(err, "%s:%d", s->config.path, e->line);
            return rc;
        }
    }
    return RY_OK;
}

/* Later lines win over earlier ones within the file: set_default keeps the first, so what is
 * said twice is refused rather than half obeyed. */
static ry_rc refuse_repeats(const ry_config *c, ry_err *err)
{
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(c->entries[i].key, c->entries[j].key) == 0 &&
                strcmp(c->entries[i].section, c->entries[j].section) == 0 &&
                strcmp(c->entries[i].key, "stop") != 0)
                return ry_err_set(err, RY_ERR_USAGE, "%s:%d: %s was set in line %d already",
                                  c->path, c->entries[i].line, c->entries[i].key,
                                  c->entries[j].line);
    return RY_OK;
}

static ry_rc load_config(struct ry_setup *s, ry_err *err)
{
    char *path = NULL;
    if (s->opts->config) {
        ry_rc rc = ry_config_load(&s->config, s->opts->config, true, err);
        return rc == RY_OK ? refuse_repeats(&s->config, err) : rc;
    }
    ry_rc rc = ry_path_of(RY_PATH_CONFIG, "config.ini", &path, err);
    if (rc != RY_OK)
        return RY_OK; /* without a home there is no config file either */
    rc = ry_config_load(&s->config, path, false, err);
    ry_mem_free(path);
    return rc == RY_OK ? refuse_repeats(&s->config, err) : rc;
}

/* Command line, environment, config file: the first that says something. */
static const char *first_of(const char *option, const char *variable, const char *configured)
{
    if (option)
        return option;
    if (variable && variable[0])
        return variable;
    return configured && configured[0] ? configured : NULL;
}

ry_rc ry_setup_init(struct ry_setup *s, struct ry_opts *opts, ry_err *err)
{
    *s = (struct ry_setup){.opts = opts};
    ry_rc rc = load_config(s, err);
    if (rc != RY_OK)
        return rc;
    /* The model decides which section comes before the top of the file, so it is looked up
     * first. */
    s->model_word =
        first_of(opts->model, getenv("RYOT_MODEL"), ry_config_get(&s->config, "", "model"));
    s->vault_word =
        first_of(opts->vault, getenv("RYOT_VAULT"), ry_config_get(&s->config, "", "vault"));
    if (s->model_word)
        rc = take_section(s, s->model_word, err);
    if (rc == RY_OK)
        rc = take_section(s, "", err);
    if (rc != RY_OK)
        return rc;
    ry_out_quiet(opts->quiet);
    return opts->log ? ry_log_open(opts->log, err) : RY_OK;
}

void ry_setup_done(struct ry_setup *s)
{
    ry_config_done(&s->config);
    ry_mem_free(s->vault_path);
    ry_mem_free(s->model);
    ry_log_close();
}

/* ---- models ---- */

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* Absolute, so that a session finds its model from any directory; a path that does not exist
 * stays as it is (opening it says what is wrong). */
static ry_rc absolute(const char *path, char **out, ry_err *err)
{
    char real[PATH_MAX];
    *out = ry_mem_strdup(realpath(path, real) ? real : path);
    return *out ? RY_OK : ry_err_set(err, RY_ERR_MEMORY, "out of memory for a path");
}

static ry_rc find_in_folder(const char *name, char **out, ry_err *err)
{
    static const char *const forms[] = {"models/%s", "models/%s.gguf"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char file[512];
        char *path = NULL;
        int n = snprintf(file, sizeof file, forms[i], name);
        if (n < 0 || (size_t)n >= sizeof file)
            break;
        ry_rc rc = ry_path_of(RY_PATH_DATA, file, &path, err);
        if (rc != RY_OK)
            return rc;
        if (is_file(path)) {
            *out = path;
            return RY_OK;
        }
        ry_mem_free(path);
    }
    return ry_err_set(
        err, RY_ERR_MODEL,
        "%s: there is no such model: it is no file, no [model %s] of the config, and not in "
        "the models folder (`ryot models` shows what is there)",
        name, name);
}

ry_rc ry_setup_find_model(const struct ry_setup *s, const char *word, char **path, ry_err *err)
{
    const char *configured = ry_config_get(&s->config, word, "path");
    if (strcmp(word, "builtin") == 0) {
        if (!ry_engine_has_builtin())
            return ry_err_set(
                err, RY_ERR_MODEL,
                "no model is built into this ryot: give one with -m FILE.gguf, set RYOT_MODEL, "
                "or write `model = PATH` in the config");
        *path = ry_mem_strdup(word);
        return *path ? RY_OK : ry_err_set(err, RY_ERR_MEMORY, "out of memory for a path");
    }
    if (word[0] == '\0')
        return ry_err_set(err, RY_ERR_MODEL, "the model's name is empty");
    if (configured)
        return absolute(configured, path, err);
    if (strchr(word, '/') || is_file(word))
        return absolute(word, path, err);
    return find_in_folder(word, path, err);
}

ry_rc ry_setup_model(struct ry_setup *s, ry_err *err)
{
    ry_mem_free(s->model);
    s->model = NULL;
    if (s->opts->shape) {
        if (ry_opts_on_line(s->opts, "model"))
            return ry_err_set(err, RY_ERR_USAGE, "--model and --shape exclude each other");
        s->model = ry_mem_strdup(s->opts->shape);
        return s->model ? RY_OK : ry_err_set(err, RY_ERR_MEMORY, "out of memory for a name");
    }
    return ry_setup_find_model(s, s->model_word ? s->model_word : "builtin", &s->model, err);
}

/* ---- switches ---- */

static uint64_t draw_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = ry_clock_ns() ^ (uint64_t)getpid() << 32;
    return seed >> 12; /* at most 52 bits: it reads back exactly from JSON */
}

void ry_setup_note_threads(int n_threads)
{
    const char *warning = ry_perf_too_many(n_threads);
    if (warning)
        ry_out_note("%s", warning);
}

ry_rc ry_setup_live(const struct ry_setup *s, struct ry_live *live, uint64_t *seed, ry_err *err)
{
    const struct ry_opts *o = s->opts;
    struct ry_sampling sampling = ry_sampling_default();
    enum ry_tier tier;
    ry_live_init(live);
    if (o->kernel) {
        ry_rc rc = ry_tier_parse(o->kernel, &tier, err);
        if (rc != RY_OK)
            return rc;
        atomic_store(&live->tier, (int)tier);
    }
    if (o->n_threads)
        atomic_store(&live->n_threads, o->n_threads);
    ry_setup_note_threads(o->n_threads);
    if (o->attention) {
        enum ry_attention kind =
            strcmp(o->attention, "flash") == 0 ? RY_ATTENTION_FLASH : RY_ATTENTION_STANDARD;
        atomic_store(&live->attention, (int)kind);
    }
    if (o->prefetch)
        atomic_store(&live->prefetch, strcmp(o->prefetch, "on") == 0);
    if (o->repack)
        atomic_store(&live->repack, strcmp(o->repack, "on") == 0);
    if (o->head)
        atomic_store(&live->screen, strcmp(o->head, "screened") == 0);
    if (o->speculate)
        atomic_store(&live->speculate,
                     strcmp(o->speculate, "ngram") == 0 ? RY_SPECULATE_NGRAM : RY_SPECULATE_OFF);
    if (ry_opts_given(o, "temp"))
        sampling.temp = o->temp;
    if (ry_opts_given(o, "top-k"))
        sampling.top_k = o->top_k;
    if (ry_opts_given(o, "top-p"))
        sampling.top_p = o->top_p;
    if (ry_opts_given(o, "min-p"))
        sampling.min_p = o->min_p;
    if (ry_opts_given(o, "repeat-penalty"))
        sampling.repeat_penalty = o->repeat_penalty;
    ry_live_set_sampling(live, &sampling);
    *seed = ry_opts_given(o, "seed") ? o->seed : draw_seed();
    return RY_OK;
}

void ry_setup_session(const struct ry_setup *s, struct ry_session_options *out)
{
    static const struct {
        const char *name;
        enum ry_kv_type type;
    } types[] = {{"auto", RY_KV_AUTO}, {"f32", RY_KV_F32}, {"f16", RY_KV_F16}, {"q8", RY_KV_Q8}};
    *out = (struct ry_session_options){.n_ctx = (uint32_t)s->opts->n_ctx,
                                       .n_ubatch = (uint32_t)s->opts->n_ubatch};
    for (size_t i = 0; s->opts->kv && i < sizeof types / sizeof *types; i++)
        if (strcmp(s->opts->kv, types[i].name) == 0)
            out->kv = types[i].type;
}

ry_rc ry_setup_vault(struct ry_setup *s, const char **path, ry_err *err)
{
    ry_rc rc = RY_OK;
    ry_mem_free(s->vault_path);
    s->vault_path = NULL;
    if (!s->vault_word)
        rc = ry_path_of(RY_PATH_DATA, "vault.db", &s->vault_path, err);
    else if (!(s->vault_path = ry_mem_strdup(s->vault_word)))
        rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory for a path");
    *path = s->vault_path;
    return rc;
}

/* ---- opening ---- */

struct progress {
    bool shown;
    uint64_t began_ms;
};

static void on_progress(void *user, double share)
{
    struct progress *p = user;
    char line[64];
    if (ry_clock_ms() - p->began_ms < 300)
        return;
    p->shown = true;
    snprintf(line, sizeof line, "\rloading %3.0f %%", 100 * share);
    ry_out_prompt(line);
}

ry_rc ry_setup_open(struct ry_setup *s, bool tokenizer_only, ry_engine **out, ry_err *err)
{
    struct progress progress = {.began_ms = ry_clock_ms()};
    bool show = isatty(STDERR_FILENO) && !s->opts->quiet;
    struct ry_engine_options options = {
        .path = s->model,
        .shape = s->opts->shape,
        .tokenizer_only = tokenizer_only,
        .no_repack = s->opts->repack && strcmp(s->opts->repack, "off") == 0,
        .no_screen = s->opts->head && strcmp(s->opts->head, "full") == 0,
        .progress = show ? on_progress : NULL,
        .user = &progress,
        .cancel = ry_signals_cancel(),
    };
    ry_rc rc = ry_engine_open(out, &options, err);
    if (progress.shown)
        ry_out_prompt("\r             \r");
    return rc;
}
