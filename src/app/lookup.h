/* What the built-in model is given to read before a user's message: a fact about ryot that was looked up.
 *
 * A network of its size cannot hold the facts; it was trained to answer from one that stands before the question. The
 * surface says that a fact was looked up. Depends on the message alone, so that the history of a conversation gives the
 * same prompt each time. Other models get nothing.
 * Thread: as the guide, any number may ask. */
#ifndef RYOT_APP_LOOKUP_H
#define RYOT_APP_LOOKUP_H

#include "src/app/guide.h"
#include "src/base/buf.h"

enum ry_lookup {
    RY_LOOKUP_NOTHING, /* small talk, a story, the world: no system text */
    RY_LOOKUP_UNSURE,  /* about ryot, but no fact is near enough: "Fact: none" */
    RY_LOOKUP_FACT     /* "Fact: ..." */
};

/* Whether the model takes facts: path as ry_engine_open took it. */
bool ry_lookup_applies(const char *model_path);

/* Looks text[len] up. For RY_LOOKUP_FACT *hit is the fact, borrowed from the guide. */
enum ry_lookup ry_lookup(const ry_guide *guide, const char *text, size_t len,
                         struct ry_guide_hit *hit);

/* The same as the system text to be put before the message, appended to *out: nothing for RY_LOOKUP_NOTHING. */
enum ry_lookup ry_lookup_text(const ry_guide *guide, const char *text, size_t len, ry_buf *out);

enum { RY_LOOKUP_NEAREST = 2 };

/* The facts to offer where none is sure: fills nearest[0..n) and returns n. None of them could lose data. */
size_t ry_lookup_nearest(const ry_guide *guide, const char *text, size_t len,
                         struct ry_guide_hit nearest[RY_LOOKUP_NEAREST]);

/* What the surface says about a lookup, appended to *out: which fact it was; where there is none, the nearest ones in full,
 * each on a line; nothing for RY_LOOKUP_NOTHING. */
void ry_lookup_say(const ry_guide *guide, const char *text, size_t len, ry_buf *out);

/* What the surface says behind an answer: the fact, where there was one and the answer does not hold it letter by letter (a
 * network of this size miscopies now and then); appended to *out, else nothing. */
void ry_lookup_check(const ry_guide *guide, const char *text, size_t len, const char *answer,
                     size_t answer_len, ry_buf *out);

/* The answer to /guide: the fact itself, or the nearest ones, appended to *out. */
void ry_lookup_answer(const ry_guide *guide, const char *text, size_t len, ry_buf *out);

#endif
