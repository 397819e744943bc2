/* Attention of a step's tokens over the KV cache in one layer (Vaswani et al., Attention Is All You Need, 3.2.1), with
 * grouped-query heads (Ainslie et al., GQA): query head h reads the keys and values of head h / (n_head / n_head_kv).
 *
 * Two implementations behind one face. Both compute a chunk of the KV cache as two products (attn_rows.h) and differ in
 * what lies between: `standard` has the scores of all positions and their softmax before it touches a value; `flash`
 * (Dao et al., FlashAttention; Rabe and Staats, Self-attention Does Not Need O(n^2) Memory) finishes chunk after chunk
 * and merges them in index order. Each has one order of operations for a query, whatever shares its tile.
 *
 * Any thread of the team: tasks are independent, and merges too once all tasks are done. */
#ifndef RYOT_ENGINE_ATTENTION_H
#define RYOT_ENGINE_ATTENTION_H

#include "engine/kv.h"

/* Tokens up to which a step of flash attention splits the positions, not the tokens, among the threads. */
enum { RY_ATTN_SPLIT_TOKENS = 8 };

/* The step in one layer. What stands below `kind` is the plan's. */
struct ry_attn {
    const struct ry_kern *kern;
    const struct ry_kv *kv;
    const struct ry_hparams *hp;
    size_t layer;
    uint32_t window;   /* 0: sees everything before it */
    size_t pos, n_tok; /* of the first; keys and values of all of them are stored */
    const float *q;    /* [n_tok, ldq]: [n_head, head_dim_k] each, scaled */
    size_t ldq;
    float *out; /* [n_tok, ldo]: [n_head, head_dim_v] each */
    size_t ldo;
    float *parts; /* ry_attn_part_floats() */
    size_t max_macs; /* about, in one task: between two looks at the cancel flag */
    bool prefetch;
    enum ry_attention kind;
    size_t n_tasks, n_merges; /* n_merges 0: the tasks give the result */
    size_t stride;            /* tasks between one and the next of the same thread */
    size_t tile_rows;
    bool split;
};

/* Floats of `parts`; false on overflow. */
bool ry_attn_part_floats(const struct ry_hparams *hp, size_t n_ctx, size_t *out);

/* Fills the plan for a team of n_threads; the bits do not depend on it. */
void ry_attn_plan(struct ry_attn *a, enum ry_attention kind, int n_threads);

/* Task i < n_tasks, with the working memory of the calling thread. */
struct ry_attn_own;
void ry_attn_task(const struct ry_attn *a, size_t i, struct ry_attn_own *own);

/* Merge i < n_merges, when all tasks are done. */
void ry_attn_merge(const struct ry_attn *a, size_t i);

#endif
