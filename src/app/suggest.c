/* The nearest known word: optimal string alignment over three rows. */
#include "src/app/suggest.h"

#include <string.h>

enum { WORD_MAX = 63 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

size_t ry_suggest_distance(const char *a, const char *b)
{
    size_t na = strnlen(a, WORD_MAX), nb = strnlen(b, WORD_MAX);
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= nb; j++)
        last[j] = j;
    for (size_t i = 1; i <= na; i++) {
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[nb];
}

void ry_suggest_offer(struct ry_suggest *s, const char *word)
{
    size_t len = strlen(s->wanted), longest = strlen(word) > len ? strlen(word) : len;
    size_t d = ry_suggest_distance(s->wanted, word);
    size_t limit = longest / 3 > 1 ? longest / 3 : 1;
    if (len >= 2 && strncmp(s->wanted, word, len) == 0)
        d = 0;
    if (d <= limit && (!s->best || d < s->distance)) {
        s->best = word;
        s->distance = d;
    }
}
