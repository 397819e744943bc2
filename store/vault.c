/* The vault: opening with its report, sessions, groups, figures. Messages are in messages.c. See
 * vault.h. */
#include "store/vault.h"

#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "store/rawdb.h"
#include "store/salvage.h"
#include "store/vault_impl.h"

/* ---- opening and closing ---- */

/* Moves a damaged vault aside and reports; the reason it was found damaged is in err->text. */
static ry_rc salvage(ry_vault *vault, struct ry_vault_report *report, ry_err *err)
{
    struct ry_files *files = &vault->db.files;
    struct ry_salvage_report done;
    ry_err reason = *err;
    if (files->lock_fd < 0)
        return ry_err_set(err, RY_ERR_VAULT,
                          "%s is damaged (%s) and cannot be salvaged where it is: the file or its "
                          "directory is read-only",
                          files->path, reason.text);
    ry_rc rc = ry_salvage(files, &done, err);
    if (rc != RY_OK) {
        ry_err_prefix(err, "%s cannot be opened (%s), and not be salvaged", files->path,
                      reason.text);
        return rc;
    }
    ry_log("vault: %s; salvaged %lld messages, lost %lld, kept %s", reason.text,
           (long long)done.n_saved, (long long)done.n_lost, done.moved_to);
    report->recovered = true;
    report->n_salvaged = done.n_saved;
    report->n_lost = done.n_lost;
    memcpy(report->moved_to, done.moved_to, sizeof report->moved_to);
    char lost[32] = "an unknown number";
    if (done.n_lost >= 0)
        snprintf(lost, sizeof lost, "%lld", (long long)done.n_lost);
    snprintf(
        report->note, sizeof report->note,
        "The vault was damaged: %lld messages saved, %s lost. The damaged file is kept beside it "
        "(%.300s).",
        (long long)done.n_saved, lost, strrchr(done.moved_to, '/') + 1);
    return RY_OK;
}

static enum ry_db_state open_once(ry_vault *vault, struct ry_vault_report *report, ry_err *err)
{
    struct ry_files *files = &vault->db.files;
    enum ry_raw_log log = RY_RAW_LOG_CLEAN;
    if (files->lock_fd >= 0)
        log = ry_raw_check_log(files->wal_path);
    if (log == RY_RAW_LOG_DAMAGED) {
        ry_err_set(err, RY_ERR_VAULT, "%s: its log is damaged in the middle", files->path);
        return RY_DB_DAMAGED;
    }
    bool full = ry_files_marked(files);
    enum ry_db_state state = ry_db_open(&vault->db, full, err);
    if (state == RY_DB_READY && full && !vault->db.read_only)
        ry_files_clear_mark(files);
    if (state == RY_DB_READY && log == RY_RAW_LOG_TORN)
        snprintf(report->note, sizeof report->note,
                 "The last change to the vault was cut off or damaged and is not there; everything "
                 "before it is.");
    return state;
}

/* With the lock held. */
static ry_rc open_locked(ry_vault *vault, struct ry_vault_report *report, ry_err *err)
{
    struct ry_files *files = &vault->db.files;
    ry_rc rc = files->lock_fd >= 0 ? ry_salvage_finish(files, err) : RY_OK;
    if (rc == RY_OK && !files->exists)
        rc = ry_files_create(files, err);
    if (rc != RY_OK)
        return rc;
    report->created = files->created;
    enum ry_db_state state = open_once(vault, report, err);
    if (state == RY_DB_DAMAGED) {
        rc = salvage(vault, report, err);
        if (rc != RY_OK)
            return rc;
        ry_files_clear_mark(files);
        state = ry_db_open(&vault->db, false, err);
    }
    if (state == RY_DB_DAMAGED || state == RY_DB_REFUSED)
        return err && err->rc != RY_OK ? err->rc : RY_ERR_VAULT;
    report->read_only = vault->db.read_only;
    if (state == RY_DB_NEWER)
        snprintf(
            report->note, sizeof report->note,
            "The vault was written by a newer ryot: it can be read, but nothing is saved to it.");
    else if (vault->db.read_only)
        snprintf(report->note, sizeof report->note,
                 "The vault is read-only: nothing will be saved.");
    return RY_OK;
}

static ry_rc open_file(ry_vault *vault, const struct ry_vault_options *options,
                       struct ry_vault_report *report, ry_err *err)
{
    struct ry_files *files = &vault->db.files;
    if (!options->path)
        return ry_err_set(err, RY_ERR_USAGE, "a vault needs a path");
    ry_rc rc = ry_files_prepare(files, options->path, options->create, err);
    if (rc == RY_OK) {
        rc = ry_files_lock(files, err);
        if (rc == RY_OK) {
            rc = open_locked(vault, report, err);
            ry_files_unlock(files);
        }
    }
    return rc;
}

ry_rc ry_vault_open(ry_vault **out, const struct ry_vault_options *options,
                    struct ry_vault_report *report, ry_err *err)
{
    struct ry_vault_report scratch;
    ry_err detail = {0}; /* needed within even when the caller wants none */
    if (!report)
        report = &scratch;
    *report = (struct ry_vault_report){0};
    ry_vault *vault = ry_mem_zalloc(1, sizeof *vault);
    if (!vault)
        return ry_err_set(err, RY_ERR_MEMORY, "no memory to open the vault");
    vault->db.files.lock_fd = -1;
    vault->cache = ry_cache_new(&(struct ry_cache_options){.capacity_bytes = options->cache_bytes});
    ry_rc rc = RY_OK;
    if (!vault->cache)
        rc = ry_err_set(&detail, RY_ERR_MEMORY, "no memory for the vault's cache");
    else if (options->ephemeral)
        rc = ry_db_open_memory(&vault->db, &detail);
    else
        rc = open_file(vault, options, report, &detail);
    if (rc != RY_OK) {
        ry_vault_close(vault);
        return ry_err_set(err, rc, "%s", detail.text);
    }
    vault->data_version = ry_db_data_version(&vault->db);
    *out = vault;
    return RY_OK;
}

void ry_vault_close(ry_vault *vault)
{
    if (!vault)
        return;
    ry_db_close(&vault->db);
    ry_files_done(&vault->db.files);
    ry_cache_free(vault->cache);
    ry_mem_free(vault);
}

/* ---- shared with messages.c ---- */

void ry_vault_refresh(ry_vault *vault)
{
    int64_t now = ry_db_data_version(&vault->db);
    if (now != vault->data_version) {
        ry_cache_clear(vault->cache);
        vault->data_version = now;
    }
}

ry_rc ry_vault_enter(ry_vault *vault, ry_err *err)
{
    ry_rc rc = ry_db_enter(&vault->db, err);
    if (rc == RY_OK)
        ry_vault_refresh(vault);
    return rc;
}

ry_rc ry_vault_touch_session(ry_vault *vault, int64_t id, ry_err *err)
{
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_SESSION_TOUCH);
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, ry_clock_wall_ms());
    ry_rc rc = ry_db_run(&vault->db, stmt, "cannot save", err);
    if (rc == RY_OK && sqlite3_changes(vault->db.h) == 0)
        rc = ry_err_set(err, RY_ERR_NOT_FOUND, "there is no session %lld", (long long)id);
    return rc;
}

/* ---- groups ---- */

ry_rc ry_vault_begin(ry_vault *vault, ry_err *err)
{
    return ry_db_begin(&vault->db, err);
}

/* What the cache holds of a group that was not kept is not true any more. */
ry_rc ry_vault_commit(ry_vault *vault, ry_err *err)
{
    ry_rc rc = ry_db_commit(&vault->db, err);
    if (rc != RY_OK)
        ry_cache_clear(vault->cache);
    return rc;
}

void ry_vault_rollback(ry_vault *vault)
{
    ry_db_rollback(&vault->db);
    ry_cache_clear(vault->cache);
}

ry_rc ry_vault_maintain(ry_vault *vault, uint64_t now_ms, ry_err *err)
{
    return ry_db_maintain(&vault->db, now_ms, err);
}

/* ---- sessions ---- */

void ry_vault_session_done(struct ry_vault_session *session)
{
    if (!session)
        return;
    ry_mem_free(session->title);
    ry_mem_free(session->model);
    ry_mem_free(session->system);
    ry_mem_free(session->params);
    *session = (struct ry_vault_session){0};
}

void ry_vault_sessions_free(struct ry_vault_session *sessions, size_t n)
{
    for (size_t i = 0; sessions && i < n; i++)
        ry_vault_session_done(&sessions[i]);
    ry_mem_free(sessions);
}

static ry_rc check_field(const char *name, const char *text, ry_err *err)
{
    if (text && strnlen(text, RY_DB_FIELD_MAX + 1) > RY_DB_FIELD_MAX)
        return ry_err_set(err, RY_ERR_INPUT, "%s is longer than %d bytes", name, RY_DB_FIELD_MAX);
    return RY_OK;
}

static ry_rc check_fields(const char *title, const char *model, const char *system,
                          const char *params, ry_err *err)
{
    ry_rc rc = check_field("the title", title, err);
    if (rc == RY_OK)
        rc = check_field("the model's name", model, err);
    if (rc == RY_OK)
        rc = check_field("the system text", system, err);
    if (rc == RY_OK)
        rc = check_field("the parameters", params, err);
    return rc;
}

static char *column_string(sqlite3_stmt *stmt, int i)
{
    const char *text = (const char *)sqlite3_column_text(stmt, i);
    return text ? ry_mem_strdup(text) : ry_mem_strdup("");
}

/* The row that SESSION_GET and SESSION_LIST give. */
static bool read_session(sqlite3_stmt *stmt, struct ry_vault_session *out)
{
    *out = (struct ry_vault_session){
        .id = sqlite3_column_int64(stmt, 0),
        .title = column_string(stmt, 1),
        .model = column_string(stmt, 2),
        .system = column_string(stmt, 3),
        .params = column_string(stmt, 4),
        .parent = sqlite3_column_int64(stmt, 5),
        .fork_pos = sqlite3_column_int64(stmt, 6),
        .created_ms = sqlite3_column_int64(stmt, 7),
        .updated_ms = sqlite3_column_int64(stmt, 8),
        .n_messages = sqlite3_column_int64(stmt, 9),
    };
    if (out->title && out->model && out->system && out->params)
        return true;
    ry_vault_session_done(out);
    return false;
}

ry_rc ry_vault_session_create(ry_vault *vault, const char *model, const char *system,
                              const char *params, int64_t *id, ry_err *err)
{
    ry_rc rc = check_fields(NULL, model, system, params, err);
    if (rc == RY_OK)
        rc = ry_vault_enter(vault, err);
    if (rc != RY_OK)
        return rc;
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_SESSION_INSERT);
    sqlite3_bind_text(stmt, 1, model ? model : "", -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, system ? system : "", -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, params ? params : "", -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 4, ry_clock_wall_ms());
    rc = ry_db_run(&vault->db, stmt, "cannot save the new session", err);
    int64_t new_id = sqlite3_last_insert_rowid(vault->db.h);
    rc = ry_db_leave(&vault->db, rc, err);
    if (rc == RY_OK)
        *id = new_id;
    return rc;
}

ry_rc ry_vault_session_get(ry_vault *vault, int64_t id, struct ry_vault_session *out, ry_err *err)
{
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_SESSION_GET);
    sqlite3_bind_int64(stmt, 1, id);
    int code = sqlite3_step(stmt);
    ry_rc rc = RY_OK;
    if (code == SQLITE_DONE)
        rc = ry_err_set(err, RY_ERR_NOT_FOUND, "there is no session %lld", (long long)id);
    else if (code != SQLITE_ROW)
        rc = ry_db_error(&vault->db, "cannot read the session", err);
    else if (!read_session(stmt, out))
        rc = ry_err_set(err, RY_ERR_MEMORY, "no memory to read the session");
    sqlite3_reset(stmt);
    return rc;
}

ry_rc ry_vault_session_list(ry_vault *vault, size_t limit, struct ry_vault_session **out, size_t *n,
                            ry_err *err)
{
    struct ry_vault_session *list = ry_mem_alloc(0, sizeof *list);
    size_t len = 0, cap = 0;
    int code = SQLITE_DONE;
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_SESSION_LIST);
    sqlite3_bind_int64(stmt, 1, limit == 0 || limit > INT64_MAX ? -1 : (int64_t)limit);
    bool memory = list != NULL;
    while (memory && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (len == cap) {
            cap = cap ? cap * 2 : 16;
            struct ry_vault_session *more = ry_mem_resize(list, cap, sizeof *list);
            memory = more != NULL;
            if (!memory)
                break;
            list = more;
        }
        memory = read_session(stmt, &list[len]);
        if (memory)
            len++;
    }
    ry_rc rc = RY_OK;
    if (!memory)
        rc = ry_err_set(err, RY_ERR_MEMORY, "no memory to list the sessions");
    else if (code != SQLITE_DONE)
        rc = ry_db_error(&vault->db, "cannot list the sessions", err);
    sqlite3_reset(stmt);
    if (rc != RY_OK) {
        ry_vault_sessions_free(list, len);
        return rc;
    }
    *out = list;
    *n = len;
    return RY_OK;
}

ry_rc ry_vault_session_last(ry_vault *vault, int64_t *id, ry_err *err)
{
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_SESSION_LAST);
    int code = sqlite3_step(stmt);
    ry_rc rc = RY_OK;
    if (code == SQLITE_ROW)
        *id = sqlite3_column_int64(stmt, 0);
    else if (code == SQLITE_DONE)
        rc = ry_err_set(err, RY_ERR_NOT_FOUND, "there is no session with messages yet");
    else
        rc = ry_db_error(&vault->db, "cannot find the last session", err);
    sqlite3_reset(stmt);
    return rc;
}

ry_rc ry_vault_session_update(ry_vault *vault, int64_t id, const char *title, const char *model,
                              const char *system, const char *params, ry_err *err)
{
    const char *fields[] = {title, model, system, params};
    ry_rc rc = check_fields(title, model, system, params, err);
    if (rc == RY_OK)
        rc = ry_vault_enter(vault, err);
    if (rc != RY_OK)
        return rc;
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_SESSION_UPDATE);
    sqlite3_bind_int64(stmt, 1, id);
    for (int i = 0; i < 4; i++)
        if (fields[i])
            sqlite3_bind_text(stmt, i + 2, fields[i], -1, SQLITE_STATIC);
    rc = ry_db_run(&vault->db, stmt, "cannot save the session", err);
    if (rc == RY_OK && sqlite3_changes(vault->db.h) == 0)
        rc = ry_err_set(err, RY_ERR_NOT_FOUND, "there is no session %lld", (long long)id);
    return ry_db_leave(&vault->db, rc, err);
}

ry_rc ry_vault_session_fork(ry_vault *vault, int64_t id, int64_t at_pos, int64_t *new_id,
                            ry_err *err)
{
    ry_rc rc = ry_vault_enter(vault, err);
    if (rc != RY_OK)
        return rc;
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_SESSION_FORK);
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, at_pos);
    sqlite3_bind_int64(stmt, 3, ry_clock_wall_ms());
    rc = ry_db_run(&vault->db, stmt, "cannot fork the session", err);
    if (rc == RY_OK && sqlite3_changes(vault->db.h) == 0)
        rc = ry_err_set(err, RY_ERR_NOT_FOUND, "there is no session %lld", (long long)id);
    int64_t made = sqlite3_last_insert_rowid(vault->db.h);
    if (rc == RY_OK) {
        stmt = ry_db_stmt(&vault->db, RY_STMT_MESSAGE_FORK);
        sqlite3_bind_int64(stmt, 1, id);
        sqlite3_bind_int64(stmt, 2, made);
        sqlite3_bind_int64(stmt, 3, at_pos);
        rc = ry_db_run(&vault->db, stmt, "cannot fork the session", err);
    }
    rc = ry_db_leave(&vault->db, rc, err);
    if (rc == RY_OK)
        *new_id = made;
    return rc;
}

ry_rc ry_vault_session_delete(ry_vault *vault, int64_t id, ry_err *err)
{
    ry_rc rc = ry_vault_enter(vault, err);
    if (rc != RY_OK)
        return rc;
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_MESSAGE_TRUNCATE);
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, 0);
    rc = ry_db_run(&vault->db, stmt, "cannot delete the session", err);
    if (rc == RY_OK) {
        stmt = ry_db_stmt(&vault->db, RY_STMT_SESSION_DELETE);
        sqlite3_bind_int64(stmt, 1, id);
        rc = ry_db_run(&vault->db, stmt, "cannot delete the session", err);
    }
    if (rc == RY_OK && sqlite3_changes(vault->db.h) == 0)
        rc = ry_err_set(err, RY_ERR_NOT_FOUND, "there is no session %lld", (long long)id);
    rc = ry_db_leave(&vault->db, rc, err);
    if (rc == RY_OK) {
        ry_vault_forget_messages(vault, id);
        ry_db_note_deletion(&vault->db);
    }
    return rc;
}

/* ---- figures ---- */

void ry_vault_get_stats(const ry_vault *vault, struct ry_vault_stats *out)
{
    struct ry_cache_stats cache;
    const struct ry_files *files = &vault->db.files;
    ry_cache_get_stats(vault->cache, &cache);
    *out = (struct ry_vault_stats){
        .hits = cache.hits,
        .misses = cache.misses,
        .insertions = cache.insertions,
        .evictions = cache.evictions,
        .pinned = cache.pinned,
        .lines_used = cache.lines_used,
        .lines_max = cache.lines_max,
        .bytes_used = cache.bytes_used,
        .bytes_max = cache.bytes_max,
        .n_commits = vault->db.n_commits,
        .wal_bytes = files->path ? (uint64_t)ry_files_size(files->wal_path) : 0,
        .db_bytes = files->path ? (uint64_t)ry_files_size(files->path) : 0,
        .hot_p50_us = ry_hist_quantile_us(&vault->hot, 0.50),
        .hot_p99_us = ry_hist_quantile_us(&vault->hot, 0.99),
        .cold_p50_us = ry_hist_quantile_us(&vault->cold, 0.50),
        .cold_p99_us = ry_hist_quantile_us(&vault->cold, 0.99),
    };
}
