/* The terminal: entering and leaving curses mode, colours, keys, and coming back after a crash.
 *
 * One of the two rooms that include curses (the other is draw). Keys leave as codes of our own,
 * pastes as bytes. There is one terminal in a process; its thread is the one that owns the UI, the
 * emergency path apart. */
#ifndef RYOT_UI_TERM_H
#define RYOT_UI_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/err.h"

/* A key: a code point (controls as 0x00..0x1F, 0x7F), or one of these; RY_KEY_ALT and RY_KEY_CTRL_X
 * (typed after ^X) may be added. */
enum ry_key {
    RY_KEY_NONE = 0x110000,
    RY_KEY_UP,
    RY_KEY_DOWN,
    RY_KEY_LEFT,
    RY_KEY_RIGHT,
    RY_KEY_HOME,
    RY_KEY_END,
    RY_KEY_PAGE_UP,
    RY_KEY_PAGE_DOWN,
    RY_KEY_BACKSPACE,
    RY_KEY_DELETE,
    RY_KEY_BACKTAB,
    RY_KEY_WORD_LEFT, /* Ctrl-Left and Ctrl-Right */
    RY_KEY_WORD_RIGHT,
    RY_KEY_WHEEL_UP,
    RY_KEY_WHEEL_DOWN,
    RY_KEY_RESIZE,
    RY_KEY_PASTE, /* a whole bracketed paste: its bytes are in the buffer */
    RY_KEY_GONE,  /* the terminal is gone */
    RY_KEY_F1,    /* .. F12 = RY_KEY_F1 + 11 */
    RY_KEY_F12 = RY_KEY_F1 + 11,

    RY_KEY_ALT = 1 << 24,
    RY_KEY_CTRL_X = 1 << 25,
    RY_KEY_BASE = (1 << 24) - 1
};

struct ry_term_options {
    bool color;
    const char *theme; /* "dark", "light", "mono"; NULL: dark */
    bool mouse;
};

/* stdin and stdout where they are terminals, else /dev/tty. RY_ERR_IO when there is none or TERM is
 * unknown. */
ry_rc ry_term_open(const struct ry_term_options *options, ry_err *err);
void ry_term_close(void);

/* Leaves curses mode and comes back; the content must be drawn again. */
void ry_term_suspend(void);
void ry_term_resume(void);

int ry_term_fd(void);

/* One key without waiting (an Escape holds for 25 ms, to see whether a sequence follows).
 * RY_KEY_PASTE fills *paste. RY_KEY_NONE when nothing is there. */
int32_t ry_term_key(ry_buf *paste);

/* Milliseconds until an unfinished paste is given up; -1: none is open. */
int ry_term_timeout_ms(void);

/* Lines and columns now; tells curses when they changed. */
void ry_term_size(int *rows, int *cols);

void ry_term_set_mouse(bool on);

/* The curses attribute and colour pair of an enum ry_attr with flags. */
void ry_term_style(unsigned attr, unsigned long *curses_attr, short *pair);

/* Async-signal-safe: modes off by write, terminal settings by tcsetattr. Nothing without an open
 * terminal. */
void ry_term_emergency_restore(void);

#endif
