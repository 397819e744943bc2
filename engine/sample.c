/* Sampling: penalty, top-k, softmax at a temperature, top-p, min-p, draw, over candidates in scratch made once.
 *
 *     cand: [ kept by top-k ........ | rest ]      best first where top-k is on
 *           max-heap ◀───── pops ──▶ [largest]     top-p takes from the end inwards, as far as it needs
 *
 * Session's thread. Must not know tokens. The same seed gives the same ids everywhere: our own exp and generator, sums in
 * double in a fixed order, ties broken by id. */
#include "engine/sample.h"

#include <float.h>

#include "engine/kern/kern.h"
#include "src/base/mem.h"

struct cand {
    float logit, p; /* p: not normalised, the largest is 1 */
    int32_t id;
};

struct ry_sampler {
    uint32_t n_vocab;
    struct cand *cand; /* [n_vocab] */
    uint8_t *marked;   /* [n_vocab], all 0 between calls */
    uint64_t rng[4];
};

/* ---- xoshiro256** 1.0 (Blackman, Vigna 2018), seeded by splitmix64 ------------------------------------- */

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static uint64_t next_random(uint64_t s[4])
{
    uint64_t result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

void ry_sampler_seed(ry_sampler *sampler, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9E3779B97F4A7C15u);
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        sampler->rng[i] = z ^ z >> 31;
    }
}

/* ---- life --------------------------------------------------------------------------------------------- */

ry_rc ry_sampler_new(ry_sampler **out, uint32_t n_vocab, ry_err *err)
{
    if (!n_vocab)
        return ry_err_set(err, RY_ERR_INPUT, "a sampler needs a vocabulary of at least one token");
    ry_sampler *s = ry_mem_zalloc(1, sizeof *s);
    if (!s)
        goto fail;
    s->n_vocab = n_vocab;
    s->cand = ry_mem_alloc(n_vocab, sizeof *s->cand);
    s->marked = ry_mem_zalloc(n_vocab, 1);
    if (!s->cand || !s->marked)
        goto fail;
    ry_sampler_seed(s, 0);
    *out = s;
    return RY_OK;
fail:
    ry_sampler_free(s);
    return ry_err_set(err, RY_ERR_MEMORY, "out of memory for a sampler over %u tokens", n_vocab);
}

void ry_sampler_free(ry_sampler *sampler)
{
    if (!sampler)
        return;
    ry_mem_free(sampler->cand);
    ry_mem_free(sampler->marked);
    ry_mem_free(sampler);
}

/* ---- candidates --------------------------------------------------------------------------------------- */

/* Likelier first, the lower id on ties: a total order. */
static bool better(const struct cand *a, const struct cand *b)
{
    return a->logit > b->logit || (a->logit == b->logit && a->id < b->id);
}

/* Restores a binary heap below i whose root is the best (up) or the worst (not up) of h[0..n). */
static void sift(struct cand *h, size_t n, size_t i, bool up)
{
    struct cand moved = h[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && better(&h[child + 1], &h[child]) == up)
            child++;
        if (better(&h[child], &moved) != up)
            break;
        h[i] = h[child];
    }
    h[i] = moved;
}

static void heapify(struct cand *h, size_t n, bool up)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(h, n, i, up);
}

/* The logit of a token after the repeat penalty (Keskar and others 2019, section 4.1): towards less likely. */
static float penalised(float logit, float penalty)
{
    return logit > 0 ? logit / penalty : logit * penalty;
}

/* Marks the tokens of last[0..n) or unmarks them. */
static void mark(ry_sampler *s, const int32_t *last, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++)
        if (last[i] >= 0 && (uint32_t)last[i] < s->n_vocab)
            s->marked[last[i]] = value;
}

/* Best first, out of a heap with the worst on top: so nothing that follows depends on the order in which they came. */
static void sort_best_first(struct cand *h, size_t n)
{
    for (; n > 1; n--) {
        struct cand worst = h[0];
        h[0] = h[n - 1];
        h[n - 1] = worst;
        sift(h, n - 1, 0, false);
    }
}

/* Fills cand with the k best of all tokens, best first (all of them as they come for k = n_vocab): a heap of the k best
 * so far with the worst on top, which nearly every later token fails to beat. */
static void choose_top_k(ry_sampler *s, const float *logits, float penalty, size_t k)
{
    for (uint32_t i = 0; i < s->n_vocab; i++) {
        struct cand c = {logits[i], 0, (int32_t)i};
        if (s->marked[i])
            c.logit = penalised(c.logit, penalty);
        if (i < k) {
            s->cand[i] = c;
            if (i + 1 == k && k < s->n_vocab)
                heapify(s->cand, k, false);
        } else if (better(&c, &s->cand[0])) {
            s->cand[0] = c;
            sift(s->cand, k, 0, false);
        }
    }
    if (k < s->n_vocab)
        sort_best_first(s->cand, k);
}

/* p = exp((logit - largest) / temp); returns the sum. */
static double softmax(struct cand *c, size_t n, float temp)
{
    float largest = c[0].logit;
    double sum = 0;
    for (size_t i = 1; i < n; i++)
        if (c[i].logit > largest)
            largest = c[i].logit;
    for (size_t i = 0; i < n; i++) {
        c[i].p = c[i].logit == largest ? 1.0f : ry_kern_expf((c[i].logit - largest) / temp);
        sum += c[i].p;
    }
    return sum;
}

/* The fewest best candidates whose probability reaches top_p; they end up at the end of c[0..n). Returns how many. */
static size_t choose_top_p(struct cand *c, size_t n, double sum, double top_p)
{
    double reached = 0;
    size_t left = n;
    heapify(c, n, true);
    do {
        struct cand best = c[0];
        left--;
        c[0] = c[left];
        c[left] = best;
        sift(c, left, 0, true);
        reached += best.p;
    } while (left && reached < top_p * sum);
    return n - left;
}

/* Keeps those with p >= min_p (the largest p is 1) in their order. Returns how many. */
static size_t choose_min_p(struct cand *c, size_t n, float min_p)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (c[i].p >= min_p || c[i].p >= 1.0f)
            c[kept++] = c[i];
    return kept;
}

static int32_t draw(ry_sampler *s, const struct cand *c, size_t n)
{
    double sum = 0, reached = 0;
    for (size_t i = 0; i < n; i++)
        sum += c[i].p;
    double target = (double)(next_random(s->rng) >> 11) * 0x1p-53 * sum;
    int32_t id = c[0].id;
    for (size_t i = 0; i < n; i++) {
        if (c[i].p <= 0)
            continue;
        id = c[i].id;
        reached += c[i].p;
        if (reached > target)
            break;
    }
    return id;
}

/* The first of the largest logits. The maximum of 16 lanes comes first, which the compiler can keep in registers, then
 * the search for it: 128,256 logits take 18 microseconds where the heap took 125 (Xeon VM, SSE2). */
static int32_t largest(const float *logits, size_t n)
{
    enum { LANES = 16 };
    float best[LANES];
    size_t i = 0;
    for (size_t k = 0; k < LANES; k++)
        best[k] = logits[0];
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            best[k] = logits[i + k] > best[k] ? logits[i + k] : best[k];
    for (; i < n; i++)
        best[0] = logits[i] > best[0] ? logits[i] : best[0];
    for (size_t k = 1; k < LANES; k++)
        best[0] = best[k] > best[0] ? best[k] : best[0];
    for (i = 0; logits[i] != best[0]; i++)
        ;
    return (int32_t)i;
}

static bool penalises(const struct ry_sampling *s)
{
    return s->repeat_penalty > 0 && s->repeat_penalty <= FLT_MAX && s->repeat_penalty != 1 &&
           s->repeat_last_n > 0;
}

struct ry_sampling_needs ry_sampling_needs(const struct ry_sampling *s, uint32_t n_vocab)
{
    struct ry_sampling_needs needs = {.n_last = penalises(s) ? (size_t)s->repeat_last_n : 0};
    if (!(s->temp > 0))
        needs.n_best = 1;
    else if (s->top_k > 0 && (uint32_t)s->top_k < n_vocab)
        needs.n_best = (size_t)s->top_k;
    return needs;
}

int32_t ry_sampler_pick(ry_sampler *sampler, const float *logits, const struct ry_sampling *s,
                        const int32_t *last, size_t n_last)
{
    struct ry_sampling_needs needs = ry_sampling_needs(s, sampler->n_vocab);
    size_t n = sampler->n_vocab, k = needs.n_best ? needs.n_best : n;
    bool greedy = !(s->temp > 0);
    if (n_last > needs.n_last) {
        last += n_last - needs.n_last;
        n_last = needs.n_last;
    }
    if (greedy && n_last == 0)
        return largest(logits, n);
    mark(sampler, last, n_last, 1);
    choose_top_k(sampler, logits, s->repeat_penalty, k);
    mark(sampler, last, n_last, 0);
    struct cand *c = sampler->cand;
    if (greedy)
        return c[0].id;
    double sum = softmax(c, k, s->temp);
    if (s->top_p < 1) {
        size_t kept = choose_top_p(c, k, sum, s->top_p);
        c += k - kept;
        k = kept;
    }
    if (s->min_p > 0)
        k = choose_min_p(c, k, s->min_p);
    return draw(sampler, c, k);
}
