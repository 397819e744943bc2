/* Bringing a grid to the terminal: the only other room that includes curses. It remembers what it
 * sent, passes on the lines that changed, and ends with one doupdate. Thread: the one that owns the
 * UI. */
#ifndef RYOT_UI_DRAW_H
#define RYOT_UI_DRAW_H

#include "ui/grid.h"

/* In place; ready to use when zeroed. */
struct ry_draw {
    struct ry_grid sent; /* what curses was told */
};

void ry_draw_done(struct ry_draw *draw);

/* Sends the lines of `grid` that differ from the last call. The terminal must be open. Returns
 * their number. */
int ry_draw_flush(struct ry_draw *draw, const struct ry_grid *grid);

/* The next flush sends everything, and curses repaints from nothing. */
void ry_draw_forget(struct ry_draw *draw);

#endif
