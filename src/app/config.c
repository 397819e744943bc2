/* The configuration file, through inih. */
#include "src/app/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/app/paths.h"
#include "src/base/buf.h"
#include "src/base/mem.h"
#include "src/base/utf8.h"

enum {
    FILE_MAX_BYTES = 1 << 20,
    LINE_MAX_BYTES =
        198, /* inih's buffer holds 200 with its NUL; a longer line would be cut in two */
    SECTION_MAX_BYTES = 49 /* inih cuts longer names */
};

struct reading {
    ry_config *config;
    const char *at, *end; /* what is left of the text */
    int line;             /* of the line that was handed out last */
    bool indented;        /* that line began with white space */
    ry_rc rc;
    ry_err *err;
};

static void refuse(struct reading *r, const char *what, const char *word)
{
    r->rc = ry_err_set(r->err, RY_ERR_USAGE, "%s:%d: %s%s", r->config->path, r->line, what, word);
}

/* inih asks for a line as fgets would give it. */
static char *next_line(char *out, int size, void *stream)
{
    struct reading *r = stream;
    if (r->at == r->end || r->rc != RY_OK)
        return NULL;
    const char *nl = memchr(r->at, '\n', (size_t)(r->end - r->at));
    size_t len = (size_t)((nl ? nl + 1 : r->end) - r->at);
    r->line++;
    r->indented = *r->at == ' ' || *r->at == '\t';
    if (len > LINE_MAX_BYTES || len >= (size_t)size) {
        refuse(r, "the line is longer than 197 bytes: go on in the next line, indented", "");
        return NULL;
    }
    if (memchr(r->at, '\0', len)) {
        refuse(r, "a NUL byte: this is no text file", "");
        return NULL;
    }
    memcpy(out, r->at, len);
    out[len] = '\0';
    r->at += len;
    return out;
}

static bool add(struct reading *r, const char *section, const char *key, const char *value)
{
    ry_config *c = r->config;
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 32;
        struct ry_config_entry *grown = ry_mem_resize(c->entries, cap, sizeof *grown);
        if (!grown)
            return false;
        c->entries = grown;
        c->cap = cap;
    }
    struct ry_config_entry e = {
        .section = ry_arena_strndup(&c->arena, section, strlen(section)),
        .key = ry_arena_strndup(&c->arena, key, strlen(key)),
        .value = ry_arena_strndup(&c->arena, value, strlen(value)),
        .line = r->line,
    };
    if (!e.section || !e.key || !e.value)
        return false;
    c->entries[c->n++] = e;
    return true;
}

/* Joins an indented line to the value before it, with a newline between. */
static bool add_continuation(struct reading *r, const char *value)
{
    struct ry_config_entry *last = &r->config->entries[r->config->n - 1];
    size_t head = strlen(last->value), tail = strlen(value);
    char *joined = ry_arena_alloc(&r->config->arena, head + tail + 2, 1);
    if (!joined)
        return false;
    memcpy(joined, last->value, head);
    joined[head] = '\n';
    memcpy(joined + head + 1, value, tail);
    last->value = joined;
    return true;
}

static int on_entry(void *user, const char *section, const char *key, const char *value)
{
    struct reading *r = user;
    ry_config *c = r->config;
    if (r->rc != RY_OK)
        return 0;
    const char *name = section;
    if (section[0]) {
        if (strlen(section) >= SECTION_MAX_BYTES)
            refuse(r, "the section's name is too long: ", section);
        else if (strncmp(section, "model ", 6) != 0 || !section[6])
            refuse(r, "unknown section (only [model NAME] is known): ", section);
        name = section + 6;
    }
    if (r->rc != RY_OK)
        return 0;
    const struct ry_config_entry *last = c->n ? &c->entries[c->n - 1] : NULL;
    bool more =
        r->indented && last && strcmp(last->section, name) == 0 && strcmp(last->key, key) == 0;
    if (more ? add_continuation(r, value) : add(r, name, key, value))
        return 1;
    r->rc = ry_err_set(r->err, RY_ERR_MEMORY, "%s: out of memory", c->path);
    return 0;
}

ry_rc ry_config_parse(ry_config *config, const char *path, const char *text, size_t len,
                      ry_err *err)
{
    size_t bad;
    config->path = ry_arena_strndup(&config->arena, path, strlen(path));
    if (!config->path)
        return ry_err_set(err, RY_ERR_MEMORY, "%s: out of memory", path);
    if (!ry_utf8_valid(text, len, &bad))
        return ry_err_set(err, RY_ERR_USAGE, "%s: no UTF-8 text at byte %zu", path, bad);
    struct reading r = {.config = config, .at = text, .end = text + len, .err = err};
    int line = ini_parse_stream(next_line, &r, on_entry, &r);
    if (r.rc == RY_OK && line > 0)
        return ry_err_set(err, RY_ERR_USAGE, "%s:%d: not understood: write `key = value`", path,
                          line);
    if (r.rc == RY_OK && line < 0)
        return ry_err_set(err, RY_ERR_MEMORY, "%s: out of memory", path);
    return r.rc;
}

ry_rc ry_config_load(ry_config *config, const char *path, bool required, ry_err *err)
{
    ry_buf text = {0};
    if (!required && access(path, F_OK) != 0 && errno == ENOENT)
        return RY_OK;
    ry_rc rc = ry_path_read(path, FILE_MAX_BYTES, &text, err);
    if (rc == RY_OK)
        rc = ry_config_parse(config, path, ry_buf_str(&text), text.len, err);
    ry_buf_done(&text);
    return rc;
}

void ry_config_done(ry_config *config)
{
    ry_arena_done(&config->arena);
    ry_mem_free(config->entries);
    *config = (ry_config){0};
}

const char *ry_config_get(const ry_config *config, const char *section, const char *key)
{
    for (size_t i = config->n; i-- > 0;)
        if (strcmp(config->entries[i].section, section) == 0 &&
            strcmp(config->entries[i].key, key) == 0)
            return config->entries[i].value;
    return NULL;
}
