/* Which kernel tiers this CPU and operating system can run, and the CPU's name.
 *
 * CPUID says what the CPU has, XCR0 what the operating system saves on a context switch: a tier needs both (Intel SDM
 * volume 1, chapter 14.3). Read once, const afterwards; any thread. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/kern/cpu.h"

static const char *const tier_names[RY_TIER_COUNT] = {
    [RY_TIER_SCALAR] = "scalar", [RY_TIER_AVX2] = "avx2", [RY_TIER_AVXVNNI] = "avxvnni",
    [RY_TIER_AVX512] = "avx512", [RY_TIER_AMX] = "amx",
};

static bool has[RY_TIER_COUNT];
static char brand[64];
static pthread_once_t cpu_once = PTHREAD_ONCE_INIT;

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static uint64_t read_xcr0(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

/* FMA, SSE4.1, F16C, OSXSAVE, POPCNT in leaf 1; AVX2 and BMI2 in leaf 7; XMM and YMM state in XCR0. */
static bool have_avx2(void)
{
    const uint32_t need1 = bit_FMA | bit_SSE4_1 | bit_POPCNT | bit_OSXSAVE | bit_AVX | bit_F16C;
    const uint32_t need7 = bit_AVX2 | bit_BMI2;
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & need1) != need1)
        return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & need7) != need7)
        return false;
    return (read_xcr0() & 6) == 6;
}

/* Bit 4 of EAX in leaf 7, subleaf 1. */
static bool have_avxvnni(void)
{
    uint32_t a, b, c, d;
    return have_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && a & 1u << 4;
}

/* Foundation, BW, DQ, VL in EBX of leaf 7, VBMI and VNNI in ECX; besides what AVX2 needs, XCR0 with the mask registers
 * and both halves of the ZMM state (bits 5 to 7). */
static bool have_avx512(void)
{
    const uint32_t need_b = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    const uint32_t need_c = bit_AVX512VBMI | bit_AVX512VNNI;
    uint32_t a, b, c, d;
    if (!have_avx2() || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return false;
    return (b & need_b) == need_b && (c & need_c) == need_c && (read_xcr0() & 0xe6) == 0xe6;
}

/* AMX-TILE and AMX-INT8 in EDX of leaf 7, the tiles' state in XCR0 (bits 17 and 18), and Linux's leave to use it, which
 * is asked for once for the whole process (Documentation/arch/x86/xstate.rst). */
static bool have_amx(void)
{
    uint32_t a, b, c, d;
    if (!have_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return false;
    if ((d >> 24 & 3) != 3 || (read_xcr0() >> 17 & 3) != 3)
        return false;
#if defined(__linux__)
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

static void read_brand(void)
{
    uint32_t regs[12];
    for (uint32_t i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002u + i, &regs[4 * i], &regs[4 * i + 1], &regs[4 * i + 2],
                         &regs[4 * i + 3]))
            return;
    char text[sizeof regs + 1] = {0};
    memcpy(text, regs, sizeof regs);
    snprintf(brand, sizeof brand, "%s", text + strspn(text, " "));
    for (size_t n = strlen(brand); n && brand[n - 1] == ' '; n--)
        brand[n - 1] = '\0';
}
#else
static bool have_avx2(void)
{
    return false;
}

static bool have_avxvnni(void)
{
    return false;
}

static bool have_avx512(void)
{
    return false;
}

static bool have_amx(void)
{
    return false;
}

static void read_brand(void)
{
}
#endif

static void read_cpu(void)
{
    has[RY_TIER_SCALAR] = true;
#if defined(RYOT_HAVE_AVX2)
    has[RY_TIER_AVX2] = have_avx2();
#else
    (void)have_avx2;
#endif
#if defined(RYOT_HAVE_AVXVNNI)
    has[RY_TIER_AVXVNNI] = have_avxvnni();
#else
    (void)have_avxvnni;
#endif
#if defined(RYOT_HAVE_AVX512)
    has[RY_TIER_AVX512] = have_avx512();
#else
    (void)have_avx512;
#endif
#if defined(RYOT_HAVE_AMX)
    has[RY_TIER_AMX] = have_amx();
#else
    (void)have_amx;
#endif
    read_brand();
}

const char *ry_tier_name(enum ry_tier tier)
{
    return (unsigned)tier < RY_TIER_COUNT ? tier_names[tier] : "unknown";
}

bool ry_cpu_has_tier(enum ry_tier tier)
{
    pthread_once(&cpu_once, read_cpu);
    return (unsigned)tier < RY_TIER_COUNT && has[tier];
}

enum ry_tier ry_tier_best(void)
{
    int tier = RY_TIER_COUNT - 1;
    while (tier > RY_TIER_SCALAR && !ry_tier_usable((enum ry_tier)tier))
        tier--;
    return (enum ry_tier)tier;
}

ry_rc ry_tier_parse(const char *name, enum ry_tier *tier, ry_err *err)
{
    if (strcmp(name, "auto") == 0) {
        *tier = ry_tier_best();
        return RY_OK;
    }
    char list[64] = "auto";
    bool known = false;
    for (int t = 0; t < RY_TIER_COUNT; t++) {
        bool named = strcmp(name, tier_names[t]) == 0;
        if (named && ry_tier_usable((enum ry_tier)t)) {
            *tier = (enum ry_tier)t;
            return RY_OK;
        }
        known = known || named;
        if (named && ry_tier_failed((enum ry_tier)t)[0])
            return ry_err_set(err, RY_ERR_USAGE,
                              "kernel tier '%s' gives other bits than scalar on this machine (%s): "
                              "it is not used",
                              name, ry_tier_failed((enum ry_tier)t));
        if (ry_tier_usable((enum ry_tier)t)) {
            size_t n = strlen(list);
            snprintf(list + n, sizeof list - n, ", %s", tier_names[t]);
        }
    }
    return ry_err_set(err, RY_ERR_USAGE,
                      known ? "kernel tier '%.40s' cannot run here; usable are: %s"
                            : "no kernel tier is called '%.40s'; usable are: %s",
                      name, list);
}

const char *ry_cpu_name(void)
{
    pthread_once(&cpu_once, read_cpu);
    return brand;
}
