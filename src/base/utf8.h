/* UTF-8: decoding, strict (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF), encoding, and
 * cell widths. Pure functions; any thread. The sanitiser for the screen is in sanitize.h. */
#ifndef RYOT_BASE_UTF8_H
#define RYOT_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RY_UTF8_REPLACEMENT = 0xFFFD, RY_UTF8_MAX_BYTES = 4 };

/* Decodes one code point at s[0..len), len > 0. Returns the bytes taken (1..4) and sets *cp.
 * Malformed: *cp = -1 and the length of the maximal bad prefix (Unicode 3.9, "substitution of maximal
 * subparts") is returned, at least 1. */
size_t ry_utf8_decode(const char *s, size_t len, int32_t *cp);

/* Encodes cp (0..10FFFF, no surrogate) into out[4]; returns 1..4, or 0 when cp is none. */
size_t ry_utf8_encode(int32_t cp, char out[RY_UTF8_MAX_BYTES]);

/* Whether all of s[0..len) is well-formed; on failure *bad (may be NULL) is the offset of the first bad byte. */
bool ry_utf8_valid(const char *s, size_t len, size_t *bad);

/* Length of the longest prefix of s[0..len) that does not end inside a sequence which more bytes could
 * complete. What lies behind it (0..3 bytes) is the tail that a streaming writer holds back. */
size_t ry_utf8_complete(const char *s, size_t len);

/* Columns that a code point takes on a terminal: 0 (combining, ZWJ, controls), 1 or 2. From utf8proc;
 * ambiguous width is 1. */
int ry_utf8_width(int32_t cp);

/* Bytes of the extended grapheme cluster (UAX 29) that starts at s[0..len), len > 0, and its width in
 * cells in *width (may be NULL): 2 for emoji sequences with VS16 or ZWJ, else the widest of its code points. */
size_t ry_utf8_cluster(const char *s, size_t len, int *width);

/* Sum of the widths of the clusters of s[0..len). */
int ry_utf8_cells(const char *s, size_t len);

#endif
