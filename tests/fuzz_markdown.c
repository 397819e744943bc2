/* Markdown on any bytes: a message that streams, cut anywhere, is laid out like one that came
 * whole, its lines lie in its text, and none is wider than the page. */
#include "fuzz_ui.h"

#include <stdbool.h>

#include "ui/message.h"

static const struct ry_layout *lay_out(struct ry_messages *messages, const uint8_t *data,
                                       size_t len, bool streaming, int width)
{
    struct ry_ui_message m = {.id = 7,
                              .role = RY_UI_ASSISTANT,
                              .text = (const char *)data,
                              .len = len,
                              .streaming = streaming};
    return ry_messages_get(messages, &m, width, false);
}

static void check(const struct ry_layout *layout)
{
    FUZZ_ASSERT(!layout->failed && layout->n_lines > 0);
    for (size_t i = 0; i < layout->n_lines; i++) {
        const struct ry_line *line = &layout->lines[i];
        size_t covered = 0;
        FUZZ_ASSERT(line->off + line->len <= layout->text.len);
        FUZZ_ASSERT(line->run + line->n_runs <= layout->n_runs);
        FUZZ_ASSERT(line->indent <= RY_LAYOUT_MAX_INDENT);
        for (size_t r = line->run; r < line->run + line->n_runs; r++) {
            FUZZ_ASSERT(layout->runs[r].off == line->off + covered);
            covered += layout->runs[r].len;
        }
        FUZZ_ASSERT(covered == line->len);
    }
}

static bool same(const struct ry_layout *a, const struct ry_layout *b)
{
    bool lines = a->n_lines == b->n_lines && a->n_runs == b->n_runs && a->text.len == b->text.len &&
                 memcmp(ry_buf_str(&a->text), ry_buf_str(&b->text), a->text.len) == 0;
    for (size_t i = 0; lines && i < a->n_lines; i++)
        lines = a->lines[i].off == b->lines[i].off && a->lines[i].indent == b->lines[i].indent &&
                a->lines[i].frame == b->lines[i].frame && a->lines[i].bars == b->lines[i].bars;
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ry_messages whole, streamed;
    struct ry_grid grid = {0};
    int width = size ? 1 + data[size - 1] % 60 : 20;
    const struct ry_layout *a = lay_out(&whole, data, size, false, width);
    check(a);
    for (size_t at = 0, step = size ? 1 + data[0] % 32 : 1; at < size; at += step)
        check(lay_out(&streamed, data, at, true, width));
    const struct ry_layout *b = lay_out(&streamed, data, size, false, width);
    FUZZ_ASSERT(same(a, b));
    FUZZ_ASSERT(ry_grid_resize(&grid, 20, width));
    for (size_t i = 0; i < a->n_lines && i < 20; i++)
        ry_layout_draw(a, i, &grid, (int)i, 0);
    ry_grid_done(&grid);
    ry_messages_done(&whole);
    ry_messages_done(&streamed);
    return 0;
}

static const char *const seeds[] = {
    "# Title\n\nSome *text* with **emphasis**, `code`\nand [a link](http://x.y \"t\").\n\n---\n",
    "1. one\n2. two\n   - nested\n   - more\n\n3. loose\n\n   paragraph\n- [x] task\n",
    "```python\nfor x in y:\n\tpass\n```\n~~~\n```\n~~~\n````\n```\n````\n",
    "| a | b |\n|---|:-:|\n| 1 | `2` |\n| \xE4\xB8\xAD | **x** |\n\n> quote\n>> deeper\n> - list\n",
    "&amp; &#27; &#x202e; &nosuch; <b>html</b> <!-- c -->\n\n[ref]: http://a\n\n[ref] ![i](j)\n",
    "\x1B[31m\r\n\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB\xCC\x81\xFF\t\n\n\n   \n\t\n+ x\n+\n",
    "***bold and em*** ~~gone~~ **open\n\n*** \n===\n---\nsetext\n===\n",
    ">>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>> deep\n- - - - - - - - - - - - - - - deeper\n",
};
FUZZ_MAIN(seeds);
