/* The door of engine/par.h over pthreads, in place of par.c: a race detector understands these threads, and OpenMP's it
 * does not. The barrier is the engine's own. Linked into tests/race only. */
#include "engine/par.h"

#include <assert.h>
#include <pthread.h>

#include "engine/barrier.h"
#include "src/base/mem.h"

enum { MAX_TEAM = 8 };

struct ry_par {
    struct ry_barrier barrier;
    int n_threads;
    void (*fn)(void *arg, int tid, int n);
    void *arg;
};

struct member {
    ry_par *par;
    int tid;
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

static void *work(void *arg)
{
    struct member *m = arg;
    m->par->fn(m->par->arg, m->tid, m->par->n_threads);
    return NULL;
}

void ry_par_run(ry_par *par, int n_threads, void (*fn)(void *arg, int tid, int n), void *arg)
{
    pthread_t threads[MAX_TEAM];
    struct member members[MAX_TEAM];
    par->n_threads = n_threads < MAX_TEAM ? n_threads : MAX_TEAM;
    par->fn = fn;
    par->arg = arg;
    for (int t = 1; t < par->n_threads; t++) {
        members[t] = (struct member){par, t};
        int failed = pthread_create(&threads[t], NULL, work, &members[t]);
        assert(!failed);
        (void)failed;
    }
    fn(arg, 0, par->n_threads);
    for (int t = 1; t < par->n_threads; t++)
        pthread_join(threads[t], NULL);
}

void ry_par_barrier(ry_par *par)
{
    ry_barrier_wait(&par->barrier, par->n_threads);
}
