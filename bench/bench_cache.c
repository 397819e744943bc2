/* The cache in front of sqlite, measured: hit rate and latency under readers and one writer.
 *
 *   bench_cache [--json] [--readers N] [--reads N] [--keys N]
 *
 * Trace: Zipf(0.99) over the keys, texts of 512 bytes, room for a tenth of them. A reader that
 * misses inserts (the text is at hand: what sqlite costs is the row "sqlite"). The writer
 * replaces texts without pause.
 *   aligned  shards, lines of 64 bytes on lines of the CPU's cache
 *   plain    one lock, lines that straddle two
 *   sqlite   a prepared SELECT by id, one connection a thread, everything in its page cache,
 *            and no writer beside it
 * "belady" is the best hit rate that any policy could have with this room, from the same trace. */
#include <math.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/mem.h"
#include "store/cache.h"
#include "store/hist.h"

enum { TEXT_BYTES = 512, READERS_MAX = 64, TRACES = 16 };

static struct {
    int n_readers;
    size_t n_reads; /* of each reader */
    uint32_t n_keys;
    bool json;
} opt = {8, 100000, 20000, false};

static uint32_t *trace; /* [TRACES * n_reads]: reader r follows trace r % TRACES */
static unsigned char text[TEXT_BYTES];

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return *state >> 11;
}

/* Zipf(0.99) by the inverse of the cumulative weights; ranks are spread over the keys. */
static bool make_traces(void)
{
    double *cumulative = ry_mem_alloc(opt.n_keys, sizeof *cumulative);
    trace = ry_mem_alloc(TRACES * opt.n_reads, sizeof *trace);
    if (!cumulative || !trace)
        return false;
    double sum = 0.0;
    for (uint32_t i = 0; i < opt.n_keys; i++)
        cumulative[i] = sum += pow((double)i + 1.0, -0.99);
    uint64_t state = 20240607;
    for (size_t i = 0; i < TRACES * opt.n_reads; i++) {
        double u = (double)next_random(&state) / (double)(UINT64_C(1) << 53) * sum;
        uint32_t low = 0, high = opt.n_keys - 1;
        while (low < high) {
            uint32_t mid = low + (high - low) / 2;
            if (cumulative[mid] < u)
                low = mid + 1;
            else
                high = mid;
        }
        trace[i] = (uint32_t)((uint64_t)low * 2654435761u % opt.n_keys);
    }
    ry_mem_free(cumulative);
    return true;
}

/* ---- Bélády's best, for one reader's trace ---- */

struct next_use {
    size_t at;
    uint32_t key;
};

static void sift_down(struct next_use *heap, size_t n, size_t i)
{
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= n)
            return;
        if (c + 1 < n && heap[c + 1].at > heap[c].at)
            c++;
        if (heap[i].at >= heap[c].at)
            return;
        struct next_use swap = heap[i];
        heap[i] = heap[c];
        heap[c] = swap;
        i = c;
    }
}

/* Evicts what is used again last, from a heap whose outdated tops are skipped. */
static double belady(const uint32_t *keys, size_t n, size_t room)
{
    size_t *next = ry_mem_alloc(n, sizeof *next), *last = ry_mem_alloc(opt.n_keys, sizeof *last);
    size_t *due =
        ry_mem_zalloc(opt.n_keys, sizeof *due); /* next use of what is inside, 0: outside */
    struct next_use *heap = ry_mem_alloc(n, sizeof *heap);
    size_t n_heap = 0, inside = 0, hits = 0;
    if (!next || !last || !due || !heap)
        return NAN;
    for (uint32_t k = 0; k < opt.n_keys; k++)
        last[k] = n + 1;
    for (size_t i = n; i-- > 0;) {
        next[i] = last[keys[i]];
        last[keys[i]] = i + 1;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t k = keys[i];
        if (due[k]) {
            hits++;
        } else if (inside == room) {
            while (due[heap[0].key] != heap[0].at) {
                heap[0] = heap[--n_heap];
                sift_down(heap, n_heap, 0);
            }
            due[heap[0].key] = 0;
        } else {
            inside++;
        }
        due[k] = next[i] ? next[i] : n + 1;
        size_t at = n_heap++;
        while (at > 0 && heap[(at - 1) / 2].at < due[k]) {
            heap[at] = heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        heap[at] = (struct next_use){due[k], k};
    }
    ry_mem_free(next);
    ry_mem_free(last);
    ry_mem_free(due);
    ry_mem_free(heap);
    return (double)hits / (double)n;
}

/* ---- the runs ---- */

struct reader {
    const uint32_t *keys;
    ry_cache *cache;
    const char *db_path; /* with sqlite */
    struct ry_hist hot;
    uint64_t n_hits, check;
    pthread_barrier_t *start;
};

static void *read_cache(void *arg)
{
    struct reader *r = arg;
    unsigned char copy[TEXT_BYTES];
    pthread_barrier_wait(r->start);
    for (size_t i = 0; i < opt.n_reads; i++) {
        struct ry_cache_ref ref;
        uint64_t t = ry_clock_ns();
        if (ry_cache_get(r->cache, r->keys[i], &ref)) {
            memcpy(copy, ref.data, ref.size);
            ry_cache_put(r->cache, &ref);
            ry_hist_add(&r->hot, ry_clock_ns() - t);
            r->n_hits++;
            r->check += copy[i % TEXT_BYTES];
        } else {
            ry_cache_insert(r->cache, r->keys[i], &(struct ry_cache_piece){text, TEXT_BYTES}, 1);
        }
    }
    return NULL;
}

static void *read_sqlite(void *arg)
{
    struct reader *r = arg;
    sqlite3 *h = NULL;
    sqlite3_stmt *stmt = NULL;
    bool ok =
        sqlite3_open_v2(r->db_path, &h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == 0 &&
        sqlite3_exec(h, "PRAGMA cache_size = -65536", NULL, NULL, NULL) == 0 &&
        sqlite3_prepare_v2(h, "SELECT text FROM t WHERE id = ?1", -1, &stmt, NULL) == 0;
    unsigned char copy[TEXT_BYTES];
    pthread_barrier_wait(r->start);
    for (size_t i = 0; ok && i < opt.n_reads; i++) {
        uint64_t t = ry_clock_ns();
        sqlite3_bind_int64(stmt, 1, r->keys[i]);
        ok = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == TEXT_BYTES;
        if (ok) {
            memcpy(copy, sqlite3_column_blob(stmt, 0), TEXT_BYTES);
            r->check += copy[i % TEXT_BYTES];
        }
        sqlite3_reset(stmt);
        ry_hist_add(&r->hot, ry_clock_ns() - t);
        r->n_hits += ok;
    }
    sqlite3_finalize(stmt);
    sqlite3_close(h);
    return NULL;
}

struct writer {
    ry_cache *cache;
    _Atomic bool stop;
    uint64_t n_writes;
};

static void *write_cache(void *arg)
{
    struct writer *w = arg;
    uint64_t state = 7;
    while (!w->stop) {
        ry_cache_insert(w->cache, next_random(&state) % opt.n_keys,
                        &(struct ry_cache_piece){text, TEXT_BYTES}, 1);
        w->n_writes++;
        struct timespec pause = {.tv_nsec = 50000};
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void report(const char *name, const struct reader *readers, double seconds, double best)
{
    struct ry_hist all = {0};
    uint64_t hits = 0;
    for (int i = 0; i < opt.n_readers; i++) {
        ry_hist_merge(&all, &readers[i].hot);
        hits += readers[i].n_hits;
    }
    double n = (double)opt.n_reads * opt.n_readers;
    double rate = n / seconds / 1e6;
    if (opt.json)
        printf("{\"bench\":\"cache\",\"variant\":\"%s\",\"trace\":\"zipf0.99\",\"keys\":%u,"
               "\"room\":0.1,\"readers\":%d,\"reads\":%.0f,\"hit_rate\":%.4f,\"belady\":%.4f,"
               "\"hot_p50_us\":%.3f,\"hot_p99_us\":%.3f,\"hot_p999_us\":%.3f,\"mreads_s\":%.3f}\n",
               name, opt.n_keys, opt.n_readers, n, (double)hits / n, best,
               ry_hist_quantile_us(&all, 0.5), ry_hist_quantile_us(&all, 0.99),
               ry_hist_quantile_us(&all, 0.999), rate);
    else
        printf("%-9s %7d %8.2f %% %8.2f %% %9.2f %9.2f %9.2f %10.2f\n", name, opt.n_readers,
               100.0 * (double)hits / n, 100.0 * best, ry_hist_quantile_us(&all, 0.5),
               ry_hist_quantile_us(&all, 0.99), ry_hist_quantile_us(&all, 0.999), rate);
}

/* Runs all readers, and the writer beside them when there is a cache. False when a thread
 * failed. */
static bool run(const char *name, ry_cache *cache, const char *db_path, double best)
{
    static struct reader readers[READERS_MAX];
    pthread_t threads[READERS_MAX], writing;
    pthread_barrier_t start;
    struct writer w = {.cache = cache};
    pthread_barrier_init(&start, NULL, (unsigned)opt.n_readers + 1);
    for (int i = 0; i < opt.n_readers; i++) {
        readers[i] = (struct reader){.keys = trace + (size_t)(i % TRACES) * opt.n_reads,
                                     .cache = cache,
                                     .db_path = db_path,
                                     .start = &start};
        if (pthread_create(&threads[i], NULL, cache ? read_cache : read_sqlite, &readers[i]) != 0)
            return false;
    }
    if (cache && pthread_create(&writing, NULL, write_cache, &w) != 0)
        return false;
    pthread_barrier_wait(&start);
    uint64_t t = ry_clock_ns();
    for (int i = 0; i < opt.n_readers; i++)
        pthread_join(threads[i], NULL);
    double seconds = (double)(ry_clock_ns() - t) / 1e9;
    w.stop = true;
    if (cache)
        pthread_join(writing, NULL);
    pthread_barrier_destroy(&start);
    report(name, readers, seconds, cache ? best : 1.0);
    return true;
}

static bool run_cache(const char *name, bool plain, double best)
{
    ry_cache *cache = ry_cache_new(&(struct ry_cache_options){
        .capacity_bytes = (size_t)opt.n_keys / 10 * TEXT_BYTES, .n_shards = 16, .plain = plain});
    bool ok = cache && run(name, cache, NULL, best);
    ry_cache_free(cache);
    return ok;
}

static bool run_sqlite(void)
{
    char path[64];
    snprintf(path, sizeof path, "bench_cache.%ld.db", (long)getpid());
    sqlite3 *h = NULL;
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_open(path, &h) == 0 &&
              sqlite3_exec(h,
                           "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
                           "CREATE TABLE t(id INTEGER PRIMARY KEY, text BLOB); BEGIN",
                           NULL, NULL, NULL) == 0 &&
              sqlite3_prepare_v2(h, "INSERT INTO t VALUES(?1, ?2)", -1, &stmt, NULL) == 0;
    for (uint32_t k = 0; ok && k < opt.n_keys; k++) {
        sqlite3_bind_int64(stmt, 1, k);
        sqlite3_bind_blob(stmt, 2, text, TEXT_BYTES, SQLITE_STATIC);
        ok = sqlite3_step(stmt) == SQLITE_DONE;
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    ok = ok && sqlite3_exec(h, "COMMIT", NULL, NULL, NULL) == 0 && run("sqlite", NULL, path, 1.0);
    sqlite3_close(h);
    unlink(path);
    return ok;
}

static bool parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        long value = i + 1 < argc ? atol(argv[i + 1]) : 0;
        if (strcmp(argv[i], "--json") == 0)
            opt.json = true;
        else if (strcmp(argv[i], "--readers") == 0 && value > 0 && value <= READERS_MAX)
            opt.n_readers = (int)value, i++;
        else if (strcmp(argv[i], "--reads") == 0 && value > 0 && value <= 10000000)
            opt.n_reads = (size_t)value, i++;
        else if (strcmp(argv[i], "--keys") == 0 && value >= 100 && value <= 10000000)
            opt.n_keys = (uint32_t)value, i++;
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    if (!parse(argc, argv)) {
        fprintf(stderr, "usage: bench_cache [--json] [--readers 1..64] [--reads N] [--keys N]\n");
        return 2;
    }
    if (!make_traces()) {
        fprintf(stderr, "bench_cache: out of memory\n");
        return 1;
    }
    double best = belady(trace, opt.n_reads, opt.n_keys / 10);
    if (!opt.json)
        printf("Zipf(0.99), %u keys of %d bytes, room for a tenth, one writer beside the readers\n"
               "%-9s %7s %10s %10s %9s %9s %9s %10s\n",
               opt.n_keys, TEXT_BYTES, "variant", "readers", "hit rate", "belady", "p50 us",
               "p99 us", "p99.9 us", "Mreads/s");
    bool ok = run_cache("aligned", false, best) && run_cache("plain", true, best) && run_sqlite();
    ry_mem_free(trace);
    return ok ? 0 : 1;
}
