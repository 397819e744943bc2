/* The screen as cells, before curses sees it: what views and panels draw into.
 *
 * Every text goes through the sanitiser here, at the sink. Coordinates outside the grid are
 * clipped, so that no view needs to know how small the terminal is. It knows no curses; ui/draw.c
 * brings a grid to the terminal. Thread: the one that owns the UI. */
#ifndef RYOT_UI_GRID_H
#define RYOT_UI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "ui/cells.h"

/* An attribute is a meaning, which the theme gives a colour, and flags that may be added to it. */
enum ry_attr {
    RY_AT_TEXT,
    RY_AT_DIM,     /* remarks, labels, rules */
    RY_AT_TITLE,   /* the program's name, panel titles */
    RY_AT_USER,    /* what the person said */
    RY_AT_RYOT,    /* the label of an answer */
    RY_AT_HEADING, /* a heading in an answer */
    RY_AT_CODE,    /* inline and block code */
    RY_AT_LINK,
    RY_AT_GOOD,
    RY_AT_WARN,
    RY_AT_ERROR,
    RY_AT_BAR, /* the ink of bars and sparklines */
    RY_AT_KEY, /* names of keys */
    RY_AT_COUNT,

    RY_AT_BOLD = 0x0100,
    RY_AT_ITALIC = 0x0200,
    RY_AT_UNDERLINE = 0x0400,
    RY_AT_REVERSE = 0x0800,
    RY_AT_MEANING = 0x00FF
};

struct ry_cell {
    struct ry_glyph glyph; /* n == 0: the right half of the wide glyph before it */
    uint16_t attr;
};

struct ry_grid {
    int rows, cols;
    struct ry_cell *cells;  /* [rows, cols] row-major, owned */
    int cursor_y, cursor_x; /* cursor_y < 0: hidden */
    bool ascii;             /* no box or block characters */
    ry_buf scratch;
};

struct ry_rect {
    int y, x, rows, cols;
};

/* In place; a zeroed grid is empty. Resizing clears. False when out of memory (the grid is then 0 x
 * 0). */
bool ry_grid_resize(struct ry_grid *grid, int rows, int cols);
void ry_grid_done(struct ry_grid *grid);

/* Blanks everything and hides the cursor. */
void ry_grid_clear(struct ry_grid *grid);

/* Draws one line of text at (y, x), at most `max` cells of it. Returns the cells used. */
int ry_grid_put(struct ry_grid *grid, int y, int x, int max, unsigned attr, const char *s,
                size_t len);
int ry_grid_puts(struct ry_grid *grid, int y, int x, int max, unsigned attr, const char *s);
int ry_grid_putf(struct ry_grid *grid, int y, int x, int max, unsigned attr, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* n cells of one narrow code point. */
void ry_grid_fill(struct ry_grid *grid, int y, int x, int n, unsigned attr, int32_t cp);

/* Lines and corners, by name; ASCII where box characters are not to be had. */
enum ry_box {
    RY_BOX_H,
    RY_BOX_V,
    RY_BOX_TL,
    RY_BOX_TR,
    RY_BOX_BL,
    RY_BOX_BR,
    RY_BOX_T_DOWN,
    RY_BOX_T_UP,
    RY_BOX_T_RIGHT,
    RY_BOX_COUNT
};
int32_t ry_grid_box(const struct ry_grid *grid, enum ry_box part);

/* Adds flags (RY_AT_REVERSE ...) to n cells. */
void ry_grid_flag(struct ry_grid *grid, int y, int x, int n, unsigned flags);

#endif
