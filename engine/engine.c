/* The engine's public face: opens a model, answers questions about it, hands texts to the tokenizer and template.
 *
 * Immutable after open, any thread. Knows no session. */
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>

#include "engine/builtin/builtin.h"
#include "engine/describe.h"
#include "engine/gguf.h"
#include "engine/model.h"
#include "engine/repack.h"
#include "engine/screen.h"
#include "engine/session.h"
#include "engine/shape.h"
#include "engine/template.h"
#include "engine/tok.h"
#include "src/base/mem.h"

struct ry_engine {
    struct ry_shape_image image; /* of a shape; none otherwise */
    ry_gguf *gguf;
    struct ry_model model; /* layers NULL when opened for the tokenizer only */
    struct ry_repacked repacked;
    struct ry_screen screen;
    bool has_model;
    ry_tok *tok; /* NULL: the file has none */
    enum ry_template template;
    struct ry_model_info info;
    char *path, *name, *arch, *format, *licence; /* owned; behind info */
};

/* ---- live switches ------------------------------------------------------------------------------------- */

struct ry_sampling ry_sampling_default(void)
{
    return (struct ry_sampling){.temp = 0.7f,
                                .top_k = 40,
                                .top_p = 0.95f,
                                .min_p = 0.05f,
                                .repeat_penalty = 1.0f,
                                .repeat_last_n = 64};
}

void ry_live_init(struct ry_live *live)
{
    struct ry_sampling s = ry_sampling_default();
    atomic_init(&live->tier, (int)ry_tier_best());
    atomic_init(&live->n_threads, ry_cpu_default_threads());
    atomic_init(&live->attention, RY_ATTENTION_FLASH);
    atomic_init(&live->prefetch, true);
    atomic_init(&live->repack, true);
    atomic_init(&live->speculate, RY_SPECULATE_OFF);
    atomic_init(&live->screen, true);
    ry_live_set_sampling(live, &s);
}

void ry_live_set_sampling(struct ry_live *live, const struct ry_sampling *s)
{
    atomic_store_explicit(&live->temp, s->temp, memory_order_relaxed);
    atomic_store_explicit(&live->top_p, s->top_p, memory_order_relaxed);
    atomic_store_explicit(&live->min_p, s->min_p, memory_order_relaxed);
    atomic_store_explicit(&live->repeat_penalty, s->repeat_penalty, memory_order_relaxed);
    atomic_store_explicit(&live->top_k, s->top_k, memory_order_relaxed);
    atomic_store_explicit(&live->repeat_last_n, s->repeat_last_n, memory_order_relaxed);
}

void ry_live_get_sampling(const struct ry_live *live, struct ry_sampling *out)
{
    out->temp = atomic_load_explicit(&live->temp, memory_order_relaxed);
    out->top_p = atomic_load_explicit(&live->top_p, memory_order_relaxed);
    out->min_p = atomic_load_explicit(&live->min_p, memory_order_relaxed);
    out->repeat_penalty = atomic_load_explicit(&live->repeat_penalty, memory_order_relaxed);
    out->top_k = atomic_load_explicit(&live->top_k, memory_order_relaxed);
    out->repeat_last_n = atomic_load_explicit(&live->repeat_last_n, memory_order_relaxed);
}

const char *ry_op_name(enum ry_op op)
{
    static const char *const names[RY_OP_COUNT] = {
        [RY_OP_EMBED] = "embed", [RY_OP_NORM] = "norm",           [RY_OP_MATMUL] = "matmul",
        [RY_OP_ROPE] = "rope",   [RY_OP_ATTENTION] = "attention", [RY_OP_ACT] = "activation",
        [RY_OP_HEAD] = "head",   [RY_OP_SAMPLE] = "sample",       [RY_OP_TOKENIZE] = "tokenize",
        [RY_OP_WAIT] = "wait",
    };
    return (unsigned)op < RY_OP_COUNT ? names[op] : "unknown";
}

/* ---- opening ------------------------------------------------------------------------------------------- */

bool ry_engine_has_builtin(void)
{
    return ry_builtin_image_bytes > 0;
}

static ry_rc open_shape(ry_engine *e, const struct ry_engine_options *o, ry_err *err)
{
    struct ry_shape_options options = {
        .word = o->shape, .n_threads = ry_cpu_default_threads(), .cancel = o->cancel};
    ry_rc rc = ry_shape_make(&e->image, &options, err);
    return rc == RY_OK
               ? ry_gguf_parse(&e->gguf, o->path, e->image.map, e->image.n_bytes, false, err)
               : rc;
}

static ry_rc open_gguf(ry_engine *e, const struct ry_engine_options *o, ry_err *err)
{
    if (o->shape)
        return open_shape(e, o, err);
    if (strcmp(o->path, "builtin") != 0)
        return ry_gguf_open(&e->gguf, o->path, o->tokenizer_only, err);
    return ry_gguf_parse(&e->gguf, "builtin", ry_builtin_image, ry_builtin_image_bytes,
                         o->tokenizer_only, err);
}

/* A string key as an owned C string, "" when absent. */
static char *key_text(const ry_gguf *gguf, const char *key)
{
    struct ry_str s = {0};
    if (ry_gguf_get_str(gguf, key, &s, NULL) != RY_OK)
        return ry_mem_strdup("");
    return ry_mem_strndup(s.s, s.len);
}

/* The format most bytes of the matrices have, with " mixed" behind it where there are others beside F32 vectors. */
static char *format_text(const ry_gguf *gguf)
{
    uint64_t bytes[RY_FMT_COUNT] = {0};
    int best = 0, n_kinds = 0;
    for (size_t i = 0; i < ry_gguf_n_tensors(gguf); i++) {
        const struct ry_gguf_tensor *t = ry_gguf_tensor_at(gguf, i);
        if (t->n_dims >= 2)
            bytes[t->fmt] += t->n_bytes;
    }
    for (int f = 0; f < RY_FMT_COUNT; f++) {
        n_kinds += bytes[f] > 0;
        if (bytes[f] > bytes[best])
            best = f;
    }
    char text[64];
    snprintf(text, sizeof text, "%s%s", n_kinds ? ry_fmt_info(best)->name : "",
             n_kinds > 1 ? " mixed" : "");
    return ry_mem_strdup(text);
}

/* Multiplications with weights for a token. */
static void count_macs(const struct ry_model *m, struct ry_model_info *info)
{
    info->head_macs = (uint64_t)m->output.n_rows * m->output.n_cols;
    for (uint32_t i = 0; i < m->hp.n_layer; i++) {
        const struct ry_layer *l = &m->layers[i];
        const struct ry_wmat *all[] = {&l->q, &l->k, &l->v, &l->o, &l->gate, &l->up, &l->down};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            info->body_macs += (uint64_t)all[k]->n_rows * all[k]->n_cols;
    }
}

static ry_rc fill_info(ry_engine *e, const struct ry_engine_options *o, bool template_known,
                       ry_err *err)
{
    const ry_gguf *g = e->gguf;
    struct ry_model_info *info = &e->info;
    e->path = ry_mem_strdup(o->path);
    e->name = key_text(g, "general.name");
    e->arch = key_text(g, "general.architecture");
    e->licence = key_text(g, "general.license");
    e->format = o->tokenizer_only ? ry_mem_strdup("") : format_text(g);
    if (!e->path || !e->name || !e->arch || !e->licence || !e->format)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory while loading %s", o->path);
    *info = (struct ry_model_info){.path = e->path,
                                   .name = e->name,
                                   .arch = e->arch,
                                   .format = e->format,
                                   .licence = e->licence,
                                   .tokenizer = e->tok ? ry_tok_model_name(e->tok) : "none",
                                   .pre = e->tok ? ry_tok_pre_name(e->tok) : "",
                                   .template_name = ry_template_name(e->template),
                                   .template_known = template_known,
                                   .has_weights = e->has_model,
                                   .no_repack = "it was not asked for",
                                   .no_screen = "it was not asked for",
                                   .has_tokenizer = e->tok != NULL,
                                   .file_bytes = ry_gguf_file_bytes(g),
                                   .fingerprint = ry_gguf_fingerprint(g),
                                   .gguf_version = ry_gguf_version(g),
                                   .n_tensors = (uint32_t)ry_gguf_n_tensors(g),
                                   .n_vocab = e->tok ? ry_tok_n_vocab(e->tok) : 0,
                                   .bos = e->tok ? ry_tok_bos(e->tok) : -1,
                                   .eos = e->tok ? ry_tok_eos(e->tok) : -1};
    for (size_t i = 0; i < ry_gguf_n_tensors(g); i++)
        info->tensor_bytes += ry_gguf_tensor_at(g, i)->n_bytes;
    if (e->has_model) {
        const struct ry_hparams *hp = &e->model.hp;
        info->n_params = e->model.n_params;
        info->weight_bytes_per_token = e->model.weight_bytes;
        info->n_vocab = hp->n_vocab;
        info->n_ctx_train = hp->n_ctx_train;
        info->n_embd = hp->n_embd;
        info->n_layer = hp->n_layer;
        info->n_head = hp->n_head;
        info->n_head_kv = hp->n_head_kv;
        info->head_dim = hp->head_dim_k;
        info->n_ff = hp->n_ff;
        count_macs(&e->model, info);
    }
    return RY_OK;
}

static bool detect_template(ry_engine *e)
{
    struct ry_str jinja = {"", 0}, arch = {"", 0};
    char arch_name[64];
    bool known = false;
    ry_gguf_get_str(e->gguf, "tokenizer.chat_template", &jinja, NULL);
    ry_gguf_get_str(e->gguf, "general.architecture", &arch, NULL);
    snprintf(arch_name, sizeof arch_name, "%.*s", (int)(arch.len < 63 ? arch.len : 63), arch.s);
    e->template = ry_template_detect(jinja.s, jinja.len, arch_name, e->tok, &known);
    return known;
}

static void on_repack(void *user, double done_share)
{
    const struct ry_engine_options *o = user;
    o->progress(o->user, 0.3 + 0.7 * done_share);
}

/* The interleaved copies and the screen; a file cut short meanwhile gave zeros. */
static ry_rc make_copies(ry_engine *e, const struct ry_engine_options *o, ry_err *err)
{
    struct ry_repack_options options = {.n_threads = ry_cpu_default_threads(),
                                        .progress = o->progress ? on_repack : NULL,
                                        .user = (void *)o,
                                        .cancel = o->cancel};
    ry_rc rc = RY_OK;
    if (!o->no_repack) {
        rc = ry_repack_model(&e->repacked, &e->model, &options, err);
        e->info.repacked_bytes = e->repacked.n_bytes;
        e->info.no_repack = e->repacked.reason ? e->repacked.reason : "";
    }
    if (rc == RY_OK && !o->no_screen) {
        rc = ry_screen_make(&e->screen, &e->model, &options, err);
        e->info.screen_bytes = e->screen.n_bytes;
        e->info.no_screen = e->screen.reason ? e->screen.reason : "";
    }
    if (rc == RY_OK && ry_gguf_faulted(e->gguf))
        rc = ry_err_set(err, RY_ERR_MODEL, "%s: the file was cut short while it was loaded",
                        o->path);
    return rc;
}

ry_rc ry_engine_open(ry_engine **out, const struct ry_engine_options *o, ry_err *err)
{
    ry_engine *e = ry_mem_zalloc(1, sizeof *e);
    if (!e)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory while loading %s", o->path);
    ry_rc rc = open_gguf(e, o, err);
    if (rc == RY_OK && o->progress)
        o->progress(o->user, 0.1);
    if (rc == RY_OK && !o->tokenizer_only) {
        rc = ry_model_bind(&e->model, e->gguf, err);
        e->has_model = rc == RY_OK;
    }
    if (rc == RY_OK && o->cancel && atomic_load_explicit(o->cancel, memory_order_relaxed))
        rc = ry_err_set(err, RY_ERR_CANCELLED, "%s: loading was stopped", o->path);
    if (rc == RY_OK && o->progress)
        o->progress(o->user, 0.2);
    if (rc == RY_OK)
        rc = ry_tok_load(&e->tok, e->gguf, e->has_model ? e->model.hp.n_vocab : 0, err);
    if (rc == RY_OK)
        rc = fill_info(e, o, detect_template(e), err);
    if (rc == RY_OK && e->has_model)
        rc = make_copies(e, o, err);
    if (rc != RY_OK) {
        ry_engine_close(e);
        return rc;
    }
    if (o->progress)
        o->progress(o->user, 1.0);
    *out = e;
    return RY_OK;
}

void ry_engine_close(ry_engine *e)
{
    if (!e)
        return;
    ry_tok_free(e->tok);
    ry_repack_done(&e->repacked);
    ry_screen_done(&e->screen);
    if (e->has_model)
        ry_model_done(&e->model);
    ry_gguf_close(e->gguf);
    ry_shape_done(&e->image);
    ry_mem_free(e->path);
    ry_mem_free(e->name);
    ry_mem_free(e->arch);
    ry_mem_free(e->format);
    ry_mem_free(e->licence);
    ry_mem_free(e);
}

const struct ry_model_info *ry_engine_info(const ry_engine *e)
{
    return &e->info;
}

const struct ry_model *ry_engine_model(const ry_engine *e)
{
    return e->has_model ? &e->model : NULL;
}

const struct ry_repacked *ry_engine_repacked(const ry_engine *e)
{
    return &e->repacked;
}

const struct ry_screen *ry_engine_screen(const ry_engine *e)
{
    return &e->screen;
}

uint64_t ry_engine_held_bytes(const ry_engine *e)
{
    return e->image.map ? e->info.tensor_bytes : e->repacked.source_bytes;
}

bool ry_engine_faulted(const ry_engine *e)
{
    return ry_gguf_faulted(e->gguf);
}

ry_rc ry_engine_describe(const ry_engine *e, bool json, ry_buf *out, ry_err *err)
{
    return ry_describe(e->gguf, e->has_model ? &e->model : NULL, e->tok, e->info.template_name,
                       e->info.template_known, json, out, err);
}

/* ---- tokens -------------------------------------------------------------------------------------------- */

static ry_rc need_tok(const ry_engine *e, ry_err *err)
{
    if (e->tok)
        return RY_OK;
    return ry_err_set(err, RY_ERR_MODEL,
                      "%s: the file has no tokenizer: only token ids can be given (ryot logits)",
                      e->info.path);
}

ry_rc ry_engine_tokenize(const ry_engine *e, const char *text, size_t len, unsigned flags,
                         ry_ids *out, ry_err *err)
{
    ry_rc rc = need_tok(e, err);
    return rc == RY_OK ? ry_tok_encode(e->tok, text, len, flags, out, err) : rc;
}

const char *ry_engine_token_bytes(const ry_engine *e, int32_t id, size_t *len)
{
    *len = 0;
    return e->tok ? ry_tok_bytes(e->tok, id, len) : "";
}

bool ry_engine_begins_text(const ry_engine *e, int32_t id)
{
    return e->tok && ry_tok_adds_prefix(e->tok) &&
           (id == ry_tok_bos(e->tok) || ry_tok_is_control(e->tok, id));
}

bool ry_engine_is_eog(const ry_engine *e, int32_t id)
{
    return e->tok && ry_tok_is_eog(e->tok, id);
}

ry_rc ry_engine_render_chat(const ry_engine *e, const struct ry_message *messages, size_t n,
                            ry_ids *out, ry_err *err)
{
    ry_rc rc = need_tok(e, err);
    return rc == RY_OK ? ry_template_render(e->template, e->tok, messages, n, true, out, err) : rc;
}
