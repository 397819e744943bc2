/* The screen before a head of floats: making it, and the stages of a step. The proof is in screen.h.
 *
 *   map:  codes │ scale │ rest │ norm
 *
 * Norms are computed in float over short pieces and in double above, and rounded up by far more than that can err. */
#include "engine/screen.h"

#include <math.h>
#include <string.h>

#include "engine/kern/x16.h"
#include "engine/par.h"
#include "src/base/mem.h"

/* Unit roundoff of float; relative room for the norms' own arithmetic; absolute room for squares that underflow. */
#define ROUNDOFF  0x1p-24
#define NORM_ROOM 1e-4
#define TINY_NORM 1e-19f
/* Sums of numbers below the normal range: at most half the least of them for each operation. */
#define TINY_SUM 1e-38f

enum { PIECE = 256, LANES = 16 };

/* ---- norms --------------------------------------------------------------------------------------------- */

static double square_sum(const float *x, size_t n)
{
    double sum = 0;
    for (size_t at = 0; at < n; at += PIECE) {
        size_t end = n - at < PIECE ? n : at + PIECE, i = at;
        float lanes[LANES] = {0};
        for (; i + LANES <= end; i += LANES)
            for (size_t k = 0; k < LANES; k++)
                lanes[k] += x[i + k] * x[i + k];
        for (; i < end; i++)
            lanes[0] += x[i] * x[i];
        for (size_t k = 0; k < LANES; k++)
            sum += lanes[k];
    }
    return sum;
}

/* At least the norm of x[n], whatever the arithmetic lost. */
static double norm_above(const float *x, size_t n)
{
    return sqrt(square_sum(x, n)) * (1 + NORM_ROOM) + TINY_NORM;
}

/* x -= scale * q. Each element ends within 2u (|scale q| + |x|) of the real number. */
static void subtract(float *x, const int8_t *q, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] -= scale * (float)q[i];
}

/* At least the norm of scale * q. */
static double scaled_norm_above(const int8_t *q, float scale, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += q[i] * q[i];
    return sqrt((double)sum) * fabs((double)scale) * (1 + NORM_ROOM);
}

/* ---- making -------------------------------------------------------------------------------------------- */

/* What a thread needs to take rows apart. */
struct work {
    const struct ry_model *model;
    const struct ry_repack_options *options;
    const struct ry_kern *kern;
    int8_t *codes;
    float *scale, *rest, *norm;
    size_t n_lines, n_rows;
    float *x; /* [n_threads, 4 * n_lines] */
    int8_t *q;
    atomic_bool not_finite;
};

/* One row into its place in the group; false when it holds a number that is not finite. */
static bool take_row(struct work *w, size_t r, float *x, int8_t *q)
{
    size_t n = w->model->output.n_cols;
    int8_t *codes = w->codes + r / RY_X16_ROWS * w->n_lines * RY_X16_LINE + r % RY_X16_ROWS * 4;
    w->kern->decode_row(x, &w->model->output, r);
    double norm = norm_above(x, n);
    float d = w->kern->attn_scale(x, n);
    if (!(d >= 0) || !(norm < INFINITY))
        return false;
    w->kern->attn_quantize(q, x, n, d);
    memset(q + n, 0, 4 * w->n_lines - n);
    for (size_t c = 0; c < w->n_lines; c++)
        memcpy(codes + c * RY_X16_LINE, q + 4 * c, 4);
    subtract(x, q, d, n);
    double coded = scaled_norm_above(q, d, n), most = norm > coded ? norm : coded;
    w->scale[r] = d;
    w->rest[r] = (float)((norm_above(x, n) + 4 * ROUNDOFF * most) * (1 + NORM_ROOM));
    w->norm[r] = (float)(most * (1 + NORM_ROOM));
    return true;
}

static bool cancelled(const struct work *w)
{
    const atomic_bool *c = w->options->cancel;
    return c && atomic_load_explicit(c, memory_order_relaxed);
}

/* A thread's rows are those that it will read. */
static void take_on_thread(void *arg, int tid, int n)
{
    struct work *w = arg;
    float *x = w->x + (size_t)tid * 4 * w->n_lines;
    int8_t *q = w->q + (size_t)tid * 4 * w->n_lines;
    size_t lo, hi;
    ry_par_share(w->n_rows, RY_X16_ROWS, tid, n, &lo, &hi);
    for (size_t r = lo; r < hi; r++) {
        if (r % RY_X16_ROWS == 0 &&
            (cancelled(w) || atomic_load_explicit(&w->not_finite, memory_order_relaxed)))
            return;
        if (!take_row(w, r, x, q))
            atomic_store_explicit(&w->not_finite, true, memory_order_relaxed);
    }
}

/* Why a head is read whole; NULL when a screen may stand before it. The bytes must also fit into memory. */
static const char *no_screen(const struct ry_model *m, size_t n_bytes)
{
    const struct ry_wmat *head = &m->output;
    if (head->fmt != RY_FMT_F16 && head->fmt != RY_FMT_BF16 && head->fmt != RY_FMT_F32)
        return "the head is not of floats";
    if (head->scale != 1.0f || m->hp.final_softcap != 0)
        return "the model changes its logits";
    if (head->n_cols > RY_SCREEN_MOST_COLS)
        return "the head's rows are too long";
    if (!ry_repack_fits(n_bytes))
        return "memory is short";
    return NULL;
}

/* Places of the parts, in bytes from the map's beginning. */
struct places {
    size_t scale, rest, norm, n_bytes;
};

static struct places places_of(const struct ry_wmat *head)
{
    size_t n_groups = (head->n_rows + RY_X16_ROWS - 1) / RY_X16_ROWS,
           n_lines = (head->n_cols + 3) / 4, floats = n_groups * RY_X16_ROWS * sizeof(float);
    struct places p;
    p.scale = n_groups * n_lines * RY_X16_LINE;
    p.rest = p.scale + floats;
    p.norm = p.rest + floats;
    p.n_bytes = p.norm + floats;
    return p;
}

static ry_rc take_rows(struct work *w, ry_err *err)
{
    size_t n_threads = (size_t)w->options->n_threads;
    ry_par *par = NULL;
    ry_rc rc = ry_par_new(&par, err);
    if (rc != RY_OK)
        return rc;
    w->x = ry_mem_alloc(n_threads * 4 * w->n_lines, sizeof *w->x);
    w->q = ry_mem_alloc(n_threads * 4 * w->n_lines, 1);
    if (w->x && w->q)
        ry_par_run(par, w->options->n_threads, take_on_thread, w);
    else
        rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory while loading the model");
    ry_mem_free(w->x);
    ry_mem_free(w->q);
    ry_par_free(par);
    if (rc == RY_OK && cancelled(w))
        rc = ry_err_set(err, RY_ERR_CANCELLED, "loading was stopped");
    return rc;
}

ry_rc ry_screen_make(struct ry_screen *out, const struct ry_model *m,
                     const struct ry_repack_options *options, ry_err *err)
{
    const struct ry_wmat *head = &m->output;
    struct places p = places_of(head);
    *out = (struct ry_screen){.reason = no_screen(m, p.n_bytes)};
    if (out->reason)
        return RY_OK;
    char *map = out->map = ry_mem_huge(p.n_bytes);
    out->map_bytes = p.n_bytes;
    if (!map) {
        *out = (struct ry_screen){.reason = "the system gives no memory for it"};
        return RY_OK;
    }
    struct work w = {.model = m,
                     .options = options,
                     .kern = ry_kern_get(ry_tier_best()),
                     .codes = (int8_t *)map,
                     .scale = (float *)(map + p.scale),
                     .rest = (float *)(map + p.rest),
                     .norm = (float *)(map + p.norm),
                     .n_lines = (head->n_cols + 3) / 4,
                     .n_rows = head->n_rows};
    atomic_init(&w.not_finite, false);
    ry_rc rc = take_rows(&w, err);
    if (rc != RY_OK || atomic_load_explicit(&w.not_finite, memory_order_relaxed)) {
        ry_screen_done(out);
        if (rc == RY_OK)
            out->reason = "the head holds numbers that are not finite, or too large";
        return rc;
    }
    out->rows = (struct ry_screen_rows){w.codes, w.scale, w.n_rows, w.n_lines};
    out->rest = w.rest;
    out->norm = w.norm;
    out->n_bytes = p.n_bytes;
    return RY_OK;
}

void ry_screen_done(struct ry_screen *s)
{
    ry_mem_huge_free(s->map, s->map_bytes);
    *s = (struct ry_screen){0};
}

/* ---- a session's working memory -------------------------------------------------------------------------- */

/* One hidden state as one thread sees it. */
struct digits {
    struct ry_screen_x x;
    float x_norm, error; /* |x|, and |e| with the rounding, rounded up */
};

struct ry_screener {
    size_t n_tok, n_bytes; /* n_bytes: of one digit, a multiple of 64 */
    struct digits *digits; /* [RY_MAX_THREADS, n_tok] */
    int8_t *bytes;         /* [RY_MAX_THREADS, n_tok, 2, n_bytes] */
    float *
        lows; /* [RY_MAX_THREADS, n_tok, RY_SCREEN_MOST_K] heaps, the least on top; by the thread, then by decide */
    float *threshold; /* [n_tok] by decide */
    float *rest;      /* [RY_MAX_THREADS, n_bytes] */
};

ry_rc ry_screener_new(ry_screener **out, const struct ry_screen *screen, size_t n_tok, ry_err *err)
{
    ry_screener *s = ry_mem_zalloc(1, sizeof *s);
    if (!s)
        goto fail;
    size_t n = RY_MAX_THREADS * n_tok;
    s->n_tok = n_tok;
    s->n_bytes = (4 * screen->rows.n_lines + 63) / 64 * 64;
    s->digits = ry_mem_aligned(64, n, sizeof *s->digits);
    s->bytes = ry_mem_aligned(64, n, 2 * s->n_bytes);
    s->lows = ry_mem_aligned(64, n, RY_SCREEN_MOST_K * sizeof *s->lows);
    s->threshold = ry_mem_zalloc(n_tok, sizeof *s->threshold);
    s->rest = ry_mem_aligned(64, RY_MAX_THREADS, s->n_bytes * sizeof *s->rest);
    if (!s->digits || !s->bytes || !s->lows || !s->threshold || !s->rest)
        goto fail;
    *out = s;
    return RY_OK;
fail:
    ry_screener_free(s);
    return ry_err_set(err, RY_ERR_MEMORY, "out of memory for a session");
}

void ry_screener_free(ry_screener *s)
{
    if (!s)
        return;
    ry_mem_free(s->digits);
    ry_mem_free(s->bytes);
    ry_mem_free(s->lows);
    ry_mem_free(s->threshold);
    ry_mem_free(s->rest);
    ry_mem_free(s);
}

/* ---- begin --------------------------------------------------------------------------------------------- */

static struct digits *digits_of(const struct ry_screen_job *j, size_t t)
{
    return j->own->digits + (size_t)j->tid * j->own->n_tok + t;
}

static float *lows_of(const struct ry_screen_job *j, int tid, size_t t)
{
    return j->own->lows + ((size_t)tid * j->own->n_tok + t) * RY_SCREEN_MOST_K;
}

/* One digit of x[n], which is left with what the digit does not hold. */
static float take_digit(const struct ry_screen_job *j, int8_t *q, float *x, size_t n, int32_t *sum,
                        double *norm)
{
    float scale = j->kern->attn_scale(x, n);
    *sum = 0;
    if (!(scale >= 0))
        return scale;
    j->kern->attn_quantize(q, x, n, scale);
    subtract(x, q, scale, n);
    *norm += scaled_norm_above(q, scale, n);
    for (size_t i = 0; i < n; i++)
        *sum += q[i];
    return scale;
}

/* Digits of one token, and what the bound takes from it. */
static bool take_token(const struct ry_screen_job *j, size_t t)
{
    ry_screener *s = j->own;
    struct digits *d = digits_of(j, t);
    size_t n = j->head->n_cols;
    float *rest = s->rest + (size_t)j->tid * s->n_bytes;
    int8_t *q = s->bytes + ((size_t)j->tid * s->n_tok + t) * 2 * s->n_bytes;
    memcpy(rest, j->act + t * j->act_stride, n * sizeof *rest);
    double norm = norm_above(rest, n), coded = 0;
    d->x.high = q;
    d->x.low = q + s->n_bytes;
    d->x.s_high = take_digit(j, q, rest, n, &d->x.sum_high, &coded);
    d->x.s_low = take_digit(j, q + s->n_bytes, rest, n, &d->x.sum_low, &coded);
    if (!(d->x.s_high >= 0) || !(d->x.s_low >= 0) || !(norm < INFINITY))
        return false;
    double most = norm > coded ? norm : coded,
           rounding = ((double)n / LANES + 8 + 24) * ROUNDOFF * (1 + NORM_ROOM);
    d->x_norm = (float)(norm * (1 + NORM_ROOM));
    d->error = (float)((norm_above(rest, n) + rounding * most) * (1 + NORM_ROOM));
    return true;
}

bool ry_screen_begin(const struct ry_screen_job *j)
{
    for (size_t t = 0; t < j->n_tok; t++) {
        float *lows = lows_of(j, j->tid, t);
        if (!take_token(j, t))
            return false;
        for (size_t i = 0; i < j->want->k; i++)
            lows[i] = -INFINITY;
    }
    return true;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

/* Puts x in the place of the least of a heap of k. */
static void replace_least(float *heap, size_t k, float x)
{
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < k; i = child) {
        if (child + 1 < k && heap[child + 1] < heap[child])
            child++;
        if (!(heap[child] < x))
            break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

static inline float bound(const struct ry_screen *s, const struct digits *d, size_t row)
{
    return s->rest[row] * d->x_norm + s->norm[row] * d->error + TINY_SUM;
}

/* Lower bounds of rows lo..hi into the heap. Kept ids stand at infinity and do not count. */
static void note_lows(const struct ry_screen_job *j, size_t t, size_t lo, size_t hi)
{
    const struct digits *d = digits_of(j, t);
    const float *y = j->logits + t * j->head->n_rows;
    float *heap = lows_of(j, j->tid, t), low[LANES];
    for (size_t r = lo; r < hi; r += LANES) {
        size_t n = hi - r < LANES ? hi - r : LANES;
        bool above = false;
        for (size_t i = 0; i < n; i++) {
            low[i] = y[r + i] - bound(j->screen, d, r + i);
            above |= low[i] > heap[0];
        }
        for (size_t i = 0; above && i < n; i++)
            if (low[i] > heap[0] && low[i] < INFINITY)
                replace_least(heap, j->want->k, low[i]);
    }
}

void ry_screen_rows(const struct ry_screen_job *j, size_t lo, size_t hi)
{
    for (size_t t = 0; t < j->n_tok; t++) {
        float *y = j->logits + t * j->head->n_rows;
        j->kern->screen(y + lo, &j->screen->rows, lo, hi, &digits_of(j, t)->x, j->prefetch);
        for (size_t i = 0; i < j->want->n_keep; i++) {
            size_t id = (size_t)j->want->keep[i];
            if (id >= lo && id < hi)
                y[id] = INFINITY;
        }
        note_lows(j, t, lo, hi);
    }
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

void ry_screen_decide(const struct ry_screen_job *j, int n_threads)
{
    size_t k = j->want->k;
    for (size_t t = 0; t < j->n_tok; t++) {
        float *heap = lows_of(j, 0, t);
        for (int tid = 1; tid < n_threads; tid++) {
            const float *other = lows_of(j, tid, t);
            for (size_t i = 0; i < k; i++)
                if (other[i] > heap[0])
                    replace_least(heap, k, other[i]);
        }
        j->own->threshold[t] = heap[0];
    }
}

size_t ry_screen_rescore(const struct ry_screen_job *j, size_t t, size_t lo, size_t hi,
                         bool *finite)
{
    const struct digits *d = digits_of(j, t);
    float *y = j->logits + t * j->head->n_rows, threshold = j->own->threshold[t];
    size_t n = 0;
    for (size_t r = lo; r < hi; r++) {
        if (y[r] + bound(j->screen, d, r) < threshold) {
            y[r] = -INFINITY;
            continue;
        }
        j->kern->matvec[j->head->fmt](y + r, j->head, r, r + 1, j->act + t * j->act_stride, 0);
        *finite = *finite && isfinite(y[r]);
        n++;
    }
    return n;
}
