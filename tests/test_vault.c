/* The vault from outside: sessions, messages, groups, cache, files, migrations. */
#include "vault_fixture.h"

#include <sqlite3.h>

#include "src/base/clock.h"
#include "store/schema.h"

static void expect_modes(const char *suffix, mode_t mode)
{
    char path[400];
    struct stat st;
    snprintf(path, sizeof path, "%s%s", fix_path, suffix);
    ck_assert_msg(stat(path, &st) == 0, "%s", path);
    ck_assert_msg((st.st_mode & 0777) == mode, "%s has mode %o", path, (unsigned)st.st_mode & 0777);
}

START_TEST(files_are_private_whatever_the_umask)
{
    static const mode_t umasks[] = {0, 022, 0277};
    struct stat st;
    umask(umasks[_i]);
    snprintf(fix_path, sizeof fix_path, "%s/a/b/vault.db", fix_dir);
    struct ry_vault_report report;
    ry_vault *vault = fix_open(&report);
    umask(022);
    ck_assert(report.created && !report.read_only && !report.recovered);
    ck_assert_str_eq(report.note, "");
    fix_append(vault, fix_session(vault), 1, 100);
    expect_modes("", 0600);
    expect_modes("-wal", 0600);
    expect_modes("-shm", 0600);
    fix_path[strlen(fix_path) - 3] = '\0'; /* vault.lock stands beside vault.db */
    expect_modes(".lock", 0600);
    strcat(fix_path, ".db");
    char dir[400];
    for (int i = 0; i < 2; i++) {
        snprintf(dir, sizeof dir, "%s/a%s", fix_dir, i ? "/b" : "");
        ck_assert_int_eq(stat(dir, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0700);
    }
    ry_vault_close(vault);

    chmod(fix_path, 0644); /* a copy or a restore may widen it */
    vault = fix_open(&report);
    ck_assert(!report.created);
    expect_modes("", 0600);
    ry_vault_close(vault);
}
END_TEST

START_TEST(sessions_live_from_create_to_delete)
{
    ry_vault *vault = fix_open(NULL);
    struct ry_vault_session got, *list;
    int64_t a, b, last;
    size_t n;
    ry_err err;
    ck_assert_int_eq(ry_vault_session_last(vault, &last, &err), RY_ERR_NOT_FOUND);
    FIX_OK(ry_vault_session_create(vault, NULL, NULL, NULL, &a, &fix_err));
    FIX_OK(ry_vault_session_create(vault, "m", "s", "p", &b, &fix_err));
    ck_assert_int_eq(ry_vault_session_last(vault, &last, &err), RY_ERR_NOT_FOUND);
    FIX_OK(ry_vault_session_get(vault, a, &got, &fix_err));
    ck_assert_str_eq(got.title, "");
    ck_assert_str_eq(got.model, "");
    ck_assert_int_eq(got.parent, 0);
    ck_assert_int_eq(got.fork_pos, -1);
    ck_assert_int_eq(got.n_messages, 0);
    ck_assert_int_eq(got.created_ms, got.updated_ms);
    ry_vault_session_done(&got);

    FIX_OK(ry_vault_session_update(vault, b, "a title", NULL, NULL, "{\"temp\":0}", &fix_err));
    FIX_OK(ry_vault_session_get(vault, b, &got, &fix_err));
    ck_assert_str_eq(got.title, "a title");
    ck_assert_str_eq(got.model, "m");
    ck_assert_str_eq(got.system, "s");
    ck_assert_str_eq(got.params, "{\"temp\":0}");
    ry_vault_session_done(&got);

    usleep(3000); /* the list is ordered by milliseconds */
    fix_append(vault, a, 1, 50);
    FIX_OK(ry_vault_session_last(vault, &last, &fix_err));
    ck_assert_int_eq(last, a);
    FIX_OK(ry_vault_session_list(vault, 0, &list, &n, &fix_err));
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(list[0].id, a);
    ck_assert_int_eq(list[0].n_messages, 1);
    ck_assert_int_eq(list[1].id, b);
    ry_vault_sessions_free(list, n);
    FIX_OK(ry_vault_session_list(vault, 1, &list, &n, &fix_err));
    ck_assert_uint_eq(n, 1);
    ry_vault_sessions_free(list, n);

    FIX_OK(ry_vault_session_delete(vault, a, &fix_err));
    ck_assert_int_eq(ry_vault_session_delete(vault, a, &err), RY_ERR_NOT_FOUND);
    ck_assert_int_eq(ry_vault_session_get(vault, a, &got, &err), RY_ERR_NOT_FOUND);
    ck_assert_int_eq(ry_vault_session_update(vault, a, "x", NULL, NULL, NULL, &err),
                     RY_ERR_NOT_FOUND);
    ck_assert_int_eq(ry_vault_message_append(vault, a, RY_VAULT_USER, "x", 1, RY_VAULT_COMPLETE,
                                             NULL, NULL, &err),
                     RY_ERR_NOT_FOUND);
    struct ry_vault_message *messages;
    ck_assert_int_eq(ry_vault_message_list(vault, a, &messages, &n, &err), RY_ERR_NOT_FOUND);
    FIX_OK(ry_vault_session_create(vault, NULL, NULL, NULL, &last, &fix_err));
    ck_assert_int_gt(last, b); /* an id is never used twice */
    ry_vault_close(vault);
}
END_TEST

static void expect_texts(ry_vault *vault, int64_t session, const uint64_t *numbers, size_t n,
                         size_t max)
{
    struct ry_vault_message *m;
    size_t have;
    FIX_OK(ry_vault_message_list(vault, session, &m, &have, &fix_err));
    ck_assert_uint_eq(have, n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(m[i].pos, (int64_t)i);
        ck_assert_int_eq(m[i].session, session);
        ck_assert_int_eq(m[i].text[m[i].text_len], '\0');
        ck_assert(!m[i].damaged);
        ck_assert(fix_is_text(&m[i], numbers[i], max));
    }
    ry_vault_messages_free(m, have);
}

START_TEST(messages_come_back_from_cache_and_from_disk_alike)
{
    static const uint64_t numbers[] = {0, 1, 2, 3, 4};
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault);
    for (int i = 0; i < 5; i++)
        fix_append(vault, session, numbers[i], 40000);
    struct ry_vault_stats stats;
    expect_texts(vault, session, numbers, 5, 40000);
    ry_vault_get_stats(vault, &stats);
    ck_assert_msg(stats.hits > 0 && stats.misses == 0 && stats.cold_p99_us == 0.0,
                  "what was just written is read without sqlite");
    ck_assert(stats.hot_p99_us > 0.0 && stats.pinned == 0);
    ry_vault_close(vault);

    vault = fix_open(NULL);
    expect_texts(vault, session, numbers, 5, 40000);
    ry_vault_get_stats(vault, &stats);
    ck_assert(stats.misses > 0 && stats.cold_p99_us > 0.0 && stats.hot_p99_us == 0.0);
    uint64_t misses = stats.misses;
    expect_texts(vault, session, numbers, 5, 40000);
    ry_vault_get_stats(vault, &stats);
    ck_assert_uint_eq(stats.misses, misses);
    ck_assert(stats.hot_p99_us > 0.0);
    ry_vault_close(vault);
}
END_TEST

START_TEST(an_answer_grows_and_any_byte_is_text)
{
    static const char bytes[] = "a\0b\xff\xc3(\xf0\x9f\x98\x80\n\x1b[31m";
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault), id;
    FIX_OK(ry_vault_message_append(vault, session, RY_VAULT_ASSISTANT, NULL, 0, RY_VAULT_STREAMING,
                                   "{}", &id, &fix_err));
    for (size_t len = 1; len <= sizeof bytes; len++)
        FIX_OK(ry_vault_message_update(vault, id, bytes, len, RY_VAULT_STREAMING, NULL, &fix_err));
    FIX_OK(ry_vault_message_update(vault, id, bytes, sizeof bytes, RY_VAULT_CANCELLED, NULL,
                                   &fix_err));
    for (int round = 0; round < 2; round++) {
        struct ry_vault_message *m;
        size_t n;
        FIX_OK(ry_vault_message_list(vault, session, &m, &n, &fix_err));
        ck_assert_uint_eq(n, 1);
        ck_assert_uint_eq(m[0].text_len, sizeof bytes);
        ck_assert_mem_eq(m[0].text, bytes, sizeof bytes);
        ck_assert_int_eq(m[0].status, RY_VAULT_CANCELLED);
        ck_assert_int_eq(m[0].role, RY_VAULT_ASSISTANT);
        ck_assert_str_eq(m[0].stats, "{}");
        ry_vault_messages_free(m, n);
        ry_vault_close(vault);
        vault = fix_open(NULL);
    }
    FIX_OK(ry_vault_message_update(vault, id, "x", 1, RY_VAULT_LENGTH, "{\"t\":2}", &fix_err));
    struct ry_vault_message *m;
    size_t n;
    FIX_OK(ry_vault_message_list(vault, session, &m, &n, &fix_err));
    ck_assert_str_eq(m[0].stats, "{\"t\":2}");
    ry_vault_messages_free(m, n);
    ry_err err;
    ck_assert_int_eq(ry_vault_message_update(vault, id + 1, "x", 1, RY_VAULT_COMPLETE, NULL, &err),
                     RY_ERR_NOT_FOUND);
    ry_vault_close(vault);
}
END_TEST

START_TEST(truncate_and_fork_keep_what_they_should)
{
    static const uint64_t all[] = {10, 11, 12, 13, 14, 15}, redone[] = {10, 11, 12, 20};
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault), fork;
    for (int i = 0; i < 6; i++)
        fix_append(vault, session, all[i], 300);
    FIX_OK(ry_vault_session_fork(vault, session, 4, &fork, &fix_err));
    FIX_OK(ry_vault_message_truncate(vault, session, 3, &fix_err));
    expect_texts(vault, session, all, 3, 300);
    fix_append(vault, session, 20, 300);
    for (int round = 0; round < 2; round++) {
        expect_texts(vault, session, redone, 4, 300);
        expect_texts(vault, fork, all, 4, 300);
        struct ry_vault_session got;
        FIX_OK(ry_vault_session_get(vault, fork, &got, &fix_err));
        ck_assert_int_eq(got.parent, session);
        ck_assert_int_eq(got.fork_pos, 4);
        ck_assert_str_eq(got.model, "tiny.gguf");
        ry_vault_session_done(&got);
        ry_vault_close(vault);
        vault = fix_open(NULL);
    }
    ry_err err;
    ck_assert_int_eq(ry_vault_session_fork(vault, 999, 0, &fork, &err), RY_ERR_NOT_FOUND);
    ck_assert_int_eq(ry_vault_message_truncate(vault, 999, 0, &err), RY_ERR_NOT_FOUND);
    FIX_OK(ry_vault_session_delete(vault, session, &fix_err));
    ry_vault_close(vault);
}
END_TEST

START_TEST(a_group_is_one_commit_and_all_or_nothing)
{
    static const uint64_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault);
    struct ry_vault_stats before, after;
    ry_err err;
    ry_vault_get_stats(vault, &before);
    FIX_OK(ry_vault_begin(vault, &fix_err));
    ck_assert_int_ne(ry_vault_begin(vault, &err), RY_OK);
    for (int i = 0; i < 10; i++)
        fix_append(vault, session, numbers[i], 200);
    ck_assert_int_eq(ry_vault_message_append(vault, 999, RY_VAULT_USER, "x", 1, RY_VAULT_COMPLETE,
                                             NULL, NULL, &err),
                     RY_ERR_NOT_FOUND); /* one failure does not spoil the group */
    FIX_OK(ry_vault_commit(vault, &fix_err));
    ry_vault_get_stats(vault, &after);
    ck_assert_uint_eq(after.n_commits, before.n_commits + 1);
    expect_texts(vault, session, numbers, 10, 200);

    FIX_OK(ry_vault_begin(vault, &fix_err));
    fix_append(vault, session, 77, 200);
    FIX_OK(ry_vault_message_truncate(vault, session, 2, &fix_err));
    expect_texts(vault, session, numbers, 2, 200);
    ry_vault_rollback(vault);
    ry_vault_rollback(vault); /* without a group: nothing */
    expect_texts(vault, session, numbers, 10, 200);
    ck_assert_int_ne(ry_vault_commit(vault, &err), RY_OK);
    ry_vault_close(vault);
    vault = fix_open(NULL);
    expect_texts(vault, session, numbers, 10, 200);
    ry_vault_close(vault);
}
END_TEST

START_TEST(limits_are_said)
{
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault), id;
    size_t max = 64u << 20;
    char *big = ry_mem_zalloc(max + 1, 1);
    ry_err err;
    memset(big, 'x', max + 1);
    ck_assert_int_eq(ry_vault_message_append(vault, session, RY_VAULT_USER, big, max + 1,
                                             RY_VAULT_COMPLETE, NULL, NULL, &err),
                     RY_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "64 MiB"));
    FIX_OK(ry_vault_message_append(vault, session, RY_VAULT_USER, big, max, RY_VAULT_COMPLETE, NULL,
                                   &id, &fix_err));
    struct ry_vault_message *m;
    size_t n;
    FIX_OK(
        ry_vault_message_list(vault, session, &m, &n, &fix_err)); /* larger than the whole cache */
    ck_assert(n == 1 && m[0].text_len == max && !m[0].damaged);
    ry_vault_messages_free(m, n);
    big[(1 << 20) + 1] = '\0';
    ck_assert_int_eq(ry_vault_session_update(vault, session, big, NULL, NULL, NULL, &err),
                     RY_ERR_INPUT);
    ck_assert_int_eq(ry_vault_message_append(vault, session, (enum ry_vault_role)9, "x", 1,
                                             RY_VAULT_COMPLETE, NULL, NULL, &err),
                     RY_ERR_USAGE);
    ry_mem_free(big);
    ry_vault_close(vault);
}
END_TEST

START_TEST(an_ephemeral_vault_touches_no_disk)
{
    ry_vault *vault;
    static const uint64_t numbers[] = {5, 6};
    FIX_OK(ry_vault_open(&vault, &(struct ry_vault_options){.ephemeral = true}, NULL, &fix_err));
    int64_t session = fix_session(vault);
    fix_append(vault, session, 5, 100);
    fix_append(vault, session, 6, 100);
    expect_texts(vault, session, numbers, 2, 100);
    struct ry_vault_stats stats;
    ry_vault_get_stats(vault, &stats);
    ck_assert_uint_eq(stats.db_bytes + stats.wal_bytes, 0);
    FIX_OK(ry_vault_maintain(vault, ry_clock_ms() + 100000, &fix_err));
    ry_vault_close(vault);
    ck_assert_msg(rmdir(fix_dir) == 0, "the folder is still empty");
    ry_vault_close(NULL);
}
END_TEST

START_TEST(a_small_cache_evicts_and_still_tells_the_truth)
{
    ry_vault *vault;
    uint64_t numbers[20];
    int64_t sessions[8];
    FIX_OK(ry_vault_open(
        &vault, &(struct ry_vault_options){.path = fix_path, .create = true, .cache_bytes = 20000},
        NULL, &fix_err));
    for (int s = 0; s < 8; s++) {
        sessions[s] = fix_session(vault);
        for (uint64_t i = 0; i < 20; i++)
            fix_append(vault, sessions[s], (uint64_t)s * 100 + i, 500);
    }
    for (int round = 0; round < 40; round++) {
        int s = (int)(fix_mix((uint64_t)round + 1) % 8);
        for (uint64_t i = 0; i < 20; i++)
            numbers[i] = (uint64_t)s * 100 + i;
        expect_texts(vault, sessions[s], numbers, 20, 500);
    }
    struct ry_vault_stats stats;
    ry_vault_get_stats(vault, &stats);
    ck_assert_uint_gt(stats.evictions, 0);
    ck_assert_uint_le(stats.bytes_used, stats.bytes_max);
    ry_vault_close(vault);
}
END_TEST

START_TEST(checkpoints_come_when_they_are_due)
{
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault);
    struct ry_vault_stats stats;
    fix_append(vault, session, 1, 100);
    uint64_t now = ry_clock_ms();
    FIX_OK(ry_vault_maintain(vault, now + 20000, &fix_err));
    ry_vault_get_stats(vault, &stats);
    ck_assert_uint_gt(stats.wal_bytes, 0);
    FIX_OK(ry_vault_maintain(vault, now + 40000, &fix_err));
    ry_vault_get_stats(vault, &stats);
    ck_assert_uint_eq(stats.wal_bytes, 0);

    FIX_OK(ry_vault_message_append(vault, session, RY_VAULT_USER, "a secret word", 13,
                                   RY_VAULT_COMPLETE, NULL, NULL, &fix_err));
    FIX_OK(ry_vault_message_truncate(vault, session, 1, &fix_err));
    now = ry_clock_ms();
    FIX_OK(ry_vault_maintain(vault, now + 4000, &fix_err));
    ry_vault_get_stats(vault, &stats);
    ck_assert_uint_gt(stats.wal_bytes, 0);
    FIX_OK(ry_vault_maintain(vault, now + 6000, &fix_err));
    ry_vault_get_stats(vault, &stats);
    ck_assert_uint_eq(stats.wal_bytes, 0);
    size_t len;
    unsigned char *bytes = fix_read(fix_path, &len);
    ck_assert_msg(memmem(bytes, len, "a secret word", 13) == NULL,
                  "deleted text has left the disk");
    ry_mem_free(bytes);

    for (uint64_t i = 0; i < 60; i++) /* about 1,000 pages */
        fix_append(vault, session, i, 160000);
    FIX_OK(ry_vault_maintain(vault, ry_clock_ms(), &fix_err));
    ry_vault_get_stats(vault, &stats);
    ck_assert_uint_eq(stats.wal_bytes, 0);
    ry_vault_close(vault);
}
END_TEST

START_TEST(the_settings_are_on_in_the_file)
{
    ry_vault *vault = fix_open(NULL);
    fix_append(vault, fix_session(vault), 3, 100);
    ry_vault_close(vault);
    sqlite3 *h;
    int64_t value;
    ck_assert_int_eq(sqlite3_open(fix_path, &h), SQLITE_OK);
    ck_assert_int_eq(ry_schema_pragma(h, "application_id", &value), SQLITE_OK);
    ck_assert_int_eq(value, 0x52594F54);
    ck_assert_int_eq(ry_schema_pragma(h, "user_version", &value), SQLITE_OK);
    ck_assert_int_eq(value, ry_schema_version);
    ck_assert(ry_schema_matches(h));
    ck_assert_int_eq(sqlite3_exec(h, "CREATE INDEX mine ON messages(role)", NULL, NULL, NULL), 0);
    ck_assert_msg(ry_schema_matches(h), "what somebody added beside our tables does not matter");
    ck_assert_int_eq(sqlite3_exec(h, "DROP INDEX messages_place", NULL, NULL, NULL), 0);
    ck_assert(!ry_schema_matches(h));
    sqlite3_close(h);
    struct stat st;
    char wal[400];
    snprintf(wal, sizeof wal, "%s-wal", fix_path);
    ck_assert_msg(stat(wal, &st) != 0, "closing finishes the log");
}
END_TEST

START_TEST(migrations_run_one_by_one_and_a_broken_one_leaves_the_version_before)
{
    struct ry_migration steps[4] = {
        ry_schema_migrations[0],
        {"ALTER TABLE sessions ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'"},
        {"CREATE TABLE moods(id INTEGER PRIMARY KEY); INSERT INTO moods VALUES(1);"
         "INSERT INTO nowhere VALUES(1)"},
        {"DROP TABLE moods"},
    };
    ry_vault *vault = fix_open(NULL);
    fix_session(vault);
    ry_vault_close(vault);
    sqlite3 *h;
    int64_t value;
    ry_err err;
    ck_assert_int_eq(sqlite3_open(fix_path, &h), SQLITE_OK);
    FIX_OK(ry_schema_migrate(h, steps, 2, &fix_err));
    ck_assert_int_eq(ry_schema_pragma(h, "user_version", &value), SQLITE_OK);
    ck_assert_int_eq(value, 2);
    FIX_OK(ry_schema_migrate(h, steps, 1, &fix_err)); /* newer than known: left alone */
    ck_assert_int_eq(ry_schema_migrate(h, steps, 4, &err), RY_ERR_VAULT);
    ck_assert_ptr_nonnull(strstr(err.text, "version 3"));
    ck_assert_ptr_nonnull(strstr(err.text, "nowhere"));
    ck_assert_int_eq(ry_schema_pragma(h, "user_version", &value), SQLITE_OK);
    ck_assert_int_eq(value, 2);
    ck_assert_msg(sqlite3_exec(h, "SELECT * FROM moods", NULL, NULL, NULL) != SQLITE_OK,
                  "the broken step is undone as a whole");
    steps[2].sql = "CREATE TABLE moods(id INTEGER PRIMARY KEY)";
    FIX_OK(ry_schema_migrate(h, steps, 4, &fix_err));
    ck_assert_int_eq(ry_schema_pragma(h, "user_version", &value), SQLITE_OK);
    ck_assert_int_eq(value, 4);
    sqlite3_stmt *stmt;
    ck_assert_int_eq(sqlite3_prepare_v2(h, "SELECT mood FROM sessions", -1, &stmt, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(stmt, 0), "calm");
    sqlite3_finalize(stmt);
    sqlite3_close(h);
}
END_TEST

START_TEST(two_vaults_on_one_file_see_each_other)
{
    static const uint64_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7};
    ry_vault *a = fix_open(NULL), *b = fix_open(NULL);
    int64_t session = fix_session(a);
    for (int i = 0; i < 8; i++) {
        fix_append(i % 2 ? a : b, session, numbers[i], 100);
        expect_texts(a, session, numbers, (size_t)i + 1, 100);
        expect_texts(b, session, numbers, (size_t)i + 1, 100);
    }
    FIX_OK(ry_vault_session_delete(b, session, &fix_err));
    struct ry_vault_message *m;
    size_t n;
    ry_err err;
    ck_assert_int_eq(ry_vault_message_list(a, session, &m, &n, &err), RY_ERR_NOT_FOUND);
    ry_vault_close(a);
    ry_vault_close(b);
}
END_TEST

START_TEST(every_failed_allocation_is_survived)
{
    static const uint64_t numbers[] = {1, 2, 3};
    int64_t live = ry_mem_n_live();
    int n_failed = 0;
    for (uint64_t nth = 1; nth < 80; nth++) {
        ry_vault *vault = NULL;
        struct ry_vault_message *m = NULL;
        struct ry_vault_session *list = NULL;
        size_t n = 0, n_sessions = 0;
        int64_t session = 0, id;
        ry_err err = {0};
        ry_rc rc;
        ry_mem_fail_nth(nth, false);
        if ((rc =
                 ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path, .create = true},
                               NULL, &err)) == RY_OK &&
            (rc = ry_vault_session_create(vault, "m", "", "", &session, &err)) == RY_OK &&
            (rc = ry_vault_message_append(vault, session, RY_VAULT_USER, "hello", 5,
                                          RY_VAULT_STREAMING, NULL, &id, &err)) == RY_OK &&
            (rc = ry_vault_message_update(vault, id, "hello you", 9, RY_VAULT_COMPLETE, NULL,
                                          &err)) == RY_OK &&
            (rc = ry_vault_message_list(vault, session, &m, &n, &err)) == RY_OK)
            rc = ry_vault_session_list(vault, 0, &list, &n_sessions, &err);
        ry_mem_fail_nth(0, false);
        if (rc == RY_OK) {
            ck_assert_uint_eq(n, 1);
            ck_assert_str_eq(m[0].text, "hello you");
        } else {
            ck_assert_msg(rc == RY_ERR_MEMORY && err.text[0], "allocation %d: %s", (int)nth,
                          err.text);
            n_failed++;
        }
        if (rc == RY_OK || m)
            ry_vault_messages_free(m, n);
        ry_vault_sessions_free(list, n_sessions);
        ry_vault_close(vault);
        ck_assert_int_eq(ry_mem_n_live(), live);
    }
    ck_assert_int_gt(n_failed, 10);
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault);
    for (int i = 0; i < 3; i++)
        fix_append(vault, session, numbers[i], 100);
    expect_texts(vault, session, numbers, 3, 100);
    ry_vault_close(vault);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vault");
    TCase *tc = tcase_create("vault");
    tcase_add_checked_fixture(tc, fix_setup, fix_teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, files_are_private_whatever_the_umask, 0, 3);
    tcase_add_test(tc, sessions_live_from_create_to_delete);
    tcase_add_test(tc, messages_come_back_from_cache_and_from_disk_alike);
    tcase_add_test(tc, an_answer_grows_and_any_byte_is_text);
    tcase_add_test(tc, truncate_and_fork_keep_what_they_should);
    tcase_add_test(tc, a_group_is_one_commit_and_all_or_nothing);
    tcase_add_test(tc, limits_are_said);
    tcase_add_test(tc, an_ephemeral_vault_touches_no_disk);
    tcase_add_test(tc, a_small_cache_evicts_and_still_tells_the_truth);
    tcase_add_test(tc, checkpoints_come_when_they_are_due);
    tcase_add_test(tc, the_settings_are_on_in_the_file);
    tcase_add_test(tc, migrations_run_one_by_one_and_a_broken_one_leaves_the_version_before);
    tcase_add_test(tc, two_vaults_on_one_file_see_each_other);
    tcase_add_test(tc, every_failed_allocation_is_survived);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
