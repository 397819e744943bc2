/* Result codes and error texts: what every function that can fail returns.
 *
 * A function returns ry_rc and, on failure only, fills the caller's `ry_err` with what happened, where,
 * and what the person can do. Thread: values only, none is shared. */
#ifndef RYOT_BASE_ERR_H
#define RYOT_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum ry_rc {
    RY_OK = 0,
    RY_FAIL,          /* failed while running, nothing more specific */
    RY_ERR_USAGE,     /* wrong option, argument or command */
    RY_ERR_MODEL,     /* model file unusable: missing, malformed, unsupported */
    RY_ERR_MEMORY,    /* does not fit, or an allocation failed */
    RY_ERR_CONTEXT,   /* the context window is full before an answer was possible */
    RY_ERR_VAULT,     /* database unusable */
    RY_ERR_IO,        /* reading or writing a file or descriptor failed */
    RY_ERR_INPUT,     /* untrusted data (text, JSON, ids) refused */
    RY_ERR_NUMERIC,   /* NaN or infinite logits */
    RY_ERR_CANCELLED, /* the caller's cancel flag was set */
    RY_ERR_BUSY,      /* queue full or resource locked: try again */
    RY_ERR_NOT_FOUND, /* no such session, model, key */
    RY_RC_COUNT
} ry_rc;

enum { RY_ERR_TEXT_BYTES = 1024 };

/* Filled only on failure; lives on the caller's stack. `text` is NUL-terminated UTF-8 as far as its
 * ingredients were, one line, without a trailing newline; it may quote untrusted bytes: sanitise at the sink. */
typedef struct ry_err {
    ry_rc rc;
    char text[RY_ERR_TEXT_BYTES];
} ry_err;

/* Formats into *err (which may be NULL) and returns rc, so that `return ry_err_set(err, RY_ERR_IO, ...)` reads well. */
ry_rc ry_err_set(ry_err *err, ry_rc rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same with a va_list. */
ry_rc ry_err_setv(ry_err *err, ry_rc rc, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Puts a formatted prefix and ": " before the text already there (for "PATH: ..." on the way up). */
void ry_err_prefix(ry_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Exit status of the program for a result: 0 done, 1 failed, 2 usage, 3 model, 4 context, 5 vault. */
int ry_rc_exit_code(ry_rc rc);

/* Short name of a code, for logs and tests ("model", "io"). Never NULL. */
const char *ry_rc_name(ry_rc rc);

#endif
