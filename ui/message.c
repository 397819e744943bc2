/* Laid-out messages. */
#include "ui/message.h"

#include <string.h>

#include "ui/markdown.h"

static struct ry_message *find_slot(struct ry_messages *messages, uint64_t id)
{
    struct ry_message *oldest = &messages->slots[0];
    for (size_t i = 0; i < RY_MESSAGES_KEPT; i++) {
        struct ry_message *slot = &messages->slots[i];
        if (slot->used && slot->id == id)
            return slot;
        if (slot->used < oldest->used)
            oldest = slot;
    }
    oldest->id = id;
    oldest->len = SIZE_MAX; /* fits no message: everything anew */
    return oldest;
}

/* From nothing; the buffers keep their memory. */
static void reset(struct ry_message *m, const struct ry_ui_message *from, int width, bool raw)
{
    ry_sanitize_init(&m->san, RY_SANITIZE_TEXT);
    ry_buf_clear(&m->clean);
    ry_buf_clear(&m->tail);
    ry_layout_clear(&m->layout, width);
    m->mark = ry_layout_mark(&m->layout);
    m->stable = m->len = 0;
    m->role = from->role;
    m->raw = raw;
    m->whole = false;
}

/* Plain text: complete lines are laid out for good. */
static void render_plain(struct ry_message *m, size_t *n_blocks)
{
    struct ry_setting set = {.words = true};
    unsigned attr = m->role == RY_UI_NOTE ? RY_AT_DIM : RY_AT_TEXT;
    const char *s = ry_buf_str(&m->clean);
    size_t end = m->clean.len;
    while (m->whole && end > m->stable && s[end - 1] == '\n')
        end--;
    while (m->stable < end) {
        struct ry_para para = {0};
        const char *nl = memchr(s + m->stable, '\n', end - m->stable);
        size_t n = nl ? (size_t)(nl - s) - m->stable : end - m->stable;
        ry_para_add(&para, attr, s + m->stable, n);
        ry_layout_para(&m->layout, &para, &set);
        ry_para_done(&para);
        ++*n_blocks;
        if (!nl)
            break;
        m->stable += n + 1;
        m->mark = ry_layout_mark(&m->layout);
    }
}

static void render_markdown(struct ry_message *m, bool ascii, size_t *n_blocks)
{
    const char *s = ry_buf_str(&m->clean);
    size_t at = m->stable;
    while (at < m->clean.len) {
        bool complete;
        size_t n = ry_markdown_chunk(s + at, m->clean.len - at, &complete);
        ry_markdown_render(&m->layout, s + at, n, m->layout.n_lines == 0, ascii);
        ++*n_blocks;
        at += n;
        if (complete) {
            m->stable = at;
            m->mark = ry_layout_mark(&m->layout);
        }
    }
}

static void extend(struct ry_messages *messages, struct ry_message *m,
                   const struct ry_ui_message *from)
{
    const char *tail = from->tail ? from->tail : "";
    if (from->len > m->len)
        ry_sanitize_push(&m->san, from->text + m->len, from->len - m->len, &m->clean);
    m->len = from->len;
    m->whole = !from->streaming;
    if (m->whole)
        ry_sanitize_flush(&m->san, &m->clean);
    ry_layout_back(&m->layout, m->mark);
    if (m->role == RY_UI_ASSISTANT && !m->raw)
        render_markdown(m, messages->ascii, &messages->n_blocks);
    else
        render_plain(m, &messages->n_blocks);
    if (m->layout.n_lines == 0) {
        struct ry_para para = {0};
        struct ry_setting set = {.words = true};
        const char *dots = messages->ascii ? "..." : "\u2026";
        ry_para_add(&para, RY_AT_DIM, dots, from->streaming ? strlen(dots) : 0);
        ry_layout_para(&m->layout, &para, &set);
        ry_para_done(&para);
    }
    ry_buf_clear(&m->tail);
    ry_buf_adds(&m->tail, tail);
    if (*tail)
        ry_layout_append(&m->layout, RY_AT_DIM, tail, 0);
}

const struct ry_layout *ry_messages_get(struct ry_messages *messages,
                                        const struct ry_ui_message *message, int width, bool raw)
{
    struct ry_message *m = find_slot(messages, message->id);
    const char *tail = message->tail ? message->tail : "";
    bool grew = message->len != m->len;
    m->used = ++messages->clock;
    if (message->len < m->len || (m->whole && (grew || message->streaming)) ||
        m->layout.width != width || m->raw != raw || m->role != message->role)
        reset(m, message, width, raw);
    else if (!grew && m->whole == !message->streaming && strcmp(ry_buf_str(&m->tail), tail) == 0)
        return &m->layout;
    extend(messages, m, message);
    return &m->layout;
}

void ry_messages_done(struct ry_messages *messages)
{
    for (size_t i = 0; i < RY_MESSAGES_KEPT; i++) {
        ry_buf_done(&messages->slots[i].clean);
        ry_buf_done(&messages->slots[i].tail);
        ry_layout_done(&messages->slots[i].layout);
    }
    *messages = (struct ry_messages){0};
}
