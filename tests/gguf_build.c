/* The builder of GGUF images. See the header. */
#include "tests/gguf_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/arch.h"

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "gguf_build: %s\n", what);
    abort();
}

static void put(ry_buf *buf, const void *bytes, size_t len)
{
    must(ry_buf_add(buf, bytes, len), "out of memory");
}

static void put_u32(ry_buf *buf, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    put(buf, b, sizeof b);
}

static void put_u64(ry_buf *buf, uint64_t v)
{
    put_u32(buf, (uint32_t)v);
    put_u32(buf, (uint32_t)(v >> 32));
}

static void put_zeros(ry_buf *buf, uint64_t n)
{
    static const char zeros[256];
    for (; n > sizeof zeros; n -= sizeof zeros)
        put(buf, zeros, sizeof zeros);
    put(buf, zeros, n);
}

static uint64_t align_up(uint64_t v, uint64_t alignment)
{
    return (v + alignment - 1) / alignment * alignment;
}

void gb_init(struct gb *b)
{
    *b = (struct gb){.magic = {'G', 'G', 'U', 'F'}, .version = 3, .alignment = 32};
}

static void done_kv(struct gb_kv *kv)
{
    ry_buf_done(&kv->key);
    ry_buf_done(&kv->value);
}

static void done_tensor(struct gb_tensor *t)
{
    ry_buf_done(&t->name);
    ry_buf_done(&t->data);
}

void gb_done(struct gb *b)
{
    for (size_t i = 0; i < b->n_kv; i++)
        done_kv(&b->kv[i]);
    for (size_t i = 0; i < b->n_tensors; i++)
        done_tensor(&b->tensors[i]);
    free(b->kv);
    free(b->tensors);
    gb_init(b);
}

/* ---- keys -------------------------------------------------------------------------------------------- */

struct gb_kv *gb_find_kv(struct gb *b, const char *key)
{
    for (size_t i = 0; i < b->n_kv; i++)
        if (strcmp(ry_buf_str(&b->kv[i].key), key) == 0)
            return &b->kv[i];
    return NULL;
}

static struct gb_kv *add_kv(struct gb *b, const char *key)
{
    struct gb_kv *all = realloc(b->kv, (b->n_kv + 1) * sizeof *all);
    must(all != NULL, "out of memory");
    b->kv = all;
    struct gb_kv *kv = &all[b->n_kv++];
    *kv = (struct gb_kv){.key_len = strlen(key)};
    put(&kv->key, key, strlen(key));
    return kv;
}

struct gb_kv *gb_set(struct gb *b, const char *key, uint32_t type, const void *bytes, size_t len)
{
    struct gb_kv *kv = gb_find_kv(b, key);
    if (!kv)
        kv = add_kv(b, key);
    kv->type = type;
    ry_buf_clear(&kv->value);
    put(&kv->value, bytes, len);
    return kv;
}

void gb_set_u32(struct gb *b, const char *key, uint32_t v)
{
    put_u32(&gb_set(b, key, RY_GGUF_U32, "", 0)->value, v);
}

void gb_set_f32(struct gb *b, const char *key, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_u32(&gb_set(b, key, RY_GGUF_F32, "", 0)->value, bits);
}

void gb_set_bool(struct gb *b, const char *key, bool v)
{
    uint8_t byte = v;
    gb_set(b, key, RY_GGUF_BOOL, &byte, 1);
}

void gb_set_str(struct gb *b, const char *key, const char *v)
{
    struct gb_kv *kv = gb_set(b, key, RY_GGUF_STRING, "", 0);
    put_u64(&kv->value, strlen(v));
    put(&kv->value, v, strlen(v));
}

void gb_set_array(struct gb *b, const char *key, enum ry_gguf_type elem, uint64_t count,
                  const void *bytes, size_t len)
{
    struct gb_kv *kv = gb_set(b, key, RY_GGUF_ARRAY, "", 0);
    put_u32(&kv->value, elem);
    put_u64(&kv->value, count);
    put(&kv->value, bytes, len);
}

void gb_set_strings(struct gb *b, const char *key, const char *const *v, size_t n)
{
    gb_set_array(b, key, RY_GGUF_STRING, n, "", 0);
    struct gb_kv *kv = gb_find_kv(b, key);
    for (size_t i = 0; i < n; i++) {
        put_u64(&kv->value, strlen(v[i]));
        put(&kv->value, v[i], strlen(v[i]));
    }
}

void gb_drop_kv(struct gb *b, const char *key)
{
    struct gb_kv *kv = gb_find_kv(b, key);
    must(kv != NULL, key);
    done_kv(kv);
    size_t i = (size_t)(kv - b->kv);
    memmove(kv, kv + 1, (--b->n_kv - i) * sizeof *kv);
}

void gb_repeat_kv(struct gb *b, const char *key)
{
    must(gb_find_kv(b, key) != NULL, key);
    struct gb_kv *copy = add_kv(b, key), *kv = gb_find_kv(b, key);
    copy->type = kv->type;
    put(&copy->value, kv->value.data, kv->value.len);
}

/* ---- tensors ----------------------------------------------------------------------------------------- */

struct gb_tensor *gb_find_tensor(struct gb *b, const char *name)
{
    for (size_t i = 0; i < b->n_tensors; i++)
        if (strcmp(ry_buf_str(&b->tensors[i].name), name) == 0)
            return &b->tensors[i];
    return NULL;
}

struct gb_tensor *gb_add_tensor(struct gb *b, const char *name, uint32_t type, uint32_t n_dims,
                                const uint64_t *ne, const void *data, size_t len)
{
    must(n_dims <= GB_MAX_DIMS, "too many dimensions");
    struct gb_tensor *all = realloc(b->tensors, (b->n_tensors + 1) * sizeof *all);
    must(all != NULL, "out of memory");
    b->tensors = all;
    struct gb_tensor *t = &all[b->n_tensors++];
    *t = (struct gb_tensor){.name_len = strlen(name), .n_dims = n_dims, .type = type};
    for (uint32_t d = 0; d < GB_MAX_DIMS; d++)
        t->ne[d] = d < n_dims ? ne[d] : 1;
    put(&t->name, name, strlen(name));
    put(&t->data, data, len);
    return t;
}

struct gb_tensor *gb_add_matrix(struct gb *b, const char *name, enum ry_fmt fmt, uint64_t ne0,
                                uint64_t ne1, const float *values)
{
    uint64_t bytes, ne[2] = {ne0, ne1};
    must(ry_fmt_tensor_bytes(fmt, ne0, ne1, &bytes), "matrix too large");
    uint8_t *data = calloc(1, bytes);
    must(data != NULL, "out of memory");
    size_t row_bytes = ry_fmt_row_bytes(fmt, ne0);
    float scale = 0.0f;
    for (uint64_t i = 0; i < ne0 * ne1; i++)
        scale = fabsf(values[i]) > scale ? fabsf(values[i]) : scale;
    for (uint64_t r = 0; r < ne1; r++)
        ry_fmt_encode(fmt, data + r * row_bytes, values + r * ne0, ne0);
    if (fmt == RY_FMT_I2_S)
        memcpy(data + ne1 * row_bytes, &scale, sizeof scale);
    struct gb_tensor *t =
        gb_add_tensor(b, name, ry_fmt_info(fmt)->ggml_type, ne1 > 1 ? 2 : 1, ne, data, bytes);
    free(data);
    return t;
}

void gb_drop_tensor(struct gb *b, const char *name)
{
    struct gb_tensor *t = gb_find_tensor(b, name);
    must(t != NULL, name);
    done_tensor(t);
    size_t i = (size_t)(t - b->tensors);
    memmove(t, t + 1, (--b->n_tensors - i) * sizeof *t);
}

void gb_repeat_tensor(struct gb *b, const char *name)
{
    must(gb_find_tensor(b, name) != NULL, name);
    struct gb_tensor *copy = gb_add_tensor(b, name, 0, 0, NULL, "", 0), *t;
    t = gb_find_tensor(b, name);
    copy->n_dims = t->n_dims;
    memcpy(copy->ne, t->ne, sizeof copy->ne);
    copy->type = t->type;
    put(&copy->data, t->data.data, t->data.len);
}

/* ---- the image --------------------------------------------------------------------------------------- */

void gb_layout(struct gb *b)
{
    uint64_t at = 0;
    for (size_t i = 0; i < b->n_tensors; i++) {
        at = align_up(at, b->alignment);
        b->tensors[i].at = b->tensors[i].offset = at;
        at += b->tensors[i].data.len;
    }
}

static void put_header(const struct gb *b, ry_buf *out)
{
    put(out, b->magic, sizeof b->magic);
    put_u32(out, b->version);
    put_u64(out, b->n_tensors + b->n_tensors_more);
    put_u64(out, b->n_kv + b->n_kv_more);
    for (size_t i = 0; i < b->n_kv; i++) {
        const struct gb_kv *kv = &b->kv[i];
        put_u64(out, kv->key_len);
        put(out, kv->key.data, kv->key.len);
        put_u32(out, kv->type);
        put(out, kv->value.data, kv->value.len);
    }
    for (size_t i = 0; i < b->n_tensors; i++) {
        const struct gb_tensor *t = &b->tensors[i];
        put_u64(out, t->name_len);
        put(out, t->name.data, t->name.len);
        put_u32(out, t->n_dims);
        for (uint32_t d = 0; d < t->n_dims && d < GB_MAX_DIMS; d++)
            put_u64(out, t->ne[d]);
        put_u32(out, t->type);
        put_u64(out, t->offset);
    }
}

uint64_t gb_data_offset(const struct gb *b)
{
    ry_buf header = {0};
    put_header(b, &header);
    uint64_t n = align_up(header.len, b->alignment);
    ry_buf_done(&header);
    return n;
}

void gb_image(const struct gb *b, ry_buf *out)
{
    ry_buf_clear(out);
    put_header(b, out);
    uint64_t data = align_up(out->len, b->alignment);
    for (size_t i = 0; i < b->n_tensors; i++) {
        const struct gb_tensor *t = &b->tensors[i];
        put_zeros(out, data + t->at - out->len);
        put(out, t->data.data, t->data.len);
    }
}

/* ---- whole models ------------------------------------------------------------------------------------ */

/* SplitMix64 (Steele, Lea, Flood 2014), its upper 24 bits. */
float gb_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-23f - 1.0f;
}

struct gb_shape gb_shape_default(const char *arch, enum ry_fmt fmt)
{
    bool wide = ry_fmt_info(fmt)->block_elems > 32;
    bool big_embd = !ry_fmt_info(fmt)->ternary;
    return (struct gb_shape){.arch = arch,
                             .n_embd = wide ? 256 : 64,
                             .n_layer = 2,
                             .n_head = 4,
                             .n_head_kv = 2,
                             .head_dim = wide ? 64 : 16,
                             .n_ff = wide ? 512 : 96,
                             .n_vocab = 320,
                             .n_ctx = 256,
                             .fmt = fmt,
                             .embd_fmt = big_embd ? fmt : RY_FMT_F16,
                             .vocab = true,
                             .seed = 1};
}

struct maker {
    struct gb *b;
    const struct gb_shape *shape;
    uint64_t random;
};

/* About 1/sqrt(n_cols) each, or -1, 0, 1 times that for ternary formats. */
static void matrix(struct maker *m, const char *name, enum ry_fmt fmt, uint64_t ne0, uint64_t ne1)
{
    float *w = malloc(ne0 * ne1 * sizeof *w), unit = 1.0f / sqrtf((float)ne0);
    must(w != NULL, "out of memory");
    for (uint64_t i = 0; i < ne0 * ne1; i++) {
        float x = gb_random(&m->random);
        w[i] = unit * (ry_fmt_info(fmt)->ternary ? rintf(x) : x * 1.7f);
    }
    gb_add_matrix(m->b, name, fmt, ne0, ne1, w);
    free(w);
}

static void layer_matrix(struct maker *m, uint32_t layer, const char *what, uint64_t ne0,
                         uint64_t ne1)
{
    char name[64];
    snprintf(name, sizeof name, "blk.%u.%s.weight", layer, what);
    matrix(m, name, m->shape->fmt, ne0, ne1);
}

static void vector(struct maker *m, const char *name, uint64_t n, float middle, float spread)
{
    float *w = malloc(n * sizeof *w);
    must(w != NULL, "out of memory");
    for (uint64_t i = 0; i < n; i++)
        w[i] = middle + spread * gb_random(&m->random);
    gb_add_matrix(m->b, name, RY_FMT_F32, n, 1, w);
    free(w);
}

static void layer_vector(struct maker *m, uint32_t layer, const char *what, uint64_t n)
{
    char name[64];
    snprintf(name, sizeof name, "blk.%u.%s", layer, what);
    bool norm = strstr(what, "norm") != NULL;
    vector(m, name, n, norm ? 1.0f : 0.0f, 0.2f);
}

static void set_hparam(struct maker *m, const char *suffix, uint32_t v)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", m->shape->arch, suffix);
    gb_set_u32(m->b, key, v);
}

static void hparams(struct maker *m, const struct ry_arch *arch)
{
    const struct gb_shape *s = m->shape;
    char key[128];
    gb_set_str(m->b, "general.architecture", s->arch);
    gb_set_str(m->b, "general.name", "random");
    set_hparam(m, "context_length", s->n_ctx);
    set_hparam(m, "embedding_length", s->n_embd);
    set_hparam(m, "block_count", s->n_layer);
    set_hparam(m, "feed_forward_length", s->n_ff);
    set_hparam(m, "attention.head_count", s->n_head);
    set_hparam(m, "attention.head_count_kv", s->n_head_kv);
    set_hparam(m, "attention.key_length", s->head_dim);
    set_hparam(m, "attention.value_length", s->head_dim);
    set_hparam(m, "rope.dimension_count", s->head_dim);
    if (arch->window_every)
        set_hparam(m, "attention.sliding_window", 8);
    snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", s->arch);
    gb_set_f32(m->b, key, 1e-5f);
    snprintf(key, sizeof key, "%s.rope.freq_base", s->arch);
    gb_set_f32(m->b, key, 10000.0f);
}

static void layer(struct maker *m, uint32_t i, const struct ry_arch *arch)
{
    const struct gb_shape *s = m->shape;
    uint64_t n_q = (uint64_t)s->n_head * s->head_dim, n_kv = (uint64_t)s->n_head_kv * s->head_dim;
    layer_vector(m, i, "attn_norm.weight", s->n_embd);
    layer_vector(m, i, "ffn_norm.weight", s->n_embd);
    if (arch->sub_norms) {
        layer_vector(m, i, "attn_sub_norm.weight", n_q);
        layer_vector(m, i, "ffn_sub_norm.weight", s->n_ff);
    }
    if (arch->post_norms) {
        layer_vector(m, i, "post_attention_norm.weight", s->n_embd);
        layer_vector(m, i, "post_ffw_norm.weight", s->n_embd);
    }
    if (arch->qk_norm) {
        layer_vector(m, i, "attn_q_norm.weight", s->head_dim);
        layer_vector(m, i, "attn_k_norm.weight", s->head_dim);
    }
    if (arch->fused_qkv) {
        layer_matrix(m, i, "attn_qkv", s->n_embd, n_q + 2 * n_kv);
    } else {
        layer_matrix(m, i, "attn_q", s->n_embd, n_q);
        layer_matrix(m, i, "attn_k", s->n_embd, n_kv);
        layer_matrix(m, i, "attn_v", s->n_embd, n_kv);
    }
    if (arch->qkv_bias) {
        layer_vector(m, i, "attn_q.bias", n_q);
        layer_vector(m, i, "attn_k.bias", n_kv);
        layer_vector(m, i, "attn_v.bias", n_kv);
    }
    layer_matrix(m, i, "attn_output", n_q, s->n_embd);
    if (!arch->fused_gate_up)
        layer_matrix(m, i, "ffn_gate", s->n_embd, s->n_ff);
    layer_matrix(m, i, "ffn_up", s->n_embd, arch->fused_gate_up ? 2 * s->n_ff : s->n_ff);
    layer_matrix(m, i, "ffn_down", s->n_ff, s->n_embd);
}

/* <unk> <s> </s>, the 256 bytes, a space, letters, and fillers: enough to tokenize any text. */
static void tokenizer(struct maker *m)
{
    enum { UNKNOWN = 2, CONTROL = 3, NORMAL = 1, BYTE = 6, N_FIXED = 3 + 256 + 1 + 26 };
    uint32_t n = m->shape->n_vocab;
    must(n >= 320, "a vocabulary of 320 at least");
    char(*text)[16] = calloc(n, sizeof *text);
    const char **tokens = calloc(n, sizeof *tokens);
    float *scores = calloc(n, sizeof *scores);
    int32_t *types = calloc(n, sizeof *types);
    must(text && tokens && scores && types, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        types[i] = i == 0 ? UNKNOWN : i < 3 ? CONTROL : i < 259 ? BYTE : NORMAL;
        scores[i] = i < 259 ? 0.0f : -(float)i;
        if (i < 3)
            snprintf(text[i], sizeof text[i], "%s", i == 0 ? "<unk>" : i == 1 ? "<s>" : "</s>");
        else if (i < 259)
            snprintf(text[i], sizeof text[i], "<0x%02X>", i - 3);
        else if (i == 259)
            snprintf(text[i], sizeof text[i], "\xe2\x96\x81");
        else if (i < N_FIXED)
            snprintf(text[i], sizeof text[i], "%c", (int)('a' + i - 260));
        else
            snprintf(text[i], sizeof text[i], "%c%c", (int)('a' + (i - N_FIXED) / 26 % 26),
                     (int)('a' + (i - N_FIXED) % 26));
        tokens[i] = text[i];
    }
    must(n <= N_FIXED + 26 * 26, "a vocabulary of at most 962");
    gb_set_str(m->b, "tokenizer.ggml.model", "llama");
    gb_set_strings(m->b, "tokenizer.ggml.tokens", tokens, n);
    gb_set_array(m->b, "tokenizer.ggml.scores", RY_GGUF_F32, n, scores, n * sizeof *scores);
    gb_set_array(m->b, "tokenizer.ggml.token_type", RY_GGUF_I32, n, types, n * sizeof *types);
    gb_set_u32(m->b, "tokenizer.ggml.bos_token_id", 1);
    gb_set_u32(m->b, "tokenizer.ggml.eos_token_id", 2);
    gb_set_u32(m->b, "tokenizer.ggml.unknown_token_id", 0);
    free(text);
    free(tokens);
    free(scores);
    free(types);
}

void gb_model(struct gb *b, const struct gb_shape *shape)
{
    const struct ry_arch *arch = ry_arch_find(shape->arch, strlen(shape->arch));
    must(arch != NULL, "an architecture that ryot knows");
    struct maker m = {b, shape, shape->seed};
    gb_init(b);
    hparams(&m, arch);
    if (shape->vocab)
        tokenizer(&m);
    else
        gb_set_str(b, "tokenizer.ggml.model", "no_vocab");
    matrix(&m, "token_embd.weight", shape->embd_fmt, shape->n_embd, shape->n_vocab);
    if (!shape->tied && !arch->must_tie)
        matrix(&m, "output.weight", shape->embd_fmt, shape->n_embd, shape->n_vocab);
    vector(&m, "output_norm.weight", shape->n_embd, 1.0f, 0.2f);
    for (uint32_t i = 0; i < shape->n_layer; i++)
        layer(&m, i, arch);
    gb_layout(b);
}

bool gb_seed(size_t i, ry_buf *out)
{
    static const char *const archs[] = {"llama",  "qwen2",        "qwen3",    "gemma",
                                        "gemma2", "gemma3",       "phi3",     "smollm3",
                                        "bitnet", "bitnet-b1.58", "bitnet-25"};
    enum { N_ARCHS = sizeof archs / sizeof archs[0] };
    if (i >= N_ARCHS + RY_FMT_COUNT)
        return false;
    enum ry_fmt fmt = i < N_ARCHS ? RY_FMT_F32 : (enum ry_fmt)(i - N_ARCHS);
    struct gb b;
    struct gb_shape shape = gb_shape_default(i < N_ARCHS ? archs[i] : "bitnet", fmt);
    uint32_t block = ry_fmt_info(fmt)->block_elems;
    shape.n_layer = 1;
    shape.n_embd = shape.n_ff = block < 8 ? 8 : block;
    shape.n_head = shape.n_head_kv = 1;
    shape.head_dim = shape.n_embd;
    shape.embd_fmt = RY_FMT_F16;
    shape.vocab = i == 0;
    if (!shape.vocab)
        shape.n_vocab = 2;
    gb_model(&b, &shape);
    gb_image(&b, out);
    gb_done(&b);
    return true;
}
