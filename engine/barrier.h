/* A barrier for a small team: bounded spin, then sleep. It knows threads only by their number, so that it serves
 * OpenMP's (par.c) and, in tests, those of pthreads, which race detectors can see. */
#ifndef RYOT_ENGINE_BARRIER_H
#define RYOT_ENGINE_BARRIER_H

#include <stdatomic.h>

struct ry_barrier {
    /* Written by every arrival (acq_rel); the last one resets it before the phase moves. */
    _Alignas(64) atomic_int n_arrived;
    /* Moved by the last arrival (seq_cst), read by the waiting (acquire; seq_cst beside n_asleep). */
    _Alignas(64) atomic_uint phase;
    /* Threads in or entering sleep; seq_cst with phase: either the sleeper sees the new phase or the last arrival sees
     * the sleeper. */
    atomic_int n_asleep;
};

/* Ready to use when zeroed, at an address that is a multiple of 64.
 *
 * Returns when n threads, the same n for all of them, have called it: what any of them wrote before is seen by all
 * behind it. n = 1 returns at once. */
void ry_barrier_wait(struct ry_barrier *barrier, int n);

#endif
