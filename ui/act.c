/* What keys do: from the keymap's action to the editor, the chat, or an action that leaves the UI.
 */
#include <string.h>

#include "src/base/mem.h"
#include "src/base/sanitize.h"
#include "src/base/utf8.h"
#include "ui/complete.h"
#include "ui/inner.h"
#include "ui/keymap.h"
#include "ui/term.h"

enum { WHEEL_ROWS = 3 };

static void hint(ry_ui *ui, const char *text)
{
    ry_buf_clear(&ui->hint);
    ry_buf_adds(&ui->hint, text);
}

static struct ry_editor *editor(ry_ui *ui)
{
    return &ui->prompt.ed;
}

static int draft_width(const ry_ui *ui)
{
    return ry_prompt_width(ui->grid.cols);
}

/* ---- actions that leave ---- */

static void leave(struct ry_ui_action *out, enum ry_ui_action_kind kind, int arg)
{
    out->kind = kind;
    out->arg = arg;
}

static bool leave_with_text(struct ry_ui_action *out, enum ry_ui_action_kind kind, const char *text,
                            size_t len)
{
    char *copy = ry_mem_strndup(text, len);
    if (!copy)
        return false;
    leave(out, kind, 0);
    out->text = copy;
    out->len = len;
    return true;
}

static bool is_blank(const ry_buf *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (!strchr(" \t\n", text->data[i]) || !text->data[i])
            return false;
    return true;
}

static void send_draft(ry_ui *ui, struct ry_ui_action *out)
{
    struct ry_editor *ed = editor(ui);
    ry_err err;
    if (is_blank(&ed->text)) {
        hint(ui, "nothing to send: type a message, or / for commands");
        return;
    }
    if (!leave_with_text(out, RY_UI_ACT_SUBMIT, ed->text.data, ed->text.len)) {
        hint(ui, "out of memory: the draft was kept");
        return;
    }
    if (ry_history_add(&ui->history, out->text, out->len, &err) != RY_OK)
        hint(ui, err.text);
    ui->history_at = ui->history.n;
    ry_editor_set(ed, "", 0);
    ry_view_chat_follow(ui->chat);
}

static void interrupt(ry_ui *ui, struct ry_ui_action *out)
{
    struct ry_editor *ed = editor(ui);
    if (ry_ui_is_busy(ui)) {
        leave(out, RY_UI_ACT_STOP, 0);
    } else if (ed->text.len) {
        ry_editor_set(ed, "", 0);
        ui->history_at = ui->history.n;
        hint(ui, "draft cleared: ^_ brings it back");
    } else {
        hint(ui, "nothing to stop: ^D quits");
    }
}

static void escape(ry_ui *ui, struct ry_ui_action *out)
{
    if (ui->help_open)
        ui->help_open = false;
    else if (ry_ui_is_busy(ui))
        leave(out, RY_UI_ACT_STOP, 0);
}

static void run_command(ry_ui *ui, const char *name, struct ry_ui_action *out)
{
    ry_buf text = {0};
    if (!ry_help_has_command(&ui->options, name))
        return;
    ry_buf_addf(&text, "/%s", name);
    leave_with_text(out, RY_UI_ACT_SUBMIT, ry_buf_str(&text), text.len);
    ry_buf_done(&text);
}

/* ---- history ---- */

static void show_entry(ry_ui *ui, size_t at)
{
    struct ry_editor *ed = editor(ui);
    if (ui->history_at == ui->history.n) {
        ry_buf_clear(&ui->stash);
        ry_buf_add(&ui->stash, ry_buf_str(&ed->text), ed->text.len);
    }
    ui->history_at = at;
    const char *text = at < ui->history.n ? ui->history.entries[at] : ry_buf_str(&ui->stash);
    ry_editor_set(ed, text, at < ui->history.n ? strlen(text) : ui->stash.len);
}

static void up(ry_ui *ui)
{
    if (ry_editor_up(editor(ui), draft_width(ui)))
        return;
    if (ui->history_at > 0)
        show_entry(ui, ui->history_at - 1);
}

static void down(ry_ui *ui)
{
    if (ry_editor_down(editor(ui), draft_width(ui)))
        return;
    if (ui->history_at < ui->history.n)
        show_entry(ui, ui->history_at + 1);
}

static void search_history(ry_ui *ui, size_t below)
{
    size_t at = ry_history_search(&ui->history, ry_buf_str(&ui->query), below);
    ui->found_at = at;
    if (at < ui->history.n)
        show_entry(ui, at);
}

static void complete(ry_ui *ui)
{
    struct ry_editor *ed = editor(ui);
    struct ry_complete c;
    if (!ry_complete_draft(ui->options.commands, ui->options.n_commands, ry_buf_str(&ed->text),
                           ed->cursor, &c))
        return;
    if (c.common.len != ed->cursor - c.from ||
        memcmp(c.common.data, ed->text.data + c.from, c.common.len))
        ry_editor_replace(ed, c.from, ed->cursor, c.common.data, c.common.len);
    if (c.n_candidates > 1)
        hint(ui, ry_buf_str(&c.list));
    ry_complete_done(&c);
}

/* ---- the table's actions ---- */

/* Those of the line editor alone; false when it is none. */
static bool edit(ry_ui *ui, enum ry_act act)
{
    static void (*const edits[RY_ACT_COUNT])(struct ry_editor *) = {
        [RY_ACT_LINE_START] = ry_editor_line_start,
        [RY_ACT_LEFT] = ry_editor_left,
        [RY_ACT_RIGHT] = ry_editor_right,
        [RY_ACT_WORD_LEFT] = ry_editor_word_left,
        [RY_ACT_WORD_RIGHT] = ry_editor_word_right,
        [RY_ACT_BACKSPACE] = ry_editor_backspace,
        [RY_ACT_DELETE] = ry_editor_delete,
        [RY_ACT_KILL_START] = ry_editor_kill_start,
        [RY_ACT_KILL_WORD_BACK] = ry_editor_kill_to_space,
        [RY_ACT_KILL_WORD_BEFORE] = ry_editor_kill_word_before,
        [RY_ACT_KILL_WORD] = ry_editor_kill_word,
        [RY_ACT_YANK] = ry_editor_yank,
        [RY_ACT_TRANSPOSE] = ry_editor_transpose,
    };
    if (!edits[act])
        return false;
    edits[act](editor(ui));
    return true;
}

/* Those that move in the chat or the help; false when it is none. */
static bool scroll(ry_ui *ui, enum ry_act act)
{
    int rows = 0, pages = 0;
    switch (act) {
    case RY_ACT_PAGE_UP:
        pages = -1;
        break;
    case RY_ACT_PAGE_DOWN:
        pages = 1;
        break;
    case RY_ACT_WHEEL_UP:
        rows = -WHEEL_ROWS;
        break;
    case RY_ACT_WHEEL_DOWN:
        rows = WHEEL_ROWS;
        break;
    case RY_ACT_TOP:
        if (ui->help_open)
            ui->help.top = 0;
        else
            ry_view_chat_top(ui->chat);
        return true;
    case RY_ACT_BOTTOM:
        if (ui->help_open)
            ui->help.top = ui->help.layout.n_lines;
        else
            ry_view_chat_follow(ui->chat);
        return true;
    default:
        return false;
    }
    if (ui->help_open) {
        ry_help_scroll(&ui->help, rows + pages * (ui->help.rows > 1 ? ui->help.rows - 1 : 1));
    } else {
        ry_view_chat_scroll(ui->chat, rows);
        ry_view_chat_page(ui->chat, pages);
    }
    return true;
}

static void line_end(ry_ui *ui)
{
    struct ry_editor *ed = editor(ui);
    size_t before = ed->cursor;
    ry_editor_line_end(ed);
    if (ed->cursor == before)
        ry_view_chat_follow(ui->chat);
}

static void start_search(ry_ui *ui, enum ry_mode mode)
{
    ui->mode = mode;
    ry_buf_clear(&ui->query);
    ui->found_at = ui->history.n;
    ry_view_chat_find(ui->chat, "", false);
    ui->help_open = false;
}

/* Up and Down: rows of the help when it is open, else of the draft and the history. */
static void vertical(ry_ui *ui, bool upwards)
{
    if (ui->help_open)
        ry_help_scroll(&ui->help, upwards ? -1 : 1);
    else if (upwards)
        up(ui);
    else
        down(ui);
}

static void act_on_program(ry_ui *ui, enum ry_act act, struct ry_ui_action *out)
{
    switch (act) {
    case RY_ACT_HELP:
        ui->help_open = !ui->help_open;
        break;
    case RY_ACT_PANEL_PERF:
        ry_ui_toggle_panel(ui, RY_UI_PANEL_PERF);
        break;
    case RY_ACT_PANEL_THREADS:
        ry_ui_toggle_panel(ui, RY_UI_PANEL_THREADS);
        break;
    case RY_ACT_PANEL_CACHE:
        ry_ui_toggle_panel(ui, RY_UI_PANEL_CACHE);
        break;
    case RY_ACT_THREADS_MORE:
        leave(out, RY_UI_ACT_THREADS, 1);
        break;
    case RY_ACT_THREADS_LESS:
        leave(out, RY_UI_ACT_THREADS, -1);
        break;
    case RY_ACT_SESSIONS:
        run_command(ui, "sessions", out);
        break;
    case RY_ACT_SUSPEND:
        leave(out, RY_UI_ACT_SUSPEND, 0);
        break;
    case RY_ACT_REDRAW:
        ry_ui_redraw(ui);
        break;
    default:
        break;
    }
}

static void act(ry_ui *ui, enum ry_act what, struct ry_ui_action *out)
{
    struct ry_editor *ed = editor(ui);
    if (edit(ui, what) || scroll(ui, what))
        return;
    switch (what) {
    case RY_ACT_SEND:
        send_draft(ui, out);
        break;
    case RY_ACT_NEWLINE:
        ry_editor_insert(ed, "\n", 1, false);
        break;
    case RY_ACT_LINE_END:
        line_end(ui);
        break;
    case RY_ACT_UP:
    case RY_ACT_DOWN:
        vertical(ui, what == RY_ACT_UP);
        break;
    case RY_ACT_DELETE_OR_QUIT:
        if (ed->text.len)
            ry_editor_delete(ed);
        else
            leave(out, RY_UI_ACT_QUIT, 0);
        break;
    case RY_ACT_KILL_OR_KERNEL:
        if (ed->text.len == 0 || ry_ui_is_busy(ui))
            leave(out, RY_UI_ACT_CYCLE_KERNEL, 0);
        else
            ry_editor_kill_end(ed);
        break;
    case RY_ACT_UNDO:
        if (!ry_editor_undo(ed))
            hint(ui, "nothing to undo");
        break;
    case RY_ACT_COMPLETE:
        complete(ui);
        break;
    case RY_ACT_HISTORY_SEARCH:
        start_search(ui, RY_MODE_HISTORY);
        break;
    case RY_ACT_FIND:
        start_search(ui, RY_MODE_FIND);
        break;
    case RY_ACT_EXTERNAL_EDIT:
        leave_with_text(out, RY_UI_ACT_EXTERNAL_EDIT, ry_buf_str(&ed->text), ed->text.len);
        break;
    case RY_ACT_INTERRUPT:
        interrupt(ui, out);
        break;
    case RY_ACT_ESCAPE:
        escape(ui, out);
        break;
    default:
        act_on_program(ui, what, out);
        break;
    }
}

/* ---- search lines ---- */

static void end_search(ry_ui *ui)
{
    ui->mode = RY_MODE_EDIT;
    ry_view_chat_find(ui->chat, "", false);
}

static void type_query(ry_ui *ui, int32_t key)
{
    char bytes[RY_UTF8_MAX_BYTES];
    if (key == RY_KEY_BACKSPACE) {
        if (ui->query.len) {
            ui->query.len -= ry_cells_unit_before(ui->query.data, ui->query.len);
            ui->query.data[ui->query.len] = '\0';
        }
    } else {
        ry_buf_add(&ui->query, bytes, ry_utf8_encode(key, bytes));
    }
    if (ui->mode == RY_MODE_HISTORY && ui->query.len)
        search_history(ui, ui->history.n);
}

/* Keys of the history search. False when the key ends it and then means what it always means. */
static bool history_key(ry_ui *ui, int32_t key, enum ry_act what)
{
    if (what == RY_ACT_HISTORY_SEARCH) {
        search_history(ui, ui->found_at < ui->history.n ? ui->found_at : ui->history.n);
        return true;
    }
    if (what == RY_ACT_ESCAPE || what == RY_ACT_INTERRUPT || key == ('G' & 0x1F)) {
        if (ui->history_at != ui->history.n)
            show_entry(ui, ui->history.n);
        end_search(ui);
        return true;
    }
    end_search(ui);
    return what == RY_ACT_SEND;
}

static bool find_key(ry_ui *ui, int32_t key, enum ry_act what)
{
    bool found = ui->mode == RY_MODE_FOUND;
    if (what == RY_ACT_SEND || what == RY_ACT_FIND || (found && (key == 'n' || key == 'N'))) {
        ui->mode = RY_MODE_FOUND;
        ry_view_chat_find(ui->chat, ry_buf_str(&ui->query), key == 'N');
        return true;
    }
    if (what == RY_ACT_ESCAPE || what == RY_ACT_INTERRUPT || key == ('G' & 0x1F)) {
        end_search(ui);
        return true;
    }
    if (scroll(ui, what))
        return true;
    end_search(ui);
    return false;
}

static bool is_text(int32_t key)
{
    return key >= 0x20 && key != 0x7F && key < RY_KEY_NONE;
}

/* True when the key was for the search line. */
static bool search_key(ry_ui *ui, int32_t key, enum ry_act what)
{
    bool typing = ui->mode == RY_MODE_HISTORY || ui->mode == RY_MODE_FIND;
    if (ui->mode == RY_MODE_EDIT || (what == RY_ACT_INTERRUPT && ry_ui_is_busy(ui)))
        return false;
    if (typing && (is_text(key) || key == RY_KEY_BACKSPACE)) {
        type_query(ui, key);
        return true;
    }
    return ui->mode == RY_MODE_HISTORY ? history_key(ui, key, what) : find_key(ui, key, what);
}

/* ---- text ---- */

static void type_text(ry_ui *ui, int32_t key, struct ry_ui_action *out)
{
    struct ry_editor *ed = editor(ui);
    char bytes[RY_UTF8_MAX_BYTES];
    if (ed->text.len == 0 && key == '?') {
        ui->help_open = !ui->help_open;
    } else if (ed->text.len == 0 && (key == '+' || key == '-') && ui->panels[RY_UI_PANEL_THREADS]) {
        leave(out, RY_UI_ACT_THREADS, key == '+' ? 1 : -1);
    } else {
        ui->help_open = false;
        ry_editor_insert(ed, bytes, ry_utf8_encode(key, bytes), false);
    }
}

static void paste(ry_ui *ui)
{
    if (ui->paste.failed)
        hint(ui, "the paste was too large for the memory: nothing was inserted");
    else if (ui->mode == RY_MODE_EDIT || ui->mode == RY_MODE_FOUND)
        ry_editor_insert(editor(ui), ry_buf_str(&ui->paste), ui->paste.len, true);
    else if (!memchr(ry_buf_str(&ui->paste), '\0', ui->paste.len))
        ry_sanitize_line(ry_buf_str(&ui->paste), ui->paste.len, &ui->query);
    ry_buf_done(&ui->paste);
}

void ry_act_on_key(ry_ui *ui, int32_t key, struct ry_ui_action *out)
{
    ry_buf_clear(&ui->hint);
    if (key == RY_KEY_RESIZE) {
        ry_ui_resized(ui);
        return;
    }
    if (key == RY_KEY_PASTE) {
        paste(ui);
        return;
    }
    if (key == ('X' & 0x1F) && !ui->prefix_x) {
        ui->prefix_x = true;
        hint(ui, "^X: then ^E edits the draft in $VISUAL, ^U undoes");
        return;
    }
    if (ui->prefix_x)
        key |= RY_KEY_CTRL_X;
    ui->prefix_x = false;
    enum ry_act what = ry_keymap_find(key);
    if (search_key(ui, key, what))
        return;
    if (what != RY_ACT_NONE)
        act(ui, what, out);
    else if (is_text(key))
        type_text(ui, key, out);
}
