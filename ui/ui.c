/* The screen wing's front: its life, frames, and the calls of ui.h. One thread. */
#include "ui/ui.h"

#include <string.h>

#include "src/base/clock.h"
#include "src/base/mem.h"
#include "ui/inner.h"
#include "ui/term.h"

enum { FRAME_MS = 33, KEYS_PER_CALL = 10000 };

ry_rc ry_ui_open(ry_ui **out, const struct ry_ui_options *options, ry_err *err)
{
    struct ry_term_options term = {
        .color = options->color, .theme = options->theme, .mouse = options->mouse};
    ry_err history_err;
    ry_ui *ui = ry_mem_zalloc(1, sizeof *ui);
    ry_rc rc = RY_ERR_MEMORY;
    if (!ui)
        return ry_err_set(err, RY_ERR_MEMORY, "no memory for the screen");
    ui->options = *options;
    ui->grid.ascii = options->ascii;
    ui->force = true;
    ui->chat = ry_view_chat_new(options->ascii);
    if (!ui->chat) {
        ry_err_set(err, RY_ERR_MEMORY, "no memory for the screen");
        goto fail;
    }
    rc = ry_term_open(&term, err);
    if (rc != RY_OK)
        goto fail;
    if (ry_history_open(&ui->history, options->history_path, &history_err) != RY_OK)
        ry_buf_adds(&ui->hint, history_err.text);
    ui->history_at = ui->history.n;
    *out = ui;
    return RY_OK;
fail:
    ry_view_chat_free(ui->chat);
    ry_mem_free(ui);
    return rc;
}

void ry_ui_close(ry_ui *ui)
{
    if (!ui)
        return;
    ry_draw_done(&ui->draw);
    ry_term_close();
    ry_grid_done(&ui->grid);
    ry_prompt_done(&ui->prompt);
    ry_history_done(&ui->history);
    ry_view_chat_free(ui->chat);
    ry_help_done(&ui->help);
    ry_buf_done(&ui->query);
    ry_buf_done(&ui->stash);
    ry_buf_done(&ui->hint);
    ry_buf_done(&ui->paste);
    ry_mem_free(ui);
}

int ry_ui_fd(const ry_ui *ui)
{
    (void)ui;
    return ry_term_fd();
}

void ry_ui_next_action(ry_ui *ui, struct ry_ui_action *out)
{
    *out = (struct ry_ui_action){.kind = RY_UI_ACT_NONE};
    for (int i = 0; i < KEYS_PER_CALL && out->kind == RY_UI_ACT_NONE && !ui->gone; i++) {
        int32_t key = ry_term_key(&ui->paste);
        if (key == RY_KEY_NONE)
            return;
        if (key == RY_KEY_GONE)
            ui->gone = true;
        else
            ry_act_on_key(ui, key, out);
    }
    if (ui->gone && !ui->gone_told && out->kind == RY_UI_ACT_NONE) {
        ui->gone_told = true;
        out->kind = RY_UI_ACT_HANGUP;
    }
}

int ry_ui_timeout_ms(const ry_ui *ui)
{
    int timeout = ry_term_timeout_ms();
    if (ui->due) {
        uint64_t past = ry_clock_ms() - ui->last_frame_ms;
        int left = past >= FRAME_MS ? 0 : (int)(FRAME_MS - past);
        timeout = timeout < 0 || left < timeout ? left : timeout;
    }
    return timeout;
}

void ry_ui_draw(ry_ui *ui, const struct ry_ui_model *model)
{
    uint64_t now = ry_clock_ms();
    int rows, cols;
    ui->state = model->state;
    if (ui->gone)
        return;
    ui->due = !ui->force && now - ui->last_frame_ms < FRAME_MS;
    if (ui->due)
        return;
    ui->force = false;
    ui->last_frame_ms = now;
    ry_term_size(&rows, &cols);
    if ((rows != ui->grid.rows || cols != ui->grid.cols) && !ry_grid_resize(&ui->grid, rows, cols))
        return;
    ry_screen_compose(ui, model);
    ry_draw_flush(&ui->draw, &ui->grid);
}

void ry_ui_redraw(ry_ui *ui)
{
    ry_draw_forget(&ui->draw);
    ui->force = true;
}

void ry_ui_resized(ry_ui *ui)
{
    ui->force = true;
}

void ry_ui_suspend(ry_ui *ui)
{
    (void)ui;
    ry_term_suspend();
}

ry_rc ry_ui_resume(ry_ui *ui, ry_err *err)
{
    if (ui->gone)
        return ry_err_set(err, RY_ERR_IO, "the terminal is gone");
    ry_term_resume();
    ry_ui_redraw(ui);
    return RY_OK;
}

void ry_ui_set_draft(ry_ui *ui, const char *text, size_t len)
{
    ry_editor_set(&ui->prompt.ed, text, len);
    ui->history_at = ui->history.n;
}

const char *ry_ui_draft(const ry_ui *ui, size_t *len)
{
    *len = ui->prompt.ed.text.len;
    return ry_buf_str(&ui->prompt.ed.text);
}

void ry_ui_toggle_panel(ry_ui *ui, enum ry_ui_panel panel)
{
    if (panel < RY_UI_PANEL_COUNT) {
        ui->panels[panel] = !ui->panels[panel];
        ui->help_open = false;
    }
}

void ry_ui_show_help(ry_ui *ui)
{
    ui->help_open = true;
    ui->help.top = 0;
}

void ry_ui_set_mouse(ry_ui *ui, bool on)
{
    ui->options.mouse = on;
    ry_term_set_mouse(on);
}

void ry_ui_toggle_raw(ry_ui *ui)
{
    ui->raw = !ui->raw;
    ry_view_chat_set_raw(ui->chat, ui->raw);
}

void ry_ui_emergency_restore(void)
{
    ry_term_emergency_restore();
}
