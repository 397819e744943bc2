/* The line editor. Undo keeps whole states: drafts are short, and a state cannot be wrong. */
#include "ui/editor.h"

#include <string.h>

#include <utf8proc.h>

#include "src/base/mem.h"
#include "src/base/utf8.h"
#include "ui/cells.h"
#include "ui/wrap.h"

enum { LAST_NONE, LAST_TYPE, LAST_DELETE, LAST_KILL, LAST_OTHER };
enum { UNDO_BYTES = 16 << 20 };

static void drop_oldest(struct ry_editor *ed)
{
    ed->undo_bytes -= ed->undo[0].len;
    ry_mem_free(ed->undo[0].text);
    ed->n_undo--;
    memmove(ed->undo, ed->undo + 1, ed->n_undo * sizeof *ed->undo);
}

/* Before a change: keeps the state, unless the change goes on with the one before. */
static void remember(struct ry_editor *ed, uint8_t kind)
{
    bool joins = kind == ed->last && (kind == LAST_TYPE || kind == LAST_DELETE);
    ed->last = kind;
    ed->goal_column = -1;
    ed->version++;
    if (joins)
        return;
    char *copy = ry_mem_strndup(ry_buf_str(&ed->text), ed->text.len);
    if (!copy)
        return;
    while (ed->n_undo == RY_EDITOR_UNDOS ||
           (ed->n_undo && ed->undo_bytes + ed->text.len > UNDO_BYTES))
        drop_oldest(ed);
    ed->undo[ed->n_undo++] = (struct ry_editor_state){copy, ed->text.len, ed->cursor};
    ed->undo_bytes += ed->text.len;
}

static void moved(struct ry_editor *ed)
{
    ed->last = LAST_NONE;
    ed->goal_column = -1;
}

void ry_editor_done(struct ry_editor *ed)
{
    while (ed->n_undo)
        drop_oldest(ed);
    ry_buf_done(&ed->text);
    ry_buf_done(&ed->kill);
    *ed = (struct ry_editor){0};
}

/* The splice that every change comes down to. */
static bool splice(struct ry_editor *ed, size_t from, size_t to, const char *s, size_t len)
{
    ry_buf next = {0};
    ry_buf_reserve(&next, ed->text.len - (to - from) + len);
    ry_buf_add(&next, ry_buf_str(&ed->text), from);
    ry_buf_add(&next, s, len);
    ry_buf_add(&next, ry_buf_str(&ed->text) + to, ed->text.len - to);
    if (next.failed) {
        ry_buf_done(&next);
        return false;
    }
    ry_buf_done(&ed->text);
    ed->text = next;
    ed->cursor = from + len;
    return true;
}

void ry_editor_insert(struct ry_editor *ed, const char *s, size_t len, bool paste)
{
    ry_buf lines = {0};
    if (len == 0)
        return;
    if (paste) {
        for (size_t i = 0; i < len; i++) {
            if (s[i] == '\r' && i + 1 < len && s[i + 1] == '\n')
                continue;
            ry_buf_addc(&lines, s[i] == '\r' ? '\n' : s[i]);
        }
        s = ry_buf_str(&lines);
        len = lines.len;
    }
    if (!lines.failed) {
        bool blank = len == 1 && (*s == ' ' || *s == '\n');
        if (blank && ed->last == LAST_TYPE)
            ed->last = LAST_NONE; /* each word is a step of undo */
        remember(ed, paste ? LAST_OTHER : LAST_TYPE);
        splice(ed, ed->cursor, ed->cursor, s, len);
    }
    ry_buf_done(&lines);
}

void ry_editor_replace(struct ry_editor *ed, size_t from, size_t to, const char *s, size_t len)
{
    remember(ed, LAST_OTHER);
    splice(ed, from, to, s, len);
}

void ry_editor_set(struct ry_editor *ed, const char *s, size_t len)
{
    ry_editor_replace(ed, 0, ed->text.len, s, len);
}

/* ---- moving ---- */

static size_t unit_before(const struct ry_editor *ed, size_t at)
{
    return at ? at - ry_cells_unit_before(ry_buf_str(&ed->text), at) : 0;
}

static size_t unit_behind(const struct ry_editor *ed, size_t at)
{
    return at < ed->text.len ? at + ry_cells_unit(ed->text.data + at, ed->text.len - at, NULL) : at;
}

static bool is_word(const struct ry_editor *ed, size_t at)
{
    int32_t cp;
    utf8proc_category_t c;
    ry_utf8_decode(ed->text.data + at, ed->text.len - at, &cp);
    if (cp < 0)
        return false;
    c = utf8proc_category(cp);
    return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_NO) || cp == '_';
}

static size_t word_before(const struct ry_editor *ed, size_t at)
{
    while (at > 0 && !is_word(ed, unit_before(ed, at)))
        at = unit_before(ed, at);
    while (at > 0 && is_word(ed, unit_before(ed, at)))
        at = unit_before(ed, at);
    return at;
}

static size_t word_behind(const struct ry_editor *ed, size_t at)
{
    while (at < ed->text.len && !is_word(ed, at))
        at = unit_behind(ed, at);
    while (at < ed->text.len && is_word(ed, at))
        at = unit_behind(ed, at);
    return at;
}

static size_t line_start(const struct ry_editor *ed, size_t at)
{
    while (at > 0 && ed->text.data[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const struct ry_editor *ed, size_t at)
{
    while (at < ed->text.len && ed->text.data[at] != '\n')
        at++;
    return at;
}

static size_t space_before(const struct ry_editor *ed, size_t at)
{
    const char *s = ry_buf_str(&ed->text);
    while (at > 0 && strchr(" \t\n", s[at - 1]))
        at--;
    while (at > 0 && !strchr(" \t\n", s[at - 1]))
        at--;
    return at;
}

void ry_editor_left(struct ry_editor *ed)
{
    moved(ed);
    ed->cursor = unit_before(ed, ed->cursor);
}

void ry_editor_right(struct ry_editor *ed)
{
    moved(ed);
    ed->cursor = unit_behind(ed, ed->cursor);
}

void ry_editor_word_left(struct ry_editor *ed)
{
    moved(ed);
    ed->cursor = word_before(ed, ed->cursor);
}

void ry_editor_word_right(struct ry_editor *ed)
{
    moved(ed);
    ed->cursor = word_behind(ed, ed->cursor);
}

void ry_editor_line_start(struct ry_editor *ed)
{
    moved(ed);
    ed->cursor = line_start(ed, ed->cursor);
}

void ry_editor_line_end(struct ry_editor *ed)
{
    moved(ed);
    ed->cursor = line_end(ed, ed->cursor);
}

/* A cursor at a soft break belongs to the following row; `next` of the row decides. */
void ry_editor_locate(const struct ry_editor *ed, int width, size_t at, int *row, int *col,
                      int *n_rows)
{
    struct ry_wrap wrap;
    struct ry_wrap_row r;
    const char *s = ry_buf_str(&ed->text);
    bool found = false;
    *row = *col = *n_rows = 0;
    ry_wrap_begin(&wrap, s, ed->text.len, true);
    while (ry_wrap_next(&wrap, width, &r)) {
        bool here = !found && at >= r.start && (at < r.next || wrap.done);
        if (here) {
            found = true;
            *row = *n_rows;
            *col = ry_cells_width(s + r.start, at - r.start);
            if (*col > width)
                *col = width;
        }
        ++*n_rows;
    }
}

/* Byte at a column of a row. */
static size_t at_column(const struct ry_editor *ed, int width, int row, int col)
{
    struct ry_wrap wrap;
    struct ry_wrap_row r = {0};
    const char *s = ry_buf_str(&ed->text);
    ry_wrap_begin(&wrap, s, ed->text.len, true);
    for (int i = 0; i <= row && ry_wrap_next(&wrap, width, &r); i++)
        ;
    size_t n = ry_cells_fit(s + r.start, r.len, col, NULL);
    if (n == r.len && !r.hard && r.next == r.start + n && n > 0)
        n -= ry_cells_unit_before(s + r.start, n); /* its end is the start of the row below */
    return r.start + n;
}

static bool vertical(struct ry_editor *ed, int width, int by)
{
    int row, col, n_rows;
    ry_editor_locate(ed, width, ed->cursor, &row, &col, &n_rows);
    if (row + by < 0 || row + by >= n_rows)
        return false;
    ed->last = LAST_NONE;
    if (ed->goal_column < 0)
        ed->goal_column = col;
    ed->cursor = at_column(ed, width, row + by, ed->goal_column);
    return true;
}

bool ry_editor_up(struct ry_editor *ed, int width)
{
    return vertical(ed, width, -1);
}

bool ry_editor_down(struct ry_editor *ed, int width)
{
    return vertical(ed, width, 1);
}

/* ---- deleting, killing, undoing ---- */

static void erase(struct ry_editor *ed, size_t from, size_t to)
{
    if (from == to)
        return;
    remember(ed, LAST_DELETE);
    splice(ed, from, to, "", 0);
}

void ry_editor_backspace(struct ry_editor *ed)
{
    erase(ed, unit_before(ed, ed->cursor), ed->cursor);
}

void ry_editor_delete(struct ry_editor *ed)
{
    size_t at = ed->cursor;
    erase(ed, at, unit_behind(ed, at));
}

static void kill(struct ry_editor *ed, size_t from, size_t to)
{
    ry_buf killed = {0};
    bool backwards = to == ed->cursor, joins = ed->last == LAST_KILL;
    const char *s = ry_buf_str(&ed->text);
    if (from == to)
        return;
    if (joins && !backwards)
        ry_buf_add(&killed, ry_buf_str(&ed->kill), ed->kill.len);
    ry_buf_add(&killed, s + from, to - from);
    if (joins && backwards)
        ry_buf_add(&killed, ry_buf_str(&ed->kill), ed->kill.len);
    if (killed.failed) {
        ry_buf_done(&killed);
        return;
    }
    ry_buf_done(&ed->kill);
    ed->kill = killed;
    remember(ed, LAST_KILL);
    splice(ed, from, to, "", 0);
}

void ry_editor_kill_end(struct ry_editor *ed)
{
    size_t end = line_end(ed, ed->cursor);
    kill(ed, ed->cursor, end == ed->cursor && end < ed->text.len ? end + 1 : end);
}

void ry_editor_kill_start(struct ry_editor *ed)
{
    kill(ed, line_start(ed, ed->cursor), ed->cursor);
}

void ry_editor_kill_to_space(struct ry_editor *ed)
{
    kill(ed, space_before(ed, ed->cursor), ed->cursor);
}

void ry_editor_kill_word_before(struct ry_editor *ed)
{
    kill(ed, word_before(ed, ed->cursor), ed->cursor);
}

void ry_editor_kill_word(struct ry_editor *ed)
{
    kill(ed, ed->cursor, word_behind(ed, ed->cursor));
}

void ry_editor_yank(struct ry_editor *ed)
{
    if (ed->kill.len == 0)
        return;
    remember(ed, LAST_OTHER);
    splice(ed, ed->cursor, ed->cursor, ed->kill.data, ed->kill.len);
}

void ry_editor_transpose(struct ry_editor *ed)
{
    size_t end = line_end(ed, ed->cursor), right = ed->cursor;
    ry_buf swapped = {0};
    if (right == end)
        right = unit_before(ed, right);
    size_t left = unit_before(ed, right), stop = unit_behind(ed, right);
    if (right == left || left < line_start(ed, ed->cursor))
        return;
    ry_buf_add(&swapped, ed->text.data + right, stop - right);
    ry_buf_add(&swapped, ed->text.data + left, right - left);
    if (!swapped.failed)
        ry_editor_replace(ed, left, stop, swapped.data, swapped.len);
    ry_buf_done(&swapped);
}

bool ry_editor_undo(struct ry_editor *ed)
{
    if (ed->n_undo == 0)
        return false;
    struct ry_editor_state *state = &ed->undo[--ed->n_undo];
    ed->undo_bytes -= state->len;
    ry_buf_done(&ed->text);
    ed->text = (ry_buf){.data = state->text, .len = state->len, .cap = state->len + 1}; /* moved */
    ed->cursor = state->cursor;
    ed->last = LAST_NONE;
    ed->goal_column = -1;
    ed->version++;
    return true;
}
