/* Models of well-known shapes with random weights, made in memory: so that anyone can measure a big model's speed
 * without its file.
 *
 * What comes out is the image of a GGUF file, the same bytes for the same word on every machine, without a tokenizer;
 * it is opened by the same code as a file. Weights are drawn so that a matrix keeps the size of what it multiplies, and
 * logits stay finite. The opening thread, with a team for the weights. */
#ifndef RYOT_ENGINE_SHAPE_H
#define RYOT_ENGINE_SHAPE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/quant.h"
#include "src/base/err.h"

/* Pages of our own, of the size that a file's would have. */
struct ry_shape_image {
    void *map; /* owned; NULL: none */
    size_t n_bytes;
};

struct ry_shape_options {
    const char *word; /* NAME[:FORMAT[/HEAD]], names of formats in any case */
    int n_threads;
    const atomic_bool *cancel; /* may be NULL */
};

/* RY_ERR_USAGE with what there is for an unknown name or format and for a format whose blocks do not fit the rows;
 * RY_ERR_MEMORY with the numbers; RY_ERR_CANCELLED. */
ry_rc ry_shape_make(struct ry_shape_image *out, const struct ry_shape_options *options,
                    ry_err *err);
void ry_shape_done(struct ry_shape_image *image); /* accepts a zeroed one */

/* How the random weights of one matrix look in its format (shape_fill.c). */
struct ry_fill {
    enum ry_fmt fmt;
    uint64_t keep, set; /* of every eight random bytes: the bits that stay, those that are put */
    uint16_t d, m;      /* bit patterns of a block's scale and minimum */
    float scale;        /* of the whole tensor, where the format keeps it there */
};

/* Weights of mean 0 (about) and standard deviation 1 / sqrt(n_cols). */
struct ry_fill ry_fill_of(enum ry_fmt fmt, uint64_t n_cols);

/* Writes n_blocks whole blocks at dst; the same for the same seed. Any thread. */
void ry_fill_blocks(const struct ry_fill *fill, uint8_t *dst, size_t n_blocks, uint64_t seed);

#endif
