/* Counters per operation, cheap enough to stay on: thread 0 reads the clock where one operation ends and the next
 * begins. Session's thread (its team's thread 0). */
#ifndef RYOT_ENGINE_PROFILE_H
#define RYOT_ENGINE_PROFILE_H

#include "engine/engine.h"
#include "src/base/clock.h"

struct ry_profile {
    struct ry_perf sums;
    uint64_t t_ns; /* when the running operation began */
};

/* Starts the clock of a step. */
static inline void ry_profile_start(struct ry_profile *p)
{
    p->t_ns = ry_clock_ns();
}

/* Books the time since the last mark on op, and bytes read from memory. */
static inline void ry_profile_mark(struct ry_profile *p, enum ry_op op, uint64_t n_bytes)
{
    uint64_t now = ry_clock_ns();
    p->sums.op_ns[op] += now - p->t_ns;
    p->sums.op_bytes[op] += n_bytes;
    p->t_ns = now;
}

#endif
