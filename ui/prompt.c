/* The prompt. */
#include "ui/prompt.h"

#include "src/base/utf8.h"
#include "ui/cells.h"

void ry_prompt_done(struct ry_prompt *prompt)
{
    ry_editor_done(&prompt->ed);
    *prompt = (struct ry_prompt){0};
}

static int gutter_of(int cols)
{
    return cols >= 30 ? 3 : cols >= 6 ? 2 : 0;
}

int ry_prompt_width(int cols)
{
    int width = cols - gutter_of(cols) - 1;
    return width < 1 ? 1 : width;
}

static void work_out(struct ry_prompt *prompt, int width, int max_rows)
{
    const struct ry_editor *ed = &prompt->ed;
    struct ry_wrap wrap;
    struct ry_wrap_row row;
    if (prompt->key.any && prompt->key.version == ed->version && prompt->key.cursor == ed->cursor &&
        prompt->key.width == width && prompt->key.max_rows == max_rows)
        return;
    ry_editor_locate(ed, width, ed->cursor, &prompt->row, &prompt->col, &prompt->n_rows);
    prompt->n_shown = prompt->n_rows < max_rows ? prompt->n_rows : max_rows;
    if (prompt->top > prompt->n_rows - prompt->n_shown)
        prompt->top = prompt->n_rows - prompt->n_shown;
    if (prompt->row < prompt->top)
        prompt->top = prompt->row;
    if (prompt->row >= prompt->top + prompt->n_shown)
        prompt->top = prompt->row - prompt->n_shown + 1;
    ry_wrap_begin(&wrap, ry_buf_str(&ed->text), ed->text.len, true);
    for (int i = 0; i < prompt->top + prompt->n_shown && ry_wrap_next(&wrap, width, &row); i++)
        if (i >= prompt->top)
            prompt->rows[i - prompt->top] = row;
    prompt->key.version = ed->version;
    prompt->key.cursor = ed->cursor;
    prompt->key.width = width;
    prompt->key.max_rows = max_rows;
    prompt->key.any = true;
}

int ry_prompt_rows(struct ry_prompt *prompt, int cols, int max_rows)
{
    max_rows = max_rows < 1 ? 1 : max_rows > RY_PROMPT_ROWS ? RY_PROMPT_ROWS : max_rows;
    work_out(prompt, ry_prompt_width(cols), max_rows);
    return prompt->n_shown;
}

/* Unit by unit, as the widths were counted: what follows a hostile cluster keeps its column. */
static void draw_row(struct ry_grid *grid, int y, int x, int max, const char *s, size_t len)
{
    for (size_t i = 0; i < len && max > 0;) {
        int w;
        size_t n = ry_cells_unit(s + i, len - i, &w);
        if (s[i] != '\t')
            ry_grid_put(grid, y, x, max, RY_AT_TEXT, s + i, n);
        x += w;
        max -= w;
        i += n;
    }
}

void ry_prompt_draw(struct ry_prompt *prompt, struct ry_grid *grid, struct ry_rect at)
{
    int gutter = gutter_of(at.cols);
    const char *text = ry_buf_str(&prompt->ed.text);
    ry_prompt_rows(prompt, at.cols, at.rows);
    for (int i = 0; i < prompt->n_shown && i < at.rows; i++) {
        const struct ry_wrap_row *row = &prompt->rows[i];
        const char *mark = prompt->top + i == 0 ? " > " : "   ";
        ry_grid_puts(grid, at.y + i, at.x, gutter, RY_AT_USER, gutter == 2 ? mark + 1 : mark);
        draw_row(grid, at.y + i, at.x + gutter, at.cols - gutter, text + row->start, row->len);
    }
    if (prompt->top > 0)
        ry_grid_fill(grid, at.y, at.x, gutter > 0, RY_AT_DIM, grid->ascii ? '^' : 0x2191);
    if (prompt->top + prompt->n_shown < prompt->n_rows)
        ry_grid_fill(grid, at.y + prompt->n_shown - 1, at.x, gutter > 0, RY_AT_DIM,
                     grid->ascii ? 'v' : 0x2193);
    grid->cursor_y = at.y + prompt->row - prompt->top;
    grid->cursor_x = at.x + gutter + prompt->col;
    if (grid->cursor_x >= grid->cols)
        grid->cursor_x = grid->cols - 1;
}
