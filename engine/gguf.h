/* GGUF v2 and v3, syntax only: a bounded cursor over untrusted bytes.
 *
 * What a file holds is checked here as far as syntax goes (lengths, types, overlaps, alignment, duplicates,
 * UTF-8); what it means for a model is checked in model.c. Strings and arrays are borrowed from the image.
 * const after parse: any thread. */
#ifndef RYOT_ENGINE_GGUF_H
#define RYOT_ENGINE_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/quant.h"
#include "src/base/buf.h"
#include "src/base/err.h"

enum ry_gguf_type {
    RY_GGUF_U8,
    RY_GGUF_I8,
    RY_GGUF_U16,
    RY_GGUF_I16,
    RY_GGUF_U32,
    RY_GGUF_I32,
    RY_GGUF_F32,
    RY_GGUF_BOOL,
    RY_GGUF_STRING,
    RY_GGUF_ARRAY,
    RY_GGUF_U64,
    RY_GGUF_I64,
    RY_GGUF_F64,
    RY_GGUF_TYPE_COUNT
};

struct ry_str {
    const char *s; /* not NUL-terminated */
    size_t len;
};

struct ry_gguf_kv {
    struct ry_str key;
    enum ry_gguf_type type, elem; /* elem: of an array */
    uint64_t count;               /* of an array; 1 otherwise */
    const uint8_t *data; /* first byte of the value (scalar, string length, or first element) */
    uint64_t data_bytes;
    uint64_t offset; /* in the file, for messages */
};

struct ry_gguf_tensor {
    struct ry_str name;
    uint32_t n_dims;
    uint64_t ne[4];  /* ne[0] runs fastest; missing ones are 1 */
    enum ry_fmt fmt; /* RY_FMT_COUNT: unknown, in a file opened for its tokenizer only */
    uint64_t n_bytes;
    const uint8_t *data; /* NULL in a file opened for its tokenizer only whose data is absent */
    uint64_t offset;     /* in the file */
};

typedef struct ry_gguf ry_gguf;

/* Maps a file read-only (regular files only; FIFO, device, directory, symlink loop refused), parses and checks it.
 * header_only: tensor data may be missing or of unknown formats (tokenizer-only use). RY_ERR_MODEL with file,
 * offset, field, value and limit. *out owned by the caller. */
ry_rc ry_gguf_open(ry_gguf **out, const char *path, bool header_only, ry_err *err);

/* The same over bytes in memory (at a multiple of 8), borrowed until close; `name` is for messages. The fuzz
 * target's door, and the built-in model's. */
ry_rc ry_gguf_parse(ry_gguf **out, const char *name, const void *image, size_t len,
                    bool header_only, ry_err *err);

void ry_gguf_close(ry_gguf *gguf);

uint32_t ry_gguf_version(const ry_gguf *gguf);
uint64_t ry_gguf_file_bytes(const ry_gguf *gguf);
const char *ry_gguf_name(const ry_gguf *gguf);
/* Content identity: xxh64-like hash over header, keys, tensor directory and file size. */
uint64_t ry_gguf_fingerprint(const ry_gguf *gguf);

size_t ry_gguf_n_kv(const ry_gguf *gguf);
const struct ry_gguf_kv *ry_gguf_kv_at(const ry_gguf *gguf, size_t i);
const struct ry_gguf_kv *ry_gguf_find(const ry_gguf *gguf, const char *key); /* NULL when absent */
size_t ry_gguf_n_tensors(const ry_gguf *gguf);
const struct ry_gguf_tensor *ry_gguf_tensor_at(const ry_gguf *gguf, size_t i);
const struct ry_gguf_tensor *ry_gguf_find_tensor(const ry_gguf *gguf, const char *name);

/* Typed reads. Absent: RY_ERR_NOT_FOUND, *out untouched, err untouched. Present with another type or out of range:
 * RY_ERR_MODEL with the key's name, type and offset. get_u32 accepts any integer type that fits; get_f32 accepts
 * f32 and f64; get_bool bool only. */
ry_rc ry_gguf_get_u32(const ry_gguf *gguf, const char *key, uint32_t *out, ry_err *err);
ry_rc ry_gguf_get_f32(const ry_gguf *gguf, const char *key, float *out, ry_err *err);
ry_rc ry_gguf_get_bool(const ry_gguf *gguf, const char *key, bool *out, ry_err *err);
ry_rc ry_gguf_get_str(const ry_gguf *gguf, const char *key, struct ry_str *out, ry_err *err);

/* An array of a given element type; *kv on success. */
ry_rc ry_gguf_get_array(const ry_gguf *gguf, const char *key, enum ry_gguf_type elem,
                        const struct ry_gguf_kv **kv, ry_err *err);

/* Fills out[count] with the strings of a string array (borrowed from the image). */
ry_rc ry_gguf_array_strings(const ry_gguf *gguf, const struct ry_gguf_kv *kv, struct ry_str *out,
                            ry_err *err);

const char *ry_gguf_type_name(enum ry_gguf_type type);

/* An integer of any width at p; false when the type is none. u64 beyond 2^63 - 1 gives 2^63 - 1. */
bool ry_gguf_load_int(enum ry_gguf_type type, const uint8_t *p, int64_t *out);

/* Fills *err with "FILE: offset N: ..." (without the offset for RY_GGUF_NO_OFFSET) and returns RY_ERR_MODEL. Long
 * paths are shortened from the left, so that the reason is never cut off. */
#define RY_GGUF_NO_OFFSET UINT64_MAX
ry_rc ry_gguf_fail(const ry_gguf *gguf, uint64_t offset, ry_err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* At most 80 bytes of an untrusted name for a message, cut between code points; returns buf. */
enum { RY_GGUF_QUOTE_BYTES = 96 };
const char *ry_gguf_quote(struct ry_str s, char buf[RY_GGUF_QUOTE_BYTES]);

/* Whether a mapped file was truncated under us: reads behind its new end gave zeros instead of SIGBUS (the guard is
 * installed once per process, chained to the handler before). Ask after each evaluation. */
bool ry_gguf_faulted(const ry_gguf *gguf);

#endif
