/* What is printed from the option tables: --help, completion scripts, the manual's tables. */
#include <ctype.h>
#include <string.h>

#include "src/cmd/opts_table.h"

enum { HELP_COLUMN = 26, HELP_COLUMNS = 96 };

static bool shown(const struct ry_opt_row *row, enum ry_cmd cmd)
{
    return row->cmds & (1u << cmd);
}

static bool shared(const struct ry_opt_row *row)
{
    unsigned n = 0;
    for (int c = 0; c < RY_CMD_COUNT; c++)
        n += row->cmds >> c & 1;
    return n > RY_CMD_COUNT / 2;
}

/* "a|b|c" behind a help text, on lines of their own where they are many. */
static void help_words(const char *words, bool own_lines, ry_buf *out)
{
    size_t at = 0, line = HELP_COLUMN;
    if (own_lines)
        ry_buf_addf(out, ":\n%*s", HELP_COLUMN, "");
    else
        ry_buf_adds(out, ": ");
    while (words[at]) {
        size_t n = strcspn(words + at, "|");
        n += words[at + n] == '|';
        if (own_lines && line + n > HELP_COLUMNS) {
            ry_buf_addf(out, "\n%*s", HELP_COLUMN, "");
            line = HELP_COLUMN;
        }
        ry_buf_add(out, words + at, n);
        line += n;
        at += n;
    }
}

static void help_row(const struct ry_opt_row *row, ry_buf *out)
{
    size_t start = out->len;
    if (row->letter)
        ry_buf_addf(out, "  -%c, --%s", row->letter, row->name);
    else
        ry_buf_addf(out, "      --%s", row->name);
    if (row->arg)
        ry_buf_addf(out, " %s", row->arg);
    size_t used = out->len - start;
    if (used >= HELP_COLUMN)
        ry_buf_addf(out, "\n%*s", HELP_COLUMN, "");
    else
        ry_buf_addf(out, "%*s", (int)(HELP_COLUMN - used), "");
    ry_buf_addf(out, "%s", row->help);
    if (row->words)
        help_words(row->words, strlen(row->words) > HELP_COLUMNS - HELP_COLUMN, out);
    ry_buf_addc(out, '\n');
}

static void help_overview(ry_buf *out)
{
    ry_buf_adds(out, "ryot: a local language model in the terminal\n\n"
                     "Usage: ryot [COMMAND] [OPTIONS] [ARGUMENTS]\n\nCommands:\n");
    for (int c = 0; c < RY_CMD_COUNT; c++)
        ry_buf_addf(out, "  %-12s %s\n", ry_cmd_rows[c].name, ry_cmd_rows[c].help);
    ry_buf_adds(out, "\nOptions of every command:\n");
    for (size_t i = 0; i < ry_n_opt_rows; i++)
        if (shared(&ry_opt_rows[i]))
            help_row(&ry_opt_rows[i], out);
    ry_buf_adds(out,
                "\n`ryot COMMAND --help` shows what else a command takes.\n"
                "Exit status: 0 done, 1 failed, 2 wrong usage, 3 model unusable, 4 context full, "
                "5 vault unusable.\n");
}

void ry_opts_help(enum ry_cmd cmd, ry_buf *out)
{
    if (cmd >= RY_CMD_COUNT) {
        help_overview(out);
        return;
    }
    const struct ry_cmd_row *row = &ry_cmd_rows[cmd];
    ry_buf_addf(out, "ryot %s: %s\n\nUsage: ryot %s [OPTIONS]%s%s\n", row->name, row->help,
                row->name, row->args[0] ? " " : "", row->args);
    if (row->more)
        ry_buf_addf(out, "\n%s\n", row->more);
    bool any = false;
    for (size_t i = 0; i < ry_n_opt_rows; i++) {
        if (!shown(&ry_opt_rows[i], cmd) || shared(&ry_opt_rows[i]))
            continue;
        if (!any)
            ry_buf_adds(out, "\nOptions:\n");
        any = true;
        help_row(&ry_opt_rows[i], out);
    }
    ry_buf_adds(out, "\nOptions of every command:\n");
    for (size_t i = 0; i < ry_n_opt_rows; i++)
        if (shown(&ry_opt_rows[i], cmd) && shared(&ry_opt_rows[i]))
            help_row(&ry_opt_rows[i], out);
}

/* words "a|b" as "a b". */
static void spaced(const char *words, ry_buf *out)
{
    for (const char *p = words; *p; p++)
        ry_buf_addc(out, *p == '|' ? ' ' : *p);
}

static void bash_completion(ry_buf *out)
{
    ry_buf_adds(out, "# bash completion for ryot: eval \"$(ryot completion bash)\"\n_ryot() {\n"
                     "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "    local cmd=chat word opts=\n"
                     "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                     "        case $word in\n        ");
    for (int c = 0; c < RY_CMD_COUNT; c++)
        ry_buf_addf(out, "%s%s", c ? "|" : "", ry_cmd_rows[c].name);
    ry_buf_adds(out, ") cmd=$word; break ;;\n        esac\n    done\n    case $cmd:$prev in\n");
    for (size_t i = 0; i < ry_n_opt_rows; i++) {
        const struct ry_opt_row *row = &ry_opt_rows[i];
        if (!row->cmds || !row->arg)
            continue;
        ry_buf_adds(out, "    ");
        bool first = true;
        for (int c = 0; c < RY_CMD_COUNT; c++) {
            if (!shown(row, (enum ry_cmd)c))
                continue;
            ry_buf_addf(out, "%s%s:--%s", first ? "" : "|", ry_cmd_rows[c].name, row->name);
            if (row->letter)
                ry_buf_addf(out, "|%s:-%c", ry_cmd_rows[c].name, row->letter);
            first = false;
        }
        ry_buf_adds(out, ") ");
        if (row->words) {
            ry_buf_adds(out, "COMPREPLY=($(compgen -W '");
            spaced(row->words, out);
            ry_buf_adds(out, "' -- \"$cur\"))");
        } else if (row->type == RY_OPT_FILE) {
            ry_buf_adds(out, "COMPREPLY=($(compgen -f -- \"$cur\"))");
        } else {
            ry_buf_adds(out, "COMPREPLY=()");
        }
        ry_buf_adds(out, "; return ;;\n");
    }
    ry_buf_adds(out, "    esac\n    case $cmd in\n");
    for (int c = 0; c < RY_CMD_COUNT; c++) {
        ry_buf_addf(out, "    %s) opts='", ry_cmd_rows[c].name);
        for (size_t i = 0; i < ry_n_opt_rows; i++)
            if (shown(&ry_opt_rows[i], (enum ry_cmd)c))
                ry_buf_addf(out, "--%s ", ry_opt_rows[i].name);
        ry_buf_adds(out, "'");
        if (ry_cmd_rows[c].words) {
            ry_buf_adds(out, "; [[ $cur == -* ]] || opts='");
            spaced(ry_cmd_rows[c].words, out);
            ry_buf_adds(out, "'");
        }
        ry_buf_adds(out, " ;;\n");
    }
    ry_buf_adds(out, "    esac\n    [[ $cmd == chat && $cur != -* ]] && opts='");
    for (int c = 0; c < RY_CMD_COUNT; c++)
        ry_buf_addf(out, "%s ", ry_cmd_rows[c].name);
    ry_buf_adds(out, "'\n    COMPREPLY=($(compgen -W \"$opts\" -- \"$cur\"))\n"
                     "    [[ $cur != -* && ${#COMPREPLY[@]} -eq 0 ]] && "
                     "COMPREPLY=($(compgen -f -- \"$cur\"))\n}\ncomplete -F _ryot ryot\n");
}

/* Text inside single quotes for zsh and fish; zsh's _arguments wants ':' and brackets escaped
 * too. */
static void quoted(const char *s, bool zsh, ry_buf *out)
{
    for (; *s; s++) {
        if (*s == '\'')
            ry_buf_adds(out, zsh ? "'\\''" : "\\'");
        else if (zsh && strchr("[]:", *s))
            ry_buf_addf(out, "\\%c", *s);
        else
            ry_buf_addc(out, *s);
    }
}

static void zsh_completion(ry_buf *out)
{
    ry_buf_adds(out, "#compdef ryot\n_ryot() {\n    local cmd=chat w\n    local -a args\n"
                     "    for w in ${words[2,CURRENT-1]}; do\n        case $w in\n        ");
    for (int c = 0; c < RY_CMD_COUNT; c++)
        ry_buf_addf(out, "%s%s", c ? "|" : "", ry_cmd_rows[c].name);
    ry_buf_adds(out, ") cmd=$w; break ;;\n        esac\n    done\n    case $cmd in\n");
    for (int c = 0; c < RY_CMD_COUNT; c++) {
        ry_buf_addf(out, "    %s) args=(\n", ry_cmd_rows[c].name);
        for (size_t i = 0; i < ry_n_opt_rows; i++) {
            const struct ry_opt_row *row = &ry_opt_rows[i];
            if (!shown(row, (enum ry_cmd)c))
                continue;
            ry_buf_addf(out, "        '%s--%s%s[", row->type == RY_OPT_LIST ? "*" : "", row->name,
                        row->arg ? "=" : "");
            quoted(row->help, true, out);
            ry_buf_addc(out, ']');
            if (row->arg)
                ry_buf_addf(out, ":%s:", row->arg);
            if (row->words) {
                ry_buf_addc(out, '(');
                spaced(row->words, out);
                ry_buf_addc(out, ')');
            } else if (row->type == RY_OPT_FILE) {
                ry_buf_adds(out, "_files");
            }
            ry_buf_adds(out, "'\n");
        }
        ry_buf_adds(out, "    ) ;;\n");
    }
    ry_buf_adds(out, "    esac\n    args+=('1:command:(");
    for (int c = 0; c < RY_CMD_COUNT; c++)
        ry_buf_addf(out, "%s%s", c ? " " : "", ry_cmd_rows[c].name);
    ry_buf_adds(out, ")' '*:file:_files')\n    _arguments -s $args\n}\ncompdef _ryot ryot\n");
}

static void fish_completion(ry_buf *out)
{
    ry_buf_adds(out, "# fish completion for ryot: ryot completion fish | source\n");
    for (int c = 0; c < RY_CMD_COUNT; c++) {
        ry_buf_addf(out, "complete -c ryot -n __fish_use_subcommand -f -a %s -d '",
                    ry_cmd_rows[c].name);
        quoted(ry_cmd_rows[c].help, false, out);
        ry_buf_adds(out, "'\n");
        if (ry_cmd_rows[c].words) {
            ry_buf_addf(out, "complete -c ryot -n '__fish_seen_subcommand_from %s' -f -a '",
                        ry_cmd_rows[c].name);
            spaced(ry_cmd_rows[c].words, out);
            ry_buf_adds(out, "'\n");
        }
    }
    for (size_t i = 0; i < ry_n_opt_rows; i++) {
        const struct ry_opt_row *row = &ry_opt_rows[i];
        if (!row->cmds)
            continue;
        ry_buf_addf(out, "complete -c ryot -l %s", row->name);
        if (row->letter)
            ry_buf_addf(out, " -s %c", row->letter);
        if (!shared(row)) {
            ry_buf_adds(out, " -n '");
            if (shown(row, RY_CMD_CHAT))
                ry_buf_adds(out, "__fish_use_subcommand; or ");
            ry_buf_adds(out, "__fish_seen_subcommand_from");
            for (int c = 0; c < RY_CMD_COUNT; c++)
                if (shown(row, (enum ry_cmd)c))
                    ry_buf_addf(out, " %s", ry_cmd_rows[c].name);
            ry_buf_addc(out, '\'');
        }
        if (row->arg)
            ry_buf_adds(out, row->type == RY_OPT_FILE ? " -r -F" : " -x");
        if (row->words) {
            ry_buf_adds(out, " -a '");
            spaced(row->words, out);
            ry_buf_addc(out, '\'');
        }
        ry_buf_adds(out, " -d '");
        quoted(row->help, false, out);
        ry_buf_adds(out, "'\n");
    }
}

/* man(7): a backslash and a hyphen need care, and a line must not begin with a dot or quote. */
static void roff(const char *s, ry_buf *out)
{
    if (*s == '.' || *s == '\'')
        ry_buf_adds(out, "\\&");
    for (; *s; s++) {
        if (*s == '\\')
            ry_buf_adds(out, "\\e");
        else if (*s == '-')
            ry_buf_adds(out, "\\-");
        else
            ry_buf_addc(out, *s);
    }
}

static void man_option(const struct ry_opt_row *row, ry_buf *out)
{
    ry_buf_adds(out, ".TP\n");
    if (row->letter)
        ry_buf_addf(out, "\\fB\\-%c\\fR, ", row->letter);
    ry_buf_adds(out, "\\fB\\-\\-");
    roff(row->name, out);
    ry_buf_adds(out, "\\fR");
    if (row->arg)
        ry_buf_addf(out, " \\fI%s\\fR", row->arg);
    ry_buf_addc(out, '\n');
    roff(row->help, out);
    if (row->words) {
        ry_buf_adds(out, ": ");
        roff(row->words, out);
    }
    ry_buf_adds(out, ".\n");
}

static void man_tables(ry_buf *out)
{
    ry_buf_adds(out, ".SH COMMANDS\n");
    for (int c = 0; c < RY_CMD_COUNT; c++) {
        const struct ry_cmd_row *row = &ry_cmd_rows[c];
        ry_buf_addf(out, ".SS %s", row->name);
        if (row->args[0]) {
            ry_buf_addc(out, ' ');
            roff(row->args, out);
        }
        ry_buf_addc(out, '\n');
        ry_buf_addc(out, (char)toupper((unsigned char)row->help[0]));
        roff(row->help + 1, out);
        ry_buf_adds(out, ".\n");
        if (row->more) {
            roff(row->more, out);
            ry_buf_addc(out, '\n');
        }
        for (size_t i = 0; i < ry_n_opt_rows; i++)
            if (shown(&ry_opt_rows[i], (enum ry_cmd)c) && !shared(&ry_opt_rows[i]))
                man_option(&ry_opt_rows[i], out);
    }
    ry_buf_adds(out, ".SH OPTIONS\nThese belong to every command.\n");
    for (size_t i = 0; i < ry_n_opt_rows; i++)
        if (shared(&ry_opt_rows[i]))
            man_option(&ry_opt_rows[i], out);
    ry_buf_adds(
        out,
        ".SH CONFIGURATION\nThe file holds lines \\fIkey\\fR = \\fIvalue\\fR; an indented line "
        "goes on with the value before it. A section [model \\fINAME\\fR] gives a model a "
        "name, its \\fBpath\\fR and its own values. The keys are the options'\n");
    bool first = true;
    for (size_t i = 0; i < ry_n_opt_rows; i++) {
        if (!ry_opt_rows[i].config)
            continue;
        ry_buf_adds(out, first ? "\\fB" : ", \\fB");
        roff(ry_opt_rows[i].name, out);
        ry_buf_adds(out, "\\fR");
        first = false;
    }
    ry_buf_adds(out, ".\nFlags are on or off. In the file only:\n");
    for (size_t i = 0; i < ry_n_opt_rows; i++) {
        const struct ry_opt_row *row = &ry_opt_rows[i];
        if (row->cmds)
            continue;
        ry_buf_addf(out, ".TP\n\\fB%s\\fR = \\fI%s\\fR\n", row->name, row->words);
        roff(row->help, out);
        ry_buf_adds(out, ".\n");
    }
}

ry_rc ry_opts_completion(const char *shell, ry_buf *out, ry_err *err)
{
    static const struct {
        const char *name;
        void (*write)(ry_buf *out);
    } writers[] = {{"bash", bash_completion},
                   {"zsh", zsh_completion},
                   {"fish", fish_completion},
                   {"man", man_tables}};
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        if (strcmp(shell, writers[i].name) != 0)
            continue;
        writers[i].write(out);
        return out->failed ? ry_err_set(err, RY_ERR_MEMORY, "out of memory") : RY_OK;
    }
    return ry_err_set(err, RY_ERR_USAGE, "completion: \"%s\" is none of bash, zsh, fish, man",
                      shell);
}
