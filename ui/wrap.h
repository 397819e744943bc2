/* Breaking text into rows. Breaks come at newlines, behind spaces and hyphens, around wide
 * characters (but not before closing punctuation), and within a word only when it is wider than a
 * row. Pure; any thread. */
#ifndef RYOT_UI_WRAP_H
#define RYOT_UI_WRAP_H

#include <stdbool.h>
#include <stddef.h>

struct ry_wrap {
    const char *s; /* borrowed */
    size_t len, pos;
    bool words; /* false: break anywhere (code) */
    bool done;
};

struct ry_wrap_row {
    size_t start, len; /* without the spaces at a soft break and without the newline */
    size_t next;       /* start of the following row */
    int width;         /* cells of start..start+len */
    bool hard;         /* ended by a newline or by the end of the text */
};

void ry_wrap_begin(struct ry_wrap *wrap, const char *s, size_t len, bool words);

/* Next row of at most `width` cells (at least one unit, however narrow). False behind the last one.
 * Text that is empty, or ends with a newline, has a last empty row. */
bool ry_wrap_next(struct ry_wrap *wrap, int width, struct ry_wrap_row *row);

#endif
