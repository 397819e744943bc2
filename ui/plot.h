/* Figures as text: sparklines, bars of eighth blocks, grouped numbers. Pure; any thread. */
#ifndef RYOT_UI_PLOT_H
#define RYOT_UI_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"

/* v[0..n) over time, oldest first: one character per value, or, where they are more than `width`,
 * the mean of neighbours, so that the whole time is seen. Eight heights over 0..max (max <= 0: the
 * largest value). What is no number, or below zero, counts as zero. */
void ry_plot_spark(ry_buf *out, const float *v, size_t n, int width, double max, bool ascii);

/* A bar of `share` (clamped to 0..1) of `width` cells, to an eighth of a cell; exactly `width`
 * cells when `track` (then the rest is shaded), else no trailing blanks. */
void ry_plot_bar(ry_buf *out, double share, int width, bool track, bool ascii);

/* 1,204 */
void ry_plot_count(ry_buf *out, uint64_t n);

/* 0 B, 812 B, 1.5 KB, 100 MB, 1.24 GB (powers of 1024, three digits). */
void ry_plot_bytes(ry_buf *out, uint64_t n);

/* 412 ms, 1.24 s, 850 us: three digits, the unit by size. */
void ry_plot_ms(ry_buf *out, double ms);

/* A rate or other figure with three digits: 48.2, 231, 0.52, 1,240. */
void ry_plot_figure(ry_buf *out, double v);

#endif
