/* Latency histogram. See hist.h; one owner, no state of its own. */
#include "store/hist.h"

static unsigned bucket_of(uint64_t ns)
{
    if (ns < RY_HIST_SUB)
        return (unsigned)ns;
    unsigned octave = 63u - (unsigned)__builtin_clzll(ns); /* at least 3 */
    unsigned shift = octave - 3;
    unsigned b = (shift + 1) * RY_HIST_SUB + (unsigned)((ns >> shift) & (RY_HIST_SUB - 1));
    return b < RY_HIST_BUCKETS ? b : RY_HIST_BUCKETS - 1;
}

/* Greatest value that still falls into bucket b. */
static uint64_t upper_edge(unsigned b)
{
    if (b < 2 * RY_HIST_SUB)
        return b;
    unsigned shift = b / RY_HIST_SUB - 1;
    return ((uint64_t)(RY_HIST_SUB + b % RY_HIST_SUB + 1) << shift) - 1;
}

void ry_hist_add(struct ry_hist *hist, uint64_t ns)
{
    hist->n++;
    hist->buckets[bucket_of(ns)]++;
    if (ns > hist->max_ns)
        hist->max_ns = ns;
}

void ry_hist_merge(struct ry_hist *hist, const struct ry_hist *from)
{
    hist->n += from->n;
    if (from->max_ns > hist->max_ns)
        hist->max_ns = from->max_ns;
    for (unsigned b = 0; b < RY_HIST_BUCKETS; b++)
        hist->buckets[b] += from->buckets[b];
}

double ry_hist_quantile_us(const struct ry_hist *hist, double q)
{
    if (hist->n == 0)
        return 0.0;
    double rank = q * (double)hist->n;
    uint64_t seen = 0;
    for (unsigned b = 0; b < RY_HIST_BUCKETS; b++) {
        seen += hist->buckets[b];
        if (hist->buckets[b] && (double)seen >= rank) {
            uint64_t edge = upper_edge(b);
            if (b == RY_HIST_BUCKETS - 1 || edge > hist->max_ns)
                edge = hist->max_ns;
            return (double)edge / 1000.0;
        }
    }
    return (double)hist->max_ns / 1000.0;
}
