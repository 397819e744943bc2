/* Binding: every tensor that a forward pass reads, looked up by name and checked against the hyper-parameters.
 *
 * Nothing is copied but vectors that are not f32. Tensors that no row of the architecture reads are a refusal too:
 * leaving out a bias that the file carries would give answers that only look right. A bound model is const; any
 * thread. Must not know how anything is computed, nor what a GGUF looks like on disk. */
#include "engine/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/base/arena.h"
#include "src/base/mem.h"

enum { NAME_BYTES = 96, TERNARY_BLOCK = 256 };

struct binder {
    struct ry_model *m;
    const ry_gguf *g;
    bool *used; /* [n_tensors], owned by ry_model_bind */
    ry_err *err;
};

static const char *layer_name(char buf[NAME_BYTES], uint32_t layer, const char *what)
{
    snprintf(buf, NAME_BYTES, "blk.%u.%s", layer, what);
    return buf;
}

static ry_rc out_of_memory(const struct binder *b)
{
    return ry_err_set(b->err, RY_ERR_MEMORY, "%s: out of memory while the model was bound",
                      ry_gguf_name(b->g));
}

/* ---- finding and checking ---------------------------------------------------------------------------- */

/* Marks a tensor as read. NULL with RY_OK: absent and not required. */
static ry_rc find(struct binder *b, const char *name, bool required,
                  const struct ry_gguf_tensor **out)
{
    const struct ry_gguf_tensor *t = ry_gguf_find_tensor(b->g, name);
    *out = t;
    if (t) {
        b->used[t - ry_gguf_tensor_at(b->g, 0)] = true;
        if (!t->data)
            return ry_gguf_fail(b->g, t->offset, b->err, "tensor '%s': its data is not in the file",
                                name);
        return RY_OK;
    }
    if (!required)
        return RY_OK;
    return ry_gguf_fail(b->g, RY_GGUF_NO_OFFSET, b->err,
                        "tensor '%s' is missing: %s models need it", name, b->m->arch->name);
}

/* ne1 = 0: a vector. */
static ry_rc check_shape(const struct binder *b, const struct ry_gguf_tensor *t, uint64_t ne0,
                         uint64_t ne1)
{
    uint64_t rows = ne1 ? ne1 : 1;
    if (t->ne[0] == ne0 && t->ne[1] == rows && t->ne[2] == 1 && t->ne[3] == 1)
        return RY_OK;
    char name[RY_GGUF_QUOTE_BYTES], actual[128], expected[64];
    int n = snprintf(actual, sizeof actual, "%" PRIu64, t->ne[0]);
    for (uint32_t d = 1; d < t->n_dims; d++)
        n += snprintf(actual + n, sizeof actual - (size_t)n, ", %" PRIu64, t->ne[d]);
    if (ne1)
        snprintf(expected, sizeof expected, "%" PRIu64 ", %" PRIu64, ne0, ne1);
    else
        snprintf(expected, sizeof expected, "%" PRIu64, ne0);
    return ry_gguf_fail(b->g, t->offset, b->err,
                        "tensor '%s' has shape [%s], the hyper-parameters say [%s]",
                        ry_gguf_quote(t->name, name), actual, expected);
}

/* ---- vectors ----------------------------------------------------------------------------------------- */

/* f32 in place; f16 and bf16 become f32 in the arena. */
static ry_rc bind_vector(struct binder *b, const char *name, uint64_t n, bool required,
                         const float **out)
{
    const struct ry_gguf_tensor *t;
    *out = NULL;
    ry_rc rc = find(b, name, required, &t);
    if (rc != RY_OK || !t)
        return rc;
    rc = check_shape(b, t, n, 0);
    if (rc != RY_OK)
        return rc;
    b->m->weight_bytes += t->n_bytes;
    b->m->n_params += n;
    if (t->fmt == RY_FMT_F32) {
        *out = (const float *)(const void *)t->data;
        return RY_OK;
    }
    if (t->fmt != RY_FMT_F16 && t->fmt != RY_FMT_BF16)
        return ry_gguf_fail(b->g, t->offset, b->err,
                            "tensor '%s' is %s; a vector must be F32, F16 or BF16", name,
                            ry_fmt_info(t->fmt)->name);
    float *copy = ry_arena_alloc(b->m->arena, n, sizeof *copy);
    if (!copy)
        return out_of_memory(b);
    ry_fmt_info(t->fmt)->decode(copy, t->data, n);
    *out = copy;
    return RY_OK;
}

static ry_rc layer_vector(struct binder *b, uint32_t layer, const char *what, uint64_t n,
                          bool required, const float **out)
{
    char name[NAME_BYTES];
    return bind_vector(b, layer_name(name, layer, what), n, required, out);
}

/* ---- matrices ---------------------------------------------------------------------------------------- */

static uint16_t block_scale_bits(const struct ry_fmt_info *info, const uint8_t *block)
{
    uint16_t bits;
    memcpy(&bits, block + info->block_bytes - sizeof bits, sizeof bits); /* d comes last */
    return bits;
}

/* Whether all codes of a block are 0: decoded with d = 1, so that a d of 0 hides nothing. */
static bool codes_all_zero(const struct ry_fmt_info *info, const uint8_t *block)
{
    static const uint16_t one = 0x3c00;
    uint8_t copy[TERNARY_BLOCK];
    float w[TERNARY_BLOCK];
    memcpy(copy, block, info->block_bytes);
    memcpy(copy + info->block_bytes - sizeof one, &one, sizeof one);
    info->decode(w, copy, info->block_elems);
    for (size_t i = 0; i < info->block_elems; i++)
        if (w[i] != 0.0f)
            return false;
    return true;
}

/* TQ1_0 and TQ2_0 made from a ternary model carry the same d in every block that has a code other than 0. Then one
 * scale serves the tensor, as BitLinear defines it. One linear pass that reads two bytes a block and stops at the
 * first block that differs: 0.07 s for each GB of weights in memory (one core of a Xeon, 424 MB of TQ2_0). */
static bool find_uniform_scale(const struct ry_gguf_tensor *t, float *scale)
{
    const struct ry_fmt_info *info = ry_fmt_info(t->fmt);
    uint16_t common = 0;
    bool have = false;
    for (uint64_t at = 0; at < t->n_bytes; at += info->block_bytes) {
        uint16_t d = block_scale_bits(info, t->data + at);
        if (have && d == common)
            continue;
        if (codes_all_zero(info, t->data + at))
            continue;
        if (have || (d & 0x7fff) == 0)
            return false;
        common = d;
        have = true;
    }
    *scale = have ? ry_f16_to_f32(common) : 1.0f;
    return true;
}

static ry_rc set_scale(struct binder *b, const struct ry_gguf_tensor *t, struct ry_wmat *w)
{
    w->scale = 1.0f;
    if (w->fmt == RY_FMT_I2_S) {
        memcpy(&w->scale, t->data + (size_t)w->n_rows * w->row_bytes, sizeof w->scale);
        w->uniform = true;
        if (!isfinite(w->scale)) {
            char name[RY_GGUF_QUOTE_BYTES];
            return ry_gguf_fail(b->g, t->offset + t->n_bytes, b->err,
                                "tensor '%s': its scale is %g, must be finite",
                                ry_gguf_quote(t->name, name), (double)w->scale);
        }
    } else if (ry_fmt_info(w->fmt)->ternary) {
        w->uniform = find_uniform_scale(t, &w->scale);
    }
    return RY_OK;
}

/* The optional `.scale` beside a `.weight`: one number that multiplies the product. */
static ry_rc multiply_scale(struct binder *b, const char *weight_name, struct ry_wmat *w)
{
    char name[NAME_BYTES];
    size_t stem = strlen(weight_name) - strlen("weight");
    snprintf(name, sizeof name, "%.*sscale", (int)stem, weight_name);
    const float *scale;
    uint64_t n_params = b->m->n_params;
    ry_rc rc = bind_vector(b, name, 1, false, &scale);
    b->m->n_params = n_params;
    if (rc != RY_OK || !scale)
        return rc;
    if (!isfinite(*scale))
        return ry_gguf_fail(b->g, ry_gguf_find_tensor(b->g, name)->offset, b->err,
                            "tensor '%s' is %g, must be finite", name, (double)*scale);
    w->scale *= *scale;
    return RY_OK;
}

static ry_rc bind_matrix(struct binder *b, const char *name, uint64_t n_cols, uint64_t n_rows,
                         struct ry_wmat *out)
{
    const struct ry_gguf_tensor *t;
    ry_rc rc = find(b, name, true, &t);
    if (rc == RY_OK)
        rc = check_shape(b, t, n_cols, n_rows);
    if (rc != RY_OK)
        return rc;
    *out = (struct ry_wmat){.data = t->data,
                            .n_rows = n_rows,
                            .n_cols = n_cols,
                            .row_bytes = ry_fmt_row_bytes(t->fmt, n_cols),
                            .fmt = t->fmt};
    b->m->weight_bytes += t->n_bytes;
    b->m->n_params += n_cols * n_rows;
    return set_scale(b, t, out);
}

static ry_rc layer_matrix(struct binder *b, uint32_t layer, const char *what, uint64_t n_cols,
                          uint64_t n_rows, struct ry_wmat *out)
{
    char name[NAME_BYTES];
    ry_rc rc = bind_matrix(b, layer_name(name, layer, what), n_cols, n_rows, out);
    if (rc == RY_OK && b->m->arch->weight_scales)
        rc = multiply_scale(b, name, out);
    return rc;
}

/* Rows [row0, row0 + n) of a fused matrix. */
static struct ry_wmat view_rows(const struct ry_wmat *w, size_t row0, size_t n)
{
    struct ry_wmat view = *w;
    view.data = (const uint8_t *)w->data + row0 * w->row_bytes;
    view.n_rows = n;
    return view;
}

/* ---- one layer --------------------------------------------------------------------------------------- */

static ry_rc bind_qkv(struct binder *b, uint32_t i, struct ry_layer *l)
{
    const struct ry_hparams *hp = &b->m->hp;
    uint64_t n_q = (uint64_t)hp->n_head * hp->head_dim_k;
    uint64_t n_k = (uint64_t)hp->n_head_kv * hp->head_dim_k;
    uint64_t n_v = (uint64_t)hp->n_head_kv * hp->head_dim_v;
    if (b->m->arch->fused_qkv) {
        struct ry_wmat all;
        ry_rc rc = layer_matrix(b, i, "attn_qkv.weight", hp->n_embd, n_q + n_k + n_v, &all);
        if (rc != RY_OK)
            return rc;
        l->q = view_rows(&all, 0, n_q);
        l->k = view_rows(&all, n_q, n_k);
        l->v = view_rows(&all, n_q + n_k, n_v);
        return RY_OK;
    }
    bool bias = b->m->arch->qkv_bias;
    ry_rc rc = layer_matrix(b, i, "attn_q.weight", hp->n_embd, n_q, &l->q);
    if (rc == RY_OK)
        rc = layer_matrix(b, i, "attn_k.weight", hp->n_embd, n_k, &l->k);
    if (rc == RY_OK)
        rc = layer_matrix(b, i, "attn_v.weight", hp->n_embd, n_v, &l->v);
    if (rc == RY_OK)
        rc = layer_vector(b, i, "attn_q.bias", n_q, bias, &l->q_bias);
    if (rc == RY_OK)
        rc = layer_vector(b, i, "attn_k.bias", n_k, bias, &l->k_bias);
    if (rc == RY_OK)
        rc = layer_vector(b, i, "attn_v.bias", n_v, bias, &l->v_bias);
    return rc;
}

static ry_rc bind_attention(struct binder *b, uint32_t i, struct ry_layer *l)
{
    const struct ry_hparams *hp = &b->m->hp;
    const struct ry_arch *arch = b->m->arch;
    uint64_t n_o = (uint64_t)hp->n_head * hp->head_dim_v;
    ry_rc rc = layer_vector(b, i, "attn_norm.weight", hp->n_embd, true, &l->attn_norm);
    if (rc == RY_OK)
        rc = bind_qkv(b, i, l);
    if (rc == RY_OK && arch->qk_norm)
        rc = layer_vector(b, i, "attn_q_norm.weight", hp->head_dim_k, true, &l->q_norm);
    if (rc == RY_OK && arch->qk_norm)
        rc = layer_vector(b, i, "attn_k_norm.weight", hp->head_dim_k, true, &l->k_norm);
    if (rc == RY_OK && arch->sub_norms)
        rc = layer_vector(b, i, "attn_sub_norm.weight", n_o, true, &l->attn_sub_norm);
    if (rc == RY_OK)
        rc = layer_matrix(b, i, "attn_output.weight", n_o, hp->n_embd, &l->o);
    if (rc == RY_OK)
        rc = layer_vector(b, i, "attn_output.bias", hp->n_embd, false, &l->o_bias);
    if (rc == RY_OK && arch->post_norms)
        rc = layer_vector(b, i, "post_attention_norm.weight", hp->n_embd, true, &l->post_attn_norm);
    return rc;
}

static ry_rc bind_gate_up(struct binder *b, uint32_t i, struct ry_layer *l)
{
    const struct ry_hparams *hp = &b->m->hp;
    if (!b->m->arch->fused_gate_up) {
        ry_rc rc = layer_matrix(b, i, "ffn_gate.weight", hp->n_embd, hp->n_ff, &l->gate);
        return rc == RY_OK ? layer_matrix(b, i, "ffn_up.weight", hp->n_embd, hp->n_ff, &l->up) : rc;
    }
    struct ry_wmat both;
    ry_rc rc = layer_matrix(b, i, "ffn_up.weight", hp->n_embd, 2 * (uint64_t)hp->n_ff, &both);
    if (rc != RY_OK)
        return rc;
    l->gate = view_rows(&both, 0, hp->n_ff);
    l->up = view_rows(&both, hp->n_ff, hp->n_ff);
    return RY_OK;
}

static ry_rc bind_ffn(struct binder *b, uint32_t i, struct ry_layer *l)
{
    const struct ry_hparams *hp = &b->m->hp;
    const struct ry_arch *arch = b->m->arch;
    ry_rc rc = layer_vector(b, i, "ffn_norm.weight", hp->n_embd, true, &l->ffn_norm);
    if (rc == RY_OK)
        rc = bind_gate_up(b, i, l);
    if (rc == RY_OK && arch->sub_norms)
        rc = layer_vector(b, i, "ffn_sub_norm.weight", hp->n_ff, true, &l->ffn_sub_norm);
    if (rc == RY_OK)
        rc = layer_matrix(b, i, "ffn_down.weight", hp->n_ff, hp->n_embd, &l->down);
    if (rc == RY_OK && arch->post_norms)
        rc = layer_vector(b, i, "post_ffw_norm.weight", hp->n_embd, true, &l->post_ffn_norm);
    return rc;
}

/* Sliding window and RoPE of layer i, which differ between layers in some families. */
static void place_layer(const struct ry_model *m, uint32_t i, struct ry_layer *l)
{
    const struct ry_hparams *hp = &m->hp;
    bool slides = hp->window && (!hp->window_every || (i + 1) % hp->window_every != 0);
    bool own_base = slides && hp->window_rope_base > 0.0f;
    bool no_rope = m->arch->nope_every && (i + 1) % m->arch->nope_every == 0;
    l->window = slides ? hp->window : 0;
    l->rope_base = no_rope ? 0.0f : own_base ? hp->window_rope_base : hp->rope_base;
    l->rope_scale = own_base ? 1.0f : hp->rope_scale;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

/* The embedding gives the vocabulary; the head is its own matrix or the embedding again. */
static ry_rc bind_ends(struct binder *b)
{
    struct ry_model *m = b->m;
    const struct ry_gguf_tensor *embd, *head = ry_gguf_find_tensor(b->g, "output.weight");
    ry_rc rc = find(b, "token_embd.weight", true, &embd);
    if (rc != RY_OK)
        return rc;
    if (embd->ne[1] > RY_MAX_VOCAB)
        return ry_gguf_fail(b->g, embd->offset, b->err,
                            "tensor 'token_embd.weight' has %" PRIu64
                            " rows: a vocabulary of %d at most",
                            embd->ne[1], RY_MAX_VOCAB);
    m->hp.n_vocab = (uint32_t)embd->ne[1];
    rc = bind_matrix(b, "token_embd.weight", m->hp.n_embd, m->hp.n_vocab, &m->tok_embd);
    if (rc != RY_OK)
        return rc;
    if (head && m->arch->must_tie)
        return ry_gguf_fail(b->g, head->offset, b->err,
                            "tensor 'output.weight': %s models have no head of their own",
                            m->arch->name);
    m->output = m->tok_embd;
    if (head) {
        m->weight_bytes -= embd->n_bytes; /* one row a token: not worth counting */
        rc = bind_matrix(b, "output.weight", m->hp.n_embd, m->hp.n_vocab, &m->output);
    }
    if (rc == RY_OK)
        rc = bind_vector(b, "output_norm.weight", m->hp.n_embd, true, &m->output_norm);
    return rc;
}

static ry_rc bind_rope_freqs(struct binder *b)
{
    struct ry_model *m = b->m;
    uint64_t n = m->hp.n_rot / 2, n_params = m->n_params;
    const char *name = m->hp.longrope ? "rope_factors_short.weight" : "rope_freqs.weight";
    const struct ry_gguf_tensor *unread;
    ry_rc rc = bind_vector(b, name, n, false, &m->rope_freqs);
    if (rc == RY_OK && m->hp.longrope)
        rc = find(b, "rope_factors_long.weight", false, &unread);
    m->n_params = n_params;
    if (rc != RY_OK || !m->rope_freqs)
        return rc;
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(m->rope_freqs[i]) || m->rope_freqs[i] <= 0.0f)
            return ry_gguf_fail(b->g, ry_gguf_find_tensor(b->g, name)->offset, b->err,
                                "tensor '%s': element %" PRIu64 " is %g, must be above 0", name, i,
                                (double)m->rope_freqs[i]);
    return RY_OK;
}

static ry_rc bind_layers(struct binder *b)
{
    struct ry_model *m = b->m;
    m->layers = ry_arena_alloc(m->arena, m->hp.n_layer, sizeof *m->layers);
    if (!m->layers)
        return out_of_memory(b);
    for (uint32_t i = 0; i < m->hp.n_layer; i++) {
        ry_rc rc = bind_attention(b, i, &m->layers[i]);
        if (rc == RY_OK)
            rc = bind_ffn(b, i, &m->layers[i]);
        if (rc != RY_OK)
            return rc;
        place_layer(m, i, &m->layers[i]);
    }
    return RY_OK;
}

static ry_rc refuse_unread(const struct binder *b)
{
    const struct ry_gguf_tensor *first = NULL;
    size_t n_unread = 0;
    for (size_t i = 0; i < ry_gguf_n_tensors(b->g); i++) {
        if (b->used[i])
            continue;
        n_unread++;
        if (!first)
            first = ry_gguf_tensor_at(b->g, i);
    }
    if (!first)
        return RY_OK;
    char name[RY_GGUF_QUOTE_BYTES];
    return ry_gguf_fail(b->g, first->offset, b->err,
                        "tensor '%s' (%zu such in the file) is no part of a %s model of %u layers "
                        "that ryot knows: leaving it out would give wrong answers",
                        ry_gguf_quote(first->name, name), n_unread, b->m->arch->name,
                        b->m->hp.n_layer);
}

static ry_rc bind_all(struct binder *b)
{
    struct ry_model *m = b->m;
    ry_rc rc = ry_hparams_read(b->g, &m->arch, &m->hp, b->err);
    if (rc == RY_OK && ry_gguf_n_tensors(b->g) == 0)
        return ry_gguf_fail(b->g, RY_GGUF_NO_OFFSET, b->err,
                            "holds no tensors: a vocabulary only, which serves to tokenize");
    if (rc == RY_OK)
        rc = bind_ends(b);
    if (rc == RY_OK)
        rc = bind_rope_freqs(b);
    if (rc == RY_OK)
        rc = bind_layers(b);
    if (rc == RY_OK)
        rc = refuse_unread(b);
    if (rc == RY_OK && ry_gguf_faulted(b->g))
        rc = ry_gguf_fail(b->g, RY_GGUF_NO_OFFSET, b->err,
                          "the file was truncated while it was read");
    return rc;
}

ry_rc ry_model_bind(struct ry_model *out, const ry_gguf *gguf, ry_err *err)
{
    *out = (struct ry_model){.gguf = gguf};
    struct binder b = {.m = out, .g = gguf, .err = err};
    out->arena = ry_mem_zalloc(1, sizeof *out->arena);
    b.used = ry_mem_zalloc(ry_gguf_n_tensors(gguf), sizeof *b.used);
    ry_rc rc = out->arena && b.used ? bind_all(&b) : out_of_memory(&b);
    ry_mem_free(b.used);
    if (rc != RY_OK)
        ry_model_done(out);
    return rc;
}

void ry_model_done(struct ry_model *model)
{
    if (model->arena)
        ry_arena_done(model->arena);
    ry_mem_free(model->arena);
    *model = (struct ry_model){0};
}
