/* The line editor: text, cursor, kill buffer, undo. Pure: no screen, no keys. The text is raw
 * bytes: what was typed or pasted, escapes and ill-formed UTF-8 included; moving and deleting go by
 * units (ui/cells.h). Functions that change the text do nothing when memory runs out. Thread: one
 * owner. */
#ifndef RYOT_UI_EDITOR_H
#define RYOT_UI_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"

enum { RY_EDITOR_UNDOS = 200 };

struct ry_editor_state {
    char *text; /* owned */
    size_t len, cursor;
};

struct ry_editor {
    ry_buf text;
    size_t cursor; /* 0..text.len, on a unit boundary */
    ry_buf kill;
    int goal_column;  /* cells, kept while moving up and down; -1: none */
    uint64_t version; /* changes with every change of the text */
    uint8_t last;     /* kind of the last change: typing coalesces, kills append */
    size_t n_undo;
    struct ry_editor_state undo[RY_EDITOR_UNDOS]; /* [n_undo], newest last */
    size_t undo_bytes;
};

/* Ready to use when zeroed (goal_column is set by the first move). */
void ry_editor_done(struct ry_editor *ed);

/* Inserts at the cursor. In a paste (`paste`), CR LF and CR become a newline. */
void ry_editor_insert(struct ry_editor *ed, const char *s, size_t len, bool paste);

/* Replaces everything, cursor at the end; can be undone. */
void ry_editor_set(struct ry_editor *ed, const char *s, size_t len);

/* Replaces the bytes from..to (from <= to <= len); the cursor goes behind what was put there. */
void ry_editor_replace(struct ry_editor *ed, size_t from, size_t to, const char *s, size_t len);

void ry_editor_left(struct ry_editor *ed);
void ry_editor_right(struct ry_editor *ed);
void ry_editor_word_left(struct ry_editor *ed);
void ry_editor_word_right(struct ry_editor *ed);
void ry_editor_line_start(struct ry_editor *ed);
void ry_editor_line_end(struct ry_editor *ed);

/* One row up or down, rows being `width` cells wide as shown. False on the first or last row. */
bool ry_editor_up(struct ry_editor *ed, int width);
bool ry_editor_down(struct ry_editor *ed, int width);

void ry_editor_backspace(struct ry_editor *ed);
void ry_editor_delete(struct ry_editor *ed);

/* Kills: consecutive ones collect in the kill buffer. To the end of the line (its newline when
 * there already), to its start, back to white space, the word before, the word behind. */
void ry_editor_kill_end(struct ry_editor *ed);
void ry_editor_kill_start(struct ry_editor *ed);
void ry_editor_kill_to_space(struct ry_editor *ed);
void ry_editor_kill_word_before(struct ry_editor *ed);
void ry_editor_kill_word(struct ry_editor *ed);
void ry_editor_yank(struct ry_editor *ed);
void ry_editor_transpose(struct ry_editor *ed);

/* Takes back the last change (a run of typing is one). False when there is none. */
bool ry_editor_undo(struct ry_editor *ed);

/* Row and column (0..width: a cursor behind a full row needs one cell more) of byte `at`, and the
 * number of rows. */
void ry_editor_locate(const struct ry_editor *ed, int width, size_t at, int *row, int *col,
                      int *n_rows);

#endif
