/* A screen to look at: the real UI in a child process on a pseudo-terminal, and an emulator that
 * interprets what it writes. The child draws one of a few fixed view models; every command waits
 * until its frame has arrived, so that no test depends on timing. Single-threaded. */
#ifndef RYOT_SCREEN_RIG_H
#define RYOT_SCREEN_RIG_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/ui.h"

enum rig_scene {
    RIG_CHAT,    /* a short conversation, figures in every panel */
    RIG_EMPTY,   /* loading, nothing said */
    RIG_LONG,    /* forty numbered messages, the last one streams */
    RIG_UNICODE, /* wide, combining, joined */
    RIG_HOSTILE, /* escapes and controls in every string */
    RIG_BUSY,    /* as RIG_CHAT, generating */
    RIG_SCENES
};

struct rig;

struct rig_options {
    int rows, cols;
    enum rig_scene scene;
    bool ascii, ignore_hangup;
    bool piped;          /* stdin is a pipe, so that the UI must find /dev/tty */
    const char *history; /* path or NULL */
};

/* What the child answered to the last command. */
struct rig_answer {
    int kind, arg; /* the last action that left the UI since the command before */
    char text[512];
    int exit_code; /* of rig_close */
};

struct rig *rig_open(const struct rig_options *options);

/* Ends the child in an orderly way and frees; answer->exit_code says how that went. */
void rig_close(struct rig *rig, struct rig_answer *answer);

/* Types bytes, waits for the frame. */
struct rig_answer rig_keys(struct rig *rig, const char *bytes);
struct rig_answer rig_bytes(struct rig *rig, const char *bytes, size_t len);
void rig_scene(struct rig *rig, enum rig_scene scene);

/* Appends text to the last message of the scene. */
void rig_grow(struct rig *rig, const char *text);
void rig_toggle_raw(struct rig *rig);
void rig_resize(struct rig *rig, int rows, int cols);

/* The child raises a signal in itself; what it wrote until its end is fed to the emulator. Returns
 * its wait status. */
int rig_crash(struct rig *rig, int sig);

/* The screen as text: rows without trailing blanks, each ended by a newline, trailing empty rows
 * dropped. Borrowed until the next call. */
const char *rig_text(struct rig *rig);

/* Cursor row and column. */
void rig_cursor(struct rig *rig, int *row, int *col);

/* Whether the emulator is on the alternate screen; how often a window title was set. */
bool rig_is_alternate(const struct rig *rig);
int rig_n_titles(const struct rig *rig);

/* Bytes written by the child so far, NUL-terminated. */
const char *rig_output(const struct rig *rig, size_t *len);

/* Local modes of the pseudo-terminal (termios c_lflag). */
unsigned rig_local_modes(const struct rig *rig);

/* The terminal goes away; the child's last answer. */
struct rig_answer rig_hang_up(struct rig *rig);

#endif
