/* Laid-out text: rows of styled runs at a width, made by appending paragraphs; a mark lets the end
 * be taken back and laid out again, so that a streaming answer costs its last block only.
 *
 *   text   "Two days are enough for\nthe old heart"   all rows, joined by ' ' (soft break) or '\n'
 *   runs   |--- 0,attr ---|- 1 -|--- 2 ---|           consecutive pieces with one attribute
 *   lines  { off, len, first run, indent, bars, frame }
 *
 * Since rows are joined in one buffer, a search finds words across soft breaks. Pure. Thread: one
 * owner. */
#ifndef RYOT_UI_LAYOUT_H
#define RYOT_UI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "ui/grid.h"

struct ry_run {
    size_t off, len;
    uint16_t attr;
};

/* Text with attributes, being built. Ready to use when zeroed. */
struct ry_para {
    ry_buf text;
    struct ry_run *runs; /* [n_runs], in order, covering text; owned */
    size_t n_runs, cap_runs;
    bool failed;
};

void ry_para_clear(struct ry_para *para);
void ry_para_done(struct ry_para *para);
void ry_para_add(struct ry_para *para, unsigned attr, const char *s, size_t len);

/* Appends src's bytes from..from+len with their attributes (plus `flags`). */
void ry_para_slice(struct ry_para *para, const struct ry_para *src, size_t from, size_t len,
                   unsigned flags);

enum ry_frame {
    RY_FRAME_NONE,
    RY_FRAME_TOP, /* the line's text is the label */
    RY_FRAME_MID,
    RY_FRAME_BOTTOM,
    RY_FRAME_RULE, /* a horizontal rule */
    RY_FRAME_TABLE /* drawn like NONE; nothing is put behind it */
};

enum { RY_LAYOUT_MAX_INDENT = 40 };

struct ry_line {
    size_t off, len; /* in layout.text */
    size_t run, n_runs;
    uint64_t bars; /* bit x: a quotation bar in cell x */
    uint8_t indent, frame;
};

struct ry_layout {
    ry_buf text;
    struct ry_run *runs;   /* offsets in text; owned */
    struct ry_line *lines; /* owned */
    size_t n_runs, cap_runs, n_lines, cap_lines;
    int width;   /* cells of a line, indent included */
    bool failed; /* out of memory: what is there is shown */
};

struct ry_layout_mark {
    size_t text_len, n_runs, n_lines;
};

/* How a paragraph is set. */
struct ry_setting {
    int indent, first_indent; /* cells before the text, of later rows and of the first */
    uint64_t bars;
    enum ry_frame frame;
    bool words; /* break between words */
};

void ry_layout_clear(struct ry_layout *layout, int width);
void ry_layout_done(struct ry_layout *layout);
struct ry_layout_mark ry_layout_mark(const struct ry_layout *layout);
void ry_layout_back(struct ry_layout *layout, struct ry_layout_mark mark);

/* Breaks a paragraph into lines (an empty one makes an empty line). */
void ry_layout_para(struct ry_layout *layout, const struct ry_para *para,
                    const struct ry_setting *set);

/* One line as it is. */
void ry_layout_line(struct ry_layout *layout, const struct ry_para *para,
                    const struct ry_setting *set);

/* Puts text behind the last line where it has room (and no frame), else on a line of its own. */
void ry_layout_append(struct ry_layout *layout, unsigned attr, const char *s, int indent);

/* Line that holds byte `off` of the text; 0 when there is none. */
size_t ry_layout_find_line(const struct ry_layout *layout, size_t off);

/* Draws line i at (y, x). */
void ry_layout_draw(const struct ry_layout *layout, size_t i, struct ry_grid *grid, int y, int x);

#endif
