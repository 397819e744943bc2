/* `ryot bench`: prefill and decode of given lengths, for each thread count, kernel and depth of the window, beside what
 * the memory of this machine gives. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/app/out.h"
#include "src/app/signals.h"
#include "src/base/clock.h"
#include "src/base/mem.h"
#include "src/cmd/bandwidth.h"
#include "src/cmd/bench.h"
#include "src/cmd/cmd.h"

enum { MAX_TOKENS = 1 << 20, DEFAULT_PROMPT = 512, DEFAULT_GEN = 128 };

/* ---- lists ---- */

/* "1,2,4" with each number in lo..hi; NULL leaves the list as it is. */
static ry_rc parse_numbers(const char *text, const char *name, size_t lo, size_t hi,
                           size_t list[RY_BENCH_LIST], size_t *n, ry_err *err)
{
    if (text)
        *n = 0;
    for (const char *p = text; p;) {
        char *end;
        errno = 0;
        unsigned long x = strtoul(p, &end, 10);
        if (*p < '0' || *p > '9' || errno || x < lo || x > hi || (*end && *end != ',') ||
            *n == RY_BENCH_LIST)
            return ry_err_set(err, RY_ERR_USAGE,
                              "%s: \"%.32s\": write at most %d numbers from %zu to %zu, as in 1,2",
                              name, p, RY_BENCH_LIST, lo, hi);
        list[(*n)++] = x;
        p = *end ? end + 1 : NULL;
    }
    return RY_OK;
}

static ry_rc parse_tiers(struct ry_bench *b, ry_err *err)
{
    b->tiers[0] = ry_tier_best();
    b->n_tiers = 1;
    if (b->opts->bench_kernels)
        b->n_tiers = 0;
    for (const char *p = b->opts->bench_kernels; p;) {
        char name[32];
        size_t len = strcspn(p, ",");
        snprintf(name, sizeof name, "%.*s", (int)(len < 31 ? len : 31), p);
        if (b->n_tiers == RY_BENCH_LIST)
            return ry_err_set(err, RY_ERR_USAGE, "kernel: at most %d may be given", RY_BENCH_LIST);
        ry_rc rc = ry_tier_parse(name, &b->tiers[b->n_tiers++], err);
        if (rc != RY_OK)
            return rc;
        p = p[len] ? p + len + 1 : NULL;
    }
    return RY_OK;
}

/* Lengths of a test; a 0 alone leaves it out. */
static ry_rc parse_lengths(const char *text, const char *name, size_t list[RY_BENCH_LIST],
                           size_t *n, ry_err *err)
{
    if (!text || strcmp(text, "0") != 0)
        return parse_numbers(text, name, 1, MAX_TOKENS, list, n, err);
    *n = 0;
    return RY_OK;
}

static ry_rc parse_lists(struct ry_bench *b, ry_err *err)
{
    const struct ry_opts *o = b->opts;
    size_t threads[RY_BENCH_LIST] = {(size_t)atomic_load(&b->live.n_threads)};
    b->n_threads = b->n_depths = b->n_prompts = b->n_gens = 1;
    b->depths[0] = 0;
    b->prompts[0] = DEFAULT_PROMPT;
    b->gens[0] = DEFAULT_GEN;
    ry_rc rc =
        parse_numbers(o->bench_threads, "threads", 1, RY_MAX_THREADS, threads, &b->n_threads, err);
    if (rc == RY_OK)
        rc = parse_numbers(o->bench_depth, "depth", 0, MAX_TOKENS, b->depths, &b->n_depths, err);
    if (rc == RY_OK)
        rc = parse_lengths(o->bench_prompt, "prompt-tokens", b->prompts, &b->n_prompts, err);
    if (rc == RY_OK)
        rc = parse_lengths(o->bench_gen, "gen-tokens", b->gens, &b->n_gens, err);
    if (rc == RY_OK && b->n_prompts + b->n_gens == 0)
        rc = ry_err_set(err, RY_ERR_USAGE, "-p 0 and -n 0 leave nothing to measure");
    for (size_t i = 0; i < b->n_threads; i++)
        b->threads[i] = (int)threads[i];
    return rc == RY_OK ? parse_tiers(b, err) : rc;
}

/* ---- sizes ---- */

static size_t largest(const size_t *list, size_t n)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = list[i] > most ? list[i] : most;
    return most;
}

/* Positions that the longest test takes: a decode of n begins behind one token and ends with one that is not fed. */
static size_t wanted_ctx(const struct ry_bench *b)
{
    size_t prompt = largest(b->prompts, b->n_prompts), gen = largest(b->gens, b->n_gens) + 1;
    return largest(b->depths, b->n_depths) + (prompt > gen ? prompt : gen);
}

/* Without --ctx the window is as long as the tests need, whatever the model was trained for: only the time counts. */
static void choose_ctx(const struct ry_bench *b, struct ry_session_options *options)
{
    uint32_t trained = ry_engine_info(b->engine)->n_ctx_train;
    size_t wanted = wanted_ctx(b);
    if (options->n_ctx)
        return;
    if (wanted > trained)
        ry_out_note("%zu positions are more than the model's own %u: for the time only", wanted,
                    trained);
    if (wanted > trained || wanted > 4096)
        options->n_ctx = (uint32_t)wanted;
}

static void clip(size_t *list, size_t n, size_t most, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] > most) {
            list[i] = most;
            ry_out_note("%s is clipped to %zu tokens by --ctx", what, most);
        }
}

/* Lengths clipped to the window, ids and room for the figures. */
static ry_rc prepare(struct ry_bench *b, ry_err *err)
{
    size_t n_ctx = ry_session_n_ctx(b->session), reps = (size_t)b->opts->bench_reps,
           n_tests = b->n_tiers * b->n_depths * (b->n_prompts + b->n_gens), n_times;
    clip(b->depths, b->n_depths, n_ctx - 2, "depth");
    size_t room = n_ctx - largest(b->depths, b->n_depths);
    clip(b->prompts, b->n_prompts, room, "prefill");
    clip(b->gens, b->n_gens, room - 1, "decode");
    b->ids = ry_mem_alloc(n_ctx, sizeof *b->ids);
    b->rates = ry_mem_alloc(reps, sizeof *b->rates);
    b->firsts = ry_mem_alloc(reps, sizeof *b->firsts);
    b->base = ry_mem_alloc(n_tests, sizeof *b->base);
    if (ry_mem_mul(reps, largest(b->gens, b->n_gens), &n_times))
        b->tokens = ry_mem_alloc(n_times, sizeof *b->tokens);
    if (!b->ids || !b->rates || !b->firsts || !b->base || !b->tokens)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the figures: take fewer runs");
    uint64_t x = 1;
    for (size_t i = 0; i < n_ctx; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
        b->ids[i] = (int32_t)((x >> 33) % ry_engine_info(b->engine)->n_vocab);
    }
    return RY_OK;
}

/* ---- the product ---- */

/* One row; `test` counts those of a thread count, so that the first count's medians are the base of the others'. */
static ry_rc run_row(struct ry_bench *b, struct ry_bench_row *row, size_t thread, size_t test,
                     ry_err *err)
{
    ry_rc rc = ry_bench_measure(b, row, err);
    if (rc != RY_OK)
        return rc;
    if (thread == 0)
        b->base[test] = row->median;
    row->speed_up = b->n_threads > 1 ? row->median / b->base[test] : NAN;
    /* Nobody reads any more: the end is told from ry_out_broken. */
    return ry_bench_print(b, row) ? RY_OK : RY_ERR_CANCELLED;
}

static ry_rc run_threads(struct ry_bench *b, size_t thread, ry_err *err)
{
    struct ry_bench_row row = {.n_threads = b->threads[thread]};
    size_t test = 0;
    ry_rc rc = RY_OK;
    ry_setup_note_threads(row.n_threads);
    row.bandwidth_gb_s = ry_bandwidth_measure_kept(row.n_threads);
    for (size_t k = 0; k < b->n_tiers; k++)
        for (size_t d = 0; d < b->n_depths; d++)
            for (size_t i = 0; i < b->n_prompts + b->n_gens && rc == RY_OK; i++) {
                row.tier = b->tiers[k];
                row.n_depth = b->depths[d];
                row.decode = i >= b->n_prompts;
                row.n_prompt = row.decode ? 0 : b->prompts[i];
                row.n_gen = row.decode ? b->gens[i - b->n_prompts] : 0;
                rc = run_row(b, &row, thread, test++, err);
            }
    return rc;
}

static ry_rc open_session(struct ry_bench *b, struct ry_setup *s, ry_err *err)
{
    struct ry_session_options options;
    ry_setup_session(s, &options);
    options.live = &b->live;
    choose_ctx(b, &options);
    ry_rc rc = ry_session_new(&b->session, b->engine, &options, err);
    return rc == RY_OK ? prepare(b, err) : rc;
}

static void set_date(struct ry_bench *b)
{
    struct tm utc;
    time_t now = (time_t)(ry_clock_wall_ms() / 1000);
    if (!gmtime_r(&now, &utc) || !strftime(b->date, sizeof b->date, "%Y-%m-%dT%H:%M:%SZ", &utc))
        b->date[0] = '\0';
}

ry_rc ry_cmd_bench(struct ry_setup *s, int *sig, ry_err *err)
{
    struct ry_bench b = {.opts = s->opts};
    uint64_t seed;
    if (s->opts->json + s->opts->csv + s->opts->md > 1)
        return ry_err_set(err, RY_ERR_USAGE, "--json, --csv and --md exclude each other");
    ry_rc rc = ry_setup_live(s, &b.live, &seed, err);
    if (!ry_opts_on_line(s->opts, "temp"))
        atomic_store(&b.live.temp, 0.0f);
    if (rc == RY_OK)
        rc = parse_lists(&b, err);
    if (rc == RY_OK)
        rc = ry_setup_model(s, err);
    if (rc == RY_OK)
        rc = ry_signals_init(RY_SIGNALS_CANCEL, err);
    if (rc == RY_OK)
        rc = ry_setup_open(s, false, &b.engine, err);
    if (rc == RY_OK) {
        b.model = s->model;
        set_date(&b);
        rc = open_session(&b, s, err);
    }
    for (size_t t = 0; t < b.n_threads && rc == RY_OK; t++)
        rc = run_threads(&b, t, err);
    *sig = ry_signals_ending();
    ry_session_free(b.session);
    ry_engine_close(b.engine);
    ry_mem_free(b.ids);
    ry_mem_free(b.rates);
    ry_mem_free(b.firsts);
    ry_mem_free(b.base);
    ry_mem_free(b.tokens);
    return rc;
}
