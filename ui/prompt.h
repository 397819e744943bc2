/* The prompt: the draft as rows on the screen, with the cursor. What it shows is worked out again
 * only when the draft, the cursor or the room changed, so that a large draft costs nothing while an
 * answer streams. Thread: the one that owns the UI. */
#ifndef RYOT_UI_PROMPT_H
#define RYOT_UI_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "ui/editor.h"
#include "ui/grid.h"
#include "ui/wrap.h"

enum { RY_PROMPT_ROWS = 10 };

/* In place; ready to use when zeroed. */
struct ry_prompt {
    struct ry_editor ed;
    struct { /* worked out for these */
        uint64_t version;
        size_t cursor;
        int width, max_rows;
        bool any;
    } key;
    struct ry_wrap_row rows[RY_PROMPT_ROWS]; /* the rows shown */
    int n_shown, n_rows, top, row, col; /* rows shown and in all; first shown; the cursor's place */
};

void ry_prompt_done(struct ry_prompt *prompt);

/* Cells of a row of the draft at a screen width: without the mark before it and a cell for the
 * cursor behind. */
int ry_prompt_width(int cols);

/* Rows that the draft wants, at most max_rows (1..RY_PROMPT_ROWS). */
int ry_prompt_rows(struct ry_prompt *prompt, int cols, int max_rows);

/* Draws it into `at` and puts the grid's cursor there. */
void ry_prompt_draw(struct ry_prompt *prompt, struct ry_grid *grid, struct ry_rect at);

#endif
