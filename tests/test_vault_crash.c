/* kill -9 at any moment: a forked writer tells through a pipe what was acknowledged; it is
 * killed at a random point; then everything acknowledged must be there, byte for byte, and
 * groups must be whole or absent. */
#include "vault_fixture.h"

#include <signal.h>
#include <time.h>

#include "src/base/clock.h"

enum { N_ROUNDS = 40, MAX_BYTES = 6000, GROUP_MAX = 12 };

enum told { TOLD_APPENDED, TOLD_GROWN, TOLD_GROUP_COMES };

/* Less than PIPE_BUF, so that it arrives whole or not at all. */
struct note {
    uint64_t what, number, amount; /* amount: bytes grown to, or messages of the group */
};

static uint64_t rng_state;

static uint64_t rng(void)
{
    rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return rng_state >> 33;
}

static void tell(int fd, enum told what, uint64_t number, uint64_t amount)
{
    struct note note = {(uint64_t)what, number, amount};
    if (write(fd, &note, sizeof note) != (ssize_t)sizeof note)
        _exit(3);
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != RY_OK) {                                                                     \
            fprintf(stderr, "writer: %s: %s\n", #call, fix_err.text);                              \
            _exit(2);                                                                              \
        }                                                                                          \
    } while (0)

static void write_group(ry_vault *vault, int64_t session, uint64_t *number, int fd)
{
    uint64_t n = 2 + rng() % (GROUP_MAX - 1);
    tell(fd, TOLD_GROUP_COMES, *number, n);
    MUST(ry_vault_begin(vault, &fix_err));
    for (uint64_t i = 0; i < n; i++)
        fix_append(vault, session, *number + i, MAX_BYTES);
    MUST(ry_vault_commit(vault, &fix_err));
    for (uint64_t i = 0; i < n; i++)
        tell(fd, TOLD_APPENDED, (*number)++, 0);
}

static void write_growing(ry_vault *vault, int64_t session, uint64_t *number, int fd)
{
    size_t len;
    int64_t id;
    char *text = fix_text(*number, MAX_BYTES, &len);
    MUST(ry_vault_message_append(vault, session, RY_VAULT_ASSISTANT, text, 0, RY_VAULT_STREAMING,
                                 NULL, &id, &fix_err));
    tell(fd, TOLD_GROWN, *number, 0);
    for (size_t part = 1; part <= 4; part++) {
        size_t n = len * part / 4;
        MUST(ry_vault_message_update(
            vault, id, text, n, part < 4 ? RY_VAULT_STREAMING : RY_VAULT_COMPLETE, NULL, &fix_err));
        tell(fd, TOLD_GROWN, *number, n);
    }
    tell(fd, TOLD_APPENDED, (*number)++, 0);
    ry_mem_free(text);
}

/* Never returns: writes until it is killed. */
static void writer(int64_t session, uint64_t number, int fd)
{
    ry_vault *vault = NULL;
    MUST(ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path}, NULL, &fix_err));
    for (;;) {
        uint64_t what = rng() % 10;
        if (what < 2) {
            write_group(vault, session, &number, fd);
        } else if (what < 4) {
            write_growing(vault, session, &number, fd);
        } else if (what < 5) {
            MUST(ry_vault_maintain(vault, ry_clock_ms() + 60000, &fix_err)); /* a checkpoint */
        } else if (what < 6 && number % 3 == 0) {
            ry_vault_close(vault);
            MUST(ry_vault_open(&vault, &(struct ry_vault_options){.path = fix_path}, NULL,
                               &fix_err));
        } else {
            fix_append(vault, session, number, MAX_BYTES);
            tell(fd, TOLD_APPENDED, number++, 0);
        }
    }
}

struct seen {
    uint64_t first;             /* of this writer; partial ones below are left by writers before */
    uint64_t n_whole;           /* messages below this number were acknowledged whole */
    uint64_t growing, grown_to; /* the last growing one, and what was acknowledged of it */
    uint64_t group_at, group_len; /* the last group announced */
};

static void read_notes(int fd, struct seen *seen)
{
    struct note note;
    while (read(fd, &note, sizeof note) == (ssize_t)sizeof note) {
        if (note.what == TOLD_APPENDED) {
            ck_assert_uint_eq(note.number, seen->n_whole);
            seen->n_whole++;
        } else if (note.what == TOLD_GROWN) {
            seen->growing = note.number;
            seen->grown_to = note.amount;
        } else {
            seen->group_at = note.number;
            seen->group_len = note.amount;
        }
    }
}

/* Returns the number of messages that are there. */
static uint64_t verify(int64_t session, const struct seen *seen)
{
    struct ry_vault_report report;
    ry_vault *vault = fix_open(&report);
    ck_assert(!report.recovered && !report.read_only);
    struct ry_vault_message *m;
    size_t n;
    FIX_OK(ry_vault_message_list(vault, session, &m, &n, &fix_err));
    ck_assert_msg(n >= seen->n_whole, "%zu messages are there, %llu were acknowledged", n,
                  (unsigned long long)seen->n_whole);
    ck_assert_msg(n <= seen->group_at || n >= seen->group_at + seen->group_len,
                  "half a group is there: %zu of %llu + %llu", n,
                  (unsigned long long)seen->group_at, (unsigned long long)seen->group_len);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(m[i].pos, (int64_t)i);
        ck_assert(!m[i].damaged);
        if (m[i].status != RY_VAULT_STREAMING) {
            ck_assert_msg(fix_is_text(&m[i], i, MAX_BYTES), "message %zu has another text", i);
            continue;
        }
        size_t len;
        char *text = fix_text(i, MAX_BYTES, &len);
        ck_assert_msg(i < seen->first || i >= seen->n_whole, "acknowledged whole, there in part");
        ck_assert(m[i].text_len <= len && memcmp(m[i].text, text, m[i].text_len) == 0);
        if (i == seen->growing)
            ck_assert_uint_ge(m[i].text_len, seen->grown_to);
        ry_mem_free(text);
    }
    ry_vault_messages_free(m, n);
    ry_vault_close(vault);
    return n;
}

START_TEST(kill_9_loses_no_acknowledged_message)
{
    const char *given = getenv("RYOT_SEED");
    rng_state = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("seed %llu (RYOT_SEED repeats it)\n", (unsigned long long)rng_state);
    ry_vault *vault = fix_open(NULL);
    int64_t session = fix_session(vault);
    ry_vault_close(vault);

    uint64_t n = 0, n_acknowledged = 0;
    for (int round = 0; round < N_ROUNDS; round++) {
        int fds[2];
        ck_assert_int_eq(pipe(fds), 0);
        uint64_t delay_us = 500 + rng() % 80000;
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            close(fds[0]);
            rng_state += (uint64_t)round + 1;
            writer(session, n, fds[1]);
        }
        close(fds[1]);
        usleep((useconds_t)delay_us);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        struct seen seen = {.first = n, .n_whole = n, .growing = UINT64_MAX};
        read_notes(fds[0], &seen);
        close(fds[0]);
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                      "the writer ended by itself with %d", status);
        n_acknowledged += seen.n_whole - n;
        n = verify(session, &seen);
    }
    printf("%d kills, %llu messages acknowledged, none lost\n", N_ROUNDS,
           (unsigned long long)n_acknowledged);
    ck_assert_uint_gt(n_acknowledged, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vault crash");
    TCase *tc = tcase_create("crash");
    tcase_add_checked_fixture(tc, fix_setup, fix_teardown);
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, kill_9_loses_no_acknowledged_message);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
