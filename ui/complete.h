/* Completion of slash commands and their values, and the hint for what is being typed. Pure; any
 * thread. */
#ifndef RYOT_UI_COMPLETE_H
#define RYOT_UI_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/buf.h"
#include "ui/ui.h"

/* What Tab found for the draft text[0..cursor): `from` is where the completed word begins. `common`
 * holds what may be put there (the longest common start of the candidates, and a space behind a
 * single one). */
struct ry_complete {
    size_t from;
    size_t n_candidates;
    ry_buf common; /* owned by the caller: ry_buf_done */
    ry_buf list;   /* the candidates, separated by two spaces; owned likewise */
};

/* False when the draft is no command, or nothing fits (the struct is then empty). */
bool ry_complete_draft(const struct ry_ui_command *commands, size_t n, const char *text,
                       size_t cursor, struct ry_complete *out);
void ry_complete_done(struct ry_complete *c);

/* One line about the command being typed: those that fit ("/kernel  /ctx"), or its arguments and help;
 * an unknown one names the nearest. False when the draft begins with no slash. */
bool ry_complete_hint(const struct ry_ui_command *commands, size_t n, const char *text, size_t len,
                      ry_buf *out);

#endif
