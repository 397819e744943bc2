/* The inside of a ry_ui, shared by ui.c (life, frames), act.c (keys) and screen.c (what stands
 * where). Thread: the one that opened it. */
#ifndef RYOT_UI_INNER_H
#define RYOT_UI_INNER_H

#include <stdbool.h>
#include <stdint.h>

#include "ui/draw.h"
#include "ui/grid.h"
#include "ui/history.h"
#include "ui/prompt.h"
#include "ui/ui.h"
#include "ui/view_chat.h"
#include "ui/view_help.h"

/* What keys mean now: the draft is edited, or a line of its own is typed to look for something. */
enum ry_mode {
    RY_MODE_EDIT,
    RY_MODE_HISTORY, /* ^R: the draft shows what was found */
    RY_MODE_FIND,    /* ^S: typing what to look for in the chat */
    RY_MODE_FOUND    /* n and N go on */
};

struct ry_ui {
    struct ry_ui_options options;
    struct ry_grid grid;
    struct ry_draw draw;
    struct ry_prompt prompt;
    struct ry_history history;
    struct ry_view_chat *chat;
    struct ry_help help;
    bool panels[RY_UI_PANEL_COUNT];
    bool help_open, raw;
    enum ry_mode mode;
    ry_buf query;      /* of history search and find */
    ry_buf stash;      /* the draft while older prompts are shown in its place */
    size_t history_at; /* index of the prompt shown; history.n: the draft itself */
    size_t found_at;   /* of the history search */
    ry_buf hint;       /* one line, until the next key */
    ry_buf paste;
    enum ry_ui_state state; /* of the last model */
    bool prefix_x;          /* ^X was typed */
    bool gone, gone_told;
    bool due, force; /* a frame was put off; the next one comes at once */
    uint64_t last_frame_ms;
};

/* Does what a key means. Fills *out when an action leaves the UI. */
void ry_act_on_key(ry_ui *ui, int32_t key, struct ry_ui_action *out);

/* Draws everything into ui->grid (of the size it has). */
void ry_screen_compose(ry_ui *ui, const struct ry_ui_model *model);

static inline bool ry_ui_is_busy(const ry_ui *ui)
{
    return ui->state == RY_UI_PREFILL || ui->state == RY_UI_GENERATING;
}

#endif
