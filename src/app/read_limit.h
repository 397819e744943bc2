/* How fast this machine reads memory, as `ryot doctor` and `ryot bench` measured it, kept between runs: the limit that
 * decoding is held against. Nothing is measured here. One owner per struct; files by the main thread. */
#ifndef RYOT_APP_READ_LIMIT_H
#define RYOT_APP_READ_LIMIT_H

#include <stddef.h>

#include "src/base/err.h"

enum { RY_READ_LIMIT_ROWS = 16 };

struct ry_read_limit {
    struct {
        int n_threads;
        double gb_s;            /* 10^9 bytes a second, of all threads together */
    } rows[RY_READ_LIMIT_ROWS]; /* by number of threads */
    size_t n;
};

/* What was measured for the most threads up to n_threads; 0: nothing was. */
double ry_read_limit_of(const struct ry_read_limit *limit, int n_threads);

/* What was measured for exactly this many; 0: nothing was. */
double ry_read_limit_exact(const struct ry_read_limit *limit, int n_threads);

/* Takes a figure in place of what was there. Ignored: figures that are none (NaN, 0 and below), and new ones beyond the
 * sixteenth. */
void ry_read_limit_set(struct ry_read_limit *limit, int n_threads, double gb_s);

/* The file `read-bandwidth` in ryot's cache folder. Empty when it is not there, cannot be read, is damaged, or was
 * measured on another machine (its CPU's name or its number of processors). */
void ry_read_limit_load(struct ry_read_limit *out);

/* Replaces the file in one step. RY_ERR_IO, RY_ERR_USAGE without a home: nothing depends on it. */
ry_rc ry_read_limit_store(const struct ry_read_limit *limit, ry_err *err);

#endif
