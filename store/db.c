/* The connection: settings, statements, transactions, checkpoints. See db.h. */
#include "store/db.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "src/base/buf.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "store/schema.h"

enum {
    BUSY_MS = 5000,
    CHECKPOINT_BUSY_MS = 20, /* a reader elsewhere: rather later than wait */
    CHECKPOINT_RETRY_MS = 5000,
    CHECKPOINT_AFTER_COMMIT_MS = 30000,
    CHECKPOINT_AFTER_DELETE_MS = 5000,
    CHECKPOINT_PAGES = 1000,
    CHECKPOINT_BACKSTOP_PAGES = 8 * CHECKPOINT_PAGES, /* when nobody calls maintain */
    CHECK_DEEP_BYTES = 64 << 20,                      /* up to here everything is checked at open */
    CHECK_QUICK_BYTES = 256 << 20, /* up to here every page, not whether indices agree */
};

#define SESSION_COLUMNS                                                                            \
    "SELECT id, title, model, system, params, parent, fork_pos, created_ms, updated_ms,"           \
    " (SELECT count(*) FROM messages WHERE session = sessions.id) FROM sessions "

static const char *const statement_sql[RY_STMT_COUNT] = {
    [RY_STMT_DATA_VERSION] = "PRAGMA data_version",
    [RY_STMT_SESSION_INSERT] =
        "INSERT INTO sessions(title, model, system, params, parent, fork_pos, created_ms,"
        " updated_ms) VALUES('', ?1, ?2, ?3, 0, -1, ?4, ?4)",
    [RY_STMT_SESSION_GET] = SESSION_COLUMNS "WHERE id = ?1",
    [RY_STMT_SESSION_LIST] = SESSION_COLUMNS "ORDER BY updated_ms DESC, id DESC LIMIT ?1",
    [RY_STMT_SESSION_LAST] = "SELECT session FROM messages ORDER BY id DESC LIMIT 1",
    [RY_STMT_SESSION_UPDATE] =
        "UPDATE sessions SET title = coalesce(?2, title), model = coalesce(?3, model),"
        " system = coalesce(?4, system), params = coalesce(?5, params) WHERE id = ?1",
    [RY_STMT_SESSION_TOUCH] = "UPDATE sessions SET updated_ms = ?2 WHERE id = ?1",
    [RY_STMT_SESSION_DELETE] = "DELETE FROM sessions WHERE id = ?1",
    [RY_STMT_SESSION_FORK] =
        "INSERT INTO sessions(title, model, system, params, parent, fork_pos, created_ms,"
        " updated_ms) SELECT title, model, system, params, id, ?2, ?3, ?3 FROM sessions"
        " WHERE id = ?1",
    [RY_STMT_MESSAGE_NEXT_POS] =
        "SELECT coalesce(max(pos) + 1, 0) FROM messages WHERE session = ?1",
    [RY_STMT_MESSAGE_INSERT] =
        "INSERT INTO messages(session, pos, role, status, codec, text, stats, sum, created_ms)"
        " VALUES(?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8)",
    [RY_STMT_MESSAGE_PLACE] =
        "SELECT session, pos, role, stats, created_ms FROM messages WHERE id = ?1",
    [RY_STMT_MESSAGE_UPDATE] =
        "UPDATE messages SET text = ?2, status = ?3, stats = ?4, sum = ?5, codec = 0 WHERE id = ?1",
    [RY_STMT_MESSAGE_LIST] =
        "SELECT id, pos, role, status, codec, text, stats, sum, created_ms FROM messages"
        " WHERE session = ?1 ORDER BY pos",
    [RY_STMT_MESSAGE_TRUNCATE] = "DELETE FROM messages WHERE session = ?1 AND pos >= ?2",
    [RY_STMT_MESSAGE_FORK] =
        "INSERT INTO messages(session, pos, role, status, codec, text, stats, sum, created_ms)"
        " SELECT ?2, pos, role, status, codec, text, stats, sum, created_ms FROM messages"
        " WHERE session = ?1 AND pos < ?3 ORDER BY pos",
};

int64_t ry_db_message_sum(int64_t pos, int64_t role, const void *text, size_t len)
{
    uint64_t seed = (uint64_t)pos * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)role;
    return (int64_t)XXH3_64bits_withSeed(text, len, seed);
}

void ry_db_harden(sqlite3 *h)
{
    static const struct {
        int id, value;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, RY_DB_TEXT_MAX + 2 * RY_DB_FIELD_MAX},
        {SQLITE_LIMIT_SQL_LENGTH, 100000},
        {SQLITE_LIMIT_COLUMN, 64},
        {SQLITE_LIMIT_EXPR_DEPTH, 50},
        {SQLITE_LIMIT_COMPOUND_SELECT, 5},
        {SQLITE_LIMIT_VDBE_OP, 25000},
        {SQLITE_LIMIT_FUNCTION_ARG, 8},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 32},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 4},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        sqlite3_limit(h, limits[i].id, limits[i].value);
    sqlite3_db_config(h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_busy_timeout(h, BUSY_MS);
    sqlite3_exec(h,
                 "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON;"
                 "PRAGMA secure_delete = ON",
                 NULL, NULL, NULL);
}

static bool is_damage(int code)
{
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

ry_rc ry_db_error(struct ry_db *db, const char *what, ry_err *err)
{
    int code = sqlite3_extended_errcode(db->h);
    const char *path = db->files.path ? db->files.path : "vault in memory";
    const char *said = sqlite3_errmsg(db->h);
    if (is_damage(code)) {
        ry_files_mark_damage(&db->files);
        ry_log("vault: %s: %s (%d)", what, said, code);
        return ry_err_set(
            err, RY_ERR_VAULT,
            "%s: %s: the file is damaged (%s); close ryot and start it again: it saves "
            "what can be read",
            path, what, said);
    }
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ry_err_set(err, RY_ERR_BUSY, "%s: %s: another program holds the vault; try again",
                          path, what);
    case SQLITE_FULL:
        return ry_err_set(err, RY_ERR_VAULT,
                          "%s: %s: the disk is full; free some space and try again", path, what);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ry_err_set(err, RY_ERR_VAULT, "%s: %s: the vault is read-only (%s)", path, what,
                          said);
    case SQLITE_NOMEM:
        return ry_err_set(err, RY_ERR_MEMORY, "%s: %s: out of memory", path, what);
    case SQLITE_IOERR:
        return ry_err_set(
            err, RY_ERR_VAULT,
            "%s: %s: the disk failed or is full (%s, code %d); check it and try again", path, what,
            said, code);
    default:
        return ry_err_set(err, RY_ERR_VAULT, "%s: %s: %s (code %d)", path, what, said, code);
    }
}

sqlite3_stmt *ry_db_stmt(struct ry_db *db, enum ry_stmt which)
{
    sqlite3_stmt *stmt = db->stmts[which];
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return stmt;
}

ry_rc ry_db_run(struct ry_db *db, sqlite3_stmt *stmt, const char *what, ry_err *err)
{
    ry_rc rc = sqlite3_step(stmt) == SQLITE_DONE ? RY_OK : ry_db_error(db, what, err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt); /* texts are bound without a copy: they end with the call */
    return rc;
}

int64_t ry_db_data_version(struct ry_db *db)
{
    sqlite3_stmt *stmt = ry_db_stmt(db, RY_STMT_DATA_VERSION);
    int64_t version = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    sqlite3_reset(stmt);
    return version;
}

/* ---- transactions ---- */

static ry_rc exec(struct ry_db *db, const char *sql, const char *what, ry_err *err)
{
    return sqlite3_exec(db->h, sql, NULL, NULL, NULL) == SQLITE_OK ? RY_OK
                                                                   : ry_db_error(db, what, err);
}

static ry_rc start(struct ry_db *db, ry_err *err)
{
    if (db->read_only)
        return ry_err_set(err, RY_ERR_VAULT,
                          "%s is open for reading only: nothing can be saved there",
                          db->files.path);
    ry_rc rc = ry_files_lock(&db->files, err);
    if (rc != RY_OK)
        return rc;
    if (db->files.path)
        rc = ry_files_same(&db->files, err);
    if (rc == RY_OK)
        rc = exec(db, "BEGIN IMMEDIATE", "cannot begin to save", err);
    if (rc != RY_OK)
        ry_files_unlock(&db->files);
    return rc;
}

static void undo(struct ry_db *db)
{
    if (!sqlite3_get_autocommit(db->h))
        sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
}

/* TRUNCATE, under the lock. A reader elsewhere is no error. */
static ry_rc checkpoint(struct ry_db *db, uint64_t now_ms, ry_err *err)
{
    sqlite3_busy_timeout(db->h, CHECKPOINT_BUSY_MS);
    int code = sqlite3_wal_checkpoint_v2(db->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(db->h, BUSY_MS);
    db->retry_ms = now_ms + CHECKPOINT_RETRY_MS;
    if (code == SQLITE_BUSY)
        return RY_OK;
    if (code != SQLITE_OK)
        return ry_db_error(db, "cannot move the log into the vault", err);
    db->wal_pages = 0;
    db->dirty_ms = db->deleted_ms = db->retry_ms = 0;
    return RY_OK;
}

static ry_rc finish(struct ry_db *db, ry_err *err)
{
    ry_rc rc = exec(db, "COMMIT", "cannot save", err);
    if (rc != RY_OK) {
        undo(db);
    } else {
        db->n_commits++;
        uint64_t now_ms = ry_clock_ms();
        if (db->dirty_ms == 0)
            db->dirty_ms = now_ms;
        if (db->wal_pages >= CHECKPOINT_BACKSTOP_PAGES && now_ms >= db->retry_ms)
            checkpoint(db, now_ms, NULL); /* the commit stands; maintain reports if it stays so */
    }
    ry_files_unlock(&db->files);
    return rc;
}

ry_rc ry_db_enter(struct ry_db *db, ry_err *err)
{
    if (!db->in_group)
        return start(db, err);
    if (db->group_lost)
        return ry_err_set(err, RY_ERR_VAULT,
                          "%s: this group of changes was undone before; begin again",
                          db->files.path ? db->files.path : "vault in memory");
    return exec(db, "SAVEPOINT one", "cannot begin to save", err);
}

ry_rc ry_db_leave(struct ry_db *db, ry_rc rc, ry_err *err)
{
    if (!db->in_group) {
        if (rc == RY_OK)
            return finish(db, err);
        undo(db);
        ry_files_unlock(&db->files);
        return rc;
    }
    if (sqlite3_get_autocommit(db->h)) {
        db->group_lost = true;
        return rc;
    }
    if (rc == RY_OK)
        return exec(db, "RELEASE one", "cannot save", err);
    sqlite3_exec(db->h, "ROLLBACK TO one; RELEASE one", NULL, NULL, NULL);
    return rc;
}

ry_rc ry_db_begin(struct ry_db *db, ry_err *err)
{
    if (db->in_group)
        return ry_err_set(err, RY_FAIL, "a group of changes is open already");
    ry_rc rc = start(db, err);
    if (rc == RY_OK) {
        db->in_group = true;
        db->group_lost = false;
    }
    return rc;
}

ry_rc ry_db_commit(struct ry_db *db, ry_err *err)
{
    if (!db->in_group)
        return ry_err_set(err, RY_FAIL, "no group of changes is open");
    db->in_group = false;
    if (!db->group_lost)
        return finish(db, err);
    ry_files_unlock(&db->files);
    return ry_err_set(
        err, RY_ERR_VAULT,
        "%s: nothing of this group was saved (the disk was full or failed); try again",
        db->files.path ? db->files.path : "vault in memory");
}

void ry_db_rollback(struct ry_db *db)
{
    if (!db->in_group)
        return;
    db->in_group = false;
    undo(db);
    ry_files_unlock(&db->files);
}

void ry_db_note_deletion(struct ry_db *db)
{
    if (db->deleted_ms == 0)
        db->deleted_ms = ry_clock_ms();
}

ry_rc ry_db_maintain(struct ry_db *db, uint64_t now_ms, ry_err *err)
{
    bool due = db->wal_pages >= CHECKPOINT_PAGES ||
               (db->dirty_ms && now_ms >= db->dirty_ms + CHECKPOINT_AFTER_COMMIT_MS) ||
               (db->deleted_ms && now_ms >= db->deleted_ms + CHECKPOINT_AFTER_DELETE_MS);
    if (!due || !db->files.path || db->read_only || db->in_group || now_ms < db->retry_ms)
        return RY_OK;
    ry_rc rc = ry_files_lock(&db->files, err);
    if (rc != RY_OK)
        return rc;
    rc = ry_files_same(&db->files, err);
    if (rc == RY_OK)
        rc = checkpoint(db, now_ms, err);
    ry_files_unlock(&db->files);
    return rc;
}

static int on_wal(void *ctx, sqlite3 *h, const char *name, int n_pages)
{
    (void)h;
    (void)name;
    ((struct ry_db *)ctx)->wal_pages = n_pages;
    return SQLITE_OK;
}

/* ---- opening ---- */

static bool prepare_all(struct ry_db *db)
{
    for (int i = 0; i < RY_STMT_COUNT; i++)
        if (sqlite3_prepare_v3(db->h, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &db->stmts[i], NULL) != SQLITE_OK)
            return false;
    return true;
}

ry_rc ry_db_open_memory(struct ry_db *db, ry_err *err)
{
    *db = (struct ry_db){.files.lock_fd = -1};
    ry_rc rc = RY_OK;
    if (sqlite3_open_v2(":memory:", &db->h,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                            SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK)
        rc = ry_err_set(err, RY_ERR_MEMORY, "no memory for a vault");
    if (rc == RY_OK) {
        ry_db_harden(db->h);
        rc = ry_schema_migrate(db->h, ry_schema_migrations, ry_schema_version, err);
    }
    if (rc == RY_OK && !prepare_all(db))
        rc = ry_db_error(db, "cannot prepare", err);
    if (rc != RY_OK)
        ry_db_close(db);
    return rc;
}

/* A file: URI, for the one parameter that a plain name cannot carry: immutable, for a vault in a
 * directory where sqlite may not make its shared-memory file. */
static int open_handle(struct ry_db *db, bool immutable)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE |
                (db->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    if (!immutable)
        return sqlite3_open_v2(db->files.path, &db->h, flags, NULL);
    ry_buf uri = {0};
    ry_buf_adds(&uri, "file:");
    for (const char *p = db->files.path; *p; p++) {
        bool plain = *p == '/' || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9');
        ry_buf_addf(&uri, plain ? "%c" : "%%%02x", (unsigned char)*p);
    }
    ry_buf_adds(&uri, "?immutable=1");
    int code = uri.failed
                   ? SQLITE_NOMEM
                   : sqlite3_open_v2(ry_buf_str(&uri), &db->h, flags | SQLITE_OPEN_URI, NULL);
    ry_buf_done(&uri);
    return code;
}

/* Closes without finishing the log: what is refused or damaged stays as it was found. */
static enum ry_db_state give_up(struct ry_db *db, enum ry_db_state state)
{
    if (db->h)
        sqlite3_db_config(db->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    ry_db_close(db);
    return state;
}

static enum ry_db_state fail_with(struct ry_db *db, const char *what, ry_err *err)
{
    bool damaged = is_damage(sqlite3_errcode(db->h));
    ry_db_error(db, what, err);
    return give_up(db, damaged ? RY_DB_DAMAGED : RY_DB_REFUSED);
}

/* Runs integrity_check or quick_check, whose only line is "ok" when all is well. */
static enum ry_db_state check_with(struct ry_db *db, const char *pragma, ry_err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db->h, pragma, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        sqlite3_finalize(stmt);
        return fail_with(db, "cannot be checked", err);
    }
    const char *said = (const char *)sqlite3_column_text(stmt, 0);
    bool ok = said && strcmp(said, "ok") == 0;
    if (!ok)
        ry_err_set(err, RY_ERR_VAULT, "%s: %s", db->files.path, said ? said : "no verdict");
    sqlite3_finalize(stmt);
    return ok ? RY_DB_READY : give_up(db, RY_DB_DAMAGED);
}

/* Bounded, since it is paid at every start: 64,000 messages (67 MB, in the page cache) take 42
 * ms for the deep check and 33 ms for the quick one on one core of a virtual Intel Xeon
 * (bench_vault). A very large vault gets its sessions checked only, unless a mark asks for more. */
static enum ry_db_state check_contents(struct ry_db *db, bool full, ry_err *err)
{
    int64_t bytes = ry_files_size(db->files.path) + ry_files_size(db->files.wal_path);
    if (full || bytes <= CHECK_DEEP_BYTES)
        return check_with(db, "PRAGMA integrity_check(1)", err);
    if (bytes <= CHECK_QUICK_BYTES)
        return check_with(db, "PRAGMA quick_check(1)", err);
    return check_with(db, "PRAGMA quick_check(sessions)", err);
}

/* Whose file is it? Sets *version. */
static enum ry_db_state identify(struct ry_db *db, int64_t *version, ry_err *err)
{
    int64_t id, cookie;
    if (ry_schema_pragma(db->h, "application_id", &id) != SQLITE_OK ||
        ry_schema_pragma(db->h, "user_version", version) != SQLITE_OK ||
        ry_schema_pragma(db->h, "schema_version", &cookie) != SQLITE_OK)
        return fail_with(db, "cannot be read", err);
    bool fresh = id == 0 && *version == 0 && cookie == 0;
    if (id != RY_SCHEMA_APPLICATION_ID && !fresh) {
        ry_err_set(err, RY_ERR_VAULT,
                   "%s is no vault of ryot: it is a database of another program (application id "
                   "0x%08llX, expected 0x%08X); left as it was",
                   db->files.path, (unsigned long long)(uint32_t)id, RY_SCHEMA_APPLICATION_ID);
        return give_up(db, RY_DB_REFUSED);
    }
    if (*version < 0 || (*version == 0 && !fresh)) {
        ry_err_set(err, RY_ERR_VAULT, "%s: impossible version %lld", db->files.path,
                   (long long)*version);
        return give_up(db, RY_DB_DAMAGED);
    }
    return RY_DB_READY;
}

static enum ry_db_state set_up_writer(struct ry_db *db, bool full, ry_err *err)
{
    /* page_size counts for a new file only; the salvager relies on it */
    if (sqlite3_exec(
            db->h,
            "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "PRAGMA wal_autocheckpoint = 0",
            NULL, NULL, NULL) != SQLITE_OK)
        return fail_with(db, "cannot be opened for writing", err);
    sqlite3_wal_hook(db->h, on_wal, db);
    if (ry_schema_migrate(db->h, ry_schema_migrations, ry_schema_version, err) != RY_OK) {
        bool damaged = is_damage(sqlite3_errcode(db->h));
        ry_err_prefix(err, "%s", db->files.path);
        return give_up(db, damaged ? RY_DB_DAMAGED : RY_DB_REFUSED);
    }
    if (!ry_schema_matches(db->h)) {
        ry_err_set(err, RY_ERR_VAULT, "its tables do not read as they were made");
        return give_up(db, RY_DB_DAMAGED);
    }
    return check_contents(db, full, err);
}

enum ry_db_state ry_db_open(struct ry_db *db, bool full, ry_err *err)
{
    db->read_only = db->files.lock_fd < 0;
    bool log_empty = ry_files_size(db->files.wal_path) == 0;
    bool immutable = db->read_only && !db->files.dir_writable && log_empty;
    if (db->read_only && !db->files.dir_writable && !log_empty) {
        ry_err_set(err, RY_ERR_VAULT,
                   "%s has an unfinished log, and its directory is read-only: make the directory "
                   "writable once",
                   db->files.path);
        return RY_DB_REFUSED;
    }
    for (int attempt = 0;; attempt++) {
        if (open_handle(db, immutable) != SQLITE_OK)
            return fail_with(db, "cannot be opened", err);
        ry_db_harden(db->h);
        int64_t version;
        enum ry_db_state state = identify(db, &version, err);
        if (state != RY_DB_READY)
            return state;
        bool newer = version > ry_schema_version;
        if (newer && !db->read_only && attempt == 0) {
            ry_db_close(db);
            db->read_only = true;
            continue;
        }
        if (!db->read_only) {
            state = set_up_writer(db, full, err);
            if (state != RY_DB_READY)
                return state;
        }
        if (!prepare_all(db)) {
            return fail_with(db,
                             newer ? "written by a newer ryot, whose tables this one cannot read"
                                   : "its tables cannot be read",
                             err);
        }
        if (ry_files_remember(&db->files, err) != RY_OK)
            return give_up(db, RY_DB_REFUSED);
        return newer ? RY_DB_NEWER : RY_DB_READY;
    }
}

void ry_db_close(struct ry_db *db)
{
    if (!db->h)
        return;
    ry_db_rollback(db);
    for (int i = 0; i < RY_STMT_COUNT; i++) {
        sqlite3_finalize(db->stmts[i]);
        db->stmts[i] = NULL;
    }
    bool locked = ry_files_lock(&db->files, NULL) == RY_OK;
    bool finish_log = locked && (!db->files.path || ry_files_same(&db->files, NULL) == RY_OK);
    if (!finish_log) /* somebody writes, or the name (and the log's) is another file's by now */
        sqlite3_db_config(db->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(db->h);
    db->h = NULL;
    if (locked)
        ry_files_unlock(&db->files);
}
