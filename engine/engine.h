/* The engine wing, as everybody outside sees it: models, tokens, sessions, generation.
 *
 *   ry_engine   one opened model: map, weights, tokenizer, template. Immutable after open, shared read-only.
 *   ry_session  one mutable inference timeline: KV cache, logits, token history. One thread at a time.
 *   ry_live     the switches that may change between two tokens, written by any thread.
 *
 * Synchronous: nothing here starts a thread (the team inside par.c apart), prints, logs or exits.
 * The logits are the same bits for every kernel tier, thread count and ubatch, and for prefill and decode. */
#ifndef RYOT_ENGINE_ENGINE_H
#define RYOT_ENGINE_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/err.h"

typedef struct ry_engine ry_engine;
typedef struct ry_session ry_session;

/* ---- kernel tiers ------------------------------------------------------------------------------------ */

/* AVX-VNNI is AVX2 with dot products of bytes; AVX-512 needs F, BW, DQ, VL, VNNI and VBMI; AMX is AVX-512 with products of
 * int8 tiles. */
enum ry_tier {
    RY_TIER_SCALAR,
    RY_TIER_AVX2,
    RY_TIER_AVXVNNI,
    RY_TIER_AVX512,
    RY_TIER_AMX,
    RY_TIER_COUNT
};

/* "scalar", "avx2", "avxvnni", "avx512", "amx". Never NULL. */
const char *ry_tier_name(enum ry_tier tier);

/* Whether the tier was built in, this CPU and operating system (CPUID and XCR0) can run it, and it gave scalar's bits in
 * the self-test, which runs once, at the first of these questions. Any thread. */
bool ry_tier_usable(enum ry_tier tier);

/* The kernel in which the self-test found other bits, "" where it found none. Static storage. */
const char *ry_tier_failed(enum ry_tier tier);

/* The widest usable tier. */
enum ry_tier ry_tier_best(void);

/* "auto" or a tier's name into *tier. RY_ERR_USAGE with the list of usable tiers for an unknown name or one
 * that this machine cannot run. */
ry_rc ry_tier_parse(const char *name, enum ry_tier *tier, ry_err *err);

/* CPU brand string, "" when unknown. Static storage. */
const char *ry_cpu_name(void);

/* Threads worth using: physical cores in the process's affinity mask, limited by the cgroup's CPU quota; >= 1. */
int ry_cpu_default_threads(void);

/* Processors in the affinity mask of the calling thread, >= 1: more threads only wait for each other. */
int ry_cpu_most_threads(void);

/* Bytes of memory that could still be taken: the least of MemAvailable and what the cgroup (v1, v2, and its
 * ancestors) leaves. UINT64_MAX when neither can be read. *cgroup_limited (may be NULL) says which. */
uint64_t ry_cpu_available_memory(bool *cgroup_limited);

/* ---- live switches ----------------------------------------------------------------------------------- */

/* Standard: the scores of all positions before a value is read. Flash: chunk by chunk. Each has bits of its own. */
enum ry_attention { RY_ATTENTION_STANDARD, RY_ATTENTION_FLASH, RY_ATTENTION_COUNT };

/* Guessing tokens ahead, and checking the guesses in one step: other speed, the same tokens. */
enum ry_speculate {
    RY_SPECULATE_OFF,
    RY_SPECULATE_NGRAM, /* guesses are looked up in what the session has said and read */
    RY_SPECULATE_COUNT
};

enum { RY_MAX_THREADS = 64 };

struct ry_sampling {
    float temp;           /* 0: greedy. 0..100 */
    int top_k;            /* 0: off */
    float top_p;          /* 1: off. (0, 1] */
    float min_p;          /* 0: off. [0, 1) */
    float repeat_penalty; /* 1: off. > 0; over the last repeat_last_n tokens */
    int repeat_last_n;
    uint64_t seed;
};

/* temp 0.7, top_k 40, top_p 0.95, min_p 0.05, repeat_penalty 1.0, repeat_last_n 64, seed 0 */
struct ry_sampling ry_sampling_default(void);

/* Switches read by a session at the start of every forward step and every sampling. Any thread stores, the
 * session's thread loads, relaxed: each value stands alone. Values out of range are clamped by the reader. */
struct ry_live {
    atomic_int tier;      /* enum ry_tier */
    atomic_int n_threads; /* 1..RY_MAX_THREADS; more than ry_cpu_most_threads() run as so many */
    atomic_int attention; /* enum ry_attention */
    atomic_bool prefetch;
    atomic_bool
        repack; /* interleaved copies of the weights where there are some; false: the file's own rows */
    atomic_int speculate; /* enum ry_speculate */
    atomic_bool screen;   /* of a head of floats only the logits that sampling needs; false: all */
    _Atomic float temp, top_p, min_p, repeat_penalty;
    atomic_int top_k, repeat_last_n;
};

/* Best tier, default threads, flash attention, prefetch, repack and screen on, no speculation, default sampling. */
void ry_live_init(struct ry_live *live);
void ry_live_set_sampling(struct ry_live *live, const struct ry_sampling *s);
/* Leaves out->seed as it is. */
void ry_live_get_sampling(const struct ry_live *live, struct ry_sampling *out);

/* ---- models ------------------------------------------------------------------------------------------ */

struct ry_engine_options {
    const char *path;    /* a GGUF file, or "builtin" */
    const char *shape;   /* NAME[:FORMAT[/HEAD]]: random weights in memory; path is a label then */
    bool tokenizer_only; /* any architecture, vocabulary-only files too */
    bool no_repack;      /* no interleaved copies of the weights: less memory, slower */
    bool no_screen;      /* no bytes beside a head of floats: likewise */
    void (*progress)(void *user, double done_share); /* may be NULL; 0..1 */
    void *user;
    const atomic_bool *cancel; /* may be NULL */
};

/* Opens, checks and maps a model. All of HOSTILE_INPUT's model-file refusals end here as RY_ERR_MODEL.
 * *out is owned by the caller. A shape ("bitnet-2b4t:tq2_0", "llama-1b:q4_0/f16") has no tokenizer; RY_ERR_USAGE with
 * the names for one that is not known. */
ry_rc ry_engine_open(ry_engine **out, const struct ry_engine_options *options, ry_err *err);

/* Accepts NULL. No session may be left. */
void ry_engine_close(ry_engine *engine);

/* Whether a model is linked into the program, so that "builtin" can be opened. */
bool ry_engine_has_builtin(void);

struct ry_model_info {
    const char *path, *name, *arch, *format,
        *licence;                /* "" where unknown; format: "TQ2_0", "Q4_K - mixed" ... */
    const char *tokenizer, *pre; /* "SPM", "BPE", "none"; "llama-bpe" ... */
    const char *template_name;   /* "chatml", "llama3" ...; see ry_template */
    bool template_known;         /* false: chatml stands in for an unknown one */
    bool has_weights, has_tokenizer;
    uint64_t n_params, file_bytes, tensor_bytes,
        weight_bytes_per_token;    /* bytes a decode step reads from the file's tensors */
    uint64_t body_macs, head_macs; /* multiplications with weights for a token: layers, head */
    uint64_t repacked_bytes;       /* of interleaved copies in memory */
    const char *no_repack;         /* why there are none; "" where there are. Static text */
    uint64_t screen_bytes;         /* of the screen before the head */
    const char *no_screen;         /* why there is none; "" where there is. Static text */
    uint64_t
        fingerprint; /* of the file's identity and header: the same file gives the same value */
    uint32_t gguf_version, n_tensors, n_vocab, n_ctx_train, n_embd, n_layer, n_head, n_head_kv,
        head_dim, n_ff;
    int32_t bos, eos; /* -1: none */
};

/* Borrowed until close; strings too. Untrusted text: sanitise at the sink. */
const struct ry_model_info *ry_engine_info(const ry_engine *engine);

/* What `ryot info` prints: header, keys (long arrays shortened), tensors, tokenizer, template, memory needed.
 * json: one JSON object, whole. Else text lines. Appends to *out. */
ry_rc ry_engine_describe(const ry_engine *engine, bool json, ry_buf *out, ry_err *err);

/* ---- tokens ------------------------------------------------------------------------------------------ */

typedef struct ry_ids {
    int32_t *v; /* owned; NULL while empty */
    size_t n, cap;
} ry_ids;

void ry_ids_done(ry_ids *ids);
/* False when out of memory. */
bool ry_ids_push(ry_ids *ids, int32_t id);

enum ry_tok_flags {
    RY_TOK_BOS = 1,       /* begin with BOS if the tokenizer has one */
    RY_TOK_SPECIAL = 2,   /* control tokens written in the text are cut out as themselves */
    RY_TOK_NO_PREFIX = 4, /* SPM: no space prefix at the start (a continuation) */
};

/* Text (any bytes; invalid UTF-8 is tokenised as bytes) to ids, appended to *out. Any thread. */
ry_rc ry_engine_tokenize(const ry_engine *engine, const char *text, size_t len, unsigned flags,
                         ry_ids *out, ry_err *err);

/* Bytes of a token as it reads in running text (SPM: ▁ is a space; control tokens: none). Borrowed until
 * close. Sets *len. id out of range: "" and 0. */
const char *ry_engine_token_bytes(const ry_engine *engine, int32_t id, size_t *len);

/* End-of-generation: declared ids and the well-known texts. */
bool ry_engine_is_eog(const ry_engine *engine, int32_t id);

enum ry_role { RY_ROLE_SYSTEM, RY_ROLE_USER, RY_ROLE_ASSISTANT, RY_ROLE_COUNT };

struct ry_message {
    enum ry_role role;
    const char *text; /* UTF-8, borrowed */
    size_t len;
};

/* The conversation in the model's chat template, ending with what opens the assistant's answer. Control ids
 * come from the template only: text inside messages never becomes one. Appends to *out (BOS included where the
 * model wants it). */
ry_rc ry_engine_render_chat(const ry_engine *engine, const struct ry_message *messages, size_t n,
                            ry_ids *out, ry_err *err);

/* ---- sessions ---------------------------------------------------------------------------------------- */

enum ry_kv_type {
    RY_KV_AUTO,
    RY_KV_F32,
    RY_KV_F16,
    RY_KV_Q8,
    RY_KV_COUNT
}; /* auto: f32 for F32 models, else f16 */

struct ry_session_options {
    uint32_t n_ctx;    /* 0: the model's own, at most 4,096 */
    uint32_t n_ubatch; /* tokens of a prefill step; 0: 512 */
    enum ry_kv_type kv;
    const struct ry_live *live; /* borrowed for the session's life; not NULL */
};

struct ry_memory {
    uint64_t weights, kv, scratch, total; /* bytes */
    uint64_t
        repacked; /* of the weights' interleaved copies and the head's screen, which the opened model has already; not in total */
    uint64_t available; /* bytes, as ry_cpu_available_memory */
    bool cgroup_limited;
};

/* What a session would need beside what is available. RY_ERR_MEMORY (with the numbers) when it cannot fit. */
ry_rc ry_session_estimate(const ry_engine *engine, const struct ry_session_options *options,
                          struct ry_memory *out, ry_err *err);

/* Allocates everything that a session will ever need: no allocation follows in the token loop. */
ry_rc ry_session_new(ry_session **out, const ry_engine *engine,
                     const struct ry_session_options *options, ry_err *err);
void ry_session_free(ry_session *session);

uint32_t ry_session_n_ctx(const ry_session *session);
uint32_t ry_session_n_past(const ry_session *session); /* positions in the KV cache */
enum ry_kv_type ry_session_kv_type(const ry_session *session);
uint64_t ry_session_kv_bytes(const ry_session *session);

/* Keeps the longest common prefix of ids[0..n) with the history and forgets the rest; returns its length.
 * At least one token is left to evaluate (so that logits come out). */
size_t ry_session_sync(ry_session *session, const int32_t *ids, size_t n);

/* Forgets positions >= n_past. */
void ry_session_truncate(ry_session *session, uint32_t n_past);

struct ry_eval {
    const int32_t *ids; /* [n], appended to the history */
    size_t n;
    float *
        all_logits; /* NULL, or [n, n_vocab] row-major to be filled; else only the last row is computed */
    void (*progress)(void *user, size_t n_done,
                     size_t n_total); /* may be NULL; after each ubatch */
    void *user;
    const atomic_bool
        *cancel; /* may be NULL; polled between layers: RY_ERR_CANCELLED, history as before */
};

/* Evaluates tokens in steps of ubatch. RY_ERR_INPUT: id out of range; RY_ERR_CONTEXT: window full;
 * RY_ERR_NUMERIC: NaN or infinite logits, with the position. On failure the history is as before. */
ry_rc ry_session_eval(ry_session *session, const struct ry_eval *eval, ry_err *err);

/* Logits of the last evaluated position, [n_vocab]; valid until the next eval. NULL before the first, and after a
 * generation whose last step needed only some of them. */
const float *ry_session_logits(const ry_session *session);

/* ---- counters ---------------------------------------------------------------------------------------- */

enum ry_op {
    RY_OP_EMBED,
    RY_OP_NORM,
    RY_OP_MATMUL,
    RY_OP_ROPE,
    RY_OP_ATTENTION,
    RY_OP_ACT,
    RY_OP_HEAD,
    RY_OP_SAMPLE,
    RY_OP_TOKENIZE,
    RY_OP_WAIT,
    RY_OP_COUNT
};
const char *ry_op_name(enum ry_op op);

struct ry_perf {
    /* As seen by thread 0 of the team; for decode steps of tiny models estimated from every 16th step. */
    uint64_t op_ns[RY_OP_COUNT];
    uint64_t op_bytes[RY_OP_COUNT]; /* weights and KV bytes read */
    uint64_t decode_bytes;          /* of op_bytes, what decode steps read */
    uint64_t prefill_ns, decode_ns;
    uint64_t n_prefill, n_decode; /* tokens */
    /* Of speculation: tokens guessed, and those of them that were right (which count in n_decode). */
    uint64_t n_drafted, n_accepted;
    /* Of screened heads: rows of logits, and logits computed in them. */
    uint64_t n_screened, n_rescored;
};

/* Sums since the session began. Session's thread. */
void ry_session_perf(const ry_session *session, struct ry_perf *out);

/* ---- generation -------------------------------------------------------------------------------------- */

enum ry_finish {
    RY_FINISH_STOP,
    RY_FINISH_LENGTH,
    RY_FINISH_CANCELLED,
    RY_FINISH_CONTEXT,
    RY_FINISH_COUNT
};
const char *ry_finish_name(enum ry_finish finish); /* "stop", "length", "cancelled", "context" */

struct ry_generate {
    const int32_t
        *prompt; /* [n_prompt]: the whole timeline; the common prefix with the session is reused */
    size_t n_prompt;
    int max_tokens; /* < 0: until the window is full */
    uint64_t
        seed; /* other sampling parameters are read from the session's ry_live before each token */
    bool ignore_eog;
    const char *const *stops; /* [n_stops] stop strings, never part of the text; borrowed */
    size_t n_stops;
    const atomic_bool *cancel; /* may be NULL */
    void
        *user; /* given to the callbacks, all of which run on the caller's thread and may be NULL */
    void (*on_prefill)(void *user, size_t n_done, size_t n_total);
    /* Whole UTF-8 sequences (bytes that never completed come as U+FFFD), borrowed for the call. */
    void (*on_text)(void *user, const char *text, size_t len);
    /* After each token, before its text: for live figures. t_ns: time this token took (forward and sampling). */
    void (*on_token)(void *user, int32_t id, uint64_t t_ns);
};

struct ry_generated {
    enum ry_finish finish;
    size_t n_prompt, n_reused, n_generated;
    double ttft_ms, prefill_ms, decode_ms; /* decode_ms: from the first token to the last */
};

/* Prefills what is new of the prompt, then samples until an end. Cancelled is not a failure: RY_OK with
 * finish = cancelled. RY_ERR_CONTEXT when the prompt alone does not fit (numbers in the text). */
ry_rc ry_generate(ry_session *session, const struct ry_generate *options, struct ry_generated *out,
                  ry_err *err);

#endif
