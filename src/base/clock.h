/* Time: one monotonic clock for durations, one wall clock for records. Any thread. */
#ifndef RYOT_BASE_CLOCK_H
#define RYOT_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC: only differences mean something. */
uint64_t ry_clock_ns(void);

/* Milliseconds of the same clock. */
uint64_t ry_clock_ms(void);

/* Milliseconds since 1970 (UTC), for timestamps that are stored. */
int64_t ry_clock_wall_ms(void);

#endif
