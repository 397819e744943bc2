/* The sanitiser: the one sink that everything untrusted passes on its way to a terminal (model
 * text, pastes, file names, metadata, titles, error texts). What comes out is valid UTF-8 that
 * cannot move a cursor, change a colour, reverse the reading direction or hide text.
 *
 *   in                                                   out
 *   newline, tab                                         themselves (RY_SANITIZE_LINE: one space)
 *   CR LF                                                newline
 *   other C0 (a lone CR and backspace too), DEL          ^[ ^M ^H ^?
 *   C1: as a code point, as a stray raw byte             <U+009B>   <9B>
 *   bidi controls, line and paragraph separators         <U+202E>
 *   zero-width, tag and filler characters                U+25CC, one for one
 *   ZWJ, VS15, VS16                                      themselves inside an emoji, else U+25CC
 *   combining marks                                      at most 8; U+25CC below one without a base
 *   ill-formed UTF-8, noncharacters                      U+FFFD (one per maximal bad prefix)
 *
 * State is kept between pushes, so that an escape, a code point or an emoji split over two tokens
 * comes out as if it had come in one piece. The output never shrinks what was pushed before: text
 * is appended only. Thread: one owner per struct; the one-shot functions from any thread. */
#ifndef RYOT_BASE_SANITIZE_H
#define RYOT_BASE_SANITIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/utf8.h"

enum { RY_SANITIZE_MARKER = 0x25CC, RY_SANITIZE_MAX_MARKS = 8 };

enum ry_sanitize_mode {
    RY_SANITIZE_TEXT, /* newline and tab stay */
    RY_SANITIZE_LINE  /* titles, file names, errors: newline and tab become one space each */
};

/* In place; ready to use when zeroed (mode TEXT). It holds back at most one CR, one joiner and an
 * incomplete UTF-8 sequence. */
struct ry_sanitize {
    enum ry_sanitize_mode mode;
    char part[RY_UTF8_MAX_BYTES]; /* an incomplete sequence from the last push */
    uint8_t n_part, n_marks;
    /* 0, or a code point whose fate the next one decides: CR, ZWJ, VS16 after a keycap base. */
    int32_t held;
    int32_t base; /* the last code point that took cells; 0 at the start of a line */
    bool emoji;   /* what stands before is an emoji that ZWJ and VS16 may extend */
};

void ry_sanitize_init(struct ry_sanitize *san, enum ry_sanitize_mode mode);

/* Appends the visible form of s[0..len) to *out. False when out of memory (sticky in *out). */
bool ry_sanitize_push(struct ry_sanitize *san, const char *s, size_t len, ry_buf *out);

/* The end of the text: writes what was held back and makes the state new. False as above. */
bool ry_sanitize_flush(struct ry_sanitize *san, ry_buf *out);

/* init, push, flush in one: the whole text; one line of it for titles, file names and errors. */
bool ry_sanitize_text(const char *s, size_t len, ry_buf *out);
bool ry_sanitize_line(const char *s, size_t len, ry_buf *out);

/* ry_sanitize_line into a fixed array: NUL-terminated, cut before the first code point that does
 * not fit (size >= 1). Never allocates, so it serves error paths. Returns the bytes written without
 * the NUL. */
size_t ry_sanitize_fixed(const char *s, size_t len, char *out, size_t size);

#endif
