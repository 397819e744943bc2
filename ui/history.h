/* The prompt history: what was sent, over sessions. A file of one entry a line (newline as \n,
 * backslash as \\), 0600; entries keep their newlines. Appends go to the file at once; several
 * processes may share it. The file is untrusted: lines of any bytes and length load, the oldest
 * beyond the limits are dropped. Thread: one owner. */
#ifndef RYOT_UI_HISTORY_H
#define RYOT_UI_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/err.h"

enum { RY_HISTORY_ENTRIES = 1000, RY_HISTORY_FILE_BYTES = 4 << 20 };

struct ry_history {
    char *path;                        /* owned; NULL: kept in memory only */
    char *entries[RY_HISTORY_ENTRIES]; /* [n], oldest first, NUL-terminated, owned */
    size_t n;
};

/* Loads what is there (the newest RY_HISTORY_FILE_BYTES of it); a missing file is an empty history.
 * Where reading fails the history works in memory and the error says why. A file beyond the limit
 * is rewritten shorter. */
ry_rc ry_history_open(struct ry_history *hist, const char *path, ry_err *err);
void ry_history_done(struct ry_history *hist);

/* Adds an entry (unless it repeats the newest, is empty or holds a NUL) here and in the file. */
ry_rc ry_history_add(struct ry_history *hist, const char *text, size_t len, ry_err *err);

/* Index of the newest entry before `below` that contains `needle` (ignoring case); n when there is
 * none. below = n starts at the newest. */
size_t ry_history_search(const struct ry_history *hist, const char *needle, size_t below);

#endif
