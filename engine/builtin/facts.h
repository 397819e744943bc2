/* The guide's facts inside the program: the bytes of engine/builtin/facts.txt, linked in by facts.S. const. */
#ifndef RYOT_ENGINE_BUILTIN_FACTS_H
#define RYOT_ENGINE_BUILTIN_FACTS_H

#include <stddef.h>

extern const char ry_builtin_facts[]; /* [ry_builtin_facts_bytes], no NUL behind */
extern const size_t ry_builtin_facts_bytes;

#endif
