/* A growable byte buffer. One owner. */
#include "src/base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"

void ry_buf_init(ry_buf *buf)
{
    *buf = (ry_buf){0};
}

void ry_buf_done(ry_buf *buf)
{
    ry_mem_free(buf->data);
    *buf = (ry_buf){0};
}

bool ry_buf_reserve(ry_buf *buf, size_t extra)
{
    size_t need;
    if (buf->failed)
        return false;
    if (!ry_mem_add(buf->len, extra, &need) || !ry_mem_add(need, 1, &need)) {
        buf->failed = true;
        return false;
    }
    if (need <= buf->cap)
        return true;
    size_t cap = buf->cap ? buf->cap : 64;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    char *data = ry_mem_resize(buf->data, cap, 1);
    if (!data) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

bool ry_buf_add(ry_buf *buf, const void *bytes, size_t len)
{
    if (!ry_buf_reserve(buf, len))
        return false;
    if (len)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return true;
}

bool ry_buf_adds(ry_buf *buf, const char *s)
{
    return ry_buf_add(buf, s, strlen(s));
}

bool ry_buf_addc(ry_buf *buf, char c)
{
    return ry_buf_add(buf, &c, 1);
}

bool ry_buf_addv(ry_buf *buf, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    bool ok = n >= 0 && ry_buf_reserve(buf, (size_t)n);
    if (ok) {
        vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    }
    va_end(again);
    return ok;
}

bool ry_buf_addf(ry_buf *buf, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool ok = ry_buf_addv(buf, fmt, ap);
    va_end(ap);
    return ok;
}

void ry_buf_drop_front(ry_buf *buf, size_t n)
{
    if (n == 0)
        return;
    memmove(buf->data, buf->data + n, buf->len - n);
    buf->len -= n;
    buf->data[buf->len] = '\0';
}

void ry_buf_clear(ry_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

const char *ry_buf_str(const ry_buf *buf)
{
    return buf->data ? buf->data : "";
}

char *ry_buf_take(ry_buf *buf)
{
    if (buf->failed || (!buf->data && !ry_buf_add(buf, "", 0))) {
        ry_buf_done(buf);
        return NULL;
    }
    char *data = buf->data;
    *buf = (ry_buf){0};
    return data;
}
