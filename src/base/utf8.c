/* UTF-8 decoding, encoding and widths. Pure; any thread. Tables come from utf8proc. */
#include "src/base/utf8.h"

#include <utf8proc.h>

size_t ry_utf8_decode(const char *s, size_t len, int32_t *cp)
{
    const unsigned char *p = (const unsigned char *)s;
    unsigned char b = p[0];
    unsigned lo = 0x80,
             hi = 0xBF; /* range of the second byte, narrower for E0 ED F0 F4 (RFC 3629, 4) */
    size_t need;
    int32_t v;
    if (b < 0x80) {
        *cp = b;
        return 1;
    }
    *cp = -1;
    if (b >= 0xC2 && b <= 0xDF) {
        need = 1;
        v = b & 0x1F;
    } else if (b >= 0xE0 && b <= 0xEF) {
        need = 2;
        v = b & 0x0F;
        lo = b == 0xE0 ? 0xA0 : 0x80;
        hi = b == 0xED ? 0x9F : 0xBF;
    } else if (b >= 0xF0 && b <= 0xF4) {
        need = 3;
        v = b & 0x07;
        lo = b == 0xF0 ? 0x90 : 0x80;
        hi = b == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 1;
    }
    for (size_t i = 1; i <= need; i++) {
        if (i >= len || p[i] < lo || p[i] > hi)
            return i;
        v = v << 6 | (p[i] & 0x3F);
        lo = 0x80;
        hi = 0xBF;
    }
    *cp = v;
    return need + 1;
}

size_t ry_utf8_encode(int32_t cp, char out[RY_UTF8_MAX_BYTES])
{
    if (cp < 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
        return 0;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

bool ry_utf8_valid(const char *s, size_t len, size_t *bad)
{
    for (size_t i = 0; i < len;) {
        int32_t cp;
        size_t n = ry_utf8_decode(s + i, len - i, &cp);
        if (cp < 0) {
            if (bad)
                *bad = i;
            return false;
        }
        i += n;
    }
    return true;
}

size_t ry_utf8_complete(const char *s, size_t len)
{
    /* A sequence that could still grow starts within the last three bytes and its decoding runs into the end. */
    for (size_t back = len < 3 ? len : 3; back > 0; back--) {
        size_t at = len - back;
        unsigned char b = (unsigned char)s[at];
        if (b < 0xC2 || b > 0xF4)
            continue;
        size_t want = b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
        int32_t cp;
        if (want > back && ry_utf8_decode(s + at, back, &cp) == back && cp < 0)
            return at;
    }
    return len;
}

int ry_utf8_width(int32_t cp)
{
    if (cp < 0)
        return 1;
    if (cp == 0x200D || (cp >= 0xFE00 && cp <= 0xFE0F))
        return 0;
    int w = utf8proc_charwidth(cp);
    return w < 0 ? 0 : w > 2 ? 2 : w;
}

size_t ry_utf8_cluster(const char *s, size_t len, int *width)
{
    int32_t cp, next;
    size_t n = ry_utf8_decode(s, len, &cp);
    int w = ry_utf8_width(cp);
    utf8proc_int32_t state = 0;
    while (n < len && cp >= 0) {
        size_t m = ry_utf8_decode(s + n, len - n, &next);
        if (next < 0 || utf8proc_grapheme_break_stateful(cp, next, &state))
            break;
        /* VS16 asks for the emoji form; two regional indicators make one flag. */
        bool flag = cp >= 0x1F1E6 && cp <= 0x1F1FF && next >= 0x1F1E6 && next <= 0x1F1FF;
        int wn = flag || (next == 0xFE0F && w > 0) ? 2 : ry_utf8_width(next);
        if (wn > w)
            w = wn;
        n += m;
        cp = next;
    }
    if (width)
        *width = w;
    return n;
}

int ry_utf8_cells(const char *s, size_t len)
{
    int cells = 0, w;
    for (size_t i = 0; i < len; cells += w)
        i += ry_utf8_cluster(s + i, len - i, &w);
    return cells;
}
