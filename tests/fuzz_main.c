/* The main of fuzz targets without libFuzzer. See the header. */
#include "tests/fuzz_main.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_SEEDS = 256, MAX_EDITS = 6, MAX_CHUNK = 64 };

/* xorshift64* (Vigna 2016). */
static uint64_t next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1Du;
}

static void put_feared_number(uint8_t *p, size_t room, uint64_t *random)
{
    static const uint64_t feared[] = {0,
                                      1,
                                      4,
                                      32,
                                      255,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      UINT64_C(1) << 32,
                                      UINT64_C(1) << 61,
                                      UINT64_C(1) << 62,
                                      UINT64_C(1) << 63,
                                      UINT64_MAX,
                                      UINT64_MAX - 31};
    uint64_t v = feared[next(random) % (sizeof feared / sizeof feared[0])];
    size_t n = next(random) % 2 ? 8 : 4;
    memcpy(p, &v, n < room ? n : room);
}

/* One edit in place; returns the new length (bytes has room for MAX_CHUNK more). */
static size_t edit(uint8_t *bytes, size_t len, uint64_t *random)
{
    size_t at = next(random) % len, n = 1 + next(random) % MAX_CHUNK;
    if (n > len - at)
        n = len - at;
    switch (next(random) % 6) {
    case 0:
        bytes[at] = (uint8_t)next(random);
        return len;
    case 1:
        bytes[at] ^= (uint8_t)(1u << next(random) % 8);
        return len;
    case 2:
        put_feared_number(bytes + at, len - at, random);
        return len;
    case 3: /* another part of the input over this one */
        memmove(bytes + at, bytes + next(random) % (len - n + 1), n);
        return len;
    case 4: /* dropped */
        memmove(bytes + at, bytes + at + n, len - at - n);
        return len - n;
    default: /* doubled */
        memmove(bytes + at + n, bytes + at, len - at);
        return len + n;
    }
}

/* A copy of exactly the mutant's size, so that sanitisers see every byte read behind it. */
static void run_mutant(const ry_buf *seed, uint64_t *random)
{
    uint8_t *bytes = malloc(seed->len + (size_t)MAX_EDITS * MAX_CHUNK);
    if (!bytes)
        abort();
    memcpy(bytes, seed->data, seed->len);
    size_t len = seed->len;
    for (uint64_t i = 1 + next(random) % MAX_EDITS; i && len; i--)
        len = edit(bytes, len, random);
    if (len && next(random) % 8 == 0)
        len = next(random) % len;
    uint8_t *exact = malloc(len ? len : 1);
    if (!exact)
        abort();
    memcpy(exact, bytes, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    free(bytes);
}

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    ry_buf bytes = {0};
    char chunk[4096];
    size_t n;
    if (!f) {
        perror(path);
        return 1;
    }
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        ry_buf_add(&bytes, chunk, n);
    fclose(f);
    LLVMFuzzerTestOneInput((const uint8_t *)ry_buf_str(&bytes), bytes.len);
    ry_buf_done(&bytes);
    return 0;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

int ry_fuzz_main(int argc, char **argv, ry_fuzz_seed_fn seed, uint64_t n_runs)
{
    int bad = 0;
    for (int i = 1; i < argc; i++)
        bad |= replay(argv[i]);
    if (argc > 1)
        return bad;
    ry_buf seeds[MAX_SEEDS] = {{0}};
    size_t n_seeds = 0;
    while (n_seeds < MAX_SEEDS && seed(n_seeds, &seeds[n_seeds]))
        n_seeds++;
    uint64_t start = number_from("RYOT_FUZZ_SEED", (uint64_t)time(NULL)), random = start | 1;
    n_runs = number_from("RYOT_FUZZ_RUNS", n_runs);
    printf("%s: %zu seeds, %" PRIu64 " mutations, RYOT_FUZZ_SEED=%" PRIu64 "\n", argv[0], n_seeds,
           n_runs, start);
    fflush(stdout);
    for (size_t i = 0; i < n_seeds; i++)
        LLVMFuzzerTestOneInput((const uint8_t *)ry_buf_str(&seeds[i]), seeds[i].len);
    for (uint64_t i = 0; i < n_runs && n_seeds; i++)
        run_mutant(&seeds[next(&random) % n_seeds], &random);
    for (size_t i = 0; i < n_seeds; i++)
        ry_buf_done(&seeds[i]);
    return n_seeds ? 0 : 1;
}
