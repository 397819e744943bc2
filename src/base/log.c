/* The log file. Any thread: the descriptor is set before threads start and only read after. */
#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int log_fd = -1;

ry_rc ry_log_open(const char *path, ry_err *err)
{
    ry_log_close();
    if (!path)
        return RY_OK;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ry_err_set(err, RY_ERR_IO,
                          "%s: cannot open the log: %s (give another with --log FILE)", path,
                          strerror(errno));
    log_fd = fd;
    return RY_OK;
}

void ry_log_close(void)
{
    if (log_fd >= 0)
        close(log_fd);
    log_fd = -1;
}

int ry_log_fd(void)
{
    return log_fd;
}

void ry_log(const char *fmt, ...)
{
    if (log_fd < 0)
        return;
    char line[2048];
    struct timespec ts;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    size_t head = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
    head += (size_t)snprintf(line + head, sizeof line - head, ".%03ldZ ", ts.tv_nsec / 1000000);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line + head, sizeof line - head - 1, fmt, ap);
    va_end(ap);
    size_t len = head + (n < 0 ? 0 : (size_t)n);
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    for (size_t i = head; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?'; /* no newline or escape of untrusted text forges a line */
    line[len++] = '\n';
    for (size_t done = 0; done < len;) {
        ssize_t w = write(log_fd, line + done, len - done);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return;
        done += (size_t)w;
    }
}
