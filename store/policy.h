/* What decides which line leaves the cache: a strategy behind one table of functions.
 *
 * A shard keeps its lines in one doubly linked order by index. A policy reads and rearranges
 * that order; it never frees, never looks at payloads and never sees another shard.
 *
 *   order.first ─▶ line ─▶ line ─▶ ... ─▶ order.last          RY_LINE_NONE ends both ways
 *
 * Thread: called with the shard's lock held. Inside store/ only. */
#ifndef RYOT_STORE_POLICY_H
#define RYOT_STORE_POLICY_H

#include <assert.h>
#include <stdint.h>

#define RY_LINE_NONE UINT32_MAX

struct ry_cache_payload;

/* The hot part of an entry: all that a look-up, a touch or an eviction reads, in one cache line
 * of 64 bytes. The text itself lies behind `payload`. */
struct ry_cache_line {
    uint64_t key;
    uint64_t hash;
    struct ry_cache_payload *payload; /* owned; NULL on a free line */
    uint64_t size_bytes;              /* of the payload's data */
    uint32_t chain;                   /* next line of the same bucket, or of the free list */
    uint32_t prev, next;              /* neighbours in the policy's order */
    uint32_t pins;                    /* gets not yet put back */
    uint8_t detached;                 /* removed or replaced while pinned: the last put frees it */
    uint8_t pad[15];
};
static_assert(sizeof(struct ry_cache_line) == 64, "one line of the CPU's cache");

struct ry_cache_order {
    struct ry_cache_line *lines; /* borrowed: the shard's array */
    uint32_t first, last;
};

struct ry_cache_policy {
    const char *name;
    /* `line` is new in the order. */
    void (*inserted)(struct ry_cache_order *order, uint32_t line);
    /* `line` was read. */
    void (*touched)(struct ry_cache_order *order, uint32_t line);
    /* `line` leaves the order. */
    void (*removed)(struct ry_cache_order *order, uint32_t line);
    /* The line to evict next, never a pinned one; RY_LINE_NONE when all are pinned. */
    uint32_t (*victim)(struct ry_cache_order *order);
};

/* Least recently used: a read moves the line to the front, the last unpinned one leaves. */
extern const struct ry_cache_policy ry_cache_policy_lru;

#endif
