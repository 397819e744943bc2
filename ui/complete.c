/* Completion of slash commands. */
#include "ui/complete.h"

#include <string.h>

enum { MAX_NAME = 32 };

struct span {
    const char *s;
    size_t len;
};

static size_t word_len(const char *s, size_t len)
{
    size_t n = 0;
    while (n < len && s[n] != ' ' && s[n] != '\n' && s[n] != '\t')
        n++;
    return n;
}

static bool starts(const char *name, struct span with)
{
    return strncmp(name, with.s, with.len) == 0;
}

static const struct ry_ui_command *exactly(const struct ry_ui_command *commands, size_t n,
                                           struct span name)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(commands[i].name) == name.len && starts(commands[i].name, name))
            return &commands[i];
    return NULL;
}

/* Adds a candidate: the common start shrinks to what they share. */
static void candidate(struct ry_complete *c, const char *s, size_t len)
{
    if (c->n_candidates++ == 0) {
        ry_buf_add(&c->common, s, len);
    } else {
        size_t same = 0;
        while (same < len && same < c->common.len && c->common.data[same] == s[same])
            same++;
        c->common.len = same;
        if (c->common.data)
            c->common.data[same] = '\0';
        ry_buf_adds(&c->list, "  ");
    }
    ry_buf_add(&c->list, s, len);
}

static void complete_value(const struct ry_ui_command *command, struct span typed,
                           struct ry_complete *c)
{
    const char *s = command->args;
    if (strpbrk(s, " []<>") || !strchr(s, '|'))
        return;
    while (*s) {
        size_t len = strcspn(s, "|");
        if (len >= typed.len && strncmp(s, typed.s, typed.len) == 0)
            candidate(c, s, len);
        s += len + (s[len] == '|');
    }
}

bool ry_complete_draft(const struct ry_ui_command *commands, size_t n, const char *text,
                       size_t cursor, struct ry_complete *out)
{
    *out = (struct ry_complete){0};
    if (cursor == 0 || text[0] != '/' || memchr(text, '\n', cursor))
        return false;
    struct span name = {text + 1, word_len(text + 1, cursor - 1)};
    if (name.len == cursor - 1) {
        out->from = 1;
        for (size_t i = 0; i < n; i++)
            if (starts(commands[i].name, name))
                candidate(out, commands[i].name, strlen(commands[i].name));
    } else {
        const struct ry_ui_command *command = exactly(commands, n, name);
        size_t from = cursor;
        while (text[from - 1] != ' ')
            from--;
        out->from = from;
        if (command && from == name.len + 2)
            complete_value(command, (struct span){text + from, cursor - from}, out);
    }
    if (out->n_candidates == 1)
        ry_buf_addc(&out->common, ' ');
    if (out->n_candidates == 0 || out->common.failed || out->list.failed) {
        ry_complete_done(out);
        return false;
    }
    return true;
}

void ry_complete_done(struct ry_complete *c)
{
    ry_buf_done(&c->common);
    ry_buf_done(&c->list);
    *c = (struct ry_complete){0};
}

/* Edit distance with neighbours swapped counting as one (optimal string alignment), over bytes. */
static unsigned distance(struct span a, struct span b)
{
    unsigned rows[3][MAX_NAME + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t k = 0; k <= b.len; k++)
        last[k] = (unsigned)k;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = (unsigned)i;
        for (size_t k = 1; k <= b.len; k++) {
            unsigned best = last[k - 1] + (a.s[i - 1] != b.s[k - 1]);
            if (last[k] + 1 < best)
                best = last[k] + 1;
            if (now[k - 1] + 1 < best)
                best = now[k - 1] + 1;
            if (i > 1 && k > 1 && a.s[i - 1] == b.s[k - 2] && a.s[i - 2] == b.s[k - 1] &&
                before[k - 2] + 1 < best)
                best = before[k - 2] + 1;
            now[k] = best;
        }
        unsigned *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b.len];
}

const char *ry_ui_nearest(const struct ry_ui_command *commands, size_t n, const char *name,
                          size_t len)
{
    const char *best = NULL;
    unsigned best_distance = len < 4 ? 2 : 3; /* the first that is too far */
    if (len == 0 || len > MAX_NAME)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct span other = {commands[i].name, strlen(commands[i].name)};
        if (other.len > MAX_NAME)
            continue;
        unsigned d = distance((struct span){name, len}, other);
        if (d < best_distance) {
            best_distance = d;
            best = commands[i].name;
        }
    }
    return best;
}

bool ry_complete_hint(const struct ry_ui_command *commands, size_t n, const char *text, size_t len,
                      ry_buf *out)
{
    if (len == 0 || text[0] != '/')
        return false;
    struct span name = {text + 1, word_len(text + 1, len - 1)};
    const struct ry_ui_command *command = exactly(commands, n, name);
    size_t n_fit = 0;
    if (command) {
        ry_buf_addf(out, "/%s%s%s  %s", command->name, *command->args ? " " : "", command->args,
                    command->help);
        return true;
    }
    for (size_t i = 0; i < n && name.len == len - 1; i++) {
        if (starts(commands[i].name, name)) {
            ry_buf_addf(out, "%s/%s", n_fit ? "  " : "", commands[i].name);
            n_fit++;
        }
    }
    if (n_fit == 0) {
        const char *near = ry_ui_nearest(commands, n, name.s, name.len);
        if (near)
            ry_buf_addf(out, "no such command; did you mean /%s?", near);
        else
            ry_buf_adds(out, "no such command: F1 lists them");
    }
    return true;
}
