/* The forward pass: one step, all layers, inside one parallel region.
 *
 * Every stage splits its outputs among the threads (rows of a product, heads, tokens), never a sum, so the bits do not
 * depend on the number of threads. A layer with one token (decode) meets at six barriers (at seven where flash attention
 * merges):
 *
 *   norm+quantise (each for itself) ▸ q,k,v rows ┃ rope, cache ┃ heads ┃ norm+quantise ▸ o rows, add ┃
 *   norm+quantise ▸ gate, up rows, act ┃ norm+quantise ▸ down rows, add ┃
 *
 * With many tokens (prefill) the norm and quantise stages are split by token and cost a barrier each. Branches ask for
 * features of the architecture, never for its name. */
#include "engine/forward.h"

#include <math.h>
#include <string.h>

#include "engine/attention.h"

enum {
    PREFETCH_BYTES = 8192, /* ahead in a weight stream */
    CHUNK_ROWS = 256       /* at most, of a product with many tokens in one call of a kernel */
};

/* Multiplications in one call of a kernel, and so between two looks at the cancel flag: some 20 ms of the tier, or less. */
static size_t chunk_macs(enum ry_tier tier)
{
    return tier == RY_TIER_SCALAR ? (size_t)16 << 20 : (size_t)1 << 30;
}

/* What all threads of a step share; written before the region, except `stop`, `leave` and `bad_row`. */
struct run {
    ry_session *s;
    const struct ry_step *step;
    const struct ry_kern *kern;
    const struct ry_layer *layers; /* [n_layer]: the model's, or their interleaved copies */
    const struct ry_wmat *output;
    enum ry_attention attention;
    size_t prefetch;
    /* Set by the first thread that sees the caller's flag, and never taken back: what was left out stays left out,
     * whatever the caller does with its flag meanwhile. Relaxed, read after the region. */
    atomic_bool stop;
    bool
        leave; /* all go home behind this layer: written by thread 0 in its middle, read at its end */
    const struct ry_screen *screen; /* NULL: the head is read whole */
    atomic_size_t n_rescored;       /* logits; relaxed, read after the region */
    bool screened;                  /* by thread 0 */
    atomic_size_t
        bad_row; /* smallest row of logits that is not finite; relaxed min, read after the region */
};

/* One thread's view of a run. */
struct worker {
    struct run *run;
    ry_session *s;
    const struct ry_model *m;
    const struct ry_kern *kern;
    size_t n_tok;
    int tid, n;
};

static bool cancelled(const struct worker *w)
{
    struct run *run = w->run;
    const atomic_bool *c = run->step->cancel;
    if (!c)
        return false;
    if (atomic_load_explicit(&run->stop, memory_order_relaxed))
        return true;
    if (!atomic_load_explicit(c, memory_order_relaxed))
        return false;
    atomic_store_explicit(&run->stop, true, memory_order_relaxed);
    return true;
}

/* Everybody meets; thread 0 books the operation that ended here and the wait. */
static void meet(struct worker *w, enum ry_op op, uint64_t n_bytes)
{
    if (w->tid == 0)
        ry_profile_mark(&w->s->profile, op, n_bytes);
    if (w->n == 1)
        return;
    ry_par_barrier(w->s->par);
    if (w->tid == 0)
        ry_profile_mark(&w->s->profile, RY_OP_WAIT, 0);
}

/* ---- products ------------------------------------------------------------------------------------------ */

/* Activation rows of the tokens of this step: the first row of each format. */
struct input {
    char *act[RY_ACT_COUNT];
};

/* What kernels leave out: a tensor's own scale, except where a ternary kernel has it in its expression (see ry_layer). */
static void tensor_scale(const struct worker *w, const struct ry_wmat *mat, float *y, size_t ldy,
                         size_t lo, size_t hi)
{
    if (mat->scale == 1.0f || (ry_fmt_info(mat->fmt)->ternary && mat->uniform) || lo >= hi)
        return;
    for (size_t t = 0; t < w->n_tok; t++)
        w->kern->scale(y + t * ldy + lo, mat->scale, hi - lo);
}

/* Rows and tokens of one call of a kernel: few enough that cancelling is prompt on any model and tier. */
static void chunk_of(const struct worker *w, const struct ry_wmat *mat, size_t *rows, size_t *toks)
{
    size_t macs = chunk_macs(w->kern->tier), n = macs / (mat->n_cols * w->n_tok);
    n = n / RY_ROW_GRAIN * RY_ROW_GRAIN;
    if (w->n_tok > 1 && n > CHUNK_ROWS)
        n = CHUNK_ROWS;
    *rows = n < RY_ROW_GRAIN ? RY_ROW_GRAIN : n;
    n = macs / (mat->n_cols * *rows);
    *toks = n < 1 ? 1 : n;
}

/* Rows lo..hi of a matrix for all tokens: y[t * ldy + row]. */
static void product(const struct worker *w, const struct ry_wmat *mat, const struct input *in,
                    float *y, size_t ldy, size_t lo, size_t hi)
{
    enum ry_act_fmt act = ry_fmt_info(mat->fmt)->act;
    size_t stride = w->s->scratch.act_stride[act], rows, toks;
    chunk_of(w, mat, &rows, &toks);
    for (size_t r = lo; r < hi; r += rows) {
        size_t end = r + rows < hi ? r + rows : hi;
        for (size_t t = 0; t < w->n_tok && !cancelled(w); t += toks) {
            size_t n = w->n_tok - t < toks ? w->n_tok - t : toks;
            const char *x = in->act[act] + t * stride;
            if (w->n_tok == 1)
                w->kern->matvec[mat->fmt](y + r, mat, r, end, x, w->run->prefetch);
            else
                w->kern->matmul[mat->fmt](y + t * ldy + r, ldy, mat, r, end, x, stride, n);
        }
    }
    tensor_scale(w, mat, y, ldy, lo, hi);
}

/* Norms (unless norm_w is NULL and `plain`) and quantises the rows x[t * ldx] for the matrices that will read them.
 * With one token every thread makes its own copy; else tokens are split and everybody meets. */
static struct input prepare(struct worker *w, const float *x, size_t ldx, size_t n,
                            const float *norm_w, const struct ry_wmat *const *mats, size_t n_mats)
{
    struct ry_scratch *sc = &w->s->scratch;
    bool single = w->n_tok == 1, wants[RY_ACT_COUNT] = {0};
    for (size_t i = 0; i < n_mats; i++)
        wants[ry_fmt_info(mats[i]->fmt)->act] = true;
    struct input in;
    for (int a = 0; a < RY_ACT_COUNT; a++)
        in.act[a] = single ? sc->own[a] + (size_t)w->tid * sc->act_stride[a] : sc->act[a];
    size_t lo = 0, hi = 1;
    if (!single)
        ry_par_share(w->n_tok, 1, w->tid, w->n, &lo, &hi);
    for (size_t t = lo; t < hi; t++) {
        const float *row = x + t * ldx;
        if (norm_w) {
            float *norm = sc->own_norm + (size_t)w->tid * sc->n_norm;
            w->kern->rmsnorm(norm, row, norm_w, n, w->m->hp.norm_eps);
            row = norm;
        }
        for (int a = 0; a < RY_ACT_COUNT; a++)
            if (wants[a])
                w->kern->quantize[a](in.act[a] + t * sc->act_stride[a], row, n);
    }
    if (single) {
        if (w->tid == 0)
            ry_profile_mark(&w->s->profile, RY_OP_NORM, 0);
    } else {
        meet(w, RY_OP_NORM, 0);
    }
    return in;
}

static uint64_t mat_bytes(const struct ry_wmat *mat)
{
    return (uint64_t)mat->row_bytes * mat->n_rows;
}

static void add_bias(float *y, size_t ldy, const float *bias, size_t n_tok, size_t lo, size_t hi)
{
    for (size_t t = 0; bias && t < n_tok; t++)
        for (size_t r = lo; r < hi; r++)
            y[t * ldy + r] += bias[r];
}

/* ---- attention block ----------------------------------------------------------------------------------- */

/* q, k and v as one product over their concatenated rows. */
static void qkv_rows(struct worker *w, const struct ry_layer *l, const struct input *in)
{
    const struct ry_wmat *mats[] = {&l->q, &l->k, &l->v};
    const float *bias[] = {l->q_bias, l->k_bias, l->v_bias};
    struct ry_scratch *sc = &w->s->scratch;
    size_t total = l->q.n_rows + l->k.n_rows + l->v.n_rows, lo, hi, at = 0;
    ry_par_share(total, RY_ROW_GRAIN, w->tid, w->n, &lo, &hi);
    for (int i = 0; i < 3; i++) {
        size_t end = at + mats[i]->n_rows;
        size_t a = lo > at ? lo - at : 0, b = hi < end ? hi - at : end - at;
        if (lo < end && hi > at && a < b) {
            product(w, mats[i], in, sc->qkv + at, sc->n_qkv, a, b);
            add_bias(sc->qkv + at, sc->n_qkv, bias[i], w->n_tok, a, b);
        }
        at = end;
    }
}

/* Norm and rotation of one query or key head in place. */
static void turn_head(struct worker *w, const struct ry_layer *l, float *x, const float *norm,
                      size_t pos)
{
    const struct ry_hparams *hp = &w->m->hp;
    const struct ry_scratch *sc = &w->s->scratch;
    if (norm)
        w->kern->rmsnorm(x, x, norm, hp->head_dim_k, hp->norm_eps);
    if (l->rope_base == 0)
        return;
    bool first = l->rope_base == sc->rope_base[0] && l->rope_scale == sc->rope_scale[0];
    const float *table = sc->rope[first ? 0 : 1];
    (w->m->arch->rope == RY_ROPE_PAIRS ? w->kern->rope_pairs : w->kern->rope_halves)(
        x, table + pos * hp->n_rot, hp->n_rot);
}

/* Rotates queries and keys, scales queries, stores keys and values. Split by (token, head). */
static void rope_and_store(struct worker *w, const struct ry_layer *l, size_t layer)
{
    const struct ry_hparams *hp = &w->m->hp;
    struct ry_scratch *sc = &w->s->scratch;
    const struct ry_kv *kv = &w->s->kv;
    size_t n_heads = hp->n_head + hp->n_head_kv, lo, hi;
    ry_par_share(w->n_tok * n_heads, 1, w->tid, w->n, &lo, &hi);
    for (size_t i = lo; i < hi; i++) {
        size_t t = i / n_heads, h = i % n_heads, pos = w->run->step->pos + t;
        float *row = sc->qkv + t * sc->n_qkv;
        if (h < hp->n_head) {
            turn_head(w, l, row + h * hp->head_dim_k, l->q_norm, pos);
            w->kern->scale(row + h * hp->head_dim_k, hp->attn_scale, hp->head_dim_k);
            continue;
        }
        size_t g = h - hp->n_head;
        float *k = row + l->q.n_rows + g * hp->head_dim_k;
        float *v = row + l->q.n_rows + l->k.n_rows + g * hp->head_dim_v;
        turn_head(w, l, k, l->k_norm, pos);
        ry_kv_store(kv, w->kern, layer, g, pos, k, v);
    }
}

/* Attention of all tokens; neighbours in the list of tasks go to different threads, since later tokens see more. */
static void heads(struct worker *w, const struct ry_layer *l, size_t layer)
{
    struct ry_scratch *sc = &w->s->scratch;
    struct ry_attn a = {.kern = w->kern,
                        .kv = &w->s->kv,
                        .hp = &w->m->hp,
                        .layer = layer,
                        .window = l->window,
                        .pos = w->run->step->pos,
                        .n_tok = w->n_tok,
                        .q = sc->qkv,
                        .ldq = sc->n_qkv,
                        .out = sc->att,
                        .ldo = sc->n_att,
                        .parts = sc->attn_parts,
                        .max_macs = chunk_macs(w->kern->tier) / 4,
                        .prefetch = w->run->prefetch != 0};
    ry_attn_plan(&a, w->run->attention, w->n);
    for (size_t i = (size_t)w->tid; i < a.n_tasks && !cancelled(w); i += (size_t)w->n)
        ry_attn_task(&a, i, &sc->attn[w->tid]);
    if (a.n_merges)
        meet(w, RY_OP_ATTENTION, 0);
    for (size_t i = (size_t)w->tid; i < a.n_merges && !cancelled(w); i += (size_t)w->n)
        ry_attn_merge(&a, i);
}

/* The product that ends a block, added to the residual stream: directly where a thread made the rows, or through a norm
 * over whole rows where the family has one behind the block. */
static void project_and_add(struct worker *w, const struct ry_wmat *mat, const struct input *in,
                            const float *bias, const float *post_norm)
{
    struct ry_scratch *sc = &w->s->scratch;
    size_t n_embd = w->m->hp.n_embd, lo, hi;
    ry_par_share(mat->n_rows, RY_ROW_GRAIN, w->tid, w->n, &lo, &hi);
    product(w, mat, in, sc->tmp, n_embd, lo, hi);
    add_bias(sc->tmp, n_embd, bias, w->n_tok, lo, hi);
    if (post_norm) {
        meet(w, RY_OP_MATMUL, mat_bytes(mat));
        ry_par_share(w->n_tok, 1, w->tid, w->n, &lo, &hi);
        for (size_t t = lo; t < hi; t++) {
            float *row = sc->tmp + t * n_embd;
            w->kern->rmsnorm(row, row, post_norm, n_embd, w->m->hp.norm_eps);
            w->kern->add(sc->x + t * n_embd, row, n_embd);
        }
        meet(w, RY_OP_NORM, 0);
        return;
    }
    for (size_t t = 0; t < w->n_tok && lo < hi; t++)
        w->kern->add(sc->x + t * n_embd + lo, sc->tmp + t * n_embd + lo, hi - lo);
    meet(w, RY_OP_MATMUL, mat_bytes(mat));
}

static void attention_block(struct worker *w, const struct ry_layer *l, size_t layer)
{
    struct ry_scratch *sc = &w->s->scratch;
    const struct ry_hparams *hp = &w->m->hp;
    const struct ry_wmat *qkv[] = {&l->q, &l->k, &l->v}, *o[] = {&l->o};
    struct input in = prepare(w, sc->x, hp->n_embd, hp->n_embd, l->attn_norm, qkv, 3);
    qkv_rows(w, l, &in);
    meet(w, RY_OP_MATMUL, mat_bytes(&l->q) + mat_bytes(&l->k) + mat_bytes(&l->v));
    rope_and_store(w, l, layer);
    meet(w, RY_OP_ROPE, 0);
    heads(w, l, layer);
    size_t seen = w->run->step->pos + w->n_tok;
    if (l->window && seen > l->window + w->n_tok - 1)
        seen = l->window + w->n_tok - 1;
    meet(w, RY_OP_ATTENTION, (uint64_t)seen * hp->n_head_kv * ry_kv_position_bytes(&w->s->kv));
    in = prepare(w, sc->att, sc->n_att, sc->n_att, l->attn_sub_norm, o, 1);
    project_and_add(w, &l->o, &in, l->o_bias, l->post_attn_norm);
}

/* ---- feed-forward block -------------------------------------------------------------------------------- */

/* gate and up rows by the same thread, so that the activation needs no barrier. */
static void gate_up_rows(struct worker *w, const struct ry_layer *l, const struct input *in)
{
    struct ry_scratch *sc = &w->s->scratch;
    size_t n_ff = w->m->hp.n_ff, lo, hi;
    ry_par_share(n_ff, RY_ROW_GRAIN, w->tid, w->n, &lo, &hi);
    product(w, &l->gate, in, sc->gate, n_ff, lo, hi);
    product(w, &l->up, in, sc->up, n_ff, lo, hi);
    if (w->tid == 0)
        ry_profile_mark(&w->s->profile, RY_OP_MATMUL, mat_bytes(&l->gate) + mat_bytes(&l->up));
    for (size_t t = 0; t < w->n_tok && lo < hi; t++) {
        float *gate = sc->gate + t * n_ff + lo;
        const float *up = sc->up + t * n_ff + lo;
        switch (w->m->arch->act) {
        case RY_FFN_SILU:
            w->kern->silu_mul(gate, gate, up, hi - lo);
            break;
        case RY_FFN_GELU:
            w->kern->gelu_mul(gate, gate, up, hi - lo);
            break;
        case RY_FFN_RELU2:
            w->kern->relu2_mul(gate, gate, up, hi - lo);
            break;
        }
    }
    meet(w, RY_OP_ACT, 0);
}

static void ffn_block(struct worker *w, const struct ry_layer *l)
{
    struct ry_scratch *sc = &w->s->scratch;
    const struct ry_hparams *hp = &w->m->hp;
    const struct ry_wmat *gate_up[] = {&l->gate, &l->up}, *down[] = {&l->down};
    struct input in = prepare(w, sc->x, hp->n_embd, hp->n_embd, l->ffn_norm, gate_up, 2);
    gate_up_rows(w, l, &in);
    in = prepare(w, sc->gate, hp->n_ff, hp->n_ff, l->ffn_sub_norm, down, 1);
    project_and_add(w, &l->down, &in, NULL, l->post_ffn_norm);
}

/* ---- both ends ----------------------------------------------------------------------------------------- */

static void embed(struct worker *w)
{
    size_t n_embd = w->m->hp.n_embd, lo, hi;
    ry_par_share(w->n_tok, 1, w->tid, w->n, &lo, &hi);
    for (size_t t = lo; t < hi; t++) {
        float *x = w->s->scratch.x + t * n_embd;
        w->kern->decode_row(x, &w->m->tok_embd, (size_t)w->run->step->ids[t]);
        if (w->m->arch->embed_scale)
            w->kern->scale(x, sqrtf((float)n_embd), n_embd);
    }
    meet(w, RY_OP_EMBED, 0);
}

/* Exponents of all ones are NaN and infinity: one more there and it reaches the sign's place. In integers, since a sum
 * of floats would wait for itself at every element. */
static bool all_finite(const float *x, size_t n)
{
    uint32_t seen = 0, bits;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, x + i, sizeof bits);
        seen |= (bits & 0x7FFFFFFFu) + 0x00800000u;
    }
    return !(seen & 0x80000000u);
}

/* Remembers the smallest row of logits with a NaN or infinity. */
static void note_bad(struct run *run, size_t row)
{
    size_t seen = atomic_load_explicit(&run->bad_row, memory_order_relaxed);
    while (row < seen && !atomic_compare_exchange_weak_explicit(
                             &run->bad_row, &seen, row, memory_order_relaxed, memory_order_relaxed))
        ;
}

/* The logits that the step's caller wants, in rows lo..hi. False, for all threads alike, where the whole head is needed. */
static bool screened_head(struct worker *w, const struct input *in, size_t lo, size_t hi)
{
    struct run *run = w->run;
    struct ry_screen_job j = {.screen = run->screen,
                              .own = w->s->screener,
                              .kern = w->kern,
                              .head = run->output,
                              .want = run->step->want,
                              .act = in->act[RY_ACT_F32],
                              .act_stride = w->s->scratch.act_stride[RY_ACT_F32],
                              .n_tok = w->n_tok,
                              .logits = run->step->logits,
                              .prefetch = run->prefetch,
                              .tid = w->tid};
    size_t rows, toks, n = 0;
    if (!run->screen || !ry_screen_begin(&j))
        return false;
    chunk_of(w, run->output, &rows, &toks);
    for (size_t r = lo; r < hi && !cancelled(w); r += rows)
        ry_screen_rows(&j, r, r + rows < hi ? r + rows : hi);
    meet(w, RY_OP_HEAD, run->screen->n_bytes);
    if (w->tid == 0) {
        ry_screen_decide(&j, w->n);
        run->screened = true;
    }
    meet(w, RY_OP_HEAD, 0);
    for (size_t t = 0; t < w->n_tok && !cancelled(w); t++) {
        bool finite = true;
        n += ry_screen_rescore(&j, t, lo, hi, &finite);
        if (!finite)
            note_bad(run, t);
    }
    atomic_fetch_add_explicit(&run->n_rescored, n, memory_order_relaxed);
    meet(w, RY_OP_HEAD, 0);
    return true;
}

/* The head for the last n_logits tokens: the worker's tokens become those. */
static void head(struct worker *w)
{
    const struct ry_step *step = w->run->step;
    const struct ry_hparams *hp = &w->m->hp;
    const struct ry_wmat *out[] = {w->run->output};
    const float *x = w->s->scratch.x + (w->n_tok - step->n_logits) * hp->n_embd;
    size_t lo, hi;
    w->n_tok = step->n_logits;
    struct input in = prepare(w, x, hp->n_embd, hp->n_embd, w->m->output_norm, out, 1);
    ry_par_share(hp->n_vocab, RY_ROW_GRAIN, w->tid, w->n, &lo, &hi);
    if (screened_head(w, &in, lo, hi))
        return;
    product(w, out[0], &in, step->logits, hp->n_vocab, lo, hi);
    for (size_t t = 0; t < w->n_tok; t++) {
        float *row = step->logits + t * hp->n_vocab;
        if (hp->final_softcap != 0 && lo < hi)
            w->kern->softcap(row + lo, hp->final_softcap, hi - lo);
        if (!all_finite(row + lo, hi - lo))
            note_bad(w->run, t);
    }
    meet(w, RY_OP_HEAD, mat_bytes(out[0]));
}

static void step_on_thread(void *arg, int tid, int n)
{
    struct run *run = arg;
    struct worker w = {.run = run,
                       .s = run->s,
                       .m = run->s->model,
                       .kern = run->kern,
                       .n_tok = run->step->n_tok,
                       .tid = tid,
                       .n = n};
    embed(&w);
    for (size_t i = 0; i < w.m->hp.n_layer; i++) {
        attention_block(&w, &run->layers[i], i);
        /* Here the barriers of the attention block stand between this write and the reads of the layer before. */
        if (tid == 0)
            run->leave = cancelled(&w);
        ffn_block(&w, &run->layers[i]);
        if (run->leave)
            return;
    }
    if (run->step->n_logits)
        head(&w);
}

static int clamp(int v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* Whether a step is not worth a second thread, nor the clock at each of its operations. */
static bool small(const ry_session *s, size_t n_tok)
{
    return s->model->weight_bytes * n_tok < s->single_thread_bytes;
}

/* More threads than processors would take turns, and all wait for the one whose turn has not come. */
static int threads_of(const ry_session *s, const struct ry_step *step)
{
    int n = atomic_load_explicit(&s->live->n_threads, memory_order_relaxed);
    if (n <= 1 || small(s, step->n_tok))
        return 1;
    return clamp(n, 1, s->most_threads);
}

/* The screen for a step, NULL where its logits are wanted whole or too many of them to make one worth while. */
static const struct ry_screen *screen_of(const ry_session *s, const struct ry_step *step)
{
    const struct ry_screen_want *want = step->want;
    if (!want || !s->screener || step->n_logits == 0 || step->n_logits > 1 + RY_DRAFT_MOST ||
        !atomic_load_explicit(&s->live->screen, memory_order_relaxed))
        return NULL;
    return want->k + want->n_keep <= s->model->hp.n_vocab / 4 ? ry_engine_screen(s->engine) : NULL;
}

ry_rc ry_forward(ry_session *s, const struct ry_step *step, ry_err *err)
{
    int tier = atomic_load_explicit(&s->live->tier, memory_order_relaxed);
    struct run run = {.s = s, .step = step};
    run.kern = ry_kern_get((enum ry_tier)clamp(tier, RY_TIER_SCALAR, RY_TIER_COUNT - 1));
    const struct ry_repacked *copies = ry_engine_repacked(s->engine);
    bool repack = copies->layers && atomic_load_explicit(&s->live->repack, memory_order_relaxed);
    run.layers = repack ? copies->layers : s->model->layers;
    run.output = repack ? &copies->output : &s->model->output;
    run.attention =
        (enum ry_attention)clamp(atomic_load_explicit(&s->live->attention, memory_order_relaxed),
                                 RY_ATTENTION_STANDARD, RY_ATTENTION_COUNT - 1);
    run.prefetch =
        atomic_load_explicit(&s->live->prefetch, memory_order_relaxed) ? PREFETCH_BYTES : 0;
    run.screen = screen_of(s, step);
    atomic_init(&run.n_rescored, 0);
    atomic_init(&run.stop, false);
    atomic_init(&run.bad_row, SIZE_MAX);
    if (step->n_tok == 1 && small(s, 1))
        ry_profile_start_small(&s->profile);
    else
        ry_profile_start(&s->profile);
    ry_par_run(s->par, threads_of(s, step), step_on_thread, &run);
    if (atomic_load_explicit(&run.stop, memory_order_relaxed))
        return ry_err_set(err, RY_ERR_CANCELLED, "stopped at position %zu", step->pos);
    size_t bad = atomic_load_explicit(&run.bad_row, memory_order_relaxed);
    if (run.screened) {
        size_t n = atomic_load_explicit(&run.n_rescored, memory_order_relaxed);
        s->profile.sums.n_screened += step->n_logits;
        s->profile.sums.n_rescored += n;
        s->profile.sums.op_bytes[RY_OP_HEAD] += n * run.output->row_bytes;
    }
    if (bad != SIZE_MAX)
        return ry_err_set(
            err, RY_ERR_NUMERIC,
            "the model gives NaN or infinite logits at position %zu: the file is damaged or was "
            "converted wrongly; the conversation is kept",
            step->pos + step->n_tok - step->n_logits + bad);
    return RY_OK;
}
