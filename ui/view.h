/* What can stand on the screen: a view is a title, a wish for rows and a way to draw itself. Views
 * read the view model and draw into a grid; they know neither terminal nor keys. Thread: the one
 * that owns the UI. */
#ifndef RYOT_UI_VIEW_H
#define RYOT_UI_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/grid.h"
#include "ui/ui.h"

struct ry_view {
    const char *title; /* "F2 performance" */
    /* Rows that it would fill at a width; the screen may give fewer. */
    int (*want_rows)(const struct ry_ui_model *model, int cols);
    void (*draw)(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_model *model);
};

extern const struct ry_view ry_panel_perf, ry_panel_threads, ry_panel_cache;

/* Title line and status line. */
void ry_status_draw_title(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_model *model);

/* keys[0..n): lines of key hints, longest first: the first that fits is shown. */
void ry_status_draw(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_model *model,
                    const char *const *keys, size_t n);

/* One line "label value" of a panel; returns the cells used. */
int ry_panel_field(struct ry_grid *grid, struct ry_rect at, int row, int col, const char *label,
                   const char *value);

#endif
