/* Hostile model files: everything in the catalogue is refused with its words, every truncation and every kind of thing
 * that is no file too; a file that shrinks while it is mapped gives zeros, not a dead process; no allocation that
 * fails leaks or crashes. */
#include "ryot_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "engine/describe.h"
#include "engine/model.h"
#include "src/base/mem.h"
#include "tests/bad_files.h"
#include "tests/gguf_build.h"

static char dir[] = "/tmp/ryot-hostile-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void make_dir(void)
{
    strcpy(dir, "/tmp/ryot-hostile-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

/* As the engine does it: open, bind, load the tokenizer. */
static ry_rc open_all_of(const char *path, ry_err *err)
{
    ry_gguf *gguf = NULL;
    ry_rc rc = ry_gguf_open(&gguf, path, false, err);
    if (rc != RY_OK)
        return rc;
    struct ry_model model;
    ry_tok *tok = NULL;
    rc = ry_model_bind(&model, gguf, err);
    if (rc == RY_OK) {
        rc = ry_tok_load(&tok, gguf, model.hp.n_vocab, err);
        ry_model_done(&model);
    }
    ry_tok_free(tok);
    ry_gguf_close(gguf);
    return rc;
}

START_TEST(every_bad_file_is_refused_with_its_words)
{
    const struct bad_file *bad = bad_files_at((size_t)_i);
    char name[128];
    snprintf(name, sizeof name, "%s.gguf", bad_file_name(bad));
    ry_buf image = {0};
    bad_file_image(bad, &image);
    write_file(path_of(name), image.data ? image.data : "", image.len);
    ry_buf_done(&image);
    int64_t live = ry_mem_n_live();
    ry_err err = {0};
    ry_rc rc = open_all_of(path_of(name), &err);
    ck_assert_msg(rc == RY_ERR_MODEL, "%s: %s (%s)", name, ry_rc_name(rc), err.text);
    ck_assert_int_eq(ry_rc_exit_code(rc), 3);
    ck_assert_int_eq(err.rc, rc);
    ck_assert_msg(strstr(err.text, bad_file_expect(bad)), "%s:\n  said   %s\n  not    %s", name,
                  err.text, bad_file_expect(bad));
    ck_assert_msg(strstr(err.text, name), "%s is not named: %s", name, err.text);
    ck_assert_int_eq(ry_mem_n_live(), live);
}
END_TEST

START_TEST(the_catalogue_is_large_and_its_names_are_unique)
{
    ck_assert_uint_ge(bad_files_count(), 80);
    for (size_t i = 0; i < bad_files_count(); i++) {
        ck_assert_uint_gt(strlen(bad_file_expect(bad_files_at(i))), 0);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(bad_file_name(bad_files_at(i)), bad_file_name(bad_files_at(k)));
    }
}
END_TEST

/* Narrow, so that the header is most of it. */
static void small_image(ry_buf *image, uint64_t *data_offset)
{
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    shape.n_embd = shape.n_ff = 8;
    shape.head_dim = 2;
    shape.n_layer = 1;
    gb_model(&b, &shape);
    gb_image(&b, image);
    *data_offset = gb_data_offset(&b);
    gb_done(&b);
}

/* Copies that end exactly where the prefix does: ASan sees every byte read behind it. */
START_TEST(every_truncation_is_refused)
{
    ry_buf image = {0};
    uint64_t data_offset;
    small_image(&image, &data_offset);
    for (size_t len = 0; len < image.len; len += len < data_offset + 64 ? 1 : 97) {
        char *prefix = malloc(len ? len : 1);
        ck_assert_ptr_nonnull(prefix);
        memcpy(prefix, image.data, len);
        ry_gguf *gguf = NULL;
        ry_err err = {0};
        ry_rc rc = ry_gguf_parse(&gguf, "cut.gguf", prefix, len, false, &err);
        ck_assert_msg(rc == RY_ERR_MODEL, "%zu of %zu bytes: %s", len, image.len, ry_rc_name(rc));
        ck_assert_ptr_null(gguf);
        ck_assert_ptr_nonnull(strstr(err.text, "cut.gguf: offset "));
        /* For its tokenizer alone the header suffices. */
        rc = ry_gguf_parse(&gguf, "cut.gguf", prefix, len, true, &err);
        bool whole_header = len + 32 > data_offset;
        ck_assert_msg(rc == (rc == RY_OK && whole_header ? RY_OK : RY_ERR_MODEL),
                      "header only, %zu bytes", len);
        if (len >= data_offset)
            ck_assert_int_eq(rc, RY_OK);
        if (rc == RY_OK)
            ry_gguf_close(gguf);
        free(prefix);
    }
    ry_buf_done(&image);
}
END_TEST

static void refused(const char *path, const char *expect)
{
    ry_gguf *gguf = NULL;
    ry_err err = {0};
    ck_assert_int_eq(ry_gguf_open(&gguf, path, false, &err), RY_ERR_MODEL);
    ck_assert_ptr_null(gguf);
    ck_assert_msg(strstr(err.text, expect), "said: %s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, path));
}

START_TEST(what_is_no_regular_file_is_refused_at_once)
{
    char path[256];
    alarm(20); /* a FIFO or device that is read would hold us here */
    refused(dir, "is a directory");
    refused("/dev/zero", "is a device");
    strcpy(path, path_of("fifo"));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refused(path, "is a FIFO");
    strcpy(path, path_of("loop"));
    ck_assert_int_eq(symlink(path, path), 0);
    refused(path, "symbolic links go round in a circle");
    refused(path_of("absent"), "there is no such file");
    strcpy(path, path_of("dangling"));
    ck_assert_int_eq(symlink(path_of("absent"), path), 0);
    refused(path, "there is no such file");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", dir);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    refused(address.sun_path, "is a socket");
    close(fd);
    alarm(0);
}
END_TEST

START_TEST(an_unreadable_file_says_so)
{
    const char *path = path_of("secret");
    write_file(path, "GGUF", 4);
    ck_assert_int_eq(chmod(path, 0), 0);
    if (access(path, R_OK) == 0) {
        fprintf(stderr, "SKIPPED: this user may read everything\n");
        return;
    }
    refused(path, "Permission denied");
}
END_TEST

START_TEST(a_symlink_to_a_model_is_fine)
{
    ry_buf image = {0};
    uint64_t data_offset;
    small_image(&image, &data_offset);
    char target[256];
    strcpy(target, path_of("model.gguf"));
    write_file(target, image.data, image.len);
    const char *link = path_of("link.gguf");
    ck_assert_int_eq(symlink(target, link), 0);
    ry_err err = {0};
    ck_assert_msg(open_all_of(link, &err) == RY_OK, "%s", err.text);
    ry_buf_done(&image);
}
END_TEST

START_TEST(a_long_path_does_not_hide_the_reason)
{
    char path[1100];
    size_t n = (size_t)snprintf(path, sizeof path, "%s", dir);
    for (int i = 0; i < 4; i++) {
        n += (size_t)snprintf(path + n, sizeof path - n, "/%0200d", i);
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    snprintf(path + n, sizeof path - n, "/short.gguf");
    write_file(path, "GGUF\3\0\0\0", 8);
    ry_gguf *gguf = NULL;
    ry_err err = {0};
    ck_assert_int_eq(ry_gguf_open(&gguf, path, false, &err), RY_ERR_MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "/short.gguf: offset 8: n_tensors: needs 8 bytes"));
}
END_TEST

/* ---- a file that changes while mapped ---------------------------------------------------------------- */

static ry_gguf *open_whole(const char *path)
{
    ry_buf image = {0};
    struct gb b;
    struct gb_shape shape = gb_shape_default("llama", RY_FMT_F32);
    gb_model(&b, &shape);
    gb_image(&b, &image);
    gb_done(&b);
    write_file(path, image.data, image.len);
    ry_buf_done(&image);
    ry_gguf *gguf = NULL;
    ry_err err = {0};
    ck_assert_msg(ry_gguf_open(&gguf, path, false, &err) == RY_OK, "%s", err.text);
    return gguf;
}

static unsigned long sum_of(const struct ry_gguf_tensor *t)
{
    unsigned long sum = 0;
    for (uint64_t i = 0; i < t->n_bytes; i++)
        sum += ((const volatile uint8_t *)t->data)[i];
    return sum;
}

START_TEST(a_truncated_map_reads_zeros_and_is_noticed)
{
    char path[256];
    strcpy(path, path_of("shrinks.gguf"));
    ry_gguf *gguf = open_whole(path);
    const struct ry_gguf_tensor *last = ry_gguf_find_tensor(gguf, "blk.1.ffn_down.weight");
    ck_assert_uint_gt(sum_of(last), 0);
    ck_assert(!ry_gguf_faulted(gguf));
    ck_assert_int_eq(truncate(path, 8192), 0);
    ck_assert_uint_eq(sum_of(last), 0);
    ck_assert(ry_gguf_faulted(gguf));
    ry_buf out = {0};
    ry_err err = {0};
    ck_assert_int_eq(ry_describe(gguf, NULL, NULL, "", false, false, &out, &err), RY_ERR_MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "truncated while it was read"));
    ry_buf_done(&out);
    ry_gguf_close(gguf);
    /* The slot is free again and says nothing about the next file. */
    gguf = open_whole(path);
    ck_assert(!ry_gguf_faulted(gguf));
    ry_gguf_close(gguf);
}
END_TEST

START_TEST(a_truncated_map_is_noticed_by_bind)
{
    char path[256];
    strcpy(path, path_of("shrinks.gguf"));
    ry_gguf *gguf = open_whole(path);
    /* The norm vectors are read by nobody at bind, the rope factors are; here the file loses all of its data. */
    ck_assert_int_eq(truncate(path, 1), 0);
    struct ry_model model;
    ry_err err = {0};
    ck_assert_int_eq(ry_model_bind(&model, gguf, &err), RY_ERR_MODEL);
    ck_assert_ptr_null(model.layers);
    ry_gguf_close(gguf);
}
END_TEST

static volatile sig_atomic_t earlier_ran;
static void earlier_handler(int sig)
{
    (void)sig;
    earlier_ran = 1;
    _exit(42);
}

/* Reads behind the end of a map that is none of ours. */
static void fault_elsewhere(const char *path)
{
    write_file(path, "x", 1);
    int fd = open(path, O_RDWR);
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        _exit(1);
    volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED || ftruncate(fd, 0) != 0)
        _exit(1);
    (void)p[0];
    _exit(0);
}

static int status_of(pid_t pid)
{
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

START_TEST(a_fault_elsewhere_goes_to_the_handler_before)
{
    char path[256], other[256];
    strcpy(path, path_of("ours.gguf"));
    strcpy(other, path_of("other"));
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        signal(SIGBUS, earlier_handler);
        ry_gguf *gguf = open_whole(path);
        (void)gguf;
        fault_elsewhere(other);
    }
    int status = status_of(pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
}
END_TEST

START_TEST(a_fault_elsewhere_without_a_handler_still_ends_the_process)
{
    char path[256], other[256];
    strcpy(path, path_of("ours.gguf"));
    strcpy(other, path_of("other"));
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        signal(SIGBUS, SIG_DFL);
        ry_gguf *gguf = open_whole(path);
        (void)gguf;
        fault_elsewhere(other);
    }
    int status = status_of(pid);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGBUS);
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------------------ */

START_TEST(every_failing_allocation_is_reported_and_leaks_nothing)
{
    ry_buf image = {0};
    uint64_t data_offset;
    small_image(&image, &data_offset);
    char path[256];
    strcpy(path, path_of("model.gguf"));
    write_file(path, image.data, image.len);
    ry_buf_done(&image);
    int64_t live = ry_mem_n_live();
    ry_rc rc = RY_FAIL;
    uint64_t n = 0;
    while (rc != RY_OK) {
        ry_err err = {0};
        ry_mem_fail_nth(++n, true);
        rc = open_all_of(path, &err);
        ry_mem_fail_nth(0, false);
        ck_assert_msg(rc == RY_OK || rc == RY_ERR_MEMORY, "allocation %u: %s", (unsigned)n,
                      err.text);
        ck_assert_int_eq(ry_mem_n_live(), live);
        ck_assert_uint_lt(n, 1000);
    }
    ck_assert_uint_gt(n, 3);
}
END_TEST

/* A header of as many keys as the cap allows must not take long: sorting, never pairs. */
START_TEST(many_keys_are_cheap)
{
    enum { N = 60000 };
    struct gb b;
    gb_init(&b);
    gb_set_str(&b, "general.architecture", "llama");
    ry_buf image = {0};
    gb_image(&b, &image);
    gb_done(&b);
    uint64_t n_kv = N;
    memcpy(image.data + 16, &n_kv, sizeof n_kv);
    for (uint32_t i = 1; i < N; i++) {
        char entry[8 + 5 + 4 + 1] = {5};
        snprintf(entry + 8, 6, "%05u", i);
        memcpy(entry + 8 + 5, "\0\0\0\0", 5);
        ck_assert(ry_buf_add(&image, entry, sizeof entry));
    }
    ry_gguf *gguf = NULL;
    ry_err err = {0};
    ck_assert_msg(ry_gguf_parse(&gguf, "many", image.data, image.len, false, &err) == RY_OK, "%s",
                  err.text);
    ck_assert_uint_eq(ry_gguf_n_kv(gguf), N);
    ck_assert_ptr_nonnull(ry_gguf_find(gguf, "59999"));
    ck_assert_ptr_null(ry_gguf_find(gguf, "60000"));
    ry_gguf_close(gguf);
    ry_buf_done(&image);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hostile");
    TCase *tc = tcase_create("hostile");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_loop_test(tc, every_bad_file_is_refused_with_its_words, 0, (int)bad_files_count());
    tcase_add_test(tc, the_catalogue_is_large_and_its_names_are_unique);
    tcase_add_test(tc, every_truncation_is_refused);
    tcase_add_test(tc, what_is_no_regular_file_is_refused_at_once);
    tcase_add_test(tc, an_unreadable_file_says_so);
    tcase_add_test(tc, a_symlink_to_a_model_is_fine);
    tcase_add_test(tc, a_long_path_does_not_hide_the_reason);
    tcase_add_test(tc, a_truncated_map_reads_zeros_and_is_noticed);
    tcase_add_test(tc, a_truncated_map_is_noticed_by_bind);
    tcase_add_test(tc, a_fault_elsewhere_goes_to_the_handler_before);
    tcase_add_test(tc, a_fault_elsewhere_without_a_handler_still_ends_the_process);
    tcase_add_test(tc, every_failing_allocation_is_reported_and_leaks_nothing);
    tcase_add_test(tc, many_keys_are_cheap);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
