/* Finding text without regard to case: a plain scan, since what is searched is a screenful to a few
 * megabytes. */
#include "ui/find.h"

#include <stdint.h>

#include <utf8proc.h>

#include "src/base/utf8.h"

static size_t lower(const char *s, size_t len, int32_t *cp)
{
    unsigned char c = (unsigned char)s[0];
    if (c < 0x80) {
        *cp = c >= 'A' && c <= 'Z' ? c + 0x20 : c;
        return 1;
    }
    size_t n = ry_utf8_decode(s, len, cp);
    *cp = *cp < 0 ? RY_UTF8_REPLACEMENT : utf8proc_tolower(*cp);
    return n;
}

/* Bytes of s that the needle matches at its start; 0: it does not. */
static size_t match(const char *s, size_t len, const char *needle, size_t n)
{
    size_t i = 0, k = 0;
    while (k < n) {
        int32_t a, b;
        if (i >= len)
            return 0;
        i += lower(s + i, len - i, &a);
        k += lower(needle + k, n - k, &b);
        if (a != b)
            return 0;
    }
    return i;
}

size_t ry_find(const char *s, size_t len, const char *needle, size_t n, size_t from, size_t *at)
{
    for (size_t i = from; n > 0 && i < len; i++) {
        size_t bytes = match(s + i, len - i, needle, n);
        if (bytes) {
            *at = i;
            return bytes;
        }
    }
    return 0;
}

size_t ry_find_last(const char *s, size_t len, const char *needle, size_t n, size_t before,
                    size_t *at)
{
    for (size_t i = before < len ? before : len; n > 0 && i-- > 0;) {
        size_t bytes = match(s + i, len - i, needle, n);
        if (bytes) {
            *at = i;
            return bytes;
        }
    }
    return 0;
}
