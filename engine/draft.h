/* Drafts for speculation by prompt lookup: what followed the last time that the newest tokens stood in this timeline.
 *
 *   ... the cat sat on the mat and slept ... and the cat sat on │ the mat and slept
 *           └────── seen before ──────┘         └── match ──┘   └───── draft ────┘
 *
 * A draft is a guess and costs time where it is wrong; how long it may be follows from how often guesses were right of
 * late, and from what a step of several tokens takes beside one of a single token. Neither changes what is written: who
 * uses a draft checks every token of it. One session's thread. Knows no model. */
#ifndef RYOT_ENGINE_DRAFT_H
#define RYOT_ENGINE_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

enum { RY_DRAFT_MOST = 8, RY_DRAFT_KINDS = 3 };

typedef struct ry_draft ry_draft;

struct ry_drafted {
    int32_t ids[RY_DRAFT_MOST];
    size_t n;
    int kind; /* by the length of the match: 3, 4..7, 8 and more */
};

/* Room for a timeline of n_most tokens; nothing is allocated later. */
ry_rc ry_draft_new(ry_draft **out, size_t n_most, ry_err *err);
void ry_draft_free(ry_draft *draft);

/* The timeline so far, anew (n <= n_most). What was learnt about guesses and times stays. */
void ry_draft_begin(ry_draft *draft, const int32_t *ids, size_t n);

/* One token more. */
void ry_draft_push(ry_draft *draft, int32_t id);

/* The continuation of the longest earlier match of the newest tokens (at least 3; of equals the latest), at most `most`
 * (<= RY_DRAFT_MOST) tokens; one that reaches the end goes on with itself, as a loop would. n = 0: no match. */
void ry_draft_look_up(const ry_draft *draft, size_t most, struct ry_drafted *out);

/* How much of a draft is worth its time: the length with most tokens expected a second, 0 where none gains 5 %. */
size_t ry_draft_worth(ry_draft *draft, const struct ry_drafted *d);

/* Whether a drafted token of this kind, all before it being right, was right. Used or not: a draft that was not
 * evaluated can be judged by what came. */
void ry_draft_judge(ry_draft *draft, int kind, bool right);

/* Every draft is worth its time, whatever it takes: so that tests see all of them. */
void ry_draft_set_eager(ry_draft *draft, bool eager);

/* What an evaluation of n tokens took. */
void ry_draft_time(ry_draft *draft, size_t n, uint64_t ns);

#endif
