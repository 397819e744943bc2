/* Streaming reads: each thread sums its own part of one buffer, again and again; a pass is timed
 * from a common start to the last one's end, so that threads which idle count against it. */
#include "src/cmd/bandwidth.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/engine.h"
#include "src/app/read_limit.h"
#include "src/base/clock.h"

enum { MAX_PASSES = 12 };
static const uint64_t least_bytes = UINT64_C(256) << 20, most_bytes = UINT64_C(1) << 30;
static const uint64_t budget_ns = 400000000u;

/* Where the threads of a pass meet. Each adds itself to `arrived` and spins until all have
 * (acquire/release: a pass begins after the last one ended everywhere); `abort` lets them go
 * when one could not be started. */
struct gate {
    atomic_int arrived;
    atomic_bool abort;
    int n_threads;
};

struct part {
    pthread_t thread;
    struct gate *gate;
    const uint64_t *words;
    size_t n_words;
    uint64_t sum;                /* keeps the reads alive */
    uint64_t *begin_ns, *end_ns; /* [n_passes] of this thread */
    int n_passes;
};

static bool meet(struct gate *gate, int pass)
{
    atomic_fetch_add_explicit(&gate->arrived, 1, memory_order_acq_rel);
    while (atomic_load_explicit(&gate->arrived, memory_order_acquire) <
           gate->n_threads * (pass + 1)) {
        if (atomic_load_explicit(&gate->abort, memory_order_relaxed))
            return false;
        sched_yield();
    }
    return true;
}

/* 64 bytes in whatever registers the baseline has: four independent sums keep the loads ahead of the additions. */
typedef uint64_t line __attribute__((vector_size(64)));
enum { LINE_WORDS = 8, UNROLL = 4 };

static uint64_t sum_words(const uint64_t *w, size_t n)
{
    const line *at = (const line *)(const void *)w;
    line a = {0}, b = a, c = a, d = a;
    for (size_t i = 0; i + UNROLL <= n / LINE_WORDS; i += UNROLL) {
        a += at[i];
        b += at[i + 1];
        c += at[i + 2];
        d += at[i + 3];
    }
    a += b + c + d;
    uint64_t sum = 0;
    for (size_t k = 0; k < LINE_WORDS; k++)
        sum += a[k];
    return sum;
}

static void *read_part(void *arg)
{
    struct part *p = arg;
    for (int pass = 0; pass < p->n_passes && meet(p->gate, pass); pass++) {
        p->begin_ns[pass] = ry_clock_ns();
        p->sum += sum_words(p->words, p->n_words);
        p->end_ns[pass] = ry_clock_ns();
    }
    return NULL;
}

static uint64_t buffer_bytes(void)
{
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    uint64_t want = cache > 0 ? 4 * (uint64_t)cache : 0;
    if (want < least_bytes)
        want = least_bytes;
    return want < most_bytes ? want : most_bytes;
}

struct times {
    uint64_t begin_ns[RY_MAX_THREADS][MAX_PASSES], end_ns[RY_MAX_THREADS][MAX_PASSES];
};

/* The best rate of the passes, each from the first thread's begin to the last one's end. */
static double best_rate(const struct times *t, int n_threads, int n_passes, uint64_t bytes)
{
    double best = 0;
    for (int pass = 0; pass < n_passes; pass++) {
        uint64_t begin = UINT64_MAX, end = 0;
        for (int i = 0; i < n_threads; i++) {
            begin = t->begin_ns[i][pass] < begin ? t->begin_ns[i][pass] : begin;
            end = t->end_ns[i][pass] > end ? t->end_ns[i][pass] : end;
        }
        double rate = end > begin ? (double)bytes / (double)(end - begin) : 0;
        best = rate > best ? rate : best;
    }
    return best;
}

/* Runs n_passes with all threads; 0 when one could not be started. */
static double run_passes(struct part *parts, int n_threads, uint64_t bytes, int n_passes)
{
    struct times times;
    struct gate gate = {.n_threads = n_threads};
    int n_started = 1;
    for (int i = 0; i < n_threads; i++) {
        parts[i].gate = &gate;
        parts[i].begin_ns = times.begin_ns[i];
        parts[i].end_ns = times.end_ns[i];
        parts[i].n_passes = n_passes;
    }
    while (n_started < n_threads &&
           pthread_create(&parts[n_started].thread, NULL, read_part, &parts[n_started]) == 0)
        n_started++;
    if (n_started == n_threads)
        read_part(&parts[0]);
    else
        atomic_store_explicit(&gate.abort, true, memory_order_relaxed);
    for (int i = 1; i < n_started; i++)
        pthread_join(parts[i].thread, NULL);
    return n_started == n_threads ? best_rate(&times, n_threads, n_passes, bytes) : 0;
}

double ry_bandwidth_measure(int n_threads)
{
    uint64_t bytes = buffer_bytes();
    if (bytes > ry_cpu_available_memory(NULL) / 2)
        return NAN;
    uint64_t *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (words == MAP_FAILED)
        return NAN;
#ifdef MADV_HUGEPAGE
    madvise(words, bytes, MADV_HUGEPAGE); /* as big weights would lie: fewer page walks */
#endif
    memset(words, 1, bytes); /* pages of their own: unwritten ones are all the same page of zeros */
    struct part parts[RY_MAX_THREADS] = {{0}};
    size_t n_words = bytes / sizeof *words / (size_t)n_threads / 32 * 32;
    for (int i = 0; i < n_threads; i++)
        parts[i] = (struct part){.words = words + (size_t)i * n_words, .n_words = n_words};
    uint64_t used = n_words * sizeof *words * (size_t)n_threads, begin = ry_clock_ns();
    double best = run_passes(parts, n_threads, used, 1);
    uint64_t one = ry_clock_ns() - begin;
    uint64_t n = one ? budget_ns / one : MAX_PASSES;
    if (n > 0 && best > 0) {
        double more = run_passes(parts, n_threads, used, n < MAX_PASSES ? (int)n : MAX_PASSES);
        best = more > best ? more : best;
    }
    munmap(words, bytes);
    return best > 0 ? best : NAN;
}

double ry_bandwidth_measure_kept(int n_threads)
{
    struct ry_read_limit limit;
    ry_err ignored; /* the panel says less then */
    double gb_s = ry_bandwidth_measure(n_threads);
    ry_read_limit_load(&limit);
    if (gb_s > ry_read_limit_exact(&limit, n_threads)) {
        ry_read_limit_set(&limit, n_threads, gb_s);
        ry_read_limit_store(&limit, &ignored);
    }
    return gb_s;
}
