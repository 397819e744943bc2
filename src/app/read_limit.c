/* The file is text:
 *
 *   ryot read bandwidth 1
 *   cpu NAME
 *   processors N
 *   THREADS GIGABYTES_PER_SECOND        one line for each number of threads
 */
#include "src/app/read_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "src/app/paths.h"
#include "src/base/mem.h"

enum { MAX_FILE_BYTES = 4096 };

static const double most_gb_s = 1e5;

double ry_read_limit_of(const struct ry_read_limit *limit, int n_threads)
{
    double gb_s = 0;
    for (size_t i = 0; i < limit->n && limit->rows[i].n_threads <= n_threads; i++)
        gb_s = limit->rows[i].gb_s;
    return gb_s;
}

double ry_read_limit_exact(const struct ry_read_limit *limit, int n_threads)
{
    for (size_t i = 0; i < limit->n; i++)
        if (limit->rows[i].n_threads == n_threads)
            return limit->rows[i].gb_s;
    return 0;
}

void ry_read_limit_set(struct ry_read_limit *limit, int n_threads, double gb_s)
{
    size_t at = 0;
    if (!isfinite(gb_s) || gb_s <= 0 || gb_s > most_gb_s)
        return;
    while (at < limit->n && limit->rows[at].n_threads < n_threads)
        at++;
    if (at == limit->n || limit->rows[at].n_threads != n_threads) {
        if (limit->n == RY_READ_LIMIT_ROWS)
            return;
        memmove(&limit->rows[at + 1], &limit->rows[at], (limit->n - at) * sizeof *limit->rows);
        limit->n++;
    }
    limit->rows[at].n_threads = n_threads;
    limit->rows[at].gb_s = gb_s;
}

/* The lines that say which machine it was. */
static void add_head(ry_buf *out)
{
    ry_buf_addf(out, "ryot read bandwidth 1\ncpu %s\nprocessors %ld\n", ry_cpu_name(),
                sysconf(_SC_NPROCESSORS_ONLN));
}

/* Lines of "THREADS GB/S" up to the end. False: something else stands there. */
static bool parse_rows(const char *p, struct ry_read_limit *out)
{
    while (*p) {
        char *end;
        errno = 0;
        long n = strtol(p, &end, 10);
        if (end == p || *end != ' ' || errno || n < 1 || n > RY_MAX_THREADS)
            return false;
        double gb_s = strtod(end, &end);
        if (*end != '\n' || !(gb_s > 0 && gb_s <= most_gb_s))
            return false;
        ry_read_limit_set(out, (int)n, gb_s);
        p = end + 1;
    }
    return true;
}

void ry_read_limit_load(struct ry_read_limit *out)
{
    char *path = NULL;
    ry_buf head = {0}, text = {0};
    ry_err err;
    *out = (struct ry_read_limit){0};
    add_head(&head);
    if (ry_path_of(RY_PATH_CACHE, "read-bandwidth", &path, &err) == RY_OK &&
        ry_path_read(path, MAX_FILE_BYTES, &text, &err) == RY_OK && !head.failed &&
        text.len > head.len && memcmp(text.data, head.data, head.len) == 0 &&
        !parse_rows(text.data + head.len, out))
        *out = (struct ry_read_limit){0};
    ry_mem_free(path);
    ry_buf_done(&head);
    ry_buf_done(&text);
}

static ry_rc write_file(const char *path, const ry_buf *text, ry_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ry_err_set(err, RY_ERR_IO, "%s: cannot make: %s", path, strerror(errno));
    ssize_t n = write(fd, text->data, text->len);
    int failed = n < 0 ? errno : (size_t)n < text->len ? ENOSPC : 0;
    if (close(fd) != 0 && !failed)
        failed = errno;
    return failed ? ry_err_set(err, RY_ERR_IO, "%s: cannot write: %s", path, strerror(failed))
                  : RY_OK;
}

ry_rc ry_read_limit_store(const struct ry_read_limit *limit, ry_err *err)
{
    char *path = NULL;
    ry_buf text = {0}, fresh = {0};
    add_head(&text);
    for (size_t i = 0; i < limit->n; i++)
        ry_buf_addf(&text, "%d %.2f\n", limit->rows[i].n_threads, limit->rows[i].gb_s);
    ry_rc rc = ry_path_of(RY_PATH_CACHE, "read-bandwidth", &path, err);
    if (rc == RY_OK && (text.failed || !ry_buf_addf(&fresh, "%s.%ld", path, (long)getpid())))
        rc = ry_err_set(err, RY_ERR_MEMORY, "out of memory for a path");
    if (rc == RY_OK)
        rc = ry_path_make_parent(path, err);
    if (rc == RY_OK)
        rc = write_file(ry_buf_str(&fresh), &text, err);
    if (rc == RY_OK && rename(ry_buf_str(&fresh), path) != 0)
        rc = ry_err_set(err, RY_ERR_IO, "%s: cannot replace: %s", path, strerror(errno));
    if (rc != RY_OK && fresh.len)
        unlink(ry_buf_str(&fresh));
    ry_buf_done(&text);
    ry_buf_done(&fresh);
    ry_mem_free(path);
    return rc;
}
