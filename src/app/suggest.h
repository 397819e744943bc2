/* The nearest known word for a mistyped one: options, commands, slash commands, config keys.
 * Pure; any thread. */
#ifndef RYOT_APP_SUGGEST_H
#define RYOT_APP_SUGGEST_H

#include <stddef.h>

/* Edit distance with transpositions (optimal string alignment) of two words, both cut at 63
 * bytes. */
size_t ry_suggest_distance(const char *a, const char *b);

/* Keeps the best candidate of a search over any table: call once per word. */
struct ry_suggest {
    const char *wanted; /* borrowed */
    const char *
        best; /* NULL until a word is near enough: at most a third of its letters differ, at least one */
    size_t distance;
};

/* Offers a candidate (borrowed). A wanted word that is a prefix of it, 2 letters or more, is
 * nearest of all. */
void ry_suggest_offer(struct ry_suggest *s, const char *word);

#endif
