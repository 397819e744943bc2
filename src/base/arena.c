/* A bump allocator. One owner, any thread. */
#include "src/base/arena.h"

#include <stdint.h>
#include <string.h>

#include "src/base/mem.h"

enum { ARENA_BLOCK_BYTES = 64 * 1024, ARENA_ALIGN = 16 };

struct ry_arena_block {
    struct ry_arena_block *next;
    size_t cap, used;
    _Alignas(ARENA_ALIGN) unsigned char bytes[];
};

void ry_arena_init(ry_arena *arena)
{
    *arena = (ry_arena){0};
}

void *ry_arena_alloc(ry_arena *arena, size_t n, size_t size)
{
    size_t bytes;
    if (!ry_mem_mul(n, size, &bytes) || !ry_mem_add(bytes, ARENA_ALIGN - 1, &bytes))
        return NULL;
    bytes = bytes / ARENA_ALIGN * ARENA_ALIGN;
    if (bytes == 0)
        bytes = ARENA_ALIGN;
    struct ry_arena_block *block = arena->head;
    if (!block || block->cap - block->used < bytes) {
        size_t cap = bytes > ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES, total;
        if (!ry_mem_add(cap, sizeof *block, &total))
            return NULL;
        block = ry_mem_alloc(1, total);
        if (!block)
            return NULL;
        block->cap = cap;
        block->used = 0;
        block->next = arena->head;
        arena->head = block;
    }
    void *p = block->bytes + block->used;
    block->used += bytes;
    arena->used_bytes += bytes;
    memset(p, 0, bytes);
    return p;
}

char *ry_arena_strndup(ry_arena *arena, const char *s, size_t len)
{
    size_t bytes;
    if (!ry_mem_add(len, 1, &bytes))
        return NULL;
    char *copy = ry_arena_alloc(arena, bytes, 1);
    if (copy)
        memcpy(copy, s, len);
    return copy;
}

void ry_arena_done(ry_arena *arena)
{
    struct ry_arena_block *block = arena->head;
    while (block) {
        struct ry_arena_block *next = block->next;
        ry_mem_free(block);
        block = next;
    }
    *arena = (ry_arena){0};
}
