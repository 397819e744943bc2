/* The vault wing (ΣVAULT), as everybody outside sees it: sessions, messages, and the cache in front
 * of them.
 *
 * A vault is synchronous and belongs to one thread (the vault worker). What a call acknowledged with RY_OK
 * outside a begin/commit pair, or with the commit's RY_OK inside one, survives a crash of anything. */
#ifndef RYOT_STORE_VAULT_H
#define RYOT_STORE_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

typedef struct ry_vault ry_vault;

struct ry_vault_options {
    const char *path;   /* NULL with ephemeral */
    bool ephemeral;     /* in memory only; nothing touches the disk */
    bool create;        /* make file and directory (0600, 0700) when absent */
    size_t cache_bytes; /* payload budget of the cache; 0: 16 MiB */
};

/* How opening went; the person is told. */
struct ry_vault_report {
    bool created, read_only; /* read_only: newer version, or file not writable */
    bool recovered; /* the file was damaged, moved aside, and what could be read was salvaged */
    int64_t n_salvaged, n_lost; /* messages; n_lost < 0: unknown */
    char moved_to[512];
    char note[512]; /* one line to show, "" when there is nothing to say */
};

/* Opens (and migrates, and if need be salvages). RY_ERR_VAULT: wrong application id, foreign owner, symlink,
 * not a database; the file is left as it was. RY_ERR_NOT_FOUND: no file, and `create` not set.
 * RY_ERR_BUSY: another process has held the vault for 5 s. *out owned by the caller; *report may be NULL. */
ry_rc ry_vault_open(ry_vault **out, const struct ry_vault_options *options,
                    struct ry_vault_report *report, ry_err *err);

/* Checkpoints and closes. Accepts NULL. */
void ry_vault_close(ry_vault *vault);

/* ---- sessions ---- */

struct ry_vault_session {
    int64_t id;
    char *title;              /* "" until named */
    char *model;              /* path or name */
    char *system;             /* system text, "" none */
    char *params;             /* JSON of the sampling parameters, "" none */
    int64_t parent, fork_pos; /* 0 and -1: not a fork */
    int64_t created_ms, updated_ms;
    int64_t n_messages;
};

/* Frees the strings of one record, or a whole array with them; accept NULL. */
void ry_vault_session_done(struct ry_vault_session *session);
void ry_vault_sessions_free(struct ry_vault_session *sessions, size_t n);

/* New session; strings may be NULL (= ""). */
ry_rc ry_vault_session_create(ry_vault *vault, const char *model, const char *system,
                              const char *params, int64_t *id, ry_err *err);
ry_rc ry_vault_session_get(ry_vault *vault, int64_t id, struct ry_vault_session *out, ry_err *err);
/* Newest first; at most limit (0: all). *out owned: ry_vault_sessions_free. */
ry_rc ry_vault_session_list(ry_vault *vault, size_t limit, struct ry_vault_session **out, size_t *n,
                            ry_err *err);
/* The session with the latest message (for -c). RY_ERR_NOT_FOUND when there is none. */
ry_rc ry_vault_session_last(ry_vault *vault, int64_t *id, ry_err *err);
/* Any of title, model, system, params may be NULL: unchanged. */
ry_rc ry_vault_session_update(ry_vault *vault, int64_t id, const char *title, const char *model,
                              const char *system, const char *params, ry_err *err);
/* A new session with the same settings and copies of the messages with pos < at_pos; its parent and fork_pos
 * are id and at_pos. */
ry_rc ry_vault_session_fork(ry_vault *vault, int64_t id, int64_t at_pos, int64_t *new_id,
                            ry_err *err);
/* Deletes it with its messages, secure_delete on. */
ry_rc ry_vault_session_delete(ry_vault *vault, int64_t id, ry_err *err);

/* ---- messages ---- */

enum ry_vault_role { RY_VAULT_SYSTEM, RY_VAULT_USER, RY_VAULT_ASSISTANT };
enum ry_vault_status {
    RY_VAULT_COMPLETE, /* ended by itself */
    RY_VAULT_STREAMING, /* being written; found at open it means that the writer died: shown as partial */
    RY_VAULT_CANCELLED, /* stopped by the person */
    RY_VAULT_LENGTH,    /* token limit or context full */
    RY_VAULT_ERROR
};

struct ry_vault_message {
    int64_t id, session, pos; /* pos: 0, 1, 2 … inside the session */
    enum ry_vault_role role;
    enum ry_vault_status status;
    char *text; /* raw bytes as the model gave them, NUL-terminated behind text_len */
    size_t text_len;
    char *stats; /* JSON of the turn, "" none */
    int64_t created_ms;
    bool damaged; /* does not match its check sum: shown, with a warning */
};
void ry_vault_messages_free(struct ry_vault_message *messages, size_t n);

/* Appends to the session (pos = next). text may hold any bytes. *id may be NULL. */
ry_rc ry_vault_message_append(ry_vault *vault, int64_t session, enum ry_vault_role role,
                              const char *text, size_t text_len, enum ry_vault_status status,
                              const char *stats, int64_t *id, ry_err *err);
/* Replaces text, status and stats (NULL: unchanged) of a message: a streaming answer grows this way. */
ry_rc ry_vault_message_update(ry_vault *vault, int64_t id, const char *text, size_t text_len,
                              enum ry_vault_status status, const char *stats, ry_err *err);
/* All messages of a session in order; RY_ERR_NOT_FOUND when there is no such session.
 * *out owned: ry_vault_messages_free. */
ry_rc ry_vault_message_list(ry_vault *vault, int64_t session, struct ry_vault_message **out,
                            size_t *n, ry_err *err);
/* Deletes the messages with pos >= from_pos (regenerate, undo). */
ry_rc ry_vault_message_truncate(ry_vault *vault, int64_t session, int64_t from_pos, ry_err *err);

/* ---- group commit: a burst costs one sync. Do not nest. ---- */

ry_rc ry_vault_begin(ry_vault *vault, ry_err *err);
ry_rc ry_vault_commit(ry_vault *vault, ry_err *err);
void ry_vault_rollback(ry_vault *vault);

/* Call when idle (at least once a second while anything was written): checkpoints when due
 * (1,000 pages, 30 s after a commit, 5 s after a deletion). now_ms: ry_clock_ms(). */
ry_rc ry_vault_maintain(ry_vault *vault, uint64_t now_ms, ry_err *err);

/* ---- figures ---- */

struct ry_vault_stats {
    uint64_t hits, misses, insertions, evictions, pinned; /* of the cache, since open */
    uint64_t lines_used, lines_max, bytes_used, bytes_max;
    uint64_t n_commits, wal_bytes, db_bytes;
    double hot_p50_us, hot_p99_us, cold_p50_us, cold_p99_us; /* reads; 0 when none yet */
};
void ry_vault_get_stats(const ry_vault *vault, struct ry_vault_stats *out);

#endif
