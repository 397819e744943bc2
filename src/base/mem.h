/* The only room that calls malloc: overflow-checked, aligned, counted, and able to fail on purpose.
 *
 * Thread: every function may be called from any thread. Sources of the idea: SQLite's memory fault tests. */
#ifndef RYOT_BASE_MEM_H
#define RYOT_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n * size bytes, uninitialised; NULL when out of memory or when the product overflows.
 * n * size == 0 gives a unique pointer that must be freed. Owned by the caller. */
void *ry_mem_alloc(size_t n, size_t size);

/* The same, zeroed. */
void *ry_mem_zalloc(size_t n, size_t size);

/* Resizes a block from ry_mem_alloc or ry_mem_zalloc (or NULL). On failure the old block stays valid. */
void *ry_mem_resize(void *p, size_t n, size_t size);

/* n * size zeroed bytes at a multiple of `align` (a power of two, at least sizeof(void *)).
 * Free with ry_mem_free. */
void *ry_mem_aligned(size_t align, size_t n, size_t size);

/* n_bytes of zeroed memory at a multiple of 64, for big arrays read as streams or with long strides: from 2 MiB on it
 * begins at a multiple of that and asks for huge pages. Pages are taken when first touched, by who touches them.
 * NULL when out of memory. Free with ry_mem_huge_free and the same size. */
void *ry_mem_huge(size_t n_bytes);
void ry_mem_huge_free(void *p, size_t n_bytes); /* accepts NULL */

/* Copy of a NUL-terminated string, or of `len` bytes with a NUL added. NULL when out of memory. */
char *ry_mem_strdup(const char *s);
char *ry_mem_strndup(const char *s, size_t len);

/* Accepts NULL. */
void ry_mem_free(void *p);

/* a * b and a + b into *out; false (and *out untouched) when the result does not fit. */
bool ry_mem_mul(size_t a, size_t b, size_t *out);
bool ry_mem_add(size_t a, size_t b, size_t *out);

/* Fault injection for tests: the allocation number `n` from now (1 = the next one) fails, and every later
 * one too if `sticky`. n = 0 switches it off. */
void ry_mem_fail_nth(uint64_t n, bool sticky);

/* Number of allocations made so far, and of blocks alive, in this process. */
uint64_t ry_mem_n_allocs(void);
int64_t ry_mem_n_live(void);

/* While a guard is open on this thread, an allocation is a broken promise of the token loop: debug builds
 * (without NDEBUG) abort with a message. Guards nest. */
void ry_mem_guard_begin(void);
void ry_mem_guard_end(void);

#endif
