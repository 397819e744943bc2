/* A coalescing wake-up. */
#include "src/base/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

ry_rc ry_wake_init(ry_wake *wake, ry_err *err)
{
#ifdef __linux__
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return ry_err_set(err, RY_ERR_IO, "eventfd: %s", strerror(errno));
    *wake = (ry_wake){.read_fd = fd, .write_fd = fd};
#else
    int fds[2];
    if (pipe(fds) < 0)
        return ry_err_set(err, RY_ERR_IO, "pipe: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    }
    *wake = (ry_wake){.read_fd = fds[0], .write_fd = fds[1]};
#endif
    return RY_OK;
}

void ry_wake_done(ry_wake *wake)
{
    if (wake->read_fd >= 0)
        close(wake->read_fd);
    if (wake->write_fd >= 0 && wake->write_fd != wake->read_fd)
        close(wake->write_fd);
    wake->read_fd = wake->write_fd = -1;
}

void ry_wake_signal(const ry_wake *wake)
{
    int saved = errno;
    uint64_t one = 1;
    while (write(wake->write_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved; /* EAGAIN: a signal is pending already, which is all we want */
}

void ry_wake_drain(const ry_wake *wake)
{
    uint64_t buf[64];
    while (read(wake->read_fd, buf, sizeof buf) > 0)
        ;
}

bool ry_wake_wait(const ry_wake *wake, int timeout_ms)
{
    struct pollfd p = {.fd = wake->read_fd, .events = POLLIN};
    int n = poll(&p, 1, timeout_ms);
    if (n <= 0)
        return false;
    ry_wake_drain(wake);
    return true;
}
