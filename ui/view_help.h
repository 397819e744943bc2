/* The help: keys (from the keymap), slash commands (from the hall's table), and what the panels'
 * numbers mean. Thread: the one that owns the UI. */
#ifndef RYOT_UI_VIEW_HELP_H
#define RYOT_UI_VIEW_HELP_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/layout.h"
#include "ui/ui.h"

/* In place; ready to use when zeroed. */
struct ry_help {
    struct ry_layout layout;
    size_t top; /* line */
    int rows;   /* of the last draw */
};

void ry_help_done(struct ry_help *help);

/* Scrolls by lines; clipped by the next draw. */
void ry_help_scroll(struct ry_help *help, long lines);

/* Whether the hall has a command of this name (keys that stand for one are shown and work only
 * then). */
bool ry_help_has_command(const struct ry_ui_options *options, const char *name);

void ry_help_draw(struct ry_help *help, struct ry_grid *grid, struct ry_rect at,
                  const struct ry_ui_options *options);

#endif
