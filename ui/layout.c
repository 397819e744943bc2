/* Laid-out text. */
#include "ui/layout.h"

#include <string.h>

#include "src/base/mem.h"
#include "ui/wrap.h"

/* Room for one more element: doubles the array. */
static bool grow(void **array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    size_t next = *cap ? *cap * 2 : 16;
    void *p = ry_mem_resize(*array, next, size);
    if (!p)
        return false;
    *array = p;
    *cap = next;
    return true;
}

/* ---- paragraphs ---- */

void ry_para_clear(struct ry_para *para)
{
    ry_buf_clear(&para->text);
    para->n_runs = 0;
    para->failed = false;
}

void ry_para_done(struct ry_para *para)
{
    ry_buf_done(&para->text);
    ry_mem_free(para->runs);
    *para = (struct ry_para){0};
}

static void add_run(struct ry_para *para, unsigned attr, size_t off, size_t len)
{
    struct ry_run *last = para->n_runs ? &para->runs[para->n_runs - 1] : NULL;
    if (last && last->attr == attr) {
        last->len += len;
    } else if (grow((void **)&para->runs, para->n_runs, &para->cap_runs, sizeof *para->runs)) {
        para->runs[para->n_runs++] = (struct ry_run){off, len, (uint16_t)attr};
    } else {
        para->failed = true;
    }
}

void ry_para_add(struct ry_para *para, unsigned attr, const char *s, size_t len)
{
    static const char tab[] = "    ";
    size_t off = para->text.len;
    while (len > 0) {
        const char *at = memchr(s, '\t', len);
        size_t n = at ? (size_t)(at - s) : len;
        ry_buf_add(&para->text, s, n);
        if (at)
            ry_buf_add(&para->text, tab, RY_TAB_CELLS);
        s += at ? n + 1 : n;
        len -= at ? n + 1 : n;
    }
    if (para->text.failed)
        para->failed = true;
    else if (para->text.len > off)
        add_run(para, attr, off, para->text.len - off);
}

void ry_para_slice(struct ry_para *para, const struct ry_para *src, size_t from, size_t len,
                   unsigned flags)
{
    for (size_t i = 0; i < src->n_runs; i++) {
        const struct ry_run *run = &src->runs[i];
        size_t lo = run->off > from ? run->off : from;
        size_t hi = run->off + run->len < from + len ? run->off + run->len : from + len;
        if (lo < hi)
            ry_para_add(para, run->attr | flags, src->text.data + lo, hi - lo);
    }
}

/* ---- layouts ---- */

void ry_layout_clear(struct ry_layout *layout, int width)
{
    ry_buf_clear(&layout->text);
    layout->n_runs = layout->n_lines = 0;
    layout->width = width;
    layout->failed = false;
}

void ry_layout_done(struct ry_layout *layout)
{
    ry_buf_done(&layout->text);
    ry_mem_free(layout->runs);
    ry_mem_free(layout->lines);
    *layout = (struct ry_layout){0};
}

struct ry_layout_mark ry_layout_mark(const struct ry_layout *layout)
{
    return (struct ry_layout_mark){layout->text.len, layout->n_runs, layout->n_lines};
}

void ry_layout_back(struct ry_layout *layout, struct ry_layout_mark mark)
{
    layout->text.len = mark.text_len;
    if (layout->text.data)
        layout->text.data[mark.text_len] = '\0';
    layout->n_runs = mark.n_runs;
    layout->n_lines = mark.n_lines;
    layout->text.failed = layout->failed = false;
}

/* Copies the runs of para's bytes from..from+len, whose first run that may matter is *hint. */
static void copy_runs(struct ry_layout *layout, const struct ry_para *para, size_t from, size_t len,
                      size_t *hint)
{
    size_t off = layout->text.len;
    while (*hint < para->n_runs && para->runs[*hint].off + para->runs[*hint].len <= from)
        ++*hint;
    for (size_t i = *hint; i < para->n_runs && para->runs[i].off < from + len; i++) {
        const struct ry_run *run = &para->runs[i];
        size_t lo = run->off > from ? run->off : from;
        size_t hi = run->off + run->len < from + len ? run->off + run->len : from + len;
        if (!grow((void **)&layout->runs, layout->n_runs, &layout->cap_runs,
                  sizeof *layout->runs)) {
            layout->failed = true;
            return;
        }
        layout->runs[layout->n_runs++] =
            (struct ry_run){off + (lo - from), hi - lo, (uint16_t)run->attr};
    }
}

static void push_line(struct ry_layout *layout, const struct ry_para *para, size_t from, size_t len,
                      const struct ry_setting *set, int indent, bool soft, size_t *hint)
{
    struct ry_layout_mark mark = ry_layout_mark(layout);
    if (layout->n_lines)
        ry_buf_addc(&layout->text, soft ? ' ' : '\n');
    struct ry_line line = {.off = layout->text.len,
                           .len = len,
                           .run = layout->n_runs,
                           .bars = set->bars,
                           .indent = (uint8_t)(indent < 0 ? 0 : indent),
                           .frame = (uint8_t)set->frame};
    copy_runs(layout, para, from, len, hint);
    line.n_runs = layout->n_runs - line.run;
    ry_buf_add(&layout->text, ry_buf_str(&para->text) + from, len);
    if (layout->text.failed || layout->failed ||
        !grow((void **)&layout->lines, layout->n_lines, &layout->cap_lines, sizeof line)) {
        ry_layout_back(layout, mark);
        layout->failed = true;
        return;
    }
    layout->lines[layout->n_lines++] = line;
}

static int room(const struct ry_layout *layout, const struct ry_setting *set, int indent)
{
    int cells = layout->width - indent - (set->frame == RY_FRAME_MID ? 4 : 0);
    return cells > 1 ? cells : 1;
}

void ry_layout_para(struct ry_layout *layout, const struct ry_para *para,
                    const struct ry_setting *set)
{
    struct ry_wrap wrap;
    struct ry_wrap_row row;
    int indent = set->first_indent;
    size_t hint = 0;
    bool soft = false;
    ry_wrap_begin(&wrap, ry_buf_str(&para->text), para->text.len, set->words);
    while (!layout->failed && ry_wrap_next(&wrap, room(layout, set, indent), &row)) {
        push_line(layout, para, row.start, row.len, set, indent, soft, &hint);
        indent = set->indent;
        soft = !row.hard;
    }
}

void ry_layout_line(struct ry_layout *layout, const struct ry_para *para,
                    const struct ry_setting *set)
{
    size_t hint = 0;
    push_line(layout, para, 0, para->text.len, set, set->first_indent, false, &hint);
}

void ry_layout_append(struct ry_layout *layout, unsigned attr, const char *s, int indent)
{
    struct ry_para para = {0};
    struct ry_setting set = {.indent = indent, .first_indent = indent, .words = true};
    struct ry_line *last = layout->n_lines ? &layout->lines[layout->n_lines - 1] : NULL;
    ry_para_add(&para, RY_AT_TEXT, "  ", 2);
    ry_para_add(&para, attr, s, strlen(s));
    if (last && last->frame == RY_FRAME_NONE &&
        last->indent + ry_cells_width(layout->text.data + last->off, last->len) +
                ry_cells_width(para.text.data, para.text.len) <=
            layout->width) {
        size_t hint = 0;
        copy_runs(layout, &para, 0, para.text.len, &hint);
        last->len += para.text.len;
        last->n_runs = layout->n_runs - last->run;
        ry_buf_add(&layout->text, para.text.data, para.text.len);
    } else {
        ry_para_clear(&para);
        ry_para_add(&para, attr, s, strlen(s));
        ry_layout_para(layout, &para, &set);
    }
    ry_para_done(&para);
}

size_t ry_layout_find_line(const struct ry_layout *layout, size_t off)
{
    size_t lo = 0, hi = layout->n_lines;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (layout->lines[mid].off <= off)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static void draw_frame(const struct ry_line *line, int width, struct ry_grid *grid, int y, int x)
{
    bool top = line->frame == RY_FRAME_TOP;
    int n = width - line->indent;
    x += line->indent;
    if (line->frame == RY_FRAME_RULE) {
        ry_grid_fill(grid, y, x, n, RY_AT_DIM, ry_grid_box(grid, RY_BOX_H));
    } else if (line->frame == RY_FRAME_MID) {
        ry_grid_fill(grid, y, x, 1, RY_AT_DIM, ry_grid_box(grid, RY_BOX_V));
        ry_grid_fill(grid, y, x + n - 1, 1, RY_AT_DIM, ry_grid_box(grid, RY_BOX_V));
    } else {
        ry_grid_fill(grid, y, x + 1, n - 2, RY_AT_DIM, ry_grid_box(grid, RY_BOX_H));
        ry_grid_fill(grid, y, x, 1, RY_AT_DIM, ry_grid_box(grid, top ? RY_BOX_TL : RY_BOX_BL));
        ry_grid_fill(grid, y, x + n - 1, 1, RY_AT_DIM,
                     ry_grid_box(grid, top ? RY_BOX_TR : RY_BOX_BR));
    }
}

void ry_layout_draw(const struct ry_layout *layout, size_t i, struct ry_grid *grid, int y, int x)
{
    const struct ry_line *line = &layout->lines[i];
    int at = x + line->indent, end = x + layout->width;
    for (int b = 0; b < 64; b++)
        if (line->bars >> b & 1)
            ry_grid_fill(grid, y, x + b, 1, RY_AT_DIM, ry_grid_box(grid, RY_BOX_V));
    if (line->frame && line->frame != RY_FRAME_TABLE) {
        draw_frame(line, layout->width, grid, y, x);
        at += line->frame == RY_FRAME_MID || line->frame == RY_FRAME_TOP ? 2 : 0;
        end -= line->frame == RY_FRAME_MID || line->frame == RY_FRAME_TOP ? 2 : 0;
    }
    if (line->frame == RY_FRAME_TOP && line->len)
        ry_grid_fill(grid, y, at - 1, 1, RY_AT_DIM, ' ');
    for (size_t r = line->run; r < line->run + line->n_runs; r++) {
        const struct ry_run *run = &layout->runs[r];
        at += ry_grid_put(grid, y, at, end - at, run->attr, layout->text.data + run->off, run->len);
    }
    if (line->frame == RY_FRAME_TOP && line->len && at < end)
        ry_grid_fill(grid, y, at, 1, RY_AT_DIM, ' ');
}
