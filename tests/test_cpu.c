/* Kernel tiers by name, and what a made-up machine grants: cores, quotas, memory, in control groups v1 and v2. */
#include "ryot_test.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>

#include "engine/engine.h"
#include "engine/kern/cpu.h"

static char root[] = "/tmp/ryot-cpu-XXXXXX";

/* Writes root/path, making the directories on the way. */
static void put(const char *path, const char *fmt, ...)
{
    char full[512];
    va_list ap;
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        ck_assert(mkdir(full, 0700) == 0 || errno == EEXIST);
        *p = '/';
    }
    FILE *f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
    memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void teardown(void)
{
    char cmd[600];
    snprintf(cmd, sizeof cmd, "rm -r '%s'", root);
    ck_assert_int_eq(system(cmd), 0);
}

/* Eight CPUs, two to a core: cpu0 and cpu4, cpu1 and cpu5 and so on. */
static void put_topology(void)
{
    for (int cpu = 0; cpu < 8; cpu++) {
        char path[128];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
                 cpu);
        put(path, "%d,%d\n", cpu % 4, cpu % 4 + 4);
    }
}

static const bool all[8] = {true, true, true, true, true, true, true, true};

START_TEST(most_threads_are_those_of_the_affinity_mask)
{
    cpu_set_t before, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    ck_assert_int_eq(ry_cpu_most_threads(),
                     CPU_COUNT(&before) < RY_MAX_THREADS ? CPU_COUNT(&before) : RY_MAX_THREADS);
    ck_assert_int_le(ry_cpu_default_threads(), ry_cpu_most_threads());
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(ry_cpu_most_threads(), 1);
    ck_assert_int_eq(ry_cpu_default_threads(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
}
END_TEST

START_TEST(tiers_have_names_and_the_unusable_are_refused)
{
    ry_err err;
    enum ry_tier tier = RY_TIER_COUNT;
    ck_assert(ry_tier_usable(RY_TIER_SCALAR));
    ck_assert(ry_tier_usable(ry_tier_best()));
    for (int t = 0; t < RY_TIER_COUNT; t++) {
        ry_rc rc = ry_tier_parse(ry_tier_name((enum ry_tier)t), &tier, &err);
        ck_assert_int_eq(rc, ry_tier_usable((enum ry_tier)t) ? RY_OK : RY_ERR_USAGE);
        if (rc == RY_OK)
            ck_assert_int_eq(tier, t);
    }
    ck_assert_int_eq(ry_tier_parse("auto", &tier, &err), RY_OK);
    ck_assert_int_eq(tier, ry_tier_best());
    ck_assert_int_eq(ry_tier_parse("sse9", &tier, &err), RY_ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "sse9"));
    ck_assert_ptr_nonnull(strstr(err.text, "scalar"));
    ck_assert_ptr_nonnull(ry_cpu_name());
    ck_assert_str_eq(ry_tier_name(RY_TIER_COUNT), "unknown");
}
END_TEST

START_TEST(this_machine_grants_something)
{
    bool limited = true;
    int n = ry_cpu_default_threads();
    ck_assert(n >= 1 && n <= RY_MAX_THREADS);
    ck_assert_uint_gt(ry_cpu_available_memory(&limited), 0);
    ck_assert_uint_gt(ry_cpu_available_memory(NULL), 0);
}
END_TEST

START_TEST(hyper_threads_of_a_core_count_once)
{
    bool some[8] = {true, true, false, false, true, false, true, false};
    ck_assert_int_eq(ry_host_threads(root, all, 8), 8); /* nothing is known: each CPU a core */
    put_topology();
    ck_assert_int_eq(ry_host_threads(root, all, 8), 4);
    ck_assert_int_eq(ry_host_threads(root, some, 8), 3);
    ck_assert_int_eq(ry_host_threads(root, some, 0), 1);
}
END_TEST

START_TEST(the_narrowest_quota_on_the_way_up_counts)
{
    put_topology();
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    ck_assert_int_eq(ry_host_threads(root, all, 8), 4);
    put("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
    ck_assert_int_eq(ry_host_threads(root, all, 8), 2);
    put("/sys/fs/cgroup/a/b/cpu.max", "300000 100000\n");
    ck_assert_int_eq(ry_host_threads(root, all, 8), 2);
    put("/sys/fs/cgroup/cpu.max", "30000 100000\n");
    ck_assert_int_eq(ry_host_threads(root, all, 8), 1);
    put("/sys/fs/cgroup/cpu.max", "rubbish");
    put("/sys/fs/cgroup/a/cpu.max", "250000 0\n");
    ck_assert_int_eq(ry_host_threads(root, all, 8), 3);
}
END_TEST

START_TEST(quotas_of_version_1_are_read_too)
{
    put_topology();
    put("/proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/job\n0::/\n");
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
    ck_assert_int_eq(ry_host_threads(root, all, 8), 4);
    put("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "260000\n");
    ck_assert_int_eq(ry_host_threads(root, all, 8), 3);
}
END_TEST

START_TEST(memory_is_the_least_of_machine_and_groups)
{
    bool limited = true;
    ck_assert(ry_host_available_memory(root, &limited) == UINT64_MAX);
    ck_assert(!limited);
    put("/proc/meminfo", "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n");
    ck_assert_uint_eq(ry_host_available_memory(root, &limited), 8000000ull * 1024);
    ck_assert(!limited);
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/b/memory.max", "max\n");
    put("/sys/fs/cgroup/a/b/memory.current", "1000\n");
    put("/sys/fs/cgroup/a/memory.max", "1000000000\n");
    put("/sys/fs/cgroup/a/memory.current", "700000000\n");
    put("/sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file_x 7\ninactive_file 100000000\n");
    ck_assert_uint_eq(ry_host_available_memory(root, &limited), 400000000);
    ck_assert(limited);
    put("/sys/fs/cgroup/a/b/memory.max", "900\n"); /* already over it */
    ck_assert_uint_eq(ry_host_available_memory(root, &limited), 0);
}
END_TEST

START_TEST(memory_of_version_1_is_read_too)
{
    bool limited = false;
    put("/proc/meminfo", "MemAvailable:    8000000 kB\n");
    put("/proc/self/cgroup", "9:name=systemd:/x\n4:memory:/job\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "123\n");
    ck_assert_uint_eq(ry_host_available_memory(root, &limited), 8000000ull * 1024);
    put("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "5000000\n");
    put("/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "3000000\n");
    put("/sys/fs/cgroup/memory/job/memory.stat", "total_inactive_file 500000\n");
    ck_assert_uint_eq(ry_host_available_memory(root, &limited), 2500000);
    ck_assert(limited);
}
END_TEST

static Suite *cpu_suite(void)
{
    Suite *suite = suite_create("cpu");
    TCase *tc = tcase_create("tiers");
    tcase_add_test(tc, tiers_have_names_and_the_unusable_are_refused);
    tcase_add_test(tc, this_machine_grants_something);
    tcase_add_test(tc, most_threads_are_those_of_the_affinity_mask);
    suite_add_tcase(suite, tc);
    tc = tcase_create("host");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, hyper_threads_of_a_core_count_once);
    tcase_add_test(tc, the_narrowest_quota_on_the_way_up_counts);
    tcase_add_test(tc, quotas_of_version_1_are_read_too);
    tcase_add_test(tc, memory_is_the_least_of_machine_and_groups);
    tcase_add_test(tc, memory_of_version_1_is_read_too);
    suite_add_tcase(suite, tc);
    return suite;
}

RY_TEST_MAIN(cpu_suite);
