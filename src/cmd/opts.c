/* Parsing the command line by the tables. Two passes: the first finds the command (an option may
 * stand before it), the second reads every option as that command means it (-p and -n are of
 * several). */
#include "src/cmd/opts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/app/suggest.h"
#include "src/base/mem.h"
#include "src/cmd/opts_table.h"

static bool row_is_of(const struct ry_opt_row *row, enum ry_cmd cmd)
{
    return row->cmds & (1u << cmd);
}

static bool named(const struct ry_opt_row *row, const char *name, size_t len)
{
    return strlen(row->name) == len && memcmp(row->name, name, len) == 0;
}

/* The row of a name as `cmd` has it, else any row of that name, else NULL. letter 0: by long
 * name. */
static const struct ry_opt_row *find_row(enum ry_cmd cmd, char letter, const char *name, size_t len)
{
    const struct ry_opt_row *other = NULL;
    for (size_t i = 0; i < ry_n_opt_rows; i++) {
        const struct ry_opt_row *row = &ry_opt_rows[i];
        if (!row->cmds || (letter ? row->letter != letter : !named(row, name, len)))
            continue;
        if (row_is_of(row, cmd))
            return row;
        other = row;
    }
    return other;
}

static bool word_in(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = words; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (strncmp(p, word, len) == 0 && (p[len] == '|' || p[len] == '\0'))
            return len > 0;
    return false;
}

static ry_rc parse_number(const struct ry_opt_row *row, const char *value, double *out, ry_err *err)
{
    char *end;
    errno = 0;
    double x = strtod(value, &end);
    bool whole = row->type == RY_OPT_FLOAT || (x == floor(x) && !strpbrk(value, ".eExX"));
    if (end == value || *end || errno || !isfinite(x) || !whole)
        return ry_err_set(err, RY_ERR_USAGE, "%s: \"%s\" is no %s", row->name, value,
                          row->type == RY_OPT_FLOAT ? "number" : "whole number");
    if (x < row->min || x > row->max)
        return ry_err_set(err, RY_ERR_USAGE, "%s: %s is not in %g..%.8g", row->name, value,
                          row->min, row->max);
    *out = x;
    return RY_OK;
}

static ry_rc parse_u64(const struct ry_opt_row *row, const char *value, uint64_t *out, ry_err *err)
{
    char *end;
    errno = 0;
    unsigned long long x = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || errno)
        return ry_err_set(err, RY_ERR_USAGE, "%s: \"%s\" is no whole number from 0 to 2^64-1",
                          row->name, value);
    *out = x;
    return RY_OK;
}

/* Stores a value (NULL for a flag) where the row says. The string must live as long as the
 * options. */
static ry_rc store(struct ry_opts *o, const struct ry_opt_row *row, const char *value, ry_err *err)
{
    void *at = (char *)o + row->at;
    double x;
    ry_rc rc = RY_OK;
    switch (row->type) {
    case RY_OPT_FLAG:
        *(bool *)at = true;
        break;
    case RY_OPT_WORD:
        if (!word_in(row->words, value))
            return ry_err_set(err, RY_ERR_USAGE, "%s: \"%s\" is none of %s", row->name, value,
                              row->words);
        *(const char **)at = value;
        break;
    case RY_OPT_STRING:
    case RY_OPT_FILE:
        *(const char **)at = value;
        break;
    case RY_OPT_LIST:
        if (o->n_stops == RY_OPTS_MAX_STOPS || !value[0])
            return ry_err_set(err, RY_ERR_USAGE, "%s: %s", row->name,
                              value[0] ? "at most 16 may be given" : "an empty text stops nothing");
        o->stops[o->n_stops++] = value;
        break;
    case RY_OPT_INT:
        rc = parse_number(row, value, &x, err);
        if (rc == RY_OK)
            *(int *)at = (int)x;
        break;
    case RY_OPT_FLOAT:
        rc = parse_number(row, value, &x, err);
        if (rc == RY_OK)
            *(float *)at = (float)x;
        break;
    case RY_OPT_U64:
        rc = parse_u64(row, value, at, err);
        break;
    }
    if (rc == RY_OK)
        o->given |= UINT64_C(1) << (row - ry_opt_rows);
    return rc;
}

static ry_rc unknown_option(const char *arg, size_t len, ry_err *err)
{
    char word[64] = "";
    if (len > 2 && len - 2 < sizeof word)
        memcpy(word, arg + 2, len - 2);
    struct ry_suggest near = {.wanted = word};
    for (size_t i = 0; i < ry_n_opt_rows && word[0]; i++)
        if (ry_opt_rows[i].cmds)
            ry_suggest_offer(&near, ry_opt_rows[i].name);
    if (near.best)
        return ry_err_set(err, RY_ERR_USAGE, "unknown option %.*s: did you mean --%s?", (int)len,
                          arg, near.best);
    return ry_err_set(err, RY_ERR_USAGE, "unknown option %.*s: see ryot --help", (int)len, arg);
}

static ry_rc foreign_option(const struct ry_opt_row *row, enum ry_cmd cmd, ry_err *err)
{
    ry_buf of = {0};
    for (int c = 0; c < RY_CMD_COUNT; c++)
        if (row_is_of(row, (enum ry_cmd)c))
            ry_buf_addf(&of, "%s%s", of.len ? ", " : "", ry_cmd_rows[c].name);
    ry_rc rc = ry_err_set(err, RY_ERR_USAGE, "--%s is no option of `ryot %s`, but of: %s",
                          row->name, ry_cmd_rows[cmd].name, ry_buf_str(&of));
    ry_buf_done(&of);
    return rc;
}

/* One argument of argv taken apart. */
struct piece {
    const struct ry_opt_row *row; /* NULL: unknown */
    const char *value;            /* NULL: a flag, or the value is missing */
    size_t name_len;              /* of the argument, without `=value` */
    bool inline_value;
};

/* argv[*i] begins with '-' and is more than that. Moves *i over a separate value. */
static struct piece take_apart(enum ry_cmd cmd, int argc, char **argv, int *i)
{
    const char *arg = argv[*i];
    struct piece p = {0};
    if (arg[1] == '-') {
        const char *eq = strchr(arg, '=');
        p.name_len = eq ? (size_t)(eq - arg) : strlen(arg);
        p.row = find_row(cmd, 0, arg + 2, p.name_len - 2);
        p.value = eq ? eq + 1 : NULL;
    } else {
        p.name_len = 2;
        p.row = find_row(cmd, arg[1], NULL, 0);
        p.value = arg[2] ? arg + 2 : NULL;
    }
    p.inline_value = p.value != NULL;
    if (p.row && p.row->arg && !p.value && *i + 1 < argc)
        p.value = argv[++*i];
    return p;
}

static bool is_option(const char *arg)
{
    return arg[0] == '-' && arg[1] != '\0';
}

static ry_rc find_command(struct ry_opts *o, int argc, char **argv, int *at, ry_err *err)
{
    *at = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            return RY_OK;
        if (is_option(argv[i])) {
            const char *arg = argv[i];
            struct piece p = take_apart(RY_CMD_CHAT, argc, argv, &i);
            if (!p.row)
                return unknown_option(arg, p.name_len, err);
            continue;
        }
        struct ry_suggest near = {.wanted = argv[i]};
        for (int c = 0; c < RY_CMD_COUNT; c++) {
            if (strcmp(argv[i], ry_cmd_rows[c].name) == 0) {
                o->cmd = (enum ry_cmd)c;
                o->given_command = true;
                *at = i;
                return RY_OK;
            }
            ry_suggest_offer(&near, ry_cmd_rows[c].name);
        }
        if (near.best)
            return ry_err_set(err, RY_ERR_USAGE, "unknown command %s: did you mean %s?", argv[i],
                              near.best);
        return ry_err_set(err, RY_ERR_USAGE, "unknown command %s: see ryot --help", argv[i]);
    }
    return RY_OK;
}

static ry_rc check_args(const struct ry_opts *o, ry_err *err)
{
    const struct ry_cmd_row *row = &ry_cmd_rows[o->cmd];
    if (o->help || o->version)
        return RY_OK;
    if (o->n_args < row->min_args)
        return ry_err_set(err, RY_ERR_USAGE, "an argument is missing: ryot %s %s", row->name,
                          row->args);
    if (o->n_args > row->max_args)
        return ry_err_set(err, RY_ERR_USAGE, "%s is one argument too many: ryot %s %s",
                          o->args[row->max_args], row->name, row->args);
    return RY_OK;
}

ry_rc ry_opts_parse(struct ry_opts *o, int argc, char **argv, ry_err *err)
{
    *o = (struct ry_opts){.max_tokens = -1, .bench_reps = 5};
    int command_at;
    ry_rc rc = find_command(o, argc, argv, &command_at, err);
    if (rc != RY_OK)
        return rc;
    o->args = ry_mem_alloc((size_t)argc + 1, sizeof *o->args);
    if (!o->args)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the arguments");
    bool options_end = false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (i == command_at && !options_end)
            continue;
        if (!options_end && strcmp(arg, "--") == 0) {
            options_end = true;
            continue;
        }
        if (options_end || !is_option(arg)) {
            o->args[o->n_args++] = arg;
            continue;
        }
        struct piece p = take_apart(o->cmd, argc, argv, &i);
        if (!p.row)
            return unknown_option(arg, p.name_len, err);
        if (!row_is_of(p.row, o->cmd))
            return foreign_option(p.row, o->cmd, err);
        if (p.row->arg && !p.value)
            return ry_err_set(err, RY_ERR_USAGE, "%s wants a value: %s", arg, p.row->arg);
        if (!p.row->arg && p.inline_value)
            return ry_err_set(err, RY_ERR_USAGE, "--%s takes no value", p.row->name);
        rc = store(o, p.row, p.value, err);
        if (rc != RY_OK)
            return rc;
    }
    o->on_line = o->given;
    return check_args(o, err);
}

void ry_opts_done(struct ry_opts *o)
{
    ry_mem_free(o->args);
    ry_arena_done(&o->arena);
    *o = (struct ry_opts){0};
}

static bool has(uint64_t bits, const char *name)
{
    for (size_t i = 0; i < ry_n_opt_rows; i++)
        if ((bits >> i & 1) && strcmp(ry_opt_rows[i].name, name) == 0)
            return true;
    return false;
}

bool ry_opts_given(const struct ry_opts *o, const char *name)
{
    return has(o->given, name);
}

bool ry_opts_on_line(const struct ry_opts *o, const char *name)
{
    return has(o->on_line, name);
}

static ry_rc set_flag_default(struct ry_opts *o, const struct ry_opt_row *row, const char *value,
                              ry_err *err)
{
    if (!word_in("on|off|yes|no|true|false", value))
        return ry_err_set(err, RY_ERR_USAGE, "%s: \"%s\" is neither on nor off", row->name, value);
    if (word_in("on|yes|true", value))
        return store(o, row, NULL, err);
    o->given |= UINT64_C(1) << (row - ry_opt_rows);
    return RY_OK;
}

ry_rc ry_opts_set_default(struct ry_opts *o, const char *key, const char *value, ry_err *err)
{
    struct ry_suggest near = {.wanted = key};
    bool known = false;
    for (size_t i = 0; i < ry_n_opt_rows; i++) {
        const struct ry_opt_row *row = &ry_opt_rows[i];
        if (!row->config)
            continue;
        ry_suggest_offer(&near, row->name);
        if (strcmp(row->name, key) != 0)
            continue;
        known = true;
        if (row->cmds && !row_is_of(row, o->cmd))
            continue;
        if (row->type != RY_OPT_LIST && (o->given >> i & 1))
            return RY_OK;
        char *copy = ry_arena_strndup(&o->arena, value, strlen(value));
        if (!copy)
            return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the configuration");
        return row->type == RY_OPT_FLAG ? set_flag_default(o, row, copy, err)
                                        : store(o, row, copy, err);
    }
    if (known)
        return RY_OK;
    return near.best
               ? ry_err_set(err, RY_ERR_USAGE, "unknown key %s: did you mean %s?", key, near.best)
               : ry_err_set(err, RY_ERR_USAGE, "unknown key %s", key);
}

const char *ry_cmd_name(enum ry_cmd cmd)
{
    return ry_cmd_rows[cmd].name;
}
