/* Files that lie, disks that fail, strangers: the vault refuses with a clear word, or salvages
 * and says so. It never crashes and never loses a message without a word. */
#include "vault_fixture.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <time.h>

#include "src/base/clock.h"

enum { N_SESSIONS = 4, N_EACH = 40, MAX_BYTES = 900, BIG_BYTES = 30000 };

static uint64_t rng_state;

static uint64_t rng(void)
{
    rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return rng_state >> 33;
}

static void seed_rng(void)
{
    const char *given = getenv("RYOT_SEED");
    rng_state = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("seed %llu (RYOT_SEED repeats it)\n", (unsigned long long)rng_state);
}

static size_t size_of_text(uint64_t number)
{
    return number % 10 == 3 ? BIG_BYTES : MAX_BYTES;
}

/* Message i of session s (1..) has text number s * 1000 + i. */
static void fill_vault(ry_vault *vault)
{
    FIX_OK(ry_vault_begin(vault, &fix_err));
    for (int64_t s = 1; s <= N_SESSIONS; s++)
        ck_assert_int_eq(fix_session(vault), s);
    for (uint64_t i = 0; i < N_EACH; i++)
        for (int64_t s = 1; s <= N_SESSIONS; s++) {
            uint64_t number = (uint64_t)s * 1000 + i;
            fix_append(vault, s, number, size_of_text(number));
        }
    FIX_OK(ry_vault_commit(vault, &fix_err));
}

static void expect_refused(const char *word)
{
    ry_err err = {0};
    ry_vault *vault = NULL;
    ry_rc rc = ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path, .create = true},
                             NULL, &err);
    ck_assert_int_eq(rc, RY_ERR_VAULT);
    ck_assert_msg(strstr(err.text, word) && strstr(err.text, fix_dir), "'%s' says '%s'", word,
                  err.text);
    ck_assert_ptr_null(vault);
}

static void run_sql(const char *sql)
{
    sqlite3 *h;
    char *said = NULL;
    ck_assert_int_eq(sqlite3_open(fix_path, &h), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(h, sql, NULL, NULL, &said) == SQLITE_OK, "%s", said);
    sqlite3_close(h);
}

/* ---- files of others ---- */

START_TEST(what_is_no_vault_is_refused_and_left_as_it_was)
{
    static char garbage[20000];
    size_t before_len, after_len;
    if (_i == 0) {
        run_sql("CREATE TABLE mail(x); INSERT INTO mail VALUES('mine')");
    } else if (_i == 1) {
        run_sql("PRAGMA application_id = 123456; CREATE TABLE mail(x)");
    } else if (_i == 2) {
        fix_write(fix_path, "Dear diary,\n", 12);
    } else {
        rng_state = 5;
        for (size_t i = 0; i < sizeof garbage; i++)
            garbage[i] = (char)rng();
        if (_i == 4)
            memcpy(garbage, "SQLite format 3", 16);
        fix_write(fix_path, garbage, sizeof garbage);
    }
    unsigned char *before = fix_read(fix_path, &before_len);
    expect_refused(_i < 2 ? "another program" : "no vault");
    unsigned char *after = fix_read(fix_path, &after_len);
    ck_assert_uint_eq(before_len, after_len);
    ck_assert_mem_eq(before, after, before_len);
    ry_mem_free(before);
    ry_mem_free(after);
}
END_TEST

START_TEST(links_pipes_and_folders_are_refused)
{
    char other[400];
    snprintf(other, sizeof other, "%s/other.db", fix_dir);
    if (_i == 0) {
        ry_vault_close(fix_open(NULL));
        ck_assert_int_eq(rename(fix_path, other), 0);
        ck_assert_int_eq(symlink(other, fix_path), 0);
        expect_refused("symbolic link");
    } else if (_i == 1) {
        ck_assert_int_eq(symlink(other, fix_path), 0); /* to nowhere: nothing is made there */
        expect_refused("symbolic link");
        ck_assert_int_ne(access(other, F_OK), 0);
    } else if (_i == 2) {
        ck_assert_int_eq(mkfifo(fix_path, 0600), 0);
        expect_refused("not a regular file");
    } else if (_i == 3) {
        ck_assert_int_eq(mkdir(fix_path, 0700), 0);
        expect_refused("not a regular file");
    } else {
        snprintf(other, sizeof other, "%s/vault.lock", fix_dir);
        ck_assert_int_eq(_i == 4 ? symlink("/dev/null", other) : mkfifo(other, 0600), 0);
        expect_refused(_i == 4 ? "symbolic link" : "not a regular file");
    }
}
END_TEST

START_TEST(another_users_file_is_refused)
{
    if (geteuid() == 0) {
        ry_vault_close(fix_open(NULL));
        ck_assert_int_eq(chown(fix_path, 65534, 65534), 0);
        expect_refused("another user");
        return;
    }
    ry_err err = {0};
    ry_vault *vault;
    ck_assert_int_eq(
        ry_vault_open(&vault, &(struct ry_vault_options){.path = "/etc/passwd"}, NULL, &err),
        RY_ERR_VAULT);
    ck_assert_ptr_nonnull(strstr(err.text, "another user"));
}
END_TEST

START_TEST(a_vault_that_is_not_there_is_made_only_when_asked)
{
    ry_err err = {0};
    ry_vault *vault;
    ck_assert_int_eq(
        ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path}, NULL, &err),
        RY_ERR_NOT_FOUND);
    char deep[400];
    snprintf(deep, sizeof deep, "%s/x/vault.db", fix_dir);
    ck_assert_int_eq(ry_vault_open(&vault, &(struct ry_vault_options){.path = deep}, NULL, &err),
                     RY_ERR_NOT_FOUND);
    ck_assert_int_eq(access(fix_path, F_OK), -1);
    ck_assert_int_eq(ry_vault_open(&vault, &(struct ry_vault_options){.path = NULL}, NULL, &err),
                     RY_ERR_USAGE);
}
END_TEST

/* ---- newer versions ---- */

START_TEST(a_newer_vault_is_read_only_and_says_so)
{
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault);
    fix_append(vault, session, 1, 100);
    ry_vault_close(vault);
    run_sql("PRAGMA user_version = 99; CREATE TABLE future(x)");
    struct ry_vault_report report;
    vault = fix_open(&report);
    ck_assert(report.read_only);
    ck_assert_ptr_nonnull(strstr(report.note, "newer"));
    struct ry_vault_message *m;
    size_t n;
    FIX_OK(ry_vault_message_list(vault, session, &m, &n, &fix_err));
    ck_assert(n == 1 && fix_is_text(&m[0], 1, 100));
    ry_vault_messages_free(m, n);
    ry_err err;
    ck_assert_int_eq(ry_vault_message_append(vault, session, RY_VAULT_USER, "x", 1,
                                             RY_VAULT_COMPLETE, NULL, NULL, &err),
                     RY_ERR_VAULT);
    ck_assert_ptr_nonnull(strstr(err.text, "reading only"));
    ck_assert_int_eq(ry_vault_begin(vault, &err), RY_ERR_VAULT);
    ry_vault_close(vault);

    run_sql("ALTER TABLE messages RENAME COLUMN text TO words");
    expect_refused("newer ryot");
}
END_TEST

START_TEST(rows_of_a_newer_or_broken_writer_are_told)
{
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault);
    for (uint64_t i = 0; i < 4; i++)
        fix_append(vault, session, i, 100);
    ry_vault_close(vault);
    run_sql("UPDATE messages SET role = 77 WHERE pos = 1; UPDATE messages SET status = -1 WHERE "
            "pos = 2;"
            "UPDATE messages SET text = x'00' WHERE pos = 3");
    vault = fix_open(NULL);
    struct ry_vault_message *m;
    size_t n;
    FIX_OK(ry_vault_message_list(vault, session, &m, &n, &fix_err));
    ck_assert_uint_eq(n, 4);
    ck_assert(!m[0].damaged && m[1].damaged && m[2].damaged && m[3].damaged);
    ck_assert_int_eq(m[2].status, RY_VAULT_ERROR);
    ck_assert_msg(fix_is_text(&m[1], 1, 100), "what is left of a damaged row is shown");
    ry_vault_messages_free(m, n);
    ry_vault_close(vault);
    run_sql("UPDATE messages SET codec = 7 WHERE pos = 0");
    vault = fix_open(NULL);
    ry_err err;
    ck_assert_int_eq(ry_vault_message_list(vault, session, &m, &n, &err), RY_ERR_VAULT);
    ck_assert_ptr_nonnull(strstr(err.text, "codec 7"));
    ry_vault_close(vault);
}
END_TEST

/* ---- damage ---- */

/* Marks the whole messages of one session by their number; returns how many are flagged. */
static int mark_whole(const struct ry_vault_message *m, size_t n, bool seen[N_SESSIONS][N_EACH])
{
    int flagged = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned long long number = 0;
        if (m[i].damaged) {
            flagged++;
            continue;
        }
        ck_assert_msg(sscanf(m[i].text, "text %llu ", &number) == 1 &&
                          fix_is_text(&m[i], number, size_of_text(number)),
                      "a wrong text came without a word");
        unsigned long long s = number / 1000;
        if (s >= 1 && s <= N_SESSIONS && number % 1000 < N_EACH)
            seen[s - 1][number % 1000] = true;
    }
    return flagged;
}

/* How many of the messages are whole, in whatever session (a salvage may have had to make one);
 * *marked: those that are flagged, or whose session said an error. */
static int count_whole(ry_vault *vault, int *marked)
{
    bool seen[N_SESSIONS][N_EACH] = {{false}};
    struct ry_vault_session *sessions;
    size_t n_sessions;
    ry_err err = {0};
    *marked = 0;
    if (ry_vault_session_list(vault, 0, &sessions, &n_sessions, &err) != RY_OK) {
        ck_assert(err.text[0]);
        *marked = N_SESSIONS * N_EACH;
        return 0;
    }
    for (size_t s = 0; s < n_sessions; s++) {
        struct ry_vault_message *m;
        size_t n;
        ry_rc rc = ry_vault_message_list(vault, sessions[s].id, &m, &n, &err);
        if (rc == RY_OK) {
            *marked += mark_whole(m, n, seen);
            ry_vault_messages_free(m, n);
        } else {
            ck_assert(err.text[0]);
            *marked += N_EACH;
        }
    }
    ry_vault_sessions_free(sessions, n_sessions);
    int whole = 0;
    for (size_t i = 0; i < N_SESSIONS * N_EACH; i++)
        whole += seen[i / N_EACH][i % N_EACH];
    return whole;
}

enum outcome { REFUSED, SOUND, SALVAGED };

/* Opens what was damaged and holds it to the law: nothing is lost without a word. `lossy`: a
 * note in the report is word enough (the end of a log). */
static enum outcome open_damaged(bool lossy)
{
    ry_err err = {0};
    ry_vault *vault = NULL;
    struct ry_vault_report report;
    size_t before_len, after_len;
    unsigned char *before = fix_read(fix_path, &before_len);
    ry_rc rc = ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path, .create = true},
                             &report, &err);
    if (rc != RY_OK) {
        ck_assert_msg(rc == RY_ERR_VAULT && strstr(err.text, fix_dir), "%d: %s", (int)rc, err.text);
        unsigned char *after = fix_read(fix_path, &after_len);
        ck_assert(before_len == after_len && memcmp(before, after, before_len) == 0);
        ry_mem_free(after);
        ry_mem_free(before);
        return REFUSED;
    }
    int marked, whole = count_whole(vault, &marked), total = N_SESSIONS * N_EACH;
    if (report.recovered) {
        unsigned char *kept = fix_read(report.moved_to, &after_len);
        ck_assert(before_len == after_len && memcmp(before, kept, before_len) == 0);
        ry_mem_free(kept);
        ck_assert(strstr(report.note, "damaged") && strstr(report.note, "saved"));
        ck_assert_int_ge(report.n_salvaged, whole);
        ck_assert_msg(report.n_lost < 0 || whole + marked + report.n_lost >= total,
                      "%d whole, %d marked, %lld told lost of %d", whole, marked,
                      (long long)report.n_lost, total);
        fix_append(vault, fix_session(vault), 1, size_of_text(1)); /* and life goes on */
    } else if (!(lossy && report.note[0])) {
        ck_assert_msg(whole + marked >= total, "%d whole and %d marked of %d, and no word", whole,
                      marked, total);
    }
    ry_vault_close(vault);
    ry_mem_free(before);
    enum outcome outcome = report.recovered ? SALVAGED : SOUND;
    if (outcome == SALVAGED) {
        vault = fix_open(&report);
        ck_assert(!report.recovered);
        ck_assert_int_ge(count_whole(vault, &marked), whole);
        ry_vault_close(vault);
    }
    return outcome;
}

/* One to four flipped bytes, or a stretch of zeros or noise; a third of them aimed at page 1. */
static void mutate(unsigned char *bytes, size_t len)
{
    size_t range = rng() % 3 == 0 && len > 4096 ? 4096 : len;
    unsigned kind = (unsigned)(rng() % 6);
    if (kind < 4) {
        for (unsigned i = 0; i <= kind; i++)
            bytes[rng() % range] ^= (unsigned char)(1 + rng() % 255);
        return;
    }
    size_t at = rng() % range, n = 1 + rng() % 5000;
    for (size_t i = at; i < len && i < at + n; i++)
        bytes[i] = kind == 4 ? 0 : (unsigned char)rng();
}

static void forget_side_files(void)
{
    char name[400];
    static const char *const suffixes[] = {"-wal", "-shm"};
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s%s", fix_path, suffixes[i]);
        unlink(name);
    }
    snprintf(name, sizeof name, "%s/vault.lock", fix_dir);
    unlink(name);
}

START_TEST(flipped_bytes_anywhere_are_survived_or_told)
{
    int outcomes[3] = {0};
    seed_rng();
    ry_vault *vault = fix_open(NULL);
    fill_vault(vault);
    ry_vault_close(vault);
    size_t len;
    unsigned char *good = fix_read(fix_path, &len), *bad = ry_mem_alloc(len, 1);
    for (int i = 0; i < 150; i++) {
        memcpy(bad, good, len);
        mutate(bad, len);
        forget_side_files();
        size_t cut = rng() % 15 == 0 ? len - rng() % len : len;
        fix_write(fix_path, bad, cut);
        outcomes[open_damaged(false)]++;
    }
    printf("150 damaged files: %d refused, %d sound or flagged, %d salvaged\n", outcomes[REFUSED],
           outcomes[SOUND], outcomes[SALVAGED]);
    ck_assert(outcomes[SOUND] > 0 && outcomes[SALVAGED] > 0);
    ry_mem_free(good);
    ry_mem_free(bad);
}
END_TEST

START_TEST(one_broken_page_costs_its_own_rows_only)
{
    ry_vault *vault = fix_open(NULL);
    fill_vault(vault);
    ry_vault_close(vault);
    size_t len;
    unsigned char *good = fix_read(fix_path, &len);
    int worst = N_SESSIONS * N_EACH;
    for (size_t page = 0; page < len / 4096; page++) {
        unsigned char *bad = ry_mem_alloc(len, 1);
        memcpy(bad, good, len);
        memset(bad + page * 4096, 0xa5, 4096);
        forget_side_files();
        fix_write(fix_path, bad, len);
        ry_mem_free(bad);
        struct ry_vault_report report;
        vault = fix_open(&report);
        int marked, whole = count_whole(vault, &marked);
        ry_vault_close(vault);
        worst = whole + marked < worst ? whole + marked : worst;
        ck_assert_msg(report.recovered, "page %zu", page);
        if (report.n_lost >= 0)
            ck_assert_int_eq(whole + marked + report.n_lost, N_SESSIONS * N_EACH);
    }
    printf("%zu pages broken one by one: at least %d of %d messages saved\n", len / 4096, worst,
           N_SESSIONS * N_EACH);
    ck_assert_int_ge(worst, N_SESSIONS * N_EACH - 20);
    ry_mem_free(good);
}
END_TEST

/* The database and its log as a crash leaves them: copied while the vault is open. */
static void make_hot(unsigned char **db, size_t *db_len, unsigned char **wal, size_t *wal_len)
{
    char name[400];
    ry_vault *vault = fix_open(NULL);
    for (int64_t s = 1; s <= N_SESSIONS; s++)
        fix_session(vault);
    FIX_OK(ry_vault_maintain(vault, ry_clock_ms() + 60000, &fix_err));
    for (uint64_t i = 0; i < N_EACH; i++)
        for (int64_t s = 1; s <= N_SESSIONS; s++) {
            uint64_t number = (uint64_t)s * 1000 + i;
            fix_append(vault, s, number, size_of_text(number));
        }
    snprintf(name, sizeof name, "%s-wal", fix_path);
    *db = fix_read(fix_path, db_len);
    *wal = fix_read(name, wal_len);
    ry_vault_close(vault);
}

static void put_hot(const unsigned char *db, size_t db_len, const unsigned char *wal,
                    size_t wal_len)
{
    char name[400];
    forget_side_files();
    snprintf(name, sizeof name, "%s-wal", fix_path);
    fix_write(fix_path, db, db_len);
    fix_write(name, wal, wal_len);
}

START_TEST(a_hot_log_without_shm_is_played_back_and_its_damage_is_told)
{
    unsigned char *db, *wal;
    size_t db_len, wal_len;
    int outcomes[3] = {0};
    seed_rng();
    make_hot(&db, &db_len, &wal, &wal_len);
    put_hot(db, db_len, wal, wal_len);
    ck_assert_int_eq(open_damaged(false), SOUND);
    unsigned char *bad = ry_mem_alloc(wal_len, 1);
    for (int i = 0; i < 40; i++) {
        memcpy(bad, wal, wal_len);
        if (i == 0)
            bad[17] ^= 4; /* the salt in the log's own header */
        else if (i == 1)
            bad[32 + 9] ^= 1; /* and in the first frame */
        else
            bad[rng() % wal_len] ^= (unsigned char)(1 + rng() % 255);
        put_hot(db, db_len, bad, wal_len);
        enum outcome outcome = open_damaged(true);
        ck_assert_int_ne(outcome, REFUSED);
        outcomes[outcome]++;
    }
    printf("40 damaged logs: %d sound up to the end, %d salvaged\n", outcomes[SOUND],
           outcomes[SALVAGED]);
    ck_assert_int_gt(outcomes[SALVAGED], 30);
    ry_mem_free(bad);
    ry_mem_free(db);
    ry_mem_free(wal);
}
END_TEST

START_TEST(a_log_cut_anywhere_gives_what_was_finished_before)
{
    unsigned char *db, *wal;
    size_t db_len, wal_len;
    seed_rng();
    make_hot(&db, &db_len, &wal, &wal_len);
    for (int i = 0; i < 25; i++) {
        put_hot(db, db_len, wal, rng() % wal_len);
        struct ry_vault_report report;
        ry_vault *vault = fix_open(&report);
        ck_assert(!report.recovered);
        size_t sizes[N_SESSIONS];
        for (int64_t s = 1; s <= N_SESSIONS; s++) {
            struct ry_vault_message *m;
            FIX_OK(ry_vault_message_list(vault, s, &m, &sizes[s - 1], &fix_err));
            for (size_t j = 0; j < sizes[s - 1]; j++) {
                uint64_t number = (uint64_t)s * 1000 + j;
                ck_assert(fix_is_text(&m[j], number, size_of_text(number)));
            }
            ry_vault_messages_free(m, sizes[s - 1]);
            if (s > 1) /* they were written in turn */
                ck_assert(sizes[s - 2] == sizes[s - 1] || sizes[s - 2] == sizes[s - 1] + 1);
        }
        ry_vault_close(vault);
    }
    ry_mem_free(db);
    ry_mem_free(wal);
}
END_TEST

START_TEST(damage_met_while_open_is_told_and_salvaged_at_the_next_opening)
{
    ry_vault *vault = fix_open(NULL);
    fill_vault(vault);
    ry_vault_close(vault);
    vault = fix_open(NULL);
    int fd = open(fix_path, O_RDWR);
    off_t len = lseek(fd, 0, SEEK_END);
    for (off_t at = 4096 * 6; at < len; at += 4096)
        ck_assert_int_eq(pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, at), 8);
    run_sql(
        "UPDATE sessions SET title = 'x' WHERE id = 1"); /* makes the vault read the file again */
    struct ry_vault_message *m;
    size_t n;
    ry_err err = {0};
    int n_errors = 0;
    for (int64_t s = 1; s <= N_SESSIONS; s++) {
        ry_rc rc = ry_vault_message_list(vault, s, &m, &n, &err);
        if (rc == RY_OK)
            ry_vault_messages_free(m, n);
        else
            n_errors++;
    }
    ck_assert_int_gt(n_errors, 0);
    ck_assert_ptr_nonnull(strstr(err.text, "start it again"));
    close(fd);
    ry_vault_close(vault);
    struct ry_vault_report report;
    vault = fix_open(&report);
    ck_assert(report.recovered);
    ry_vault_close(vault);
    vault = fix_open(&report);
    ck_assert(!report.recovered);
    ry_vault_close(vault);
}
END_TEST

START_TEST(an_exchange_cut_off_by_a_crash_is_finished)
{
    char name[400];
    unsigned char *db, *wal, *salvaged;
    size_t db_len, wal_len, salvaged_len;
    make_hot(&db, &db_len, &wal, &wal_len);
    unlink(fix_path);
    ry_vault *vault = fix_open(NULL);
    fill_vault(vault);
    ry_vault_close(vault);
    salvaged = fix_read(fix_path, &salvaged_len);
    put_hot(db, db_len, wal, wal_len); /* the old log must not be played into the new file */
    snprintf(name, sizeof name, "%s.salvaged", fix_path);
    fix_write(name, salvaged, salvaged_len);
    ck_assert_int_eq(open_damaged(false), SOUND);
    ck_assert_int_ne(access(name, F_OK), 0);
    ry_mem_free(db);
    ry_mem_free(wal);
    ry_mem_free(salvaged);
}
END_TEST

/* ---- the system says no ---- */

START_TEST(a_full_disk_is_told_and_a_later_try_works)
{
    struct rlimit old, tight;
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault), id;
    fix_append(vault, session, 0, 100);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    tight = old;
    tight.rlim_cur = 200000;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
    ry_err err = {0};
    char *big = ry_mem_zalloc(400000, 1);
    ck_assert_int_eq(ry_vault_message_append(vault, session, RY_VAULT_USER, big, 400000,
                                             RY_VAULT_COMPLETE, NULL, &id, &err),
                     RY_ERR_VAULT);
    ck_assert_msg(strstr(err.text, "full") || strstr(err.text, "failed"), "%s", err.text);
    FIX_OK(ry_vault_begin(vault, &fix_err)); /* the same inside a group */
    fix_append(vault, session, 1, 100);
    ck_assert_int_eq(ry_vault_message_append(vault, session, RY_VAULT_USER, big, 400000,
                                             RY_VAULT_COMPLETE, NULL, &id, &err),
                     RY_OK); /* still in memory */
    ck_assert_int_eq(ry_vault_commit(vault, &err), RY_ERR_VAULT);
    struct ry_vault_message *m;
    size_t n;
    FIX_OK(ry_vault_message_list(vault, session, &m, &n, &fix_err));
    ck_assert_uint_eq(n, 1);
    ry_vault_messages_free(m, n);
    setrlimit(RLIMIT_FSIZE, &old);
    fix_append(vault, session, 1, 100);
    FIX_OK(ry_vault_message_append(vault, session, RY_VAULT_USER, big, 400000, RY_VAULT_COMPLETE,
                                   NULL, &id, &fix_err));
    ry_vault_close(vault);
    vault = fix_open(NULL);
    FIX_OK(ry_vault_message_list(vault, session, &m, &n, &fix_err));
    ck_assert_uint_eq(n, 3);
    ck_assert(fix_is_text(&m[1], 1, 100) && m[2].text_len == 400000);
    ry_vault_messages_free(m, n);
    ry_vault_close(vault);
    ry_mem_free(big);
}
END_TEST

/* Runs in a child without privileges, since nothing is read-only for root. */
static void as_nobody(void (*body)(void))
{
    if (geteuid() == 0) {
        char name[600];
        static const char *const names[] = {"", "/vault.db", "/vault.lock", "/vault.db-wal"};
        for (int i = 0; i < 4; i++) {
            snprintf(name, sizeof name, "%s%s", fix_dir, names[i]);
            (void)!chown(name, 65534, 65534);
        }
    }
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(9);
        body();
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x",
                  (unsigned)status);
}

/* In the child a failed check is told by hand. */
static void need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s: %s\n", what, fix_err.text);
        _exit(1);
    }
}

static void expect_read_only(void)
{
    struct ry_vault_report report;
    struct ry_vault_message *m;
    ry_vault *vault;
    size_t n;
    need(ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path, .create = true},
                       &report, &fix_err) == RY_OK,
         "opens");
    need(report.read_only && strstr(report.note, "read-only"), "says that it is read-only");
    need(ry_vault_message_list(vault, 1, &m, &n, &fix_err) == RY_OK && n == 1, "reads");
    need(fix_is_text(&m[0], 1, 100), "reads the text");
    ry_vault_messages_free(m, n);
    need(ry_vault_message_append(vault, 1, RY_VAULT_USER, "x", 1, RY_VAULT_COMPLETE, NULL, NULL,
                                 &fix_err) == RY_ERR_VAULT,
         "refuses to write");
    need(strstr(fix_err.text, "reading only") != NULL, "says why");
    need(ry_vault_maintain(vault, ry_clock_ms() + 100000, &fix_err) == RY_OK, "has nothing to do");
    ry_vault_close(vault);
}

START_TEST(a_read_only_file_or_folder_can_still_be_read)
{
    ry_vault *vault = fix_open(NULL);
    fix_append(vault, fix_session(vault), 1, 100);
    ry_vault_close(vault);
    if (_i != 1)
        chmod(fix_path, 0400);
    if (_i != 0)
        chmod(fix_dir, 0500);
    as_nobody(expect_read_only);
}
END_TEST

static void expect_no_room(void)
{
    ry_vault *vault;
    need(ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path, .create = true}, NULL,
                       &fix_err) == RY_ERR_VAULT,
         "cannot be made");
    need(strstr(fix_err.text, "not writable") != NULL, "says why");
}

START_TEST(no_vault_is_made_in_a_read_only_folder)
{
    chmod(fix_dir, 0500);
    as_nobody(expect_no_room);
}
END_TEST

static void expect_damaged_word(void)
{
    ry_vault *vault;
    need(ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path, .create = true}, NULL,
                       &fix_err) == RY_ERR_VAULT,
         "is refused");
    need(strstr(fix_err.text, "damaged") && strstr(fix_err.text, "read-only"), "says why");
}

START_TEST(a_damaged_vault_that_is_read_only_is_refused_with_a_word)
{
    ry_vault *vault = fix_open(NULL);
    fix_append(vault, fix_session(vault), 1, 100);
    ry_vault_close(vault);
    size_t len;
    unsigned char *bytes = fix_read(fix_path, &len);
    memset(bytes + 100, 0xee, 3000); /* the schema */
    fix_write(fix_path, bytes, len);
    ry_mem_free(bytes);
    chmod(fix_path, 0400);
    chmod(fix_dir, 0500);
    as_nobody(expect_damaged_word);
}
END_TEST

static void expect_unfinished_word(void)
{
    ry_vault *vault;
    need(ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path, .create = true}, NULL,
                       &fix_err) == RY_ERR_VAULT,
         "is refused");
    need(strstr(fix_err.text, "unfinished log") != NULL, "says why");
}

START_TEST(a_hot_log_in_a_read_only_folder_is_refused_with_a_word)
{
    unsigned char *db, *wal;
    size_t db_len, wal_len;
    make_hot(&db, &db_len, &wal, &wal_len);
    put_hot(db, db_len, wal, wal_len);
    ry_mem_free(db);
    ry_mem_free(wal);
    chmod(fix_dir, 0500);
    as_nobody(expect_unfinished_word);
}
END_TEST

START_TEST(a_vault_deleted_or_moved_while_open_is_told)
{
    char other[400];
    ry_err err = {0};
    struct ry_vault_message *m;
    size_t n;
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault);
    fix_append(vault, session, 1, 100);
    snprintf(other, sizeof other, "%s/elsewhere.db", fix_dir);
    ck_assert_int_eq(rename(fix_path, other), 0);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(ry_vault_message_append(vault, session, RY_VAULT_USER, "x", 1,
                                                 RY_VAULT_COMPLETE, NULL, NULL, &err),
                         RY_ERR_VAULT);
        ck_assert_ptr_nonnull(strstr(err.text, "while it was open"));
        FIX_OK(ry_vault_message_list(vault, session, &m, &n, &fix_err)); /* export still works */
        ck_assert(n == 1 && fix_is_text(&m[0], 1, 100));
        ry_vault_messages_free(m, n);
        fix_write(fix_path, "x", 1); /* and now another file stands in its place */
    }
    ck_assert_int_eq(rename(other, fix_path), 0); /* put back: goes on */
    fix_append(vault, session, 2, 100);
    ry_vault_close(vault);
    vault = fix_open(NULL);
    FIX_OK(ry_vault_message_list(vault, session, &m, &n, &fix_err));
    ck_assert_uint_eq(n, 2);
    ry_vault_messages_free(m, n);
    ry_vault_close(vault);
}
END_TEST

START_TEST(closing_a_moved_vault_leaves_the_log_of_another_alone)
{
    char name[400], other[400];
    ry_vault *vault = fix_open(NULL);
    fix_append(vault, fix_session(vault), 1, 100);
    snprintf(name, sizeof name, "%s-wal", fix_path);
    snprintf(other, sizeof other, "%s/elsewhere.db", fix_dir);
    ck_assert_int_eq(rename(fix_path, other), 0);
    ck_assert_int_eq(unlink(name), 0);
    fix_write(fix_path, "another", 7);
    fix_write(name, "its log", 7);
    ry_vault_close(vault);
    size_t len;
    unsigned char *bytes = fix_read(name, &len);
    ck_assert(len == 7 && memcmp(bytes, "its log", 7) == 0);
    ry_mem_free(bytes);
}
END_TEST

enum { N_PROCESSES = 4, N_PER_PROCESS = 60 };

START_TEST(several_processes_write_one_vault_at_once)
{
    ry_vault *vault = fix_open(NULL);
    int64_t shared = fix_session(vault);
    ry_vault_close(vault);
    pid_t pids[N_PROCESSES];
    for (int p = 0; p < N_PROCESSES; p++) {
        pids[p] = fork();
        ck_assert_int_ge(pids[p], 0);
        if (pids[p] > 0)
            continue;
        ry_vault *mine = fix_open(NULL);
        int64_t own = fix_session(mine);
        for (uint64_t i = 0; i < N_PER_PROCESS; i++) {
            fix_append(mine, i % 2 ? own : shared, (uint64_t)p * 1000 + i, 3000);
            if (i % 8 == 0)
                need(ry_vault_maintain(mine, ry_clock_ms() + 60000, &fix_err) == RY_OK,
                     "checkpoint");
        }
        ry_vault_close(mine);
        _exit(0);
    }
    for (int p = 0; p < N_PROCESSES; p++) {
        int status;
        ck_assert_int_eq(waitpid(pids[p], &status, 0), pids[p]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    struct ry_vault_report report;
    vault = fix_open(&report);
    ck_assert(!report.recovered && !report.note[0]);
    struct ry_vault_session *sessions;
    struct ry_vault_message *m;
    size_t n_sessions, n, n_shared = 0, n_all = 0;
    FIX_OK(ry_vault_session_list(vault, 0, &sessions, &n_sessions, &fix_err));
    ck_assert_uint_eq(n_sessions, N_PROCESSES + 1);
    for (size_t s = 0; s < n_sessions; s++) {
        FIX_OK(ry_vault_message_list(vault, sessions[s].id, &m, &n, &fix_err));
        uint64_t next[N_PROCESSES] = {0};
        for (size_t i = 0; i < n; i++) {
            unsigned long long number;
            ck_assert_int_eq(m[i].pos, (int64_t)i);
            ck_assert_int_eq(sscanf(m[i].text, "text %llu ", &number), 1);
            ck_assert(fix_is_text(&m[i], number, 3000));
            ck_assert_msg(number % 1000 >= next[number / 1000], "each one's order is kept");
            next[number / 1000] = number % 1000 + 1;
        }
        n_all += n;
        if (sessions[s].id == shared)
            n_shared = n;
        ry_vault_messages_free(m, n);
    }
    ck_assert_uint_eq(n_shared, N_PROCESSES * N_PER_PROCESS / 2);
    ck_assert_uint_eq(n_all, N_PROCESSES * N_PER_PROCESS);
    ry_vault_sessions_free(sessions, n_sessions);
    ry_vault_close(vault);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hostile vault");
    TCase *tc = tcase_create("hostile");
    tcase_add_checked_fixture(tc, fix_setup, fix_teardown);
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, what_is_no_vault_is_refused_and_left_as_it_was, 0, 5);
    tcase_add_loop_test(tc, links_pipes_and_folders_are_refused, 0, 6);
    tcase_add_test(tc, another_users_file_is_refused);
    tcase_add_test(tc, a_vault_that_is_not_there_is_made_only_when_asked);
    tcase_add_test(tc, a_newer_vault_is_read_only_and_says_so);
    tcase_add_test(tc, rows_of_a_newer_or_broken_writer_are_told);
    tcase_add_test(tc, flipped_bytes_anywhere_are_survived_or_told);
    tcase_add_test(tc, one_broken_page_costs_its_own_rows_only);
    tcase_add_test(tc, a_hot_log_without_shm_is_played_back_and_its_damage_is_told);
    tcase_add_test(tc, a_log_cut_anywhere_gives_what_was_finished_before);
    tcase_add_test(tc, damage_met_while_open_is_told_and_salvaged_at_the_next_opening);
    tcase_add_test(tc, an_exchange_cut_off_by_a_crash_is_finished);
    tcase_add_test(tc, a_full_disk_is_told_and_a_later_try_works);
    tcase_add_loop_test(tc, a_read_only_file_or_folder_can_still_be_read, 0, 3);
    tcase_add_test(tc, no_vault_is_made_in_a_read_only_folder);
    tcase_add_test(tc, a_damaged_vault_that_is_read_only_is_refused_with_a_word);
    tcase_add_test(tc, a_vault_deleted_or_moved_while_open_is_told);
    tcase_add_test(tc, closing_a_moved_vault_leaves_the_log_of_another_alone);
    tcase_add_test(tc, a_hot_log_in_a_read_only_folder_is_refused_with_a_word);
    tcase_add_test(tc, several_processes_write_one_vault_at_once);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
