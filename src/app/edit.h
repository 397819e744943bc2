/* The person's own editor on a text. Main thread. */
#ifndef RYOT_APP_EDIT_H
#define RYOT_APP_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/err.h"

/* Runs $VISUAL or $EDITOR (else vi) on a private copy of text and appends what it left to *out,
 * without one last newline. While it runs, `keep_going` is called whenever wake_fd is readable
 * and at least five times a second; when it says false the editor is terminated
 * (RY_ERR_CANCELLED). The terminal must be given back before. */
ry_rc ry_edit_outside(const char *text, size_t len, int wake_fd, bool (*keep_going)(void *user),
                      void *user, ry_buf *out, ry_err *err);

#endif
