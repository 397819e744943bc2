/* GGUF: opening, mapping and parsing. Any thread may open; a parsed file is const.
 *
 *   magic "GGUF" │ u32 version │ u64 n_tensors │ u64 n_kv │ keys ... │ tensor directory ... │ pad │ tensor data
 *                                                                                          data_offset ┘
 *
 * Every byte is hostile until checked: a cursor that cannot leave the image reads the header, each count is compared
 * with what the rest of the file could hold before anything is allocated for it, names go into sorted indexes (so
 * that hostile numbers of them cost n log n), and the regions of the tensors are sorted to find overlaps.
 * Must not know what keys mean; that is model.c's and tok.c's. */
#include "engine/gguf_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/base/utf8.h"

/* The smallest key-value (key of one byte, value of one) and tensor entry (name of one byte, one dimension). */
enum { MIN_KV_BYTES = 8 + 1 + 4 + 1, MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8 };

struct cursor {
    ry_gguf *g;
    uint64_t pos;
    ry_err *err;
};

ry_rc ry_gguf_fail(const ry_gguf *gguf, uint64_t offset, ry_err *err, const char *fmt, ...)
{
    enum { SHOWN = 300 };
    char text[RY_ERR_TEXT_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t len = strlen(gguf->name);
    const char *tail = len > SHOWN ? gguf->name + len - SHOWN : gguf->name;
    const char *dots = len > SHOWN ? "..." : "";
    if (offset == RY_GGUF_NO_OFFSET)
        return ry_err_set(err, RY_ERR_MODEL, "%s%s: %s", dots, tail, text);
    return ry_err_set(err, RY_ERR_MODEL, "%s%s: offset %" PRIu64 ": %s", dots, tail, offset, text);
}

const char *ry_gguf_quote(struct ry_str s, char buf[RY_GGUF_QUOTE_BYTES])
{
    enum { SHOWN = 80 };
    if (s.len <= SHOWN) {
        memcpy(buf, s.s, s.len);
        buf[s.len] = '\0';
    } else {
        size_t n = ry_utf8_complete(s.s, SHOWN);
        memcpy(buf, s.s, n);
        memcpy(buf + n, "...", 4);
    }
    return buf;
}

/* ---- the cursor -------------------------------------------------------------------------------------- */

/* The next n bytes, or NULL with the error set: all a cursor can run into is RY_ERR_MODEL. */
static const uint8_t *take(struct cursor *c, uint64_t n, const char *field)
{
    uint64_t left = c->g->len - c->pos;
    if (n > left) {
        ry_gguf_fail(c->g, c->pos, c->err,
                     "%s: needs %" PRIu64 " bytes, the file has %" PRIu64 " left (%" PRIu64
                     " in all): truncated or damaged, fetch it again",
                     field, n, left, c->g->len);
        return NULL;
    }
    const uint8_t *p = c->g->image + c->pos;
    c->pos += n;
    return p;
}

static ry_rc take_u32(struct cursor *c, const char *field, uint32_t *out)
{
    const uint8_t *p = take(c, 4, field);
    if (!p)
        return RY_ERR_MODEL;
    *out = ry_gguf_load_u32(p);
    return RY_OK;
}

static ry_rc take_u64(struct cursor *c, const char *field, uint64_t *out)
{
    const uint8_t *p = take(c, 8, field);
    if (!p)
        return RY_ERR_MODEL;
    *out = ry_gguf_load_u64(p);
    return RY_OK;
}

/* A length-prefixed name of 1..limit bytes, UTF-8 without NUL. */
static ry_rc take_name(struct cursor *c, const char *field, uint64_t limit, struct ry_str *out)
{
    uint64_t at = c->pos, len = 0;
    ry_rc rc = take_u64(c, field, &len);
    if (rc != RY_OK)
        return rc;
    if (len == 0 || len > limit)
        return ry_gguf_fail(c->g, at, c->err,
                            "%s: length %" PRIu64 ", must be 1 to %" PRIu64 " bytes", field, len,
                            limit);
    const uint8_t *p = take(c, len, field);
    if (!p)
        return RY_ERR_MODEL;
    size_t bad = 0;
    if (memchr(p, 0, len))
        return ry_gguf_fail(c->g, at + 8, c->err, "%s: holds a NUL byte, must be plain UTF-8",
                            field);
    if (!ry_utf8_valid((const char *)p, len, &bad))
        return ry_gguf_fail(c->g, at + 8 + bad, c->err, "%s: byte 0x%02x is not valid UTF-8", field,
                            p[bad]);
    *out = (struct ry_str){(const char *)p, len};
    return RY_OK;
}

/* ---- key-values -------------------------------------------------------------------------------------- */

/* Passes over `count` strings. */
static ry_rc skip_strings(struct cursor *c, const char *key, uint64_t count)
{
    char field[RY_GGUF_QUOTE_BYTES + 64];
    for (uint64_t i = 0; i < count; i++) {
        uint64_t left = c->g->len - c->pos, len = 0;
        if (left >= 8)
            len = ry_gguf_load_u64(c->g->image + c->pos);
        if (left < 8 || len > left - 8) {
            snprintf(field, sizeof field, "key '%s': string %" PRIu64 " of %" PRIu64, key, i,
                     count);
            c->pos += left < 8 ? 0 : 8;
            take(c, left < 8 ? 8 : len, field);
            return RY_ERR_MODEL;
        }
        c->pos += 8 + len;
    }
    return RY_OK;
}

/* The array behind its element type and count. */
static ry_rc skip_array(struct cursor *c, struct ry_gguf_kv *kv, const char *key)
{
    uint64_t at = c->pos;
    uint32_t elem = 0;
    ry_rc rc = take_u32(c, "array element type", &elem);
    if (rc == RY_OK)
        rc = take_u64(c, "array count", &kv->count);
    if (rc != RY_OK)
        return rc;
    if (elem == RY_GGUF_ARRAY)
        return ry_gguf_fail(c->g, at, c->err,
                            "key '%s': an array of arrays, which ryot does not read", key);
    if (elem >= RY_GGUF_TYPE_COUNT)
        return ry_gguf_fail(c->g, at, c->err, "key '%s': array element type %u, limit %d", key,
                            elem, RY_GGUF_TYPE_COUNT - 1);
    kv->elem = (enum ry_gguf_type)elem;
    /* A string takes eight bytes at least. Divided, not multiplied: the product could wrap. */
    uint64_t size = elem == RY_GGUF_STRING ? 8 : ry_gguf_scalar_bytes(kv->elem);
    uint64_t room = (c->g->len - c->pos) / size;
    if (kv->count > room)
        return ry_gguf_fail(c->g, at + 4, c->err,
                            "key '%s': array of %" PRIu64 " %s, the rest of the file holds %" PRIu64
                            " at most",
                            key, kv->count, ry_gguf_type_name(kv->elem), room);
    kv->data = c->g->image + c->pos;
    uint64_t begin = c->pos;
    if (elem == RY_GGUF_STRING)
        rc = skip_strings(c, key, kv->count);
    else
        c->pos += kv->count * size;
    kv->data_bytes = c->pos - begin;
    return rc;
}

static ry_rc parse_value(struct cursor *c, struct ry_gguf_kv *kv, const char *key)
{
    char field[RY_GGUF_QUOTE_BYTES + 32];
    snprintf(field, sizeof field, "value of key '%s'", key);
    if (kv->type == RY_GGUF_ARRAY)
        return skip_array(c, kv, key);
    kv->count = 1;
    uint64_t begin = c->pos, n = ry_gguf_scalar_bytes(kv->type);
    if (kv->type == RY_GGUF_STRING) {
        ry_rc rc = take_u64(c, field, &n);
        if (rc != RY_OK)
            return rc;
    }
    const uint8_t *p = take(c, n, field);
    if (!p)
        return RY_ERR_MODEL;
    if (kv->type == RY_GGUF_BOOL && *p > 1)
        return ry_gguf_fail(c->g, begin, c->err, "key '%s': bool of value %u, must be 0 or 1", key,
                            *p);
    kv->data = c->g->image + begin;
    kv->data_bytes = c->pos - begin;
    return RY_OK;
}

static ry_rc parse_kv(struct cursor *c, struct ry_gguf_kv *kv)
{
    kv->offset = c->pos;
    ry_rc rc = take_name(c, "key", GGUF_MAX_KEY_BYTES, &kv->key);
    if (rc != RY_OK)
        return rc;
    char key[RY_GGUF_QUOTE_BYTES];
    ry_gguf_quote(kv->key, key);
    uint64_t at = c->pos;
    uint32_t type = 0;
    rc = take_u32(c, "value type", &type);
    if (rc != RY_OK)
        return rc;
    if (type >= RY_GGUF_TYPE_COUNT)
        return ry_gguf_fail(c->g, at, c->err, "key '%s': value type %u, limit %d", key, type,
                            RY_GGUF_TYPE_COUNT - 1);
    kv->type = kv->elem = (enum ry_gguf_type)type;
    return parse_value(c, kv, key);
}

/* ---- the tensor directory ---------------------------------------------------------------------------- */

/* Dimensions, each checked on its own: a product that wraps (even to 0) never hides one. */
static ry_rc parse_dims(struct cursor *c, struct ry_gguf_tensor *t, const char *name,
                        uint64_t *elems)
{
    uint64_t at = c->pos;
    ry_rc rc = take_u32(c, "n_dims", &t->n_dims);
    if (rc != RY_OK)
        return rc;
    if (t->n_dims < 1 || t->n_dims > GGUF_MAX_DIMS)
        return ry_gguf_fail(c->g, at, c->err, "tensor '%s': n_dims %u, must be 1 to %d", name,
                            t->n_dims, GGUF_MAX_DIMS);
    for (uint32_t d = 0; d < GGUF_MAX_DIMS; d++) {
        t->ne[d] = 1;
        if (d >= t->n_dims)
            continue;
        at = c->pos;
        rc = take_u64(c, "dimension", &t->ne[d]);
        if (rc != RY_OK)
            return rc;
        if (t->ne[d] == 0 || t->ne[d] > INT64_MAX)
            return ry_gguf_fail(c->g, at, c->err,
                                "tensor '%s': dimension %u is %" PRId64 ", must be 1 to 2^63 - 1",
                                name, d, (int64_t)t->ne[d]);
        if (t->ne[d] > INT64_MAX / *elems)
            return ry_gguf_fail(c->g, at, c->err,
                                "tensor '%s': dimension %u is %" PRIu64 " after %" PRIu64
                                " elements: more than 2^63 - 1 in all",
                                name, d, t->ne[d], *elems);
        *elems *= t->ne[d];
    }
    return RY_OK;
}

static ry_rc parse_tensor(struct cursor *c, struct ry_gguf_tensor *t, bool header_only)
{
    ry_rc rc = take_name(c, "tensor name", GGUF_MAX_TENSOR_NAME_BYTES, &t->name);
    if (rc != RY_OK)
        return rc;
    char name[RY_GGUF_QUOTE_BYTES], number[32];
    ry_gguf_quote(t->name, name);
    uint64_t elems = 1;
    rc = parse_dims(c, t, name, &elems);
    uint64_t at = c->pos;
    uint32_t type = 0;
    if (rc == RY_OK)
        rc = take_u32(c, "tensor type", &type);
    if (rc == RY_OK)
        rc = take_u64(c, "tensor offset", &t->offset);
    if (rc != RY_OK)
        return rc;
    t->fmt = RY_FMT_COUNT;
    if (!ry_fmt_from_ggml(type, &t->fmt)) {
        t->fmt = RY_FMT_COUNT;
        return header_only ? RY_OK
                           : ry_gguf_fail(c->g, at, c->err,
                                          "tensor '%s': type %s (id %u), which ryot cannot read: "
                                          "use another quantisation of this model",
                                          name, ry_fmt_ggml_name(type, number), type);
    }
    const struct ry_fmt_info *info = ry_fmt_info(t->fmt);
    if (t->ne[0] % info->block_elems != 0)
        return ry_gguf_fail(c->g, at, c->err,
                            "tensor '%s': rows of %" PRIu64 " elements, %s needs a multiple of %u",
                            name, t->ne[0], info->name, info->block_elems);
    if (!ry_fmt_tensor_bytes(t->fmt, t->ne[0], elems / t->ne[0], &t->n_bytes))
        return ry_gguf_fail(c->g, at, c->err,
                            "tensor '%s': %" PRIu64 " elements of %s are more than 2^64 bytes",
                            name, elems, info->name);
    return RY_OK;
}

/* Where a tensor lies. t->offset comes in relative to the data and leaves as an offset in the file. */
static ry_rc place_tensor(struct cursor *c, struct ry_gguf_tensor *t, bool header_only)
{
    const ry_gguf *g = c->g;
    char name[RY_GGUF_QUOTE_BYTES];
    ry_gguf_quote(t->name, name);
    if (t->offset % g->alignment != 0)
        return ry_gguf_fail(g, g->data_offset, c->err,
                            "tensor '%s': data offset %" PRIu64
                            " is no multiple of the alignment %" PRIu64,
                            name, t->offset, g->alignment);
    uint64_t room = g->len > g->data_offset ? g->len - g->data_offset : 0;
    bool inside = t->offset <= room && t->n_bytes <= room - t->offset;
    if (!inside && !header_only)
        return ry_gguf_fail(g, g->data_offset, c->err,
                            "tensor '%s': needs %" PRIu64 " bytes at data offset %" PRIu64
                            ", the file has %" PRIu64 " bytes of data: truncated, fetch it again",
                            name, t->n_bytes, t->offset, room);
    if (t->offset > UINT64_MAX - g->data_offset)
        return ry_gguf_fail(g, g->data_offset, c->err,
                            "tensor '%s': data offset %" PRIu64 " is beyond 2^64", name, t->offset);
    t->offset += g->data_offset;
    if (inside && t->fmt != RY_FMT_COUNT)
        t->data = g->image + t->offset;
    return RY_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct ry_gguf_tensor *x = *(const struct ry_gguf_tensor *const *)a;
    const struct ry_gguf_tensor *y = *(const struct ry_gguf_tensor *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* No byte belongs to two tensors: sorted by offset, each ends before the next begins. */
static ry_rc check_overlaps(const ry_gguf *g, ry_err *err)
{
    const struct ry_gguf_tensor **sorted = ry_mem_alloc(g->n_tensors, sizeof *sorted);
    if (!sorted)
        return ry_err_set(err, RY_ERR_MEMORY, "%s: out of memory for %zu tensors", g->name,
                          g->n_tensors);
    for (size_t i = 0; i < g->n_tensors; i++)
        sorted[i] = &g->tensors[i];
    qsort(sorted, g->n_tensors, sizeof *sorted, by_offset);
    ry_rc rc = RY_OK;
    for (size_t i = 1; i < g->n_tensors && rc == RY_OK; i++) {
        const struct ry_gguf_tensor *a = sorted[i - 1], *b = sorted[i];
        char name_a[RY_GGUF_QUOTE_BYTES], name_b[RY_GGUF_QUOTE_BYTES];
        if (b->offset - a->offset < a->n_bytes)
            rc = ry_gguf_fail(g, b->offset, err,
                              "tensor '%s' overlaps tensor '%s', which takes %" PRIu64
                              " bytes from offset %" PRIu64,
                              ry_gguf_quote(b->name, name_b), ry_gguf_quote(a->name, name_a),
                              a->n_bytes, a->offset);
    }
    ry_mem_free(sorted);
    return rc;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

/* What people most often hand over instead of a GGUF file. */
static const char *guess_kind(const uint8_t *p, uint64_t len)
{
    static const struct {
        const char *start, *kind;
    } kinds[] = {
        {"version https://git-lfs", "a Git LFS pointer: the model itself was not fetched"},
        {"<!DOCTYPE", "a web page: the download went wrong"},
        {"<html", "a web page: the download went wrong"},
        {"PK\x03\x04", "a zip archive or a PyTorch checkpoint: convert it to GGUF"},
        {"lmgg", "a file of the old ggml format: convert it to GGUF"},
        {"fmgg", "a file of the old ggml format: convert it to GGUF"},
        {"tjgg", "a file of the old ggml format: convert it to GGUF"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t n = strlen(kinds[i].start);
        if (len >= n && memcmp(p, kinds[i].start, n) == 0)
            return kinds[i].kind;
    }
    if (len > 8 && p[8] == '{')
        return "perhaps a safetensors file: convert it to GGUF";
    return "not a GGUF file";
}

static ry_rc check_version(struct cursor *c, uint32_t version)
{
    if (version == 2 || version == 3)
        return RY_OK;
    if (version != 0 && (version & 0xffff) == 0)
        return ry_gguf_fail(c->g, 4, c->err,
                            "version 0x%08x is byte-swapped: a big-endian file, ryot reads "
                            "little-endian ones only",
                            version);
    return ry_gguf_fail(c->g, 4, c->err, "version %u, ryot reads 2 and 3", version);
}

/* Counts against what the rest of the file could hold, and the caps. */
static ry_rc check_counts(struct cursor *c, uint64_t n_tensors, uint64_t n_kv)
{
    uint64_t left = c->g->len - c->pos;
    uint64_t fit =
        left / MIN_TENSOR_BYTES < GGUF_MAX_TENSORS ? left / MIN_TENSOR_BYTES : GGUF_MAX_TENSORS;
    if (n_tensors > fit)
        return ry_gguf_fail(c->g, 8, c->err,
                            "n_tensors is %" PRIu64 ", limit %" PRIu64 " (what a file of %" PRIu64
                            " bytes could hold, %d at most)",
                            n_tensors, fit, c->g->len, GGUF_MAX_TENSORS);
    left -= n_tensors * MIN_TENSOR_BYTES;
    fit = left / MIN_KV_BYTES < GGUF_MAX_KV ? left / MIN_KV_BYTES : GGUF_MAX_KV;
    if (n_kv > fit)
        return ry_gguf_fail(c->g, 16, c->err,
                            "n_kv is %" PRIu64 ", limit %" PRIu64 " (what a file of %" PRIu64
                            " bytes could hold, %d at most)",
                            n_kv, fit, c->g->len, GGUF_MAX_KV);
    return RY_OK;
}

static ry_rc parse_start(struct cursor *c)
{
    ry_gguf *g = c->g;
    if (g->len < 4 || memcmp(g->image, "GGUF", 4) != 0)
        return ry_gguf_fail(g, 0, c->err, "magic is not 'GGUF' (%" PRIu64 " bytes): %s", g->len,
                            guess_kind(g->image, g->len));
    c->pos = 4;
    uint64_t n_tensors = 0, n_kv = 0;
    ry_rc rc = take_u32(c, "version", &g->version);
    if (rc == RY_OK)
        rc = check_version(c, g->version);
    if (rc == RY_OK)
        rc = take_u64(c, "n_tensors", &n_tensors);
    if (rc == RY_OK)
        rc = take_u64(c, "n_kv", &n_kv);
    if (rc == RY_OK)
        rc = check_counts(c, n_tensors, n_kv);
    if (rc != RY_OK)
        return rc;
    g->n_tensors = n_tensors;
    g->n_kv = n_kv;
    g->kv = ry_arena_alloc(&g->arena, n_kv, sizeof *g->kv);
    g->tensors = ry_arena_alloc(&g->arena, n_tensors, sizeof *g->tensors);
    g->kv_index = ry_arena_alloc(&g->arena, n_kv, sizeof *g->kv_index);
    g->tensor_index = ry_arena_alloc(&g->arena, n_tensors, sizeof *g->tensor_index);
    if (!g->kv || !g->tensors || !g->kv_index || !g->tensor_index)
        return ry_err_set(c->err, RY_ERR_MEMORY,
                          "%s: out of memory for %" PRIu64 " keys and %" PRIu64 " tensors", g->name,
                          n_kv, n_tensors);
    return RY_OK;
}

/* Sorts an index; equal neighbours are duplicates: *twice is the later of the first pair found, or NULL. */
static void sort_index(struct gguf_entry *index, size_t n, const struct gguf_entry **twice)
{
    qsort(index, n, sizeof *index, ry_gguf_compare_entries);
    *twice = NULL;
    for (size_t i = 1; i < n && !*twice; i++) {
        const struct gguf_entry *a = &index[i - 1], *b = &index[i];
        if (a->hash == b->hash && a->name.len == b->name.len &&
            memcmp(a->name.s, b->name.s, a->name.len) == 0)
            *twice = a->i > b->i ? a : b;
    }
}

static ry_rc parse_keys(struct cursor *c)
{
    ry_gguf *g = c->g;
    for (size_t i = 0; i < g->n_kv; i++) {
        ry_rc rc = parse_kv(c, &g->kv[i]);
        if (rc != RY_OK)
            return rc;
        struct ry_str key = g->kv[i].key;
        g->kv_index[i] = (struct gguf_entry){ry_gguf_hash_name(key.s, key.len), key, i};
    }
    const struct gguf_entry *twice;
    char name[RY_GGUF_QUOTE_BYTES];
    sort_index(g->kv_index, g->n_kv, &twice);
    if (twice)
        return ry_gguf_fail(g, g->kv[twice->i].offset, c->err, "key '%s' is there twice",
                            ry_gguf_quote(twice->name, name));
    return RY_OK;
}

static ry_rc parse_alignment(struct cursor *c)
{
    ry_gguf *g = c->g;
    const struct ry_gguf_kv *kv = ry_gguf_find(g, "general.alignment");
    g->alignment = GGUF_DEFAULT_ALIGNMENT;
    if (!kv)
        return RY_OK;
    if (kv->type != RY_GGUF_U32)
        return ry_gguf_fail(g, kv->offset, c->err, "key 'general.alignment' is a %s, must be a u32",
                            ry_gguf_type_name(kv->type));
    uint32_t a = ry_gguf_load_u32(kv->data);
    if (a < GGUF_MIN_ALIGNMENT || a > GGUF_MAX_ALIGNMENT || (a & (a - 1)) != 0)
        return ry_gguf_fail(g, kv->offset, c->err,
                            "key 'general.alignment' is %u, must be a power of two from %d to %d",
                            a, GGUF_MIN_ALIGNMENT, GGUF_MAX_ALIGNMENT);
    g->alignment = a;
    return RY_OK;
}

static ry_rc parse_directory(struct cursor *c, bool header_only)
{
    ry_gguf *g = c->g;
    for (size_t i = 0; i < g->n_tensors; i++) {
        ry_rc rc = parse_tensor(c, &g->tensors[i], header_only);
        if (rc != RY_OK)
            return rc;
        struct ry_str name = g->tensors[i].name;
        g->tensor_index[i] = (struct gguf_entry){ry_gguf_hash_name(name.s, name.len), name, i};
    }
    const struct gguf_entry *twice;
    char name[RY_GGUF_QUOTE_BYTES];
    sort_index(g->tensor_index, g->n_tensors, &twice);
    if (twice)
        return ry_gguf_fail(g, (uint64_t)((const uint8_t *)twice->name.s - g->image), c->err,
                            "tensor '%s' is there twice", ry_gguf_quote(twice->name, name));
    g->header_bytes = c->pos;
    g->data_offset = (c->pos + g->alignment - 1) / g->alignment * g->alignment;
    for (size_t i = 0; i < g->n_tensors; i++) {
        ry_rc rc = place_tensor(c, &g->tensors[i], header_only);
        if (rc != RY_OK)
            return rc;
    }
    return header_only ? RY_OK : check_overlaps(g, c->err);
}

static ry_rc parse(ry_gguf *g, bool header_only, ry_err *err)
{
    struct cursor c = {.g = g, .err = err};
    ry_rc rc = parse_start(&c);
    if (rc == RY_OK)
        rc = parse_keys(&c);
    if (rc == RY_OK)
        rc = parse_alignment(&c);
    if (rc == RY_OK)
        rc = parse_directory(&c, header_only);
    if (rc != RY_OK)
        return rc;
    g->fingerprint =
        ry_gguf_hash_name((const char *)g->image, g->header_bytes) ^ (g->len * 0x9E3779B97F4A7C15u);
    if (ry_gguf_faulted(g))
        return ry_gguf_fail(g, 0, err, "the file was truncated while it was read");
    return RY_OK;
}

static ry_gguf *new_gguf(const char *name, ry_err *err)
{
    ry_gguf *g = ry_mem_zalloc(1, sizeof *g);
    char *copy = ry_mem_strdup(name);
    if (!g || !copy) {
        ry_mem_free(g);
        ry_mem_free(copy);
        ry_err_set(err, RY_ERR_MEMORY, "%s: out of memory", name);
        return NULL;
    }
    g->name = copy;
    g->watch = -1;
    ry_arena_init(&g->arena);
    return g;
}

ry_rc ry_gguf_parse(ry_gguf **out, const char *name, const void *image, size_t len,
                    bool header_only, ry_err *err)
{
    assert((uintptr_t)image % GGUF_MIN_ALIGNMENT == 0);
    ry_gguf *g = new_gguf(name, err);
    if (!g)
        return RY_ERR_MEMORY;
    g->image = image;
    g->len = len;
    ry_rc rc = parse(g, header_only, err);
    if (rc == RY_OK)
        *out = g;
    else
        ry_gguf_close(g);
    return rc;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static ry_rc fail_open(const char *path, int error, ry_err *err)
{
    if (error == ELOOP)
        return ry_err_set(err, RY_ERR_MODEL,
                          "%.300s: its symbolic links go round in a circle: name the file itself",
                          path);
    if (error == ENOENT)
        return ry_err_set(err, RY_ERR_MODEL,
                          "%.300s: there is no such file (`ryot models` lists what is here)", path);
    return ry_err_set(err, RY_ERR_MODEL, "%.300s: cannot be opened: %s", path, strerror(error));
}

/* Regular files only: reading anything else could block for ever or never end. */
static ry_rc check_kind(const char *path, const struct stat *st, ry_err *err)
{
    const char *kind = S_ISDIR(st->st_mode)    ? "a directory"
                       : S_ISFIFO(st->st_mode) ? "a FIFO"
                       : S_ISCHR(st->st_mode)  ? "a device"
                       : S_ISBLK(st->st_mode)  ? "a device"
                       : S_ISSOCK(st->st_mode) ? "a socket"
                       : S_ISREG(st->st_mode)  ? NULL
                                               : "no regular file";
    if (kind)
        return ry_err_set(err, RY_ERR_MODEL, "%.300s: is %s; a model is a regular file", path,
                          kind);
    if (st->st_size == 0)
        return ry_err_set(err, RY_ERR_MODEL, "%.300s: the file is empty: fetch it again", path);
    if ((uint64_t)st->st_size > SIZE_MAX)
        return ry_err_set(err, RY_ERR_MODEL,
                          "%.300s: %" PRIu64 " bytes are more than this machine can address", path,
                          (uint64_t)st->st_size);
    return RY_OK;
}

/* Starts reading ahead what a forward pass will need, unless the file would push everything else out of memory. */
static void read_ahead(const ry_gguf *g)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0 && g->len / (uint64_t)page < (uint64_t)pages / 2)
        posix_madvise((void *)(uintptr_t)g->image, g->len, POSIX_MADV_WILLNEED);
}

static ry_rc map_file(ry_gguf *g, const char *path, ry_err *err)
{
    struct stat st;
    void *map;
    ry_rc rc;
    /* O_NONBLOCK: a FIFO without a writer must not hold us here; regular files ignore it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENXIO ? ry_err_set(err, RY_ERR_MODEL,
                                           "%.300s: is a socket or a device; a model is a regular "
                                           "file",
                                           path)
                              : fail_open(path, errno, err);
    if (fstat(fd, &st) != 0) {
        rc = fail_open(path, errno, err);
        goto done;
    }
    rc = check_kind(path, &st, err);
    if (rc != RY_OK)
        goto done;
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        rc = ry_err_set(err, errno == ENOMEM ? RY_ERR_MEMORY : RY_ERR_MODEL,
                        "%.300s: %" PRIu64 " bytes cannot be mapped: %s", path,
                        (uint64_t)st.st_size, strerror(errno));
        goto done;
    }
    g->image = map;
    g->len = (uint64_t)st.st_size;
    g->mapped = true;
    g->watch = ry_gguf_watch(map, g->len);
done:
    close(fd);
    return rc;
}

ry_rc ry_gguf_open(ry_gguf **out, const char *path, bool header_only, ry_err *err)
{
    ry_gguf *g = new_gguf(path, err);
    if (!g)
        return RY_ERR_MEMORY;
    ry_rc rc = map_file(g, path, err);
    if (rc == RY_OK)
        rc = parse(g, header_only, err);
    if (rc != RY_OK) {
        ry_gguf_close(g);
        return rc;
    }
    if (!header_only)
        read_ahead(g);
    *out = g;
    return RY_OK;
}

void ry_gguf_close(ry_gguf *gguf)
{
    if (!gguf)
        return;
    if (gguf->mapped) {
        ry_gguf_unwatch(gguf->watch);
        munmap((void *)(uintptr_t)gguf->image, gguf->len);
    }
    ry_arena_done(&gguf->arena);
    ry_mem_free(gguf->name);
    ry_mem_free(gguf);
}

bool ry_gguf_faulted(const ry_gguf *gguf)
{
    return ry_gguf_watch_faulted(gguf->watch);
}
