/* Live figures. */
#include "src/app/perf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SUB_BITS = 4, SUB = 1 << SUB_BITS };

static const uint64_t second = 1000000000u;

/* Values below 16 have a bucket each; above, the four bits behind the leading one choose within
 * its power. */
static size_t bucket_of(uint64_t v)
{
    if (v < SUB)
        return (size_t)v;
    unsigned top = 63u - (unsigned)__builtin_clzll(v);
    size_t b = (size_t)(top - SUB_BITS + 1) * SUB + (size_t)((v >> (top - SUB_BITS)) & (SUB - 1));
    return b < RY_HISTOGRAM_BUCKETS ? b : RY_HISTOGRAM_BUCKETS - 1;
}

static uint64_t upper_edge(size_t b)
{
    if (b < SUB)
        return b;
    unsigned shift = (unsigned)(b / SUB) - 1;
    return (((uint64_t)SUB + b % SUB + 1) << shift) - 1;
}

void ry_histogram_add(struct ry_histogram *h, uint64_t ns)
{
    h->counts[bucket_of(ns)]++;
    h->n++;
}

uint64_t ry_histogram_percentile(const struct ry_histogram *h, double share)
{
    if (h->n == 0)
        return 0;
    uint64_t rank = (uint64_t)ceil(share * (double)h->n), sum = 0;
    for (size_t b = 0; b < RY_HISTOGRAM_BUCKETS; b++) {
        sum += h->counts[b];
        if (sum >= rank && sum > 0)
            return upper_edge(b);
    }
    return upper_edge(RY_HISTOGRAM_BUCKETS - 1);
}

void ry_rate_begin(struct ry_rate *r, uint64_t now_ns)
{
    r->head = r->n_slots = 0;
    r->begun_ns = now_ns;
    r->second_ns = now_ns;
    r->second_tokens = 0;
}

static void close_second(struct ry_rate *r, float value)
{
    if (r->n_spark == RY_RATE_SECONDS) {
        memmove(r->spark, r->spark + 1, sizeof r->spark - sizeof *r->spark);
        memmove(r->marks, r->marks + 1, sizeof r->marks - sizeof *r->marks);
        r->n_spark--;
    }
    r->spark[r->n_spark] = value;
    memcpy(r->marks[r->n_spark], r->mark, sizeof r->mark);
    r->n_spark++;
    r->mark[0] = '\0';
    r->second_tokens = 0;
}

void ry_rate_tick(struct ry_rate *r, uint64_t now_ns)
{
    if (!r->second_ns)
        return;
    for (int i = 0; i < RY_RATE_SECONDS && now_ns - r->second_ns >= second; i++) {
        close_second(r, (float)r->second_tokens);
        r->second_ns += second;
    }
    if (now_ns - r->second_ns >= second)
        r->second_ns = now_ns;
}

void ry_rate_end(struct ry_rate *r, uint64_t now_ns)
{
    ry_rate_tick(r, now_ns);
    uint64_t part = now_ns - r->second_ns;
    if (r->second_ns && r->second_tokens > 0 && part > second / 10)
        close_second(r, (float)((double)r->second_tokens * (double)second / (double)part));
    r->second_ns = 0;
}

void ry_rate_add(struct ry_rate *r, uint64_t now_ns, uint32_t n_tokens)
{
    ry_rate_tick(r, now_ns);
    r->slots[r->head].t_ns = now_ns;
    r->slots[r->head].n = n_tokens;
    r->head = (r->head + 1) % RY_RATE_SLOTS;
    if (r->n_slots < RY_RATE_SLOTS)
        r->n_slots++;
    r->second_tokens += n_tokens;
}

void ry_rate_mark(struct ry_rate *r, const char *word)
{
    snprintf(r->mark, sizeof r->mark, "%s", word);
}

double ry_rate_now(const struct ry_rate *r, uint64_t now_ns)
{
    uint64_t sum = 0, span = now_ns - r->begun_ns;
    for (size_t i = 1; i <= r->n_slots; i++) {
        size_t at = (r->head + RY_RATE_SLOTS - i) % RY_RATE_SLOTS;
        if (now_ns - r->slots[at].t_ns > second)
            break;
        sum += r->slots[at].n;
        if (i == RY_RATE_SLOTS && now_ns - r->slots[at].t_ns < span)
            span = now_ns - r->slots[at].t_ns; /* the ring is shorter than a second */
    }
    if (span > second)
        span = second;
    return sum && span ? (double)sum * (double)second / (double)span : 0;
}

struct ry_perf ry_perf_since(const struct ry_perf *a, const struct ry_perf *b)
{
    struct ry_perf d;
    for (int i = 0; i < RY_OP_COUNT; i++) {
        d.op_ns[i] = a->op_ns[i] - b->op_ns[i];
        d.op_bytes[i] = a->op_bytes[i] - b->op_bytes[i];
    }
    d.decode_bytes = a->decode_bytes - b->decode_bytes;
    d.prefill_ns = a->prefill_ns - b->prefill_ns;
    d.decode_ns = a->decode_ns - b->decode_ns;
    d.n_drafted = a->n_drafted - b->n_drafted;
    d.n_accepted = a->n_accepted - b->n_accepted;
    d.n_screened = a->n_screened - b->n_screened;
    d.n_rescored = a->n_rescored - b->n_rescored;
    d.n_prefill = a->n_prefill - b->n_prefill;
    d.n_decode = a->n_decode - b->n_decode;
    return d;
}

double ry_perf_read_gb_s(const struct ry_perf *perf)
{
    return perf->decode_ns ? (double)perf->decode_bytes / (double)perf->decode_ns : 0;
}

double ry_perf_tokens_a_step(const struct ry_perf *perf)
{
    uint64_t n_steps = perf->n_decode - perf->n_accepted;
    return n_steps ? (double)perf->n_decode / (double)n_steps : 1;
}

const char *ry_perf_too_many(int n_threads)
{
    static char line[96];
    int most = ry_cpu_most_threads();
    if (n_threads <= most)
        return NULL;
    snprintf(line, sizeof line, "%d threads, but this process may use %d processor%s: %d run",
             n_threads, most, most == 1 ? "" : "s", most);
    return line;
}

const char *ry_perf_verdict(const struct ry_perf *perf, int n_threads,
                            const struct ry_read_limit *limit)
{
    static char line[128];
    uint64_t total = 0;
    for (int i = 0; i < RY_OP_COUNT; i++)
        total += perf->op_ns[i];
    if (total == 0 || perf->decode_ns == 0 || perf->n_decode < 8)
        return NULL;
    double wait = (double)perf->op_ns[RY_OP_WAIT] / (double)total;
    double attention = (double)perf->op_ns[RY_OP_ATTENTION] / (double)total;
    double matmul = (double)(perf->op_ns[RY_OP_MATMUL] + perf->op_ns[RY_OP_HEAD]) / (double)total;
    double gb_s = ry_perf_read_gb_s(perf), here = ry_read_limit_of(limit, n_threads),
           most = ry_read_limit_of(limit, RY_MAX_THREADS);
    if (here > 0 && gb_s > 0.7 * here)
        snprintf(line, sizeof line, "memory-bound at %.0f %% of the limit: more threads %s",
                 100 * gb_s / here, most > 1.1 * here ? "would read faster" : "will not help");
    else if (n_threads > 1 && wait > 0.25)
        snprintf(line, sizeof line, "threads wait %.0f %% of the time: fewer may be as fast",
                 100 * wait);
    else if (attention > 0.4)
        snprintf(line, sizeof line, "attention takes %.0f %%: the context is long",
                 100 * attention);
    else if (matmul > 0.5)
        snprintf(line, sizeof line, "weights take %.0f %% of the time", 100 * matmul);
    else
        snprintf(line, sizeof line, "no single operation dominates");
    return line;
}
