/* Tables: natural column widths, the widest narrowed until the row fits, cells wrapped inside their
 * columns. */
#include "ui/table.h"

#include <string.h>

#include "src/base/mem.h"
#include "ui/wrap.h"

enum { GAP = 3, MIN_COL = 3, MAX_COL = 400 };

void ry_table_begin(struct ry_table *table, size_t n_cols)
{
    ry_para_clear(&table->para);
    table->n_cells = 0;
    table->n_cols = n_cols;
}

void ry_table_done(struct ry_table *table)
{
    ry_para_done(&table->para);
    ry_mem_free(table->cells);
    *table = (struct ry_table){0};
}

bool ry_table_cell_end(struct ry_table *table, bool head, enum ry_align align)
{
    size_t from = 0;
    if (table->n_cols == 0 || table->n_cols > RY_TABLE_COLS || table->n_cells == RY_TABLE_CELLS)
        return false;
    if (table->n_cells == table->cap_cells) {
        size_t cap = table->cap_cells ? table->cap_cells * 2 : 32;
        void *p = ry_mem_resize(table->cells, cap, sizeof *table->cells);
        if (!p)
            return false;
        table->cells = p;
        table->cap_cells = cap;
    }
    if (table->n_cells)
        from = table->cells[table->n_cells - 1].from + table->cells[table->n_cells - 1].len;
    table->cells[table->n_cells++] =
        (struct ry_table_cell){from, table->para.text.len - from, head, align};
    return true;
}

/* False when not even narrow columns fit. */
static bool fit_columns(const struct ry_table *table, int room, int widths[RY_TABLE_COLS])
{
    int sum = 0, n_cols = (int)table->n_cols;
    memset(widths, 0, RY_TABLE_COLS * sizeof *widths);
    for (size_t i = 0; i < table->n_cells; i++) {
        const struct ry_table_cell *cell = &table->cells[i];
        int w = ry_cells_width(ry_buf_str(&table->para.text) + cell->from, cell->len);
        int *col = &widths[i % table->n_cols];
        *col = w > MAX_COL ? MAX_COL : w > *col ? w : *col;
    }
    for (int c = 0; c < n_cols; c++)
        sum += widths[c] = widths[c] < 1 ? 1 : widths[c];
    room -= GAP * (n_cols - 1);
    while (sum > room) {
        int widest = 0;
        for (int c = 1; c < n_cols; c++)
            if (widths[c] > widths[widest])
                widest = c;
        if (widths[widest] <= MIN_COL)
            return false;
        widths[widest]--;
        sum--;
    }
    return true;
}

static void pad(struct ry_para *line, int n)
{
    for (int i = 0; i < n; i++)
        ry_para_add(line, RY_AT_TEXT, " ", 1);
}

/* One screen row of one cell; false when the cell has no more. */
static bool add_cell_row(const struct ry_table *table, const struct ry_table_cell *cell,
                         struct ry_wrap *wrap, int width, bool last, struct ry_para *line)
{
    struct ry_wrap_row row;
    unsigned flags = cell->head ? RY_AT_BOLD : 0;
    if (!ry_wrap_next(wrap, width, &row)) {
        pad(line, last ? 0 : width);
        return false;
    }
    int spare = width - row.width > 0 ? width - row.width : 0;
    int left = cell->align == RY_ALIGN_RIGHT    ? spare
               : cell->align == RY_ALIGN_CENTER ? spare / 2
                                                : 0;
    pad(line, left);
    ry_para_slice(line, &table->para, cell->from + row.start, row.len, flags);
    pad(line, last ? 0 : spare - left);
    return !wrap->done;
}

static void set_row(const struct ry_table *table, size_t first, const int *widths,
                    struct ry_layout *layout, const struct ry_setting *set, bool ascii)
{
    struct ry_wrap wraps[RY_TABLE_COLS];
    const char *text = ry_buf_str(&table->para.text);
    bool more = true;
    for (size_t c = 0; c < table->n_cols; c++) {
        const struct ry_table_cell *cell = &table->cells[first + c];
        ry_wrap_begin(&wraps[c], text + cell->from, cell->len, true);
    }
    while (more && !layout->failed) {
        struct ry_para line = {0};
        more = false;
        for (size_t c = 0; c < table->n_cols; c++) {
            bool last = c + 1 == table->n_cols;
            if (add_cell_row(table, &table->cells[first + c], &wraps[c], widths[c], last, &line))
                more = true;
            if (!last)
                ry_para_add(&line, RY_AT_DIM, ascii ? " | " : " \u2502 ", ascii ? 3 : 5);
        }
        ry_layout_line(layout, &line, set);
        ry_para_done(&line);
    }
}

static void set_rule(const struct ry_table *table, const int *widths, struct ry_layout *layout,
                     const struct ry_setting *set, bool ascii)
{
    struct ry_para line = {0};
    const char *dash = ascii ? "-" : "\u2500", *cross = ascii ? "-+-" : "\u2500\u253C\u2500";
    for (size_t c = 0; c < table->n_cols; c++) {
        for (int i = 0; i < widths[c]; i++)
            ry_para_add(&line, RY_AT_DIM, dash, strlen(dash));
        if (c + 1 < table->n_cols)
            ry_para_add(&line, RY_AT_DIM, cross, strlen(cross));
    }
    ry_layout_line(layout, &line, set);
    ry_para_done(&line);
}

/* Too narrow for columns: each row as one paragraph. */
static void set_narrow(const struct ry_table *table, size_t first, struct ry_layout *layout,
                       const struct ry_setting *set)
{
    struct ry_para line = {0};
    for (size_t c = 0; c < table->n_cols; c++) {
        const struct ry_table_cell *cell = &table->cells[first + c];
        if (c)
            ry_para_add(&line, RY_AT_DIM, " | ", 3);
        ry_para_slice(&line, &table->para, cell->from, cell->len, cell->head ? RY_AT_BOLD : 0);
    }
    ry_layout_para(layout, &line, set);
    ry_para_done(&line);
}

void ry_table_set(struct ry_table *table, struct ry_layout *layout, const struct ry_setting *set,
                  bool ascii)
{
    int widths[RY_TABLE_COLS];
    struct ry_setting row_set = *set;
    if (table->n_cols == 0 || table->n_cols > RY_TABLE_COLS)
        return;
    row_set.frame = RY_FRAME_TABLE;
    bool columns = fit_columns(table, layout->width - set->indent, widths);
    for (size_t i = 0; i + table->n_cols <= table->n_cells; i += table->n_cols) {
        if (!columns) {
            set_narrow(table, i, layout, set);
            continue;
        }
        set_row(table, i, widths, layout, &row_set, ascii);
        bool head_ends = table->cells[i].head && (i + table->n_cols >= table->n_cells ||
                                                  !table->cells[i + table->n_cols].head);
        if (head_ends)
            set_rule(table, widths, layout, &row_set, ascii);
    }
}
