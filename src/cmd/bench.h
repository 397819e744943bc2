/* What the rooms of `ryot bench` share: bench.c (options and the product of lists), bench_run.c (one row measured),
 * bench_print.c (rows as JSON, CSV, tables). Main thread. */
#ifndef RYOT_CMD_BENCH_H
#define RYOT_CMD_BENCH_H

#include "engine/engine.h"
#include "src/cmd/opts.h"

enum { RY_BENCH_LIST = 16 };

struct ry_bench_row {
    enum ry_tier tier;
    int n_threads;
    bool decode;
    size_t n_depth;  /* tokens in the window before the test begins */
    size_t n_prompt; /* tokens of prefill, 0 for decode */
    size_t n_gen;    /* tokens of decode, 0 for prefill */
    double
        bandwidth_gb_s; /* what this many threads read from memory, in this run; NaN: not measured */
    /* From here on what was measured; NaN where it has no meaning for the test. */
    double median, best, stdev;    /* tok/s */
    double ttft_ms;                /* until the first token was chosen, median */
    double p50_ms, p95_ms, p99_ms; /* of a token */
    double weight_bytes, kv_bytes; /* read for a token */
    double share;                  /* weights read, of the bandwidth */
    double gmac_s;         /* 10^9 multiplications and additions a second, over the whole time */
    double product_gmac_s; /* the same over the time in products of the layers */
    double speed_up;       /* against the first of the thread counts; NaN where there is one only */
};

struct ry_bench {
    const struct ry_opts *opts;
    ry_engine *engine;
    ry_session *session;
    struct ry_live live;
    const char *model;
    char date[32]; /* UTC, ISO 8601 */
    int threads[RY_BENCH_LIST];
    enum ry_tier tiers[RY_BENCH_LIST];
    size_t depths[RY_BENCH_LIST], prompts[RY_BENCH_LIST], gens[RY_BENCH_LIST];
    size_t n_threads, n_tiers, n_depths, n_prompts, n_gens;
    int32_t *ids;    /* [longest timeline] owned, as the arrays below */
    double *rates;   /* [reps] */
    double *firsts;  /* [reps] ms */
    double *tokens;  /* [reps * longest decode] ms */
    double *base;    /* [n_tiers * tests] medians of the first thread count */
    size_t n_tokens; /* of `tokens` that are filled */
    size_t n_rows;   /* printed so far */
};

/* Runs the row once to warm up, then opts->bench_reps times. Errors as ry_generate; RY_ERR_CANCELLED after a signal. */
ry_rc ry_bench_measure(struct ry_bench *bench, struct ry_bench_row *row, ry_err *err);

/* One row to stdout in the form that was asked for. False when stdout is gone. */
bool ry_bench_print(struct ry_bench *bench, const struct ry_bench_row *row);

#endif
