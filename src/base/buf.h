/* A growable byte buffer, always NUL-terminated behind its length once anything was appended.
 *
 * Failure is sticky: after an allocation fails, `failed` stays set and appends do nothing, so that a
 * sequence of appends needs one check at its end. Thread: one owner. */
#ifndef RYOT_BASE_BUF_H
#define RYOT_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct ry_buf {
    char *data; /* owned; NULL while empty and never grown */
    size_t len, cap;
    bool failed;
} ry_buf;

/* Ready to use when zeroed. */
void ry_buf_init(ry_buf *buf);
void ry_buf_done(ry_buf *buf);

/* Room for `extra` more bytes (and a NUL). False when out of memory. */
bool ry_buf_reserve(ry_buf *buf, size_t extra);

bool ry_buf_add(ry_buf *buf, const void *bytes, size_t len);
bool ry_buf_adds(ry_buf *buf, const char *s);
bool ry_buf_addc(ry_buf *buf, char c);
bool ry_buf_addf(ry_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool ry_buf_addv(ry_buf *buf, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Removes the first n bytes (n <= len). */
void ry_buf_drop_front(ry_buf *buf, size_t n);

/* len = 0, memory kept, failure forgotten. */
void ry_buf_clear(ry_buf *buf);

/* Contents as a NUL-terminated string; "" when empty. Borrowed until the next change. */
const char *ry_buf_str(const ry_buf *buf);

/* Moves the memory to the caller (free with ry_mem_free) and empties the buffer. NULL when failed. */
char *ry_buf_take(ry_buf *buf);

#endif
