/* The person's own editor, on a private file that is gone afterwards. */
#include "src/app/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/app/paths.h"
#include "src/base/mem.h"

enum { EDIT_MAX_BYTES = 16 << 20 };

static ry_rc write_file(char *template, const char *text, size_t len, ry_err *err)
{
    mode_t old = umask(077);
    int fd = mkostemp(template, O_CLOEXEC);
    umask(old);
    if (fd < 0)
        return ry_err_set(err, RY_ERR_IO, "%s: cannot make a file for the editor: %s", template,
                          strerror(errno));
    ry_rc rc = RY_OK;
    for (size_t done = 0; done < len && rc == RY_OK;) {
        ssize_t n = write(fd, text + done, len - done);
        if (n < 0 && errno != EINTR)
            rc = ry_err_set(err, RY_ERR_IO, "%s: cannot write: %s", template, strerror(errno));
        else if (n > 0)
            done += (size_t)n;
    }
    close(fd);
    if (rc != RY_OK)
        unlink(template);
    return rc;
}

static const char *editor_command(void)
{
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
    if (visual && visual[0])
        return visual;
    return editor && editor[0] ? editor : "vi";
}

/* The editor may be a command with arguments, so the shell reads it; the file's name is a
 * parameter. Between fork and exec only async-signal-safe calls: other threads may hold locks. */
static pid_t start(const char *path)
{
    const char *editor = editor_command();
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    signal(SIGPIPE, SIG_DFL);
    execl("/bin/sh", "sh", "-c", "eval \"$2 \\\"\\$1\\\"\"", "sh", path, editor, (char *)NULL);
    _exit(127);
}

static ry_rc wait_for(pid_t pid, int wake_fd, bool (*keep_going)(void *user), void *user,
                      ry_err *err)
{
    int status = 0;
    bool told = false;
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            break;
        if (got < 0 && errno != EINTR)
            return ry_err_set(err, RY_FAIL, "waiting for the editor: %s", strerror(errno));
        struct pollfd p = {.fd = wake_fd, .events = POLLIN};
        poll(&p, 1, told ? 20 : 100);
        if (!told && !keep_going(user)) {
            told = true;
            kill(pid, SIGTERM);
        }
    }
    if (told)
        return ry_err_set(err, RY_ERR_CANCELLED, "the editor was ended");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return ry_err_set(err, RY_FAIL, "%s did not end well: the draft stays as it was",
                          editor_command());
    return RY_OK;
}

ry_rc ry_edit_outside(const char *text, size_t len, int wake_fd, bool (*keep_going)(void *user),
                      void *user, ry_buf *out, ry_err *err)
{
    char *path = NULL;
    ry_rc rc = ry_path_of(RY_PATH_STATE, "draft-XXXXXX", &path, err);
    if (rc == RY_OK)
        rc = ry_path_make_parent(path, err);
    if (rc == RY_OK)
        rc = write_file(path, text, len, err);
    if (rc != RY_OK) {
        ry_mem_free(path);
        return rc;
    }
    pid_t pid = start(path);
    rc = pid < 0 ? ry_err_set(err, RY_FAIL, "cannot start the editor: %s", strerror(errno))
                 : wait_for(pid, wake_fd, keep_going, user, err);
    if (rc == RY_OK)
        rc = ry_path_read(path, EDIT_MAX_BYTES, out, err);
    if (rc == RY_OK && out->len > 0 && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
    unlink(path);
    ry_mem_free(path);
    return rc;
}
