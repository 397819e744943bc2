/* The log: a file, since curses owns the terminal. Lines are written whole with one write(2), so that
 * threads and processes do not mix them. Untrusted bytes are made visible. Any thread. */
#ifndef RYOT_BASE_LOG_H
#define RYOT_BASE_LOG_H

#include "src/base/err.h"

/* Opens (appends to) the log, mode 0600, O_NOFOLLOW. NULL path: logging stays off. Call once, before threads. */
ry_rc ry_log_open(const char *path, ry_err *err);

/* Closes it; later lines are dropped. */
void ry_log_close(void);

/* One line with time stamp; without an open log it does nothing. */
void ry_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Descriptor of the log, or -1; the TUI points stderr there so that a library's words are kept. */
int ry_log_fd(void);

#endif
