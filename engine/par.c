/* The thread team. See the header. */
#include "engine/par.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#include "engine/barrier.h"
#include "src/base/mem.h"

struct ry_par {
    struct ry_barrier barrier;
    /* Size of the team: written by one thread before the region's threads meet, read by all. */
    _Alignas(64) int n_threads;
};

ry_rc ry_par_new(ry_par **out, ry_err *err)
{
    ry_par *par = ry_mem_aligned(64, 1, sizeof *par);
    if (!par)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the thread team");
    par->n_threads = 1;
    *out = par;
    return RY_OK;
}

void ry_par_free(ry_par *par)
{
    ry_mem_free(par);
}

void ry_par_barrier(ry_par *par)
{
    ry_barrier_wait(&par->barrier, par->n_threads);
}

void ry_par_run(ry_par *par, int n_threads, void (*fn)(void *arg, int tid, int n), void *arg)
{
#ifdef _OPENMP
    if (n_threads > 1) {
#pragma omp parallel num_threads(n_threads)
        {
            int n = omp_get_num_threads();
#pragma omp single
            par->n_threads = n;
            fn(arg, omp_get_thread_num(), n);
        }
        return;
    }
#endif
    (void)n_threads;
    par->n_threads = 1;
    fn(arg, 0, 1);
}
