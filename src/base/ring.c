/* Single-producer single-consumer ring. See the header for threads and orders. */
#include "src/base/ring.h"

#include <stdatomic.h>
#include <stdint.h>

#include "src/base/mem.h"

struct ry_ring {
    _Alignas(64) atomic_size_t head; /* producer writes (release), consumer reads (acquire) */
    size_t seen_tail;                /* producer's copy of tail */
    _Alignas(64) atomic_size_t tail; /* consumer writes (release), producer reads (acquire) */
    size_t seen_head;                /* consumer's copy of head */
    _Alignas(64) size_t mask;        /* const after new */
    void *slots[];
};

ry_ring *ry_ring_new(size_t capacity)
{
    size_t cap = 2, bytes;
    while (cap < capacity && cap <= SIZE_MAX / 4)
        cap *= 2;
    if (!ry_mem_mul(cap, sizeof(void *), &bytes) || !ry_mem_add(bytes, sizeof(ry_ring), &bytes))
        return NULL;
    ry_ring *ring = ry_mem_aligned(64, bytes, 1);
    if (ring)
        ring->mask = cap - 1;
    return ring;
}

void ry_ring_free(ry_ring *ring)
{
    ry_mem_free(ring);
}

bool ry_ring_push(ry_ring *ring, void *item)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - ring->seen_tail > ring->mask) {
        ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head - ring->seen_tail > ring->mask)
            return false;
    }
    ring->slots[head & ring->mask] = item;
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

void *ry_ring_pop(ry_ring *ring)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == ring->seen_head) {
        ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail == ring->seen_head)
            return NULL;
    }
    void *item = ring->slots[tail & ring->mask];
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return item;
}

size_t ry_ring_count(const ry_ring *ring)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    size_t n = head - tail;
    return n > ring->mask + 1 ? ring->mask + 1 : n;
}
