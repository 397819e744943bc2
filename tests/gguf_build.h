/* A builder of GGUF images in memory, valid ones and deliberately broken ones: for tests, fuzz seeds and files that
 * the program is run on.
 *
 * Entries are kept apart until gb_image: each holds what will be *declared* (lengths, types, dimensions, offsets), so
 * that a test can make any of it lie. Memory failure and misuse abort: this is test code. One thread. */
#ifndef RYOT_TESTS_GGUF_BUILD_H
#define RYOT_TESTS_GGUF_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/gguf.h"
#include "engine/quant.h"
#include "src/base/buf.h"

enum { GB_MAX_DIMS = 8 };

struct gb_kv {
    ry_buf key;
    uint64_t key_len; /* declared */
    uint32_t type;    /* declared */
    ry_buf value;     /* bytes behind the type; an array's begin with element type and count */
};

struct gb_tensor {
    ry_buf name;
    uint64_t name_len; /* declared */
    uint32_t n_dims;
    uint64_t ne[GB_MAX_DIMS];
    uint32_t type;   /* id on disk */
    uint64_t offset; /* declared, relative to the data */
    ry_buf data;     /* laid where gb_layout put it */
    uint64_t at;     /* there */
};

struct gb {
    char magic[4];
    uint32_t version;
    uint64_t n_tensors_more, n_kv_more; /* added to the true counts, modulo 2^64 */
    uint64_t alignment;                 /* used for the layout, whatever the key declares */
    struct gb_kv *kv;
    struct gb_tensor *tensors;
    size_t n_kv, n_tensors;
};

void gb_init(struct gb *b);
void gb_done(struct gb *b);

/* Keys. Setting one that is there replaces it in place. */
struct gb_kv *gb_find_kv(struct gb *b, const char *key);
struct gb_kv *gb_set(struct gb *b, const char *key, uint32_t type, const void *bytes, size_t len);
void gb_set_u32(struct gb *b, const char *key, uint32_t v);
void gb_set_f32(struct gb *b, const char *key, float v);
void gb_set_bool(struct gb *b, const char *key, bool v);
void gb_set_str(struct gb *b, const char *key, const char *v);
void gb_set_array(struct gb *b, const char *key, enum ry_gguf_type elem, uint64_t count,
                  const void *bytes, size_t len);
void gb_set_strings(struct gb *b, const char *key, const char *const *v, size_t n);
void gb_drop_kv(struct gb *b, const char *key);
/* A second entry of the same key and value, last. */
void gb_repeat_kv(struct gb *b, const char *key);

/* Tensors. */
struct gb_tensor *gb_find_tensor(struct gb *b, const char *name);
struct gb_tensor *gb_add_tensor(struct gb *b, const char *name, uint32_t type, uint32_t n_dims,
                                const uint64_t *ne, const void *data, size_t len);
/* values[ne0 * ne1] encoded; I2_S takes its scale from the largest of them. */
struct gb_tensor *gb_add_matrix(struct gb *b, const char *name, enum ry_fmt fmt, uint64_t ne0,
                                uint64_t ne1, const float *values);
void gb_drop_tensor(struct gb *b, const char *name);
void gb_repeat_tensor(struct gb *b, const char *name);

/* Gives every tensor its place, in order, aligned; declared offsets follow. */
void gb_layout(struct gb *b);

/* Header, keys, directory, padding and data, as declared. *out is emptied first. */
void gb_image(const struct gb *b, ry_buf *out);

/* Bytes of the image before the data begins (padding included). */
uint64_t gb_data_offset(const struct gb *b);

struct gb_shape {
    const char *arch; /* a name that ryot knows */
    uint32_t n_embd, n_layer, n_head, n_head_kv, head_dim, n_ff, n_vocab, n_ctx;
    enum ry_fmt fmt, embd_fmt; /* of the layers' matrices; of embedding and head */
    bool tied;                 /* no output.weight even where the family has one */
    bool vocab;                /* with a small SPM tokenizer; n_vocab >= 320 */
    uint64_t seed;
};

/* 64 x 2 layers, 4 heads of 16 (2 for k and v), FFN 96, vocabulary 320, context 256, F32, tokenizer, seed 1. For formats
 * with blocks of 256: 256 wide, FFN 512, heads of 64. */
struct gb_shape gb_shape_default(const char *arch, enum ry_fmt fmt);

/* A whole model with random weights, laid out; the same bytes for the same shape. */
void gb_model(struct gb *b, const struct gb_shape *shape);

/* Seeds for fuzzing: a model of every architecture, and of every format, as narrow as it can be, appended to *out.
 * False when there is no seed number i. */
bool gb_seed(size_t i, ry_buf *out);

/* Uniform in [-1, 1) from a counter; the builder's source of numbers. */
float gb_random(uint64_t *state);

#endif
