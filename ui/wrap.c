/* Greedy line breaking, one row at a time, so that only what is shown need be broken. */
#include "ui/wrap.h"

#include <string.h>

#include "ui/cells.h"

/* Punctuation that a row does not begin with (after JIS X 4051, the common part): three bytes each.
 */
static bool keeps_to_left(const char *s, size_t len)
{
    static const char *const closing =
        "\u3001\u3002\uFF0C\uFF0E\u300D\u300F\uFF09\u3011\u3009\u300B"
        "\uFF01\uFF1F\uFF1A\uFF1B\u30FC\u2019\u201D";
    for (const char *p = closing; len == 3 && *p; p += 3)
        if (memcmp(p, s, 3) == 0)
            return true;
    return false;
}

void ry_wrap_begin(struct ry_wrap *wrap, const char *s, size_t len, bool words)
{
    *wrap = (struct ry_wrap){.s = s, .len = len, .words = words};
}

static bool finish(struct ry_wrap *wrap, struct ry_wrap_row *row, size_t end, size_t next,
                   bool hard)
{
    row->len = end - row->start;
    row->next = next;
    row->hard = hard;
    wrap->pos = next;
    return true;
}

/* Where the row may end best, as the scan passes it. */
struct mark {
    size_t end, next;
    int width;
    bool any;
};

bool ry_wrap_next(struct ry_wrap *wrap, int width, struct ry_wrap_row *row)
{
    struct mark brk = {0};
    size_t i = wrap->pos, word_end = i;
    int cells = 0, word_cells = 0; /* up to the last unit that is no space */
    bool prev_space = false, prev_wide = false, prev_hyphen = false;
    if (wrap->done)
        return false;
    row->start = i;
    while (i < wrap->len) {
        const char *s = wrap->s + i;
        int w;
        if (*s == '\n') {
            row->width = cells;
            return finish(wrap, row, i, i + 1, true);
        }
        size_t n = ry_cells_unit(s, wrap->len - i, &w);
        bool space = n == 1 && *s == ' ', wide = w == 2 && (unsigned char)*s >= 0xE0;
        bool may_break = prev_space || prev_hyphen || ((wide || prev_wide) && !keeps_to_left(s, n));
        if (i > row->start && may_break && !space && wrap->words)
            brk = (struct mark){word_end, i, word_cells, true};
        if (cells + w > width && i > row->start && !(space && wrap->words)) {
            if (!brk.any)
                brk = (struct mark){i, i, cells, true};
            row->width = brk.width;
            return finish(wrap, row, brk.end, brk.next, false);
        }
        i += n;
        cells += w;
        if (!space || !wrap->words) {
            word_end = i;
            word_cells = cells;
        }
        prev_space = space;
        prev_hyphen = *s == '-' && n == 1 && cells > 1;
        prev_wide = wide;
    }
    wrap->done = true;
    row->width = cells;
    return finish(wrap, row, i, i, true);
}
