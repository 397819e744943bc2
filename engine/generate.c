/* Generation: prefill what is new, then sample until an end. Session's thread.
 *
 *   token ─▸ bytes ─▸ whole UTF-8 sequences ─▸ held while it could begin a stop string ─▸ on_text
 */
#include <string.h>

#include "engine/session.h"
#include "engine/tok.h"
#include "src/base/clock.h"
#include "src/base/mem.h"

struct writer {
    const struct ry_generate *o;
    struct ry_detok detok;
    ry_buf text;  /* whole sequences that were not given out yet */
    bool stopped; /* a stop string was met */
    bool
        drop_prefix; /* the next token begins a text: an SPM space before it is none of the model's words */
};

/* The whole stop string that ends first in s[0..len), and of those that end there the longest: so the text is the same
 * however tokens cut it. Returns where it begins, len when there is none. */
static size_t find_stop(const struct ry_generate *o, const char *s, size_t len)
{
    for (size_t end = 1; end <= len; end++) {
        size_t at = len;
        for (size_t k = 0; k < o->n_stops; k++) {
            size_t n = strlen(o->stops[k]);
            if (n > 0 && n <= end && end - n < at && memcmp(s + end - n, o->stops[k], n) == 0)
                at = end - n;
        }
        if (at < len)
            return at;
    }
    return len;
}

/* Where a tail of s[0..len) begins that more text could make a stop string; len when there is none. */
static size_t find_beginning(const struct ry_generate *o, const char *s, size_t len)
{
    for (size_t at = 0; at < len; at++)
        for (size_t k = 0; k < o->n_stops; k++)
            if (strlen(o->stops[k]) > len - at && memcmp(s + at, o->stops[k], len - at) == 0)
                return at;
    return len;
}

/* Gives out what is decided; `last`: nothing follows, so that the beginning of a stop string is text after all. */
static void give_out(struct writer *w, bool last)
{
    const char *s = ry_buf_str(&w->text);
    size_t n = find_stop(w->o, s, w->text.len);
    if (n < w->text.len)
        w->stopped = true;
    else if (!last)
        n = find_beginning(w->o, s, w->text.len);
    if (n && w->o->on_text)
        w->o->on_text(w->o->user, w->text.data, n);
    ry_buf_drop_front(&w->text, n);
}

static ry_rc write_token(struct writer *w, const ry_session *s, int32_t id, ry_err *err)
{
    size_t len;
    const char *bytes = ry_engine_token_bytes(s->engine, id, &len);
    if (w->drop_prefix && len > 0 && bytes[0] == ' ') {
        bytes++;
        len--;
    }
    w->drop_prefix = false;
    if (!ry_detok_push(&w->detok, bytes, len, &w->text))
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for the answer's text");
    give_out(w, false);
    return RY_OK;
}

/* Context full before an answer: the prompt needs one position more than it has tokens. */
static ry_rc check_prompt(const ry_session *s, const struct ry_generate *o, ry_err *err)
{
    if (o->n_prompt == 0)
        return ry_err_set(err, RY_ERR_INPUT, "the prompt is empty");
    if (o->n_prompt > s->n_ctx)
        return ry_err_set(err, RY_ERR_CONTEXT,
                          "the conversation takes %zu tokens and the context has %u: give a larger "
                          "--ctx, or start anew",
                          o->n_prompt, s->n_ctx);
    return RY_OK;
}

static ry_rc prefill(ry_session *s, const struct ry_generate *o, struct ry_generated *out,
                     ry_err *err)
{
    out->n_prompt = o->n_prompt;
    out->n_reused = ry_session_sync(s, o->prompt, o->n_prompt);
    struct ry_eval eval = {.ids = o->prompt + out->n_reused,
                           .n = o->n_prompt - out->n_reused,
                           .progress = o->on_prefill,
                           .user = o->user,
                           .cancel = o->cancel};
    return ry_session_eval(s, &eval, err);
}

static int32_t sample(ry_session *s)
{
    struct ry_sampling sampling = {0};
    ry_live_get_sampling(s->live, &sampling);
    ry_profile_start(&s->profile);
    ry_mem_guard_begin();
    int32_t id = ry_sampler_pick(s->sampler, s->logits, &sampling, s->ids, s->n_past);
    ry_mem_guard_end();
    ry_profile_mark(&s->profile, RY_OP_SAMPLE, 0);
    return id;
}

/* Sampling, text and the next step, until an end. */
static ry_rc decode(ry_session *s, const struct ry_generate *o, struct writer *w,
                    struct ry_generated *out, uint64_t t0, ry_err *err)
{
    uint64_t t_first = 0, t_token = ry_clock_ns();
    out->finish = RY_FINISH_LENGTH;
    while (o->max_tokens < 0 || out->n_generated < (size_t)o->max_tokens) {
        if (o->cancel && atomic_load_explicit(o->cancel, memory_order_relaxed)) {
            out->finish = RY_FINISH_CANCELLED;
            break;
        }
        int32_t id = sample(s);
        uint64_t now = ry_clock_ns();
        if (out->n_generated++ == 0) {
            t_first = now;
            out->ttft_ms = (double)(now - t0) / 1e6;
        }
        if (o->on_token)
            o->on_token(o->user, id, now - t_token);
        t_token = now;
        if (!o->ignore_eog && ry_engine_is_eog(s->engine, id)) {
            out->finish = RY_FINISH_STOP;
            break;
        }
        ry_rc rc = write_token(w, s, id, err);
        if (rc != RY_OK)
            return rc;
        if (w->stopped) {
            out->finish = RY_FINISH_STOP;
            break;
        }
        if (o->max_tokens >= 0 && out->n_generated == (size_t)o->max_tokens)
            break;
        if (s->n_past == s->n_ctx) {
            out->finish = RY_FINISH_CONTEXT;
            break;
        }
        rc = ry_session_eval(s, &(struct ry_eval){.ids = &id, .n = 1, .cancel = o->cancel}, err);
        if (rc != RY_OK && rc != RY_ERR_CANCELLED)
            return rc;
    }
    out->decode_ms = out->n_generated > 1 ? (double)(t_token - t_first) / 1e6 : 0;
    return RY_OK;
}

ry_rc ry_generate(ry_session *s, const struct ry_generate *o, struct ry_generated *out, ry_err *err)
{
    struct ry_generated r = {0};
    struct writer w = {.o = o};
    uint64_t t0 = ry_clock_ns();
    ry_rc rc = check_prompt(s, o, err);
    if (rc != RY_OK)
        return rc;
    rc = prefill(s, o, &r, err);
    r.prefill_ms = (double)(ry_clock_ns() - t0) / 1e6;
    if (rc == RY_ERR_CANCELLED) {
        r.finish = RY_FINISH_CANCELLED;
        *out = r;
        return RY_OK;
    }
    if (rc == RY_OK) {
        w.drop_prefix = ry_engine_begins_text(s->engine, o->prompt[o->n_prompt - 1]);
        ry_sampler_seed(s->sampler, o->seed);
        rc = decode(s, o, &w, &r, t0, err);
    }
    if (!w.stopped) { /* after an error too: what was written is not lost */
        if (!ry_detok_flush(&w.detok, &w.text) && rc == RY_OK)
            rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory for the answer's text");
        give_out(&w, true);
    }
    ry_buf_done(&w.text);
    if (rc == RY_OK)
        *out = r;
    return rc;
}

const char *ry_finish_name(enum ry_finish finish)
{
    static const char *const names[RY_FINISH_COUNT] = {"stop", "length", "cancelled", "context"};
    return (unsigned)finish < RY_FINISH_COUNT ? names[finish] : "unknown";
}
