/* Result codes and error texts. Any thread; no state. */
#include "src/base/err.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_code;
} rc_table[] = {
    [RY_OK] = {"ok", 0},
    [RY_FAIL] = {"failed", 1},
    [RY_ERR_USAGE] = {"usage", 2},
    [RY_ERR_MODEL] = {"model", 3},
    [RY_ERR_MEMORY] = {"memory", 3},
    [RY_ERR_CONTEXT] = {"context", 4},
    [RY_ERR_VAULT] = {"vault", 5},
    [RY_ERR_IO] = {"io", 1},
    [RY_ERR_INPUT] = {"input", 1},
    [RY_ERR_NUMERIC] = {"numeric", 1},
    [RY_ERR_CANCELLED] = {"cancelled", 1},
    [RY_ERR_BUSY] = {"busy", 1},
    [RY_ERR_NOT_FOUND] = {"not found", 1},
};
_Static_assert(sizeof rc_table / sizeof rc_table[0] == RY_RC_COUNT, "a row for every result code");

ry_rc ry_err_setv(ry_err *err, ry_rc rc, const char *fmt, va_list ap)
{
    if (err) {
        err->rc = rc;
        vsnprintf(err->text, sizeof err->text, fmt, ap);
    }
    return rc;
}

ry_rc ry_err_set(ry_err *err, ry_rc rc, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    ry_err_setv(err, rc, fmt, ap);
    va_end(ap);
    return rc;
}

void ry_err_prefix(ry_err *err, const char *fmt, ...)
{
    if (!err)
        return;
    char old[RY_ERR_TEXT_BYTES];
    memcpy(old, err->text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n + 3 > sizeof err->text)
        return;
    /* What does not fit behind the prefix is cut, on purpose: so it is copied by count. */
    size_t at = (size_t)n + 2, len = strnlen(old, sizeof old), room = sizeof err->text - 1 - at;
    size_t take = len < room ? len : room;
    memcpy(err->text + n, ": ", 2);
    memcpy(err->text + at, old, take);
    err->text[at + take] = '\0';
}

int ry_rc_exit_code(ry_rc rc)
{
    return (unsigned)rc < RY_RC_COUNT ? rc_table[rc].exit_code : 1;
}

const char *ry_rc_name(ry_rc rc)
{
    return (unsigned)rc < RY_RC_COUNT ? rc_table[rc].name : "unknown";
}
