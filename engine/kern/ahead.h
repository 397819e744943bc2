/* The lines that will be wanted after a call of an attention kernel, asked for in even portions while it runs. For the
 * wide tiers; every function is static. */
#ifndef RYOT_ENGINE_KERN_AHEAD_H
#define RYOT_ENGINE_KERN_AHEAD_H

#include "engine/kern/kern.h"
#include "engine/kern/wide.h"

struct ry_ahead {
    const char *p, *end;
    size_t n_lines; /* in a step */
};

RY_INLINE struct ry_ahead ry_ahead_of(const struct ry_attn_mat *b, size_t n_steps)
{
    struct ry_ahead ahead = {b->next, b->next, 0};
    if (b->n_next && n_steps) {
        ahead.end = b->next + b->n_next;
        ahead.n_lines = (b->n_next / 64 + n_steps - 1) / n_steps;
    }
    return ahead;
}

/* One step's portion, into the second cache: the first holds what is worked on. */
RY_INLINE void ry_ask_next(struct ry_ahead *ahead)
{
    for (size_t i = 0; i < ahead->n_lines && ahead->p < ahead->end; i++, ahead->p += 64)
        __builtin_prefetch(ahead->p, 0, 2);
}

#endif
