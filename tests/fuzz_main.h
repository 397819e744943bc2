/* A main for fuzz targets built without libFuzzer, so that the test command exercises them with any compiler.
 *
 *   target FILE...   replays files
 *   target           RYOT_FUZZ_RUNS mutations (default: the caller's) of its seeds under RYOT_FUZZ_SEED (default: the
 *                    clock), which is printed, so that a crash can be made again
 *
 * A mutation changes, copies, drops or inserts some bytes, or puts a number that parsers fear. One thread. */
#ifndef RYOT_TESTS_FUZZ_MAIN_H
#define RYOT_TESTS_FUZZ_MAIN_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"

/* The target itself, as libFuzzer calls it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fills *out (empty) with seed number i; false when there is none. */
typedef bool (*ry_fuzz_seed_fn)(size_t i, ry_buf *out);

int ry_fuzz_main(int argc, char **argv, ry_fuzz_seed_fn seed, uint64_t n_runs);

#endif
