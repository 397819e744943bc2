/* Units of text and how many cells they take on a terminal that is addressed through curses.
 *
 * A *unit* is a grapheme cluster (UAX 29), what a cursor steps over. A *glyph* is what one curses
 * cell can hold: a base code point and up to four marks. Most units are one glyph; an emoji
 * sequence is several, drawn side by side: the fallback of UTS 51 (2.2) for displays that cannot
 * join them, which keeps every column in its place whatever the terminal itself would do. Pure; any
 * thread. */
#ifndef RYOT_UI_CELLS_H
#define RYOT_UI_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RY_GLYPH_CPS = 5, RY_TAB_CELLS = 4, RY_UNIT_BYTES = 64 };

struct ry_glyph {
    int32_t cp[RY_GLYPH_CPS]; /* base, then marks */
    uint8_t n, width;         /* n 1..5; width 1 or 2 */
};

/* Reads one glyph from sanitised text s[0..len), len > 0. Returns the bytes taken (joiners,
 * selectors and marks beyond the fourth included). A mark without a base comes out on a blank. */
size_t ry_cells_glyph(const char *s, size_t len, struct ry_glyph *out);

/* Bytes of the unit at s[0..len), len > 0, of any text, raw or sanitised (at most RY_UNIT_BYTES:
 * longer clusters come in pieces), and in *width (may be NULL) the cells of its sanitised form;
 * tab: RY_TAB_CELLS, newline: 0. */
size_t ry_cells_unit(const char *s, size_t len, int *width);

/* Bytes of the unit that ends at s[0..len), len > 0. */
size_t ry_cells_unit_before(const char *s, size_t len);

/* Sum over the units. */
int ry_cells_width(const char *s, size_t len);

/* Longest prefix of whole units that takes at most `max` cells; its cells in *width (may be NULL).
 */
size_t ry_cells_fit(const char *s, size_t len, int max, int *width);

#endif
