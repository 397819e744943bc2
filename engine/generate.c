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

/* The sampling of the next token, and what it needs of the logits. Both are read before the step that gives them, so
 * that a switch turned meanwhile finds what it wants at the token after. */
struct next {
    struct ry_sampling sampling;
    struct ry_screen_want want;
    bool all; /* want does not say it */
    int32_t keep[RY_SCREEN_MOST_KEEP];
};

/* For what follows first[0..n_first) and second[0..n_second). */
static void look_ahead(struct next *next, const ry_session *s, const int32_t *first, size_t n_first,
                       const int32_t *second, size_t n_second)
{
    ry_live_get_sampling(s->live, &next->sampling);
    struct ry_sampling_needs needs = ry_sampling_needs(&next->sampling, s->model->hp.n_vocab);
    size_t n = needs.n_last ? n_second : 0, m = needs.n_last < n_first ? needs.n_last : n_first;
    next->all = needs.n_best == 0 || needs.n_best > RY_SCREEN_MOST_K || m > RY_SCREEN_MOST_KEEP ||
                n > RY_SCREEN_MOST_KEEP - m;
    if (next->all)
        return;
    if (m)
        memcpy(next->keep, first + n_first - m, m * sizeof *first);
    if (n)
        memcpy(next->keep + m, second, n * sizeof *second);
    next->want = (struct ry_screen_want){needs.n_best, next->keep, m + n};
}

static ry_rc prefill(ry_session *s, const struct ry_generate *o, struct next *next,
                     struct ry_generated *out, ry_err *err)
{
    out->n_prompt = o->n_prompt;
    out->n_reused = ry_session_sync(s, o->prompt, o->n_prompt);
    struct ry_eval eval = {.ids = o->prompt + out->n_reused,
                           .n = o->n_prompt - out->n_reused,
                           .progress = o->on_prefill,
                           .user = o->user,
                           .cancel = o->cancel};
    look_ahead(next, s, o->prompt, o->n_prompt, NULL, 0);
    return ry_session_eval_for(s, &eval, next->all ? NULL : &next->want, err);
}

/* ---- decoding ------------------------------------------------------------------------------------------ */

/* A step evaluates the token that was sampled last, and behind it the guesses, if there are any:
 *
 *   batch   sampled │ guess 1 │ guess 2 │ guess 3          row r of logits says what follows batch[r]
 *   row        0         1         2         3
 *
 * The next token is sampled from row 0, as without guesses. While it is the one that was guessed, the next row is what
 * its evaluation would give, and sampling goes on there; where it is another, the rest of the batch is forgotten. So the
 * sampler sees the same logits, history and random numbers as without guesses, and gives the same tokens. */
struct decoding {
    ry_session *s;
    const struct ry_generate *o;
    struct writer *w;
    struct ry_generated *out;
    uint64_t t0, t_first, t_token;
    int32_t batch[1 + RY_DRAFT_MOST];
    size_t n_batch, row;      /* row < n_batch: of the logits that are sampled next */
    size_t n_history;         /* tokens up to that row */
    const float *logits;      /* that row */
    struct next next;         /* how it is sampled */
    struct ry_drafted shadow; /* what was guessed and not evaluated: judged by what comes */
    bool indexed;             /* session->draft holds this timeline */
};

static int32_t sample(struct decoding *d)
{
    ry_session *s = d->s;
    ry_profile_start(&s->profile);
    ry_mem_guard_begin();
    int32_t id = ry_sampler_pick(s->sampler, d->logits, &d->next.sampling, s->ids, d->n_history);
    ry_mem_guard_end();
    ry_profile_mark(&s->profile, RY_OP_SAMPLE, 0);
    return id;
}

static bool reached_length(const struct decoding *d)
{
    return d->o->max_tokens >= 0 && d->out->n_generated >= (size_t)d->o->max_tokens;
}

/* Samples and gives out one token. *end: the answer ends here, out->finish says why. */
static ry_rc next_token(struct decoding *d, int32_t *id, bool *end, ry_err *err)
{
    const struct ry_generate *o = d->o;
    struct ry_generated *out = d->out;
    *end = true;
    out->finish = RY_FINISH_LENGTH;
    if (reached_length(d))
        return RY_OK;
    out->finish = RY_FINISH_CANCELLED;
    if (o->cancel && atomic_load_explicit(o->cancel, memory_order_relaxed))
        return RY_OK;
    *id = sample(d);
    uint64_t now = ry_clock_ns();
    if (out->n_generated++ == 0) {
        d->t_first = now;
        out->ttft_ms = (double)(now - d->t0) / 1e6;
    }
    if (o->on_token)
        o->on_token(o->user, *id, now - d->t_token);
    d->t_token = now;
    out->finish = RY_FINISH_STOP;
    if (!o->ignore_eog && ry_engine_is_eog(d->s->engine, *id))
        return RY_OK;
    ry_rc rc = write_token(d->w, d->s, *id, err);
    if (rc != RY_OK || d->w->stopped)
        return rc;
    out->finish = RY_FINISH_LENGTH;
    if (reached_length(d))
        return RY_OK;
    out->finish = RY_FINISH_CONTEXT;
    *end = d->n_history == d->s->n_ctx;
    return RY_OK;
}

/* Guesses behind the token that was just sampled, into batch[1..]: as many as have room and are worth their time. */
static void guess(struct decoding *d, int32_t id)
{
    ry_session *s = d->s;
    struct ry_drafted g = {.n = 0};
    d->n_batch = 1;
    d->shadow.n = 0;
    if (atomic_load_explicit(&s->live->speculate, memory_order_relaxed) != RY_SPECULATE_NGRAM)
        return;
    if (!d->indexed) {
        ry_draft_begin(s->draft, s->ids, s->n_past);
        ry_draft_push(s->draft, id);
        d->indexed = true;
    }
    /* The last guess's row needs a position, and what it says must still be wanted. */
    size_t most = s->n_ctx - s->n_past - 1, wanted = RY_DRAFT_MOST;
    if (d->o->max_tokens >= 0)
        wanted = (size_t)d->o->max_tokens - d->out->n_generated - 1;
    most = most < wanted ? most : wanted;
    ry_draft_look_up(s->draft, most < RY_DRAFT_MOST ? most : RY_DRAFT_MOST, &g);
    size_t worth = ry_draft_worth(s->draft, &g);
    d->shadow = g;
    if (worth)
        memcpy(d->batch + 1, g.ids, worth * sizeof *g.ids);
    d->n_batch = 1 + worth;
}

/* Evaluates the batch. A guess may lead where a damaged model gives no numbers, though the answer never would: then
 * the sampled token is evaluated alone. */
static ry_rc step(struct decoding *d, ry_err *err)
{
    ry_session *s = d->s;
    uint64_t t0 = ry_clock_ns();
    ry_rc rc = RY_ERR_NUMERIC;
    look_ahead(&d->next, s, s->ids, s->n_past, d->batch, d->n_batch);
    const struct ry_screen_want *want = d->next.all ? NULL : &d->next.want;
    if (d->n_batch > 1) {
        rc = ry_session_eval_draft(s, d->batch, d->n_batch, want, d->o->cancel, err);
        s->profile.sums.n_drafted += rc == RY_OK ? d->n_batch - 1 : 0;
    }
    if (rc == RY_ERR_NUMERIC) {
        d->n_batch = 1;
        rc = ry_session_eval_for(
            s, &(struct ry_eval){.ids = d->batch, .n = 1, .cancel = d->o->cancel}, want, err);
    }
    if (rc != RY_OK) {
        d->n_batch = 1; /* nothing was evaluated */
        return rc;
    }
    if (d->indexed)
        ry_draft_time(s->draft, d->n_batch, ry_clock_ns() - t0);
    d->row = 0;
    d->n_history = s->n_past - d->n_batch + 1;
    d->logits = d->n_batch > 1 ? s->rows : s->logits;
    return RY_OK;
}

/* Whether the token that was sampled is the one that was guessed: then its row is next. */
static bool was_guessed(struct decoding *d, int32_t id)
{
    ry_session *s = d->s;
    if (d->shadow.n > d->row)
        ry_draft_judge(s->draft, d->shadow.kind, d->shadow.ids[d->row] == id);
    if (d->row + 1 >= d->n_batch || d->batch[d->row + 1] != id)
        return false;
    d->row++;
    d->n_history++;
    d->logits += s->model->hp.n_vocab;
    s->profile.sums.n_accepted++;
    s->profile.sums.n_decode++;
    return true;
}

/* Leaves the session as it would be without guesses: evaluated up to the row, whose logits are the last. */
static void forget_rest(struct decoding *d, bool keep_logits)
{
    ry_session *s = d->s;
    if (d->n_batch == 1)
        return;
    ry_session_truncate(s, (uint32_t)d->n_history);
    if (keep_logits)
        memcpy(s->logits, d->logits, s->model->hp.n_vocab * sizeof *s->logits);
    s->has_logits = keep_logits;
}

/* Sampling, text and the next step, until an end. */
static ry_rc decode(ry_session *s, const struct ry_generate *o, struct writer *w,
                    const struct next *first, struct ry_generated *out, uint64_t t0, ry_err *err)
{
    struct decoding d = {.s = s,
                         .o = o,
                         .w = w,
                         .out = out,
                         .t0 = t0,
                         .t_token = ry_clock_ns(),
                         .n_batch = 1,
                         .n_history = s->n_past,
                         .logits = s->logits,
                         .next = *first};
    ry_rc rc = RY_OK;
    for (;;) {
        bool end;
        rc = next_token(&d, &d.batch[0], &end, err);
        if (rc != RY_OK || end)
            break;
        if (d.indexed)
            ry_draft_push(s->draft, d.batch[0]);
        if (was_guessed(&d, d.batch[0]))
            continue;
        forget_rest(&d, false);
        guess(&d, d.batch[0]);
        rc = step(&d, err);
        if (rc != RY_OK)
            break;
    }
    forget_rest(&d, true);
    if (rc == RY_ERR_CANCELLED) {
        out->finish = RY_FINISH_CANCELLED;
        rc = RY_OK;
    }
    out->decode_ms = out->n_generated > 1 ? (double)(d.t_token - d.t_first) / 1e6 : 0;
    return rc;
}

ry_rc ry_generate(ry_session *s, const struct ry_generate *o, struct ry_generated *out, ry_err *err)
{
    struct ry_generated r = {0};
    struct writer w = {.o = o};
    struct next first;
    uint64_t t0 = ry_clock_ns();
    ry_rc rc = check_prompt(s, o, err);
    if (rc != RY_OK)
        return rc;
    rc = prefill(s, o, &first, &r, err);
    r.prefill_ms = (double)(ry_clock_ns() - t0) / 1e6;
    if (rc == RY_ERR_CANCELLED) {
        r.finish = RY_FINISH_CANCELLED;
        *out = r;
        return RY_OK;
    }
    if (rc == RY_OK) {
        w.drop_prefix = ry_engine_begins_text(s->engine, o->prompt[o->n_prompt - 1]);
        ry_sampler_seed(s->sampler, o->seed);
        rc = decode(s, o, &w, &first, &r, t0, err);
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
