/* DDL, migrations and the check of the schema. See schema.h. */
#include "store/schema.h"

#include <stdio.h>

/* Text is raw bytes (BLOB): a model may give anything. `codec` says how `text` is stored, 0: plain.
 * `sum` is xxh3 over the text with the message's place and role as seed (ry_db_message_sum).
 * Ids are never used twice (AUTOINCREMENT), so that a stale id cannot name another message. */
static const char version_1[] = "CREATE TABLE sessions("
                                " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                " title TEXT NOT NULL,"
                                " model TEXT NOT NULL,"
                                " system TEXT NOT NULL,"
                                " params TEXT NOT NULL,"
                                " parent INTEGER NOT NULL,"
                                " fork_pos INTEGER NOT NULL,"
                                " created_ms INTEGER NOT NULL,"
                                " updated_ms INTEGER NOT NULL"
                                ") STRICT;"
                                "CREATE INDEX sessions_updated ON sessions(updated_ms);"
                                "CREATE TABLE messages("
                                " id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                " session INTEGER NOT NULL REFERENCES sessions(id),"
                                " pos INTEGER NOT NULL CHECK(pos >= 0),"
                                " role INTEGER NOT NULL,"
                                " status INTEGER NOT NULL,"
                                " codec INTEGER NOT NULL,"
                                " text BLOB NOT NULL,"
                                " stats TEXT NOT NULL,"
                                " sum INTEGER NOT NULL,"
                                " created_ms INTEGER NOT NULL"
                                ") STRICT;"
                                "CREATE UNIQUE INDEX messages_place ON messages(session, pos);";

const struct ry_migration ry_schema_migrations[] = {
    {version_1},
};
const int ry_schema_version = sizeof ry_schema_migrations / sizeof ry_schema_migrations[0];

int ry_schema_pragma(sqlite3 *h, const char *name, int64_t *value)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA %s", name);
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(h, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            *value = sqlite3_column_int64(stmt, 0);
            rc = SQLITE_OK;
        } else if (rc == SQLITE_DONE) {
            rc = SQLITE_ERROR;
        }
    }
    sqlite3_finalize(stmt);
    return rc;
}

static ry_rc run_step(sqlite3 *h, const char *sql, int to_version, ry_err *err)
{
    char pragmas[128];
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             RY_SCHEMA_APPLICATION_ID, to_version);
    int rc = sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(h, sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(h, pragmas, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(h, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return RY_OK;
    ry_err_set(err, RY_ERR_VAULT, "the vault could not be brought to version %d: %s", to_version,
               sqlite3_errmsg(h));
    if (!sqlite3_get_autocommit(h))
        sqlite3_exec(h, "ROLLBACK", NULL, NULL, NULL);
    return RY_ERR_VAULT;
}

ry_rc ry_schema_migrate(sqlite3 *h, const struct ry_migration *steps, int n_steps, ry_err *err)
{
    int64_t version;
    if (ry_schema_pragma(h, "user_version", &version) != SQLITE_OK)
        return ry_err_set(err, RY_ERR_VAULT, "the vault's version cannot be read: %s",
                          sqlite3_errmsg(h));
    if (version < 0)
        return ry_err_set(err, RY_ERR_VAULT, "the vault has the impossible version %lld",
                          (long long)version);
    for (; version < n_steps; version++) {
        ry_rc rc = run_step(h, steps[version].sql, (int)version + 1, err);
        if (rc != RY_OK)
            return rc;
    }
    return RY_OK;
}

/* Every object of `model` must be in `h` with the same words. */
static bool same_objects(sqlite3 *model, sqlite3 *h)
{
    sqlite3_stmt *want = NULL, *have = NULL;
    bool same = sqlite3_prepare_v2(model, "SELECT type, name, tbl_name, sql FROM sqlite_schema", -1,
                                   &want, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(h,
                                   "SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2"
                                   " AND tbl_name = ?3 AND sql IS ?4 AND rootpage > 1",
                                   -1, &have, NULL) == SQLITE_OK;
    int rc = SQLITE_DONE;
    while (same && (rc = sqlite3_step(want)) == SQLITE_ROW) {
        for (int i = 0; i < 4; i++)
            sqlite3_bind_value(have, i + 1, sqlite3_column_value(want, i));
        same = sqlite3_step(have) == SQLITE_ROW;
        sqlite3_reset(have);
    }
    sqlite3_finalize(want);
    sqlite3_finalize(have);
    return same && rc == SQLITE_DONE;
}

bool ry_schema_matches(sqlite3 *h)
{
    sqlite3 *model = NULL;
    bool same = sqlite3_open(":memory:", &model) == SQLITE_OK &&
                ry_schema_migrate(model, ry_schema_migrations, ry_schema_version, NULL) == RY_OK &&
                same_objects(model, h);
    sqlite3_close(model);
    return same;
}
