/* What leaves on stdout and stderr: write(2) without stdio, so that nothing is held back at a
 * signal. */
#include "src/app/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/sanitize.h"

static bool quiet, broken, line_open;
static int broken_errno;
static struct ry_sanitize answer; /* state of the streamed text */

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

void ry_out_quiet(bool on)
{
    quiet = on;
}

bool ry_out_bytes(const char *bytes, size_t len)
{
    if (broken)
        return false;
    if (!write_all(STDOUT_FILENO, bytes, len)) {
        broken = true;
        broken_errno = errno;
    } else if (len > 0) {
        line_open = bytes[len - 1] != '\n';
    }
    return !broken;
}

static bool push(const char *text, size_t len, bool last)
{
    ry_buf clean = {0};
    ry_sanitize_push(&answer, text, len, &clean);
    if (last)
        ry_sanitize_flush(&answer, &clean);
    bool ok = ry_out_bytes(ry_buf_str(&clean), clean.len);
    ry_buf_done(&clean);
    return ok;
}

bool ry_out_text(const char *text, size_t len)
{
    return push(text, len, false);
}

bool ry_out_text_end(void)
{
    push("", 0, true);
    return line_open ? ry_out_bytes("\n", 1) : !broken;
}

bool ry_out_block(const char *text, size_t len)
{
    return push(text, len, true);
}

static void say(const char *prefix, const char *fmt, va_list ap)
{
    char raw[4096], clean[4096 + 64];
    int n = vsnprintf(raw, sizeof raw, fmt, ap);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof raw ? (size_t)n : sizeof raw - 1;
    size_t at = (size_t)snprintf(clean, sizeof clean, "%s", prefix);
    at += ry_sanitize_fixed(raw, len, clean + at, sizeof clean - at - 1);
    clean[at++] = '\n';
    if (!write_all(STDERR_FILENO, clean, at))
        return; /* nobody is there to be told */
}

void ry_out_note(const char *fmt, ...)
{
    if (quiet)
        return;
    va_list ap;
    va_start(ap, fmt);
    say("ryot: ", fmt, ap);
    va_end(ap);
}

void ry_out_notes(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        ry_out_note("%.*s", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

void ry_out_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say("ryot: ", fmt, ap);
    va_end(ap);
}

void ry_out_prompt(const char *text)
{
    if (!write_all(STDERR_FILENO, text, strlen(text)))
        return; /* as above */
}

bool ry_out_broken(int *why)
{
    if (broken && why)
        *why = broken_errno;
    return broken;
}
