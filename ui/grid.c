/* The grid of cells. Pure: memory in, memory out. */
#include "ui/grid.h"

#include <string.h>

#include "src/base/mem.h"
#include "src/base/sanitize.h"

static const struct ry_cell blank = {.glyph = {.cp = {' '}, .n = 1, .width = 1}};

bool ry_grid_resize(struct ry_grid *grid, int rows, int cols)
{
    size_t n;
    struct ry_cell *cells = NULL;
    if (rows < 0 || cols < 0)
        rows = cols = 0;
    if (rows != grid->rows || cols != grid->cols || !grid->cells) {
        if (ry_mem_mul((size_t)rows, (size_t)cols, &n))
            cells = ry_mem_zalloc(n ? n : 1, sizeof *cells);
        ry_mem_free(grid->cells);
        grid->cells = cells;
        grid->rows = cells ? rows : 0;
        grid->cols = cells ? cols : 0;
        if (!cells)
            return false;
    }
    ry_grid_clear(grid);
    return true;
}

void ry_grid_done(struct ry_grid *grid)
{
    ry_mem_free(grid->cells);
    ry_buf_done(&grid->scratch);
    *grid = (struct ry_grid){0};
}

void ry_grid_clear(struct ry_grid *grid)
{
    size_t n = (size_t)grid->rows * (size_t)grid->cols;
    for (size_t i = 0; i < n; i++)
        grid->cells[i] = blank;
    grid->cursor_y = grid->cursor_x = -1;
}

static struct ry_cell *cell_at(struct ry_grid *grid, int y, int x)
{
    return &grid->cells[(size_t)y * (size_t)grid->cols + (size_t)x];
}

/* A half of a wide glyph that is about to be overwritten takes its other half along. */
static void split_wide(struct ry_grid *grid, int y, int x)
{
    struct ry_cell *cell = cell_at(grid, y, x);
    if (cell->glyph.n == 0 && x > 0) {
        cell[-1].glyph = blank.glyph;
        cell->glyph = blank.glyph;
    } else if (cell->glyph.width == 2 && x + 1 < grid->cols) {
        cell[1].glyph = blank.glyph;
        cell->glyph = blank.glyph;
    }
}

static void set_cell(struct ry_grid *grid, int y, int x, unsigned attr,
                     const struct ry_glyph *glyph)
{
    if (y < 0 || y >= grid->rows || x < 0 || x + glyph->width > grid->cols)
        return;
    for (int i = 0; i < glyph->width; i++)
        split_wide(grid, y, x + i);
    /* Field by field into a zeroed cell: rows are compared as bytes. */
    struct ry_cell *cell = cell_at(grid, y, x);
    memset(cell, 0, glyph->width * sizeof *cell);
    memcpy(cell->glyph.cp, glyph->cp, glyph->n * sizeof *glyph->cp);
    cell->glyph.n = glyph->n;
    cell->glyph.width = glyph->width;
    cell->attr = (uint16_t)attr;
    if (glyph->width == 2)
        cell[1].attr = (uint16_t)attr;
}

static bool is_plain(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] < 0x20 || s[i] > 0x7E)
            return false;
    return true;
}

int ry_grid_put(struct ry_grid *grid, int y, int x, int max, unsigned attr, const char *s,
                size_t len)
{
    int used = 0;
    if (y < 0 || y >= grid->rows || max <= 0)
        return 0;
    if (max > grid->cols - x)
        max = grid->cols - x;
    if (!is_plain(s, len)) {
        ry_buf_clear(&grid->scratch);
        if (!ry_sanitize_line(s, len, &grid->scratch))
            return 0;
        s = grid->scratch.data;
        len = grid->scratch.len;
    }
    for (size_t i = 0; i < len;) {
        struct ry_glyph glyph;
        i += ry_cells_glyph(s + i, len - i, &glyph);
        if (used + glyph.width > max)
            break;
        set_cell(grid, y, x + used, attr, &glyph);
        used += glyph.width;
    }
    return used;
}

int ry_grid_puts(struct ry_grid *grid, int y, int x, int max, unsigned attr, const char *s)
{
    return ry_grid_put(grid, y, x, max, attr, s, strlen(s));
}

int ry_grid_putf(struct ry_grid *grid, int y, int x, int max, unsigned attr, const char *fmt, ...)
{
    ry_buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    ry_buf_addv(&text, fmt, ap);
    va_end(ap);
    int used = ry_grid_put(grid, y, x, max, attr, ry_buf_str(&text), text.len);
    ry_buf_done(&text);
    return used;
}

void ry_grid_fill(struct ry_grid *grid, int y, int x, int n, unsigned attr, int32_t cp)
{
    struct ry_glyph glyph = {.cp = {cp}, .n = 1, .width = 1};
    for (int i = 0; i < n; i++)
        set_cell(grid, y, x + i, attr, &glyph);
}

int32_t ry_grid_box(const struct ry_grid *grid, enum ry_box part)
{
    static const struct {
        int32_t box;
        char ascii;
    } parts[RY_BOX_COUNT] = {
        [RY_BOX_H] = {0x2500, '-'},       [RY_BOX_V] = {0x2502, '|'},
        [RY_BOX_TL] = {0x250C, '+'},      [RY_BOX_TR] = {0x2510, '+'},
        [RY_BOX_BL] = {0x2514, '+'},      [RY_BOX_BR] = {0x2518, '+'},
        [RY_BOX_T_DOWN] = {0x252C, '+'},  [RY_BOX_T_UP] = {0x2534, '+'},
        [RY_BOX_T_RIGHT] = {0x251C, '+'},
    };
    return grid->ascii ? parts[part].ascii : parts[part].box;
}

void ry_grid_flag(struct ry_grid *grid, int y, int x, int n, unsigned flags)
{
    for (int i = x < 0 ? 0 : x; i < x + n && i < grid->cols && y >= 0 && y < grid->rows; i++)
        cell_at(grid, y, i)->attr |= (uint16_t)flags;
}
