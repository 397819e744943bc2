/* Row-interleaved copies of weight matrices, made at load (layouts in kern/x16.h).
 *
 * A file's rows lie one behind the other; kernels that keep 16 rows in the lanes of a register want them side by side.
 * The copy lives in anonymous memory at a multiple of 2 MiB, huge pages asked for, and is first touched by the threads
 * that will read it. Every product has the same bits with the copy and without. */
#ifndef RYOT_ENGINE_REPACK_H
#define RYOT_ENGINE_REPACK_H

#include <stdatomic.h>

#include "engine/model.h"

/* Bytes of the copy of a matrix; 0 when there is no layout for it: floats, ternary blocks of unlike scales. */
size_t ry_repack_bytes(const struct ry_wmat *src);

/* The matrix whose copy stands at data (64-aligned, ry_repack_bytes long). */
struct ry_wmat ry_repack_view(const struct ry_wmat *src, void *data);

/* Writes groups g0 <= g < g1 of 16 rows of the copy at data; rows past the last become zeros. Threads split groups. */
void ry_repack_groups(void *data, const struct ry_wmat *src, size_t g0, size_t g1);

/* Writes the group of rows from row0 on: dst has room for 16 rows. One such function for each layout. */
typedef void (*ry_pack_fn)(uint8_t *dst, const struct ry_wmat *src, size_t row0);

/* That of the block formats, Q4_0 … MXFP4. */
void ry_repack_block_group(uint8_t *dst, const struct ry_wmat *src, size_t row0);

struct ry_repack_options {
    int n_threads;
    void (*progress)(void *user, double done_share); /* may be NULL; 0..1, this thread */
    void *user;
    const atomic_bool *cancel; /* may be NULL */
};

/* The copies of a whole model. const after make; any thread. */
struct ry_repacked {
    struct ry_layer *
        layers; /* [n_layer], owned: the model's, with copies in place of what has one; NULL: none made */
    struct ry_wmat output;
    uint64_t n_bytes;      /* of the copies */
    uint64_t source_bytes; /* of what they stand for */
    const char *reason;    /* why none was made; NULL when made. Static text */
    void *map;             /* owned */
    size_t map_bytes;
};

/* Whether this much memory can be taken for copies and enough is left. */
bool ry_repack_fits(size_t n_bytes);

/* Makes the copies, unless nothing has a layout or memory is short: that is no failure. RY_ERR_MEMORY, RY_ERR_CANCELLED;
 * *out is zeroed then. */
ry_rc ry_repack_model(struct ry_repacked *out, const struct ry_model *model,
                      const struct ry_repack_options *options, ry_err *err);
void ry_repack_done(struct ry_repacked *repacked); /* accepts a zeroed one */

#endif
