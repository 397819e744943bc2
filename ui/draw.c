/* Grid to curses, line by line. */
#include "ui/draw.h"

#include <string.h>
#include <wchar.h>

#include <curses.h>

#include "ui/term.h"

/* A glyph as curses will count it: where libc and utf8proc disagree about a width, a replacement
 * character of the width that the layout reserved is drawn, since a wrong guess would shift the
 * rest of the line. */
static void to_wide(const struct ry_glyph *glyph, wchar_t out[RY_GLYPH_CPS + 1])
{
    int n = 0;
    if (wcwidth((wchar_t)glyph->cp[0]) != glyph->width) {
        out[0] = wcwidth(L'\uFFFD') == 1 ? L'\uFFFD' : L'?';
        out[1] = L'\0';
        return;
    }
    out[n++] = (wchar_t)glyph->cp[0];
    for (int i = 1; i < glyph->n; i++)
        if (wcwidth((wchar_t)glyph->cp[i]) == 0)
            out[n++] = (wchar_t)glyph->cp[i];
    out[n] = L'\0';
}

static void send_row(const struct ry_grid *grid, int y)
{
    const struct ry_cell *row = grid->cells + (size_t)y * (size_t)grid->cols;
    for (int x = 0; x < grid->cols; x++) {
        wchar_t text[RY_GLYPH_CPS + 1];
        unsigned long attr;
        short pair;
        cchar_t cell;
        if (row[x].glyph.n == 0)
            continue;
        ry_term_style(row[x].attr, &attr, &pair);
        to_wide(&row[x].glyph, text);
        if (setcchar(&cell, text, (attr_t)attr, pair, NULL) == ERR)
            continue;
        mvadd_wchnstr(y, x, &cell, 1);
        if (row[x].glyph.width == 2 && wcwidth(text[0]) == 1 && x + 1 < grid->cols) {
            setcchar(&cell, L" ", (attr_t)attr, pair, NULL);
            mvadd_wchnstr(y, x + 1, &cell, 1);
        }
    }
}

int ry_draw_flush(struct ry_draw *draw, const struct ry_grid *grid)
{
    struct ry_grid *sent = &draw->sent;
    bool known = sent->cells && sent->rows == grid->rows && sent->cols == grid->cols;
    bool remember = known || ry_grid_resize(sent, grid->rows, grid->cols);
    size_t row_bytes = (size_t)grid->cols * sizeof *grid->cells;
    int n_sent = 0;
    for (int y = 0; y < grid->rows; y++) {
        size_t at = (size_t)y * (size_t)grid->cols;
        if (known && memcmp(sent->cells + at, grid->cells + at, row_bytes) == 0)
            continue;
        send_row(grid, y);
        if (remember)
            memcpy(sent->cells + at, grid->cells + at, row_bytes);
        n_sent++;
    }
    curs_set(grid->cursor_y >= 0 ? 1 : 0);
    if (grid->cursor_y >= 0)
        move(grid->cursor_y, grid->cursor_x);
    wnoutrefresh(stdscr);
    doupdate();
    return n_sent;
}

void ry_draw_forget(struct ry_draw *draw)
{
    ry_grid_done(&draw->sent);
    clearok(curscr, TRUE);
}

void ry_draw_done(struct ry_draw *draw)
{
    ry_grid_done(&draw->sent);
}
