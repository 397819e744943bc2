/* Builds the kernel tables: each tier's is scalar's with what the tier and those below it have laid over it; and tests
 * them, so that a tier is usable when the CPU has it and its bits are scalar's.
 *
 * Tables are static, built once, const afterwards; any thread. */
#include "engine/kern/kern.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "engine/kern/act.h"
#include "engine/kern/cpu.h"
#include "engine/kern/selftest.h"

static struct ry_kern tables[RY_TIER_COUNT];
static struct ry_selftest_fault faults[RY_TIER_COUNT];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

size_t ry_act_bytes(enum ry_act_fmt act, size_t n)
{
    switch (act) {
    case RY_ACT_Q8_T:
        return RY_Q8_T_HEAD + ry_act_pad(n);
    case RY_ACT_Q8_32:
        return ry_act_pad(n) + ry_act_pad(n / 32 * (2 * sizeof(float) + sizeof(int32_t)));
    case RY_ACT_Q8_256:
        return ry_act_pad(n) + ry_act_pad(n / 256 * sizeof(float) + n / 16 * sizeof(int16_t));
    default:
        return ry_act_pad(n * sizeof(float));
    }
}

static void build_tables(void)
{
    for (int tier = RY_TIER_SCALAR; tier < RY_TIER_COUNT; tier++) {
        ry_kern_init_scalar(&tables[tier]);
#if defined(RYOT_HAVE_AVX2)
        if (tier >= RY_TIER_AVX2)
            ry_kern_init_avx2(&tables[tier]);
#endif
#if defined(RYOT_HAVE_AVXVNNI)
        if (tier == RY_TIER_AVXVNNI)
            ry_kern_init_avxvnni(&tables[tier]);
#endif
#if defined(RYOT_HAVE_AVX512)
        if (tier >= RY_TIER_AVX512)
            ry_kern_init_avx512(&tables[tier]);
#endif
#if defined(RYOT_HAVE_AMX)
        if (tier >= RY_TIER_AMX)
            ry_kern_init_amx(&tables[tier]);
#endif
    }
}

static void test_tables(void)
{
    const struct ry_kern *tested[RY_TIER_COUNT];
    struct ry_selftest_fault found[RY_TIER_COUNT];
    size_t n = 0;
    for (int tier = RY_TIER_SCALAR + 1; tier < RY_TIER_COUNT; tier++)
        if (ry_cpu_has_tier((enum ry_tier)tier))
            tested[n++] = &tables[tier];
    ry_selftest(&tables[RY_TIER_SCALAR], tested, n, found);
    for (size_t i = 0; i < n; i++)
        faults[tested[i]->tier] = found[i];
}

static void make_tables(void)
{
    build_tables();
    test_tables();
}

void ry_tier_refuse(enum ry_tier tier, const char *reason)
{
    pthread_once(&tables_once, make_tables); /* which would set it, too */
    assert(tier > RY_TIER_SCALAR && tier < RY_TIER_COUNT);
    snprintf(faults[tier].slot, sizeof faults[tier].slot, "%.47s", reason ? reason : "");
}

const char *ry_tier_failed(enum ry_tier tier)
{
    pthread_once(&tables_once, make_tables);
    return (unsigned)tier < RY_TIER_COUNT ? faults[tier].slot : "";
}

bool ry_tier_usable(enum ry_tier tier)
{
    return ry_cpu_has_tier(tier) && !ry_tier_failed(tier)[0];
}

const struct ry_kern *ry_kern_get(enum ry_tier tier)
{
    assert((unsigned)tier < RY_TIER_COUNT);
    pthread_once(&tables_once, make_tables);
    return &tables[ry_tier_usable(tier) ? tier : RY_TIER_SCALAR];
}
