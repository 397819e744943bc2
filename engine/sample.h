/* Sampling: logits to one token id. One sampler per session; session's thread. */
#ifndef RYOT_ENGINE_SAMPLE_H
#define RYOT_ENGINE_SAMPLE_H

#include "engine/engine.h"

typedef struct ry_sampler ry_sampler;

/* Scratch for n_vocab logits, allocated once. */
ry_rc ry_sampler_new(ry_sampler **out, uint32_t n_vocab, ry_err *err);
void ry_sampler_free(ry_sampler *sampler);

/* Starts the random sequence (PCG or xoshiro; the same seed gives the same tokens on every machine). */
void ry_sampler_seed(ry_sampler *sampler, uint64_t seed);

/* Order: repeat penalty over last[0..n_last), top-k, softmax at temp, top-p, min-p, draw. temp 0: the largest, lowest
 * id on ties. logits[n_vocab] is not changed. Own exp from kern, so that results do not depend on libm. NaN is the
 * caller's to have refused. */
int32_t ry_sampler_pick(ry_sampler *sampler, const float *logits, const struct ry_sampling *s,
                        const int32_t *last, size_t n_last);

/* What decides the choice: the `n_best` largest logits (0: all of them) and those of the last n_last tokens, which are
 * penalised. */
struct ry_sampling_needs {
    size_t n_best, n_last;
};
struct ry_sampling_needs ry_sampling_needs(const struct ry_sampling *s, uint32_t n_vocab);

#endif
