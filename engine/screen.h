/* An exact screen before a head of floats: the logits that decide, at half the traffic or less.
 *
 * Beside a head W of F16, BF16 or F32 stand rows of bytes, made at load: W_i = d_i q_i + r_i, with |r_i| and |W_i| stored.
 * For a hidden state x in two digits of eight bits, x = x' + e, the bytes give a_i = d_i q_i . x', and the logit y_i that the
 * head's kernel would give lies within
 *
 *     |y_i - a_i|  <=  |r_i| |x|  +  max(|W_i|, |d_i q_i|) (|e| + rounding |x|)                           (Cauchy, Schwarz)
 *
 * where `rounding` covers the float arithmetic of both sides: y_i is a sum of n products in 16 lanes and a tree, so it is
 * within (n/16 + 8) u |W_i| |x| of the real number (Higham, Accuracy and Stability of Numerical Algorithms, 3.1, u = 2^-24),
 * and a_i takes a handful of operations. With the k-th largest lower bound T, a row whose upper bound is below T is not
 * among the k largest; every other row's logit is computed by the head's own kernel. So what greedy and top-k sampling see
 * is what they would see of the whole head: the same tokens.
 *
 * ry_screen is immutable after make, any thread. A ry_screener is a session's; its stages run on the session's team. */
#ifndef RYOT_ENGINE_SCREEN_H
#define RYOT_ENGINE_SCREEN_H

#include "engine/model.h"
#include "engine/repack.h"

enum {
    RY_SCREEN_MOST_K = 256,     /* above, whole heads */
    RY_SCREEN_MOST_KEEP = 576,  /* likewise */
    RY_SCREEN_MOST_COLS = 65536 /* of a head: the bytes' sums stay exact */
};

struct ry_screen {
    struct ry_screen_rows rows; /* n_rows 0: there is none */
    const float *rest, *norm;   /* [n_rows] |r_i| and max(|W_i|, |d_i q_i|), rounded up */
    uint64_t n_bytes;
    const char *reason; /* why there is none; NULL where there is. Static text */
    void *map;          /* owned */
    size_t map_bytes;
};

/* Makes the screen of a model's head, unless the head needs none or allows none, or memory is short: no failure.
 * RY_ERR_MEMORY, RY_ERR_CANCELLED; *out is zeroed then. */
ry_rc ry_screen_make(struct ry_screen *out, const struct ry_model *model,
                     const struct ry_repack_options *options, ry_err *err);
void ry_screen_done(struct ry_screen *screen); /* accepts a zeroed one */

/* Which logits a step's caller needs: the k largest, and those of some ids, whatever they are. The k largest among the ids
 * that are not in keep are exact; so are those of keep. */
struct ry_screen_want {
    size_t k;            /* 1..RY_SCREEN_MOST_K */
    const int32_t *keep; /* [n_keep <= RY_SCREEN_MOST_KEEP], each < n_vocab; may repeat */
    size_t n_keep;
};

typedef struct ry_screener ry_screener;

/* Working memory for up to n_tok rows of logits in a step. *out is owned. */
ry_rc ry_screener_new(ry_screener **out, const struct ry_screen *screen, size_t n_tok, ry_err *err);
void ry_screener_free(ry_screener *screener); /* accepts NULL */

/* One thread's view of a step. */
struct ry_screen_job {
    const struct ry_screen *screen;
    ry_screener *own;
    const struct ry_kern *kern;
    const struct ry_wmat *head;
    const struct ry_screen_want *want;
    const char *act; /* [n_tok] rows of RY_ACT_F32, act_stride bytes apart */
    size_t act_stride, n_tok;
    float *logits; /* [n_tok, n_vocab] */
    size_t prefetch;
    int tid;
};

/* The stages, in this order; behind rows and behind decide the team meets.
 *   begin    each thread for itself. False (for all alike) when a hidden state is not finite: then the whole head
 *            is wanted, whose logits will say so.
 *   rows     approximate logits of rows lo..hi (lo a multiple of 16), and their lower bounds
 *   decide   one thread: the k-th largest lower bound of n_threads
 *   rescore  of rows lo..hi those that could be among the k largest get their logit, the others -INFINITY; of token t.
 *            Returns how many; *finite becomes false when one is not. */
bool ry_screen_begin(const struct ry_screen_job *job);
void ry_screen_rows(const struct ry_screen_job *job, size_t lo, size_t hi);
void ry_screen_decide(const struct ry_screen_job *job, int n_threads);
size_t ry_screen_rescore(const struct ry_screen_job *job, size_t t, size_t lo, size_t hi,
                         bool *finite);

#endif
