/* A session's working memory. */
#include "engine/scratch.h"

#include <math.h>

#include "src/base/mem.h"

static size_t max3(size_t a, size_t b, size_t c)
{
    a = a > b ? a : b;
    return a > c ? a : c;
}

/* A cut of the block: n floats (or bytes) at the running offset, rounded up to a line; overflow is remembered. */
struct cutter {
    size_t at;
    bool overflow;
};

static size_t cut(struct cutter *c, size_t a, size_t b, size_t size)
{
    size_t n, here = c->at;
    if (!ry_mem_mul(a, b, &n) || !ry_mem_mul(n, size, &n) || !ry_mem_add(n, 63, &n) ||
        !ry_mem_add(here, n / 64 * 64, &c->at))
        c->overflow = true;
    return here;
}

static void wants_of(const struct ry_wmat *w, bool wants[RY_ACT_COUNT])
{
    if (w->data)
        wants[ry_fmt_info(w->fmt)->act] = true;
}

static void wanted_acts(const struct ry_model *m, bool wants[RY_ACT_COUNT])
{
    for (uint32_t i = 0; i < m->hp.n_layer; i++) {
        const struct ry_layer *l = &m->layers[i];
        const struct ry_wmat *all[] = {&l->q, &l->k, &l->v, &l->o, &l->gate, &l->up, &l->down};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            wants_of(all[k], wants);
    }
    wants_of(&m->output, wants);
}

/* The base and scale of the layers' RoPE: at most two kinds (global and sliding layers). */
static size_t rope_kinds(const struct ry_model *m, float base[2], float scale[2])
{
    size_t n = 0;
    for (uint32_t i = 0; i < m->hp.n_layer; i++) {
        const struct ry_layer *l = &m->layers[i];
        bool known = l->rope_base == 0;
        for (size_t k = 0; k < n; k++)
            known |= l->rope_base == base[k] && l->rope_scale == scale[k];
        if (!known && n < 2) {
            base[n] = l->rope_base;
            scale[n++] = l->rope_scale;
        }
    }
    return n;
}

/* All arrays as offsets from the block's start; the last one's end is the size. */
static bool layout(struct ry_scratch *s, const struct ry_model *m,
                   const struct ry_scratch_sizes *sizes)
{
    size_t n_ctx = sizes->n_ctx, n_ubatch = sizes->n_ubatch, n_parts;
    const struct ry_hparams *hp = &m->hp;
    struct cutter c = {0};
    bool wants[RY_ACT_COUNT] = {0};
    *s = (struct ry_scratch){0};
    s->n_att = (size_t)hp->n_head * hp->head_dim_v;
    s->n_qkv = (size_t)hp->n_head * hp->head_dim_k +
               (size_t)hp->n_head_kv * (hp->head_dim_k + hp->head_dim_v);
    s->n_norm = max3(hp->n_embd, s->n_att, hp->n_ff);
    wanted_acts(m, wants);
#define CUT(field, a, b) s->field = (void *)cut(&c, a, b, sizeof *s->field)
    CUT(x, n_ubatch, hp->n_embd);
    CUT(tmp, n_ubatch, hp->n_embd);
    CUT(norm, n_ubatch, s->n_norm);
    CUT(qkv, n_ubatch, s->n_qkv);
    CUT(att, n_ubatch, s->n_att);
    CUT(gate, n_ubatch, hp->n_ff);
    CUT(up, n_ubatch, hp->n_ff);
    c.overflow |= !ry_attn_part_floats(hp, n_ctx, &n_parts);
    CUT(attn_parts, n_parts, 1);
    s->n_attn = ry_attn_own_cut(&s->attn[0], hp, sizes->elem, n_ctx, NULL);
    c.overflow |= s->n_attn == 0;
    CUT(attn_block, RY_MAX_THREADS, s->n_attn);
    CUT(own_norm, RY_MAX_THREADS, s->n_norm);
    for (int a = 0; a < RY_ACT_COUNT; a++) {
        s->act_stride[a] = wants[a] ? ry_act_bytes(a, s->n_norm) : 0;
        CUT(act[a], n_ubatch, s->act_stride[a]);
        CUT(own[a], RY_MAX_THREADS, s->act_stride[a]);
    }
    size_t n_kinds = rope_kinds(m, s->rope_base, s->rope_scale);
    for (size_t k = 0; k < 2; k++)
        CUT(rope[k], k < n_kinds ? n_ctx : 0, hp->n_rot);
#undef CUT
    s->n_bytes = c.at;
    return !c.overflow;
}

bool ry_scratch_bytes(const struct ry_model *model, const struct ry_scratch_sizes *sizes,
                      uint64_t *out)
{
    struct ry_scratch s;
    if (!layout(&s, model, sizes))
        return false;
    *out = s.n_bytes;
    return true;
}

/* Angle of pair i at position p: p / scale * base^(-2i / n_rot) / freqs[i] (Su et al., RoFormer, 3.4). */
static void fill_rope(float *table, const struct ry_model *m, double base, double scale,
                      size_t n_ctx)
{
    size_t half = m->hp.n_rot / 2;
    for (size_t i = 0; i < half; i++) {
        double freq =
            pow(base, -2.0 * (double)i / m->hp.n_rot) / (m->rope_freqs ? m->rope_freqs[i] : 1.0);
        for (size_t p = 0; p < n_ctx; p++) {
            double angle = (double)p / scale * freq;
            table[p * m->hp.n_rot + 2 * i] = (float)cos(angle);
            table[p * m->hp.n_rot + 2 * i + 1] = (float)sin(angle);
        }
    }
}

ry_rc ry_scratch_init(struct ry_scratch *s, const struct ry_model *model,
                      const struct ry_scratch_sizes *sizes, ry_err *err)
{
    if (!layout(s, model, sizes))
        return ry_err_set(err, RY_ERR_MEMORY,
                          "working memory overflows: give a smaller --ctx or --ubatch");
    s->block = ry_mem_huge(s->n_bytes);
    if (!s->block)
        return ry_err_set(err, RY_ERR_MEMORY,
                          "out of memory for %zu MB of working memory: give a smaller --ctx",
                          (size_t)(s->n_bytes >> 20));
    char *base = s->block;
#define PLACE(field) s->field = (void *)(base + (size_t)s->field)
    PLACE(x);
    PLACE(tmp);
    PLACE(norm);
    PLACE(qkv);
    PLACE(att);
    PLACE(gate);
    PLACE(up);
    PLACE(attn_parts);
    PLACE(attn_block);
    for (size_t t = 0; t < RY_MAX_THREADS; t++)
        ry_attn_own_cut(&s->attn[t], &model->hp, sizes->elem, sizes->n_ctx,
                        s->attn_block + t * s->n_attn);
    PLACE(own_norm);
    for (int a = 0; a < RY_ACT_COUNT; a++) {
        PLACE(act[a]);
        PLACE(own[a]);
    }
    for (int k = 0; k < 2; k++)
        PLACE(rope[k]);
#undef PLACE
    for (int k = 0; k < 2; k++)
        if (s->rope_scale[k] != 0)
            fill_rope(s->rope[k], model, s->rope_base[k], s->rope_scale[k], sizes->n_ctx);
    return RY_OK;
}

void ry_scratch_done(struct ry_scratch *s)
{
    ry_mem_huge_free(s->block, s->n_bytes);
    *s = (struct ry_scratch){0};
}
