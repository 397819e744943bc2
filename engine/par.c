/* The thread team. See the header.
 *
 * Barrier: arrivals are counted on one line, the phase stands on another; the last to arrive resets the count and
 * moves the phase on. Waiting is a bounded spin, then sleep on the phase (futex on Linux, yielding elsewhere), so that
 * more threads than cores do not collapse. */
#include "engine/par.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#ifdef _OPENMP
#include <omp.h>
#endif

#include "src/base/mem.h"

enum { SPIN_PAUSES = 2000 };

struct ry_par {
    /* Written by every arrival (acq_rel); the last one resets it before the phase moves. */
    _Alignas(64) atomic_int n_arrived;
    /* Moved by the last arrival (seq_cst), read by the waiting (acquire; seq_cst beside n_asleep). */
    _Alignas(64) atomic_uint phase;
    /* Threads in or entering futex sleep; seq_cst with phase: either the sleeper sees the new phase or the last arrival
     * sees the sleeper. */
    atomic_int n_asleep;
    /* Size of the team: written by thread 0 before the region's threads meet, read by all. */
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

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void sleep_on(ry_par *par, unsigned seen)
{
    atomic_fetch_add(&par->n_asleep, 1);
#ifdef __linux__
    while (atomic_load(&par->phase) == seen)
        syscall(SYS_futex, &par->phase, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
#else
    while (atomic_load(&par->phase) == seen)
        sched_yield();
#endif
    atomic_fetch_sub(&par->n_asleep, 1);
}

void ry_par_barrier(ry_par *par)
{
    int n = par->n_threads;
    if (n == 1)
        return;
    unsigned seen = atomic_load_explicit(&par->phase, memory_order_acquire);
    if (atomic_fetch_add_explicit(&par->n_arrived, 1, memory_order_acq_rel) + 1 == n) {
        atomic_store_explicit(&par->n_arrived, 0, memory_order_relaxed);
        atomic_store(&par->phase, seen + 1);
#ifdef __linux__
        if (atomic_load(&par->n_asleep) > 0)
            syscall(SYS_futex, &par->phase, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
#endif
        return;
    }
    for (int i = 0; i < SPIN_PAUSES; i++) {
        if (atomic_load_explicit(&par->phase, memory_order_acquire) != seen)
            return;
        relax();
    }
    sleep_on(par, seen);
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

void ry_par_share(size_t n_items, size_t grain, int tid, int n_threads, size_t *lo, size_t *hi)
{
    size_t n_grains = (n_items + grain - 1) / grain, n = (size_t)n_threads, t = (size_t)tid;
    size_t a = n_grains * t / n * grain, b = n_grains * (t + 1) / n * grain;
    *lo = a < n_items ? a : n_items;
    *hi = b < n_items ? b : n_items;
}
