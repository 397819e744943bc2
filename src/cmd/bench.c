/* `ryot bench`: prefill and decode of given lengths, for each kernel and thread count, beside
 * what the memory of this machine gives. Ids are drawn from a fixed sequence: only shapes matter
 * for the time. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/app/json.h"
#include "src/app/out.h"
#include "src/app/signals.h"
#include "src/base/clock.h"
#include "src/base/mem.h"
#include "src/cmd/bandwidth.h"
#include "src/cmd/cmd.h"
#include "src/commit.h"

enum { MAX_LIST = 16 };

struct row {
    enum ry_tier tier;
    int n_threads;
    bool decode;
    size_t n_prompt, n_gen;
    double median, best, stdev;            /* tok/s */
    double ttft_ms, bandwidth_gb_s, share; /* NaN: unknown or meaningless */
};

struct bench {
    const struct ry_opts *opts;
    ry_engine *engine;
    ry_session *session;
    struct ry_live live;
    const char *model;
    int threads[MAX_LIST];
    enum ry_tier tiers[MAX_LIST];
    size_t n_threads, n_tiers, n_prompt, n_gen;
    int32_t *ids;  /* [max(n_prompt, n_gen + 1)] owned */
    double *rates; /* [reps] owned */
    double *firsts;
    size_t n_rows; /* printed so far */
};

/* ---- lists ---- */

static ry_rc parse_lists(struct bench *b, ry_err *err)
{
    const struct ry_opts *o = b->opts;
    b->threads[b->n_threads++] = atomic_load(&b->live.n_threads);
    if (o->bench_threads)
        b->n_threads = 0;
    for (const char *p = o->bench_threads; p;) {
        char *end;
        errno = 0;
        long n = strtol(p, &end, 10);
        if (end == p || errno || n < 1 || n > RY_MAX_THREADS || (*end && *end != ',') ||
            b->n_threads == MAX_LIST)
            return ry_err_set(err, RY_ERR_USAGE,
                              "threads: \"%.32s\": write at most %d counts from 1 to %d, "
                              "as in 1,2",
                              p, MAX_LIST, RY_MAX_THREADS);
        b->threads[b->n_threads++] = (int)n;
        p = *end ? end + 1 : NULL;
    }
    b->tiers[b->n_tiers++] = ry_tier_best();
    if (o->bench_kernels)
        b->n_tiers = 0;
    for (const char *p = o->bench_kernels; p;) {
        char name[32];
        size_t len = strcspn(p, ",");
        snprintf(name, sizeof name, "%.*s", (int)(len < 31 ? len : 31), p);
        if (b->n_tiers == MAX_LIST)
            return ry_err_set(err, RY_ERR_USAGE, "kernel: at most %d may be given", MAX_LIST);
        ry_rc rc = ry_tier_parse(name, &b->tiers[b->n_tiers++], err);
        if (rc != RY_OK)
            return rc;
        p = p[len] ? p + len + 1 : NULL;
    }
    return RY_OK;
}

/* ---- measuring ---- */

static ry_rc eval(struct bench *b, const int32_t *ids, size_t n, ry_err *err)
{
    struct ry_eval e = {.ids = ids, .n = n, .cancel = ry_signals_cancel()};
    return ry_session_eval(b->session, &e, err);
}

/* One run from an empty window: *rate in tok/s, *first_ms until the first logits. */
static ry_rc run_once(struct bench *b, const struct row *row, double *rate, double *first_ms,
                      ry_err *err)
{
    ry_session_truncate(b->session, 0);
    uint64_t t0 = ry_clock_ns();
    ry_rc rc = eval(b, b->ids, row->decode ? 1 : row->n_prompt, err);
    uint64_t t1 = ry_clock_ns();
    *first_ms = (double)(t1 - t0) / 1e6;
    if (!row->decode) {
        *rate = (double)row->n_prompt * 1e9 / (double)(t1 - t0);
        return rc;
    }
    for (size_t i = 1; i <= row->n_gen && rc == RY_OK; i++)
        rc = eval(b, b->ids + i, 1, err);
    *rate = (double)row->n_gen * 1e9 / (double)(ry_clock_ns() - t1);
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

static ry_rc measure(struct bench *b, struct row *row, ry_err *err)
{
    size_t n = (size_t)b->opts->bench_reps;
    double mean = 0, square = 0;
    atomic_store(&b->live.tier, (int)row->tier);
    atomic_store(&b->live.n_threads, row->n_threads);
    ry_rc rc = run_once(b, row, &b->rates[0], &b->firsts[0], err);
    for (size_t i = 0; i < n && rc == RY_OK; i++)
        rc = run_once(b, row, &b->rates[i], &b->firsts[i], err);
    if (rc != RY_OK)
        return rc;
    row->median = median(b->rates, n);
    row->best = b->rates[n - 1];
    row->ttft_ms = median(b->firsts, n);
    for (size_t i = 0; i < n; i++)
        mean += b->rates[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (b->rates[i] - mean) * (b->rates[i] - mean);
    row->stdev = n > 1 ? sqrt(square / (double)(n - 1)) : 0;
    double per_token = (double)ry_engine_info(b->engine)->weight_bytes_per_token;
    row->share = row->decode ? row->median * per_token / (row->bandwidth_gb_s * 1e9) : NAN;
    return RY_OK;
}

/* ---- printing ---- */

static const char *test_name(const struct row *row, char out[32])
{
    snprintf(out, 32, "%s%zu", row->decode ? "tg" : "pp", row->decode ? row->n_gen : row->n_prompt);
    return out;
}

static const char *attention_name(const struct bench *b)
{
    return atomic_load(&b->live.attention) == RY_ATTENTION_FLASH ? "flash" : "standard";
}

static void print_json(const struct bench *b, const struct row *r, ry_buf *out)
{
    const struct ry_model_info *info = ry_engine_info(b->engine);
    char test[32];
    ry_buf_adds(out, "{");
    ry_json_field(out, "model", b->model);
    ry_buf_adds(out, ", ");
    ry_json_field(out, "format", info->format);
    ry_buf_addf(out, ", \"n_params\": %llu, ", (unsigned long long)info->n_params);
    ry_json_field(out, "kernel", ry_tier_name(r->tier));
    ry_buf_addf(out, ", \"threads\": %d, ", r->n_threads);
    ry_json_field(out, "attention", attention_name(b));
    ry_buf_adds(out, ", ");
    ry_json_field(out, "test", test_name(r, test));
    ry_buf_addf(out, ", \"n_prompt\": %zu, \"n_gen\": %zu, ", r->n_prompt, r->n_gen);
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"rate_tok_s_median", r->median},
                   {"rate_tok_s_best", r->best},
                   {"rate_tok_s_stdev", r->stdev},
                   {"ttft_ms", r->ttft_ms}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ry_json_number(out, numbers[i].key, numbers[i].value);
        ry_buf_adds(out, ", ");
    }
    ry_buf_addf(out, "\"runs\": %d, ", b->opts->bench_reps);
    ry_json_number(out, "read_bandwidth_gb_s", r->bandwidth_gb_s);
    ry_buf_addf(out, ", \"weight_bytes_per_token\": %llu, ",
                (unsigned long long)info->weight_bytes_per_token);
    ry_json_number(out, "share_of_bandwidth", r->share);
    ry_buf_adds(out, ", ");
    ry_json_field(out, "cpu", ry_cpu_name());
    ry_buf_adds(out, ", ");
    ry_json_field(out, "commit", RYOT_COMMIT);
    ry_buf_adds(out, "}\n");
}

static void csv_text(ry_buf *out, const char *s)
{
    ry_buf_addc(out, '"');
    for (; *s; s++)
        ry_buf_addf(out, *s == '"' ? "\"\"" : "%c", *s);
    ry_buf_addc(out, '"');
}

static void csv_number(ry_buf *out, double x)
{
    if (isfinite(x))
        ry_buf_addf(out, ",%.6g", x);
    else
        ry_buf_addc(out, ',');
}

static void print_csv(const struct bench *b, const struct row *r, ry_buf *out)
{
    const struct ry_model_info *info = ry_engine_info(b->engine);
    char test[32];
    if (b->n_rows == 0)
        ry_buf_adds(out,
                    "model,format,n_params,kernel,threads,attention,test,n_prompt,n_gen,"
                    "rate_tok_s_median,rate_tok_s_best,rate_tok_s_stdev,ttft_ms,runs,"
                    "read_bandwidth_gb_s,weight_bytes_per_token,share_of_bandwidth,cpu,commit\n");
    csv_text(out, b->model);
    ry_buf_addc(out, ',');
    csv_text(out, info->format);
    ry_buf_addf(out, ",%llu,%s,%d,%s,%s,%zu,%zu", (unsigned long long)info->n_params,
                ry_tier_name(r->tier), r->n_threads, attention_name(b), test_name(r, test),
                r->n_prompt, r->n_gen);
    csv_number(out, r->median);
    csv_number(out, r->best);
    csv_number(out, r->stdev);
    csv_number(out, r->ttft_ms);
    ry_buf_addf(out, ",%d", b->opts->bench_reps);
    csv_number(out, r->bandwidth_gb_s);
    ry_buf_addf(out, ",%llu", (unsigned long long)info->weight_bytes_per_token);
    csv_number(out, r->share);
    ry_buf_addc(out, ',');
    csv_text(out, ry_cpu_name());
    ry_buf_adds(out, "," RYOT_COMMIT "\n");
}

static void print_table(const struct bench *b, const struct row *r, ry_buf *out)
{
    static const char *const heads[] = {"kernel", "threads", "test",        "tok/s",
                                        "best",   "+-",      "of bandwidth"};
    const char *edge = b->opts->md ? "|" : "";
    char test[32], share[32] = "-";
    if (b->n_rows == 0) {
        ry_buf_addf(out, b->opts->md ? "**%s** (%s, %s)\n\n" : "%s (%s, %s)\n", b->model,
                    ry_engine_info(b->engine)->format, ry_cpu_name());
        ry_buf_adds(out, edge);
        for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
            ry_buf_addf(out, "%12s %s", heads[i], edge);
        ry_buf_adds(out, "\n");
        for (size_t i = 0; i < sizeof heads / sizeof *heads && b->opts->md; i++)
            ry_buf_adds(out, "|---:");
        ry_buf_adds(out, b->opts->md ? "|\n" : "");
    }
    if (isfinite(r->share))
        snprintf(share, sizeof share, "%.0f %%", 100 * r->share);
    ry_buf_addf(out, "%s%12s %s%12d %s%12s %s%12.1f %s%12.1f %s%12.1f %s%12s %s\n", edge,
                ry_tier_name(r->tier), edge, r->n_threads, edge, test_name(r, test), edge,
                r->median, edge, r->best, edge, r->stdev, edge, share, edge);
}

static bool print_row(struct bench *b, const struct row *row)
{
    ry_buf out = {0};
    bool ok;
    if (b->opts->json)
        print_json(b, row, &out);
    else if (b->opts->csv)
        print_csv(b, row, &out);
    else
        print_table(b, row, &out);
    if (b->opts->json || b->opts->csv)
        ok = ry_out_bytes(ry_buf_str(&out), out.len);
    else
        ok = ry_out_block(ry_buf_str(&out), out.len);
    b->n_rows++;
    ry_buf_done(&out);
    return ok;
}

/* ---- the product ---- */

static ry_rc run_rows(struct bench *b, ry_err *err)
{
    for (size_t t = 0; t < b->n_threads; t++) {
        double bandwidth = ry_bandwidth_measure(b->threads[t]);
        for (size_t k = 0; k < b->n_tiers; k++) {
            for (int decode = 0; decode < 2; decode++) {
                struct row row = {.tier = b->tiers[k],
                                  .n_threads = b->threads[t],
                                  .decode = decode,
                                  .n_prompt = decode ? 0 : b->n_prompt,
                                  .n_gen = decode ? b->n_gen : 0,
                                  .bandwidth_gb_s = bandwidth};
                if (row.n_prompt + row.n_gen == 0)
                    continue;
                ry_rc rc = measure(b, &row, err);
                if (rc != RY_OK)
                    return rc;
                if (!print_row(b, &row))
                    return RY_OK;
            }
        }
    }
    return RY_OK;
}

/* Lengths clipped to the window, ids and room for the figures. */
static ry_rc prepare(struct bench *b, ry_err *err)
{
    size_t n_ctx = ry_session_n_ctx(b->session);
    b->n_prompt = (size_t)b->opts->bench_prompt;
    b->n_gen = (size_t)b->opts->bench_gen;
    if (b->n_prompt > n_ctx) {
        b->n_prompt = n_ctx;
        ry_out_note("prefill is clipped to the context of %zu tokens", n_ctx);
    }
    if (b->n_gen + 1 > n_ctx) {
        b->n_gen = n_ctx - 1;
        ry_out_note("decode is clipped to the context of %zu tokens", n_ctx);
    }
    size_t n = b->n_prompt > b->n_gen + 1 ? b->n_prompt : b->n_gen + 1,
           reps = (size_t)b->opts->bench_reps;
    b->ids = ry_mem_alloc(n, sizeof *b->ids);
    b->rates = ry_mem_alloc(reps, sizeof *b->rates);
    b->firsts = ry_mem_alloc(reps, sizeof *b->firsts);
    if (!b->ids || !b->rates || !b->firsts)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for %zu ids", n);
    uint64_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
        b->ids[i] = (int32_t)((x >> 33) % ry_engine_info(b->engine)->n_vocab);
    }
    return RY_OK;
}

ry_rc ry_cmd_bench(struct ry_setup *s, int *sig, ry_err *err)
{
    struct bench b = {.opts = s->opts};
    struct ry_session_options options;
    uint64_t seed;
    if (s->opts->json + s->opts->csv + s->opts->md > 1)
        return ry_err_set(err, RY_ERR_USAGE, "--json, --csv and --md exclude each other");
    ry_rc rc = ry_setup_live(s, &b.live, &seed, err);
    if (rc == RY_OK)
        rc = parse_lists(&b, err);
    if (rc == RY_OK)
        rc = ry_setup_model(s, err);
    if (rc == RY_OK)
        rc = ry_signals_init(RY_SIGNALS_CANCEL, err);
    if (rc == RY_OK)
        rc = ry_setup_open(s, false, &b.engine, err);
    if (rc != RY_OK)
        goto end;
    b.model = s->model;
    ry_setup_session(s, &options);
    options.live = &b.live;
    rc = ry_session_new(&b.session, b.engine, &options, err);
    if (rc == RY_OK)
        rc = prepare(&b, err);
    if (rc == RY_OK)
        rc = run_rows(&b, err);
end:
    *sig = ry_signals_ending();
    ry_session_free(b.session);
    ry_engine_close(b.engine);
    ry_mem_free(b.ids);
    ry_mem_free(b.rates);
    ry_mem_free(b.firsts);
    return rc;
}
