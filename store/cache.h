/* The cache-aligned LRU in front of sqlite (inside store/ only).
 *
 *   key ─hash─▶ shard (own lock, own statistics, padded to whole cache lines)
 *                 ├─ buckets[]  u32 index of the first line of a chain
 *                 ├─ lines[]    hot: 64 bytes an entry, aligned to 64 (policy.h)
 *                 └─ payloads   cold: one block each, touched only by who reads the text
 *
 * Threads: every function may be called from any thread, except new and free. A payload's bytes
 * do not change while they are in the cache: a replacement is a new payload, so a reader with a
 * pin needs no lock. It knows nothing of sqlite and of what the bytes mean. */
#ifndef RYOT_STORE_CACHE_H
#define RYOT_STORE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/policy.h"

typedef struct ry_cache ry_cache;

struct ry_cache_options {
    size_t capacity_bytes; /* of payloads; 0: 16 MiB */
    uint32_t n_shards;     /* a power of two up to 64; 0: as many as leave 2 MiB each, at most 16 */
    uint32_t n_lines;      /* entries in all; 0: capacity / 512 */
    const struct ry_cache_policy *policy; /* NULL: LRU */
    bool plain; /* for comparison: one lock, and lines that straddle two lines of the CPU's cache */
};

/* A pinned entry: data[0..size) stays as it is until ry_cache_put. */
struct ry_cache_ref {
    const void *data; /* borrowed until put; aligned to 16 */
    size_t size;
    uint32_t shard, line;
};

struct ry_cache_piece {
    const void *data; /* may be NULL when size is 0 */
    size_t size;
};

struct ry_cache_stats {
    uint64_t hits, misses, insertions, evictions;
    uint64_t refused; /* too large for a shard, or everything pinned */
    uint64_t pinned;  /* entries pinned now */
    uint64_t lines_used, lines_max, bytes_used, bytes_max;
};

/* NULL when out of memory. *options may be NULL. */
ry_cache *ry_cache_new(const struct ry_cache_options *options);

/* Frees it with its payloads; no pin may be out. Accepts NULL. */
void ry_cache_free(ry_cache *cache);

/* Finds and pins; false (a miss) leaves *ref untouched. */
bool ry_cache_get(ry_cache *cache, uint64_t key, struct ry_cache_ref *ref);

/* Gives the pin back and clears *ref; a cleared ref is accepted. */
void ry_cache_put(ry_cache *cache, struct ry_cache_ref *ref);

/* Copies the pieces, one behind the other, in as one entry, replacing what the key had; evicts
 * as the policy says. False when it was not kept (too large, no memory, all pinned): then the
 * key has no entry, never an old one. */
bool ry_cache_insert(ry_cache *cache, uint64_t key, const struct ry_cache_piece *pieces,
                     size_t n_pieces);

/* Forgets a key; true when it was there. Readers with a pin keep their bytes. */
bool ry_cache_remove(ry_cache *cache, uint64_t key);

/* Forgets everything; counters stay. */
void ry_cache_clear(ry_cache *cache);

/* Sums over the shards, each consistent in itself. */
void ry_cache_get_stats(ry_cache *cache, struct ry_cache_stats *out);

#endif
