/* The scalar tier, part two: norm, rope, softmax, activations.
 *
 * Any thread; allocates nothing; knows no model. */
#include <math.h>
#include <string.h>

#include "engine/kern/kern_scalar.h"

/* Sum of 16 lanes by the fixed tree. */
static float tree(float l[16])
{
    for (int step = 8; step; step /= 2)
        for (int j = 0; j < step; j++)
            l[j] += l[j + step];
    return l[0];
}

/* ---- exp and tanh ------------------------------------------------------------------------------------ */

static int32_t int_bits(float f)
{
    int32_t i;
    memcpy(&i, &f, sizeof i);
    return i;
}

float ry_kern_expf(float x)
{
    float v = RY_EXP_HI < x ? RY_EXP_HI : x; /* NaN passes both clamps */
    v = RY_EXP_LO > v ? RY_EXP_LO : v;
    float z = fmaf(v, RY_EXP_LOG2E, RY_EXP_MAGIC), k = z - RY_EXP_MAGIC;
    float r = fmaf(k, -RY_EXP_LN2_HI, v);
    r = fmaf(k, -RY_EXP_LN2_LO, r);
    float p = RY_EXP_C6;
    p = fmaf(p, r, RY_EXP_C5);
    p = fmaf(p, r, RY_EXP_C4);
    p = fmaf(p, r, RY_EXP_C3);
    p = fmaf(p, r, RY_EXP_C2);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    uint32_t e = ((uint32_t)int_bits(z) - (uint32_t)int_bits(RY_EXP_MAGIC) + 127) << 23;
    float scale;
    memcpy(&scale, &e, sizeof scale);
    return x < RY_EXP_LO ? 0.0f : p * scale;
}

float ry_kern_tanhf(float x)
{
    float a = fabsf(x), x2 = x * x;
    float p = RY_TANH_C11;
    p = fmaf(p, x2, RY_TANH_C9);
    p = fmaf(p, x2, RY_TANH_C7);
    p = fmaf(p, x2, RY_TANH_C5);
    p = fmaf(p, x2, RY_TANH_C3);
    float small = fmaf(x * x2, p, x);
    float large = copysignf(1.0f - 2.0f / (ry_kern_expf(a + a) + 1.0f), x);
    return a < RY_TANH_SMALL ? small : large;
}

/* ---- norm and rope ----------------------------------------------------------------------------------- */

/* l = fmaf(x, x, l); r = 1 / sqrt(tree / n + eps); y = (x * r) * w. */
static void rmsnorm(float *y, const float *x, const float *w, size_t n, float eps)
{
    float l[16] = {0};
    for (size_t i = 0; i < n; i++)
        l[i % 16] = fmaf(x[i], x[i], l[i % 16]);
    float r = 1.0f / sqrtf(tree(l) / (float)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = w ? x[i] * r * w[i] : x[i] * r;
}

static void rotate(float *x0, float *x1, float c, float s)
{
    float a = *x0, b = *x1;
    *x0 = fmaf(a, c, -(b * s));
    *x1 = fmaf(a, s, b * c);
}

static void rope_pairs(float *x, const float *cs, size_t n_rot)
{
    for (size_t i = 0; i + 1 < n_rot; i += 2)
        rotate(&x[i], &x[i + 1], cs[i], cs[i + 1]);
}

static void rope_halves(float *x, const float *cs, size_t n_rot)
{
    size_t half = n_rot / 2;
    for (size_t i = 0; i < half; i++)
        rotate(&x[i], &x[i + half], cs[2 * i], cs[2 * i + 1]);
}

/* ---- softmax ----------------------------------------------------------------------------------------- */

static float max_of(const float *x, size_t n)
{
    float m = -INFINITY;
    for (size_t i = 0; i < n; i++)
        m = x[i] > m ? x[i] : m;
    return m + 0.0f; /* one zero, whichever came first */
}

static float exp_sum(float *x, size_t n, float m)
{
    float l[16] = {0};
    for (size_t i = 0; i < n; i++) {
        x[i] = ry_kern_expf(x[i] - m);
        l[i % 16] += x[i];
    }
    return tree(l);
}

static void scale(float *y, float s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= s;
}

/* e = exp(x - max), sum by lanes and tree, then e * (1 / sum). NaN anywhere makes every entry NaN, unless nothing but
 * -INFINITY stands beside it. */
static void softmax(float *x, size_t n)
{
    float m = max_of(x, n);
    if (m == -INFINITY) {
        memset(x, 0, n * sizeof *x);
        return;
    }
    scale(x, 1.0f / exp_sum(x, n, m), n);
}

/* ---- elementwise ------------------------------------------------------------------------------------- */

static void silu_mul(float *y, const float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = gate[i] / (1.0f + ry_kern_expf(-gate[i])) * up[i];
}

static void gelu_mul(float *y, const float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float g = gate[i], a = fmaf(g * g, RY_GELU_B, RY_GELU_A);
        y[i] = g / (1.0f + ry_kern_expf(g * a)) * up[i];
    }
}

static void relu2_mul(float *y, const float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float g = 0.0f > gate[i] ? 0.0f : gate[i];
        y[i] = g * g * up[i];
    }
}

static void add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void softcap(float *x, float cap, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = cap * ry_kern_tanhf(x[i] / cap);
}

void ry_kern_init_scalar_ops(struct ry_kern *k)
{
    k->rmsnorm = rmsnorm;
    k->rope_pairs = rope_pairs;
    k->rope_halves = rope_halves;
    k->softmax = softmax;
    k->max_of = max_of;
    k->exp_sum = exp_sum;
    k->silu_mul = silu_mul;
    k->gelu_mul = gelu_mul;
    k->relu2_mul = relu2_mul;
    k->add = add;
    k->scale = scale;
    k->softcap = softcap;
}
