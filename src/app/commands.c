/* Slash commands. Switches store an atomic that the engine reads before its next token. */
#include "src/app/commands.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/app/lookup.h"
#include "src/app/paths.h"
#include "src/app/perf.h"
#include "src/app/suggest.h"
#include "src/base/mem.h"
#include "src/base/utf8.h"

enum { READ_MAX_BYTES = 1 << 20 };

/* ---- arguments ---- */

static ry_rc number(const char *name, const char *arg, double min, double max, bool whole,
                    double *out, ry_err *err)
{
    char *end;
    errno = 0;
    double x = strtod(arg, &end);
    if (end == arg || *end || errno || !isfinite(x) || (whole && x != floor(x)))
        return ry_err_set(err, RY_ERR_USAGE, "/%s wants a %s, not \"%s\"", name,
                          whole ? "whole number" : "number", arg);
    if (x < min || x > max)
        return ry_err_set(err, RY_ERR_USAGE, "/%s: %s is not in %g..%g", name, arg, min, max);
    *out = x;
    return RY_OK;
}

/* ---- live switches ---- */

static ry_rc set_float(ry_chat *chat, const char *name, const char *arg, double min, double max,
                       _Atomic float *at, ry_err *err)
{
    char before[32], after[32];
    double x = atomic_load(at);
    snprintf(before, sizeof before, "%.4g", x);
    ry_rc rc = arg[0] ? number(name, arg, min, max, false, &x, err) : RY_OK;
    if (rc != RY_OK)
        return rc;
    atomic_store(at, (float)x);
    snprintf(after, sizeof after, "%.4g", (double)(float)x);
    ry_chat_switched(chat, name, before, after);
    return RY_OK;
}

static ry_rc set_int(ry_chat *chat, const char *name, const char *arg, int min, int max,
                     atomic_int *at, ry_err *err)
{
    char before[32], after[32];
    double x = atomic_load(at);
    snprintf(before, sizeof before, "%.0f", x);
    ry_rc rc = arg[0] ? number(name, arg, min, max, true, &x, err) : RY_OK;
    if (rc != RY_OK)
        return rc;
    atomic_store(at, (int)x);
    snprintf(after, sizeof after, "%.0f", x);
    ry_chat_switched(chat, name, before, after);
    return RY_OK;
}

static ry_rc run_kernel(ry_chat *chat, const char *arg, ry_err *err)
{
    enum ry_tier before = (enum ry_tier)atomic_load(&chat->live.tier), after = before;
    ry_rc rc = arg[0] ? ry_tier_parse(arg, &after, err) : RY_OK;
    if (rc != RY_OK)
        return rc;
    atomic_store(&chat->live.tier, (int)after);
    ry_chat_switched(chat, "kernel", ry_tier_name(before), ry_tier_name(after));
    return RY_OK;
}

static ry_rc run_threads(ry_chat *chat, const char *arg, ry_err *err)
{
    int before = atomic_load(&chat->live.n_threads);
    ry_rc rc = set_int(chat, "threads", arg, 1, RY_MAX_THREADS, &chat->live.n_threads, err);
    int after = atomic_load(&chat->live.n_threads);
    const char *warning = ry_perf_too_many(after);
    if (after != before && warning)
        ry_chat_note(chat, "%s", warning);
    return rc;
}

static const char *attention_name(int attention)
{
    return attention == RY_ATTENTION_FLASH ? "flash" : "standard";
}

static ry_rc run_attention(ry_chat *chat, const char *arg, ry_err *err)
{
    int before = atomic_load(&chat->live.attention), after = before;
    if (strcmp(arg, "flash") == 0)
        after = RY_ATTENTION_FLASH;
    else if (strcmp(arg, "standard") == 0)
        after = RY_ATTENTION_STANDARD;
    else if (arg[0])
        return ry_err_set(err, RY_ERR_USAGE, "/attention wants flash or standard, not \"%s\"", arg);
    atomic_store(&chat->live.attention, after);
    ry_chat_switched(chat, "attention", attention_name(before), attention_name(after));
    return RY_OK;
}

static ry_rc on_or_off(const char *name, const char *arg, bool *out, ry_err *err)
{
    if (strcmp(arg, "on") != 0 && strcmp(arg, "off") != 0)
        return ry_err_set(err, RY_ERR_USAGE, "/%s wants on or off, not \"%s\"", name, arg);
    *out = arg[1] == 'n';
    return RY_OK;
}

static ry_rc run_prefetch(ry_chat *chat, const char *arg, ry_err *err)
{
    bool before = atomic_load(&chat->live.prefetch), after = before;
    ry_rc rc = arg[0] ? on_or_off("prefetch", arg, &after, err) : RY_OK;
    if (rc != RY_OK)
        return rc;
    atomic_store(&chat->live.prefetch, after);
    ry_chat_switched(chat, "prefetch", before ? "on" : "off", after ? "on" : "off");
    return RY_OK;
}

/* Without copies the switch says so: they are made when a model is loaded. */
static ry_rc run_repack(ry_chat *chat, const char *arg, ry_err *err)
{
    bool before = atomic_load(&chat->live.repack), after = before;
    ry_rc rc = arg[0] ? on_or_off("repack", arg, &after, err) : RY_OK;
    if (rc != RY_OK)
        return rc;
    atomic_store(&chat->live.repack, after);
    ry_chat_switched(chat, "repack", before ? "on" : "off", after ? "on" : "off");
    if (after && chat->model.no_repack[0])
        ry_chat_note(chat, "no interleaved copies of this model: %s", chat->model.no_repack);
    return RY_OK;
}

static const char *head_name(bool screened)
{
    return screened ? "screened" : "full";
}

/* As with copies: a screen is made when a model is loaded. */
static ry_rc run_head(ry_chat *chat, const char *arg, ry_err *err)
{
    bool before = atomic_load(&chat->live.screen), after = before;
    if (strcmp(arg, "screened") == 0)
        after = true;
    else if (strcmp(arg, "full") == 0)
        after = false;
    else if (arg[0])
        return ry_err_set(err, RY_ERR_USAGE, "/head wants screened or full, not \"%s\"", arg);
    atomic_store(&chat->live.screen, after);
    ry_chat_switched(chat, "head", head_name(before), head_name(after));
    if (after && chat->model.no_screen[0])
        ry_chat_note(chat, "this model's head is read whole: %s", chat->model.no_screen);
    return RY_OK;
}

static const char *speculate_name(int kind)
{
    return kind == RY_SPECULATE_NGRAM ? "ngram" : "off";
}

static ry_rc run_speculate(ry_chat *chat, const char *arg, ry_err *err)
{
    int before = atomic_load(&chat->live.speculate), after = before;
    if (strcmp(arg, "ngram") == 0)
        after = RY_SPECULATE_NGRAM;
    else if (strcmp(arg, "off") == 0)
        after = RY_SPECULATE_OFF;
    else if (arg[0])
        return ry_err_set(err, RY_ERR_USAGE, "/speculate wants ngram or off, not \"%s\"", arg);
    atomic_store(&chat->live.speculate, after);
    ry_chat_switched(chat, "speculate", speculate_name(before), speculate_name(after));
    return RY_OK;
}

static ry_rc run_temp(ry_chat *chat, const char *arg, ry_err *err)
{
    return set_float(chat, "temp", arg, 0, 100, &chat->live.temp, err);
}

static ry_rc run_top_k(ry_chat *chat, const char *arg, ry_err *err)
{
    return set_int(chat, "top-k", arg, 0, 1 << 20, &chat->live.top_k, err);
}

static ry_rc run_top_p(ry_chat *chat, const char *arg, ry_err *err)
{
    return set_float(chat, "top-p", arg, 1e-6, 1, &chat->live.top_p, err);
}

static ry_rc run_min_p(ry_chat *chat, const char *arg, ry_err *err)
{
    return set_float(chat, "min-p", arg, 0, 0.999999, &chat->live.min_p, err);
}

static ry_rc run_repeat_penalty(ry_chat *chat, const char *arg, ry_err *err)
{
    return set_float(chat, "repeat-penalty", arg, 0.01, 100, &chat->live.repeat_penalty, err);
}

static ry_rc run_seed(ry_chat *chat, const char *arg, ry_err *err)
{
    char *end;
    errno = 0;
    if (!arg[0]) {
        ry_chat_notice(chat, false, "seed is %llu", (unsigned long long)chat->options.seed);
        return RY_OK;
    }
    unsigned long long x = strtoull(arg, &end, 10);
    if (arg[0] < '0' || arg[0] > '9' || *end || errno)
        return ry_err_set(err, RY_ERR_USAGE,
                          "/seed wants a whole number from 0 to 2^64-1, not \"%s\"", arg);
    chat->options.seed = x;
    chat->turn_no = 0;
    ry_chat_note(chat, "seed %llu from the next answer on", x);
    return RY_OK;
}

/* ---- the conversation ---- */

static ry_rc run_new(ry_chat *chat, const char *arg, ry_err *err)
{
    (void)arg;
    return ry_chat_new_session(chat, err);
}

static ry_rc run_regen(ry_chat *chat, const char *arg, ry_err *err)
{
    (void)arg;
    return ry_chat_regenerate(chat, err);
}

static ry_rc run_undo(ry_chat *chat, const char *arg, ry_err *err)
{
    double n = 1;
    ry_rc rc = arg[0] ? number("undo", arg, 1, 1e6, true, &n, err) : RY_OK;
    return rc == RY_OK ? ry_chat_undo(chat, (int)n, err) : rc;
}

static ry_rc run_rename(ry_chat *chat, const char *arg, ry_err *err)
{
    if (!arg[0])
        return ry_err_set(err, RY_ERR_USAGE, "/rename wants the new title");
    ry_rc rc = ry_chat_set_title(chat, arg, err);
    if (rc == RY_OK)
        ry_chat_notice(chat, false, "the session is called %s", arg);
    return rc;
}

static ry_rc run_system(ry_chat *chat, const char *arg, ry_err *err)
{
    if (!arg[0]) {
        ry_chat_note(chat, chat->system[0] ? "system text: %s" : "there is no system text%s",
                     chat->system);
        return RY_OK;
    }
    bool clear = strcmp(arg, "-") == 0;
    ry_rc rc = ry_chat_set_system(chat, clear ? "" : arg, err);
    if (rc == RY_OK)
        ry_chat_note(
            chat, clear ? "system text cleared" : "system text from the next answer on: %s", arg);
    return rc;
}

static const char *kv_name(enum ry_kv_type type)
{
    static const char *const names[RY_KV_COUNT] = {
        [RY_KV_AUTO] = "auto", [RY_KV_F32] = "f32", [RY_KV_F16] = "f16", [RY_KV_Q8] = "q8"};
    return names[type];
}

static ry_rc run_model(ry_chat *chat, const char *arg, ry_err *err)
{
    if (!arg[0]) {
        ry_chat_note(chat, "model %s (%s), %s, context %u, KV cache %.1f MB in %s",
                     chat->model.name, chat->model.path, chat->model.format, chat->model.n_ctx,
                     (double)chat->model.kv_bytes / 1e6, kv_name(chat->model.kv));
        return RY_OK;
    }
    if (ry_chat_busy(chat) && chat->turn != RY_TURN_WAITING)
        return ry_err_set(err, RY_ERR_BUSY, "an answer is being written: ^C stops it");
    return ry_chat_load(chat, arg, err);
}

static ry_rc run_sessions(ry_chat *chat, const char *arg, ry_err *err)
{
    struct ry_vault_op *op = ry_vault_op_new(RY_VOP_LIST);
    (void)arg;
    if (op)
        op->limit = 20;
    ry_rc rc = ry_chat_post(chat, op, err);
    chat->list_pending = rc == RY_OK;
    return rc;
}

static ry_rc run_open(ry_chat *chat, const char *arg, ry_err *err)
{
    double id;
    ry_rc rc = number("open", arg, 1, 9e15, true, &id, err);
    return rc == RY_OK ? ry_chat_open_session(chat, (int64_t)id, err) : rc;
}

static ry_rc run_read(ry_chat *chat, const char *arg, ry_err *err)
{
    ry_buf file = {0}, whole = {0};
    size_t bad;
    if (!arg[0])
        return ry_err_set(err, RY_ERR_USAGE, "/read wants a file");
    ry_rc rc = ry_path_read(arg, READ_MAX_BYTES, &file, err);
    if (rc == RY_OK && !ry_utf8_valid(ry_buf_str(&file), file.len, &bad))
        rc = ry_err_set(err, RY_ERR_INPUT, "%s: no UTF-8 text (byte %zu)", arg, bad);
    if (rc == RY_OK) {
        const char *name = strrchr(arg, '/') ? strrchr(arg, '/') + 1 : arg;
        if (chat->attachment)
            ry_buf_addf(&whole, "%s\n\n", chat->attachment);
        ry_buf_addf(&whole, "%s:\n```\n", name);
        ry_buf_add(&whole, ry_buf_str(&file), file.len);
        ry_buf_adds(&whole, file.len && file.data[file.len - 1] != '\n' ? "\n```" : "```");
        char *text = ry_buf_take(&whole);
        if (text) {
            ry_mem_free(chat->attachment);
            chat->attachment = text;
            ry_chat_note(chat, "%s (%zu bytes) goes with your next message", arg, file.len);
        } else {
            rc = ry_err_set(err, RY_ERR_MEMORY, "%s: out of memory", arg);
        }
    }
    ry_buf_done(&whole);
    ry_buf_done(&file);
    return rc;
}

/* ---- figures ---- */

static ry_rc run_context(ry_chat *chat, const char *arg, ry_err *err)
{
    size_t n_said = 0, n_bytes = 0;
    (void)arg;
    (void)err;
    for (size_t i = 0; i < chat->n_lines; i++) {
        if (chat->lines[i].role == RY_LINE_NOTE)
            continue;
        n_said++;
        n_bytes += chat->lines[i].text.len;
    }
    uint32_t used = chat->figures.n_past, size = chat->model.n_ctx;
    ry_chat_note(
        chat,
        "context: %u of %u tokens used, %u left; %zu messages of %zu bytes, system text of %zu; "
        "the last turn reused %zu prompt tokens and evaluated %zu; KV cache %.1f MB",
        used, size, size > used ? size - used : 0, n_said, n_bytes, strlen(chat->system),
        chat->result.n_reused, chat->result.n_prompt - chat->result.n_reused,
        (double)chat->model.kv_bytes / 1e6);
    return RY_OK;
}

static ry_rc run_stats(ry_chat *chat, const char *arg, ry_err *err)
{
    const struct ry_generated *g = &chat->result;
    const struct ry_figures *f = &chat->figures;
    (void)arg;
    (void)err;
    if (g->n_prompt == 0) {
        ry_chat_note(chat, "nothing was measured yet");
        return RY_OK;
    }
    size_t n_new = g->n_prompt - g->n_reused;
    struct ry_perf d = ry_perf_since(&f->perf, &chat->perf_base);
    const char *verdict =
        ry_perf_verdict(&d, atomic_load(&chat->live.n_threads), &chat->options.read_limit);
    ry_chat_note(
        chat,
        "decode %.1f tok/s (%zu tokens), prefill %.1f tok/s (%zu new, %zu reused), first token "
        "after %.0f ms; per token p50 %.2f, p95 %.2f, p99 %.2f ms%s%s",
        ry_chat_decode_rate(g), g->n_generated,
        g->prefill_ms > 0 ? (double)n_new * 1e3 / g->prefill_ms : 0, n_new, g->n_reused, g->ttft_ms,
        f->p50_ms, f->p95_ms, f->p99_ms, verdict ? "; " : "", verdict ? verdict : "");
    return RY_OK;
}

static ry_rc run_threads_note(ry_chat *chat)
{
    ry_buf out = {0};
    double one =
        chat->by_threads[1].ns > 0 ? chat->by_threads[1].tokens / chat->by_threads[1].ns : 0;
    ry_buf_adds(&out, "threads, tokens per second, speed-up, efficiency:");
    for (int n = 1; n <= RY_MAX_THREADS; n++) {
        if (chat->by_threads[n].ns <= 0)
            continue;
        double rate = chat->by_threads[n].tokens / chat->by_threads[n].ns;
        ry_buf_addf(&out, "\n%3d  %8.1f", n, rate * 1e9);
        if (one > 0)
            ry_buf_addf(&out, "  %5.2fx  %3.0f %%", rate / one, 100 * rate / one / n);
    }
    ry_chat_note(chat, "%s", ry_buf_str(&out));
    ry_buf_done(&out);
    return RY_OK;
}

static ry_rc run_cache_note(ry_chat *chat)
{
    const struct ry_vault_stats *s = &chat->vault_stats;
    uint64_t reads = s->hits + s->misses;
    ry_chat_note(
        chat,
        "vault cache: %llu hits, %llu misses (%.1f %%), %llu of %llu lines, %.2f MB; %llu commits; "
        "KV cache %u of %u cells, %.1f MB",
        (unsigned long long)s->hits, (unsigned long long)s->misses,
        reads ? 100.0 * (double)s->hits / (double)reads : 0, (unsigned long long)s->lines_used,
        (unsigned long long)s->lines_max, (double)s->bytes_used / 1e6,
        (unsigned long long)s->n_commits, chat->figures.n_past, chat->model.n_ctx,
        (double)chat->model.kv_bytes / 1e6);
    return RY_OK;
}

/* ---- the surface ---- */

static bool perform(ry_chat *chat, enum ry_surface_do what, int arg)
{
    const struct ry_surface *s = &chat->options.surface;
    return s->perform && s->perform(s->user, what, arg);
}

static ry_rc run_perf(ry_chat *chat, const char *arg, ry_err *err)
{
    return perform(chat, RY_DO_PANEL_PERF, 0) ? RY_OK : run_stats(chat, arg, err);
}

static ry_rc run_threads_panel(ry_chat *chat, const char *arg, ry_err *err)
{
    (void)arg;
    (void)err;
    return perform(chat, RY_DO_PANEL_THREADS, 0) ? RY_OK : run_threads_note(chat);
}

static ry_rc run_cache(ry_chat *chat, const char *arg, ry_err *err)
{
    (void)arg;
    (void)err;
    return perform(chat, RY_DO_PANEL_CACHE, 0) ? RY_OK : run_cache_note(chat);
}

static ry_rc run_help(ry_chat *chat, const char *arg, ry_err *err)
{
    (void)arg;
    (void)err;
    if (perform(chat, RY_DO_HELP, 0))
        return RY_OK;
    size_t n;
    const struct ry_command *table = ry_command_table(&n);
    ry_buf out = {0};
    ry_buf_adds(&out, "commands:");
    for (size_t i = 0; i < n; i++)
        ry_buf_addf(&out, "\n/%s %s: %s", table[i].name, table[i].args, table[i].help);
    ry_chat_note(chat, "%s", ry_buf_str(&out));
    ry_buf_done(&out);
    return RY_OK;
}

static ry_rc run_mouse(ry_chat *chat, const char *arg, ry_err *err)
{
    bool on = false;
    ry_rc rc = on_or_off("mouse", arg, &on, err);
    if (rc != RY_OK)
        return rc;
    return perform(chat, RY_DO_MOUSE, on)
               ? RY_OK
               : ry_err_set(err, RY_ERR_USAGE, "/mouse is for the full screen");
}

static ry_rc run_raw(ry_chat *chat, const char *arg, ry_err *err)
{
    (void)arg;
    return perform(chat, RY_DO_RAW, 0)
               ? RY_OK
               : ry_err_set(err, RY_ERR_USAGE, "/raw is for the full screen; here all text is raw");
}

/* Looked up by words, not by the model: the note says where it comes from. */
static ry_rc run_guide(ry_chat *chat, const char *arg, ry_err *err)
{
    ry_guide *guide;
    ry_buf said = {0};
    if (!arg[0])
        return ry_err_set(err, RY_ERR_USAGE, "/guide wants a question about ryot");
    ry_rc rc = ry_guide_new(&guide, NULL, 0, err);
    if (rc != RY_OK)
        return rc;
    ry_lookup_answer(guide, arg, strlen(arg), &said);
    ry_chat_note(chat, "%s", ry_buf_str(&said));
    ry_buf_done(&said);
    ry_guide_free(guide);
    return RY_OK;
}

static ry_rc run_quit(ry_chat *chat, const char *arg, ry_err *err)
{
    (void)arg;
    return perform(chat, RY_DO_QUIT, 0) ? RY_OK : ry_err_set(err, RY_FAIL, "cannot quit from here");
}

/* ---- table ---- */

static const struct ry_command table[] = {
    {"attention", "flash|standard", "how attention is computed", run_attention},
    {"cache", "", "cache panel (F4)", run_cache},
    {"context", "", "what fills the context window", run_context},
    {"guide", "QUESTION", "look a question about ryot up in its facts", run_guide},
    {"head", "screened|full", "of the last layer what sampling needs, or all", run_head},
    {"help", "", "keys and commands (F1)", run_help},
    {"kernel", "scalar|avx2|avxvnni|avx512|amx", "kernel tier from the next token on (^K cycles)",
     run_kernel},
    {"min-p", "X", "drop tokens below X times the likeliest", run_min_p},
    {"model", "PATH", "load another model, keep the session", run_model},
    {"mouse", "on|off", "whether the mouse scrolls", run_mouse},
    {"new", "", "begin a new session", run_new},
    {"open", "ID", "go on with another session", run_open},
    {"perf", "", "performance panel (F2)", run_perf},
    {"prefetch", "on|off", "fetch weights ahead", run_prefetch},
    {"quit", "", "save and leave (^D)", run_quit},
    {"raw", "", "Markdown source or rendered text", run_raw},
    {"read", "FILE", "send a text file with your next message", run_read},
    {"regen", "", "answer the last message again", run_regen},
    {"rename", "TITLE", "name the session", run_rename},
    {"repack", "on|off", "interleaved copies of the weights", run_repack},
    {"repeat-penalty", "X", "penalty on recent tokens; 1 is off", run_repeat_penalty},
    {"seed", "N", "seed of the sampling", run_seed},
    {"sessions", "", "list the sessions", run_sessions},
    {"speculate", "ngram|off", "guess tokens ahead; the text stays the same", run_speculate},
    {"stats", "", "figures of the last answer", run_stats},
    {"system", "TEXT", "system text from the next answer on; - clears it", run_system},
    {"temp", "X", "temperature; 0 is greedy", run_temp},
    {"threads", "N", "threads from the next token on", run_threads},
    {"threads-panel", "", "threads panel (F3)", run_threads_panel},
    {"top-k", "N", "sample among the N likeliest tokens", run_top_k},
    {"top-p", "X", "sample within this probability mass", run_top_p},
    {"undo", "N", "take back the last N turns", run_undo},
};
enum { N_COMMANDS = sizeof table / sizeof *table };

const struct ry_command *ry_command_table(size_t *n)
{
    *n = N_COMMANDS;
    return table;
}

ry_rc ry_command_run(ry_chat *chat, const char *text, size_t len, ry_err *err)
{
    char *line = ry_mem_strndup(text + 1, len - 1);
    if (!line)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory");
    size_t end = strlen(line), name_len = strcspn(line, " \t\n");
    while (end > 0 && strchr(" \t\n\r", line[end - 1]))
        line[--end] = '\0';
    const char *arg = "";
    if (name_len < end) {
        line[name_len] = '\0';
        arg = line + name_len + 1 + strspn(line + name_len + 1, " \t\n");
    }
    struct ry_suggest near = {.wanted = line};
    ry_rc rc = RY_ERR_USAGE;
    size_t i = 0;
    for (; i < N_COMMANDS && strcmp(line, table[i].name) != 0; i++)
        ry_suggest_offer(&near, table[i].name);
    if (i < N_COMMANDS)
        rc = table[i].run(chat, arg, err);
    else if (near.best)
        ry_err_set(err, rc, "unknown command /%s: did you mean /%s?", line, near.best);
    else
        ry_err_set(err, rc, "unknown command /%s: /help lists them", line);
    ry_mem_free(line);
    return rc;
}

void ry_command_cycle_kernel(ry_chat *chat)
{
    int before = atomic_load(&chat->live.tier), after = before;
    do
        after = (after + 1) % RY_TIER_COUNT;
    while (!ry_tier_usable((enum ry_tier)after));
    atomic_store(&chat->live.tier, after);
    ry_chat_switched(chat, "kernel", ry_tier_name((enum ry_tier)before),
                     ry_tier_name((enum ry_tier)after));
}

void ry_command_step_threads(ry_chat *chat, int step)
{
    char arg[16];
    ry_err err;
    int n = atomic_load(&chat->live.n_threads) + step;
    if (n < 1 || n > RY_MAX_THREADS)
        return;
    snprintf(arg, sizeof arg, "%d", n);
    if (run_threads(chat, arg, &err) != RY_OK)
        ry_chat_notice(chat, true, "%s", err.text);
}
