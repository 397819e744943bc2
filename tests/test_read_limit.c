/* The remembered read bandwidth: what comes back is what was stored, and only on the same machine. */
#include "ryot_test.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

#include "engine/engine.h"
#include "src/app/read_limit.h"

static char folder[64], file[128];

static void setup(void)
{
    strcpy(folder, "/tmp/ryot-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", folder, 1), 0);
    snprintf(file, sizeof file, "%s/ryot/read-bandwidth", folder);
}

static void teardown(void)
{
    char dir[96];
    unlink(file);
    snprintf(dir, sizeof dir, "%s/ryot", folder);
    rmdir(dir);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left there */
}

static void write_text(const char *text)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static size_t loaded(void)
{
    struct ry_read_limit limit;
    ry_read_limit_load(&limit);
    return limit.n;
}

START_TEST(rows_are_kept_in_order_and_bounded)
{
    struct ry_read_limit l = {0};
    ck_assert_double_eq(ry_read_limit_of(&l, 4), 0);
    ry_read_limit_set(&l, 4, 40);
    ry_read_limit_set(&l, 1, 16);
    ry_read_limit_set(&l, 2, NAN);
    ry_read_limit_set(&l, 2, 0);
    ry_read_limit_set(&l, 4, 41);
    ck_assert_uint_eq(l.n, 2);
    ck_assert_double_eq(ry_read_limit_of(&l, 1), 16);
    ck_assert_double_eq(ry_read_limit_of(&l, 3), 16);
    ck_assert_double_eq(ry_read_limit_of(&l, 64), 41);
    ck_assert_double_eq(ry_read_limit_exact(&l, 3), 0);
    ck_assert_double_eq(ry_read_limit_exact(&l, 4), 41);
    for (int n = 64; n > 0; n--)
        ry_read_limit_set(&l, n, n);
    ck_assert_uint_eq(l.n, RY_READ_LIMIT_ROWS);
    for (size_t i = 1; i < l.n; i++)
        ck_assert_int_lt(l.rows[i - 1].n_threads, l.rows[i].n_threads);
}
END_TEST

START_TEST(what_is_stored_comes_back)
{
    struct ry_read_limit l = {0}, back;
    struct stat st;
    ry_err err;
    ck_assert_uint_eq(loaded(), 0);
    ry_read_limit_set(&l, 1, 16.25);
    ry_read_limit_set(&l, 2, 30.5);
    ck_assert_msg(ry_read_limit_store(&l, &err) == RY_OK, "%s", err.text);
    ry_read_limit_load(&back);
    ck_assert_uint_eq(back.n, 2);
    ck_assert_double_eq(ry_read_limit_exact(&back, 1), 16.25);
    ck_assert_double_eq(ry_read_limit_exact(&back, 2), 30.5);
    ck_assert_int_eq(stat(file, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(other_machines_and_damage_are_not_believed)
{
    static const char *const tails[] = {"1 16\n2", "0 16\n",  "65 16\n", "1 -3\n", "1 nan\n",
                                        "1 inf\n", "1 1e9\n", "x\n",     "1,5\n",  "1 16 \n"};
    struct ry_read_limit l = {0};
    char head[256], text[512];
    ry_err err;
    ck_assert_int_eq(ry_read_limit_store(&l, &err), RY_OK); /* makes the folder */
    snprintf(head, sizeof head, "ryot read bandwidth 1\ncpu %s\nprocessors %ld\n", ry_cpu_name(),
             sysconf(_SC_NPROCESSORS_ONLN));
    snprintf(text, sizeof text, "%s1 16\n", head);
    write_text(text);
    ck_assert_uint_eq(loaded(), 1);
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        snprintf(text, sizeof text, "%s1 16\n%s", head, tails[i]);
        write_text(text);
        ck_assert_msg(loaded() == 0, "\"%s\" is believed", tails[i]);
    }
    snprintf(text, sizeof text, "ryot read bandwidth 1\ncpu other\nprocessors 2\n1 16\n");
    write_text(text);
    ck_assert_uint_eq(loaded(), 0);
    write_text("");
    ck_assert_uint_eq(loaded(), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("read_limit");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, rows_are_kept_in_order_and_bounded);
    tcase_add_test(t, what_is_stored_comes_back);
    tcase_add_test(t, other_machines_and_damage_are_not_believed);
    suite_add_tcase(s, t);
    return s;
}
RY_TEST_MAIN(suite);
