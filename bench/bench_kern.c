/* Kernels, measured alone on one thread: weights read from memory, weights in cache, and products of many tokens.
 *
 *   bench_kern [--json] [--tier NAME] [--format NAME] [--mb N] [--cols N] [--tokens N] [--runs N] [--prefetch A,B,..]
 *
 *   memory  matvec over a matrix of N MB (scalar: a sixteenth), larger than any cache; share: of the plain read of the
 *           same many bytes, measured in this run, before each tier
 *   cache   matvec over about 1 MB
 *   tokens  matmul over the same for --tokens tokens
 *   vector  everything else on vectors of 4,096 elements, attention over one chunk of the KV cache with heads of 128
 * Each figure is the median of the runs after one warm-up; spread is (slowest - fastest) / median. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/kern/kern.h"
#include "engine/repack.h"
#include "src/base/clock.h"
#include "src/base/mem.h"

enum { MAX_RUNS = 101, MAX_PREFETCH = 8, VEC = 4096, HEAD = 128 };

static struct {
    bool json;
    const char *tier, *format;
    size_t mb, cols, tokens;
    int runs;
    size_t prefetch[MAX_PREFETCH];
    int n_prefetch;
} opt = {.mb = 256, .cols = 2560, .tokens = 32, .runs = 5, .prefetch = {0}, .n_prefetch = 1};

static double read_gb_s; /* of plain memory, last measured */
static bool first_row = true;
static volatile uint64_t sink;

/* ---- measuring --------------------------------------------------------------------------------------- */

struct figure {
    double ns, spread;
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Calls fn until a run lasts at least half a millisecond. */
static struct figure measure(void (*fn)(void *), void *arg)
{
    double ns[MAX_RUNS];
    size_t times = 1;
    fn(arg);
    for (;;) {
        uint64_t t0 = ry_clock_ns();
        for (size_t i = 0; i < times; i++)
            fn(arg);
        if (ry_clock_ns() - t0 >= 500000)
            break;
        times *= 2;
    }
    for (int r = 0; r < opt.runs; r++) {
        uint64_t t0 = ry_clock_ns();
        for (size_t i = 0; i < times; i++)
            fn(arg);
        ns[r] = (double)(ry_clock_ns() - t0) / (double)times;
    }
    qsort(ns, (size_t)opt.runs, sizeof ns[0], by_size);
    double median = ns[opt.runs / 2];
    return (struct figure){median, (ns[opt.runs - 1] - ns[0]) / median};
}

struct result {
    const char *tier, *kernel, *what;
    size_t n_rows, n_cols, n_tok, prefetch;
    double bytes, macs; /* of one call; 0: not counted */
    struct figure f;
};

static void report(const struct result *r)
{
    double gb_s = r->bytes / r->f.ns, gmac_s = r->macs / r->f.ns;
    bool memory = strcmp(r->what, "memory") == 0;
    if (!opt.json) {
        printf("%-7s %-12s %-7s %7zu x %-5zu %4zu %8zu %10.1f us %8.2f GB/s %8.2f GMAC/s", r->tier,
               r->kernel, r->what, r->n_rows, r->n_cols, r->n_tok, r->prefetch, r->f.ns / 1e3, gb_s,
               gmac_s);
        if (memory)
            printf(" %4.0f %%", 100 * gb_s / read_gb_s);
        printf("\n");
        return;
    }
    printf("%s\n {\"tier\":\"%s\",\"kernel\":\"%s\",\"case\":\"%s\",\"n_rows\":%zu,\"n_cols\":%zu,"
           "\"n_tok\":%zu,\"prefetch\":%zu,\"ns_median\":%.1f,\"spread\":%.4f,\"gb_s\":%.3f,"
           "\"gmac_s\":%.3f,\"read_bandwidth_gb_s\":%.3f",
           first_row ? "" : ",", r->tier, r->kernel, r->what, r->n_rows, r->n_cols, r->n_tok,
           r->prefetch, r->f.ns, r->f.spread, gb_s, gmac_s, read_gb_s);
    if (memory)
        printf(",\"share_of_bandwidth\":%.4f", gb_s / read_gb_s);
    printf("}");
    first_row = false;
}

static void *must(void *p)
{
    if (!p) {
        fprintf(stderr, "bench_kern: out of memory; try a smaller --mb\n");
        exit(EXIT_FAILURE);
    }
    return p;
}

static float uniform(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(state >> 32) * 0x1p-31f;
}

/* ---- plain reading ----------------------------------------------------------------------------------- */

struct span {
    const uint64_t *p;
    size_t n, ahead; /* words, bytes */
};

static void read_span(void *arg)
{
    const struct span *s = arg;
    uint64_t a = 0, b = 0, c = 0, d = 0;
    for (size_t i = 0; i + 8 <= s->n; i += 8) {
        const uint64_t *p = s->p + i;
        __builtin_prefetch((const char *)p + s->ahead, 0, 2);
        a += p[0] + p[4];
        b += p[1] + p[5];
        c += p[2] + p[6];
        d += p[3] + p[7];
    }
    sink = a + b + c + d;
}

/* The better of two distances of prefetching. */
static void measure_reading(const void *p, size_t bytes)
{
    struct span near = {p, bytes / 8, 1024}, far = {p, bytes / 8, 8192};
    double a = measure(read_span, &near).ns, b = measure(read_span, &far).ns;
    read_gb_s = (double)bytes / (a < b ? a : b);
}

/* ---- matrices ---------------------------------------------------------------------------------------- */

struct product {
    const struct ry_kern *k;
    struct ry_wmat w;
    void *act;
    size_t stride, n_tok, prefetch;
    float *y;
};

static void run_matvec(void *arg)
{
    const struct product *p = arg;
    p->k->matvec[p->w.fmt](p->y, &p->w, 0, p->w.n_rows, p->act, p->prefetch);
}

static void run_matmul(void *arg)
{
    const struct product *p = arg;
    p->k->matmul[p->w.fmt](p->y, p->w.n_rows, &p->w, 0, p->w.n_rows, p->act, p->stride, p->n_tok);
}

static void bench_product(struct product *p, const char *what, size_t bytes)
{
    p->w.n_rows = bytes / p->w.row_bytes;
    struct result r = {ry_tier_name(p->k->tier),
                       ry_fmt_info(p->w.fmt)->name,
                       what,
                       p->w.n_rows,
                       p->w.n_cols,
                       p->n_tok,
                       p->prefetch,
                       (double)p->w.n_rows * (double)p->w.row_bytes,
                       (double)p->w.n_rows * (double)p->w.n_cols * (double)p->n_tok,
                       measure(p->n_tok > 1 ? run_matmul : run_matvec, p)};
    report(&r);
}

/* Encodes 16 rows, as they are or interleaved, and repeats them through [data, bytes). */
static void fill_matrix(uint8_t *data, size_t bytes, struct ry_wmat *w, bool copy)
{
    float *x = must(ry_mem_alloc(w->n_cols, sizeof *x));
    uint8_t *rows = must(ry_mem_alloc(16, w->row_bytes));
    for (size_t r = 0; r < 16; r++) {
        for (size_t i = 0; i < w->n_cols; i++)
            x[i] = uniform();
        ry_fmt_encode(w->fmt, rows + r * w->row_bytes, x, w->n_cols);
    }
    struct ry_wmat group = *w;
    group.data = rows;
    group.n_rows = 16;
    if (copy) {
        *w = ry_repack_view(&group, data);
        ry_repack_groups(data, &group, 0, 1);
    } else {
        memcpy(data, rows, 16 * w->row_bytes);
    }
    size_t some = 16 * w->row_bytes;
    ry_mem_free(rows);
    ry_mem_free(x);
    for (size_t at = some; at < bytes; at += some)
        memcpy(data + at, data, bytes - at < some ? bytes - at : some);
}

static void bench_format(const struct ry_kern *k, enum ry_fmt fmt, bool copy, uint8_t *data,
                         size_t bytes)
{
    enum ry_act_fmt af = ry_fmt_info(fmt)->act;
    size_t small = (size_t)1 << 20;
    struct product p = {.k = k,
                        .w = {data, 0, opt.cols, ry_fmt_row_bytes(fmt, opt.cols), fmt, 1.0f, true},
                        .stride = ry_act_bytes(af, opt.cols)};
    if (copy &&
        !ry_repack_bytes(&(struct ry_wmat){data, 16, opt.cols, p.w.row_bytes, fmt, 1, true}))
        return;
    fill_matrix(data, bytes, &p.w, copy);
    size_t row = p.w.row_bytes;
    small = small / row < 16 ? 16 * row : small / row / 16 * 16 * row;
    size_t n_y = bytes / row > small / row * opt.tokens ? bytes / row : small / row * opt.tokens;
    p.y = must(ry_mem_alloc(n_y, sizeof(float)));
    p.act = must(ry_mem_aligned(64, opt.tokens, p.stride));
    float *x = must(ry_mem_alloc(opt.cols, sizeof *x));
    for (size_t t = 0; t < opt.tokens; t++) {
        for (size_t i = 0; i < opt.cols; i++)
            x[i] = uniform();
        k->quantize[af]((char *)p.act + t * p.stride, x, opt.cols);
    }
    p.n_tok = 1;
    for (int i = 0; i < opt.n_prefetch; i++) {
        p.prefetch = opt.prefetch[i];
        bench_product(&p, "memory", bytes);
    }
    p.prefetch = 0;
    bench_product(&p, "cache", small);
    p.n_tok = opt.tokens;
    bench_product(&p, "tokens", small);
    ry_mem_free(x);
    ry_mem_free(p.act);
    ry_mem_free(p.y);
}

/* ---- vectors ----------------------------------------------------------------------------------------- */

static struct {
    const struct ry_kern *k;
    float a[VEC], b[VEC], c[VEC];
    _Alignas(64) char act[4 * VEC];
    _Alignas(64) float kv[RY_KV_CHUNK * HEAD]; /* of any kind */
    int32_t sums[VEC];
    enum ry_act_fmt af;
} v;

static void run_quantize(void *arg)
{
    (void)arg;
    v.k->quantize[v.af](v.act, v.a, VEC);
}

static void run_rmsnorm(void *arg)
{
    (void)arg;
    v.k->rmsnorm(v.c, v.a, v.b, VEC, 1e-5f);
}

static void run_rope_pairs(void *arg)
{
    (void)arg;
    v.k->rope_pairs(v.c, v.b, HEAD);
}

static void run_rope_halves(void *arg)
{
    (void)arg;
    v.k->rope_halves(v.c, v.b, HEAD);
}

static void run_softmax(void *arg)
{
    (void)arg;
    v.k->softmax(v.c, VEC);
}

static void run_silu(void *arg)
{
    (void)arg;
    v.k->silu_mul(v.c, v.a, v.b, VEC);
}

static void run_gelu(void *arg)
{
    (void)arg;
    v.k->gelu_mul(v.c, v.a, v.b, VEC);
}

static void run_relu2(void *arg)
{
    (void)arg;
    v.k->relu2_mul(v.c, v.a, v.b, VEC);
}

static void run_softcap(void *arg)
{
    (void)arg;
    v.k->softcap(v.c, 30.0f, VEC);
}

/* n_rows queries, at most VEC / HEAD, against the keys of a chunk. */
static void mac(enum ry_kv_elem elem, size_t n_rows)
{
    struct ry_attn_mat k = {.data = v.kv, .ld = RY_KV_CHUNK, .n_k = HEAD, .n_cols = RY_KV_CHUNK};
    if (elem == RY_KV_ELEM_Q8)
        v.k->attn_mac_q8(v.sums, RY_KV_CHUNK, (const int8_t *)v.act, HEAD, &k, n_rows);
    else
        v.k->attn_mac[elem](v.c, RY_KV_CHUNK, v.a, HEAD, &k, n_rows);
}

static void run_mac_f16_1(void *arg)
{
    (void)arg;
    mac(RY_KV_ELEM_F16, 1);
}

static void run_mac_f16_4(void *arg)
{
    (void)arg;
    mac(RY_KV_ELEM_F16, 4);
}

static void run_mac_f32_32(void *arg)
{
    (void)arg;
    mac(RY_KV_ELEM_F32, VEC / HEAD);
}

static void run_mac_q8_4(void *arg)
{
    (void)arg;
    mac(RY_KV_ELEM_Q8, 4);
}

static void run_mac_q8_32(void *arg)
{
    (void)arg;
    mac(RY_KV_ELEM_Q8, VEC / HEAD);
}

static void run_f16_store(void *arg)
{
    (void)arg;
    v.k->f16_store((uint16_t *)(void *)v.act, v.a, VEC);
}

#define CELLS ((double)RY_KV_CHUNK * HEAD)

static const struct {
    const char *name;
    void (*run)(void *);
    enum ry_act_fmt af;
    size_t n_rows, n_cols;
    double bytes, macs;
} vector_cases[] = {
    {"q8_t", run_quantize, RY_ACT_Q8_T, 1, VEC, 4.0 * VEC, 0},
    {"q8_32", run_quantize, RY_ACT_Q8_32, 1, VEC, 4.0 * VEC, 0},
    {"q8_256", run_quantize, RY_ACT_Q8_256, 1, VEC, 4.0 * VEC, 0},
    {"rmsnorm", run_rmsnorm, RY_ACT_F32, 1, VEC, 4.0 * VEC, 0},
    {"rope_pairs", run_rope_pairs, RY_ACT_F32, 1, HEAD, 4.0 * HEAD, 0},
    {"rope_halves", run_rope_halves, RY_ACT_F32, 1, HEAD, 4.0 * HEAD, 0},
    {"softmax", run_softmax, RY_ACT_F32, 1, VEC, 4.0 * VEC, 0},
    {"silu_mul", run_silu, RY_ACT_F32, 1, VEC, 8.0 * VEC, 0},
    {"gelu_mul", run_gelu, RY_ACT_F32, 1, VEC, 8.0 * VEC, 0},
    {"relu2_mul", run_relu2, RY_ACT_F32, 1, VEC, 8.0 * VEC, 0},
    {"softcap", run_softcap, RY_ACT_F32, 1, VEC, 4.0 * VEC, 0},
    {"attn f16 x1", run_mac_f16_1, RY_ACT_F32, RY_KV_CHUNK, HEAD, CELLS * 2, CELLS},
    {"attn f16 x4", run_mac_f16_4, RY_ACT_F32, RY_KV_CHUNK, HEAD, CELLS * 2, CELLS * 4},
    {"attn f32 x32", run_mac_f32_32, RY_ACT_F32, RY_KV_CHUNK, HEAD, CELLS * 4, CELLS * 32},
    {"attn q8 x4", run_mac_q8_4, RY_ACT_F32, RY_KV_CHUNK, HEAD, CELLS, CELLS * 4},
    {"attn q8 x32", run_mac_q8_32, RY_ACT_F32, RY_KV_CHUNK, HEAD, CELLS, CELLS * 32},
    {"f16_store", run_f16_store, RY_ACT_F32, 1, VEC, 4.0 * VEC, 0},
};

static void bench_vectors(const struct ry_kern *k)
{
    v.k = k;
    for (size_t i = 0; i < sizeof vector_cases / sizeof vector_cases[0]; i++) {
        for (size_t j = 0; j < VEC; j++)
            v.a[j] = v.c[j] = uniform(), v.b[j] = j % 2 ? 0.8f : 0.6f; /* a rotation, too */
        for (size_t j = 0; j < RY_KV_CHUNK * HEAD; j++)                /* small in every kind */
            v.kv[j] = 0x1.2p-8f * uniform();
        v.af = vector_cases[i].af;
        struct result r = {ry_tier_name(k->tier),
                           vector_cases[i].name,
                           "vector",
                           vector_cases[i].n_rows,
                           vector_cases[i].n_cols,
                           1,
                           0,
                           vector_cases[i].bytes,
                           vector_cases[i].macs,
                           measure(vector_cases[i].run, NULL)};
        report(&r);
    }
}

/* ---- options ----------------------------------------------------------------------------------------- */

static void usage(void)
{
    fprintf(stderr, "usage: bench_kern [--json] [--tier NAME] [--format NAME] [--mb N] [--cols N] "
                    "[--tokens N] [--runs N] [--prefetch A,B,..]\n");
    exit(2);
}

static size_t number(const char *s, size_t lo, size_t hi)
{
    char *end;
    unsigned long long n = s ? strtoull(s, &end, 10) : 0;
    if (!s || *end || n < lo || n > hi)
        usage();
    return (size_t)n;
}

static void parse_prefetch(char *list)
{
    opt.n_prefetch = 0;
    for (char *s = list ? strtok(list, ",") : NULL; s; s = strtok(NULL, ",")) {
        if (opt.n_prefetch == MAX_PREFETCH)
            usage();
        opt.prefetch[opt.n_prefetch++] = number(s, 0, 1 << 20);
    }
    if (!opt.n_prefetch)
        usage();
}

static void parse(char **argv)
{
    for (; *argv; argv++) {
        const char *o = *argv;
        if (strcmp(o, "--json") == 0) {
            opt.json = true;
            continue;
        }
        char *value = *++argv;
        if (!value)
            usage();
        else if (strcmp(o, "--tier") == 0)
            opt.tier = value;
        else if (strcmp(o, "--format") == 0)
            opt.format = value;
        else if (strcmp(o, "--mb") == 0)
            opt.mb = number(value, 16, 65536);
        else if (strcmp(o, "--cols") == 0)
            opt.cols = number(value, 256, 32768) / 256 * 256;
        else if (strcmp(o, "--tokens") == 0)
            opt.tokens = number(value, 2, 4096);
        else if (strcmp(o, "--runs") == 0)
            opt.runs = (int)number(value, 1, MAX_RUNS);
        else if (strcmp(o, "--prefetch") == 0)
            parse_prefetch(value);
        else
            usage();
    }
}

static void bench_tier(enum ry_tier tier, uint8_t *data)
{
    size_t bytes = (opt.mb << 20) / (tier == RY_TIER_SCALAR ? 16 : 1);
    measure_reading(data, opt.mb << 20);
    if (!opt.json)
        printf("plain read of %zu MB: %.1f GB/s\n", opt.mb, read_gb_s);
    for (int fmt = 0; fmt < RY_FMT_COUNT; fmt++)
        if (!opt.format || strcmp(opt.format, ry_fmt_info((enum ry_fmt)fmt)->name) == 0)
            for (int copy = 0; copy < 2; copy++)
                bench_format(ry_kern_get(tier), (enum ry_fmt)fmt, copy, data, bytes);
    if (!opt.format)
        bench_vectors(ry_kern_get(tier));
}

int main(int argc, char **argv)
{
    (void)argc;
    enum ry_tier only = RY_TIER_COUNT;
    ry_err err;
    parse(argv + 1);
    if (opt.tier && ry_tier_parse(opt.tier, &only, &err) != RY_OK) {
        fprintf(stderr, "bench_kern: %s\n", err.text);
        return 2;
    }
    uint8_t *data = must(ry_mem_aligned((size_t)2 << 20, opt.mb << 20, 1));
#ifdef MADV_HUGEPAGE
    madvise(data, opt.mb << 20, MADV_HUGEPAGE); /* as the engine's own copies */
#endif
    memset(data, 1, opt.mb << 20);
    if (opt.json)
        printf("{\"bench\":\"kern\",\"cpu\":\"%s\",\"runs\":%d,\"rows\":[", ry_cpu_name(),
               opt.runs);
    else
        printf("%s, one thread, median of %d\n%-7s %-12s %-7s %15s %4s %8s %13s %13s %15s\n",
               ry_cpu_name(), opt.runs, "tier", "kernel", "case", "rows x columns", "tok",
               "prefetch", "time", "weights read", "products");
    for (int t = 0; t < RY_TIER_COUNT; t++)
        if (ry_tier_usable((enum ry_tier)t) && (!opt.tier || only == (enum ry_tier)t))
            bench_tier((enum ry_tier)t, data);
    if (opt.json)
        printf("]}\n");
    ry_mem_free(data);
    return 0;
}
