/* Asks the guide every question of a questions file and prints how often it was right, with the wrong answers.
 *
 *   guide_eval FILE        lines "ID | question"; ID "-": there is no fact, it must not be sure
 *
 * One thread; a tool of the developers, not part of the program. */
#include <stdio.h>
#include <string.h>

#include "src/app/lookup.h"

enum { LINE_BYTES = 1024 };

struct tally {
    int n, nearest, right, wrong, unknown; /* questions that have a fact */
    int offered;                           /* of the unknown: it is among those offered */
    int n_none, none_wrong;                /* questions that have none */
};

static bool is_id(const char *line, const struct ry_guide_hit *hit)
{
    return strncmp(line, hit->id, hit->id_len) == 0 && line[hit->id_len] == ' ';
}

static bool offers(const ry_guide *guide, const char *question, size_t len, const char *line)
{
    struct ry_guide_hit nearest[RY_LOOKUP_NEAREST];
    size_t n = ry_lookup_nearest(guide, question, len, nearest);
    for (size_t i = 0; i < n; i++)
        if (is_id(line, &nearest[i]))
            return true;
    return false;
}

static void ask(const ry_guide *guide, char *line, struct tally *t)
{
    char *bar = strchr(line, '|');
    if (line[0] == '#' || !bar)
        return;
    struct ry_guide_hit hit = {.id = "-", .id_len = 1};
    bool none = line[0] == '-';
    const char *question = bar + 1 + strspn(bar + 1, " ");
    size_t len = strcspn(question, "\n");
    bool found = ry_guide_find(guide, question, len, &hit, 1) > 0;
    bool same = found && is_id(line, &hit);
    bool sure = found && hit.sure, bad = sure && !same;
    t->n += !none;
    t->n_none += none;
    t->nearest += same;
    t->right += same && sure;
    t->wrong += bad && !none;
    t->none_wrong += bad && none;
    t->unknown += !sure && !none;
    t->offered += !sure && !none && hit.about && offers(guide, question, len, line);
    if (bad || (!none && !same))
        printf("%-8s %-16.*s %4.2f %4.2f %4.2f  %s", bad ? "wrong" : "unsure", (int)hit.id_len,
               hit.id, hit.score, hit.margin, hit.evidence, line);
}

int main(int argc, char **argv)
{
    ry_err err = {0};
    ry_guide *guide = NULL;
    struct tally t = {0};
    char line[LINE_BYTES];
    FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!in) {
        fprintf(stderr, "usage: guide_eval FILE (that can be read)\n");
        return 2;
    }
    if (ry_guide_new(&guide, NULL, 0, &err) != RY_OK) {
        fprintf(stderr, "%s\n", err.text);
        fclose(in);
        return 1;
    }
    while (fgets(line, sizeof line, in))
        ask(guide, line, &t);
    fclose(in);
    printf("questions %d: right %d, wrong %d, said unknown %d (%d of them offer the right fact); "
           "nearest fact right in %d\n"
           "questions without a fact %d: answered all the same %d\n",
           t.n, t.right, t.wrong, t.unknown, t.offered, t.nearest, t.n_none, t.none_wrong);
    ry_guide_free(guide);
    return 0;
}
