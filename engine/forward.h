/* One step of the forward pass: n_tok tokens at positions n_past.. through all layers. Session's thread. */
#ifndef RYOT_ENGINE_FORWARD_H
#define RYOT_ENGINE_FORWARD_H

#include "engine/session.h"

/* Below this many bytes of weights times tokens a step is not worth a second thread: some thirty barriers cost more than
 * half the work saves, and far more when other programs want the cores (bitllama2-3M, 1.3 MB, decodes 9,500 tok/s with
 * one thread and at best 3,600 with two; Xeon, AVX2, `ryot bench`, tg128). The bits are the same either way. */
enum { RY_SINGLE_THREAD_BYTES = 16 * 1024 * 1024 };

struct ry_step {
    const int32_t *ids; /* [n_tok], each < n_vocab */
    size_t n_tok;       /* 1..n_ubatch */
    size_t pos;         /* of the first; pos + n_tok <= n_ctx */
    float *logits;      /* [n_logits, n_vocab] for the last n_logits tokens; n_logits may be 0 */
    size_t n_logits;
    const struct ry_screen_want *want; /* NULL: every logit */
    const atomic_bool *cancel; /* or NULL */
};

/* Evaluates the step with the switches of session->live as they are now. RY_ERR_CANCELLED; RY_ERR_NUMERIC with the
 * position of the first row whose logits are not finite. The cache behind pos is unspecified after a failure. */
ry_rc ry_forward(ry_session *session, const struct ry_step *step, ry_err *err);

#endif
