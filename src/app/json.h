/* Writing JSON into a buffer. Reading is cJSON's. Pure; any thread. */
#ifndef RYOT_APP_JSON_H
#define RYOT_APP_JSON_H

#include <stddef.h>

#include "src/base/buf.h"

/* s[0..len) as a JSON string with its quotes (RFC 8259): control characters escaped, invalid
 * UTF-8 replaced by U+FFFD, everything else as it is. */
void ry_json_string(ry_buf *out, const char *s, size_t len);

/* `"key": ` and the NUL-terminated string s, or null when s is NULL. */
void ry_json_field(ry_buf *out, const char *key, const char *s);

/* `"key": ` and x with up to 6 significant digits after trimming; null when x is NaN or
 * infinite. */
void ry_json_number(ry_buf *out, const char *key, double x);

#endif
