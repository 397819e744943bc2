/* The scalar tier: rows of bytes that stand for a matrix of floats (struct ry_screen_rows). Any thread; allocates nothing. */
#include <math.h>

#include "engine/kern/kern_scalar.h"
#include "engine/kern/x16.h"

static int32_t dot_row(const int8_t *codes, const int8_t *x, size_t n_lines)
{
    int32_t sum = 0;
    for (size_t c = 0; c < n_lines; c++, codes += RY_X16_LINE, x += 4)
        for (int i = 0; i < 4; i++)
            sum += codes[i] * x[i];
    return sum;
}

static void screen(float *y, const struct ry_screen_rows *w, size_t row0, size_t row1,
                   const struct ry_screen_x *x, size_t prefetch)
{
    (void)prefetch;
    for (size_t r = row0; r < row1; r++) {
        const int8_t *codes =
            w->codes + r / RY_X16_ROWS * w->n_lines * RY_X16_LINE + r % RY_X16_ROWS * 4;
        float high = (float)dot_row(codes, x->high, w->n_lines);
        float low = (float)dot_row(codes, x->low, w->n_lines);
        y[r - row0] = w->scale[r] * fmaf(x->s_low, low, x->s_high * high);
    }
}

void ry_kern_init_scalar_screen(struct ry_kern *k)
{
    k->screen = screen;
}
