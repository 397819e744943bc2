/* A coalescing wake-up: many signals, one readable descriptor for poll(). Linux eventfd, else a pipe.
 * Any thread may signal; one thread waits or drains. */
#ifndef RYOT_BASE_WAKE_H
#define RYOT_BASE_WAKE_H

#include <stdbool.h>

#include "src/base/err.h"

typedef struct ry_wake {
    int read_fd, write_fd; /* the same descriptor with eventfd */
} ry_wake;

ry_rc ry_wake_init(ry_wake *wake, ry_err *err);
void ry_wake_done(ry_wake *wake);

/* Makes read_fd readable. Never blocks, async-signal-safe. */
void ry_wake_signal(const ry_wake *wake);

/* Waits up to timeout_ms (-1: for ever) for a signal, and takes it. True when there was one. */
bool ry_wake_wait(const ry_wake *wake, int timeout_ms);

/* Takes pending signals without waiting. */
void ry_wake_drain(const ry_wake *wake);

#endif
