/* The sanitiser. One code point at a time: classify it, settle what was held back, write.
 *
 * Sources: the bidi and default-ignorable sets are those of Unicode 15 (UAX 9,
 * DerivedCoreProperties); emoji sequences follow UTS 51, 1.4.2 and 2.5. Variation selectors beyond
 * VS16 carry no emoji and are a known way to smuggle bytes, so that they are marked like tags. */
#include "src/base/sanitize.h"

#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

enum { CP_CR = 0x0D, CP_ZWJ = 0x200D, CP_VS15 = 0xFE0E, CP_VS16 = 0xFE0F, CP_KEYCAP = 0x20E3 };

/* Where the bytes go: a growing buffer, or an array of a fixed size. */
struct sink {
    ry_buf *buf;
    char *fixed;
    size_t len, size;
    bool full;
};

static bool between(int32_t cp, int32_t lo, int32_t hi)
{
    return cp >= lo && cp <= hi;
}

static bool is_direction(int32_t cp)
{
    return between(cp, 0x202A, 0x202E) || between(cp, 0x2066, 0x2069) || cp == 0x200E ||
           cp == 0x200F || cp == 0x061C || cp == 0x2028 || cp == 0x2029;
}

/* Characters that take no ink: a reader would not know that they are there. ZWJ and VS15/16 have
 * rules of their own; ZWNJ is kept where a script needs it (behind a letter beyond Latin). */
static bool is_hidden(int32_t cp)
{
    return cp == 0x00AD || cp == 0x034F || between(cp, 0x115F, 0x1160) ||
           between(cp, 0x17B4, 0x17B5) || between(cp, 0x180B, 0x180F) || cp == 0x200B ||
           between(cp, 0x2060, 0x2065) || between(cp, 0x206A, 0x206F) || cp == 0x3164 ||
           between(cp, 0xFE00, 0xFE0D) || cp == 0xFEFF || cp == 0xFFA0 ||
           between(cp, 0xFFF0, 0xFFFB) || between(cp, 0x1BCA0, 0x1BCA3) ||
           between(cp, 0x1D173, 0x1D17A) || between(cp, 0xE0000, 0xE0FFF);
}

static bool is_pictograph(int32_t cp)
{
    return cp > 0xA8 &&
           utf8proc_get_property(cp)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static bool is_keycap_base(int32_t cp)
{
    return between(cp, '0', '9') || cp == '#' || cp == '*';
}

static bool is_mark(int32_t cp)
{
    utf8proc_category_t c;
    if (cp < 0x300)
        return false;
    c = utf8proc_category(cp);
    return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME || c == UTF8PROC_CATEGORY_MC ||
           (c == UTF8PROC_CATEGORY_CF && ry_utf8_width(cp) == 0);
}

static void put_bytes(struct sink *to, const char *s, size_t n)
{
    if (to->buf) {
        ry_buf_add(to->buf, s, n);
    } else if (!to->full && n < to->size - to->len) {
        memcpy(to->fixed + to->len, s, n);
        to->len += n;
    } else {
        to->full = true;
    }
}

static void put_cp(struct sink *to, int32_t cp)
{
    char bytes[RY_UTF8_MAX_BYTES];
    put_bytes(to, bytes, ry_utf8_encode(cp, bytes));
}

/* A visible stand-in that takes cells, and which a mark may follow. */
static void put_shown(struct ry_sanitize *san, struct sink *to, const char *text)
{
    put_bytes(to, text, strlen(text));
    san->base = '>';
    san->n_marks = 0;
    san->emoji = false;
}

static void put_base(struct ry_sanitize *san, struct sink *to, int32_t cp)
{
    put_cp(to, cp);
    san->base = cp;
    san->n_marks = 0;
    san->emoji = is_pictograph(cp);
}

static void put_control(struct ry_sanitize *san, struct sink *to, int32_t cp)
{
    char shown[3] = {'^', (char)(cp ^ 0x40), '\0'};
    put_shown(san, to, shown);
}

static void put_number(struct ry_sanitize *san, struct sink *to, const char *fmt, int32_t cp)
{
    char shown[16];
    snprintf(shown, sizeof shown, fmt, (unsigned)cp);
    put_shown(san, to, shown);
}

static void put_newline(struct ry_sanitize *san, struct sink *to, char c)
{
    put_bytes(to, san->mode == RY_SANITIZE_LINE ? " " : &c, 1);
    san->base = 0;
    san->n_marks = 0;
    san->emoji = false;
}

static void put_mark(struct ry_sanitize *san, struct sink *to, int32_t cp)
{
    if (!san->base)
        put_base(san, to, RY_SANITIZE_MARKER);
    if (san->n_marks == RY_SANITIZE_MAX_MARKS)
        return;
    put_cp(to, cp);
    san->n_marks++;
    san->emoji = false;
}

/* A skin tone belongs to the emoji before it, which a joiner may still extend. */
static void put_skin(struct ry_sanitize *san, struct sink *to, int32_t cp)
{
    put_cp(to, cp);
    san->n_marks = 1;
}

/* What was held back meets its successor (next = 0: the end). True when that took the successor
 * too. */
static bool settle(struct ry_sanitize *san, struct sink *to, int32_t next)
{
    int32_t held = san->held;
    san->held = 0;
    if (held == CP_CR) {
        if (next != '\n')
            put_control(san, to, CP_CR);
        return false;
    }
    if (held == CP_ZWJ && is_pictograph(next)) {
        put_cp(to, CP_ZWJ);
        put_base(san, to, next);
        return true;
    }
    if (held == CP_VS16 && next == CP_KEYCAP) {
        put_cp(to, CP_VS16);
        put_cp(to, CP_KEYCAP);
        san->n_marks = 2;
        return true;
    }
    if (held)
        put_base(san, to, RY_SANITIZE_MARKER);
    return false;
}

static void joiner(struct ry_sanitize *san, struct sink *to, int32_t cp)
{
    bool first = san->n_marks == 0;
    if (cp == CP_ZWJ && san->emoji) {
        san->held = cp;
    } else if (cp != CP_ZWJ && san->emoji && first && is_pictograph(san->base)) {
        put_cp(to, cp);
        san->n_marks = 1;
    } else if (cp == CP_VS16 && first && is_keycap_base(san->base)) {
        san->held = cp;
    } else {
        put_base(san, to, RY_SANITIZE_MARKER);
    }
}

static void step(struct ry_sanitize *san, struct sink *to, int32_t cp)
{
    if (san->held && settle(san, to, cp))
        return;
    if (cp == '\n' || cp == '\t')
        put_newline(san, to, (char)cp);
    else if (cp == CP_CR)
        san->held = cp;
    else if (cp < 0x20 || cp == 0x7F)
        put_control(san, to, cp);
    else if (cp < 0x7F)
        put_base(san, to, cp);
    else if (cp < 0xA0 || is_direction(cp))
        put_number(san, to, "<U+%04X>", cp);
    else if (cp == CP_ZWJ || cp == CP_VS15 || cp == CP_VS16)
        joiner(san, to, cp);
    else if (is_hidden(cp) || (cp == 0x200C && san->base < 0x300))
        put_base(san, to, RY_SANITIZE_MARKER);
    else if (between(cp, 0xFDD0, 0xFDEF) || (cp & 0xFFFE) == 0xFFFE)
        put_base(san, to, RY_UTF8_REPLACEMENT);
    else if (between(cp, 0x1F3FB, 0x1F3FF) && san->emoji && san->n_marks == 0)
        put_skin(san, to, cp);
    else if (is_mark(cp))
        put_mark(san, to, cp);
    else
        put_base(san, to, cp);
}

static void bad_bytes(struct ry_sanitize *san, struct sink *to, const char *s, size_t n)
{
    unsigned char c = (unsigned char)s[0];
    settle(san, to, 0);
    if (n == 1 && c >= 0x80 && c < 0xA0)
        put_number(san, to, "<%02X>", c);
    else
        put_base(san, to, RY_UTF8_REPLACEMENT);
}

static void run(struct ry_sanitize *san, struct sink *to, const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        int32_t cp;
        size_t n = ry_utf8_decode(s + i, len - i, &cp);
        if (cp < 0)
            bad_bytes(san, to, s + i, n);
        else
            step(san, to, cp);
        i += n;
    }
}

/* Completes the sequence that the last push left open, from the front of s. Returns the bytes used.
 */
static size_t finish_part(struct ry_sanitize *san, struct sink *to, const char *s, size_t len)
{
    size_t used = 0;
    while (san->n_part && used < len) {
        char joined[RY_UTF8_MAX_BYTES + 1];
        size_t n = san->n_part;
        memcpy(joined, san->part, n);
        joined[n] = s[used];
        size_t whole = ry_utf8_complete(joined, n + 1);
        if (whole == 0) {
            san->part[san->n_part++] = s[used++];
            continue;
        }
        /* It is a code point now, or the new byte does not belong to it and is read again. */
        int32_t cp;
        bool fits = ry_utf8_decode(joined, n + 1, &cp) == n + 1 && cp >= 0;
        san->n_part = 0;
        run(san, to, joined, fits ? n + 1 : n);
        return fits ? used + 1 : used;
    }
    return used;
}

static void push(struct ry_sanitize *san, struct sink *to, const char *s, size_t len)
{
    size_t from = finish_part(san, to, s, len);
    size_t whole = from + ry_utf8_complete(s + from, len - from);
    run(san, to, s + from, whole - from);
    if (whole < len) {
        memcpy(san->part, s + whole, len - whole);
        san->n_part = (uint8_t)(len - whole);
    }
}

static void flush(struct ry_sanitize *san, struct sink *to)
{
    size_t n = san->n_part;
    san->n_part = 0;
    run(san, to, san->part, n);
    settle(san, to, 0);
    ry_sanitize_init(san, san->mode);
}

void ry_sanitize_init(struct ry_sanitize *san, enum ry_sanitize_mode mode)
{
    *san = (struct ry_sanitize){.mode = mode};
}

bool ry_sanitize_push(struct ry_sanitize *san, const char *s, size_t len, ry_buf *out)
{
    struct sink to = {.buf = out};
    push(san, &to, s, len);
    return !out->failed;
}

bool ry_sanitize_flush(struct ry_sanitize *san, ry_buf *out)
{
    struct sink to = {.buf = out};
    flush(san, &to);
    return !out->failed;
}

static bool whole(const char *s, size_t len, enum ry_sanitize_mode mode, ry_buf *out)
{
    struct ry_sanitize san;
    ry_sanitize_init(&san, mode);
    ry_sanitize_push(&san, s, len, out);
    return ry_sanitize_flush(&san, out);
}

bool ry_sanitize_text(const char *s, size_t len, ry_buf *out)
{
    return whole(s, len, RY_SANITIZE_TEXT, out);
}

bool ry_sanitize_line(const char *s, size_t len, ry_buf *out)
{
    return whole(s, len, RY_SANITIZE_LINE, out);
}

size_t ry_sanitize_fixed(const char *s, size_t len, char *out, size_t size)
{
    struct sink to = {.fixed = out, .size = size};
    struct ry_sanitize san;
    ry_sanitize_init(&san, RY_SANITIZE_LINE);
    push(&san, &to, s, len);
    flush(&san, &to);
    out[to.len] = '\0';
    return to.len;
}
