/* Live figures: a histogram of token times, a one-second rate window, one sparkline value a
 * second, and the line of verdict. Pure: time comes as an argument. One owner per struct. */
#ifndef RYOT_APP_PERF_H
#define RYOT_APP_PERF_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "src/app/read_limit.h"

/* Log-linear histogram of nanoseconds: 16 buckets per power of two, so a percentile is at most
 * 6.25 % high. */
enum { RY_HISTOGRAM_BUCKETS = 16 * 61 };
struct ry_histogram {
    uint32_t counts[RY_HISTOGRAM_BUCKETS];
    uint64_t n;
};

void ry_histogram_add(struct ry_histogram *h, uint64_t ns);
/* The value below which `share` (0..1] of the entries lie, as the upper edge of its bucket; 0
 * when empty. */
uint64_t ry_histogram_percentile(const struct ry_histogram *h, double share);

/* Tokens over the last second, and a value for each whole second of the last minute. */
enum { RY_RATE_SLOTS = 64, RY_RATE_SECONDS = 60, RY_RATE_MARK_BYTES = 16 };
struct ry_rate {
    struct {
        uint64_t t_ns;
        uint32_t n;
    } slots[RY_RATE_SLOTS]; /* a ring of arrivals, newest at (head - 1) */
    size_t head, n_slots;
    uint64_t begun_ns;  /* of the answer */
    uint64_t second_ns; /* where the second being counted began; 0: not counting */
    uint64_t second_tokens;
    float spark[RY_RATE_SECONDS]; /* oldest first */
    char marks[RY_RATE_SECONDS][RY_RATE_MARK_BYTES];
    size_t n_spark;
    char mark[RY_RATE_MARK_BYTES]; /* of the second being counted */
};

/* An answer begins or ends: the window restarts, the sparkline stays. */
void ry_rate_begin(struct ry_rate *r, uint64_t now_ns);
void ry_rate_end(struct ry_rate *r, uint64_t now_ns);
void ry_rate_add(struct ry_rate *r, uint64_t now_ns, uint32_t n_tokens);
/* A word at the second being counted (a switch was thrown). */
void ry_rate_mark(struct ry_rate *r, const char *word);
/* Closes the seconds that passed. */
void ry_rate_tick(struct ry_rate *r, uint64_t now_ns);
/* Tokens per second over the last second, or since the answer began when that is shorter; 0
 * without tokens. */
double ry_rate_now(const struct ry_rate *r, uint64_t now_ns);

/* Weights and KV read in decoding, 10^9 bytes a second; 0 before any. */
double ry_perf_read_gb_s(const struct ry_perf *perf);

/* Tokens that a decode step gave: more than 1 where guesses were right. 1 before any. */
double ry_perf_tokens_a_step(const struct ry_perf *perf);

/* One line on what bounds decoding, from the counters of an answer (`perf` minus those before
 * it); NULL while there is too little to say. Static storage. */
const char *ry_perf_verdict(const struct ry_perf *perf, int n_threads,
                            const struct ry_read_limit *limit);

/* a - b, counter by counter. */
struct ry_perf ry_perf_since(const struct ry_perf *a, const struct ry_perf *b);

/* What to say of more threads than there are processors; NULL where there are enough. Valid until the next call; main
 * thread. */
const char *ry_perf_too_many(int n_threads);

#endif
