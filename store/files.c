/* Names, path safety, modes and the lock. See files.h.
 *
 * The database itself is looked at with lstat, not opened: closing any descriptor of it would
 * drop the POSIX locks that sqlite holds on it elsewhere in this process. */
#include "store/files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/mem.h"

enum { LOCK_WAIT_MS = 5000, LOCK_POLL_MS = 2 };

char *ry_files_name(const struct ry_files *files, const char *suffix)
{
    size_t n = strlen(files->path), m = strlen(suffix);
    char *name = ry_mem_alloc(n + m + 1, 1);
    if (name) {
        memcpy(name, files->path, n);
        memcpy(name + n, suffix, m + 1);
    }
    return name;
}

int64_t ry_files_size(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* mkdir -p with 0700 on what is made here, whatever the umask. `dir` is changed and restored. */
static ry_rc make_dirs(char *dir, ry_err *err)
{
    for (char *p = dir + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char end = *p;
        *p = '\0';
        if (mkdir(dir, 0700) == 0) {
            if (chmod(dir, 0700) != 0)
                return ry_err_set(err, RY_ERR_VAULT, "%s: cannot set the mode 0700: %s", dir,
                                  strerror(errno));
        } else if (errno != EEXIST && errno != EISDIR && errno != EROFS && errno != EACCES) {
            return ry_err_set(err, RY_ERR_VAULT, "%s: cannot make this directory: %s", dir,
                              strerror(errno));
        }
        *p = end;
        if (end == '\0')
            return RY_OK;
    }
}

/* Splits into a resolved directory and the last component, and joins them again. */
static ry_rc resolve(struct ry_files *files, const char *path, bool create, ry_err *err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return ry_err_set(err, RY_ERR_VAULT, "'%s' names a directory, a vault is a file", path);
    size_t dir_len = slash ? (size_t)(slash - path) : 0;
    char *dir =
        slash && dir_len > 0 ? ry_mem_strndup(path, dir_len) : ry_mem_strdup(slash ? "/" : ".");
    if (!dir)
        return ry_err_set(err, RY_ERR_MEMORY, "no memory to open the vault");
    char real[PATH_MAX];
    ry_rc rc = create ? make_dirs(dir, err) : RY_OK;
    if (rc == RY_OK && !realpath(dir, real))
        rc = ry_err_set(err, errno == ENOENT && !create ? RY_ERR_NOT_FOUND : RY_ERR_VAULT,
                        "%s: the vault's directory cannot be used: %s", dir, strerror(errno));
    ry_mem_free(dir);
    if (rc != RY_OK)
        return rc;
    size_t n = strlen(real), m = strlen(base);
    bool db = m > 3 && strcmp(base + m - 3, ".db") == 0;
    files->path = ry_mem_alloc(n + m + 2, 1);
    if (!files->path)
        return ry_err_set(err, RY_ERR_MEMORY, "no memory to open the vault");
    snprintf(files->path, n + m + 2, "%s/%s", n == 1 ? "" : real, base);
    files->wal_path = ry_files_name(files, "-wal");
    files->lock_path = ry_files_name(files, ".lock");
    if (!files->wal_path || !files->lock_path)
        return ry_err_set(err, RY_ERR_MEMORY, "no memory to open the vault");
    if (db)
        strcpy(files->lock_path + strlen(files->path) - 3, ".lock");
    files->dir_writable = access(n == 1 ? "/" : real, W_OK) == 0;
    return RY_OK;
}

static ry_rc refuse_unsafe(const char *path, const struct stat *st, ry_err *err)
{
    if (S_ISLNK(st->st_mode))
        return ry_err_set(err, RY_ERR_VAULT,
                          "%s is a symbolic link; name the vault itself (--vault FILE)", path);
    if (!S_ISREG(st->st_mode))
        return ry_err_set(err, RY_ERR_VAULT, "%s is not a regular file", path);
    if (st->st_uid != geteuid())
        return ry_err_set(err, RY_ERR_VAULT,
                          "%s belongs to another user (uid %lu, you are %lu); use your own vault",
                          path, (unsigned long)st->st_uid, (unsigned long)geteuid());
    return RY_OK;
}

static ry_rc check_file(struct ry_files *files, ry_err *err)
{
    struct stat st;
    if (lstat(files->path, &st) != 0) {
        if (errno == ENOENT)
            return RY_OK;
        return ry_err_set(err, RY_ERR_VAULT, "%s: %s", files->path, strerror(errno));
    }
    ry_rc rc = refuse_unsafe(files->path, &st, err);
    if (rc != RY_OK)
        return rc;
    files->exists = true;
    files->file_writable = access(files->path, W_OK) == 0;
    if (files->file_writable && (st.st_mode & 0077)) {
        int fd = open(files->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) {
            (void)!fchmod(fd, st.st_mode & 0700); /* best effort: a mount may not know modes */
            close(fd);
        }
    }
    return RY_OK;
}

/* O_NONBLOCK: a FIFO put in its place must not hang the program. */
static ry_rc open_lock(struct ry_files *files, ry_err *err)
{
    int fd = open(files->lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0)
        return ry_err_set(err, RY_ERR_VAULT, "%s: cannot open the vault's lock: %s",
                          files->lock_path,
                          errno == ELOOP ? "it is a symbolic link" : strerror(errno));
    struct stat st;
    ry_rc rc = fstat(fd, &st) == 0
                   ? refuse_unsafe(files->lock_path, &st, err)
                   : ry_err_set(err, RY_ERR_VAULT, "%s: %s", files->lock_path, strerror(errno));
    if (rc != RY_OK) {
        close(fd);
        return rc;
    }
    if ((st.st_mode & 0777) != 0600)
        (void)!fchmod(fd, 0600);
    files->lock_fd = fd;
    return RY_OK;
}

ry_rc ry_files_prepare(struct ry_files *files, const char *path, bool create, ry_err *err)
{
    *files = (struct ry_files){.lock_fd = -1};
    ry_rc rc = resolve(files, path, create, err);
    if (rc == RY_OK)
        rc = check_file(files, err);
    if (rc == RY_OK && !files->exists && !create)
        rc = ry_err_set(err, RY_ERR_NOT_FOUND, "%s: there is no vault", files->path);
    if (rc == RY_OK && !files->exists && !files->dir_writable)
        rc = ry_err_set(err, RY_ERR_VAULT, "%s: cannot be made, its directory is not writable",
                        files->path);
    if (rc == RY_OK && files->dir_writable && (files->file_writable || !files->exists))
        rc = open_lock(files, err);
    if (rc != RY_OK)
        ry_files_done(files);
    return rc;
}

void ry_files_done(struct ry_files *files)
{
    if (files->path && files->lock_fd >= 0)
        close(files->lock_fd);
    ry_mem_free(files->path);
    ry_mem_free(files->wal_path);
    ry_mem_free(files->lock_path);
    *files = (struct ry_files){.lock_fd = -1};
}

ry_rc ry_files_sync_dir(const char *path, ry_err *err)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof dir, "%.*s", slash > path ? (int)(slash - path) : 1, path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    int e = errno;
    if (fd >= 0)
        close(fd);
    return ok ? RY_OK : ry_err_set(err, RY_ERR_VAULT, "%s: cannot sync: %s", dir, strerror(e));
}

ry_rc ry_files_create(struct ry_files *files, ry_err *err)
{
    int fd = open(files->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return check_file(files, err); /* another process was faster */
    if (fd < 0)
        return ry_err_set(err, RY_ERR_VAULT, "%s: cannot be made: %s", files->path,
                          strerror(errno));
    (void)!fchmod(fd, 0600);
    close(fd);
    files->exists = files->file_writable = files->created = true;
    return ry_files_sync_dir(files->path, err);
}

ry_rc ry_files_lock(struct ry_files *files, ry_err *err)
{
    if (files->lock_fd < 0 || files->n_locked > 0) {
        files->n_locked++;
        return RY_OK;
    }
    uint64_t start = ry_clock_ms();
    while (flock(files->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return ry_err_set(err, RY_ERR_VAULT, "%s: cannot lock: %s", files->lock_path,
                              strerror(errno));
        if (ry_clock_ms() - start > LOCK_WAIT_MS)
            return ry_err_set(err, RY_ERR_BUSY,
                              "%s: another ryot has been writing for over %d s; try again",
                              files->path, LOCK_WAIT_MS / 1000);
        nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000L}, NULL);
    }
    files->n_locked = 1;
    return RY_OK;
}

void ry_files_unlock(struct ry_files *files)
{
    assert(files->n_locked > 0);
    if (--files->n_locked == 0 && files->lock_fd >= 0)
        flock(files->lock_fd, LOCK_UN);
}

ry_rc ry_files_remember(struct ry_files *files, ry_err *err)
{
    struct stat st;
    if (lstat(files->path, &st) != 0)
        return ry_err_set(err, RY_ERR_VAULT, "%s: %s", files->path, strerror(errno));
    files->dev = st.st_dev;
    files->ino = st.st_ino;
    return RY_OK;
}

ry_rc ry_files_same(const struct ry_files *files, ry_err *err)
{
    struct stat st;
    if (lstat(files->path, &st) == 0 && st.st_dev == files->dev && st.st_ino == files->ino)
        return RY_OK;
    return ry_err_set(err, RY_ERR_VAULT,
                      "%s was deleted, moved or replaced while it was open: nothing more is saved "
                      "there; put it back, or export the conversation and start ryot again",
                      files->path);
}

void ry_files_mark_damage(const struct ry_files *files)
{
    if (files->lock_fd >= 0)
        (void)!pwrite(files->lock_fd, "!", 1, 0);
}

bool ry_files_marked(const struct ry_files *files)
{
    struct stat st;
    return files->lock_fd >= 0 && fstat(files->lock_fd, &st) == 0 && st.st_size > 0;
}

void ry_files_clear_mark(const struct ry_files *files)
{
    if (files->lock_fd >= 0)
        (void)!ftruncate(files->lock_fd, 0);
}
