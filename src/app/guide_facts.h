/* The guide's facts inside the program: the bytes of engine/builtin/facts.txt, linked in by guide_facts.S. const. */
#ifndef RYOT_APP_GUIDE_FACTS_H
#define RYOT_APP_GUIDE_FACTS_H

#include <stddef.h>

extern const char ry_builtin_facts[]; /* [ry_builtin_facts_bytes], no NUL behind */
extern const size_t ry_builtin_facts_bytes;

#endif
