/* The thread team: the only room with OpenMP.
 *
 * A run opens one parallel region for a whole forward step; inside it the threads meet at this room's own barrier.
 * Between runs the team waits in OpenMP's runtime, which spins briefly and then sleeps: an idle ryot uses no CPU.
 * One run at a time; the caller's thread takes part as thread 0. */
#ifndef RYOT_ENGINE_PAR_H
#define RYOT_ENGINE_PAR_H

#include <stddef.h>

#include "src/base/err.h"

typedef struct ry_par ry_par;

ry_rc ry_par_new(ry_par **out, ry_err *err);
void ry_par_free(ry_par *par);

/* Calls fn(arg, tid, n) on each of n threads, 0 <= tid < n <= n_threads. n_threads = 1 is a plain call. The team may
 * come out smaller than asked for: fn must believe its n. */
void ry_par_run(ry_par *par, int n_threads, void (*fn)(void *arg, int tid, int n), void *arg);

/* Inside a run: returns when all threads of the run have called it. What was written before it by any thread is seen
 * behind it by all. */
void ry_par_barrier(ry_par *par);

/* The share of thread tid in n items, in multiples of grain: lo <= i < hi. Shares are contiguous, in order, and cover
 * everything exactly once. */
static inline void ry_par_share(size_t n_items, size_t grain, int tid, int n_threads, size_t *lo,
                                size_t *hi)
{
    size_t n_grains = (n_items + grain - 1) / grain, n = (size_t)n_threads, t = (size_t)tid;
    size_t a = n_grains * t / n * grain, b = n_grains * (t + 1) / n * grain;
    *lo = a < n_items ? a : n_items;
    *hi = b < n_items ? b : n_items;
}

#endif
