/* GGUF: names to keys and tensors, typed reads. A parsed file is const; any thread.
 *
 * The map is shared with the file: another process may change bytes after they were checked. So nothing that was
 * checked is trusted again where it could lead outside: lengths come from the parse (kv->data_bytes), and walking an
 * array of strings checks every length once more. */
#include "engine/gguf_internal.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [RY_GGUF_U8] = {"u8", 1},       [RY_GGUF_I8] = {"i8", 1},     [RY_GGUF_U16] = {"u16", 2},
    [RY_GGUF_I16] = {"i16", 2},     [RY_GGUF_U32] = {"u32", 4},   [RY_GGUF_I32] = {"i32", 4},
    [RY_GGUF_F32] = {"f32", 4},     [RY_GGUF_BOOL] = {"bool", 1}, [RY_GGUF_STRING] = {"string", 0},
    [RY_GGUF_ARRAY] = {"array", 0}, [RY_GGUF_U64] = {"u64", 8},   [RY_GGUF_I64] = {"i64", 8},
    [RY_GGUF_F64] = {"f64", 8},
};
_Static_assert(sizeof types / sizeof types[0] == RY_GGUF_TYPE_COUNT, "a row for every value type");

const char *ry_gguf_type_name(enum ry_gguf_type type)
{
    return (unsigned)type < RY_GGUF_TYPE_COUNT ? types[type].name : "unknown";
}

size_t ry_gguf_scalar_bytes(enum ry_gguf_type type)
{
    return types[type].bytes;
}

uint32_t ry_gguf_load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t ry_gguf_load_u64(const uint8_t *p)
{
    return ry_gguf_load_u32(p) | (uint64_t)ry_gguf_load_u32(p + 4) << 32;
}

/* ---- by name ----------------------------------------------------------------------------------------- */

uint64_t ry_gguf_hash_name(const char *s, size_t len)
{
    return XXH64(s, len, 0);
}

int ry_gguf_compare_entries(const void *a, const void *b)
{
    const struct gguf_entry *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->name.len != y->name.len)
        return x->name.len < y->name.len ? -1 : 1;
    return memcmp(x->name.s, y->name.s, x->name.len);
}

/* Binary search; -1 when absent. */
static ptrdiff_t find(const struct gguf_entry *index, size_t n, const char *name)
{
    struct gguf_entry key = {.name = {name, strlen(name)}};
    key.hash = ry_gguf_hash_name(name, key.name.len);
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = ry_gguf_compare_entries(&index[mid], &key);
        if (order == 0)
            return (ptrdiff_t)index[mid].i;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}

const struct ry_gguf_kv *ry_gguf_find(const ry_gguf *gguf, const char *key)
{
    ptrdiff_t i = find(gguf->kv_index, gguf->n_kv, key);
    return i < 0 ? NULL : &gguf->kv[i];
}

const struct ry_gguf_tensor *ry_gguf_find_tensor(const ry_gguf *gguf, const char *name)
{
    ptrdiff_t i = find(gguf->tensor_index, gguf->n_tensors, name);
    return i < 0 ? NULL : &gguf->tensors[i];
}

size_t ry_gguf_n_kv(const ry_gguf *gguf)
{
    return gguf->n_kv;
}

const struct ry_gguf_kv *ry_gguf_kv_at(const ry_gguf *gguf, size_t i)
{
    return &gguf->kv[i];
}

size_t ry_gguf_n_tensors(const ry_gguf *gguf)
{
    return gguf->n_tensors;
}

const struct ry_gguf_tensor *ry_gguf_tensor_at(const ry_gguf *gguf, size_t i)
{
    return &gguf->tensors[i];
}

uint32_t ry_gguf_version(const ry_gguf *gguf)
{
    return gguf->version;
}

uint64_t ry_gguf_file_bytes(const ry_gguf *gguf)
{
    return gguf->len;
}

const char *ry_gguf_name(const ry_gguf *gguf)
{
    return gguf->name;
}

uint64_t ry_gguf_fingerprint(const ry_gguf *gguf)
{
    return gguf->fingerprint;
}

/* ---- typed reads ------------------------------------------------------------------------------------- */

static ry_rc wrong_type(const ry_gguf *gguf, const struct ry_gguf_kv *kv, const char *wanted,
                        ry_err *err)
{
    char key[RY_GGUF_QUOTE_BYTES];
    return ry_gguf_fail(gguf, kv->offset, err, "key '%s' is %s%s, must be %s",
                        ry_gguf_quote(kv->key, key),
                        kv->type == RY_GGUF_ARRAY ? "an array of " : "of type ",
                        ry_gguf_type_name(kv->elem), wanted);
}

bool ry_gguf_load_int(enum ry_gguf_type type, const uint8_t *p, int64_t *out)
{
    switch (type) {
    case RY_GGUF_U8:
        *out = p[0];
        return true;
    case RY_GGUF_I8:
        *out = (int8_t)p[0];
        return true;
    case RY_GGUF_U16:
        *out = (uint16_t)(p[0] | p[1] << 8);
        return true;
    case RY_GGUF_I16:
        *out = (int16_t)(uint16_t)(p[0] | p[1] << 8);
        return true;
    case RY_GGUF_U32:
        *out = ry_gguf_load_u32(p);
        return true;
    case RY_GGUF_I32:
        *out = (int32_t)ry_gguf_load_u32(p);
        return true;
    case RY_GGUF_U64: {
        uint64_t u = ry_gguf_load_u64(p);
        *out = u > INT64_MAX ? INT64_MAX : (int64_t)u;
        return true;
    }
    case RY_GGUF_I64:
        *out = (int64_t)ry_gguf_load_u64(p);
        return true;
    default:
        return false;
    }
}

ry_rc ry_gguf_get_u32(const ry_gguf *gguf, const char *key, uint32_t *out, ry_err *err)
{
    const struct ry_gguf_kv *kv = ry_gguf_find(gguf, key);
    if (!kv)
        return RY_ERR_NOT_FOUND;
    int64_t v;
    if (!ry_gguf_load_int(kv->type, kv->data, &v))
        return wrong_type(gguf, kv, "an integer", err);
    if (v < 0 || v > UINT32_MAX)
        return ry_gguf_fail(gguf, kv->offset, err, "key '%s' is %" PRId64 ", must be 0 to %u", key,
                            v, UINT32_MAX);
    *out = (uint32_t)v;
    return RY_OK;
}

ry_rc ry_gguf_get_f32(const ry_gguf *gguf, const char *key, float *out, ry_err *err)
{
    const struct ry_gguf_kv *kv = ry_gguf_find(gguf, key);
    if (!kv)
        return RY_ERR_NOT_FOUND;
    if (kv->type == RY_GGUF_F32) {
        uint32_t bits = ry_gguf_load_u32(kv->data);
        memcpy(out, &bits, sizeof *out);
        return RY_OK;
    }
    if (kv->type != RY_GGUF_F64)
        return wrong_type(gguf, kv, "f32", err);
    uint64_t bits = ry_gguf_load_u64(kv->data);
    double v;
    memcpy(&v, &bits, sizeof v);
    if (isfinite(v) && fabs(v) > FLT_MAX)
        return ry_gguf_fail(gguf, kv->offset, err, "key '%s' is %g, beyond the range of f32", key,
                            v);
    *out = (float)v;
    return RY_OK;
}

ry_rc ry_gguf_get_bool(const ry_gguf *gguf, const char *key, bool *out, ry_err *err)
{
    const struct ry_gguf_kv *kv = ry_gguf_find(gguf, key);
    if (!kv)
        return RY_ERR_NOT_FOUND;
    if (kv->type != RY_GGUF_BOOL)
        return wrong_type(gguf, kv, "a bool", err);
    *out = kv->data[0] != 0;
    return RY_OK;
}

ry_rc ry_gguf_get_str(const ry_gguf *gguf, const char *key, struct ry_str *out, ry_err *err)
{
    const struct ry_gguf_kv *kv = ry_gguf_find(gguf, key);
    if (!kv)
        return RY_ERR_NOT_FOUND;
    if (kv->type != RY_GGUF_STRING)
        return wrong_type(gguf, kv, "a string", err);
    *out = (struct ry_str){(const char *)kv->data + 8, kv->data_bytes - 8};
    return RY_OK;
}

ry_rc ry_gguf_get_array(const ry_gguf *gguf, const char *key, enum ry_gguf_type elem,
                        const struct ry_gguf_kv **kv, ry_err *err)
{
    const struct ry_gguf_kv *found = ry_gguf_find(gguf, key);
    if (!found)
        return RY_ERR_NOT_FOUND;
    if (found->type != RY_GGUF_ARRAY || found->elem != elem) {
        char wanted[32];
        snprintf(wanted, sizeof wanted, "an array of %s", ry_gguf_type_name(elem));
        return wrong_type(gguf, found, wanted, err);
    }
    *kv = found;
    return RY_OK;
}

ry_rc ry_gguf_array_strings(const ry_gguf *gguf, const struct ry_gguf_kv *kv, struct ry_str *out,
                            ry_err *err)
{
    if (kv->type != RY_GGUF_ARRAY || kv->elem != RY_GGUF_STRING)
        return wrong_type(gguf, kv, "an array of string", err);
    uint64_t pos = 0;
    for (uint64_t i = 0; i < kv->count; i++) {
        uint64_t left = kv->data_bytes - pos,
                 len = left >= 8 ? ry_gguf_load_u64(kv->data + pos) : 0;
        if (left < 8 || len > left - 8)
            return ry_gguf_fail(gguf, kv->offset, err,
                                "string %" PRIu64 " of %" PRIu64
                                " ends outside its array: the file changed while in use",
                                i, kv->count);
        out[i] = (struct ry_str){(const char *)kv->data + pos + 8, len};
        pos += 8 + len;
    }
    return RY_OK;
}
