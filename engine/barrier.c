/* The team's barrier. See the header.
 *
 * Arrivals are counted on one line, the phase stands on another; the last to arrive resets the count and moves the phase
 * on. Waiting is a bounded spin, then sleep on the phase (futex on Linux, yielding elsewhere), so that more threads than
 * cores do not collapse. */
#include "engine/barrier.h"

#include <sched.h>
#include <stdint.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { SPIN_PAUSES = 2000 };

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void sleep_on(struct ry_barrier *b, unsigned seen)
{
    atomic_fetch_add(&b->n_asleep, 1);
    while (atomic_load(&b->phase) == seen) {
#ifdef __linux__
        syscall(SYS_futex, &b->phase, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
#else
        sched_yield();
#endif
    }
    atomic_fetch_sub(&b->n_asleep, 1);
}

void ry_barrier_wait(struct ry_barrier *b, int n)
{
    if (n == 1)
        return;
    unsigned seen = atomic_load_explicit(&b->phase, memory_order_acquire);
    if (atomic_fetch_add_explicit(&b->n_arrived, 1, memory_order_acq_rel) + 1 == n) {
        atomic_store_explicit(&b->n_arrived, 0, memory_order_relaxed);
        atomic_store(&b->phase, seen + 1);
#ifdef __linux__
        if (atomic_load(&b->n_asleep) > 0)
            syscall(SYS_futex, &b->phase, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
#endif
        return;
    }
    for (int i = 0; i < SPIN_PAUSES; i++) {
        if (atomic_load_explicit(&b->phase, memory_order_acquire) != seen)
            return;
        relax();
    }
    sleep_on(b, seen);
}
