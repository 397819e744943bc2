/* Builds the kernel tables: each tier's is scalar's with what the tier and those below it have laid over it.
 *
 * Tables are static, built once, const afterwards; any thread. */
#include "engine/kern/kern.h"

#include <assert.h>
#include <pthread.h>

#include "engine/kern/act.h"

static struct ry_kern tables[RY_TIER_COUNT];
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

const struct ry_kern *ry_kern_table(enum ry_tier tier)
{
    assert((unsigned)tier < RY_TIER_COUNT);
    pthread_once(&tables_once, build_tables);
    return &tables[tier];
}

const struct ry_kern *ry_kern_get(enum ry_tier tier)
{
    return ry_kern_table(ry_tier_usable(tier) ? tier : RY_TIER_SCALAR);
}
