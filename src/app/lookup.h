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
enum ry_lookup ry_lookup_text(const ry_guide *guide, const char *text, size_t len,
                              struct ry_guide_hit *hit, ry_buf *out);

#endif
