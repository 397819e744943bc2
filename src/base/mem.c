/* The only room that calls malloc. Any thread.
 *
 * Counters are relaxed atomics: they order nothing, they are only read by tests and the doctor. */
#include "src/base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_uint_fast64_t n_allocs;
static atomic_int_fast64_t n_live;
static atomic_int_fast64_t fail_in; /* allocations left until the failing one; 0: off */
static atomic_bool fail_sticky;
static _Thread_local int guard_depth;

bool ry_mem_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

bool ry_mem_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

static bool must_fail(void)
{
#ifndef NDEBUG
    if (guard_depth > 0) {
        static const char msg[] = "ryot: allocation inside the token loop\n";
        fwrite(msg, 1, sizeof msg - 1, stderr);
        abort();
    }
#endif
    atomic_fetch_add_explicit(&n_allocs, 1, memory_order_relaxed);
    if (atomic_load_explicit(&fail_in, memory_order_relaxed) == 0)
        return false;
    int_fast64_t left = atomic_fetch_sub_explicit(&fail_in, 1, memory_order_relaxed) - 1;
    if (left > 0)
        return false;
    if (atomic_load_explicit(&fail_sticky, memory_order_relaxed))
        atomic_store_explicit(&fail_in, 1, memory_order_relaxed);
    return true;
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add_explicit(&n_live, 1, memory_order_relaxed);
    return p;
}

void *ry_mem_alloc(size_t n, size_t size)
{
    size_t bytes;
    if (!ry_mem_mul(n, size, &bytes) || must_fail())
        return NULL;
    return counted(malloc(bytes ? bytes : 1));
}

void *ry_mem_zalloc(size_t n, size_t size)
{
    size_t bytes;
    if (!ry_mem_mul(n, size, &bytes) || must_fail())
        return NULL;
    return counted(calloc(bytes ? bytes : 1, 1));
}

void *ry_mem_resize(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (!p)
        return ry_mem_alloc(n, size);
    if (!ry_mem_mul(n, size, &bytes) || must_fail())
        return NULL;
    return realloc(p, bytes ? bytes : 1);
}

void *ry_mem_aligned(size_t align, size_t n, size_t size)
{
    size_t bytes;
    if (!ry_mem_mul(n, size, &bytes) || !ry_mem_add(bytes, align, &bytes) || must_fail())
        return NULL;
    bytes = (bytes - align + align - 1) / align * align; /* aligned_alloc wants a multiple */
    if (bytes == 0)
        bytes = align;
    void *p = aligned_alloc(align, bytes);
    if (p)
        memset(p, 0, bytes);
    return counted(p);
}

enum { HUGE_PAGE = 2 << 20 };

static size_t huge_round(size_t n)
{
    return (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

/* One huge page more is mapped and the ends given back, so that the rest begins at a multiple. */
void *ry_mem_huge(size_t n_bytes)
{
    size_t more;
    if (n_bytes < HUGE_PAGE)
        return ry_mem_aligned(64, n_bytes, 1);
    if (!ry_mem_add(n_bytes, 2 * (size_t)HUGE_PAGE, &more) || must_fail())
        return NULL;
    size_t want = huge_round(n_bytes);
    char *p =
        mmap(NULL, want + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    size_t before = (size_t)(-(uintptr_t)p % HUGE_PAGE);
    if (before)
        munmap(p, before);
    munmap(p + before + want, HUGE_PAGE - before);
#ifdef MADV_HUGEPAGE
    madvise(p + before, want, MADV_HUGEPAGE);
#endif
    return counted(p + before);
}

void ry_mem_huge_free(void *p, size_t n_bytes)
{
    if (!p || n_bytes < HUGE_PAGE) {
        ry_mem_free(p);
        return;
    }
    atomic_fetch_sub_explicit(&n_live, 1, memory_order_relaxed);
    munmap(p, huge_round(n_bytes));
}

char *ry_mem_strndup(const char *s, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = ry_mem_alloc(len + 1, 1);
    if (copy) {
        memcpy(copy, s, len);
        copy[len] = '\0';
    }
    return copy;
}

char *ry_mem_strdup(const char *s)
{
    return ry_mem_strndup(s, strlen(s));
}

void ry_mem_free(void *p)
{
    if (p) {
        atomic_fetch_sub_explicit(&n_live, 1, memory_order_relaxed);
        free(p);
    }
}

void ry_mem_fail_nth(uint64_t n, bool sticky)
{
    atomic_store_explicit(&fail_sticky, sticky, memory_order_relaxed);
    atomic_store_explicit(&fail_in, (int_fast64_t)n, memory_order_relaxed);
}

uint64_t ry_mem_n_allocs(void)
{
    return atomic_load_explicit(&n_allocs, memory_order_relaxed);
}

int64_t ry_mem_n_live(void)
{
    return atomic_load_explicit(&n_live, memory_order_relaxed);
}

void ry_mem_guard_begin(void)
{
    guard_depth++;
}

void ry_mem_guard_end(void)
{
    guard_depth--;
}
