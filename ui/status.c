/* Title line and status line: which model and session, how full the context is, which switches are
 * set. */
#include <math.h>
#include <string.h>

#include "ui/plot.h"
#include "ui/view.h"

enum { WARN_PERCENT = 90 };

static void add_part(ry_buf *text, const char *s, const char *sep)
{
    if (!s || !*s)
        return;
    if (text->len)
        ry_buf_adds(text, sep);
    ry_buf_adds(text, s);
}

/* "ctx |####....| 1,312 / 4,096", right-aligned; returns its cells. */
static int draw_context(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_model *model)
{
    ry_buf left = {0}, bar = {0}, right = {0};
    double share = (double)model->ctx_used / model->ctx_size;
    bool warn = share * 100 >= WARN_PERCENT;
    int width = at.cols >= 70 ? 12 : 6;
    ry_buf_adds(&left, share >= 1 ? "context full " : warn ? "context nearly full " : "ctx ");
    ry_buf_adds(&left, grid->ascii ? "[" : "\u2595");
    ry_plot_bar(&bar, share, width, true, grid->ascii);
    ry_buf_adds(&right, grid->ascii ? "] " : "\u258F ");
    ry_plot_count(&right, model->ctx_used);
    ry_buf_adds(&right, " / ");
    ry_plot_count(&right, model->ctx_size);
    int cells = ry_cells_width(ry_buf_str(&left), left.len) + width +
                ry_cells_width(ry_buf_str(&right), right.len) + 1;
    if (cells + 16 > at.cols) {
        cells = 0;
    } else {
        int x = at.x + at.cols - cells;
        x += ry_grid_put(grid, at.y, x, cells, warn ? RY_AT_WARN : RY_AT_DIM, ry_buf_str(&left),
                         left.len);
        x += ry_grid_put(grid, at.y, x, width, warn ? RY_AT_WARN : RY_AT_BAR, ry_buf_str(&bar),
                         bar.len);
        ry_grid_put(grid, at.y, x, cells, warn ? RY_AT_WARN : RY_AT_TEXT, ry_buf_str(&right),
                    right.len);
    }
    ry_buf_done(&left);
    ry_buf_done(&bar);
    ry_buf_done(&right);
    return cells;
}

void ry_status_draw_title(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_model *model)
{
    const char *sep = grid->ascii ? " - " : " \u00B7 ";
    ry_buf text = {0};
    int room = at.cols - 1;
    if (model->ctx_size)
        room -= draw_context(grid, at, model);
    ry_buf_adds(&text, "ryot");
    if (room > 70)
        add_part(&text, model->app_version, " ");
    int used =
        1 + ry_grid_put(grid, at.y, at.x + 1, room, RY_AT_TITLE, ry_buf_str(&text), text.len);
    ry_buf_clear(&text);
    add_part(&text, model->model_name, sep);
    add_part(&text, model->session_title, sep);
    if (text.len) {
        used += ry_grid_puts(grid, at.y, at.x + used, room - used, RY_AT_DIM, sep);
        ry_grid_put(grid, at.y, at.x + used, room - used, RY_AT_TEXT, ry_buf_str(&text), text.len);
        if (room > used && ry_cells_width(ry_buf_str(&text), text.len) > room - used)
            ry_grid_fill(grid, at.y, at.x + room - 1, 1, RY_AT_DIM, grid->ascii ? '>' : 0x2026);
    }
    ry_buf_done(&text);
}

/* What ryot is doing now. */
static enum ry_attr add_activity(ry_buf *text, const struct ry_ui_model *model, bool ascii)
{
    switch (model->state) {
    case RY_UI_LOADING:
        ry_buf_adds(text, "loading ");
        ry_plot_bar(text, model->load_share, 8, true, ascii);
        ry_buf_addf(text, " %.0f %%", 100 * (isfinite(model->load_share) ? model->load_share : 0));
        return RY_AT_WARN;
    case RY_UI_PREFILL:
        ry_buf_adds(text, "reading ");
        ry_plot_count(text, model->prefill_done);
        ry_buf_adds(text, " / ");
        ry_plot_count(text, model->prefill_total);
        if (model->prefill_eta_s >= 0 && isfinite(model->prefill_eta_s))
            ry_buf_addf(text, " %.0f s", ceil(model->prefill_eta_s));
        return RY_AT_GOOD;
    case RY_UI_GENERATING:
        ry_buf_adds(text, "answering");
        if (model->tok_s > 0) {
            ry_buf_addc(text, ' ');
            ry_plot_figure(text, model->tok_s);
            ry_buf_adds(text, " tok/s");
        }
        return RY_AT_GOOD;
    case RY_UI_FAILED:
        ry_buf_adds(text, "no model");
        return RY_AT_ERROR;
    default:
        if (model->tok_s > 0) {
            ry_plot_figure(text, model->tok_s);
            ry_buf_adds(text, " tok/s");
        }
        return RY_AT_TEXT;
    }
}

static void add_switches(ry_buf *text, const struct ry_ui_model *model, const char *sep)
{
    ry_buf part = {0};
    if (model->kernel && *model->kernel)
        ry_buf_addf(&part, "kernel %s", model->kernel);
    add_part(text, ry_buf_str(&part), sep);
    ry_buf_clear(&part);
    if (model->n_threads > 0)
        ry_buf_addf(&part, "%d thread%s", model->n_threads, model->n_threads == 1 ? "" : "s");
    add_part(text, ry_buf_str(&part), sep);
    add_part(text, model->attention, sep);
    ry_buf_clear(&part);
    ry_buf_addf(&part, "temp %.3g", (double)model->temp);
    add_part(text, ry_buf_str(&part), sep);
    if (!model->prefetch)
        add_part(text, "no prefetch", sep);
    if (!model->repack)
        add_part(text, "no repack", sep);
    if (model->full_head)
        add_part(text, "full head", sep);
    ry_buf_done(&part);
}

void ry_status_draw(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_model *model,
                    const char *const *keys, size_t n)
{
    const char *sep = grid->ascii ? " - " : " \u00B7 ";
    ry_buf text = {0};
    int used = 1;
    enum ry_attr attr = add_activity(&text, model, grid->ascii);
    used += ry_grid_put(grid, at.y, at.x + used, at.cols - used, attr, ry_buf_str(&text), text.len);
    if (text.len)
        used += ry_grid_puts(grid, at.y, at.x + used, at.cols - used, RY_AT_DIM, sep);
    ry_buf_clear(&text);
    add_switches(&text, model, sep);
    used += ry_grid_put(grid, at.y, at.x + used, at.cols - used, RY_AT_DIM, ry_buf_str(&text),
                        text.len);
    for (size_t i = 0; i < n; i++) {
        int cells = ry_cells_width(keys[i], strlen(keys[i]));
        if (used + 2 + cells + 1 <= at.cols) {
            ry_grid_puts(grid, at.y, at.x + at.cols - cells - 1, cells, RY_AT_DIM, keys[i]);
            break;
        }
    }
    ry_buf_done(&text);
}
