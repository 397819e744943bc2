/* What the machine grants this process, read below a root directory so that tests can show it a made-up one. */
#ifndef RYOT_ENGINE_KERN_CPU_H
#define RYOT_ENGINE_KERN_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

/* Whether the tier was built in and CPUID and XCR0 let it run, tested or not. */
bool ry_cpu_has_tier(enum ry_tier tier);

/* As ry_cpu_default_threads, with files below root ("" for the real ones) and the affinity mask given: allowed[i] says
 * whether CPU i may be used. At most RY_MAX_THREADS. */
int ry_host_threads(const char *root, const bool *allowed, size_t n_cpus);

/* As ry_cpu_available_memory, with files below root. */
uint64_t ry_host_available_memory(const char *root, bool *cgroup_limited);

#endif
