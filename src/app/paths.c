/* Where files live. */
#include "src/app/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"

static const struct {
    const char *variable, *under_home;
} kinds[] = {
    [RY_PATH_CONFIG] = {"XDG_CONFIG_HOME", ".config"},
    [RY_PATH_DATA] = {"XDG_DATA_HOME", ".local/share"},
    [RY_PATH_STATE] = {"XDG_STATE_HOME", ".local/state"},
    [RY_PATH_CACHE] = {"XDG_CACHE_HOME", ".cache"},
};

ry_rc ry_path_of(enum ry_path_kind kind, const char *name, char **out, ry_err *err)
{
    ry_buf path = {0};
    const char *base = getenv(kinds[kind].variable);
    if (base && base[0] == '/') {
        ry_buf_addf(&path, "%s/ryot/%s", base, name);
    } else {
        const char *home = getenv("HOME");
        struct passwd *pw = home && home[0] == '/' ? NULL : getpwuid(getuid());
        if (pw)
            home = pw->pw_dir;
        if (!home || home[0] != '/')
            return ry_err_set(err, RY_ERR_USAGE,
                              "no home directory: set HOME or %s to an absolute path",
                              kinds[kind].variable);
        ry_buf_addf(&path, "%s/%s/ryot/%s", home, kinds[kind].under_home, name);
    }
    char *whole = ry_buf_take(&path);
    ry_buf_done(&path);
    if (!whole)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for a path");
    *out = whole;
    return RY_OK;
}

static ry_rc make_one(const char *dir, ry_err *err)
{
    mode_t old = umask(077);
    int rc = mkdir(dir, 0700);
    int saved = errno;
    umask(old);
    struct stat st;
    if (rc == 0 && chmod(dir, 0700) == 0)
        return RY_OK;
    if (rc != 0 && saved == EEXIST && stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
        return RY_OK;
    return ry_err_set(err, RY_ERR_IO, "%s: cannot make the directory: %s", dir,
                      strerror(rc == 0 ? errno : saved));
}

ry_rc ry_path_make_parent(const char *file, ry_err *err)
{
    char *path = ry_mem_strdup(file);
    if (!path)
        return ry_err_set(err, RY_ERR_MEMORY, "out of memory for a path");
    ry_rc rc = RY_OK;
    for (char *p = path + 1; path[0] && *p && rc == RY_OK; p++) {
        if (*p != '/' || p[-1] == '/')
            continue;
        *p = '\0';
        rc = make_one(path, err);
        *p = '/';
    }
    ry_mem_free(path);
    return rc;
}

ry_rc ry_path_read_fd(int fd, const char *name, size_t limit, bool (*should_stop)(void),
                      ry_buf *out, ry_err *err)
{
    size_t start = out->len;
    for (;;) {
        if (!ry_buf_reserve(out, 65536))
            return ry_err_set(err, RY_ERR_MEMORY, "%s: out of memory after %zu bytes", name,
                              out->len - start);
        ssize_t n = read(fd, out->data + out->len, 65536);
        if (n < 0 && errno == EINTR) {
            if (should_stop && should_stop())
                return ry_err_set(err, RY_ERR_CANCELLED, "%s: reading was interrupted", name);
            continue;
        }
        if (n < 0)
            return ry_err_set(err, RY_ERR_IO, "%s: cannot read: %s", name, strerror(errno));
        if (n == 0)
            break;
        out->len += (size_t)n;
        out->data[out->len] = '\0';
        if (out->len - start > limit)
            return ry_err_set(err, RY_ERR_INPUT, "%s: longer than the limit of %zu bytes", name,
                              limit);
    }
    return RY_OK;
}

ry_rc ry_path_read(const char *path, size_t limit, ry_buf *out, ry_err *err)
{
    if (strcmp(path, "-") == 0)
        return ry_path_read_fd(STDIN_FILENO, "stdin", limit, NULL, out, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return ry_err_set(err, RY_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    struct stat st;
    ry_rc rc;
    if (fstat(fd, &st) != 0)
        rc = ry_err_set(err, RY_ERR_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        rc = ry_err_set(err, RY_ERR_INPUT, "%s: not a regular file", path);
    else
        rc = ry_path_read_fd(fd, path, limit, NULL, out, err);
    close(fd);
    return rc;
}
