/* One sqlite connection with the vault's settings, its prepared statements, and transactions
 * that take the lock between processes (inside store/ only).
 *
 *   alone:    enter ─▶ lock, same file?, BEGIN IMMEDIATE ─▶ statements ─▶ leave: COMMIT, unlock
 *   a group:  begin ─▶ the same ─▶ { enter: SAVEPOINT, leave: RELEASE } ... ─▶ commit: one sync
 *
 * Thread: the vault's owner. It knows nothing of the cache. */
#ifndef RYOT_STORE_DB_H
#define RYOT_STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "store/files.h"

enum {
    RY_DB_TEXT_MAX = 64 << 20, /* bytes of one message */
    RY_DB_FIELD_MAX = 1 << 20, /* bytes of any other text field */
    RY_DB_CODEC_PLAIN = 0,
};

enum ry_stmt {
    RY_STMT_DATA_VERSION,
    RY_STMT_SESSION_INSERT,
    RY_STMT_SESSION_GET,
    RY_STMT_SESSION_LIST,
    RY_STMT_SESSION_LAST,
    RY_STMT_SESSION_UPDATE,
    RY_STMT_SESSION_TOUCH,
    RY_STMT_SESSION_DELETE,
    RY_STMT_SESSION_FORK,
    RY_STMT_MESSAGE_NEXT_POS,
    RY_STMT_MESSAGE_INSERT,
    RY_STMT_MESSAGE_PLACE,
    RY_STMT_MESSAGE_UPDATE,
    RY_STMT_MESSAGE_LIST,
    RY_STMT_MESSAGE_TRUNCATE,
    RY_STMT_MESSAGE_FORK,
    RY_STMT_COUNT
};

struct ry_db {
    sqlite3 *h;                         /* owned */
    struct ry_files files;              /* owned; .path NULL: in memory */
    sqlite3_stmt *stmts[RY_STMT_COUNT]; /* owned, prepared at open */
    bool read_only;
    bool in_group;   /* between begin and commit */
    bool group_lost; /* sqlite undid the group by itself (disk full, I/O error) */
    int wal_pages;   /* in the log after the last commit */
    uint64_t n_commits;
    uint64_t dirty_ms;   /* when the log got its first page since the last checkpoint; 0: nothing */
    uint64_t deleted_ms; /* when something was deleted first since then; 0: nothing */
    uint64_t retry_ms;   /* no checkpoint before this; 0: none was in the way */
};

/* What stands in a vault's file, as opening found it. */
enum ry_db_state {
    RY_DB_READY,
    RY_DB_NEWER,   /* opened for reading only: written by a newer version */
    RY_DB_DAMAGED, /* ours, but unsound: err says what was met; nothing is open */
    RY_DB_REFUSED, /* not ours, or the system said no: err says why; nothing is open */
};

/* In memory, schema made. */
ry_rc ry_db_open_memory(struct ry_db *db, ry_err *err);

/* Opens db->files (prepared, locked by the caller, existing), checks it (`full`: everything,
 * however large) and migrates it. Without a lock file it is opened for reading only. */
enum ry_db_state ry_db_open(struct ry_db *db, bool full, ry_err *err);

/* Closes the connection; files stay. Finishes the log (checkpoint) when it was the last connection.
 * Accepts one that is not open. */
void ry_db_close(struct ry_db *db);

/* The settings that any connection of ours gets: limits, DEFENSIVE, no trusted schema, no
 * triggers or views. */
void ry_db_harden(sqlite3 *h);

/* The prepared statement, reset, its bindings cleared. Never NULL. Borrowed; ry_db_reset it
 * after use, so that no read stays open. */
sqlite3_stmt *ry_db_stmt(struct ry_db *db, enum ry_stmt which);

/* Turns the connection's last error into ours, with advice; marks damage for the next opening. */
ry_rc ry_db_error(struct ry_db *db, const char *what, ry_err *err);

/* One step of a statement that must give no row (and is reset). RY_ERR_... as ry_db_error. */
ry_rc ry_db_run(struct ry_db *db, sqlite3_stmt *stmt, const char *what, ry_err *err);

ry_rc ry_db_enter(struct ry_db *db, ry_err *err);
/* Ends what enter began: keeps it when rc is RY_OK, else undoes it. Returns rc, or why it could
 * not be kept. */
ry_rc ry_db_leave(struct ry_db *db, ry_rc rc, ry_err *err);

ry_rc ry_db_begin(struct ry_db *db, ry_err *err);
ry_rc ry_db_commit(struct ry_db *db, ry_err *err);
void ry_db_rollback(struct ry_db *db);

/* Something was deleted: its text is to leave the log soon. */
void ry_db_note_deletion(struct ry_db *db);

/* TRUNCATE checkpoint when due (VAULT: 1,000 pages, 30 s after a commit, 5 s after a deletion);
 * another process's reader in the way: tried again after 5 s. */
ry_rc ry_db_maintain(struct ry_db *db, uint64_t now_ms, ry_err *err);

/* What changes when another connection changed the file. */
int64_t ry_db_data_version(struct ry_db *db);

/* Check sum of a message as it is stored: xxh3 over the text, seeded with its place and role. */
int64_t ry_db_message_sum(int64_t pos, int64_t role, const void *text, size_t len);

#endif
