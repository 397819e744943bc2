/* Tasks for the workers and the events that come back. A message pushed belongs to its consumer.
 *
 *   main ──tasks──▶ engine worker ──events──▶ main       events come from a pool, so that the token loop
 *     ▲                                 │                allocates nothing: main gives each back
 *     └────────── freed events ◀────────┘
 *   main ──ops────▶ vault worker  ──replies─▶ main       allocated by the sender, freed by the receiver */
#ifndef RYOT_APP_MSG_H
#define RYOT_APP_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "src/base/arena.h"
#include "src/base/err.h"
#include "store/vault.h"

/* ---- engine ---- */

enum ry_task_kind { RY_TASK_LOAD, RY_TASK_GENERATE, RY_TASK_QUIT };

struct ry_task {
    enum ry_task_kind kind;
    ry_arena arena;                    /* owns every string and array below, except stops */
    const char *path;                  /* LOAD */
    struct ry_session_options session; /* LOAD; live is borrowed for the worker's life */
    struct ry_message *messages;       /* GENERATE: [n_messages], the whole conversation */
    size_t n_messages;
    int max_tokens; /* < 0: until the window is full */
    uint64_t seed;
    const char *const *stops; /* [n_stops] borrowed for the worker's life */
    size_t n_stops;
};

/* New task of a kind, NULL when out of memory. free accepts NULL. */
struct ry_task *ry_task_new(enum ry_task_kind kind);
void ry_task_free(struct ry_task *task);

/* Copies a message into a GENERATE task that was made with room for it. False when out of
 * memory. */
bool ry_task_add_message(struct ry_task *task, enum ry_role role, const char *text, size_t len);

enum ry_event_kind {
    RY_EVENT_LOADING,     /* share */
    RY_EVENT_LOADED,      /* model */
    RY_EVENT_LOAD_FAILED, /* err; kept: the model before is still there */
    RY_EVENT_PREFILL,     /* n_done, n_total, n_past */
    RY_EVENT_TEXT,        /* text, figures; text may be empty when only tokens went by */
    RY_EVENT_DONE         /* rc, err, result, figures */
};

enum { RY_EVENT_TEXT_BYTES = 4096 };

struct ry_model_facts {
    char name[128], path[1024], format[48];
    bool template_known;
    uint32_t n_ctx;
    enum ry_kv_type kv;
    uint64_t kv_bytes, fingerprint;
    char no_repack[64]; /* why there are no interleaved copies; "" where there are */
    char no_screen[64]; /* why the head is always read whole; "" where it is not */
    struct ry_memory memory;
};

/* Live figures of the answer in progress, gathered since the event before it (`n_tokens`, `ns`)
 * or since the answer began (all others). */
struct ry_figures {
    uint32_t n_tokens; /* tokens since the last event */
    uint64_t ns;       /* time that they took */
    int n_threads;     /* threads that made them; 0: not all the same */
    double ttft_ms, p50_ms, p95_ms, p99_ms;
    uint32_t n_past;
    struct ry_perf perf; /* since the session began */
};

struct ry_event {
    enum ry_event_kind kind;
    ry_rc rc;
    bool kept;
    double share;
    uint32_t n_done, n_total;
    struct ry_model_facts model;
    struct ry_generated result;
    struct ry_figures figures;
    ry_err err;
    size_t len;
    char text[RY_EVENT_TEXT_BYTES];
};

/* ---- vault ---- */

enum ry_vault_op_kind {
    RY_VOP_SESSION_OPEN,   /* id, 0: the last one; reply SESSION */
    RY_VOP_SESSION_NEW,    /* model, system, params: what follows belongs to a new session */
    RY_VOP_SESSION_LEAVE,  /* what follows belongs to no session yet */
    RY_VOP_SESSION_UPDATE, /* title, model, system, params: NULL unchanged */
    RY_VOP_APPEND,         /* key, role, status, text, stats */
    RY_VOP_UPDATE,         /* key of the last message appended, status, text, stats */
    RY_VOP_TRUNCATE,       /* pos */
    RY_VOP_LIST            /* limit; reply LIST */
};

struct ry_vault_op {
    enum ry_vault_op_kind kind;
    uint64_t key; /* the hall's own name of a message */
    int64_t id, pos;
    size_t limit;
    enum ry_vault_role role;
    enum ry_vault_status status;
    char *text, *stats, *title, *model, *system, *params; /* owned */
    size_t text_len;
    bool reported; /* the worker told once that this cannot be saved yet */
};

struct ry_vault_op *ry_vault_op_new(enum ry_vault_op_kind kind);
void ry_vault_op_free(struct ry_vault_op *op);

enum ry_vault_reply_kind {
    RY_REPLY_OPENED,  /* rc, err, report */
    RY_REPLY_SESSION, /* rc, err, session, messages */
    RY_REPLY_SAVED,   /* key, session id: an APPEND is on the disk */
    RY_REPLY_TROUBLE, /* rc, err, key: cannot be saved now, tried again each second */
    RY_REPLY_DROPPED, /* rc, err, key: refused for good, or still failing at the end */
    RY_REPLY_HEALED,  /* what was in trouble is saved */
    RY_REPLY_LIST     /* rc, err, list */
};

struct ry_vault_reply {
    enum ry_vault_reply_kind kind;
    enum ry_vault_op_kind op;
    ry_rc rc;
    ry_err err;
    uint64_t key;
    int64_t session_id;
    struct ry_vault_report report;
    struct ry_vault_session session;
    struct ry_vault_message *messages; /* [n_messages] owned */
    size_t n_messages;
    struct ry_vault_session *list; /* [n_list] owned */
    size_t n_list;
    struct ry_vault_stats stats;
};

void ry_vault_reply_free(struct ry_vault_reply *reply);

#endif
