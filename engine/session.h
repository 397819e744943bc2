/* A session's inside, for the engine's own rooms: what one mutable inference timeline holds. Session's thread; within a
 * step, the threads of its team as forward.c says. */
#ifndef RYOT_ENGINE_SESSION_H
#define RYOT_ENGINE_SESSION_H

#include "engine/draft.h"
#include "engine/kv.h"
#include "engine/model.h"
#include "engine/par.h"
#include "engine/profile.h"
#include "engine/repack.h"
#include "engine/sample.h"
#include "engine/scratch.h"
#include "engine/screen.h"

struct ry_session {
    const ry_engine *engine;      /* borrowed */
    const struct ry_model *model; /* borrowed from the engine */
    const struct ry_live *live;   /* borrowed from the caller */
    ry_par *par;
    ry_sampler *sampler;
    struct ry_kv kv;
    struct ry_scratch scratch;
    struct ry_profile profile;
    enum ry_kv_type kv_type;
    uint32_t n_ctx, n_ubatch, n_past;
    int most_threads;             /* of a step: the processors at creation; tests raise it */
    uint64_t single_thread_bytes; /* see RY_SINGLE_THREAD_BYTES; tests lower it */
    int32_t *ids;                 /* [n_ctx] the history; the first n_past are in the cache */
    float *logits;                /* [n_vocab] of the last position */
    float *rows;                  /* [1 + RY_DRAFT_MOST, n_vocab] of a step of speculation */
    ry_draft *draft;
    ry_screener *screener; /* NULL where the head has no screen */
    bool has_logits;
    bool screened; /* the last step gave only some of its logits */
};

/* As ry_session_eval without all_logits, for a caller that needs no more of the last logits than `want` (NULL: all).
 * Where the head was screened the others are -INFINITY and ry_session_logits gives NULL. */
ry_rc ry_session_eval_for(ry_session *session, const struct ry_eval *eval,
                          const struct ry_screen_want *want, ry_err *err);

/* Evaluates 1..1 + RY_DRAFT_MOST tokens, a sampled one and the guesses behind it, with the logits of each in s->rows
 * (what `want` asks of them; NULL: all); it counts as decoding. Afterwards ry_session_logits is NULL. Errors as
 * ry_session_eval. */
ry_rc ry_session_eval_draft(ry_session *session, const int32_t *ids, size_t n,
                            const struct ry_screen_want *want, const atomic_bool *cancel,
                            ry_err *err);

/* The engine's parts that a session needs. */
const struct ry_model *ry_engine_model(const ry_engine *engine);
const struct ry_repacked *ry_engine_repacked(const ry_engine *engine);
const struct ry_screen *ry_engine_screen(const ry_engine *engine);
/* Bytes of the weights that need no further memory: they have a copy, or lie in memory already. */
uint64_t ry_engine_held_bytes(const ry_engine *engine);
bool ry_engine_faulted(const ry_engine *engine); /* the file changed while in use */
/* Whether what follows this token is the beginning of a text, where the tokenizer writes a space that no text has. */
bool ry_engine_begins_text(const ry_engine *engine, int32_t id);

#endif
