/* Units, glyphs and their widths. Pure. */
#include "ui/cells.h"

#include <utf8proc.h>

#include "src/base/sanitize.h"
#include "src/base/utf8.h"

/* utf8proc counts spacing marks as nothing and conjoining jamo as one; every terminal (and libc, by
 * which curses counts) has it the other way round. */
static int cp_width(int32_t cp)
{
    if (cp < 0x300)
        return cp >= 0x20 ? 1 : 0;
    if (cp >= 0x1160 && cp <= 0x11FF)
        return 0;
    if (utf8proc_category(cp) == UTF8PROC_CATEGORY_MC)
        return 1;
    return ry_utf8_width(cp);
}

/* Joiner, variation selector: said by nothing but the sequence they stand in. */
static bool is_silent(int32_t cp)
{
    return cp == 0x200D || (cp >= 0xFE00 && cp <= 0xFE0F);
}

size_t ry_cells_glyph(const char *s, size_t len, struct ry_glyph *out)
{
    int32_t cp;
    size_t used = ry_utf8_decode(s, len, &cp);
    int w;
    if (cp < 0)
        cp = RY_UTF8_REPLACEMENT;
    w = cp_width(cp);
    if (w == 0) {
        cp = ' ';
        w = 1;
        used = 0;
    }
    out->cp[0] = cp;
    out->n = 1;
    out->width = (uint8_t)w;
    while (used < len) {
        size_t n = ry_utf8_decode(s + used, len - used, &cp);
        if (cp < 0x300 || cp_width(cp) != 0)
            break;
        if (!is_silent(cp) && out->n < RY_GLYPH_CPS)
            out->cp[out->n++] = cp;
        used += n;
    }
    return used ? used : 1;
}

static int shown_width(const char *s, size_t len)
{
    char shown[4 * RY_UNIT_BYTES];
    size_t n = ry_sanitize_fixed(s, len, shown, sizeof shown);
    struct ry_glyph glyph;
    int w = 0;
    for (size_t i = 0; i < n; w += glyph.width)
        i += ry_cells_glyph(shown + i, n - i, &glyph);
    return w;
}

size_t ry_cells_unit(const char *s, size_t len, int *width)
{
    unsigned char c = (unsigned char)s[0];
    int w;
    size_t n;
    if (c < 0x80 && (len == 1 || (unsigned char)s[1] < 0x80)) {
        n = 1;
        w = c == '\t' ? RY_TAB_CELLS : c == '\n' ? 0 : c < 0x20 || c == 0x7F ? 2 : 1;
    } else if (c == '\t' || c == '\n') {
        n = 1;
        w = c == '\t' ? RY_TAB_CELLS : 0;
    } else {
        n = ry_utf8_cluster(s, len < RY_UNIT_BYTES ? len : RY_UNIT_BYTES, NULL);
        if (n > ry_utf8_complete(s, n) && ry_utf8_complete(s, n) > 0)
            n = ry_utf8_complete(s, n);
        w = width ? shown_width(s, n) : 0;
    }
    if (width)
        *width = w;
    return n;
}

size_t ry_cells_unit_before(const char *s, size_t len)
{
    unsigned char last = (unsigned char)s[len - 1];
    if (last < 0x80)
        return 1;
    /* Clusters are found forwards only: start where one surely begins, behind an ASCII byte or far
     * enough back. */
    size_t from = len - 1, n = 1;
    while (from > 0 && len - from < 4 * RY_UNIT_BYTES && (unsigned char)s[from] >= 0x80)
        from--;
    while (from < len && ((unsigned char)s[from] & 0xC0) == 0x80)
        from++;
    if (from >= len)
        return 1;
    while (from < len) {
        n = ry_cells_unit(s + from, len - from, NULL);
        from += n;
    }
    return n;
}

int ry_cells_width(const char *s, size_t len)
{
    int w, sum = 0;
    for (size_t i = 0; i < len; sum += w)
        i += ry_cells_unit(s + i, len - i, &w);
    return sum;
}

size_t ry_cells_fit(const char *s, size_t len, int max, int *width)
{
    size_t i = 0;
    int w, sum = 0;
    while (i < len) {
        size_t n = ry_cells_unit(s + i, len - i, &w);
        if (sum + w > max)
            break;
        sum += w;
        i += n;
    }
    if (width)
        *width = sum;
    return i;
}
