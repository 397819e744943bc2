/* Where files live (XDG base directories), private directories and bounded reading. Main thread. */
#ifndef RYOT_APP_PATHS_H
#define RYOT_APP_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/err.h"

enum ry_path_kind { RY_PATH_CONFIG, RY_PATH_DATA, RY_PATH_STATE, RY_PATH_CACHE };

/* `$XDG_<kind>_HOME/ryot/<name>` (or under $HOME when the variable is unset or relative, as the
 * XDG Base Directory Specification 0.8 says). *out is owned by the caller. RY_ERR_USAGE without
 * a home. */
ry_rc ry_path_of(enum ry_path_kind kind, const char *name, char **out, ry_err *err);

/* Makes the directory of `file` and what is missing above it, 0700 whatever the umask. */
ry_rc ry_path_make_parent(const char *file, ry_err *err);

/* Appends a regular file, or stdin for "-", to *out; RY_ERR_INPUT beyond limit bytes, and for
 * directories and devices. RY_ERR_IO otherwise. */
ry_rc ry_path_read(const char *path, size_t limit, ry_buf *out, ry_err *err);

/* Appends all of a descriptor to *out; `name` is for messages. Ends early with RY_ERR_CANCELLED
 * once `should_stop` (may be NULL) says so: it is asked after each interruption by a signal. */
ry_rc ry_path_read_fd(int fd, const char *name, size_t limit, bool (*should_stop)(void),
                      ry_buf *out, ry_err *err);

#endif
