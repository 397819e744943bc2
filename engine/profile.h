/* Counters per operation, cheap enough to stay on: thread 0 reads the clock where one operation ends and the next
 * begins. Session's thread (its team's thread 0). */
#ifndef RYOT_ENGINE_PROFILE_H
#define RYOT_ENGINE_PROFILE_H

#include "engine/engine.h"
#include "src/base/clock.h"

/* Of small decode steps one in so many is timed: stories260K takes some 25 microseconds a token, of which reading the
 * clock at each operation took one (24.9 without, 26.4 with; bitllama2-3M 82.5 and 85.2; Xeon, AVX2, one thread). */
enum { RY_PROFILE_EVERY = 16 };

struct ry_profile {
    struct ry_perf sums;
    uint64_t t_ns;      /* when the running operation began */
    uint32_t weight;    /* steps that the running one stands for; 0: it is not timed */
    uint32_t n_untimed; /* small steps since the last timed one */
};

/* Starts the clock of a step that is always timed. */
static inline void ry_profile_start(struct ry_profile *p)
{
    p->weight = 1;
    p->t_ns = ry_clock_ns();
}

/* Starts the clock of one of many small steps of a kind: a timed one counts for those before it that were not, so that
 * the sums never stand for more steps than there were. */
static inline void ry_profile_start_small(struct ry_profile *p)
{
    bool timed = p->sums.n_decode == 0 || p->n_untimed + 1 == RY_PROFILE_EVERY;
    p->weight = timed ? p->n_untimed + 1 : 0;
    p->n_untimed = timed ? 0 : p->n_untimed + 1;
    if (timed)
        p->t_ns = ry_clock_ns();
}

/* Books the time since the last mark on op, and bytes read from memory. */
static inline void ry_profile_mark(struct ry_profile *p, enum ry_op op, uint64_t n_bytes)
{
    p->sums.op_bytes[op] += n_bytes;
    if (!p->weight)
        return;
    uint64_t now = ry_clock_ns();
    p->sums.op_ns[op] += (now - p->t_ns) * p->weight;
    p->t_ns = now;
}

#endif
