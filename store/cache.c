/* The cache-aligned LRU. See cache.h.
 *
 * One mutex a shard: a hit reorders the LRU list, so a reader writes anyway; what is short is
 * made parallel by shards instead. Copying in and freeing happen outside the lock. */
#include "store/cache.h"

#include <pthread.h>
#include <stdalign.h>
#include <string.h>

#include "src/base/mem.h"

enum {
    DEFAULT_BYTES = 16 << 20,
    SHARD_BYTES_MIN = 2 << 20,
    SHARDS_AUTO_MAX = 16,
    SHARDS_MAX = 64,
    BYTES_PER_LINE = 512,
    LINES_PER_SHARD_MIN = 16,
    LINE_ALIGN = 64,
    PLAIN_SHIFT = 32, /* puts every line across a boundary of the CPU's cache lines */
};

struct ry_cache_payload {
    struct ry_cache_payload *next; /* chain of what is to be freed after the lock */
    alignas(16) unsigned char data[];
};

struct shard_stats {
    uint64_t hits, misses, insertions, evictions, refused, pinned, lines_used, bytes_used;
};

/* Every shard starts on its own cache line, and so does its statistics block. */
struct shard {
    alignas(LINE_ALIGN) pthread_mutex_t lock;
    uint32_t *buckets; /* owned; [n_buckets], a power of two */
    uint32_t bucket_mask;
    uint32_t free_line; /* chain of free lines */
    uint32_t n_lines;
    struct ry_cache_order order; /* .lines points into line_memory */
    void *line_memory;           /* owned */
    uint64_t capacity_bytes;
    alignas(LINE_ALIGN) struct shard_stats stats;
};
static_assert(sizeof(struct shard) % LINE_ALIGN == 0, "shards do not share a cache line");

struct ry_cache {
    struct shard *shards; /* owned; [n_shards] */
    uint32_t n_shards;
    uint32_t shard_shift; /* hash >> shift is the shard; 64 with one shard */
    const struct ry_cache_policy *policy;
};

/* The finaliser of MurmurHash3 (public domain, Austin Appleby): every input bit reaches every
 * output bit. */
static uint64_t hash_of(uint64_t key)
{
    key ^= key >> 33;
    key *= UINT64_C(0xff51afd7ed558ccd);
    key ^= key >> 33;
    key *= UINT64_C(0xc4ceb9fe1a85ec53);
    key ^= key >> 33;
    return key;
}

static uint32_t shard_of(const ry_cache *cache, uint64_t hash)
{
    return cache->n_shards == 1 ? 0 : (uint32_t)(hash >> cache->shard_shift);
}

static void free_payloads(struct ry_cache_payload *list)
{
    while (list) {
        struct ry_cache_payload *next = list->next;
        ry_mem_free(list);
        list = next;
    }
}

static uint32_t find(const struct shard *s, uint64_t hash, uint64_t key)
{
    uint32_t i = s->buckets[hash & s->bucket_mask];
    while (i != RY_LINE_NONE && s->order.lines[i].key != key)
        i = s->order.lines[i].chain;
    return i;
}

/* Takes a line back to the free list; its payload goes to *doomed. */
static void release_line(struct shard *s, uint32_t i, struct ry_cache_payload **doomed)
{
    struct ry_cache_line *line = &s->order.lines[i];
    line->payload->next = *doomed;
    *doomed = line->payload;
    s->stats.lines_used--;
    s->stats.bytes_used -= line->size_bytes;
    *line = (struct ry_cache_line){.chain = s->free_line};
    s->free_line = i;
}

/* Out of bucket and order; freed now, or by the last put when pinned. */
static void detach(const struct ry_cache_policy *policy, struct shard *s, uint32_t i,
                   struct ry_cache_payload **doomed)
{
    struct ry_cache_line *lines = s->order.lines;
    uint32_t *link = &s->buckets[lines[i].hash & s->bucket_mask];
    while (*link != i)
        link = &lines[*link].chain;
    *link = lines[i].chain;
    policy->removed(&s->order, i);
    if (lines[i].pins > 0)
        lines[i].detached = 1;
    else
        release_line(s, i, doomed);
}

/* Evicts until `size` more bytes and one line fit; false when pins stand in the way. */
static bool make_room(const struct ry_cache_policy *policy, struct shard *s, size_t size,
                      struct ry_cache_payload **doomed)
{
    while (s->free_line == RY_LINE_NONE || s->stats.bytes_used + size > s->capacity_bytes) {
        uint32_t victim = policy->victim(&s->order);
        if (victim == RY_LINE_NONE)
            return false;
        detach(policy, s, victim, doomed);
        s->stats.evictions++;
    }
    return true;
}

static uint32_t power_of_two_above(uint32_t n)
{
    uint32_t p = 1;
    while (p < n && p < UINT32_C(1) << 30)
        p *= 2;
    return p;
}

static bool shard_init(struct shard *s, uint32_t n_lines, uint64_t capacity, bool plain)
{
    uint32_t n_buckets = power_of_two_above(n_lines);
    s->buckets = ry_mem_aligned(LINE_ALIGN, n_buckets, sizeof *s->buckets);
    s->line_memory = ry_mem_aligned(LINE_ALIGN, (size_t)n_lines + 1, sizeof(struct ry_cache_line));
    if (!s->buckets || !s->line_memory)
        return false;
    if (pthread_mutex_init(&s->lock, NULL) != 0)
        return false;
    memset(s->buckets, 0xff, n_buckets * sizeof *s->buckets);
    s->bucket_mask = n_buckets - 1;
    s->order.lines = (void *)((char *)s->line_memory + (plain ? PLAIN_SHIFT : 0));
    s->order.first = s->order.last = RY_LINE_NONE;
    s->n_lines = n_lines;
    s->capacity_bytes = capacity;
    for (uint32_t i = 0; i < n_lines; i++)
        s->order.lines[i].chain = i + 1 < n_lines ? i + 1 : RY_LINE_NONE;
    return true;
}

ry_cache *ry_cache_new(const struct ry_cache_options *options)
{
    struct ry_cache_options o = options ? *options : (struct ry_cache_options){0};
    if (o.capacity_bytes == 0)
        o.capacity_bytes = DEFAULT_BYTES;
    uint64_t want = o.n_shards ? o.n_shards : o.capacity_bytes / SHARD_BYTES_MIN;
    uint64_t most = o.n_shards ? SHARDS_MAX : SHARDS_AUTO_MAX;
    uint32_t n_shards = 1, log2_shards = 0;
    while (!o.plain && n_shards * UINT64_C(2) <= want && n_shards < most) {
        n_shards *= 2;
        log2_shards++;
    }
    uint64_t lines = (o.n_lines ? o.n_lines : o.capacity_bytes / BYTES_PER_LINE) / n_shards;
    if (lines < LINES_PER_SHARD_MIN)
        lines = LINES_PER_SHARD_MIN;
    if (lines > UINT32_C(1) << 28)
        lines = UINT32_C(1) << 28;

    ry_cache *cache = ry_mem_zalloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->policy = o.policy ? o.policy : &ry_cache_policy_lru;
    cache->shard_shift = 64 - log2_shards;
    cache->shards = ry_mem_aligned(LINE_ALIGN, n_shards, sizeof *cache->shards);
    if (!cache->shards)
        goto fail;
    for (; cache->n_shards < n_shards; cache->n_shards++) {
        struct shard *s = &cache->shards[cache->n_shards];
        if (!shard_init(s, (uint32_t)lines, o.capacity_bytes / n_shards, o.plain)) {
            ry_mem_free(s->buckets);
            ry_mem_free(s->line_memory);
            goto fail;
        }
    }
    return cache;
fail:
    ry_cache_free(cache);
    return NULL;
}

void ry_cache_free(ry_cache *cache)
{
    if (!cache)
        return;
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *s = &cache->shards[i];
        for (uint32_t j = 0; j < s->n_lines; j++) {
            assert(s->order.lines[j].pins == 0);
            ry_mem_free(s->order.lines[j].payload);
        }
        pthread_mutex_destroy(&s->lock);
        ry_mem_free(s->buckets);
        ry_mem_free(s->line_memory);
    }
    ry_mem_free(cache->shards);
    ry_mem_free(cache);
}

bool ry_cache_get(ry_cache *cache, uint64_t key, struct ry_cache_ref *ref)
{
    uint64_t hash = hash_of(key);
    uint32_t shard = shard_of(cache, hash);
    struct shard *s = &cache->shards[shard];
    pthread_mutex_lock(&s->lock);
    uint32_t i = find(s, hash, key);
    if (i == RY_LINE_NONE) {
        s->stats.misses++;
    } else {
        struct ry_cache_line *line = &s->order.lines[i];
        s->stats.hits++;
        if (line->pins++ == 0)
            s->stats.pinned++;
        cache->policy->touched(&s->order, i);
        *ref = (struct ry_cache_ref){
            .data = line->payload->data, .size = line->size_bytes, .shard = shard, .line = i};
    }
    pthread_mutex_unlock(&s->lock);
    return i != RY_LINE_NONE;
}

void ry_cache_put(ry_cache *cache, struct ry_cache_ref *ref)
{
    if (!ref->data)
        return;
    struct shard *s = &cache->shards[ref->shard];
    struct ry_cache_payload *doomed = NULL;
    pthread_mutex_lock(&s->lock);
    struct ry_cache_line *line = &s->order.lines[ref->line];
    assert(line->pins > 0);
    if (--line->pins == 0) {
        s->stats.pinned--;
        if (line->detached)
            release_line(s, ref->line, &doomed);
    }
    pthread_mutex_unlock(&s->lock);
    free_payloads(doomed);
    *ref = (struct ry_cache_ref){0};
}

/* Sum of the sizes; SIZE_MAX when it does not fit. */
static size_t pieces_size(const struct ry_cache_piece *pieces, size_t n_pieces)
{
    size_t size = 0;
    for (size_t i = 0; i < n_pieces; i++)
        if (!ry_mem_add(size, pieces[i].size, &size))
            return SIZE_MAX;
    return size;
}

static struct ry_cache_payload *payload_new(const struct ry_cache_piece *pieces, size_t n_pieces,
                                            size_t size)
{
    size_t total;
    if (!ry_mem_add(size, sizeof(struct ry_cache_payload), &total))
        return NULL;
    struct ry_cache_payload *p = ry_mem_alloc(total, 1);
    if (!p)
        return NULL;
    p->next = NULL;
    unsigned char *to = p->data;
    for (size_t i = 0; i < n_pieces; i++) {
        if (pieces[i].size > 0)
            memcpy(to, pieces[i].data, pieces[i].size);
        to += pieces[i].size;
    }
    return p;
}

bool ry_cache_insert(ry_cache *cache, uint64_t key, const struct ry_cache_piece *pieces,
                     size_t n_pieces)
{
    uint64_t hash = hash_of(key);
    struct shard *s = &cache->shards[shard_of(cache, hash)];
    size_t size = pieces_size(pieces, n_pieces);
    struct ry_cache_payload *p =
        size <= s->capacity_bytes ? payload_new(pieces, n_pieces, size) : NULL;
    struct ry_cache_payload *doomed = NULL;

    pthread_mutex_lock(&s->lock);
    uint32_t old = find(s, hash, key);
    if (old != RY_LINE_NONE)
        detach(cache->policy, s, old, &doomed);
    bool kept = p && make_room(cache->policy, s, size, &doomed);
    if (kept) {
        uint32_t i = s->free_line;
        struct ry_cache_line *line = &s->order.lines[i];
        s->free_line = line->chain;
        uint32_t *bucket = &s->buckets[hash & s->bucket_mask];
        *line = (struct ry_cache_line){
            .key = key, .hash = hash, .payload = p, .size_bytes = size, .chain = *bucket};
        *bucket = i;
        cache->policy->inserted(&s->order, i);
        s->stats.insertions++;
        s->stats.lines_used++;
        s->stats.bytes_used += size;
    } else {
        s->stats.refused++;
    }
    pthread_mutex_unlock(&s->lock);
    if (!kept)
        ry_mem_free(p);
    free_payloads(doomed);
    return kept;
}

bool ry_cache_remove(ry_cache *cache, uint64_t key)
{
    uint64_t hash = hash_of(key);
    struct shard *s = &cache->shards[shard_of(cache, hash)];
    struct ry_cache_payload *doomed = NULL;
    pthread_mutex_lock(&s->lock);
    uint32_t i = find(s, hash, key);
    if (i != RY_LINE_NONE)
        detach(cache->policy, s, i, &doomed);
    pthread_mutex_unlock(&s->lock);
    free_payloads(doomed);
    return i != RY_LINE_NONE;
}

void ry_cache_clear(ry_cache *cache)
{
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *s = &cache->shards[i];
        struct ry_cache_payload *doomed = NULL;
        pthread_mutex_lock(&s->lock);
        while (s->order.first != RY_LINE_NONE)
            detach(cache->policy, s, s->order.first, &doomed);
        pthread_mutex_unlock(&s->lock);
        free_payloads(doomed);
    }
}

void ry_cache_get_stats(ry_cache *cache, struct ry_cache_stats *out)
{
    *out = (struct ry_cache_stats){0};
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *s = &cache->shards[i];
        pthread_mutex_lock(&s->lock);
        out->hits += s->stats.hits;
        out->misses += s->stats.misses;
        out->insertions += s->stats.insertions;
        out->evictions += s->stats.evictions;
        out->refused += s->stats.refused;
        out->pinned += s->stats.pinned;
        out->lines_used += s->stats.lines_used;
        out->lines_max += s->n_lines;
        out->bytes_used += s->stats.bytes_used;
        out->bytes_max += s->capacity_bytes;
        pthread_mutex_unlock(&s->lock);
    }
}
