/* The keymap: **the** table of what keys do. It feeds dispatch, the help view and the hints. Pure;
 * any thread. */
#ifndef RYOT_UI_KEYMAP_H
#define RYOT_UI_KEYMAP_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"

enum ry_act {
    RY_ACT_NONE,
    /* the line editor */
    RY_ACT_SEND,
    RY_ACT_NEWLINE,
    RY_ACT_LINE_START,
    RY_ACT_LINE_END,
    RY_ACT_LEFT,
    RY_ACT_RIGHT,
    RY_ACT_WORD_LEFT,
    RY_ACT_WORD_RIGHT,
    RY_ACT_UP,
    RY_ACT_DOWN,
    RY_ACT_BACKSPACE,
    RY_ACT_DELETE,
    RY_ACT_DELETE_OR_QUIT,
    RY_ACT_KILL_OR_KERNEL,
    RY_ACT_KILL_START,
    RY_ACT_KILL_WORD_BACK,
    RY_ACT_KILL_WORD_BEFORE,
    RY_ACT_KILL_WORD,
    RY_ACT_YANK,
    RY_ACT_TRANSPOSE,
    RY_ACT_UNDO,
    RY_ACT_COMPLETE,
    RY_ACT_HISTORY_SEARCH,
    RY_ACT_EXTERNAL_EDIT,
    /* the chat */
    RY_ACT_PAGE_UP,
    RY_ACT_PAGE_DOWN,
    RY_ACT_TOP,
    RY_ACT_BOTTOM,
    RY_ACT_WHEEL_UP,
    RY_ACT_WHEEL_DOWN,
    RY_ACT_FIND,
    /* the program */
    RY_ACT_INTERRUPT,
    RY_ACT_ESCAPE,
    RY_ACT_SUSPEND,
    RY_ACT_REDRAW,
    RY_ACT_HELP,
    RY_ACT_PANEL_PERF,
    RY_ACT_PANEL_THREADS,
    RY_ACT_PANEL_CACHE,
    RY_ACT_THREADS_MORE,
    RY_ACT_THREADS_LESS,
    RY_ACT_SESSIONS,
    RY_ACT_COUNT
};

enum { RY_KEYS_PER_ACT = 4 };

struct ry_keymap_row {
    enum ry_act act;
    const char *name; /* "kill-word" */
    const char *help; /* one line */
    const char
        *command; /* NULL, or the slash command that the key stands for, there only with it */
    int32_t keys[RY_KEYS_PER_ACT]; /* 0 ends the list */
};

/* Rows in the order of the help, one for each action. */
const struct ry_keymap_row *ry_keymap_rows(size_t *n);

/* What a key does; RY_ACT_NONE when it is text or nothing. */
enum ry_act ry_keymap_find(int32_t key);

/* Appends the name of a key as people write it: "^A", "M-b", "F1", "^X ^E", "PgUp". */
void ry_keymap_key_name(int32_t key, ry_buf *out);

#endif
