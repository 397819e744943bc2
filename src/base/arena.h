/* A bump allocator for things that die together (a parsed header, one frame).
 *
 *   block ──▶ block ──▶ NULL        newest first; the newest is filled from its start
 *
 * Thread: one owner. */
#ifndef RYOT_BASE_ARENA_H
#define RYOT_BASE_ARENA_H

#include <stddef.h>

struct ry_arena_block;

typedef struct ry_arena {
    struct ry_arena_block *head; /* owned */
    size_t used_bytes;           /* handed out so far */
} ry_arena;

/* Ready to use when zeroed; init only says so. */
void ry_arena_init(ry_arena *arena);

/* n * size zeroed bytes, aligned to 16; NULL when out of memory or on overflow. Borrowed until done. */
void *ry_arena_alloc(ry_arena *arena, size_t n, size_t size);

/* Copy of len bytes with a NUL added. Borrowed until done. */
char *ry_arena_strndup(ry_arena *arena, const char *s, size_t len);

/* Frees everything at once; the arena may be used again. */
void ry_arena_done(ry_arena *arena);

#endif
