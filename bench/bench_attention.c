/* What the context costs: a decode step and a prefill step of a whole model at given depths, with each implementation of
 * attention and each type of KV cache.
 *
 *   bench_attention [--shape WORD | --model FILE] [--tier NAME] [--threads N] [--contexts A,B,..] [--kv A,B,..]
 *                   [--attention A,B] [--prefill N] [--runs N]
 *
 *   decode   one token with N positions before it; ratio: to the first context of the list
 *   prefill  --prefill tokens of which the last has N - 1 positions before it (0: none of these rows)
 * Steps are one ubatch. The positions before are random vectors put straight into the cache: nothing about the time depends on their values.
 * attention_ms is the time between the barriers around attention, as the performance panel counts it. One JSON object a
 * line; a figure is the median of the runs after one warm-up, spread (slowest - fastest) / median. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/session.h"
#include "src/base/clock.h"
#include "src/base/mem.h"
#include "src/commit.h"

enum { MAX_RUNS = 101, MAX_LIST = 16, MAX_PREFILL = 512 };

static struct {
    const char *shape, *model;
    enum ry_tier tier;
    int n_threads, n_runs;
    size_t contexts[MAX_LIST], n_contexts, n_prefill;
    bool kv[RY_KV_COUNT], kind[RY_ATTENTION_COUNT];
} opt = {.shape = "bitnet-2b4t",
         .n_runs = 5,
         .contexts = {64, 256, 512, 1024, 2048, 4096, 8192, 16384},
         .n_contexts = 8,
         .n_prefill = 128};

static const char *const kv_names[RY_KV_COUNT] = {"auto", "f32", "f16", "q8"};
static const char *const kind_names[RY_ATTENTION_COUNT] = {"standard", "flash"};

static void die(const char *text)
{
    fprintf(stderr, "bench_attention: %s\n", text);
    exit(1);
}

/* ---- measuring --------------------------------------------------------------------------------------- */

struct figures {
    double ms, attention_ms, spread;
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_size);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Random keys and values at every position of every layer. */
static void fill_cache(ry_session *s)
{
    const struct ry_kv *kv = &s->kv;
    const struct ry_kern *kern = ry_kern_get(opt.tier);
    size_t n = kv->dim_k > kv->dim_v ? kv->dim_k : kv->dim_v;
    float *x = ry_mem_alloc(2 * n, sizeof *x);
    uint64_t state = 1;
    if (!x)
        die("out of memory");
    for (size_t p = 0; p < kv->n_ctx; p++)
        for (size_t l = 0; l < kv->n_layer; l++)
            for (size_t h = 0; h < kv->n_head_kv; h++) {
                for (size_t i = 0; i < 2 * n; i++) {
                    state = state * 6364136223846793005u + 1442695040888963407u;
                    x[i] = (float)(int32_t)(state >> 32) * 0x1p-30f;
                }
                ry_kv_store(kv, kern, l, h, p, x, x + n);
            }
    ry_mem_free(x);
}

/* n_tok tokens behind n_past positions. */
static struct figures measure(ry_session *s, size_t n_past, size_t n_tok)
{
    static int32_t ids[MAX_PREFILL];
    double ms[MAX_RUNS], attention[MAX_RUNS];
    ry_err err;
    for (size_t i = 0; i < n_tok; i++) /* any ids */
        ids[i] = (int32_t)((i * 7919 + 13) % s->model->hp.n_vocab);
    for (int run = -1; run < opt.n_runs; run++) {
        struct ry_perf before, after;
        struct ry_eval eval = {.ids = ids, .n = n_tok};
        s->n_past = (uint32_t)n_past;
        ry_session_perf(s, &before);
        uint64_t t0 = ry_clock_ns();
        if (ry_session_eval(s, &eval, &err) != RY_OK)
            die(err.text);
        uint64_t t1 = ry_clock_ns();
        ry_session_perf(s, &after);
        if (run < 0)
            continue;
        ms[run] = (double)(t1 - t0) / 1e6;
        attention[run] =
            (double)(after.op_ns[RY_OP_ATTENTION] - before.op_ns[RY_OP_ATTENTION]) / 1e6;
    }
    struct figures f = {.ms = median(ms, (size_t)opt.n_runs)};
    f.spread = (ms[opt.n_runs - 1] - ms[0]) / f.ms;
    f.attention_ms = median(attention, (size_t)opt.n_runs);
    return f;
}

static void print(const char *test, size_t context, size_t n_tok, enum ry_attention kind,
                  enum ry_kv_type kv, const struct figures *f, double first_ms)
{
    printf("{\"test\": \"%s\", \"model\": \"%s\", \"kernel\": \"%s\", \"threads\": %d, "
           "\"attention\": \"%s\", \"kv\": \"%s\", \"context\": %zu, \"tokens\": %zu, "
           "\"ms\": %.3f, \"spread\": %.3f, \"attention_ms\": %.3f, \"tok_s\": %.2f, ",
           test, opt.model ? opt.model : opt.shape, ry_tier_name(opt.tier), opt.n_threads,
           kind_names[kind], kv_names[kv], context, n_tok, f->ms, f->spread, f->attention_ms,
           1000.0 * (double)n_tok / f->ms);
    printf("\"ratio_to_first\": %.3f, \"runs\": %d, \"cpu\": \"%s\", \"commit\": \"%s\"}\n",
           f->ms / first_ms, opt.n_runs, ry_cpu_name(), RYOT_COMMIT);
    fflush(stdout);
}

static void bench_kv(const ry_engine *engine, enum ry_kv_type kv, struct ry_live *live)
{
    size_t n_ctx = 0;
    ry_session *s;
    ry_err err;
    for (size_t i = 0; i < opt.n_contexts; i++)
        n_ctx = opt.contexts[i] > n_ctx ? opt.contexts[i] : n_ctx;
    struct ry_session_options so = {.n_ctx = (uint32_t)n_ctx, .kv = kv, .live = live};
    if (ry_session_new(&s, engine, &so, &err) != RY_OK)
        die(err.text);
    fill_cache(s);
    for (int kind = 0; kind < RY_ATTENTION_COUNT; kind++) {
        double first_ms = 0;
        atomic_store(&live->attention, kind);
        for (size_t i = 0; i < opt.n_contexts && opt.kind[kind]; i++) {
            struct figures f = measure(s, opt.contexts[i] - 1, 1);
            first_ms = i == 0 ? f.ms : first_ms;
            print("decode", opt.contexts[i], 1, kind, kv, &f, first_ms);
        }
        for (size_t i = 0; i < opt.n_contexts && opt.kind[kind] && opt.n_prefill; i++) {
            if (opt.contexts[i] < opt.n_prefill)
                continue;
            struct figures f = measure(s, opt.contexts[i] - opt.n_prefill, opt.n_prefill);
            print("prefill", opt.contexts[i], opt.n_prefill, kind, kv, &f, f.ms);
        }
    }
    ry_session_free(s);
}

/* ---- options ----------------------------------------------------------------------------------------- */

static void usage(void)
{
    die("usage: bench_attention [--shape WORD | --model FILE] [--tier NAME] [--threads N] "
        "[--contexts A,B,..] [--kv f32,f16,q8] [--attention standard,flash] [--prefill N] "
        "[--runs N]");
}

static size_t number(const char *s, size_t lo, size_t hi)
{
    char *end;
    unsigned long long n = strtoull(s, &end, 10);
    if (end == s || *end || n < lo || n > hi)
        usage();
    return (size_t)n;
}

static void parse_contexts(char *list)
{
    opt.n_contexts = 0;
    for (char *s = strtok(list, ","); s; s = strtok(NULL, ",")) {
        if (opt.n_contexts == MAX_LIST)
            usage();
        opt.contexts[opt.n_contexts++] = number(s, 1, RY_MAX_CTX);
    }
    if (!opt.n_contexts)
        usage();
}

static void parse_words(char *list, const char *const *names, int n, bool *out)
{
    for (char *s = strtok(list, ","); s; s = strtok(NULL, ",")) {
        int i = 0;
        while (i < n && strcmp(s, names[i]) != 0)
            i++;
        if (i == n)
            usage();
        out[i] = true;
    }
}

static void parse(char **argv)
{
    ry_err err;
    opt.tier = ry_tier_best();
    opt.n_threads = ry_cpu_default_threads();
    for (; *argv; argv++) {
        const char *o = *argv;
        char *value = *++argv;
        if (!value)
            usage();
        else if (strcmp(o, "--shape") == 0)
            opt.shape = value;
        else if (strcmp(o, "--model") == 0)
            opt.model = value;
        else if (strcmp(o, "--tier") == 0 && ry_tier_parse(value, &opt.tier, &err) != RY_OK)
            die(err.text);
        else if (strcmp(o, "--threads") == 0)
            opt.n_threads = (int)number(value, 1, RY_MAX_THREADS);
        else if (strcmp(o, "--contexts") == 0)
            parse_contexts(value);
        else if (strcmp(o, "--kv") == 0)
            parse_words(value, kv_names, RY_KV_COUNT, opt.kv);
        else if (strcmp(o, "--attention") == 0)
            parse_words(value, kind_names, RY_ATTENTION_COUNT, opt.kind);
        else if (strcmp(o, "--prefill") == 0)
            opt.n_prefill = number(value, 0, MAX_PREFILL);
        else if (strcmp(o, "--runs") == 0)
            opt.n_runs = (int)number(value, 1, MAX_RUNS);
        else if (strcmp(o, "--tier") != 0)
            usage();
    }
    if (!opt.kv[RY_KV_F32] && !opt.kv[RY_KV_F16] && !opt.kv[RY_KV_Q8])
        opt.kv[RY_KV_F16] = opt.kv[RY_KV_Q8] = true;
    if (!opt.kind[RY_ATTENTION_STANDARD] && !opt.kind[RY_ATTENTION_FLASH])
        opt.kind[RY_ATTENTION_STANDARD] = opt.kind[RY_ATTENTION_FLASH] = true;
}

int main(int argc, char **argv)
{
    (void)argc;
    ry_engine *engine;
    ry_err err;
    struct ry_live live;
    parse(argv + 1);
    struct ry_engine_options eo = {.path = opt.model ? opt.model : opt.shape,
                                   .shape = opt.model ? NULL : opt.shape};
    if (ry_engine_open(&engine, &eo, &err) != RY_OK)
        die(err.text);
    ry_live_init(&live);
    atomic_store(&live.tier, (int)opt.tier);
    atomic_store(&live.n_threads, opt.n_threads);
    for (int kv = RY_KV_F32; kv < RY_KV_COUNT; kv++)
        if (opt.kv[kv])
            bench_kv(engine, kv, &live);
    ry_engine_close(engine);
    return 0;
}
