/* Messages: written to sqlite first, then to the cache; read from the cache, else from sqlite.
 * See vault.h.
 *
 * The cache has one entry for the list of a session (its message ids in order) and one for every
 * message, so that a growing answer replaces one entry and not the conversation. */
#include <string.h>

#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "store/vault_impl.h"

/* A message in the cache: this, then the text, then the stats. */
struct packed {
    int64_t id, session, pos, created_ms;
    uint64_t text_len, stats_len;
    uint32_t role, status;
    uint64_t damaged;
};

enum { KEY_LIST = 0, KEY_MESSAGE = 1 };

/* Ids come from a file that may be hostile: those that would not fit beside the kind are never
 * cached. */
static bool cacheable(int64_t id)
{
    return id > 0 && id <= INT64_MAX / 2;
}

static uint64_t key_of(int kind, int64_t id)
{
    return (uint64_t)id * 2 + (uint64_t)kind;
}

/* ---- the cache's side ---- */

static void cache_message(ry_vault *vault, const struct packed *head, const char *text,
                          const char *stats)
{
    const struct ry_cache_piece pieces[] = {
        {head, sizeof *head}, {text, (size_t)head->text_len}, {stats, (size_t)head->stats_len}};
    if (!cacheable(head->id))
        return;
    if (head->role <= RY_VAULT_ASSISTANT)
        ry_cache_insert(vault->cache, key_of(KEY_MESSAGE, head->id), pieces, 3);
    else /* a damaged row that was updated: reading it anew says so */
        ry_cache_remove(vault->cache, key_of(KEY_MESSAGE, head->id));
}

/* A message was appended: the list, when it is there or new, grows by one id. */
static void cache_appended(ry_vault *vault, int64_t session, int64_t pos, int64_t id)
{
    if (!cacheable(session))
        return;
    uint64_t key = key_of(KEY_LIST, session);
    struct ry_cache_ref list = {0};
    if (pos > 0 && !ry_cache_get(vault->cache, key, &list))
        return;
    const struct ry_cache_piece pieces[] = {{list.data, list.size}, {&id, sizeof id}};
    ry_cache_insert(vault->cache, key, pieces, 2);
    ry_cache_put(vault->cache, &list);
}

void ry_vault_forget_messages(ry_vault *vault, int64_t session)
{
    struct ry_cache_ref list = {0};
    if (!cacheable(session) || !ry_cache_get(vault->cache, key_of(KEY_LIST, session), &list))
        return;
    const int64_t *ids = list.data;
    for (size_t i = 0; i < list.size / sizeof *ids; i++)
        if (cacheable(ids[i]))
            ry_cache_remove(vault->cache, key_of(KEY_MESSAGE, ids[i]));
    ry_cache_put(vault->cache, &list);
    ry_cache_remove(vault->cache, key_of(KEY_LIST, session));
}

/* ---- records in memory ---- */

static void message_done(struct ry_vault_message *message)
{
    ry_mem_free(message->text);
    ry_mem_free(message->stats);
}

void ry_vault_messages_free(struct ry_vault_message *messages, size_t n)
{
    for (size_t i = 0; messages && i < n; i++)
        message_done(&messages[i]);
    ry_mem_free(messages);
}

/* Copies of text and stats; false without memory. */
static bool fill(struct ry_vault_message *out, const struct packed *head, const char *text,
                 const char *stats)
{
    *out = (struct ry_vault_message){
        .id = head->id,
        .session = head->session,
        .pos = head->pos,
        .role = (enum ry_vault_role)head->role,
        .status = (enum ry_vault_status)head->status,
        .text = ry_mem_strndup(text, (size_t)head->text_len),
        .text_len = (size_t)head->text_len,
        .stats = ry_mem_strndup(stats, (size_t)head->stats_len),
        .created_ms = head->created_ms,
        .damaged = head->damaged != 0,
    };
    if (out->text && out->stats)
        return true;
    message_done(out);
    return false;
}

/* ---- writing ---- */

static ry_rc check_message(size_t text_len, const char *stats, int role, int status, ry_err *err)
{
    if (text_len > RY_DB_TEXT_MAX)
        return ry_err_set(err, RY_ERR_INPUT,
                          "a message of %zu bytes is more than a vault keeps in one (%d MiB)",
                          text_len, RY_DB_TEXT_MAX >> 20);
    if (stats && strnlen(stats, RY_DB_FIELD_MAX + 1) > RY_DB_FIELD_MAX)
        return ry_err_set(err, RY_ERR_INPUT, "a message's statistics are longer than %d bytes",
                          RY_DB_FIELD_MAX);
    if (role < RY_VAULT_SYSTEM || role > RY_VAULT_ASSISTANT || status < RY_VAULT_COMPLETE ||
        status > RY_VAULT_ERROR)
        return ry_err_set(err, RY_ERR_USAGE, "a message with role %d and status %d", role, status);
    return RY_OK;
}

static ry_rc next_pos(ry_vault *vault, int64_t session, int64_t *pos, ry_err *err)
{
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_MESSAGE_NEXT_POS);
    sqlite3_bind_int64(stmt, 1, session);
    ry_rc rc = RY_OK;
    if (sqlite3_step(stmt) == SQLITE_ROW)
        *pos = sqlite3_column_int64(stmt, 0);
    else
        rc = ry_db_error(&vault->db, "cannot save the message", err);
    sqlite3_reset(stmt);
    return rc;
}

ry_rc ry_vault_message_append(ry_vault *vault, int64_t session, enum ry_vault_role role,
                              const char *text, size_t text_len, enum ry_vault_status status,
                              const char *stats, int64_t *id, ry_err *err)
{
    text = text ? text : "";
    stats = stats ? stats : "";
    ry_rc rc = check_message(text_len, stats, (int)role, (int)status, err);
    if (rc == RY_OK)
        rc = ry_vault_enter(vault, err);
    if (rc != RY_OK)
        return rc;
    struct packed head = {.session = session,
                          .created_ms = ry_clock_wall_ms(),
                          .text_len = text_len,
                          .stats_len = strlen(stats),
                          .role = role,
                          .status = status};
    rc = ry_vault_touch_session(vault, session, err);
    if (rc == RY_OK)
        rc = next_pos(vault, session, &head.pos, err);
    if (rc == RY_OK) {
        sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_MESSAGE_INSERT);
        sqlite3_bind_int64(stmt, 1, session);
        sqlite3_bind_int64(stmt, 2, head.pos);
        sqlite3_bind_int64(stmt, 3, role);
        sqlite3_bind_int64(stmt, 4, status);
        sqlite3_bind_blob64(stmt, 5, text, text_len, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 6, stats, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 7, ry_db_message_sum(head.pos, role, text, text_len));
        sqlite3_bind_int64(stmt, 8, head.created_ms);
        rc = ry_db_run(&vault->db, stmt, "cannot save the message", err);
        head.id = sqlite3_last_insert_rowid(vault->db.h);
    }
    rc = ry_db_leave(&vault->db, rc, err);
    if (rc != RY_OK)
        return rc;
    cache_message(vault, &head, text, stats);
    cache_appended(vault, session, head.pos, head.id);
    if (id)
        *id = head.id;
    return RY_OK;
}

/* What an update leaves as it is. *old_stats owned by the caller. */
static ry_rc read_place(ry_vault *vault, int64_t id, struct packed *head, char **old_stats,
                        ry_err *err)
{
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_MESSAGE_PLACE);
    sqlite3_bind_int64(stmt, 1, id);
    ry_rc rc = RY_OK;
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        *head = (struct packed){.id = id,
                                .session = sqlite3_column_int64(stmt, 0),
                                .pos = sqlite3_column_int64(stmt, 1),
                                .role = (uint32_t)sqlite3_column_int64(stmt, 2),
                                .created_ms = sqlite3_column_int64(stmt, 4)};
        const char *stats = (const char *)sqlite3_column_text(stmt, 3);
        *old_stats = ry_mem_strdup(stats ? stats : "");
        if (!*old_stats)
            rc = ry_err_set(err, RY_ERR_MEMORY, "no memory to save the message");
    } else if (code == SQLITE_DONE) {
        rc = ry_err_set(err, RY_ERR_NOT_FOUND, "there is no message %lld", (long long)id);
    } else {
        rc = ry_db_error(&vault->db, "cannot save the message", err);
    }
    sqlite3_reset(stmt);
    return rc;
}

ry_rc ry_vault_message_update(ry_vault *vault, int64_t id, const char *text, size_t text_len,
                              enum ry_vault_status status, const char *stats, ry_err *err)
{
    struct packed head = {0};
    char *old_stats = NULL;
    text = text ? text : "";
    ry_rc rc = check_message(text_len, stats, RY_VAULT_SYSTEM, (int)status, err);
    if (rc == RY_OK)
        rc = ry_vault_enter(vault, err);
    if (rc != RY_OK)
        return rc;
    rc = read_place(vault, id, &head, &old_stats, err);
    if (rc == RY_OK) {
        stats = stats ? stats : old_stats;
        head.text_len = text_len;
        head.stats_len = strlen(stats);
        head.status = status;
        sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_MESSAGE_UPDATE);
        sqlite3_bind_int64(stmt, 1, id);
        sqlite3_bind_blob64(stmt, 2, text, text_len, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 3, status);
        sqlite3_bind_text(stmt, 4, stats, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 5, ry_db_message_sum(head.pos, head.role, text, text_len));
        rc = ry_db_run(&vault->db, stmt, "cannot save the message", err);
    }
    if (rc == RY_OK)
        rc = ry_vault_touch_session(vault, head.session, err);
    rc = ry_db_leave(&vault->db, rc, err);
    if (rc == RY_OK)
        cache_message(vault, &head, text, stats);
    ry_mem_free(old_stats);
    return rc;
}

ry_rc ry_vault_message_truncate(ry_vault *vault, int64_t session, int64_t from_pos, ry_err *err)
{
    ry_rc rc = ry_vault_enter(vault, err);
    if (rc != RY_OK)
        return rc;
    rc = ry_vault_touch_session(vault, session, err);
    if (rc == RY_OK) {
        sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_MESSAGE_TRUNCATE);
        sqlite3_bind_int64(stmt, 1, session);
        sqlite3_bind_int64(stmt, 2, from_pos);
        rc = ry_db_run(&vault->db, stmt, "cannot delete messages", err);
    }
    rc = ry_db_leave(&vault->db, rc, err);
    if (rc == RY_OK) {
        ry_vault_forget_messages(vault, session);
        ry_db_note_deletion(&vault->db);
    }
    return rc;
}

/* ---- reading ---- */

/* One message out of the cache; false when it is not there (or, without memory, cannot be
 * copied). */
static bool take_cached(ry_vault *vault, int64_t id, struct ry_vault_message *out)
{
    struct ry_cache_ref ref;
    uint64_t start = ry_clock_ns();
    if (!cacheable(id) || !ry_cache_get(vault->cache, key_of(KEY_MESSAGE, id), &ref))
        return false;
    const struct packed *head = ref.data;
    const char *text = (const char *)(head + 1);
    bool ok = fill(out, head, text, text + head->text_len);
    ry_cache_put(vault->cache, &ref);
    ry_hist_add(&vault->hot, ry_clock_ns() - start);
    return ok;
}

/* All or nothing: one text that was evicted sends the whole list to sqlite. */
static bool list_cached(ry_vault *vault, int64_t session, struct ry_vault_message **out, size_t *n)
{
    struct ry_cache_ref list;
    if (!cacheable(session) || !ry_cache_get(vault->cache, key_of(KEY_LIST, session), &list))
        return false;
    const int64_t *ids = list.data;
    size_t want = list.size / sizeof *ids, have = 0;
    struct ry_vault_message *messages = ry_mem_alloc(want, sizeof *messages);
    while (messages && have < want && take_cached(vault, ids[have], &messages[have]))
        have++;
    ry_cache_put(vault->cache, &list);
    if (!messages || have < want) {
        ry_vault_messages_free(messages, have);
        return false;
    }
    *out = messages;
    *n = want;
    return true;
}

/* The row that MESSAGE_LIST gives, checked: what the file says is not trusted. */
static ry_rc read_row(ry_vault *vault, int64_t session, struct ry_vault_message *out, ry_err *err)
{
    sqlite3_stmt *stmt = vault->db.stmts[RY_STMT_MESSAGE_LIST];
    int64_t role = sqlite3_column_int64(stmt, 2), status = sqlite3_column_int64(stmt, 3);
    struct packed head = {.id = sqlite3_column_int64(stmt, 0),
                          .session = session,
                          .pos = sqlite3_column_int64(stmt, 1),
                          .created_ms = sqlite3_column_int64(stmt, 8)};
    if (sqlite3_column_int64(stmt, 4) != RY_DB_CODEC_PLAIN)
        return ry_err_set(
            err, RY_ERR_VAULT,
            "message %lld was written by a newer ryot (codec %lld): read it with that one",
            (long long)head.id, (long long)sqlite3_column_int64(stmt, 4));
    const char *text = sqlite3_column_blob(stmt, 5);
    head.text_len = (uint64_t)sqlite3_column_bytes(stmt, 5);
    const char *stats = (const char *)sqlite3_column_text(stmt, 6);
    head.stats_len = stats ? strlen(stats) : 0;
    text = text ? text : "";
    if (ry_db_message_sum(head.pos, role, text, (size_t)head.text_len) !=
        sqlite3_column_int64(stmt, 7))
        head.damaged = 1;
    if (role < RY_VAULT_SYSTEM || role > RY_VAULT_ASSISTANT) {
        head.damaged = 1;
        role = RY_VAULT_ASSISTANT;
    }
    if (status < RY_VAULT_COMPLETE || status > RY_VAULT_ERROR) {
        head.damaged = 1;
        status = RY_VAULT_ERROR;
    }
    head.role = (uint32_t)role;
    head.status = (uint32_t)status;
    if (head.damaged)
        ry_log("vault: message %lld of session %lld does not match its check sum",
               (long long)head.id, (long long)session);
    if (!fill(out, &head, text, stats ? stats : ""))
        return ry_err_set(err, RY_ERR_MEMORY, "no memory to read session %lld", (long long)session);
    cache_message(vault, &head, text, stats);
    return RY_OK;
}

static bool grow(struct ry_vault_message **list, size_t len, size_t *cap)
{
    if (len < *cap)
        return true;
    size_t more_cap = *cap ? *cap * 2 : 16;
    struct ry_vault_message *more = ry_mem_resize(*list, more_cap, sizeof **list);
    if (!more)
        return false;
    *list = more;
    *cap = more_cap;
    return true;
}

static void cache_list(ry_vault *vault, int64_t session, const struct ry_vault_message *list,
                       size_t n)
{
    int64_t *ids = cacheable(session) ? ry_mem_alloc(n, sizeof *ids) : NULL;
    if (!ids)
        return;
    for (size_t i = 0; i < n; i++)
        ids[i] = list[i].id;
    ry_cache_insert(vault->cache, key_of(KEY_LIST, session),
                    &(struct ry_cache_piece){ids, n * sizeof *ids}, 1);
    ry_mem_free(ids);
}

static ry_rc session_exists(ry_vault *vault, int64_t session, ry_err *err)
{
    struct ry_vault_session found;
    ry_rc rc = ry_vault_session_get(vault, session, &found, err);
    if (rc == RY_OK)
        ry_vault_session_done(&found);
    return rc;
}

ry_rc ry_vault_message_list(ry_vault *vault, int64_t session, struct ry_vault_message **out,
                            size_t *n, ry_err *err)
{
    ry_vault_refresh(vault);
    if (list_cached(vault, session, out, n))
        return RY_OK;
    struct ry_vault_message *list = ry_mem_alloc(0, sizeof *list);
    size_t len = 0, cap = 0;
    ry_rc rc = list ? RY_OK : ry_err_set(err, RY_ERR_MEMORY, "no memory to read a session");
    int code = SQLITE_ROW;
    uint64_t start = ry_clock_ns();
    sqlite3_stmt *stmt = ry_db_stmt(&vault->db, RY_STMT_MESSAGE_LIST);
    sqlite3_bind_int64(stmt, 1, session);
    while (rc == RY_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!grow(&list, len, &cap))
            rc = ry_err_set(err, RY_ERR_MEMORY, "no memory to read session %lld",
                            (long long)session);
        else
            rc = read_row(vault, session, &list[len], err);
        if (rc == RY_OK) {
            len++;
            uint64_t now = ry_clock_ns();
            ry_hist_add(&vault->cold, now - start);
            start = now;
        }
    }
    if (rc == RY_OK && code != SQLITE_DONE)
        rc = ry_db_error(&vault->db, "cannot read the messages", err);
    sqlite3_reset(stmt);
    if (rc == RY_OK && len == 0)
        rc = session_exists(vault, session, err);
    if (rc != RY_OK) {
        ry_vault_messages_free(list, len);
        return rc;
    }
    cache_list(vault, session, list, len);
    *out = list;
    *n = len;
    return RY_OK;
}
