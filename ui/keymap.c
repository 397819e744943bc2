/* The keymap. */
#include "ui/keymap.h"

#include <assert.h>
#include <string.h>

#include "src/base/utf8.h"
#include "ui/term.h"

#define CTRL(c) ((c)&0x1F)
#define ALT(k)  (RY_KEY_ALT | (k))
#define F(n)    (RY_KEY_F1 + (n)-1)

static const struct ry_keymap_row table[] = {
    {RY_ACT_SEND, "send", "send the message", NULL, {'\r'}},
    {RY_ACT_NEWLINE, "newline", "new line in the message", NULL, {ALT('\r'), '\n'}},
    {RY_ACT_COMPLETE, "complete", "complete a command or its value", NULL, {'\t'}},
    {RY_ACT_INTERRUPT,
     "interrupt",
     "stop the answer, else clear the draft (undo brings it back)",
     NULL,
     {CTRL('C')}},
    {RY_ACT_ESCAPE, "escape", "close what is open, else stop the answer", NULL, {0x1B}},
    {RY_ACT_KILL_OR_KERNEL,
     "kernel-or-kill",
     "next kernel (empty line or while answering), else kill to the end",
     NULL,
     {CTRL('K')}},
    {RY_ACT_HELP, "help", "this help (? on an empty line too)", NULL, {F(1)}},
    {RY_ACT_PANEL_PERF, "panel-performance", "performance panel", NULL, {F(2)}},
    {RY_ACT_PANEL_THREADS,
     "panel-threads",
     "threads panel (then + and - on an empty line)",
     NULL,
     {F(3)}},
    {RY_ACT_PANEL_CACHE, "panel-cache", "cache panel", NULL, {F(4)}},
    {RY_ACT_SESSIONS, "sessions", "sessions", "sessions", {F(6)}},
    {RY_ACT_THREADS_MORE, "threads-more", "one thread more", NULL, {ALT('+'), ALT('=')}},
    {RY_ACT_THREADS_LESS, "threads-less", "one thread less", NULL, {ALT('-')}},
    {RY_ACT_PAGE_UP,
     "page-up",
     "scroll the chat up: it stops following",
     NULL,
     {RY_KEY_PAGE_UP, ALT('v')}},
    {RY_ACT_PAGE_DOWN, "page-down", "scroll the chat down", NULL, {RY_KEY_PAGE_DOWN, CTRL('V')}},
    {RY_ACT_TOP, "chat-top", "first line of the chat", NULL, {ALT(RY_KEY_HOME), ALT('<')}},
    {RY_ACT_BOTTOM,
     "chat-bottom",
     "last line of the chat, and follow it (End on an empty line too)",
     NULL,
     {ALT(RY_KEY_END), ALT('>')}},
    {RY_ACT_WHEEL_UP, "wheel-up", "scroll up three lines (/mouse on)", NULL, {RY_KEY_WHEEL_UP}},
    {RY_ACT_WHEEL_DOWN,
     "wheel-down",
     "scroll down three lines (/mouse on)",
     NULL,
     {RY_KEY_WHEEL_DOWN}},
    {RY_ACT_FIND,
     "find",
     "search the chat; then Enter, n and N go on (/ starts a command)",
     NULL,
     {CTRL('S'), ALT('/')}},
    {RY_ACT_LINE_START, "line-start", "start of the line", NULL, {CTRL('A'), RY_KEY_HOME}},
    {RY_ACT_LINE_END,
     "line-end",
     "end of the line; on its end: follow the chat",
     NULL,
     {CTRL('E'), RY_KEY_END}},
    {RY_ACT_LEFT, "left", "back one character", NULL, {CTRL('B'), RY_KEY_LEFT}},
    {RY_ACT_RIGHT, "right", "on one character", NULL, {CTRL('F'), RY_KEY_RIGHT}},
    {RY_ACT_WORD_LEFT,
     "word-left",
     "back one word",
     NULL,
     {ALT('b'), RY_KEY_WORD_LEFT, ALT(RY_KEY_LEFT)}},
    {RY_ACT_WORD_RIGHT,
     "word-right",
     "on one word",
     NULL,
     {ALT('f'), RY_KEY_WORD_RIGHT, ALT(RY_KEY_RIGHT)}},
    {RY_ACT_UP, "up", "line above; on the first: older prompt", NULL, {RY_KEY_UP, CTRL('P')}},
    {RY_ACT_DOWN, "down", "line below; on the last: newer prompt", NULL, {RY_KEY_DOWN, CTRL('N')}},
    {RY_ACT_HISTORY_SEARCH,
     "history-search",
     "search older prompts; again: go on",
     NULL,
     {CTRL('R')}},
    {RY_ACT_BACKSPACE, "backspace", "delete the character before", NULL, {RY_KEY_BACKSPACE}},
    {RY_ACT_DELETE, "delete", "delete the character under the cursor", NULL, {RY_KEY_DELETE}},
    {RY_ACT_DELETE_OR_QUIT,
     "delete-or-quit",
     "delete the character; on an empty line: quit",
     NULL,
     {CTRL('D')}},
    {RY_ACT_KILL_START, "kill-start", "kill to the start of the line", NULL, {CTRL('U')}},
    {RY_ACT_KILL_WORD_BACK, "kill-word-back", "kill back to a space", NULL, {CTRL('W')}},
    {RY_ACT_KILL_WORD_BEFORE,
     "kill-word-before",
     "kill the word before",
     NULL,
     {ALT(RY_KEY_BACKSPACE)}},
    {RY_ACT_KILL_WORD, "kill-word", "kill the word behind", NULL, {ALT('d'), ALT(RY_KEY_DELETE)}},
    {RY_ACT_YANK, "yank", "insert what was killed", NULL, {CTRL('Y')}},
    {RY_ACT_TRANSPOSE, "transpose", "swap two characters", NULL, {CTRL('T')}},
    {RY_ACT_UNDO, "undo", "undo", NULL, {CTRL('_'), RY_KEY_CTRL_X | CTRL('U')}},
    {RY_ACT_EXTERNAL_EDIT,
     "external-edit",
     "edit the draft in $VISUAL or $EDITOR",
     NULL,
     {RY_KEY_CTRL_X | CTRL('E')}},
    {RY_ACT_SUSPEND, "suspend", "suspend", NULL, {CTRL('Z')}},
    {RY_ACT_REDRAW, "redraw", "repaint everything", NULL, {CTRL('L')}},
};
enum { N_ROWS = sizeof table / sizeof *table };
static_assert((int)N_ROWS == (int)RY_ACT_COUNT - 1, "one row for each action");

const struct ry_keymap_row *ry_keymap_rows(size_t *n)
{
    *n = N_ROWS;
    return table;
}

enum ry_act ry_keymap_find(int32_t key)
{
    for (size_t i = 0; key && i < N_ROWS; i++)
        for (size_t k = 0; k < RY_KEYS_PER_ACT && table[i].keys[k]; k++)
            if (table[i].keys[k] == key)
                return table[i].act;
    return RY_ACT_NONE;
}

void ry_keymap_key_name(int32_t key, ry_buf *out)
{
    static const struct {
        int32_t key;
        const char *name;
    } names[] = {
        {'\r', "Enter"},
        {'\t', "Tab"},
        {0x1B, "Esc"},
        {' ', "Space"},
        {RY_KEY_UP, "Up"},
        {RY_KEY_DOWN, "Down"},
        {RY_KEY_LEFT, "Left"},
        {RY_KEY_RIGHT, "Right"},
        {RY_KEY_HOME, "Home"},
        {RY_KEY_END, "End"},
        {RY_KEY_PAGE_UP, "PgUp"},
        {RY_KEY_PAGE_DOWN, "PgDn"},
        {RY_KEY_BACKSPACE, "Backspace"},
        {RY_KEY_DELETE, "Del"},
        {RY_KEY_BACKTAB, "S-Tab"},
        {RY_KEY_WORD_LEFT, "C-Left"},
        {RY_KEY_WORD_RIGHT, "C-Right"},
        {RY_KEY_WHEEL_UP, "wheel up"},
        {RY_KEY_WHEEL_DOWN, "wheel down"},
    };
    int32_t base = key & RY_KEY_BASE;
    if (key & RY_KEY_CTRL_X)
        ry_buf_adds(out, "^X ");
    if (key & RY_KEY_ALT)
        ry_buf_adds(out, "M-");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].key == base) {
            ry_buf_adds(out, names[i].name);
            return;
        }
    }
    if (base >= RY_KEY_F1 && base <= RY_KEY_F12) {
        ry_buf_addf(out, "F%d", (int)(base - RY_KEY_F1 + 1));
    } else if (base < 0x20) {
        ry_buf_addf(out, "^%c", (char)(base | 0x40));
    } else {
        char bytes[RY_UTF8_MAX_BYTES];
        ry_buf_add(out, bytes, ry_utf8_encode(base, bytes));
    }
}
