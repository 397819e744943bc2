/* Salvage of a damaged vault. See salvage.h. */
#include "store/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "store/db.h"
#include "store/rawdb.h"
#include "store/schema.h"

enum { SESSION_COLUMNS = 9, MESSAGE_COLUMNS = 10, PLACE_COLUMNS = 3, MOVED_NAMES_MAX = 100 };

/* The new file while it is being filled. */
struct rescue {
    sqlite3 *h;                                         /* owned */
    sqlite3_stmt *session, *message, *next_pos, *place; /* owned */
    int64_t n_proven; /* messages whose check sum holds: they show that the file is ours */
};

static ry_rc sql_error(const struct rescue *r, ry_err *err)
{
    int code = sqlite3_errcode(r->h);
    return ry_err_set(err, code == SQLITE_NOMEM ? RY_ERR_MEMORY : RY_ERR_VAULT,
                      "the salvaged copy cannot be written: %s", sqlite3_errmsg(r->h));
}

static bool is_kind(const struct ry_raw_record *record, size_t i, enum ry_raw_kind kind)
{
    return record->values[i].kind == kind;
}

/* ---- rows by their shape; column 0 is the row id, which a record leaves empty ---- */

static bool is_session(const struct ry_raw_record *r)
{
    if (r->index || r->n_values != SESSION_COLUMNS || !is_kind(r, 0, RY_RAW_NULL) || r->rowid <= 0)
        return false;
    for (size_t i = 1; i < SESSION_COLUMNS; i++)
        if (!is_kind(r, i, i <= 4 ? RY_RAW_TEXT : RY_RAW_INT))
            return false;
    return true;
}

static bool is_message(const struct ry_raw_record *r)
{
    if (r->index || r->n_values != MESSAGE_COLUMNS || !is_kind(r, 0, RY_RAW_NULL) || r->rowid <= 0)
        return false;
    for (size_t i = 1; i < MESSAGE_COLUMNS; i++) {
        enum ry_raw_kind kind = i == 6 ? RY_RAW_BLOB : i == 7 ? RY_RAW_TEXT : RY_RAW_INT;
        if (!is_kind(r, i, kind))
            return false;
    }
    return r->values[1].i > 0 && r->values[2].i >= 0;
}

static bool is_place(const struct ry_raw_record *r)
{
    if (!r->index || r->n_values != PLACE_COLUMNS)
        return false;
    for (size_t i = 0; i < PLACE_COLUMNS; i++)
        if (!is_kind(r, i, RY_RAW_INT))
            return false;
    return true;
}

static void bind_values(sqlite3_stmt *stmt, const struct ry_raw_record *record)
{
    sqlite3_reset(stmt);
    sqlite3_bind_int64(stmt, 1, record->rowid);
    for (size_t i = 1; i < record->n_values; i++) {
        const struct ry_raw_value *v = &record->values[i];
        int at = (int)i + 1;
        if (v->kind == RY_RAW_INT)
            sqlite3_bind_int64(stmt, at, v->i);
        else if (v->kind == RY_RAW_TEXT)
            sqlite3_bind_text(stmt, at, (const char *)v->bytes, (int)v->len, SQLITE_STATIC);
        else
            sqlite3_bind_blob(stmt, at, v->bytes, (int)v->len, SQLITE_STATIC);
    }
}

static ry_rc save_session(struct rescue *r, const struct ry_raw_record *record, ry_err *err)
{
    bind_values(r->session, record);
    return sqlite3_step(r->session) == SQLITE_DONE ? RY_OK : sql_error(r, err);
}

/* Two rows may claim one place, when an old version of a page came to light: both are kept, the
 * second at the end of its session. */
static ry_rc save_message(struct rescue *r, const struct ry_raw_record *record, ry_err *err)
{
    const struct ry_raw_value *v = record->values;
    bool proven = ry_db_message_sum(v[2].i, v[3].i, v[6].bytes, v[6].len) == v[8].i;
    if (proven)
        r->n_proven++;
    bind_values(r->message, record);
    int code = sqlite3_step(r->message);
    if (code == SQLITE_DONE)
        return RY_OK;
    if ((code & 0xff) != SQLITE_CONSTRAINT)
        return sql_error(r, err);
    sqlite3_reset(r->next_pos);
    sqlite3_bind_int64(r->next_pos, 1, v[1].i);
    if (sqlite3_step(r->next_pos) != SQLITE_ROW)
        return sql_error(r, err);
    int64_t pos = sqlite3_column_int64(r->next_pos, 0);
    sqlite3_reset(r->next_pos);
    bind_values(r->message, record);
    sqlite3_bind_int64(r->message, 3, pos);
    if (proven)
        sqlite3_bind_int64(r->message, 9, ry_db_message_sum(pos, v[3].i, v[6].bytes, v[6].len));
    return sqlite3_step(r->message) == SQLITE_DONE ? RY_OK : sql_error(r, err);
}

static ry_rc visit(void *ctx, const struct ry_raw_record *record, ry_err *err)
{
    struct rescue *r = ctx;
    if (is_message(record))
        return save_message(r, record, err);
    if (is_session(record))
        return save_session(r, record, err);
    if (is_place(record)) {
        sqlite3_reset(r->place);
        sqlite3_bind_int64(r->place, 1, record->values[2].i);
        return sqlite3_step(r->place) == SQLITE_DONE ? RY_OK : sql_error(r, err);
    }
    return RY_OK;
}

/* ---- the new file ---- */

static void rescue_close(struct rescue *r)
{
    sqlite3_finalize(r->session);
    sqlite3_finalize(r->message);
    sqlite3_finalize(r->next_pos);
    sqlite3_finalize(r->place);
    sqlite3_close(r->h);
}

/* An older version of a row that came to light beside the newer one has the shorter text:
 * answers grow. */
static ry_rc rescue_open(struct rescue *r, const char *path, ry_err *err)
{
    *r = (struct rescue){0};
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return ry_err_set(err, RY_ERR_VAULT, "%s cannot be made: %s", path, strerror(errno));
    (void)!fchmod(fd, 0600);
    close(fd);
    if (sqlite3_open_v2(path, &r->h,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
                        NULL) != SQLITE_OK)
        return sql_error(r, err);
    ry_db_harden(r->h);
    if (sqlite3_exec(r->h,
                     "PRAGMA page_size = 4096; PRAGMA journal_mode = MEMORY;"
                     "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
                     "PRAGMA foreign_keys = OFF",
                     NULL, NULL, NULL) != SQLITE_OK)
        return sql_error(r, err);
    ry_rc rc = ry_schema_migrate(r->h, ry_schema_migrations, ry_schema_version, err);
    if (rc != RY_OK)
        return rc;
    bool ok =
        sqlite3_exec(r->h, "CREATE TEMP TABLE places(id INTEGER PRIMARY KEY); BEGIN", NULL, NULL,
                     NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(r->h,
                           "INSERT INTO sessions VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                           " ON CONFLICT(id) DO NOTHING",
                           -1, &r->session, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(r->h,
                           "INSERT INTO messages VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                           " ON CONFLICT(id) DO UPDATE SET status = excluded.status,"
                           " codec = excluded.codec, text = excluded.text, stats = excluded.stats,"
                           " sum = excluded.sum WHERE length(excluded.text) > length(text)",
                           -1, &r->message, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(r->h,
                           "SELECT coalesce(max(pos) + 1, 0) FROM messages WHERE session = ?1", -1,
                           &r->next_pos, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(r->h, "INSERT INTO places VALUES(?1) ON CONFLICT(id) DO NOTHING", -1,
                           &r->place, NULL) == SQLITE_OK;
    return ok ? RY_OK : sql_error(r, err);
}

static int64_t count(const struct rescue *r, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t n = -1;
    if (sqlite3_prepare_v2(r->h, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

/* Messages whose session is lost get one, so that they can be seen; then everything is made
 * durable. */
static ry_rc rescue_finish(struct rescue *r, ry_err *err)
{
    if (sqlite3_exec(
            r->h,
            "INSERT INTO sessions SELECT session, 'salvaged session ' || session, '', '', '',"
            " 0, -1, min(created_ms), max(created_ms) FROM messages"
            " WHERE session NOT IN (SELECT id FROM sessions) GROUP BY session; COMMIT",
            NULL, NULL, NULL) != SQLITE_OK)
        return sql_error(r, err);
    return RY_OK;
}

/* The index over the messages' places is a second witness: what it names and no page gave is
 * lost. It is believed to be whole when all of it was readable and it names everything that was
 * found. Failing that, nothing is lost when every page of rows was readable. */
static int64_t count_lost(const struct rescue *r, const struct ry_raw_damage *damage,
                          int64_t n_saved)
{
    int64_t missing =
        count(r, "SELECT count(*) FROM places WHERE id NOT IN (SELECT id FROM messages)");
    int64_t unnamed =
        count(r, "SELECT count(*) FROM messages WHERE id NOT IN (SELECT id FROM places)");
    if (missing < 0 || unnamed < 0 || n_saved <= 0)
        return -1;
    bool placed = damage->n_lacking == 0 && damage->n_unknown <= damage->n_rows;
    if (unnamed == 0 && damage->n_keys == 0 && placed)
        return missing;
    placed = damage->n_lacking == 0 && damage->n_unknown <= damage->n_keys;
    return missing == 0 && damage->n_rows == 0 && placed ? 0 : -1;
}

/* ---- moving aside ---- */

static ry_rc copy_file(const char *from, const char *to, ry_err *err)
{
    char buf[65536];
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    ssize_t n = in < 0 || out < 0 ? -1 : 1;
    while (n > 0) {
        n = read(in, buf, sizeof buf);
        for (ssize_t done = 0; done < n;) {
            ssize_t w = write(out, buf + done, (size_t)(n - done));
            if (w < 0) {
                n = -1;
                break;
            }
            done += w;
        }
    }
    if (n == 0 && fsync(out) != 0)
        n = -1;
    int e = errno;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return n == 0 ? RY_OK
                  : ry_err_set(err, RY_ERR_VAULT, "%s cannot be kept as %s: %s", from, to,
                               strerror(e));
}

/* A second name for a file, or a copy where the file system has no links. RY_ERR_BUSY: the name
 * is taken. */
static ry_rc keep_as(const char *from, const char *to, ry_err *err)
{
    if (link(from, to) == 0)
        return RY_OK;
    if (errno == EEXIST)
        return ry_err_set(err, RY_ERR_BUSY, "%s is there already", to);
    return copy_file(from, to, err);
}

/* The damaged database and its log under a name with the date. */
static ry_rc keep_damaged(const struct ry_files *files, char *moved_to, size_t size, ry_err *err)
{
    struct tm tm;
    char stamp[32], wal[544];
    time_t now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
    ry_rc rc = RY_ERR_BUSY;
    for (int i = 0; rc == RY_ERR_BUSY && i < MOVED_NAMES_MAX; i++) {
        int n = i == 0 ? snprintf(moved_to, size, "%s.damaged-%s", files->path, stamp)
                       : snprintf(moved_to, size, "%s.damaged-%s-%d", files->path, stamp, i);
        if (n < 0 || (size_t)n >= size)
            return ry_err_set(err, RY_ERR_VAULT, "%s: the path is too long", files->path);
        rc = keep_as(files->path, moved_to, err);
    }
    snprintf(wal, sizeof wal, "%s-wal", moved_to);
    if (rc == RY_OK && ry_files_size(files->wal_path) > 0) {
        rc = keep_as(files->wal_path, wal, err);
        if (rc != RY_OK)
            unlink(moved_to);
    }
    return rc;
}

ry_rc ry_salvage_finish(const struct ry_files *files, ry_err *err)
{
    struct stat st;
    char *salvaged = ry_files_name(files, ".salvaged");
    char *shm = ry_files_name(files, "-shm");
    ry_rc rc =
        salvaged && shm ? RY_OK : ry_err_set(err, RY_ERR_MEMORY, "no memory to open the vault");
    if (rc == RY_OK && lstat(salvaged, &st) == 0) {
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
            rc = ry_err_set(err, RY_ERR_VAULT, "%s is in the way: not a file of yours", salvaged);
        } else {
            /* the old log must be gone before the new file has the name: sqlite would play it
             * back into it */
            unlink(files->wal_path);
            unlink(shm);
            rc = ry_files_sync_dir(files->path, err);
            if (rc == RY_OK && rename(salvaged, files->path) != 0)
                rc = ry_err_set(err, RY_ERR_VAULT, "%s cannot be renamed: %s", salvaged,
                                strerror(errno));
            if (rc == RY_OK)
                rc = ry_files_sync_dir(files->path, err);
        }
    }
    ry_mem_free(salvaged);
    ry_mem_free(shm);
    return rc;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Ours by the application id, or by messages whose check sums hold. */
static ry_rc refuse_foreign(const struct ry_files *files, const struct rescue *r, ry_err *err)
{
    uint8_t h[RY_RAW_HEADER_BYTES];
    bool header = ry_raw_header(files->path, files->wal_path, h);
    bool ours = header && be32(h + 68) == RY_SCHEMA_APPLICATION_ID;
    if (!ours && r->n_proven == 0)
        return ry_err_set(
            err, RY_ERR_VAULT,
            "%s is no vault of ryot, nor any database that can be read; left as it was",
            files->path);
    if (ours && memcmp(h, "SQLite format 3", 16) == 0 && be32(h + 60) > (uint32_t)ry_schema_version)
        return ry_err_set(
            err, RY_ERR_VAULT,
            "%s is damaged and was written by a newer ryot: open it with that one; left "
            "as it was",
            files->path);
    return RY_OK;
}

ry_rc ry_salvage(const struct ry_files *files, struct ry_salvage_report *report, ry_err *err)
{
    struct rescue r = {0};
    struct ry_salvage_report done = {0};
    struct ry_raw_damage damage = {0};
    char *fresh = ry_files_name(files, ".new");
    char *salvaged = ry_files_name(files, ".salvaged");
    ry_rc rc = fresh && salvaged ? rescue_open(&r, fresh, err)
                                 : ry_err_set(err, RY_ERR_MEMORY, "no memory to salvage the vault");
    if (rc == RY_OK)
        rc = ry_raw_walk(files->path, files->wal_path, visit, &r, &damage, err);
    if (rc == RY_OK)
        rc = refuse_foreign(files, &r, err);
    if (rc == RY_OK)
        rc = rescue_finish(&r, err);
    if (rc == RY_OK) {
        done.n_saved = count(&r, "SELECT count(*) FROM messages");
        done.n_lost = count_lost(&r, &damage, done.n_saved);
    }
    rescue_close(&r);
    if (rc == RY_OK)
        rc = keep_damaged(files, done.moved_to, sizeof done.moved_to, err);
    if (rc == RY_OK && rename(fresh, salvaged) != 0)
        rc = ry_err_set(err, RY_ERR_VAULT, "%s cannot be renamed: %s", fresh, strerror(errno));
    if (rc == RY_OK)
        rc = ry_files_sync_dir(files->path, err);
    if (rc == RY_OK)
        rc = ry_salvage_finish(files, err);
    else if (fresh)
        unlink(fresh);
    if (rc == RY_OK)
        *report = done;
    ry_mem_free(fresh);
    ry_mem_free(salvaged);
    return rc;
}
