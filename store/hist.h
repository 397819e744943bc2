/* A latency histogram with logarithmic buckets: eight to an octave, so that a quantile is told
 * within 12.5 %.
 *
 *   value (ns):  0..7 | 8..15 by 1 | 16..31 by 2 | 32..63 by 4 | ...
 *
 * Thread: one owner; merge several to sum up threads. It knows no clock: the caller measures. */
#ifndef RYOT_STORE_HIST_H
#define RYOT_STORE_HIST_H

#include <stdint.h>

enum { RY_HIST_SUB = 8, RY_HIST_BUCKETS = RY_HIST_SUB * 40 };

/* Ready to use when zeroed. */
struct ry_hist {
    uint64_t n;
    uint64_t max_ns;
    uint64_t buckets[RY_HIST_BUCKETS];
};

/* Counts one measurement; what lies beyond the last bucket (about 73 minutes) counts in the
 * last. */
void ry_hist_add(struct ry_hist *hist, uint64_t ns);

/* Adds the counts of `from`. */
void ry_hist_merge(struct ry_hist *hist, const struct ry_hist *from);

/* The value below or at which the share q (0..1) of all measurements lies, in microseconds: the
 * upper edge of its bucket, never more than the greatest value seen. 0 when nothing was counted. */
double ry_hist_quantile_us(const struct ry_hist *hist, double q);

#endif
