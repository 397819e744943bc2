/* F3, threads: for every thread count used so far the rate, the speed-up over the fewest
 * that were used, and the efficiency. */
#include <stdio.h>

#include "ui/plot.h"
#include "ui/view.h"

enum { FIGURES = 30 };

static int want_rows(const struct ry_ui_model *model, int cols)
{
    (void)cols;
    return 1 + (model->n_threads_rows ? (int)model->n_threads_rows : 1);
}

/* The row that speed-ups refer to: one thread, or the fewest that were used. */
static const struct ry_ui_threads_row *base_row(const struct ry_ui_model *model)
{
    const struct ry_ui_threads_row *base = NULL;
    for (size_t i = 0; i < model->n_threads_rows; i++) {
        const struct ry_ui_threads_row *row = &model->threads[i];
        if (row->n_threads > 0 && row->tok_s > 0 && (!base || row->n_threads < base->n_threads))
            base = row;
    }
    return base;
}

static void draw_row(struct ry_grid *grid, struct ry_rect at, int y,
                     const struct ry_ui_threads_row *row, const struct ry_ui_threads_row *base,
                     double best, bool is_current)
{
    ry_buf text = {0}, bar = {0};
    int width = at.cols - FIGURES - 5;
    double speedup = base ? row->tok_s / base->tok_s : 0;
    ry_grid_putf(grid, y, at.x, 5, is_current ? RY_AT_TITLE : RY_AT_TEXT, "%s%2d ",
                 is_current ? ">" : " ", row->n_threads);
    ry_plot_bar(&bar, best > 0 ? row->tok_s / best : 0, width, false, grid->ascii);
    int used =
        ry_grid_put(grid, y, at.x + 5, width > 0 ? width : 0, RY_AT_BAR, ry_buf_str(&bar), bar.len);
    ry_buf_addc(&text, ' ');
    ry_plot_figure(&text, row->tok_s);
    ry_buf_adds(&text, " tok/s  ");
    if (base) {
        ry_plot_figure(&text, speedup);
        ry_buf_adds(&text, grid->ascii ? "x  " : "\u00D7  ");
        ry_buf_addf(&text, "%.0f %%", 100 * speedup * base->n_threads / row->n_threads);
    }
    ry_grid_put(grid, y, at.x + 5 + used, at.cols - 5 - used, RY_AT_TEXT, ry_buf_str(&text),
                text.len);
    ry_buf_done(&text);
    ry_buf_done(&bar);
}

static void draw(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_model *model)
{
    const struct ry_ui_threads_row *base = base_row(model);
    double best = 0;
    int row = 0;
    for (size_t i = 0; i < model->n_threads_rows; i++)
        best = model->threads[i].tok_s > best ? model->threads[i].tok_s : best;
    for (size_t i = 0; i < model->n_threads_rows && row < at.rows; i++) {
        const struct ry_ui_threads_row *r = &model->threads[i];
        if (r->n_threads > 0)
            draw_row(grid, at, at.y + row++, r, base, best, r->n_threads == model->n_threads);
    }
    if (model->n_threads_rows == 0)
        ry_panel_field(grid, at, row++, 0, "nothing was generated yet", "");
    if (row < at.rows && base && base->n_threads > 1)
        ry_grid_putf(grid, at.y + row, at.x, at.cols, RY_AT_DIM,
                     "against %d threads; + and - change", base->n_threads);
    else if (row < at.rows)
        ry_grid_putf(grid, at.y + row, at.x, at.cols, RY_AT_DIM,
                     "now %d; + and - change the number", model->n_threads);
}

const struct ry_view ry_panel_threads = {
    .title = "F3 threads", .want_rows = want_rows, .draw = draw};
