/* The cache in front of sqlite: against a naive model, its pins, its limits, and under threads. */
#include "ryot_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "src/base/mem.h"
#include "store/cache.h"
#include "store/hist.h"

static uint64_t rng_state;

static uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

static void seed_rng(uint64_t fallback)
{
    const char *given = getenv("RYOT_SEED");
    rng_state = given ? strtoull(given, NULL, 0) | 1 : fallback;
    printf("seed %llu (RYOT_SEED repeats it)\n", (unsigned long long)rng_state);
}

static bool insert(ry_cache *cache, uint64_t key, const void *data, size_t size)
{
    return ry_cache_insert(cache, key, &(struct ry_cache_piece){data, size}, 1);
}

/* ---- the model: an array in order of use, newest first ---- */

enum { MODEL_MAX = 256 };

struct model {
    struct {
        uint64_t key;
        size_t size;
        unsigned char fill;
    } items[MODEL_MAX];
    size_t n, bytes, bytes_max, n_max;
};

static size_t model_find(const struct model *m, uint64_t key)
{
    size_t i = 0;
    while (i < m->n && m->items[i].key != key)
        i++;
    return i;
}

static void model_drop(struct model *m, size_t i)
{
    m->bytes -= m->items[i].size;
    memmove(&m->items[i], &m->items[i + 1], (m->n - i - 1) * sizeof m->items[0]);
    m->n--;
}

static void model_front(struct model *m, uint64_t key, size_t size, unsigned char fill)
{
    memmove(&m->items[1], &m->items[0], m->n * sizeof m->items[0]);
    m->items[0].key = key;
    m->items[0].size = size;
    m->items[0].fill = fill;
    m->n++;
    m->bytes += size;
}

static void model_insert(struct model *m, uint64_t key, size_t size, unsigned char fill)
{
    size_t i = model_find(m, key);
    if (i < m->n)
        model_drop(m, i);
    if (size > m->bytes_max)
        return;
    while (m->n == m->n_max || m->bytes + size > m->bytes_max)
        model_drop(m, m->n - 1);
    model_front(m, key, size, fill);
}

static void compare_get(ry_cache *cache, struct model *m, uint64_t key)
{
    struct ry_cache_ref ref = {0};
    size_t i = model_find(m, key);
    ck_assert_int_eq(ry_cache_get(cache, key, &ref), i < m->n);
    if (i == m->n)
        return;
    ck_assert_uint_eq(ref.size, m->items[i].size);
    const unsigned char *data = ref.data;
    for (size_t j = 0; j < ref.size; j++)
        ck_assert_uint_eq(data[j], m->items[i].fill);
    size_t size = m->items[i].size;
    unsigned char fill = m->items[i].fill;
    model_drop(m, i);
    model_front(m, key, size, fill);
    ry_cache_put(cache, &ref);
    ck_assert_ptr_null(ref.data);
}

static void run_against_model(bool plain)
{
    unsigned char buf[600];
    struct model m = {.bytes_max = 8000, .n_max = 40};
    int64_t live = ry_mem_n_live();
    ry_cache *cache = ry_cache_new(&(struct ry_cache_options){
        .capacity_bytes = m.bytes_max, .n_shards = 1, .n_lines = 40, .plain = plain});
    ck_assert_ptr_nonnull(cache);
    for (int step = 0; step < 60000; step++) {
        uint64_t key = rng() % 90;
        unsigned what = (unsigned)(rng() % 100);
        if (what < 50) {
            compare_get(cache, &m, key);
        } else if (what < 95) {
            size_t size = rng() % 50 ? rng() % sizeof buf : 9000;
            unsigned char fill = (unsigned char)rng();
            memset(buf, fill, sizeof buf);
            if (size == 9000)
                ck_assert(!ry_cache_insert(
                    cache, key, (struct ry_cache_piece[]){{buf, 600}, {NULL, 0}, {buf, 8400}}, 3));
            else
                ck_assert(insert(cache, key, buf, size));
            model_insert(&m, key, size, fill);
        } else if (what < 99) {
            size_t i = model_find(&m, key);
            ck_assert_int_eq(ry_cache_remove(cache, key), i < m.n);
            if (i < m.n)
                model_drop(&m, i);
        } else if (step % 7 == 0) {
            ry_cache_clear(cache);
            m.n = m.bytes = 0;
        }
        struct ry_cache_stats stats;
        ry_cache_get_stats(cache, &stats);
        ck_assert_uint_eq(stats.lines_used, m.n);
        ck_assert_uint_eq(stats.bytes_used, m.bytes);
        ck_assert_uint_eq(stats.pinned, 0);
    }
    ry_cache_free(cache);
    ck_assert_int_eq(ry_mem_n_live(), live);
}

START_TEST(lru_does_what_the_naive_model_does)
{
    seed_rng(88172645463325252ULL + (uint64_t)_i);
    run_against_model(_i == 1);
}
END_TEST

START_TEST(a_pin_keeps_the_bytes_through_replace_remove_and_clear)
{
    ry_cache *cache =
        ry_cache_new(&(struct ry_cache_options){.capacity_bytes = 4096, .n_shards = 1});
    struct ry_cache_ref first = {0}, second = {0}, again = {0};
    ck_assert(insert(cache, 7, "old text", 9));
    ck_assert(ry_cache_get(cache, 7, &first));
    ck_assert(insert(cache, 7, "new text", 9));
    ck_assert_str_eq(first.data, "old text");
    ck_assert(ry_cache_get(cache, 7, &second));
    ck_assert_str_eq(second.data, "new text");
    ck_assert(ry_cache_remove(cache, 7));
    ck_assert(!ry_cache_get(cache, 7, &again));
    ck_assert_str_eq(second.data, "new text");
    ck_assert(insert(cache, 8, "other", 6));
    ck_assert(ry_cache_get(cache, 8, &again));
    ry_cache_clear(cache);
    ck_assert_str_eq(again.data, "other");
    struct ry_cache_stats stats;
    ry_cache_get_stats(cache, &stats);
    ck_assert_uint_eq(stats.pinned, 3);
    ck_assert_uint_eq(stats.lines_used, 3);
    ry_cache_put(cache, &first);
    ry_cache_put(cache, &second);
    ry_cache_put(cache, &again);
    ry_cache_put(cache, &again); /* a cleared ref is accepted */
    ry_cache_get_stats(cache, &stats);
    ck_assert_uint_eq(stats.pinned, 0);
    ck_assert_uint_eq(stats.lines_used, 0);
    ck_assert_uint_eq(stats.bytes_used, 0);
    ry_cache_free(cache);
}
END_TEST

START_TEST(pinned_entries_are_not_evicted_and_refuse_when_nothing_else_is_left)
{
    char block[100] = {0};
    struct ry_cache_ref refs[10];
    ry_cache *cache =
        ry_cache_new(&(struct ry_cache_options){.capacity_bytes = 1000, .n_shards = 1});
    for (uint64_t k = 0; k < 10; k++)
        ck_assert(insert(cache, k, block, sizeof block));
    for (uint64_t k = 0; k < 10; k++)
        ck_assert(ry_cache_get(cache, k, &refs[k]));
    ck_assert(!insert(cache, 99, block, sizeof block));
    ry_cache_put(cache, &refs[4]);
    ck_assert(insert(cache, 99, block, sizeof block));
    struct ry_cache_ref ref = {0};
    ck_assert_msg(!ry_cache_get(cache, 4, &ref), "the only unpinned entry makes room");
    struct ry_cache_stats stats;
    ry_cache_get_stats(cache, &stats);
    ck_assert_uint_eq(stats.refused, 1);
    ck_assert_uint_eq(stats.evictions, 1);
    ck_assert_uint_eq(stats.pinned, 9);
    for (uint64_t k = 0; k < 10; k++)
        if (k != 4)
            ry_cache_put(cache, &refs[k]);
    ry_cache_free(cache);
}
END_TEST

START_TEST(a_failed_allocation_never_leaves_an_old_entry)
{
    ry_cache *cache = ry_cache_new(NULL);
    ck_assert(insert(cache, 1, "one", 4));
    ry_mem_fail_nth(1, false);
    ck_assert(!insert(cache, 1, "two", 4));
    ry_mem_fail_nth(0, false);
    struct ry_cache_ref ref = {0};
    ck_assert(!ry_cache_get(cache, 1, &ref));
    ry_cache_free(cache);

    int64_t live = ry_mem_n_live();
    for (uint64_t n = 1; n < 60; n++) {
        ry_mem_fail_nth(n, false);
        cache = ry_cache_new(&(struct ry_cache_options){.capacity_bytes = 4 << 20, .n_shards = 16});
        ry_mem_fail_nth(0, false);
        ck_assert_int_eq(cache != NULL, n > 34); /* itself, the shards, two blocks for each of 16 */
        ry_cache_free(cache);
        ck_assert_int_eq(ry_mem_n_live(), live);
    }
}
END_TEST

/* ---- threads ---- */

enum { N_READERS = 8, N_KEYS = 400, N_READS = 20000, N_WRITES = 20000 };

struct shared {
    ry_cache *cache;
    _Atomic uint64_t n_hits, n_torn;
};

/* Every payload is its length in equal bytes: a torn or freed one shows. */
static void *reader(void *arg)
{
    struct shared *s = arg;
    uint64_t x = (uint64_t)(uintptr_t)&x | 1, hits = 0, torn = 0;
    for (int i = 0; i < N_READS; i++) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        struct ry_cache_ref ref = {0};
        if (!ry_cache_get(s->cache, (x >> 33) % N_KEYS, &ref))
            continue;
        const unsigned char *p = ref.data;
        for (size_t j = 1; j < ref.size; j++)
            torn += p[j] != p[0];
        hits++;
        ry_cache_put(s->cache, &ref);
    }
    atomic_fetch_add_explicit(&s->n_hits, hits, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->n_torn, torn, memory_order_relaxed);
    return NULL;
}

static void *writer(void *arg)
{
    struct shared *s = arg;
    unsigned char buf[512];
    uint64_t x = 99;
    for (int i = 0; i < N_WRITES; i++) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        uint64_t key = (x >> 33) % N_KEYS;
        memset(buf, (int)(x >> 50), sizeof buf);
        if (i % 16 == 0)
            ry_cache_remove(s->cache, key);
        else
            insert(s->cache, key, buf, 1 + (x >> 40) % sizeof buf);
        if (i % 5000 == 4999)
            ry_cache_clear(s->cache);
    }
    return NULL;
}

START_TEST(readers_and_a_writer_see_whole_payloads)
{
    pthread_t threads[N_READERS + 1];
    struct shared s = {.cache = ry_cache_new(&(struct ry_cache_options){
                           .capacity_bytes = 64 << 10, .n_shards = 4, .plain = _i == 1})};
    for (int i = 0; i < N_READERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, reader, &s), 0);
    ck_assert_int_eq(pthread_create(&threads[N_READERS], NULL, writer, &s), 0);
    for (int i = 0; i <= N_READERS; i++)
        pthread_join(threads[i], NULL);
    struct ry_cache_stats stats;
    ry_cache_get_stats(s.cache, &stats);
    ck_assert_uint_eq(atomic_load(&s.n_torn), 0);
    ck_assert_uint_eq(stats.hits, atomic_load(&s.n_hits));
    ck_assert_uint_eq(stats.hits + stats.misses, (uint64_t)N_READERS * N_READS);
    ck_assert_uint_eq(stats.pinned, 0);
    ck_assert_uint_le(stats.bytes_used, stats.bytes_max);
    ry_cache_free(s.cache);
}
END_TEST

/* ---- the histogram ---- */

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

START_TEST(quantiles_are_within_an_eighth_above_the_sorted_truth)
{
    enum { N = 20000 };
    static uint64_t all[N];
    struct ry_hist parts[2] = {0};
    seed_rng(4711);
    ck_assert_double_eq(ry_hist_quantile_us(&parts[0], 0.5), 0.0);
    for (int i = 0; i < N; i++) {
        all[i] = rng() >> (rng() % 40 + 24);
        ry_hist_add(&parts[i % 2], all[i]);
    }
    ry_hist_merge(&parts[0], &parts[1]);
    qsort(all, N, sizeof all[0], compare_u64);
    ck_assert_uint_eq(parts[0].n, N);
    static const double shares[] = {0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        double truth = (double)all[(size_t)(shares[i] * N) - 1] / 1000.0;
        double told = ry_hist_quantile_us(&parts[0], shares[i]);
        ck_assert_msg(told >= truth && told <= truth * 1.126 + 1e-9, "share %g: told %g, is %g",
                      shares[i], told, truth);
    }
    ry_hist_add(&parts[0], UINT64_MAX);
    ck_assert_double_eq(ry_hist_quantile_us(&parts[0], 1.0), (double)UINT64_MAX / 1000.0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cache");
    TCase *tc = tcase_create("cache");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, lru_does_what_the_naive_model_does, 0, 2);
    tcase_add_test(tc, a_pin_keeps_the_bytes_through_replace_remove_and_clear);
    tcase_add_test(tc, pinned_entries_are_not_evicted_and_refuse_when_nothing_else_is_left);
    tcase_add_test(tc, a_failed_allocation_never_leaves_an_old_entry);
    tcase_add_loop_test(tc, readers_and_a_writer_see_whole_payloads, 0, 2);
    tcase_add_test(tc, quantiles_are_within_an_eighth_above_the_sorted_truth);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
