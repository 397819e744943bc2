/* Hyper-parameters: from the keys of a GGUF, each checked for type and range, then against each other.
 *
 * A key that changes what the model computes and that ryot does not implement is a refusal: a wrong answer that looks
 * right is worse than none. Any thread; no state. Must not know tensors (model.c) beyond whether one is there. */
#include "engine/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEY_BYTES = 128, MAX_FF = RY_MAX_EMBD };

struct reader {
    const ry_gguf *g;
    const char *arch;
    char key[KEY_BYTES]; /* the last one looked up */
    ry_err *err;
};

static const char *key_of(struct reader *r, const char *suffix)
{
    snprintf(r->key, sizeof r->key, "%s.%s", r->arch, suffix);
    return r->key;
}

/* Where the last key stands, for messages. */
static uint64_t offset_of(const struct reader *r)
{
    const struct ry_gguf_kv *kv = ry_gguf_find(r->g, r->key);
    return kv ? kv->offset : RY_GGUF_NO_OFFSET;
}

static ry_rc missing(const struct reader *r)
{
    return ry_gguf_fail(r->g, RY_GGUF_NO_OFFSET, r->err,
                        "key '%s' is missing: without it %s models cannot be run", r->key, r->arch);
}

/* A value given once for each layer; ryot takes models whose layers are all alike. */
static ry_rc read_per_layer(struct reader *r, const struct ry_gguf_kv *kv, int64_t *out)
{
    int64_t first = 0, v = 0;
    uint64_t size = kv->count ? kv->data_bytes / kv->count : 0;
    for (uint64_t i = 0; i < kv->count; i++) {
        if (!ry_gguf_load_int(kv->elem, kv->data + i * size, &v))
            return ry_gguf_fail(r->g, kv->offset, r->err,
                                "key '%s' is an array of %s, must hold integers", r->key,
                                ry_gguf_type_name(kv->elem));
        if (i == 0)
            first = v;
        else if (v != first)
            return ry_gguf_fail(r->g, kv->offset, r->err,
                                "key '%s' differs between layers (%" PRId64 " in layer 0, %" PRId64
                                " in layer %" PRIu64 "): ryot needs layers that are all alike",
                                r->key, first, v, i);
    }
    if (kv->count == 0)
        return ry_gguf_fail(r->g, kv->offset, r->err, "key '%s' is an empty array", r->key);
    *out = first;
    return RY_OK;
}

/* An integer within [lo, hi]; absent: RY_ERR_NOT_FOUND and *out untouched. */
static ry_rc optional_u32(struct reader *r, const char *suffix, uint32_t lo, uint32_t hi,
                          uint32_t *out)
{
    const struct ry_gguf_kv *kv = ry_gguf_find(r->g, key_of(r, suffix));
    if (!kv)
        return RY_ERR_NOT_FOUND;
    int64_t v;
    ry_rc rc = RY_OK;
    if (kv->type == RY_GGUF_ARRAY)
        rc = read_per_layer(r, kv, &v);
    else if (!ry_gguf_load_int(kv->type, kv->data, &v))
        rc = ry_gguf_fail(r->g, kv->offset, r->err, "key '%s' is of type %s, must be an integer",
                          r->key, ry_gguf_type_name(kv->type));
    if (rc != RY_OK)
        return rc;
    if (v < lo || v > hi)
        return ry_gguf_fail(r->g, kv->offset, r->err, "key '%s' is %" PRId64 ", must be %u to %u",
                            r->key, v, lo, hi);
    *out = (uint32_t)v;
    return RY_OK;
}

static ry_rc required_u32(struct reader *r, const char *suffix, uint32_t lo, uint32_t hi,
                          uint32_t *out)
{
    ry_rc rc = optional_u32(r, suffix, lo, hi, out);
    return rc == RY_ERR_NOT_FOUND ? missing(r) : rc;
}

/* A finite number > 0 and <= hi; absent: RY_ERR_NOT_FOUND and *out untouched. */
static ry_rc optional_positive(struct reader *r, const char *suffix, float hi, float *out)
{
    float v;
    ry_rc rc = ry_gguf_get_f32(r->g, key_of(r, suffix), &v, r->err);
    if (rc != RY_OK)
        return rc;
    if (!isfinite(v) || v <= 0.0f || v > hi)
        return ry_gguf_fail(r->g, offset_of(r), r->err,
                            "key '%s' is %g, must be above 0 and at most %g", r->key, (double)v,
                            (double)hi);
    *out = v;
    return RY_OK;
}

/* What an optional read returns when absence is fine. */
static ry_rc or_default(ry_rc rc)
{
    return rc == RY_ERR_NOT_FOUND ? RY_OK : rc;
}

/* ---- which family ------------------------------------------------------------------------------------ */

static ry_rc read_arch(const ry_gguf *g, const struct ry_arch **arch, ry_err *err)
{
    struct ry_str name;
    char quoted[RY_GGUF_QUOTE_BYTES];
    ry_rc rc = ry_gguf_get_str(g, "general.architecture", &name, err);
    if (rc == RY_ERR_NOT_FOUND)
        return ry_gguf_fail(g, RY_GGUF_NO_OFFSET, err,
                            "key 'general.architecture' is missing: not a language model");
    if (rc != RY_OK)
        return rc;
    *arch = ry_arch_find(name.s, name.len);
    if (!*arch)
        return ry_gguf_fail(g, ry_gguf_find(g, "general.architecture")->offset, err,
                            "key 'general.architecture' is '%s'; ryot runs %s",
                            ry_gguf_quote(name, quoted), ry_arch_names());
    return RY_OK;
}

/* Keys that say "this file computes something that ryot does not". */
static ry_rc refuse_foreign(struct reader *r)
{
    uint32_t n = 0;
    ry_rc rc = ry_gguf_get_u32(r->g, "split.count", &n, r->err);
    if (rc == RY_OK && n > 1)
        return ry_gguf_fail(r->g, RY_GGUF_NO_OFFSET, r->err,
                            "key 'split.count' is %u: one part of a split model; merge the parts "
                            "into one file first",
                            n);
    if (rc == RY_OK || rc == RY_ERR_NOT_FOUND)
        rc = optional_u32(r, "expert_count", 0, UINT32_MAX, &n);
    if (rc == RY_OK && n > 0)
        return ry_gguf_fail(r->g, offset_of(r), r->err,
                            "key '%s' is %u: a mixture of experts, which ryot does not run", r->key,
                            n);
    bool causal = true;
    if (rc == RY_OK || rc == RY_ERR_NOT_FOUND)
        rc = ry_gguf_get_bool(r->g, key_of(r, "attention.causal"), &causal, r->err);
    if (rc == RY_OK && !causal)
        return ry_gguf_fail(r->g, offset_of(r), r->err,
                            "key '%s' is false: an embedding model, which writes no text", r->key);
    return or_default(rc);
}

/* ---- groups of keys ---------------------------------------------------------------------------------- */

static ry_rc read_sizes(struct reader *r, struct ry_hparams *hp)
{
    ry_rc rc = required_u32(r, "context_length", 1, RY_MAX_CTX, &hp->n_ctx_train);
    if (rc == RY_OK)
        rc = required_u32(r, "embedding_length", 1, RY_MAX_EMBD, &hp->n_embd);
    if (rc == RY_OK)
        rc = required_u32(r, "block_count", 1, RY_MAX_LAYERS, &hp->n_layer);
    if (rc == RY_OK)
        rc = required_u32(r, "feed_forward_length", 1, MAX_FF, &hp->n_ff);
    if (rc == RY_OK)
        rc = optional_positive(r, "attention.layer_norm_rms_epsilon", 1.0f, &hp->norm_eps);
    return rc == RY_ERR_NOT_FOUND ? missing(r) : rc;
}

static ry_rc read_heads(struct reader *r, struct ry_hparams *hp)
{
    ry_rc rc = required_u32(r, "attention.head_count", 1, RY_MAX_HEADS, &hp->n_head);
    if (rc != RY_OK)
        return rc;
    hp->n_head_kv = hp->n_head;
    rc = or_default(optional_u32(r, "attention.head_count_kv", 1, RY_MAX_HEADS, &hp->n_head_kv));
    if (rc != RY_OK)
        return rc;
    if (hp->n_head % hp->n_head_kv != 0)
        return ry_gguf_fail(r->g, offset_of(r), r->err,
                            "key '%s' is %u, which does not divide %u heads", r->key, hp->n_head_kv,
                            hp->n_head);
    rc = optional_u32(r, "attention.key_length", 1, RY_MAX_EMBD, &hp->head_dim_k);
    if (rc == RY_ERR_NOT_FOUND) {
        if (hp->n_embd % hp->n_head != 0)
            return ry_gguf_fail(r->g, RY_GGUF_NO_OFFSET, r->err,
                                "key '%s' is missing, and %s.embedding_length %u is no multiple of "
                                "%u heads",
                                r->key, r->arch, hp->n_embd, hp->n_head);
        hp->head_dim_k = hp->n_embd / hp->n_head;
        rc = RY_OK;
    }
    if (rc != RY_OK)
        return rc;
    hp->head_dim_v = hp->head_dim_k;
    rc = or_default(optional_u32(r, "attention.value_length", 1, RY_MAX_EMBD, &hp->head_dim_v));
    if (rc != RY_OK)
        return rc;
    if (hp->head_dim_k % 2 != 0 || hp->head_dim_v % 2 != 0)
        return ry_gguf_fail(r->g, offset_of(r), r->err,
                            "head sizes are %u (keys) and %u (values), must be even",
                            hp->head_dim_k, hp->head_dim_v);
    uint64_t widest = hp->head_dim_k > hp->head_dim_v ? hp->head_dim_k : hp->head_dim_v;
    if (widest * hp->n_head > RY_MAX_EMBD)
        return ry_gguf_fail(r->g, offset_of(r), r->err,
                            "%u heads of %" PRIu64 " are %" PRIu64
                            " values a token, limit %d: the KV cache would overflow",
                            hp->n_head, widest, widest * hp->n_head, RY_MAX_EMBD);
    return RY_OK;
}

/* What a file multiplies cosines and sines by goes into the scale of the scores: its square, since q and k both carry
 * it. That holds only where whole heads are rotated. */
static ry_rc read_attn_factor(struct reader *r, struct ry_hparams *hp)
{
    float factor = 1.0f;
    ry_rc rc = or_default(optional_positive(r, "rope.scaling.attn_factor", 100.0f, &factor));
    if (rc != RY_OK || factor == 1.0f)
        return rc;
    if (hp->n_rot != hp->head_dim_k)
        return ry_gguf_fail(r->g, offset_of(r), r->err,
                            "key '%s' is %g with partial rotation (%u of %u), which ryot does not "
                            "run",
                            r->key, (double)factor, hp->n_rot, hp->head_dim_k);
    hp->attn_scale *= factor * factor;
    return RY_OK;
}

/* longrope: frequencies divided by one list of factors up to the original context, by another beyond. ryot serves the
 * original context with the short ones. Converters write the two tensors and often no type. */
static ry_rc read_longrope(struct reader *r, struct ry_hparams *hp)
{
    uint32_t original = hp->n_ctx_train;
    ry_rc rc = or_default(
        optional_u32(r, "rope.scaling.original_context_length", 1, RY_MAX_CTX, &original));
    hp->longrope = true;
    if (rc == RY_OK && original < hp->n_ctx_train)
        hp->n_ctx_train = original;
    return rc;
}

static bool is(struct ry_str s, const char *word)
{
    return s.len == strlen(word) && memcmp(s.s, word, s.len) == 0;
}

static ry_rc read_rope_scaling(struct reader *r, struct ry_hparams *hp)
{
    struct ry_str type = {"linear", 6};
    char quoted[RY_GGUF_QUOTE_BYTES];
    hp->rope_scale = 1.0f;
    ry_rc rc = or_default(ry_gguf_get_str(r->g, key_of(r, "rope.scaling.type"), &type, r->err));
    if (rc != RY_OK)
        return rc;
    if (!is(type, "none") && !is(type, "linear") && !is(type, "longrope"))
        return ry_gguf_fail(r->g, offset_of(r), r->err,
                            "key '%s' is '%s'; ryot runs none, linear and longrope", r->key,
                            ry_gguf_quote(type, quoted));
    rc = read_attn_factor(r, hp);
    if (rc == RY_OK && ry_gguf_find_tensor(r->g, "rope_factors_short.weight"))
        rc = read_longrope(r, hp);
    if (rc != RY_OK || !is(type, "linear"))
        return rc;
    rc = optional_positive(r, "rope.scaling.factor", 1e6f, &hp->rope_scale);
    if (rc == RY_ERR_NOT_FOUND) /* its name in files of 2023 */
        rc = optional_positive(r, "rope.scale_linear", 1e6f, &hp->rope_scale);
    return or_default(rc);
}

static ry_rc read_rope(struct reader *r, const struct ry_arch *arch, struct ry_hparams *hp)
{
    hp->rope_base = 10000.0f;
    hp->n_rot = hp->head_dim_k;
    hp->window_rope_base = arch->window_rope_base;
    ry_rc rc = or_default(optional_positive(r, "rope.freq_base", 1e12f, &hp->rope_base));
    if (rc == RY_OK && arch->window_rope_base > 0.0f)
        rc = or_default(optional_positive(r, "rope.freq_base_swa", 1e12f, &hp->window_rope_base));
    if (rc == RY_OK)
        rc = or_default(optional_u32(r, "rope.dimension_count", 2, hp->head_dim_k, &hp->n_rot));
    if (rc == RY_OK && hp->n_rot % 2 != 0)
        return ry_gguf_fail(r->g, offset_of(r), r->err, "key '%s' is %u, must be even", r->key,
                            hp->n_rot);
    return rc == RY_OK ? read_rope_scaling(r, hp) : rc;
}

/* A pattern may be given as its period, or as one bool a layer that must agree with the family's period. */
static ry_rc read_window_pattern(struct reader *r, struct ry_hparams *hp)
{
    const struct ry_gguf_kv *kv = ry_gguf_find(r->g, key_of(r, "attention.sliding_window_pattern"));
    if (!kv || kv->type != RY_GGUF_ARRAY || kv->elem != RY_GGUF_BOOL)
        return or_default(optional_u32(r, "attention.sliding_window_pattern", 1, RY_MAX_LAYERS,
                                       &hp->window_every));
    for (uint64_t i = 0; i < kv->count && i < hp->n_layer; i++)
        if ((kv->data[i] != 0) != ((i + 1) % hp->window_every != 0))
            return ry_gguf_fail(r->g, kv->offset, r->err,
                                "key '%s' differs at layer %" PRIu64
                                " from one global layer in %u, which ryot runs",
                                r->key, i, hp->window_every);
    return RY_OK;
}

static ry_rc read_window(struct reader *r, const struct ry_arch *arch, struct ry_hparams *hp)
{
    if (!arch->window_every && !arch->window_all)
        return RY_OK;
    uint32_t least = arch->window_all ? 0 : 1;
    hp->window = arch->window_default;
    hp->window_every = arch->window_every;
    ry_rc rc = optional_u32(r, "attention.sliding_window", least, RY_MAX_CTX, &hp->window);
    if (rc == RY_ERR_NOT_FOUND && !arch->window_default && !arch->window_all)
        return missing(r);
    rc = or_default(rc);
    return rc == RY_OK && arch->window_every ? read_window_pattern(r, hp) : rc;
}

static ry_rc read_softcaps(struct reader *r, const struct ry_arch *arch, struct ry_hparams *hp)
{
    if (arch->softcaps) {
        hp->attn_softcap = 50.0f;
        hp->final_softcap = 30.0f;
    }
    ry_rc rc = or_default(optional_positive(r, "attn_logit_softcapping", 1e6f, &hp->attn_softcap));
    if (rc == RY_OK)
        rc = or_default(optional_positive(r, "final_logit_softcapping", 1e6f, &hp->final_softcap));
    return rc;
}

ry_rc ry_hparams_read(const ry_gguf *gguf, const struct ry_arch **arch, struct ry_hparams *out,
                      ry_err *err)
{
    const struct ry_arch *row = NULL;
    ry_rc rc = read_arch(gguf, &row, err);
    if (rc != RY_OK)
        return rc;
    struct reader r = {.g = gguf, .arch = row->name, .err = err};
    struct ry_hparams hp = {0};
    rc = refuse_foreign(&r);
    if (rc == RY_OK)
        rc = read_sizes(&r, &hp);
    if (rc == RY_OK)
        rc = read_heads(&r, &hp);
    if (rc != RY_OK)
        return rc;
    bool by_embd = row->embd_scale_layers && hp.n_layer == row->embd_scale_layers;
    float scaled_dim = by_embd ? (float)(hp.n_embd / hp.n_head) : (float)hp.head_dim_k;
    hp.attn_scale = 1.0f / sqrtf(scaled_dim);
    rc = read_rope(&r, row, &hp);
    if (rc == RY_OK)
        rc = read_window(&r, row, &hp);
    if (rc == RY_OK)
        rc = read_softcaps(&r, row, &hp);
    if (rc != RY_OK)
        return rc;
    *out = hp;
    *arch = row;
    return RY_OK;
}
