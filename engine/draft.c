/* Positions are chained by a hash of the three tokens that end there:
 *
 *   head[hash] ─▶ latest position ─ before[] ─▶ the one before ─ before[] ─▶ ... ─▶ NONE
 *
 * so that looking up costs the same however long the timeline is. */
#include "engine/draft.h"

#include <string.h>

#include "src/base/mem.h"

enum { GRAM = 3, LONGEST_MATCH = 32, MOST_LINKS = 64 };

static const uint32_t none = UINT32_MAX;

struct ry_draft {
    size_t n, n_most, n_slots;
    int32_t *ids;     /* [n_most], as all arrays owned */
    uint32_t *before; /* [n_most] */
    uint32_t *head;   /* [n_slots] a power of two */
    /* Learnt, as running means. */
    double right[RY_DRAFT_KINDS]; /* share of drafted tokens, those before them being right */
    double step_ns;               /* of a step with one token; 0: not known yet */
    double slope;                 /* what each further token of a step takes, in steps of one */
    bool eager;
};

ry_rc ry_draft_new(ry_draft **out, size_t n_most, ry_err *err)
{
    ry_draft *d = ry_mem_zalloc(1, sizeof *d);
    if (!d)
        goto fail;
    d->n_most = n_most;
    d->n_slots = 16;
    while (d->n_slots < 2 * n_most)
        d->n_slots *= 2;
    d->ids = ry_mem_alloc(n_most, sizeof *d->ids);
    d->before = ry_mem_alloc(n_most, sizeof *d->before);
    d->head = ry_mem_alloc(d->n_slots, sizeof *d->head);
    if (!d->ids || !d->before || !d->head)
        goto fail;
    for (int k = 0; k < RY_DRAFT_KINDS; k++)
        d->right[k] = 0.7;
    d->slope = 0.25;
    *out = d;
    return RY_OK;
fail:
    ry_draft_free(d);
    return ry_err_set(err, RY_ERR_MEMORY, "out of memory for drafts over %zu tokens", n_most);
}

void ry_draft_free(ry_draft *d)
{
    if (!d)
        return;
    ry_mem_free(d->ids);
    ry_mem_free(d->before);
    ry_mem_free(d->head);
    ry_mem_free(d);
}

/* ---- the index ----------------------------------------------------------------------------------------- */

/* Slot of the three tokens that end at position i >= 2. */
static size_t slot_of(const ry_draft *d, size_t i)
{
    uint64_t h = (uint32_t)d->ids[i - 2];
    h = h * 0x9E3779B97F4A7C15u + (uint32_t)d->ids[i - 1];
    h = h * 0x9E3779B97F4A7C15u + (uint32_t)d->ids[i];
    h *= 0x9E3779B97F4A7C15u;
    return (size_t)(h >> 32) & (d->n_slots - 1);
}

void ry_draft_push(ry_draft *d, int32_t id)
{
    size_t i = d->n;
    if (i == d->n_most)
        return;
    d->ids[i] = id;
    d->n++;
    if (i + 1 < GRAM)
        return;
    uint32_t *head = &d->head[slot_of(d, i)];
    d->before[i] = *head;
    *head = (uint32_t)i;
}

void ry_draft_begin(ry_draft *d, const int32_t *ids, size_t n)
{
    memset(d->head, 0xFF, d->n_slots * sizeof *d->head);
    d->n = 0;
    for (size_t i = 0; i < n; i++)
        ry_draft_push(d, ids[i]);
}

/* Length of the match of what ends at position i with the newest tokens. */
static size_t match_at(const ry_draft *d, size_t i)
{
    size_t len = 0;
    while (len <= i && len < LONGEST_MATCH && d->ids[i - len] == d->ids[d->n - 1 - len])
        len++;
    return len;
}

void ry_draft_look_up(const ry_draft *d, size_t most, struct ry_drafted *out)
{
    size_t best = GRAM - 1, at = 0;
    out->n = 0;
    if (d->n <= GRAM)
        return;
    uint32_t i = d->before[d->n - 1];
    for (int links = 0; i != none && links < MOST_LINKS && best < LONGEST_MATCH; links++) {
        size_t len = match_at(d, i);
        if (len > best) {
            best = len;
            at = i;
        }
        i = d->before[i];
    }
    if (best < GRAM)
        return;
    for (size_t k = 0; k < most; k++) {
        size_t from = at + 1 + k;
        out->ids[k] = from < d->n ? d->ids[from] : out->ids[from - d->n];
    }
    out->n = most;
    out->kind = best < 4 ? 0 : best < 8 ? 1 : 2;
}

/* ---- what is worth its time ---------------------------------------------------------------------------- */

void ry_draft_set_eager(ry_draft *d, bool eager)
{
    d->eager = eager;
}

static void mean(double *value, double seen, double weight)
{
    *value += weight * (seen - *value);
}

void ry_draft_judge(ry_draft *d, int kind, bool right)
{
    mean(&d->right[kind], right, 0.1);
}

void ry_draft_time(ry_draft *d, size_t n, uint64_t ns)
{
    if (n == 1) {
        mean(&d->step_ns, (double)ns, d->step_ns > 0 ? 0.1 : 1);
        return;
    }
    if (d->step_ns <= 0)
        return;
    double slope = ((double)ns / d->step_ns - 1) / (double)(n - 1);
    mean(&d->slope, slope < 0 ? 0 : slope > 2 ? 2 : slope, 0.5);
}

/* With k tokens drafted, 1 + p + p^2 ... p^k come out on average, in the time of 1 + slope * k steps. */
size_t ry_draft_worth(ry_draft *d, const struct ry_drafted *drafted)
{
    double p = d->right[drafted->kind], power = 1, expected = 1, best = 1.05;
    size_t worth = 0;
    if (d->eager)
        return drafted->n;
    if (d->step_ns <= 0)
        return 0;
    for (size_t k = 1; k <= drafted->n; k++) {
        power *= p;
        expected += power;
        double gain = expected / (1 + d->slope * (double)k);
        if (gain > best) {
            best = gain;
            worth = k;
        }
    }
    /* A price that was too high once (another program took the core) must not stand for ever. */
    if (worth == 0)
        d->slope *= 0.9995;
    return worth;
}
