/* F2, performance: rates, latencies, time by operation, memory traffic, and one line of verdict. */
#include <math.h>
#include <string.h>

#include "ui/plot.h"
#include "ui/view.h"
#include "ui/wrap.h"

enum { OP_LABEL = 11, MARK_WIDTH = 8, VERDICT_ROWS = 3 };

int ry_panel_field(struct ry_grid *grid, struct ry_rect at, int row, int col, const char *label,
                   const char *value)
{
    int used;
    if (row >= at.rows)
        return 0;
    used = ry_grid_puts(grid, at.y + row, at.x + col, at.cols - col, RY_AT_DIM, label);
    return used + ry_grid_puts(grid, at.y + row, at.x + col + used, at.cols - col - used,
                               RY_AT_TEXT, value);
}

static bool has_marks(const struct ry_ui_perf *perf)
{
    for (size_t i = 0; i < perf->n_spark && i < RY_UI_SPARK; i++)
        if (perf->marks[i])
            return true;
    return false;
}

/* The verdict in as many rows as it takes, drawn when there is a grid. Returns their number. */
static int set_verdict(struct ry_grid *grid, struct ry_rect at, int row,
                       const struct ry_ui_perf *perf)
{
    struct ry_wrap wrap;
    struct ry_wrap_row line;
    int n = 0;
    if (!perf->verdict)
        return 0;
    ry_wrap_begin(&wrap, perf->verdict, strlen(perf->verdict), true);
    for (; n < VERDICT_ROWS && ry_wrap_next(&wrap, at.cols, &line); n++)
        if (grid && row + n < at.rows)
            ry_grid_put(grid, at.y + row + n, at.x, at.cols, RY_AT_GOOD, perf->verdict + line.start,
                        line.len);
    return n;
}

static int want_rows(const struct ry_ui_model *model, int cols)
{
    const struct ry_ui_perf *perf = &model->perf;
    if (!perf->any && model->state != RY_UI_PREFILL)
        return 1;
    return 6 + (perf->n_drafted > 0) + (perf->n_screened > 0) +
           (int)(perf->n_ops < RY_UI_OPS ? perf->n_ops : RY_UI_OPS) + has_marks(perf) +
           set_verdict(NULL, (struct ry_rect){.cols = cols}, 0, perf);
}

/* The rate of the last minute; under it, where something was switched, its name from that second
 * on. */
static int draw_decode(struct ry_grid *grid, struct ry_rect at, int row,
                       const struct ry_ui_perf *perf)
{
    ry_buf text = {0}, spark = {0};
    size_t n = perf->n_spark < RY_UI_SPARK ? perf->n_spark : RY_UI_SPARK;
    ry_plot_figure(&text, perf->decode_tok_s);
    ry_buf_adds(&text, " tok/s   ");
    int used = ry_panel_field(grid, at, row, 0, "decode   ", ry_buf_str(&text));
    int width = at.cols - used;
    ry_plot_spark(&spark, perf->spark, n, width, 0, grid->ascii);
    if (row < at.rows)
        ry_grid_put(grid, at.y + row, at.x + used, width, RY_AT_BAR, ry_buf_str(&spark), spark.len);
    row++;
    if (has_marks(perf)) {
        int free_at = 0;
        for (int i = 0; i < (int)n && row < at.rows; i++) {
            int col = (int)n > width ? i * width / (int)n : i;
            if (perf->marks[i] && col >= free_at)
                free_at =
                    col + 1 +
                    ry_grid_putf(grid, at.y + row, at.x + used + col,
                                 width - col < MARK_WIDTH ? width - col : MARK_WIDTH, RY_AT_WARN,
                                 grid->ascii ? "^%s" : "\u2191%s", perf->marks[i]);
        }
        row++;
    }
    ry_buf_done(&text);
    ry_buf_done(&spark);
    return row;
}

static void add_eta(ry_buf *text, const struct ry_ui_model *model)
{
    ry_plot_count(text, model->prefill_done);
    ry_buf_adds(text, " of ");
    ry_plot_count(text, model->prefill_total);
    if (model->prefill_eta_s >= 0 && isfinite(model->prefill_eta_s))
        ry_buf_addf(text, ", %.0f s left", ceil(model->prefill_eta_s));
}

static int draw_prefill(struct ry_grid *grid, struct ry_rect at, int row,
                        const struct ry_ui_model *model)
{
    ry_buf text = {0};
    if (model->state == RY_UI_PREFILL && model->prefill_total) {
        int bar = at.cols / 4;
        ry_plot_bar(&text, (double)model->prefill_done / model->prefill_total, bar, true,
                    grid->ascii);
        ry_buf_addc(&text, ' ');
        add_eta(&text, model);
    } else {
        ry_plot_figure(&text, model->perf.prefill_tok_s);
        ry_buf_adds(&text, " tok/s    TTFT ");
        ry_plot_ms(&text, model->perf.ttft_ms);
    }
    ry_panel_field(grid, at, row, 0, "prefill  ", ry_buf_str(&text));
    ry_buf_done(&text);
    return row + 1;
}

static int draw_latency(struct ry_grid *grid, struct ry_rect at, int row,
                        const struct ry_ui_perf *perf)
{
    ry_buf text = {0};
    ry_buf_adds(&text, "p50 ");
    ry_plot_figure(&text, perf->p50_ms);
    ry_buf_adds(&text, "  p95 ");
    ry_plot_figure(&text, perf->p95_ms);
    ry_buf_adds(&text, "  p99 ");
    ry_plot_figure(&text, perf->p99_ms);
    ry_buf_adds(&text, " ms");
    ry_panel_field(grid, at, row, 0, "token    ", ry_buf_str(&text));
    ry_buf_done(&text);
    return row + 1;
}

/* Speculation, where there was any. */
static int draw_drafts(struct ry_grid *grid, struct ry_rect at, int row,
                       const struct ry_ui_perf *perf)
{
    ry_buf text = {0};
    if (perf->n_drafted == 0)
        return row;
    ry_buf_addf(&text, "%.0f %% of ", 100.0 * (double)perf->n_accepted / (double)perf->n_drafted);
    ry_plot_count(&text, perf->n_drafted);
    ry_buf_addf(&text, " right  %.2f tokens a step", perf->tokens_a_step);
    ry_panel_field(grid, at, row, 0, "guessed  ", ry_buf_str(&text));
    ry_buf_done(&text);
    return row + 1;
}

/* The screen before the head, where there is one. */
static int draw_screen(struct ry_grid *grid, struct ry_rect at, int row,
                       const struct ry_ui_perf *perf)
{
    ry_buf text = {0};
    if (perf->n_screened == 0)
        return row;
    ry_buf_adds(&text, "screened, ");
    ry_plot_count(&text, perf->n_rescored / perf->n_screened);
    ry_buf_adds(&text, " logits a token");
    ry_panel_field(grid, at, row, 0, "head     ", ry_buf_str(&text));
    ry_buf_done(&text);
    return row + 1;
}

static int draw_memory(struct ry_grid *grid, struct ry_rect at, int row,
                       const struct ry_ui_perf *perf)
{
    ry_buf text = {0};
    ry_plot_figure(&text, perf->read_gb_s);
    if (perf->read_limit_gb_s > 0) {
        ry_buf_adds(&text, " of ");
        ry_plot_figure(&text, perf->read_limit_gb_s);
        ry_buf_addf(&text, " GB/s  %.0f %%", 100 * perf->read_gb_s / perf->read_limit_gb_s);
    } else {
        ry_buf_adds(&text, " GB/s  limit: ryot doctor");
    }
    ry_panel_field(grid, at, row++, 0, "read     ", ry_buf_str(&text));
    ry_buf_clear(&text);
    ry_plot_bytes(&text, perf->memory_bytes);
    ry_buf_adds(&text, "  of it KV ");
    ry_plot_bytes(&text, perf->kv_bytes);
    ry_panel_field(grid, at, row++, 0, "memory   ", ry_buf_str(&text));
    ry_buf_clear(&text);
    ry_plot_count(&text, perf->kv_reused);
    ry_buf_adds(&text, " reused  ");
    ry_plot_count(&text, perf->kv_computed);
    ry_buf_adds(&text, " computed");
    ry_panel_field(grid, at, row++, 0, "prefix   ", ry_buf_str(&text));
    ry_buf_done(&text);
    return row;
}

static int draw_ops(struct ry_grid *grid, struct ry_rect at, int row, const struct ry_ui_perf *perf)
{
    for (size_t i = 0; i < perf->n_ops && i < RY_UI_OPS && row < at.rows; i++, row++) {
        ry_buf bar = {0};
        const char *name = perf->ops[i].name ? perf->ops[i].name : "";
        double share = isfinite(perf->ops[i].share) ? perf->ops[i].share : 0;
        int width = at.cols - OP_LABEL - 6, used;
        ry_plot_bar(&bar, share, width, false, grid->ascii);
        ry_grid_puts(grid, at.y + row, at.x, OP_LABEL - 1, RY_AT_DIM, name);
        used = ry_grid_put(grid, at.y + row, at.x + OP_LABEL, width, RY_AT_BAR, ry_buf_str(&bar),
                           bar.len);
        ry_grid_putf(grid, at.y + row, at.x + OP_LABEL + used + 1, 6, RY_AT_TEXT, "%.0f %%",
                     100 * share);
        ry_buf_done(&bar);
    }
    return row;
}

static void draw(struct ry_grid *grid, struct ry_rect at, const struct ry_ui_model *model)
{
    const struct ry_ui_perf *perf = &model->perf;
    int row = 0;
    if (!perf->any && model->state != RY_UI_PREFILL) {
        ry_panel_field(grid, at, 0, 0, "nothing was measured yet", "");
        return;
    }
    row = draw_decode(grid, at, row, perf);
    row = draw_prefill(grid, at, row, model);
    row = draw_latency(grid, at, row, perf);
    row = draw_drafts(grid, at, row, perf);
    row = draw_screen(grid, at, row, perf);
    row = draw_memory(grid, at, row, perf);
    row = draw_ops(grid, at, row, perf);
    set_verdict(grid, at, row, perf);
}

const struct ry_view ry_panel_perf = {
    .title = "F2 performance", .want_rows = want_rows, .draw = draw};
