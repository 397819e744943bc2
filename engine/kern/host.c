/* Threads and memory that this process may use: affinity, physical cores, control groups.
 *
 * Reads /proc and /sys on every call; keeps no state; any thread. Formats: proc(5), Linux admin-guide/cgroup-v1 and
 * cgroup-v2, and cputopology. A file that is missing or reads strangely sets no limit. */
#include "engine/kern/cpu.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"

enum { PATH_BYTES = 4096, TEXT_BYTES = 16384 };

/* ---- small files ------------------------------------------------------------------------------------- */

/* The beginning of a file as a string; false when it cannot be read. */
static bool read_text(const char *path, char *text, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t got = -1;
    if (fd < 0)
        return false;
    while (n < cap - 1 && (got = read(fd, text + n, cap - 1 - n)) > 0)
        n += (size_t)got;
    close(fd);
    text[n] = '\0';
    return got >= 0;
}

/* path = a b c, false when it does not fit. */
static bool join(char path[PATH_BYTES], const char *a, const char *b, const char *c)
{
    int n = snprintf(path, PATH_BYTES, "%s%s%s", a, b, c);
    return n >= 0 && n < PATH_BYTES;
}

/* A whole number at the start of text, what follows it to *rest. */
static bool parse_u64(const char *text, uint64_t *out, const char **rest)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    *out = strtoull(text, &end, 10);
    if (rest)
        *rest = end;
    return true;
}

static bool read_u64(const char *dir, const char *name, uint64_t *out)
{
    char path[PATH_BYTES], text[64];
    return join(path, dir, "/", name) && read_text(path, text, sizeof text) &&
           parse_u64(text, out, NULL);
}

/* The number behind `key` and blanks at the start of a line. */
static bool find_u64(const char *text, const char *key, uint64_t *out)
{
    size_t n = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, n) == 0 && (line[n] == ' ' || line[n] == '\t'))
            return parse_u64(line + n + strspn(line + n, " \t"), out, NULL);
    }
    return false;
}

/* ---- control groups ---------------------------------------------------------------------------------- */

struct cgroup {
    char mount[PATH_BYTES]; /* where the hierarchy is mounted */
    char dir[PATH_BYTES];   /* the process's own group, below mount or mount itself */
    bool v2;
};

/* Whether the comma-separated list of a v1 line, [list, end), holds the controller. */
static bool has_controller(const char *list, const char *end, const char *controller)
{
    size_t n = strlen(controller);
    for (const char *p = list; p < end; p++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma ? comma : end;
        if ((size_t)(stop - p) == n && memcmp(p, controller, n) == 0)
            return true;
        p = stop;
    }
    return false;
}

/* The process's group that governs the controller: a line "id:controllers:path" of /proc/self/cgroup; v2 has id 0 and
 * no list. In a mixed set-up a controller is in v1 or in v2, so both are asked (v2 false, then true). */
static bool find_cgroup(struct cgroup *g, const char *root, const char *controller, bool v2)
{
    char path[PATH_BYTES], text[TEXT_BYTES];
    if (!join(path, root, "/proc/self/cgroup", "") || !read_text(path, text, sizeof text))
        return false;
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;
        if (!group)
            continue;
        bool is_v2 = group == list + 1;
        if (is_v2 != v2 || (!v2 && !has_controller(list + 1, group, controller)))
            continue;
        g->v2 = v2;
        group += strcmp(group, ":/") == 0 ? 2 : 1;
        return join(g->mount, root, "/sys/fs/cgroup", "") &&
               (v2 || join(g->mount, root, "/sys/fs/cgroup/", controller)) &&
               join(g->dir, g->mount, group, "");
    }
    return false;
}

/* The parent directory, down to the mount itself; false above it. */
static bool to_parent(struct cgroup *g)
{
    char *slash = strrchr(g->dir, '/');
    if (strlen(g->dir) <= strlen(g->mount) || !slash)
        return false;
    *slash = '\0';
    return strlen(g->dir) >= strlen(g->mount);
}

/* CPUs that the group's quota is worth, to the nearest whole one, at least one; 0: no quota. */
static uint64_t quota_of(const struct cgroup *g)
{
    char path[PATH_BYTES], text[64];
    uint64_t quota = 0, period = 0;
    const char *rest = "";
    if (g->v2) {
        if (!join(path, g->dir, "/", "cpu.max") || !read_text(path, text, sizeof text) ||
            !parse_u64(text, &quota, &rest) || !parse_u64(rest + (*rest == ' '), &period, NULL))
            return 0;
    } else if (!read_u64(g->dir, "cpu.cfs_quota_us", &quota) ||
               !read_u64(g->dir, "cpu.cfs_period_us", &period)) {
        return 0;
    }
    if (!quota || !period || quota > UINT64_MAX / 2)
        return 0;
    uint64_t n = quota / period + (quota % period >= period - period / 2);
    return n ? n : 1;
}

/* Bytes the group may still take, counting file cache that would give way; UINT64_MAX: no limit. */
static uint64_t memory_left(const struct cgroup *g)
{
    char path[PATH_BYTES], text[TEXT_BYTES];
    uint64_t limit, used, cache = 0;
    if (!read_u64(g->dir, g->v2 ? "memory.max" : "memory.limit_in_bytes", &limit) ||
        !read_u64(g->dir, g->v2 ? "memory.current" : "memory.usage_in_bytes", &used))
        return UINT64_MAX;
    if (limit >= UINT64_MAX / 4) /* v1 writes a number near 2^63 for none */
        return UINT64_MAX;
    if (join(path, g->dir, "/", "memory.stat") && read_text(path, text, sizeof text))
        find_u64(text, g->v2 ? "inactive_file" : "total_inactive_file", &cache);
    cache = cache < used ? cache : used;
    used -= cache;
    return used < limit ? limit - used : 0;
}

/* ---- public ------------------------------------------------------------------------------------------ */

/* Hyper-threads of one core share a list of siblings, whose first number stands for the core. */
static int count_cores(const char *root, const bool *allowed, size_t n_cpus)
{
    bool seen[CPU_SETSIZE] = {false};
    int n = 0;
    for (size_t cpu = 0; cpu < n_cpus && cpu < CPU_SETSIZE; cpu++) {
        char path[PATH_BYTES], name[128], text[256];
        uint64_t core = cpu, first;
        if (!allowed[cpu])
            continue;
        snprintf(name, sizeof name, "/sys/devices/system/cpu/cpu%zu/topology/thread_siblings_list",
                 cpu);
        if (join(path, root, name, "") && read_text(path, text, sizeof text) &&
            parse_u64(text, &first, NULL) && first < CPU_SETSIZE)
            core = first;
        n += !seen[core];
        seen[core] = true;
    }
    return n;
}

int ry_host_threads(const char *root, const bool *allowed, size_t n_cpus)
{
    struct cgroup g;
    uint64_t n = (uint64_t)count_cores(root, allowed, n_cpus);
    n = n ? n : 1;
    for (int v2 = 0; v2 < 2; v2++) {
        if (!find_cgroup(&g, root, "cpu", v2))
            continue;
        do {
            uint64_t quota = quota_of(&g);
            n = quota && quota < n ? quota : n;
        } while (to_parent(&g));
    }
    return n < RY_MAX_THREADS ? (int)n : RY_MAX_THREADS;
}

uint64_t ry_host_available_memory(const char *root, bool *cgroup_limited)
{
    char path[PATH_BYTES], text[TEXT_BYTES];
    struct cgroup g;
    uint64_t least = UINT64_MAX, kib;
    bool limited = false;
    if (join(path, root, "/proc/meminfo", "") && read_text(path, text, sizeof text) &&
        find_u64(text, "MemAvailable:", &kib) && kib < UINT64_MAX / 1024)
        least = kib * 1024;
    for (int v2 = 0; v2 < 2; v2++) {
        if (!find_cgroup(&g, root, "memory", v2))
            continue;
        do {
            uint64_t left = memory_left(&g);
            limited = limited || left < least;
            least = left < least ? left : least;
        } while (to_parent(&g));
    }
    if (cgroup_limited)
        *cgroup_limited = limited;
    return least;
}

/* The affinity mask; every CPU where there are more than the set holds. */
static void allowed_cpus(cpu_set_t *set)
{
    CPU_ZERO(set);
    if (sched_getaffinity(0, sizeof *set, set) == 0)
        return;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    for (long cpu = 0; cpu < n && cpu < CPU_SETSIZE; cpu++)
        CPU_SET((size_t)cpu, set);
}

int ry_cpu_default_threads(void)
{
    bool allowed[CPU_SETSIZE];
    cpu_set_t set;
    allowed_cpus(&set);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        allowed[cpu] = CPU_ISSET(cpu, &set);
    return ry_host_threads("", allowed, CPU_SETSIZE);
}

int ry_cpu_most_threads(void)
{
    cpu_set_t set;
    allowed_cpus(&set);
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n < RY_MAX_THREADS ? n : RY_MAX_THREADS;
}

uint64_t ry_cpu_available_memory(bool *cgroup_limited)
{
    return ry_host_available_memory("", cgroup_limited);
}
