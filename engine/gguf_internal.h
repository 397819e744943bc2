/* What the gguf rooms (gguf.c, gguf_read.c, gguf_fault.c) share and nobody else sees. */
#ifndef RYOT_ENGINE_GGUF_INTERNAL_H
#define RYOT_ENGINE_GGUF_INTERNAL_H

#include "engine/gguf.h"
#include "src/base/arena.h"

/* Caps on what a header may claim, far above any real file (which has some 60 keys and 1000 tensors). */
enum {
    GGUF_MAX_KV = 1 << 16,
    GGUF_MAX_TENSORS = 1 << 17,
    GGUF_MAX_KEY_BYTES = 65535,      /* the specification's own limit */
    GGUF_MAX_TENSOR_NAME_BYTES = 63, /* readers of the format keep 64 with the NUL */
    GGUF_MAX_DIMS = 4,
    GGUF_MIN_ALIGNMENT = 8,
    GGUF_MAX_ALIGNMENT = 1 << 20,
    GGUF_DEFAULT_ALIGNMENT = 32
};

/* One entry of a name index: sorted by hash, then name, so that equal names are neighbours. */
struct gguf_entry {
    uint64_t hash;
    struct ry_str name; /* borrowed from the image */
    size_t i;
};

struct ry_gguf {
    char *name;           /* owned; path or label, for messages */
    const uint8_t *image; /* mapped (owned) or borrowed */
    uint64_t len;
    bool mapped;
    int watch; /* slot of the SIGBUS guard, -1: none */
    uint32_t version;
    uint64_t alignment, header_bytes, data_offset, fingerprint;
    struct ry_gguf_kv *kv; /* [n_kv], as every array below in the arena */
    struct ry_gguf_tensor *tensors;
    struct gguf_entry *kv_index, *tensor_index;
    size_t n_kv, n_tensors;
    ry_arena arena; /* owned */
};

/* XXH64 of a name, the order of the indexes. */
uint64_t ry_gguf_hash_name(const char *s, size_t len);
int ry_gguf_compare_entries(const void *a, const void *b);

/* Little-endian loads from unaligned bytes. */
uint32_t ry_gguf_load_u32(const uint8_t *p);
uint64_t ry_gguf_load_u64(const uint8_t *p);

/* Bytes of a scalar type on disk; 0 for string and array. */
size_t ry_gguf_scalar_bytes(enum ry_gguf_type type);

/* The SIGBUS guard (gguf_fault.c). A read behind the new end of a truncated file inside a watched map gives zeros
 * instead of ending the process, and marks the slot. watch returns a slot, or -1 when all are taken (then the map is
 * simply unguarded). base: a page boundary. unwatch before munmap. */
int ry_gguf_watch(const void *base, size_t len);
void ry_gguf_unwatch(int slot);
bool ry_gguf_watch_faulted(int slot);

#endif
