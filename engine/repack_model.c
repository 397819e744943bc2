/* The copies of a whole model: one mapping, filled by a team. The opening thread. */
#include <string.h>

#include "engine/kern/x16.h"
#include "engine/par.h"
#include "engine/repack.h"
#include "src/base/mem.h"

/* What stays free behind the copies, for caches and everybody else. */
#define MEMORY_LEFT ((uint64_t)512 << 20)

struct job {
    const struct ry_wmat *src;
    struct ry_wmat *dst;
    size_t offset; /* in the map */
};

/* Everything of a run: jobs are worked off one after the other, each split among the threads. */
struct work {
    struct job *jobs;
    size_t n_jobs, n_bytes;
    char *map;
    const struct ry_repack_options *options;
};

/* ---- the list of matrices -------------------------------------------------------------------------------- */

static void add(struct work *work, const struct ry_wmat *src, struct ry_wmat *dst)
{
    size_t bytes = ry_repack_bytes(src);
    if (!bytes)
        return;
    work->jobs[work->n_jobs++] = (struct job){src, dst, work->n_bytes};
    work->n_bytes += bytes;
}

/* q, k and v are one product over their rows one behind the other, which threads split at multiples of 16: those
 * behind an odd number of rows would begin inside a group. */
static void list_layer(struct work *work, const struct ry_layer *from, struct ry_layer *to)
{
    bool whole = from->q.n_rows % RY_X16_ROWS == 0 && from->k.n_rows % RY_X16_ROWS == 0;
    if (whole) {
        add(work, &from->q, &to->q);
        add(work, &from->k, &to->k);
        add(work, &from->v, &to->v);
    }
    add(work, &from->o, &to->o);
    add(work, &from->gate, &to->gate);
    add(work, &from->up, &to->up);
    add(work, &from->down, &to->down);
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

bool ry_repack_fits(size_t bytes)
{
    uint64_t available = ry_cpu_available_memory(NULL);
    return available >= MEMORY_LEFT && available - MEMORY_LEFT >= bytes;
}

/* ---- the work -------------------------------------------------------------------------------------------- */

static bool cancelled(const struct work *work)
{
    const atomic_bool *c = work->options->cancel;
    return c && atomic_load_explicit(c, memory_order_relaxed);
}

/* A thread's share of each matrix is the one that a product's rows will give it. */
static void pack_on_thread(void *arg, int tid, int n)
{
    struct work *work = arg;
    for (size_t i = 0; i < work->n_jobs && !cancelled(work); i++) {
        const struct job *j = &work->jobs[i];
        size_t lo, hi;
        ry_par_share(j->src->n_rows, RY_X16_ROWS, tid, n, &lo, &hi);
        ry_repack_groups(work->map + j->offset, j->src, lo / RY_X16_ROWS,
                         (hi + RY_X16_ROWS - 1) / RY_X16_ROWS);
        if (tid == 0 && work->options->progress)
            work->options->progress(work->options->user, (double)(i + 1) / (double)work->n_jobs);
    }
}

static ry_rc pack(struct ry_repacked *out, struct work *work, ry_err *err)
{
    ry_par *par;
    ry_rc rc = ry_par_new(&par, err);
    if (rc != RY_OK)
        return rc;
    ry_par_run(par, work->options->n_threads, pack_on_thread, work);
    ry_par_free(par);
    if (cancelled(work))
        return ry_err_set(err, RY_ERR_CANCELLED, "loading was stopped");
    for (size_t i = 0; i < work->n_jobs; i++) {
        const struct job *j = &work->jobs[i];
        out->source_bytes += (uint64_t)j->src->n_rows * j->src->row_bytes;
        *j->dst = ry_repack_view(j->src, work->map + j->offset);
    }
    out->n_bytes = work->n_bytes;
    return RY_OK;
}

ry_rc ry_repack_model(struct ry_repacked *out, const struct ry_model *m,
                      const struct ry_repack_options *options, ry_err *err)
{
    size_t n_layer = m->hp.n_layer;
    struct work work = {.options = options};
    ry_rc rc = RY_OK;
    *out = (struct ry_repacked){.output = m->output};
    out->layers = ry_mem_alloc(n_layer, sizeof *out->layers);
    work.jobs = ry_mem_alloc(7 * n_layer + 1, sizeof *work.jobs);
    if (!out->layers || !work.jobs) {
        rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory while loading the model");
        goto fail;
    }
    memcpy(out->layers, m->layers, n_layer * sizeof *out->layers);
    for (size_t i = 0; i < n_layer; i++)
        list_layer(&work, &m->layers[i], &out->layers[i]);
    add(&work, &m->output, &out->output);
    const char *reason = work.n_jobs == 0      ? "no tensor has an interleaved layout"
                         : !ry_repack_fits(work.n_bytes) ? "memory is short"
                                               : NULL;
    if (!reason) {
        work.map = ry_mem_huge(work.n_bytes);
        out->map_bytes = work.n_bytes;
        reason = work.map ? NULL : "the system gives no memory for it";
    }
    if (reason) {
        ry_mem_free(work.jobs);
        ry_repack_done(out);
        out->reason = reason;
        return RY_OK;
    }
    out->map = work.map;
    rc = pack(out, &work, err);
    if (rc != RY_OK)
        goto fail;
    ry_mem_free(work.jobs);
    return RY_OK;
fail:
    ry_mem_free(work.jobs);
    ry_repack_done(out);
    return rc;
}

void ry_repack_done(struct ry_repacked *r)
{
    ry_mem_free(r->layers);
    ry_mem_huge_free(r->map, r->map_bytes);
    *r = (struct ry_repacked){0};
}
