/* Single-producer single-consumer ring of pointers, bounded, lock-free.
 *
 *      tail (consumer's line)          head (producer's line)
 *        │                               │
 *   ... [x][x][x][x][x][x][x][x][x][x][x][ ][ ][ ] ...      capacity: a power of two
 *
 * Threads: exactly one pushes, exactly one pops. head: stored with release by the producer, loaded with
 * acquire by the consumer; tail: the other way round. Each sits on its own cache line, and each side keeps
 * a private copy of the other's index so that a full line transfer happens only when it seems full or empty. */
#ifndef RYOT_BASE_RING_H
#define RYOT_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ry_ring ry_ring;

/* capacity is rounded up to a power of two, at least 2. NULL when out of memory. */
ry_ring *ry_ring_new(size_t capacity);

/* Accepts NULL. Items still inside are the caller's to drain before. */
void ry_ring_free(ry_ring *ring);

/* Producer only. Moves item (not NULL) to the consumer; false when full, item stays the caller's. */
bool ry_ring_push(ry_ring *ring, void *item);

/* Consumer only. NULL when empty. */
void *ry_ring_pop(ry_ring *ring);

/* Items inside, as either side sees it: exact for neither, never more than the capacity. */
size_t ry_ring_count(const ry_ring *ring);

#endif
