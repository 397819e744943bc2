/* What stands where.
 *
 *    0            title                                     context
 *    1            ─────────────────────┬─ F2 performance ──
 *                 chat (or help)       │ panels              side by side from 100 columns on;
 *                                      ├─ F3 threads ──────  below that an open panel replaces the chat
 *                 ─────────────────────┴───────────────────
 *                 notice, hint or search line (when there is one)
 *                 prompt
 *    rows - 1     status
 *
 * Below 40 x 10 the chat and the prompt alone remain. */
#include <string.h>

#include "ui/complete.h"
#include "ui/inner.h"
#include "ui/view.h"
#include "ui/wrap.h"

enum {
    TINY_COLS = 40,
    TINY_ROWS = 10,
    WIDE_COLS = 100,
    PANEL_LEAST = 4, /* rows of a panel under others */
    PANEL_MIN = 42,
    PANEL_MAX = 60,
    NOTICE_ROWS = 3
};

static const struct ry_view *const panels[RY_UI_PANEL_COUNT] = {
    [RY_UI_PANEL_PERF] = &ry_panel_perf,
    [RY_UI_PANEL_THREADS] = &ry_panel_threads,
    [RY_UI_PANEL_CACHE] = &ry_panel_cache,
};

static int clamp(int v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* ---- the line above the prompt ---- */

struct notice {
    ry_buf text;
    enum ry_attr attr;
    int cursor; /* cell of the cursor, or -1: the prompt has it */
};

static void search_line(const ry_ui *ui, struct notice *line)
{
    const char *query = ry_buf_str(&ui->query);
    if (ui->mode == RY_MODE_HISTORY) {
        ry_buf_addf(&line->text, " history: %s", query);
        line->cursor = ry_cells_width(line->text.data, line->text.len);
        ry_buf_adds(&line->text, ui->query.len && ui->found_at == ui->history.n
                                     ? "   (none older)"
                                     : "   (^R older, Enter takes it, Esc gives up)");
        return;
    }
    bool missed = ry_view_chat_find_result(ui->chat) == 0;
    ry_buf_addf(&line->text, " find: %s", query);
    if (ui->mode == RY_MODE_FIND)
        line->cursor = ry_cells_width(line->text.data, line->text.len);
    ry_buf_adds(&line->text, missed                     ? "   (nowhere in this chat)"
                             : ui->mode == RY_MODE_FIND ? "   (Enter finds, Esc gives up)"
                                                        : "   (n older, N newer, Esc ends)");
}

/* False when there is nothing to say. */
static bool make_notice(ry_ui *ui, const struct ry_ui_model *model, struct notice *line)
{
    const ry_buf *draft = &ui->prompt.ed.text;
    *line = (struct notice){.attr = RY_AT_DIM, .cursor = -1};
    if (ui->mode != RY_MODE_EDIT) {
        search_line(ui, line);
    } else if (ui->hint.len) {
        ry_buf_addf(&line->text, " %s", ui->hint.data);
    } else if (draft->len && draft->data[0] == '/' && !memchr(draft->data, '\n', draft->len)) {
        ry_buf_adds(&line->text, " ");
        ry_complete_hint(ui->options.commands, ui->options.n_commands, draft->data, draft->len,
                         &line->text);
    } else if (model->notice) {
        line->attr = model->notice_is_error ? RY_AT_ERROR : RY_AT_WARN;
        ry_buf_addf(&line->text, " %s%s", model->notice_is_error ? "! " : "", model->notice);
    }
    return line->text.len > 0;
}

/* Rows that the notice takes, at most `max`; drawn from row y on when y >= 0. */
static int set_notice(ry_ui *ui, const struct notice *line, int y, int max)
{
    struct ry_grid *grid = &ui->grid;
    struct ry_wrap wrap;
    struct ry_wrap_row row;
    int n = 0;
    ry_wrap_begin(&wrap, ry_buf_str(&line->text), line->text.len, true);
    while (n < max && ry_wrap_next(&wrap, grid->cols - 1, &row)) {
        if (y >= 0)
            ry_grid_put(grid, y + n, n > 0, grid->cols, line->attr, line->text.data + row.start,
                        row.len);
        n++;
    }
    if (y >= 0 && line->cursor >= 0) {
        grid->cursor_y = y;
        grid->cursor_x = clamp(line->cursor, 0, grid->cols - 1);
    }
    return n;
}

/* ---- panels ---- */

static bool any_panel(const ry_ui *ui)
{
    for (int i = 0; i < RY_UI_PANEL_COUNT; i++)
        if (ui->panels[i])
            return true;
    return false;
}

static void draw_panel_title(ry_ui *ui, int y, int x, int cols, const char *title)
{
    struct ry_grid *grid = &ui->grid;
    ry_grid_fill(grid, y, x, cols, RY_AT_DIM, ry_grid_box(grid, RY_BOX_H));
    ry_grid_putf(grid, y, x + 1, cols - 2, RY_AT_TITLE, " %s ", title);
}

/* Rows that the open panels below panel i have to have, with their titles, so that their keys do something. */
static int rows_below(const ry_ui *ui, int i, int cols, const struct ry_ui_model *model)
{
    int rows = 0;
    while (++i < RY_UI_PANEL_COUNT)
        if (ui->panels[i])
            rows += 1 + clamp(panels[i]->want_rows(model, cols), 0, PANEL_LEAST);
    return rows;
}

/* One below the other: each gets the rows that it wants as long as there are any, and leaves the others the least.
 * The first title stands on the rule above. */
static void draw_panels(ry_ui *ui, struct ry_rect at, const struct ry_ui_model *model)
{
    struct ry_grid *grid = &ui->grid;
    int y = at.y, end = at.y + at.rows;
    bool first = true, beside = at.x > 0;
    for (int i = 0; i < RY_UI_PANEL_COUNT; i++) {
        if (!ui->panels[i])
            continue;
        if (!first && y + 1 >= end)
            break;
        draw_panel_title(ui, first ? y - 1 : y, at.x, at.cols, panels[i]->title);
        if (!first && beside)
            ry_grid_fill(grid, y, at.x - 1, 1, RY_AT_DIM, ry_grid_box(grid, RY_BOX_T_RIGHT));
        y += !first;
        first = false;
        struct ry_rect inner = {y, at.x + 1, 0, at.cols - 2};
        int room = end - y - rows_below(ui, i, inner.cols, model);
        room = clamp(room, end - y < PANEL_LEAST ? end - y : PANEL_LEAST, end - y);
        inner.rows = clamp(panels[i]->want_rows(model, inner.cols), 0, room);
        panels[i]->draw(grid, inner, model);
        y += inner.rows;
    }
}

/* ---- the whole ---- */

static void draw_status(ry_ui *ui, const struct ry_ui_model *model)
{
    bool sessions = ry_help_has_command(&ui->options, "sessions");
    ry_buf all = {0};
    ry_buf_addf(&all, "F1 help  F2-F4 panels%s  ^K kernel  ^C stop",
                sessions ? "  F6 sessions" : "");
    const char *keys[] = {ry_buf_str(&all), "F1 help  F2-F4 panels  ^C stop", "F1 help  ^C stop",
                          "F1 help"};
    ry_status_draw(&ui->grid, (struct ry_rect){ui->grid.rows - 1, 0, 1, ui->grid.cols}, model, keys,
                   sizeof keys / sizeof *keys);
    ry_buf_done(&all);
}

static void draw_main(ry_ui *ui, struct ry_rect at, const struct ry_ui_model *model)
{
    if (ui->help_open)
        ry_help_draw(&ui->help, &ui->grid, at, &ui->options);
    else
        ry_view_chat_draw(ui->chat, &ui->grid, at, model);
}

static void draw_empty_hint(ry_ui *ui, struct ry_rect at, const struct ry_ui_model *model)
{
    if (model->n_messages || ui->help_open || at.rows < 3 || at.cols < 30)
        return;
    static const char text[] =
        "Type a message and press Enter. /help or F1 shows what else there is.";
    struct ry_wrap wrap;
    struct ry_wrap_row row;
    ry_wrap_begin(&wrap, text, sizeof text - 1, true);
    for (int y = 1; y < at.rows && ry_wrap_next(&wrap, at.cols - 3, &row); y++)
        ry_grid_put(&ui->grid, at.y + y, at.x + 2, at.cols - 3, RY_AT_DIM, text + row.start,
                    row.len);
}

/* Everything between title and prompt. */
static void draw_middle(ry_ui *ui, struct ry_rect at, const struct ry_ui_model *model)
{
    struct ry_grid *grid = &ui->grid;
    int32_t h = ry_grid_box(grid, RY_BOX_H);
    bool open = any_panel(ui), beside = open && at.cols >= WIDE_COLS;
    int rule = at.y + at.rows;
    ry_grid_fill(grid, at.y - 1, 0, at.cols, RY_AT_DIM, h);
    ry_grid_fill(grid, rule, 0, at.cols, RY_AT_DIM, h);
    if (open && !beside && !ui->help_open) {
        draw_panels(ui, at, model);
        return;
    }
    struct ry_rect main = at;
    if (beside) {
        int cols = clamp(at.cols * 2 / 5, PANEL_MIN, PANEL_MAX), x = at.cols - cols - 1;
        main.cols = x;
        for (int y = at.y; y < rule; y++)
            ry_grid_fill(grid, y, x, 1, RY_AT_DIM, ry_grid_box(grid, RY_BOX_V));
        draw_panels(ui, (struct ry_rect){at.y, x + 1, at.rows, cols}, model);
        ry_grid_fill(grid, at.y - 1, x, 1, RY_AT_DIM, ry_grid_box(grid, RY_BOX_T_DOWN));
        ry_grid_fill(grid, rule, x, 1, RY_AT_DIM, ry_grid_box(grid, RY_BOX_T_UP));
    }
    draw_main(ui, main, model);
    draw_empty_hint(ui, main, model);
    if (!ui->help_open && !ry_view_chat_is_following(ui->chat))
        ry_grid_puts(grid, rule, main.cols > 32 ? main.cols - 29 : 1, 28, RY_AT_WARN,
                     " more below: M-End follows ");
}

void ry_screen_compose(ry_ui *ui, const struct ry_ui_model *model)
{
    struct ry_grid *grid = &ui->grid;
    int rows = grid->rows, cols = grid->cols;
    bool tiny = cols < TINY_COLS || rows < TINY_ROWS;
    struct notice line;
    ry_grid_clear(grid);
    if (rows < 1 || cols < 1)
        return;
    int n_notice = make_notice(ui, model, &line) ? (tiny ? rows >= 4 : NOTICE_ROWS) : 0;
    n_notice = set_notice(ui, &line, -1, n_notice);
    int n_prompt = ry_prompt_rows(&ui->prompt, cols, tiny ? rows / 4 : rows / 3);
    int prompt_y = rows - n_prompt - !tiny;
    int middle_y = tiny ? 0 : 2, middle_end = prompt_y - n_notice - !tiny;
    struct ry_rect middle = {middle_y, 0, clamp(middle_end - middle_y, 0, rows), cols};
    if (tiny) {
        draw_main(ui, middle, model);
    } else {
        ry_status_draw_title(grid, (struct ry_rect){0, 0, 1, cols}, model);
        draw_middle(ui, middle, model);
        draw_status(ui, model);
    }
    if (n_notice && ui->mode != RY_MODE_EDIT) { /* the chat has searched meanwhile */
        ry_buf_done(&line.text);
        make_notice(ui, model, &line);
    }
    ry_prompt_draw(&ui->prompt, grid, (struct ry_rect){prompt_y, 0, n_prompt, cols});
    set_notice(ui, &line, prompt_y - n_notice, n_notice);
    ry_buf_done(&line.text);
}
