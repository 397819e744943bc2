/* The self-test of kernel tables: every slot on small inputs against scalar, bit for bit.
 *
 * Run once, when a tier is first asked for: a CPU, a hypervisor or a compiler that computes something else must not go
 * unnoticed, since all that ryot promises stands on equal bits. About a millisecond for all tiers together; what takes
 * longer is tests/kern_check's. */
#ifndef RYOT_ENGINE_KERN_SELFTEST_H
#define RYOT_ENGINE_KERN_SELFTEST_H

#include "engine/kern/kern.h"

/* The first slot of a table that gave other bits; "" when none did. */
struct ry_selftest_fault {
    char slot[48]; /* "matmul Q4_K", "rmsnorm" */
};

/* Compares n tables, at most RY_TIER_COUNT, with `scalar`; a function that several tables share is called once. Writes
 * faults[n]. Allocates nothing, takes 80 KB of stack; any thread. */
void ry_selftest(const struct ry_kern *scalar, const struct ry_kern *const tables[], size_t n,
                 struct ry_selftest_fault faults[]);

/* From now on the tier is not usable, for this reason (NULL: usable again); ry_tier_failed() tells it. Not scalar.
 * For tests of what becomes of a tier that fails, before other threads ask for tiers. */
void ry_tier_refuse(enum ry_tier tier, const char *reason);

#endif
