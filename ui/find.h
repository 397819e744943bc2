/* Finding text without regard to case. Pure; any thread. */
#ifndef RYOT_UI_FIND_H
#define RYOT_UI_FIND_H

#include <stdbool.h>
#include <stddef.h>

/* First match of needle[0..n) in s[0..len) at or behind `from`, comparing code points by their
 * lower case. Sets *at to its offset and returns the bytes it takes in s; 0 when there is none or
 * the needle is empty. */
size_t ry_find(const char *s, size_t len, const char *needle, size_t n, size_t from, size_t *at);

/* The last match that begins before `before`. */
size_t ry_find_last(const char *s, size_t len, const char *needle, size_t n, size_t before,
                    size_t *at);

#endif
