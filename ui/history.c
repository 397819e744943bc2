/* The prompt history. */
#include "ui/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/base/mem.h"
#include "ui/find.h"

static void escape(const char *s, size_t len, ry_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\n')
            ry_buf_adds(out, "\\n");
        else if (s[i] == '\\')
            ry_buf_adds(out, "\\\\");
        else
            ry_buf_addc(out, s[i]);
    }
    ry_buf_addc(out, '\n');
}

static void unescape(const char *s, size_t len, ry_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\\' && i + 1 < len) {
            i++;
            ry_buf_addc(out, s[i] == 'n' ? '\n' : s[i]);
        } else {
            ry_buf_addc(out, s[i]);
        }
    }
}

/* Takes text (moved). */
static void keep(struct ry_history *hist, char *text)
{
    if (hist->n == RY_HISTORY_ENTRIES) {
        ry_mem_free(hist->entries[0]);
        hist->n--;
        memmove(hist->entries, hist->entries + 1, hist->n * sizeof *hist->entries);
    }
    hist->entries[hist->n++] = text;
}

static bool is_repeat(const struct ry_history *hist, const char *text)
{
    return hist->n > 0 && strcmp(hist->entries[hist->n - 1], text) == 0;
}

static void load_line(struct ry_history *hist, const char *s, size_t len)
{
    ry_buf text = {0};
    if (len == 0 || memchr(s, '\0', len))
        return;
    unescape(s, len, &text);
    char *entry = ry_buf_take(&text);
    if (entry && !is_repeat(hist, entry))
        keep(hist, entry);
    else
        ry_mem_free(entry);
}

static void load(struct ry_history *hist, const char *s, size_t len)
{
    while (len > 0) {
        const char *end = memchr(s, '\n', len);
        size_t n = end ? (size_t)(end - s) : len;
        load_line(hist, s, n);
        s += end ? n + 1 : n;
        len -= end ? n + 1 : n;
    }
}

static bool write_all(int fd, const char *s, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, s, len);
        if (n < 0 && errno != EINTR)
            return false;
        s += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* The file anew from memory, by rename, so that it is whole at any moment. */
static void rewrite(const struct ry_history *hist)
{
    ry_buf all = {0}, temp = {0};
    for (size_t i = 0; i < hist->n; i++)
        escape(hist->entries[i], strlen(hist->entries[i]), &all);
    ry_buf_addf(&temp, "%s.%ld", hist->path, (long)getpid());
    if (!all.failed && !temp.failed) {
        int fd = open(temp.data, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        bool ok = fd >= 0 && write_all(fd, ry_buf_str(&all), all.len);
        if (fd >= 0)
            ok = close(fd) == 0 && ok;
        if (fd >= 0 && (!ok || rename(temp.data, hist->path) < 0))
            unlink(temp.data);
    }
    ry_buf_done(&all);
    ry_buf_done(&temp);
}

static ry_rc read_file(struct ry_history *hist, int fd, bool *too_long, ry_err *err)
{
    struct stat st;
    ry_buf bytes = {0};
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return ry_err_set(err, RY_ERR_IO, "%s: not a regular file; the prompt history is not kept",
                          hist->path);
    *too_long = st.st_size > RY_HISTORY_FILE_BYTES;
    size_t want = *too_long ? RY_HISTORY_FILE_BYTES : (size_t)st.st_size;
    if (*too_long && lseek(fd, st.st_size - RY_HISTORY_FILE_BYTES, SEEK_SET) < 0)
        want = 0;
    if (!ry_buf_reserve(&bytes, want))
        return ry_err_set(err, RY_ERR_MEMORY, "%s: no memory for the prompt history", hist->path);
    while (bytes.len < want) {
        ssize_t n = read(fd, bytes.data + bytes.len, want - bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        bytes.len += (size_t)n;
    }
    /* Cut in the middle: the first line is not whole. */
    const char *from = *too_long ? memchr(bytes.data, '\n', bytes.len) : NULL;
    size_t skip = from ? (size_t)(from - bytes.data) + 1 : 0;
    load(hist, bytes.data + skip, bytes.len - skip);
    ry_buf_done(&bytes);
    return RY_OK;
}

ry_rc ry_history_open(struct ry_history *hist, const char *path, ry_err *err)
{
    bool too_long = false;
    *hist = (struct ry_history){0};
    if (!path)
        return RY_OK;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno != ENOENT)
        return ry_err_set(err, RY_ERR_IO, "%s: cannot read the prompt history: %s", path,
                          strerror(errno));
    hist->path = ry_mem_strdup(path);
    if (!hist->path) {
        if (fd >= 0)
            close(fd);
        return ry_err_set(err, RY_ERR_MEMORY, "no memory for the prompt history");
    }
    if (fd < 0)
        return RY_OK;
    ry_rc rc = read_file(hist, fd, &too_long, err);
    close(fd);
    if (rc != RY_OK) {
        ry_mem_free(hist->path);
        hist->path = NULL;
    } else if (too_long) {
        rewrite(hist);
    }
    return rc;
}

void ry_history_done(struct ry_history *hist)
{
    for (size_t i = 0; i < hist->n; i++)
        ry_mem_free(hist->entries[i]);
    ry_mem_free(hist->path);
    *hist = (struct ry_history){0};
}

static ry_rc append(const struct ry_history *hist, const char *text, size_t len, ry_err *err)
{
    ry_buf line = {0};
    ry_rc rc = RY_OK;
    escape(text, len, &line);
    if (line.failed)
        return ry_err_set(err, RY_ERR_MEMORY, "no memory for the prompt history");
    int fd = open(hist->path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, 0600) < 0 || !write_all(fd, line.data, line.len))
        rc = ry_err_set(err, RY_ERR_IO, "%s: cannot write the prompt history: %s", hist->path,
                        strerror(errno));
    if (fd >= 0)
        close(fd);
    ry_buf_done(&line);
    return rc;
}

ry_rc ry_history_add(struct ry_history *hist, const char *text, size_t len, ry_err *err)
{
    if (len == 0 || memchr(text, '\0', len))
        return RY_OK;
    char *copy = ry_mem_strndup(text, len);
    if (!copy)
        return ry_err_set(err, RY_ERR_MEMORY, "no memory for the prompt history");
    if (is_repeat(hist, copy)) {
        ry_mem_free(copy);
        return RY_OK;
    }
    keep(hist, copy);
    return hist->path ? append(hist, text, len, err) : RY_OK;
}

size_t ry_history_search(const struct ry_history *hist, const char *needle, size_t below)
{
    size_t at, n = strlen(needle);
    for (size_t i = below < hist->n ? below : hist->n; i-- > 0;)
        if (ry_find(hist->entries[i], strlen(hist->entries[i]), needle, n, 0, &at))
            return i;
    return hist->n;
}
