/* Sessions: one inference timeline. Session's thread; everything is allocated in new. */
#include "engine/session.h"

#include <math.h>
#include <string.h>

#include "engine/forward.h"
#include "src/base/mem.h"

enum { DEFAULT_CTX = 4096, DEFAULT_UBATCH = 512, MAX_UBATCH = 4096 };

/* ---- sizes --------------------------------------------------------------------------------------------- */

struct sizes {
    uint32_t n_ctx, n_ubatch;
    enum ry_kv_type kv_type;
    struct ry_scratch_sizes scratch;
};

static const enum ry_kv_elem kv_elems[RY_KV_COUNT] = {
    [RY_KV_F32] = RY_KV_ELEM_F32, [RY_KV_F16] = RY_KV_ELEM_F16, [RY_KV_Q8] = RY_KV_ELEM_Q8};

/* What "auto" means: a file of F32 matrices keeps its precision in the cache. */
static enum ry_kv_type kv_auto(const struct ry_model *m)
{
    return m->layers[0].q.fmt == RY_FMT_F32 ? RY_KV_F32 : RY_KV_F16;
}

static ry_rc choose_sizes(struct sizes *out, const struct ry_model *m,
                          const struct ry_session_options *o, ry_err *err)
{
    uint32_t trained = m->hp.n_ctx_train;
    struct sizes s = {.n_ctx = o->n_ctx,
                      .n_ubatch = o->n_ubatch ? o->n_ubatch : DEFAULT_UBATCH,
                      .kv_type = o->kv};
    if (s.n_ctx == 0)
        s.n_ctx = trained < DEFAULT_CTX ? trained : DEFAULT_CTX;
    if (s.n_ctx > RY_MAX_CTX)
        return ry_err_set(err, RY_ERR_USAGE, "a context of %u is more than %d", s.n_ctx,
                          RY_MAX_CTX);
    if (s.n_ubatch > MAX_UBATCH)
        return ry_err_set(err, RY_ERR_USAGE, "a ubatch of %u is more than %d", s.n_ubatch,
                          MAX_UBATCH);
    if (s.n_ubatch > s.n_ctx)
        s.n_ubatch = s.n_ctx;
    if (s.kv_type == RY_KV_AUTO)
        s.kv_type = kv_auto(m);
    s.scratch = (struct ry_scratch_sizes){s.n_ctx, s.n_ubatch, kv_elems[s.kv_type]};
    *out = s;
    return RY_OK;
}

static double mb(uint64_t bytes)
{
    return (double)bytes / 1e6;
}

static ry_rc estimate(const ry_engine *engine, const struct sizes *s, struct ry_memory *out,
                      ry_err *err)
{
    const struct ry_model *m = ry_engine_model(engine);
    const struct ry_repacked *copies = ry_engine_repacked(engine);
    struct ry_memory mem = {.weights = ry_engine_info(engine)->tensor_bytes,
                            .repacked = copies->n_bytes + ry_engine_screen(engine)->n_bytes};
    if (!ry_kv_bytes(&m->hp, s->scratch.elem, s->n_ctx, &mem.kv) ||
        !ry_scratch_bytes(m, &s->scratch, &mem.scratch) ||
        __builtin_add_overflow(mem.weights, mem.kv, &mem.total) ||
        __builtin_add_overflow(mem.total, mem.scratch, &mem.total))
        return ry_err_set(err, RY_ERR_MEMORY,
                          "the memory for a context of %u overflows: give a smaller --ctx",
                          s->n_ctx);
    mem.available = ry_cpu_available_memory(&mem.cgroup_limited);
    if (mem.total - ry_engine_held_bytes(engine) > mem.available)
        return ry_err_set(err, RY_ERR_MEMORY,
                          "needs %.0f MB (weights %.0f, KV cache %.0f for %u positions, working "
                          "memory %.0f), but only "
                          "%.0f MB are available%s: give a smaller --ctx or take a smaller model",
                          mb(mem.total), mb(mem.weights), mb(mem.kv), s->n_ctx, mb(mem.scratch),
                          mb(mem.available), mem.cgroup_limited ? " under the cgroup's limit" : "");
    *out = mem;
    return RY_OK;
}

ry_rc ry_session_estimate(const ry_engine *engine, const struct ry_session_options *options,
                          struct ry_memory *out, ry_err *err)
{
    struct sizes s;
    const struct ry_model *m = ry_engine_model(engine);
    if (!m)
        return ry_err_set(err, RY_ERR_MODEL, "%s: was opened for its tokenizer only",
                          ry_engine_info(engine)->path);
    ry_rc rc = choose_sizes(&s, m, options, err);
    return rc == RY_OK ? estimate(engine, &s, out, err) : rc;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

ry_rc ry_session_new(ry_session **out, const ry_engine *engine,
                     const struct ry_session_options *options, ry_err *err)
{
    const struct ry_model *m = ry_engine_model(engine);
    struct ry_memory mem;
    struct sizes sizes;
    if (!m)
        return ry_err_set(err, RY_ERR_MODEL, "%s: was opened for its tokenizer only",
                          ry_engine_info(engine)->path);
    ry_rc rc = choose_sizes(&sizes, m, options, err);
    if (rc == RY_OK)
        rc = estimate(engine, &sizes, &mem, err);
    if (rc != RY_OK)
        return rc;
    ry_session *s = ry_mem_aligned(64, 1, sizeof *s);
    if (!s)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for a session");
    s->engine = engine;
    s->model = m;
    s->live = options->live;
    s->n_ctx = sizes.n_ctx;
    s->n_ubatch = sizes.n_ubatch;
    s->kv_type = sizes.kv_type;
    s->most_threads = ry_cpu_most_threads();
    s->single_thread_bytes = RY_SINGLE_THREAD_BYTES;
    s->ids = ry_mem_alloc(sizes.n_ctx, sizeof *s->ids);
    s->logits = ry_mem_alloc(m->hp.n_vocab, sizeof *s->logits);
    s->rows = ry_mem_alloc((size_t)m->hp.n_vocab * (1 + RY_DRAFT_MOST), sizeof *s->rows);
    rc = s->ids && s->logits && s->rows
             ? RY_OK
             : ry_err_set(err, RY_ERR_MEMORY, "out of memory for a session");
    if (rc == RY_OK)
        rc = ry_draft_new(&s->draft, (size_t)sizes.n_ctx + 1, err);
    if (rc == RY_OK && ry_engine_screen(engine)->rows.n_rows)
        rc = ry_screener_new(&s->screener, ry_engine_screen(engine), 1 + RY_DRAFT_MOST, err);
    if (rc == RY_OK)
        rc = ry_par_new(&s->par, err);
    if (rc == RY_OK)
        rc = ry_sampler_new(&s->sampler, m->hp.n_vocab, err);
    if (rc == RY_OK)
        rc = ry_kv_init(&s->kv, &m->hp, sizes.scratch.elem, sizes.n_ctx, err);
    if (rc == RY_OK)
        rc = ry_scratch_init(&s->scratch, m, &sizes.scratch, err);
    if (rc != RY_OK) {
        ry_session_free(s);
        return rc;
    }
    *out = s;
    return RY_OK;
}

void ry_session_free(ry_session *s)
{
    if (!s)
        return;
    ry_scratch_done(&s->scratch);
    ry_kv_done(&s->kv);
    ry_sampler_free(s->sampler);
    ry_par_free(s->par);
    ry_draft_free(s->draft);
    ry_screener_free(s->screener);
    ry_mem_free(s->rows);
    ry_mem_free(s->logits);
    ry_mem_free(s->ids);
    ry_mem_free(s);
}

uint32_t ry_session_n_ctx(const ry_session *s)
{
    return s->n_ctx;
}

uint32_t ry_session_n_past(const ry_session *s)
{
    return s->n_past;
}

enum ry_kv_type ry_session_kv_type(const ry_session *s)
{
    return s->kv_type;
}

uint64_t ry_session_kv_bytes(const ry_session *s)
{
    return s->kv.n_bytes;
}

const float *ry_session_logits(const ry_session *s)
{
    return s->has_logits && !s->screened ? s->logits : NULL;
}

void ry_session_perf(const ry_session *s, struct ry_perf *out)
{
    *out = s->profile.sums;
}

/* ---- the timeline -------------------------------------------------------------------------------------- */

size_t ry_session_sync(ry_session *s, const int32_t *ids, size_t n)
{
    size_t same = 0;
    while (same < n && same < s->n_past && ids[same] == s->ids[same])
        same++;
    if (same == n && same > 0)
        same--;
    ry_session_truncate(s, (uint32_t)same);
    return same;
}

void ry_session_truncate(ry_session *s, uint32_t n_past)
{
    if (n_past < s->n_past) {
        s->n_past = n_past;
        s->has_logits = false;
    }
}

static ry_rc check_ids(const ry_session *s, const struct ry_eval *eval, ry_err *err)
{
    if (eval->n == 0)
        return ry_err_set(err, RY_ERR_INPUT, "no tokens to evaluate");
    if (eval->n > s->n_ctx - s->n_past)
        return ry_err_set(err, RY_ERR_CONTEXT,
                          "%zu tokens do not fit: %u of the context's %u positions are taken; give "
                          "a larger --ctx or "
                          "a shorter text",
                          eval->n, s->n_past, s->n_ctx);
    for (size_t i = 0; i < eval->n; i++)
        if (eval->ids[i] < 0 || (uint32_t)eval->ids[i] >= s->model->hp.n_vocab)
            return ry_err_set(err, RY_ERR_INPUT, "token %zu is %d, must be 0..%u", i, eval->ids[i],
                              s->model->hp.n_vocab - 1);
    return RY_OK;
}

static ry_rc eval_steps(ry_session *s, const struct ry_eval *eval,
                        const struct ry_screen_want *want, ry_err *err)
{
    size_t n_vocab = s->model->hp.n_vocab;
    for (size_t done = 0; done < eval->n;) {
        size_t n = eval->n - done < s->n_ubatch ? eval->n - done : s->n_ubatch;
        bool last = done + n == eval->n;
        struct ry_step step = {.ids = eval->ids + done,
                               .n_tok = n,
                               .pos = s->n_past + done,
                               .want = want,
                               .cancel = eval->cancel};
        step.n_logits = eval->all_logits ? n : last;
        step.logits = eval->all_logits ? eval->all_logits + done * n_vocab : s->logits;
        ry_mem_guard_begin();
        ry_rc rc = ry_forward(s, &step, err);
        ry_mem_guard_end();
        if (rc != RY_OK)
            return rc;
        if (ry_engine_faulted(s->engine))
            return ry_err_set(err, RY_ERR_MODEL,
                              "%s: the file was cut short or replaced while in use; load it again",
                              ry_engine_info(s->engine)->path);
        done += n;
        if (eval->progress)
            eval->progress(eval->user, done, eval->n);
    }
    return RY_OK;
}

static uint64_t bytes_read(const struct ry_perf *sums)
{
    uint64_t n = 0;
    for (int op = 0; op < RY_OP_COUNT; op++)
        n += sums->op_bytes[op];
    return n;
}

/* What both doors share: everything but the counters. */
static ry_rc eval_checked(ry_session *s, const struct ry_eval *eval,
                          const struct ry_screen_want *want, ry_err *err)
{
    ry_rc rc = check_ids(s, eval, err);
    if (rc != RY_OK)
        return rc;
    s->has_logits = false;
    uint64_t n_screened = s->profile.sums.n_screened;
    rc = eval_steps(s, eval, want, err);
    if (rc != RY_OK)
        return rc;
    memcpy(s->ids + s->n_past, eval->ids, eval->n * sizeof *s->ids);
    s->n_past += (uint32_t)eval->n;
    s->screened = s->profile.sums.n_screened > n_screened;
    return RY_OK;
}

ry_rc ry_session_eval_for(ry_session *s, const struct ry_eval *eval,
                          const struct ry_screen_want *want, ry_err *err)
{
    struct ry_perf *sums = &s->profile.sums;
    uint64_t t0 = ry_clock_ns(), bytes0 = bytes_read(sums);
    ry_rc rc = eval_checked(s, eval, want, err);
    if (rc != RY_OK)
        return rc;
    if (eval->all_logits)
        memcpy(s->logits, eval->all_logits + (eval->n - 1) * s->model->hp.n_vocab,
               s->model->hp.n_vocab * sizeof *s->logits);
    s->has_logits = true;
    if (eval->n == 1) {
        sums->decode_bytes += bytes_read(sums) - bytes0;
        sums->decode_ns += ry_clock_ns() - t0;
        sums->n_decode++;
    } else {
        sums->prefill_ns += ry_clock_ns() - t0;
        sums->n_prefill += eval->n;
    }
    return RY_OK;
}

ry_rc ry_session_eval(ry_session *s, const struct ry_eval *eval, ry_err *err)
{
    return ry_session_eval_for(s, eval, NULL, err);
}

ry_rc ry_session_eval_draft(ry_session *s, const int32_t *ids, size_t n,
                            const struct ry_screen_want *want, const atomic_bool *cancel,
                            ry_err *err)
{
    struct ry_perf *sums = &s->profile.sums;
    uint64_t t0 = ry_clock_ns(), bytes0 = bytes_read(sums);
    ry_rc rc = eval_checked(
        s, &(struct ry_eval){.ids = ids, .n = n, .all_logits = s->rows, .cancel = cancel}, want,
        err);
    if (rc != RY_OK)
        return rc;
    sums->decode_bytes += bytes_read(sums) - bytes0;
    sums->decode_ns += ry_clock_ns() - t0;
    sums->n_decode++; /* the sampled token; the guesses count once they are known to be right */
    return RY_OK;
}
