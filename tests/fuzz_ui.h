/* A fuzz target in two dresses: under RYOT_FUZZ libFuzzer drives it (clang, --enable-fuzz); else a
 * plain main replays the seeds and mutates them under a printed seed, so that `make check` runs it
 * everywhere. */
#ifndef RYOT_FUZZ_UI_H
#define RYOT_FUZZ_UI_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run where a promise is broken. */
#define FUZZ_ASSERT(x)                                                                             \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #x);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#ifndef RYOT_FUZZ
enum { FUZZ_ROUNDS = 3000, FUZZ_BYTES = 512 };

static inline uint64_t fuzz_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static inline size_t fuzz_mutate(uint8_t *bytes, size_t len, const char *const *seeds,
                                 size_t n_seeds, uint64_t *state)
{
    for (uint64_t n = 1 + fuzz_random(state) % 8; n > 0; n--) {
        const char *seed = seeds[fuzz_random(state) % n_seeds];
        size_t from = fuzz_random(state) % (strlen(seed) + 1), add = strlen(seed) - from;
        size_t at = fuzz_random(state) % (len + 1);
        add = add > 24 ? 24 : add;
        if (fuzz_random(state) % 2 && len + add <= FUZZ_BYTES) {
            memmove(bytes + at + add, bytes + at, len - at);
            memcpy(bytes + at, seed + from, add);
            len += add;
        } else if (at < len) {
            bytes[at] = (uint8_t)fuzz_random(state);
        }
    }
    return len;
}

#define FUZZ_MAIN(seeds)                                                                           \
    int main(void)                                                                                 \
    {                                                                                              \
        const char *given = getenv("RYOT_FUZZ_SEED");                                              \
        uint64_t state = given ? strtoull(given, NULL, 0) : 20261121;                              \
        size_t n_seeds = sizeof(seeds) / sizeof *(seeds);                                          \
        printf("seed %llu (RYOT_FUZZ_SEED)\n", (unsigned long long)state);                         \
        for (size_t i = 0; i < n_seeds; i++)                                                       \
            LLVMFuzzerTestOneInput((const uint8_t *)(seeds)[i], strlen((seeds)[i]));               \
        for (int round = 0; round < FUZZ_ROUNDS; round++) {                                        \
            uint8_t bytes[FUZZ_BYTES];                                                             \
            size_t len = 0;                                                                        \
            for (int i = 0; i < 4; i++)                                                            \
                len = fuzz_mutate(bytes, len, seeds, n_seeds, &state);                             \
            LLVMFuzzerTestOneInput(bytes, len);                                                    \
        }                                                                                          \
        return 0;                                                                                  \
    }                                                                                              \
    typedef int fuzz_main_semicolon
#else
#define FUZZ_MAIN(seeds)                                                                           \
    size_t fuzz_n_seeds(void);                                                                     \
    size_t fuzz_n_seeds(void)                                                                      \
    {                                                                                              \
        return sizeof(seeds) / sizeof *(seeds);                                                    \
    }                                                                                              \
    typedef int fuzz_main_semicolon
#endif

#endif
