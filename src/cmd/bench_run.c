/* One row of `ryot bench`: a prompt or an answer of a given length behind a window of a given depth, again and again.
 *
 * It runs what a chat runs (generation, greedy), so that what is measured is what a person gets: sampling counts. Ids
 * are drawn from a fixed sequence; only shapes matter for the time. */
#include <math.h>
#include <stdlib.h>

#include "src/app/perf.h"
#include "src/app/signals.h"
#include "src/cmd/bench.h"

/* What the callbacks of one run collect. */
struct run {
    struct ry_bench *bench;
    bool keep; /* times of tokens go into bench->tokens */
    size_t n_seen;
};

/* The first token's time is the sampling alone: it belongs to the prompt. */
static void on_token(void *user, int32_t id, uint64_t t_ns)
{
    struct run *run = user;
    (void)id;
    if (run->n_seen++ > 0 && run->keep)
        run->bench->tokens[run->bench->n_tokens++] = (double)t_ns / 1e6;
}

/* The window is rewound to the row's depth; what is in it stays from one run to the next, since every kernel and
 * thread count gives the same bits. */
static ry_rc run_once(struct ry_bench *b, const struct ry_bench_row *row, bool keep,
                      struct ry_generated *out, ry_err *err)
{
    struct run run = {.bench = b, .keep = keep};
    struct ry_generate g = {.prompt = b->ids,
                            .n_prompt = row->n_depth + (row->decode ? 1 : row->n_prompt),
                            .max_tokens = row->decode ? (int)row->n_gen + 1 : 1,
                            .ignore_eog = true,
                            .cancel = ry_signals_cancel(),
                            .user = &run,
                            .on_token = on_token};
    if (ry_session_n_past(b->session) > row->n_depth)
        ry_session_truncate(b->session, (uint32_t)row->n_depth);
    ry_rc rc = ry_generate(b->session, &g, out, err);
    if (rc == RY_OK && out->finish == RY_FINISH_CANCELLED)
        return ry_err_set(err, RY_ERR_CANCELLED, "stopped");
    return rc;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The value below which this share of sorted v lies. */
static double quantile(const double *v, size_t n, double share)
{
    size_t rank = (size_t)ceil(share * (double)n);
    return n ? v[rank ? rank - 1 : 0] : NAN;
}

static double stdev(const double *v, size_t n)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += v[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (v[i] - mean) * (v[i] - mean);
    return n > 1 ? sqrt(square / (double)(n - 1)) : 0;
}

/* Rates of work, from the counters of all runs. */
static void fill_work(struct ry_bench *b, struct ry_bench_row *row, const struct ry_perf *p)
{
    const struct ry_model_info *info = ry_engine_info(b->engine);
    double body = (double)info->body_macs, head = (double)info->head_macs,
           n = (double)(p->n_decode + p->n_prefill), product_ns = (double)p->op_ns[RY_OP_MATMUL];
    row->weight_bytes = row->kv_bytes = row->share = NAN;
    row->gmac_s = (body + head / (row->decode ? 1 : (double)row->n_prompt)) * row->median / 1e9;
    row->product_gmac_s = product_ns > 0 ? body * n / product_ns : NAN;
    if (!row->decode || p->n_decode == 0)
        return;
    row->weight_bytes =
        (double)(p->op_bytes[RY_OP_MATMUL] + p->op_bytes[RY_OP_HEAD]) / (double)p->n_decode;
    row->kv_bytes = (double)p->op_bytes[RY_OP_ATTENTION] / (double)p->n_decode;
    row->share = row->median * row->weight_bytes / (row->bandwidth_gb_s * 1e9);
}

ry_rc ry_bench_measure(struct ry_bench *b, struct ry_bench_row *row, ry_err *err)
{
    size_t n = (size_t)b->opts->bench_reps;
    struct ry_generated g;
    struct ry_perf before, after;
    atomic_store(&b->live.tier, (int)row->tier);
    atomic_store(&b->live.n_threads, row->n_threads);
    b->n_tokens = 0;
    ry_rc rc = run_once(b, row, false, &g, err);
    ry_session_perf(b->session, &before);
    for (size_t i = 0; i < n && rc == RY_OK; i++) {
        rc = run_once(b, row, row->decode, &g, err);
        if (rc != RY_OK)
            break;
        b->rates[i] = row->decode ? (double)row->n_gen * 1e3 / g.decode_ms
                                  : (double)row->n_prompt * 1e3 / g.prefill_ms;
        b->firsts[i] = g.ttft_ms;
    }
    if (rc != RY_OK)
        return rc;
    ry_session_perf(b->session, &after);
    after = ry_perf_since(&after, &before);
    row->stdev = stdev(b->rates, n);
    row->median = median(b->rates, n);
    row->best = b->rates[n - 1];
    row->ttft_ms = row->decode ? NAN : median(b->firsts, n);
    qsort(b->tokens, b->n_tokens, sizeof *b->tokens, by_value);
    row->p50_ms = quantile(b->tokens, b->n_tokens, 0.50);
    row->p95_ms = quantile(b->tokens, b->n_tokens, 0.95);
    row->p99_ms = quantile(b->tokens, b->n_tokens, 0.99);
    fill_work(b, row, &after);
    return RY_OK;
}
