/* The guide: the facts about ryot that lie nearest to a question, found by words, not by the model.
 *
 * The facts are engine/builtin/facts.txt, linked into the program. A fact is looked up, so the surface that
 * shows one has to say so. Knows no engine, chat or screen: text in, ranked facts out.
 * Thread: an index is immutable after new; any number of threads may search it. */
#ifndef RYOT_APP_GUIDE_H
#define RYOT_APP_GUIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/err.h"

enum { RY_GUIDE_MAX_HITS = 8 };

typedef struct ry_guide ry_guide;

struct ry_guide_hit {
    const char *id;     /* [id_len], not NUL-terminated; borrowed until the guide is freed */
    const char *answer; /* [answer_len], likewise: one line of text */
    size_t id_len, answer_len;
    double score;  /* likeness of question and fact, 0..1 */
    double margin; /* of the first hit: its score less the next one's; 0 for the others */
    /* Of the first hit, 0 and false for the others: what speaks for it, all in all (see guide.c for the sum); whether
     * that is enough to give it as the answer; and whether the question is at least about ryot. */
    double evidence;
    bool sure, about;
    bool careful; /* following it by mistake would lose data: it has to be surer than others */
};

/* Indexes text[len] (NULL: the facts linked into the program). The text is borrowed until free.
 * RY_ERR_INPUT with the line where it is no facts file, RY_ERR_MEMORY. *out owned by the caller. */
ry_rc ry_guide_new(ry_guide **out, const char *text, size_t len, ry_err *err);
void ry_guide_free(ry_guide *guide); /* accepts NULL */

size_t ry_guide_n_facts(const ry_guide *guide);

/* The nearest facts for question[len] (any bytes), best first; of equals the earlier in the file.
 * Fills hits[0..n), n <= cap and <= RY_GUIDE_MAX_HITS, and returns n; facts that share no word are no hits.
 * Allocates nothing. */
size_t ry_guide_find(const ry_guide *guide, const char *question, size_t len,
                     struct ry_guide_hit *hits, size_t cap);

#endif
