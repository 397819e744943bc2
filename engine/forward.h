/* One step of the forward pass: n_tok tokens at positions n_past.. through all layers. Session's thread. */
#ifndef RYOT_ENGINE_FORWARD_H
#define RYOT_ENGINE_FORWARD_H

#include "engine/session.h"

struct ry_step {
    const int32_t *ids; /* [n_tok], each < n_vocab */
    size_t n_tok;       /* 1..n_ubatch */
    size_t pos;         /* of the first; pos + n_tok <= n_ctx */
    float *logits;      /* [n_logits, n_vocab] for the last n_logits tokens; n_logits may be 0 */
    size_t n_logits;
    const atomic_bool *cancel; /* or NULL */
};

/* Evaluates the step with the switches of session->live as they are now. RY_ERR_CANCELLED; RY_ERR_NUMERIC with the
 * position of the first row whose logits are not finite. The cache behind pos is unspecified after a failure. */
ry_rc ry_forward(ry_session *session, const struct ry_step *step, ry_err *err);

#endif
