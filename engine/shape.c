/* Shapes: the table of models, the word that names one, and the image of its file.
 *
 *   header (keys, tensor directory) │ pad │ tensor 0 │ pad │ tensor 1 ...
 *
 * The weights are made in chunks of a fixed number of blocks, each from its own seed, so that the bytes do not depend on
 * the number of threads. */
#include "engine/shape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "engine/arch.h"
#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/par.h"
#include "src/base/buf.h"
#include "src/base/mem.h"

enum {
    ALIGNMENT = 32,
    NAME_BYTES = 64,
    WORD_BYTES = 32,
    LAYER_TENSORS = 16, /* at most */
    CHUNK_BYTES = 256 << 10
};

struct shape {
    const char *name, *arch;
    const char *format; /* where the word names none */
    uint32_t n_embd, n_layer, n_head, n_head_kv, head_dim, n_ff, n_vocab, n_ctx;
    float rope_base, norm_eps;
    bool tied; /* the embedding is the head */
};

/* As the models' own configurations say (config.json of each). "tiny" is for trying things out. */
static const struct shape shapes[] = {
    {"bitnet-2b4t", "bitnet-b1.58", "tq2_0", 2560, 30, 20, 5, 128, 6912, 128256, 4096, 500000.0f,
     1e-5f, true},
    {"bitnet-700m", "bitnet", "tq2_0", 1536, 24, 16, 16, 96, 4096, 32002, 2048, 10000.0f, 1e-5f,
     true},
    {"llama-1b", "llama", "q4_0", 2048, 16, 32, 8, 64, 8192, 128256, 131072, 500000.0f, 1e-5f,
     true},
    {"llama-3b", "llama", "q4_0", 3072, 28, 24, 8, 128, 8192, 128256, 131072, 500000.0f, 1e-5f,
     true},
    {"llama-8b", "llama", "q4_0", 4096, 32, 32, 8, 128, 14336, 128256, 131072, 500000.0f, 1e-5f,
     false},
    {"llama2-7b", "llama", "q4_0", 4096, 32, 32, 32, 128, 11008, 32000, 4096, 10000.0f, 1e-5f,
     false},
    {"tinyllama-1.1b", "llama", "q4_0", 2048, 22, 32, 4, 64, 5632, 32000, 2048, 10000.0f, 1e-5f,
     false},
    {"smollm2-135m", "llama", "q8_0", 576, 30, 9, 3, 64, 1536, 49152, 8192, 100000.0f, 1e-5f, true},
    {"qwen3-0.6b", "qwen3", "q8_0", 1024, 28, 16, 8, 128, 3072, 151936, 40960, 1000000.0f, 1e-6f,
     true},
    {"qwen3-1.7b", "qwen3", "q8_0", 2048, 28, 16, 8, 128, 6144, 151936, 40960, 1000000.0f, 1e-6f,
     true},
    {"qwen3-4b", "qwen3", "q4_k", 2560, 36, 32, 8, 128, 9728, 151936, 40960, 1000000.0f, 1e-6f,
     true},
    {"qwen3-8b", "qwen3", "q4_k", 4096, 36, 32, 8, 128, 12288, 151936, 40960, 1000000.0f, 1e-6f,
     false},
    {"gemma2-2b", "gemma2", "q4_k", 2304, 26, 8, 4, 256, 9216, 256000, 8192, 10000.0f, 1e-6f, true},
    {"tiny", "llama", "q8_0", 256, 2, 4, 2, 64, 512, 1024, 2048, 10000.0f, 1e-5f, true},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

struct tensor {
    char name[NAME_BYTES];
    enum ry_fmt fmt;
    uint64_t n_cols, n_rows;  /* n_rows 0: a vector of ones */
    uint64_t offset, n_bytes; /* in the data */
};

struct plan {
    const struct shape *shape;
    const struct ry_arch *arch;
    enum ry_fmt body, head;
    struct tensor *tensors; /* owned */
    size_t n_tensors;
    uint64_t n_data; /* bytes */
    ry_buf header;   /* up to the data, padding included */
};

/* ---- the word ------------------------------------------------------------------------------------------ */

static ry_rc unknown_shape(const char *word, ry_err *err)
{
    ry_buf names = {0};
    for (size_t i = 0; i < N_SHAPES; i++)
        ry_buf_addf(&names, "%s%s", i ? ", " : "", shapes[i].name);
    ry_rc rc =
        ry_err_set(err, RY_ERR_USAGE, "shape: \"%.64s\" is none of %s", word, ry_buf_str(&names));
    ry_buf_done(&names);
    return rc;
}

static ry_rc parse_format(const char *name, enum ry_fmt *out, ry_err *err)
{
    ry_buf names = {0};
    for (int f = 0; f < RY_FMT_COUNT; f++) {
        if (strcasecmp(ry_fmt_info((enum ry_fmt)f)->name, name) == 0) {
            *out = (enum ry_fmt)f;
            ry_buf_done(&names);
            return RY_OK;
        }
        ry_buf_addf(&names, "%s%s", f ? ", " : "", ry_fmt_info((enum ry_fmt)f)->name);
    }
    ry_rc rc = ry_err_set(err, RY_ERR_USAGE, "shape: format \"%s\" is none of %s", name,
                          ry_buf_str(&names));
    ry_buf_done(&names);
    return rc;
}

/* What a quantiser takes for the head (or the embedding that serves as one) beside a body: at least six bits. */
static enum ry_fmt default_head(enum ry_fmt body, uint64_t n_cols)
{
    if (body == RY_FMT_F32 || body == RY_FMT_F16 || body == RY_FMT_BF16 || body == RY_FMT_Q8_0)
        return body;
    return n_cols % ry_fmt_info(RY_FMT_Q6_K)->block_elems == 0 ? RY_FMT_Q6_K : RY_FMT_Q8_0;
}

static ry_rc check_rows(const struct shape *s, enum ry_fmt fmt, uint64_t n_cols, ry_err *err)
{
    const struct ry_fmt_info *info = ry_fmt_info(fmt);
    if (n_cols % info->block_elems == 0)
        return RY_OK;
    return ry_err_set(err, RY_ERR_USAGE,
                      "shape: %s has rows of %llu weights, %s needs a multiple of %u: take q8_0 or "
                      "q4_0",
                      s->name, (unsigned long long)n_cols, info->name, info->block_elems);
}

/* Cuts the word at ':' and '/'. */
static ry_rc parse_word(struct plan *p, const char *word, ry_err *err)
{
    char format[WORD_BYTES] = "", head[WORD_BYTES] = "";
    size_t n = strcspn(word, ":");
    for (size_t i = 0; i < N_SHAPES && !p->shape; i++)
        if (strlen(shapes[i].name) == n && memcmp(shapes[i].name, word, n) == 0)
            p->shape = &shapes[i];
    if (!p->shape)
        return unknown_shape(word, err);
    const char *at = word[n] ? word + n + 1 : word + n;
    n = strcspn(at, "/");
    snprintf(format, sizeof format, "%.*s", (int)(n < WORD_BYTES ? n : WORD_BYTES), at);
    snprintf(head, sizeof head, "%s", at[n] ? at + n + 1 : "");
    ry_rc rc = parse_format(format[0] ? format : p->shape->format, &p->body, err);
    if (rc == RY_OK && head[0])
        rc = parse_format(head, &p->head, err);
    else
        p->head = default_head(p->body, p->shape->n_embd);
    if (rc == RY_OK)
        rc = check_rows(p->shape, p->head, p->shape->n_embd, err);
    const uint64_t cols[] = {p->shape->n_embd, p->shape->n_ff,
                             (uint64_t)p->shape->n_head * p->shape->head_dim};
    for (size_t i = 0; i < sizeof cols / sizeof *cols && rc == RY_OK; i++)
        rc = check_rows(p->shape, p->body, cols[i], err);
    if (rc == RY_OK && ry_fmt_info(p->head)->ternary)
        rc = ry_err_set(err, RY_ERR_USAGE, "shape: no model has a head of %s: take q6_k or f16",
                        ry_fmt_info(p->head)->name);
    p->arch = ry_arch_find(p->shape->arch, strlen(p->shape->arch));
    return rc;
}

/* ---- the list of tensors ------------------------------------------------------------------------------- */

static void add(struct plan *p, enum ry_fmt fmt, uint64_t n_cols, uint64_t n_rows, const char *name)
{
    struct tensor *t = &p->tensors[p->n_tensors++];
    *t = (struct tensor){.fmt = fmt, .n_cols = n_cols, .n_rows = n_rows, .offset = p->n_data};
    snprintf(t->name, sizeof t->name, "%s", name);
    ry_fmt_tensor_bytes(fmt, n_cols, n_rows ? n_rows : 1, &t->n_bytes);
    p->n_data += (t->n_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void add_to_layer(struct plan *p, uint32_t layer, const char *name, uint64_t n_cols,
                         uint64_t n_rows)
{
    char full[NAME_BYTES];
    snprintf(full, sizeof full, "blk.%u.%s.weight", layer, name);
    add(p, n_rows ? p->body : RY_FMT_F32, n_cols, n_rows, full);
}

static void list_layer(struct plan *p, uint32_t i)
{
    const struct shape *s = p->shape;
    uint64_t n_embd = s->n_embd, n_ff = s->n_ff, n_q = (uint64_t)s->n_head * s->head_dim,
             n_kv = (uint64_t)s->n_head_kv * s->head_dim;
    add_to_layer(p, i, "attn_norm", n_embd, 0);
    add_to_layer(p, i, "attn_q", n_embd, n_q);
    add_to_layer(p, i, "attn_k", n_embd, n_kv);
    add_to_layer(p, i, "attn_v", n_embd, n_kv);
    if (p->arch->qk_norm) {
        add_to_layer(p, i, "attn_q_norm", s->head_dim, 0);
        add_to_layer(p, i, "attn_k_norm", s->head_dim, 0);
    }
    if (p->arch->sub_norms)
        add_to_layer(p, i, "attn_sub_norm", n_q, 0);
    add_to_layer(p, i, "attn_output", n_q, n_embd);
    if (p->arch->post_norms)
        add_to_layer(p, i, "post_attention_norm", n_embd, 0);
    add_to_layer(p, i, "ffn_norm", n_embd, 0);
    add_to_layer(p, i, "ffn_gate", n_embd, n_ff);
    add_to_layer(p, i, "ffn_up", n_embd, n_ff);
    if (p->arch->sub_norms)
        add_to_layer(p, i, "ffn_sub_norm", n_ff, 0);
    add_to_layer(p, i, "ffn_down", n_ff, n_embd);
    if (p->arch->post_norms)
        add_to_layer(p, i, "post_ffw_norm", n_embd, 0);
}

static ry_rc list_tensors(struct plan *p, ry_err *err)
{
    const struct shape *s = p->shape;
    p->tensors = ry_mem_alloc(3 + (size_t)s->n_layer * LAYER_TENSORS, sizeof *p->tensors);
    if (!p->tensors)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the shape %s", s->name);
    add(p, p->head, s->n_embd, s->n_vocab, "token_embd.weight");
    for (uint32_t i = 0; i < s->n_layer; i++)
        list_layer(p, i);
    add(p, RY_FMT_F32, s->n_embd, 0, "output_norm.weight");
    if (!s->tied)
        add(p, p->head, s->n_embd, s->n_vocab, "output.weight");
    return RY_OK;
}

/* ---- the header ---------------------------------------------------------------------------------------- */

static void put_u32(ry_buf *b, uint32_t v)
{
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(v >> 8 * i);
    ry_buf_add(b, bytes, sizeof bytes);
}

static void put_u64(ry_buf *b, uint64_t v)
{
    put_u32(b, (uint32_t)v);
    put_u32(b, (uint32_t)(v >> 32));
}

static void put_text(ry_buf *b, const char *s)
{
    put_u64(b, strlen(s));
    ry_buf_adds(b, s);
}

static void put_key_text(ry_buf *b, const char *key, const char *value)
{
    put_text(b, key);
    put_u32(b, RY_GGUF_STRING);
    put_text(b, value);
}

/* A key of the architecture: an integer or a float. */
static void put_key(ry_buf *b, const struct shape *s, const char *key, uint32_t type, uint32_t bits)
{
    put_u64(b, strlen(s->arch) + 1 + strlen(key));
    ry_buf_addf(b, "%s.%s", s->arch, key);
    put_u32(b, type);
    put_u32(b, bits);
}

static void put_keys(ry_buf *b, const struct shape *s)
{
    const struct {
        const char *key;
        uint32_t value;
    } whole[] = {
        {"context_length", s->n_ctx},          {"embedding_length", s->n_embd},
        {"block_count", s->n_layer},           {"feed_forward_length", s->n_ff},
        {"attention.head_count", s->n_head},   {"attention.head_count_kv", s->n_head_kv},
        {"attention.key_length", s->head_dim}, {"attention.value_length", s->head_dim},
    };
    const struct {
        const char *key;
        float value;
    } real[] = {
        {"rope.freq_base", s->rope_base},
        {"attention.layer_norm_rms_epsilon", s->norm_eps},
    };
    enum { N_WHOLE = sizeof whole / sizeof *whole, N_REAL = sizeof real / sizeof *real };
    put_u64(b, 3 + N_WHOLE + N_REAL);
    put_key_text(b, "general.architecture", s->arch);
    put_key_text(b, "general.name", s->name);
    put_key_text(b, "tokenizer.ggml.model", "no_vocab");
    for (size_t i = 0; i < N_WHOLE; i++)
        put_key(b, s, whole[i].key, RY_GGUF_U32, whole[i].value);
    for (size_t i = 0; i < N_REAL; i++) {
        uint32_t bits;
        memcpy(&bits, &real[i].value, sizeof bits);
        put_key(b, s, real[i].key, RY_GGUF_F32, bits);
    }
}

/* GGUF 3: magic, version, counts, keys, directory (docs/gguf.md of ggml). */
static ry_rc write_header(struct plan *p, ry_err *err)
{
    ry_buf *b = &p->header;
    ry_buf_adds(b, "GGUF");
    put_u32(b, 3);
    put_u64(b, p->n_tensors);
    put_keys(b, p->shape);
    for (size_t i = 0; i < p->n_tensors; i++) {
        const struct tensor *t = &p->tensors[i];
        put_text(b, t->name);
        put_u32(b, t->n_rows ? 2 : 1);
        put_u64(b, t->n_cols);
        if (t->n_rows)
            put_u64(b, t->n_rows);
        put_u32(b, ry_fmt_info(t->fmt)->ggml_type);
        put_u64(b, t->offset);
    }
    while (b->len % ALIGNMENT && !b->failed)
        ry_buf_addc(b, 0);
    return b->failed
               ? ry_err_set(err, RY_ERR_MEMORY, "out of memory for the shape %s", p->shape->name)
               : RY_OK;
}

/* ---- the weights --------------------------------------------------------------------------------------- */

struct work {
    const struct plan *plan;
    uint8_t *data;
    const atomic_bool *cancel;
};

static bool stopped(const atomic_bool *cancel)
{
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

static void write_ones(uint8_t *dst, uint64_t n)
{
    const float one = 1.0f;
    for (uint64_t i = 0; i < n; i++)
        memcpy(dst + i * sizeof one, &one, sizeof one);
}

/* This thread's chunks of one matrix; thread 0 also writes what stands behind the rows. */
static void fill_matrix(const struct work *w, size_t index, int tid, int n)
{
    const struct tensor *t = &w->plan->tensors[index];
    const struct ry_fmt_info *info = ry_fmt_info(t->fmt);
    struct ry_fill fill = ry_fill_of(t->fmt, t->n_cols);
    uint8_t *dst = w->data + t->offset;
    size_t n_blocks = (size_t)(t->n_cols / info->block_elems * t->n_rows),
           chunk = CHUNK_BYTES / info->block_bytes, lo, hi;
    ry_par_share(n_blocks, chunk, tid, n, &lo, &hi);
    for (size_t at = lo; at < hi && !stopped(w->cancel); at += chunk) {
        uint64_t seed = (uint64_t)index << 32 | at / chunk;
        ry_fill_blocks(&fill, dst + at * info->block_bytes, hi - at < chunk ? hi - at : chunk,
                       seed * 0xD1342543DE82EF95u);
    }
    if (t->fmt == RY_FMT_I2_S && tid == 0)
        memcpy(dst + n_blocks * info->block_bytes, &fill.scale, sizeof fill.scale);
}

static void fill_on_thread(void *arg, int tid, int n)
{
    const struct work *w = arg;
    for (size_t i = 0; i < w->plan->n_tensors; i++) {
        const struct tensor *t = &w->plan->tensors[i];
        if (t->n_rows)
            fill_matrix(w, i, tid, n);
        else if (tid == 0)
            write_ones(w->data + t->offset, t->n_cols);
    }
}

static ry_rc fill(struct ry_shape_image *image, const struct plan *p,
                  const struct ry_shape_options *o, ry_err *err)
{
    struct work w = {p, (uint8_t *)image->map + p->header.len, o->cancel};
    ry_par *par;
    memcpy(image->map, p->header.data, p->header.len);
    ry_rc rc = ry_par_new(&par, err);
    if (rc != RY_OK)
        return rc;
    ry_par_run(par, o->n_threads, fill_on_thread, &w);
    ry_par_free(par);
    return stopped(o->cancel) ? ry_err_set(err, RY_ERR_CANCELLED, "loading was stopped") : RY_OK;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static ry_rc map_image(struct ry_shape_image *out, const struct plan *p, ry_err *err)
{
    uint64_t bytes = p->header.len + p->n_data, available = ry_cpu_available_memory(NULL);
    if (bytes > available || bytes > SIZE_MAX)
        return ry_err_set(err, RY_ERR_MEMORY,
                          "the shape %s takes %.0f MB, but only %.0f MB are available: take a "
                          "smaller shape or format",
                          p->shape->name, (double)bytes / 1e6, (double)available / 1e6);
    void *map =
        mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return ry_err_set(err, RY_ERR_MEMORY, "%.0f MB for the shape %s cannot be had: %s",
                          (double)bytes / 1e6, p->shape->name, strerror(errno));
#ifdef MADV_NOHUGEPAGE
    madvise(map, (size_t)bytes, MADV_NOHUGEPAGE); /* a file's pages are small ones */
#endif
    *out = (struct ry_shape_image){map, (size_t)bytes};
    return RY_OK;
}

ry_rc ry_shape_make(struct ry_shape_image *out, const struct ry_shape_options *o, ry_err *err)
{
    struct plan p = {0};
    struct ry_shape_image image = {0};
    ry_rc rc = parse_word(&p, o->word, err);
    if (rc == RY_OK)
        rc = list_tensors(&p, err);
    if (rc == RY_OK)
        rc = write_header(&p, err);
    if (rc == RY_OK)
        rc = map_image(&image, &p, err);
    if (rc == RY_OK)
        rc = fill(&image, &p, o, err);
    ry_mem_free(p.tensors);
    ry_buf_done(&p.header);
    if (rc == RY_OK)
        *out = image;
    else
        ry_shape_done(&image);
    return rc;
}

void ry_shape_done(struct ry_shape_image *image)
{
    if (image->map)
        munmap(image->map, image->n_bytes);
    *image = (struct ry_shape_image){0};
}
