/* Figures as text. Pure. */
#include "ui/plot.h"

#include <math.h>

#include "src/base/utf8.h"

static void put_cp(ry_buf *out, int32_t cp)
{
    char bytes[RY_UTF8_MAX_BYTES];
    ry_buf_add(out, bytes, ry_utf8_encode(cp, bytes));
}

static double clean(double v)
{
    return v > 0 && isfinite(v) ? v : 0;
}

void ry_plot_spark(ry_buf *out, const float *v, size_t n, int width, double max, bool ascii)
{
    static const char ramp[] = "_.-:=+*#";
    size_t n_cols = width > 0 && n > (size_t)width ? (size_t)width : n;
    if (width <= 0)
        return;
    if (!(max > 0))
        for (size_t i = 0; i < n; i++)
            max = fmax(max, clean(v[i]));
    for (size_t c = 0; c < n_cols; c++) {
        size_t from = c * n / n_cols, to = (c + 1) * n / n_cols;
        double sum = 0;
        for (size_t i = from; i < to; i++)
            sum += clean(v[i]);
        int level = max > 0 ? (int)(sum / (double)(to - from) / max * 8) : 0;
        level = level > 7 ? 7 : level;
        if (ascii)
            ry_buf_addc(out, ramp[level]);
        else
            put_cp(out, 0x2581 + level);
    }
}

void ry_plot_bar(ry_buf *out, double share, int width, bool track, bool ascii)
{
    if (width <= 0)
        return;
    share = clean(share);
    int eighths = (int)(fmin(share, 1) * width * 8 + 0.5);
    int full = eighths / 8, rest = eighths % 8, used = full;
    for (int i = 0; i < full; i++)
        put_cp(out, ascii ? '#' : 0x2588);
    if (rest && !ascii) {
        put_cp(out, 0x2590 - rest);
        used++;
    }
    for (; track && used < width; used++)
        put_cp(out, ascii ? '.' : 0x2591);
}

void ry_plot_count(ry_buf *out, uint64_t n)
{
    if (n >= 1000) {
        ry_plot_count(out, n / 1000);
        ry_buf_addf(out, ",%03u", (unsigned)(n % 1000));
    } else {
        ry_buf_addf(out, "%u", (unsigned)n);
    }
}

void ry_plot_figure(ry_buf *out, double v)
{
    v = clean(v);
    if (v >= 999.5)
        ry_plot_count(out, v < 1e18 ? (uint64_t)(v + 0.5) : (uint64_t)1e18);
    else
        ry_buf_addf(out, "%.*f", v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2, v);
}

void ry_plot_bytes(ry_buf *out, uint64_t n)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    double v = (double)n;
    int unit = 0;
    for (; v >= 1000 && unit < 6; unit++)
        v /= 1024;
    if (unit == 0)
        ry_buf_addf(out, "%u", (unsigned)n);
    else
        ry_plot_figure(out, v);
    ry_buf_addf(out, " %s", units[unit]);
}

void ry_plot_ms(ry_buf *out, double ms)
{
    ms = clean(ms);
    double scale = ms >= 999.5 ? 1e-3 : ms < 0.9995 && ms > 0 ? 1e3 : 1;
    ry_plot_figure(out, ms * scale);
    ry_buf_adds(out, scale < 1 ? " s" : scale > 1 ? " us" : " ms");
}
