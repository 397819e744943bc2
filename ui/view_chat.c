/* The conversation on the screen. A position is a message and a line of it; each message is
 * followed by one blank line. Only messages that are shown (or searched) are laid out. */
#include "ui/view_chat.h"

#include <string.h>

#include "src/base/mem.h"
#include "ui/find.h"
#include "ui/message.h"

enum { WIDE_GUTTER = 6, NARROW_GUTTER = 2, WIDE_FROM = 30 };

struct place {
    size_t message;
    size_t line; /* may be the blank line behind the text */
};

struct ry_view_chat {
    struct ry_messages messages;
    bool follow, raw, ascii;
    struct { /* while not following: the top row */
        uint64_t id;
        size_t hint; /* index that it had */
        size_t off;  /* byte of its layout's text */
        bool blank;  /* the blank line behind it */
    } anchor;
    struct { /* asked for, done by the next draw */
        int rows, pages;
        bool top;
        int find; /* -1 older, 1 newer */
    } want;
    struct {
        ry_buf text;
        bool any; /* a match is current */
        uint64_t id;
        size_t hint, off;
        int result;
    } find;
};

/* What one draw works with. */
struct frame {
    struct ry_view_chat *chat;
    const struct ry_ui_model *model;
    int rows, gutter, width;
};

struct ry_view_chat *ry_view_chat_new(bool ascii)
{
    struct ry_view_chat *chat = ry_mem_zalloc(1, sizeof *chat);
    if (!chat)
        return NULL;
    chat->follow = true;
    chat->ascii = chat->messages.ascii = ascii;
    chat->find.result = -1;
    return chat;
}

void ry_view_chat_free(struct ry_view_chat *chat)
{
    if (!chat)
        return;
    ry_messages_done(&chat->messages);
    ry_buf_done(&chat->find.text);
    ry_mem_free(chat);
}

void ry_view_chat_scroll(struct ry_view_chat *chat, int rows)
{
    chat->want.rows += rows;
}

void ry_view_chat_page(struct ry_view_chat *chat, int pages)
{
    chat->want.pages += pages;
}

void ry_view_chat_top(struct ry_view_chat *chat)
{
    chat->want.top = true;
}

void ry_view_chat_follow(struct ry_view_chat *chat)
{
    memset(&chat->want, 0, sizeof chat->want);
    chat->follow = true;
}

bool ry_view_chat_is_following(const struct ry_view_chat *chat)
{
    return chat->follow;
}

void ry_view_chat_set_raw(struct ry_view_chat *chat, bool raw)
{
    chat->raw = raw;
}

void ry_view_chat_find(struct ry_view_chat *chat, const char *text, bool newer)
{
    if (strcmp(ry_buf_str(&chat->find.text), text) != 0) {
        ry_buf_clear(&chat->find.text);
        ry_buf_adds(&chat->find.text, text);
        chat->find.any = false;
    }
    chat->find.result = -1;
    chat->want.find = chat->find.text.len == 0 ? 0 : newer ? 1 : -1;
}

int ry_view_chat_find_result(const struct ry_view_chat *chat)
{
    return chat->find.result;
}

/* ---- places ---- */

static const struct ry_layout *layout_of(const struct frame *f, size_t i)
{
    return ry_messages_get(&f->chat->messages, &f->model->messages[i], f->width, f->chat->raw);
}

/* Rows of a message with the blank line behind it (none behind the last). */
static size_t height(const struct frame *f, size_t i)
{
    return layout_of(f, i)->n_lines + (i + 1 < f->model->n_messages);
}

/* Index of the message with an id, near where it was; n_messages when it is gone. */
static size_t index_of(const struct ry_ui_model *model, uint64_t id, size_t hint)
{
    if (hint < model->n_messages && model->messages[hint].id == id)
        return hint;
    for (size_t i = 0; i < model->n_messages; i++)
        if (model->messages[i].id == id)
            return i;
    return model->n_messages;
}

/* Moves a place by rows, as far as there are any. */
static struct place moved(const struct frame *f, struct place p, long rows)
{
    while (rows < 0) {
        if (p.line >= (size_t)-rows) {
            p.line -= (size_t)-rows;
            return p;
        }
        rows += (long)p.line;
        p.line = 0;
        if (p.message == 0)
            return p;
        p.message--;
        p.line = height(f, p.message);
    }
    while (rows > 0) {
        size_t h = height(f, p.message);
        if (p.line + (size_t)rows < h) {
            p.line += (size_t)rows;
            return p;
        }
        if (p.message + 1 == f->model->n_messages) {
            p.line = h ? h - 1 : 0;
            return p;
        }
        rows -= (long)(h - p.line);
        p.message++;
        p.line = 0;
    }
    return p;
}

/* Top place of the last screenful. */
static struct place bottom(const struct frame *f)
{
    size_t last = f->model->n_messages - 1;
    struct place end = {last, height(f, last)};
    return moved(f, end, -f->rows);
}

static bool is_before(struct place a, struct place b)
{
    return a.message != b.message ? a.message < b.message : a.line < b.line;
}

static void set_anchor(const struct frame *f, struct place p)
{
    const struct ry_layout *layout = layout_of(f, p.message);
    struct ry_view_chat *chat = f->chat;
    chat->anchor.id = f->model->messages[p.message].id;
    chat->anchor.hint = p.message;
    chat->anchor.blank = p.line >= layout->n_lines;
    chat->anchor.off = chat->anchor.blank ? 0 : layout->lines[p.line].off;
}

/* The top row now: the anchor's, or the last screenful. */
static struct place current(const struct frame *f)
{
    struct ry_view_chat *chat = f->chat;
    struct place p, end = bottom(f);
    if (chat->follow)
        return end;
    p.message = index_of(f->model, chat->anchor.id, chat->anchor.hint);
    if (p.message == f->model->n_messages) {
        chat->follow = true;
        return end;
    }
    const struct ry_layout *layout = layout_of(f, p.message);
    p.line = chat->anchor.blank ? layout->n_lines : ry_layout_find_line(layout, chat->anchor.off);
    return is_before(end, p) ? end : p;
}

/* ---- search ---- */

/* Looks in message i: older than `before` or newer than `after` (bytes of the laid-out text). */
static bool find_in(const struct frame *f, size_t i, bool newer, size_t from, size_t *at)
{
    const struct ry_layout *layout = layout_of(f, i);
    const ry_buf *needle = &f->chat->find.text;
    const char *s = ry_buf_str(&layout->text);
    if (newer)
        return ry_find(s, layout->text.len, needle->data, needle->len, from, at) > 0;
    return ry_find_last(s, layout->text.len, needle->data, needle->len, from, at) > 0;
}

/* The next match round the conversation, starting behind the current one or at the bottom of the
 * screen. */
static bool find_next(const struct frame *f, bool newer)
{
    struct ry_view_chat *chat = f->chat;
    size_t n = f->model->n_messages,
           i = chat->find.any ? index_of(f->model, chat->find.id, chat->find.hint) : n;
    size_t from;
    if (i < n) {
        from = newer ? chat->find.off + 1 : chat->find.off;
    } else {
        i = moved(f, current(f), f->rows - 1).message;
        from = newer ? 0 : SIZE_MAX;
    }
    for (size_t step = 0; step <= n; step++) {
        size_t at;
        if (find_in(f, i, newer, from, &at)) {
            chat->find.any = true;
            chat->find.id = f->model->messages[i].id;
            chat->find.hint = i;
            chat->find.off = at;
            return true;
        }
        i = newer ? (i + 1 == n ? 0 : i + 1) : (i == 0 ? n - 1 : i - 1);
        from = newer ? 0 : SIZE_MAX;
    }
    return false;
}

/* Brings the match into view, a third from the top, unless it is there already. */
static void show_match(const struct frame *f)
{
    struct ry_view_chat *chat = f->chat;
    const struct ry_layout *layout = layout_of(f, chat->find.hint);
    struct place match = {chat->find.hint, ry_layout_find_line(layout, chat->find.off)};
    struct place top = current(f), end = moved(f, top, f->rows - 1);
    if (!is_before(match, top) && !is_before(end, match))
        return;
    chat->follow = false;
    set_anchor(f, moved(f, match, -(f->rows / 3)));
}

/* ---- drawing ---- */

static void obey(const struct frame *f)
{
    struct ry_view_chat *chat = f->chat;
    int by = chat->want.rows + chat->want.pages * (f->rows > 1 ? f->rows - 1 : 1);
    if (chat->want.top || by) {
        struct place p = chat->want.top ? (struct place){0, 0} : current(f);
        p = moved(f, p, by);
        set_anchor(f, p);
        chat->follow = !is_before(p, bottom(f));
    }
    if (chat->want.find) {
        chat->find.result = find_next(f, chat->want.find > 0);
        if (chat->find.result)
            show_match(f);
    }
    memset(&chat->want, 0, sizeof chat->want);
}

static void draw_label(const struct frame *f, struct ry_grid *grid, int y, int x,
                       enum ry_ui_role role)
{
    static const struct {
        const char *wide, *narrow;
        enum ry_attr attr;
    } labels[] = {
        [RY_UI_USER] = {" you", "> ", RY_AT_USER},
        [RY_UI_ASSISTANT] = {" ryot", "", RY_AT_RYOT},
        [RY_UI_NOTE] = {"    *", "* ", RY_AT_DIM},
    };
    if (role > RY_UI_NOTE)
        return;
    ry_grid_puts(grid, y, x, f->gutter, labels[role].attr,
                 f->gutter == WIDE_GUTTER ? labels[role].wide : labels[role].narrow);
}

/* Reverses every match in a drawn line; the current one is underlined too. */
static void highlight(const struct frame *f, struct ry_grid *grid, int y, int x, size_t message,
                      const struct ry_layout *layout, const struct ry_line *line)
{
    const ry_buf *needle = &f->chat->find.text;
    const char *s = ry_buf_str(&layout->text) + line->off;
    size_t at, from = 0, n;
    if (needle->len == 0 || line->frame == RY_FRAME_TOP)
        return;
    x += line->indent + (line->frame == RY_FRAME_MID ? 2 : 0);
    while ((n = ry_find(s, line->len, needle->data, needle->len, from, &at)) > 0) {
        bool is_current = f->chat->find.any && f->chat->find.off == line->off + at &&
                          f->chat->find.id == f->model->messages[message].id;
        ry_grid_flag(grid, y, x + ry_cells_width(s, at), ry_cells_width(s + at, n),
                     RY_AT_REVERSE | (is_current ? RY_AT_UNDERLINE : 0));
        from = at + n;
    }
}

void ry_view_chat_draw(struct ry_view_chat *chat, struct ry_grid *grid, struct ry_rect at,
                       const struct ry_ui_model *model)
{
    struct frame f = {.chat = chat, .model = model, .rows = at.rows};
    if (at.rows <= 0 || at.cols <= 0 || model->n_messages == 0) {
        memset(&chat->want, 0, sizeof chat->want);
        chat->follow = true;
        return;
    }
    f.gutter = at.cols >= WIDE_FROM ? WIDE_GUTTER : at.cols > 8 ? NARROW_GUTTER : 0;
    f.width = at.cols - f.gutter - (at.cols >= WIDE_FROM);
    obey(&f);
    struct place p = current(&f);
    if (!chat->follow)
        set_anchor(&f, p);
    for (int y = 0; y < at.rows && p.message < model->n_messages; y++) {
        const struct ry_layout *layout = layout_of(&f, p.message);
        if (p.line < layout->n_lines) {
            const struct ry_line *line = &layout->lines[p.line];
            if (p.line == 0)
                draw_label(&f, grid, at.y + y, at.x, model->messages[p.message].role);
            ry_layout_draw(layout, p.line, grid, at.y + y, at.x + f.gutter);
            highlight(&f, grid, at.y + y, at.x + f.gutter, p.message, layout, line);
        }
        if (++p.line >= height(&f, p.message)) {
            p.message++;
            p.line = 0;
        }
    }
}
