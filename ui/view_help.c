/* The help, made from the tables, so that it cannot say what is not so. */
#include "ui/view_help.h"

#include <string.h>

#include "ui/keymap.h"

static const struct {
    const char *name, *text;
} numbers[] = {
    {"decode", "tokens made in the last second while answering, else the mean of the last answer; "
               "the line shows "
               "the last minute, a second a column, and an arrow marks what was switched"},
    {"prefill",
     "prompt tokens computed per second; prefix tokens taken from the KV cache do not count"},
    {"TTFT", "time to first token: from Enter to the first text of the answer"},
    {"p50 p95 p99",
     "time between two tokens of the answer: half, 95 and 99 of 100 were not longer"},
    {"guessed",
     "tokens guessed ahead (/speculate ngram), how many of them were right, and what a decoding "
     "step gave on average; the text is the same without"},
    {"head", "/head screened: of a last layer of floats only the logits that sampling can choose "
             "from are computed in full, after a look at bytes that bounds the others; the tokens "
             "are the same"},
    {"read", "weight and KV bytes read per token x tokens per second, against the read bandwidth "
             "measured on this "
             "machine; near 100 % the answer is memory-bound"},
    {"operations", "share of the engine's time, from its own counters"},
    {"speed-up", "rate / rate with one thread (or with the fewest used, named there); efficiency = "
                 "speed-up / how many times the threads"},
    {"vault hit", "hits / (hits + misses) of the cache in front of the database"},
    {"hot, cold", "p50 / p99 of reads answered by the cache, and of reads from the database"},
    {"reused", "tokens of the last prompt whose keys and values were already there"},
};

void ry_help_done(struct ry_help *help)
{
    ry_layout_done(&help->layout);
    *help = (struct ry_help){0};
}

void ry_help_scroll(struct ry_help *help, long lines)
{
    if (lines < 0 && help->top < (size_t)-lines)
        help->top = 0;
    else
        help->top += (size_t)lines;
}

bool ry_help_has_command(const struct ry_ui_options *options, const char *name)
{
    for (size_t i = 0; i < options->n_commands; i++)
        if (strcmp(options->commands[i].name, name) == 0)
            return true;
    return false;
}

static void heading(struct ry_layout *layout, const char *text)
{
    struct ry_para para = {0};
    struct ry_setting set = {.indent = 1, .first_indent = 1};
    if (layout->n_lines)
        ry_layout_line(layout, &para, &set);
    ry_para_add(&para, RY_AT_HEADING, text, strlen(text));
    ry_layout_line(layout, &para, &set);
    ry_para_done(&para);
}

/* "term      what it means", the meaning wrapped in its own column. */
static void entry(struct ry_layout *layout, const char *term, const char *text)
{
    struct ry_para para = {0};
    int column = layout->width >= 60 ? 24 : 12;
    struct ry_setting set = {.indent = column, .first_indent = 2, .words = true};
    int used = ry_cells_width(term, strlen(term)) + 2;
    ry_para_add(&para, RY_AT_KEY, term, strlen(term));
    do
        ry_para_add(&para, RY_AT_TEXT, " ", 1);
    while (++used < column);
    ry_para_add(&para, RY_AT_TEXT, text, strlen(text));
    ry_layout_para(layout, &para, &set);
    ry_para_done(&para);
}

static void build(struct ry_help *help, int width, const struct ry_ui_options *options)
{
    struct ry_layout *layout = &help->layout;
    size_t n;
    const struct ry_keymap_row *rows = ry_keymap_rows(&n);
    ry_layout_clear(layout, width);
    heading(layout, "Keys (Esc or F1 closes this; Up, Down, PgUp, PgDn scroll)");
    for (size_t i = 0; i < n; i++) {
        ry_buf keys = {0};
        if (rows[i].command && !ry_help_has_command(options, rows[i].command))
            continue;
        for (size_t k = 0; k < RY_KEYS_PER_ACT && rows[i].keys[k]; k++) {
            ry_buf_adds(&keys, k ? ", " : "");
            ry_keymap_key_name(rows[i].keys[k], &keys);
        }
        entry(layout, ry_buf_str(&keys), rows[i].help);
        ry_buf_done(&keys);
    }
    if (options->n_commands)
        heading(layout, "Commands (Tab completes)");
    for (size_t i = 0; i < options->n_commands; i++) {
        const struct ry_ui_command *c = &options->commands[i];
        ry_buf term = {0};
        ry_buf_addf(&term, "/%s%s%s", c->name, *c->args ? " " : "", c->args);
        entry(layout, ry_buf_str(&term), c->help);
        ry_buf_done(&term);
    }
    heading(layout, "What the panels show");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        entry(layout, numbers[i].name, numbers[i].text);
}

void ry_help_draw(struct ry_help *help, struct ry_grid *grid, struct ry_rect at,
                  const struct ry_ui_options *options)
{
    if (at.rows <= 0 || at.cols <= 0)
        return;
    if (help->layout.n_lines == 0 || help->layout.width != at.cols - 1)
        build(help, at.cols - 1, options);
    size_t n = help->layout.n_lines, last = n > (size_t)at.rows ? n - (size_t)at.rows : 0;
    help->rows = at.rows;
    if (help->top > last)
        help->top = last;
    for (int y = 0; y < at.rows && help->top + (size_t)y < n; y++)
        ry_layout_draw(&help->layout, help->top + (size_t)y, grid, at.y + y, at.x);
}
