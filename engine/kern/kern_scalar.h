/* What the files of the scalar tier share: sub-init functions, and the constants of the polynomials, which the wide
 * tiers repeat operation by operation. */
#ifndef RYOT_ENGINE_KERN_KERN_SCALAR_H
#define RYOT_ENGINE_KERN_KERN_SCALAR_H

#include <string.h>

#include "engine/kern/kern.h"

/* Norm, rope, softmax, activations: kern_scalar_ops.c. */
void ry_kern_init_scalar_ops(struct ry_kern *k);
void ry_kern_init_scalar_attn(struct ry_kern *k); /* attention, KV elements */
void ry_kern_init_scalar_t2(struct ry_kern *k);
void ry_kern_init_scalar_screen(struct ry_kern *k);

/* exp(x) for x in RY_EXP_LO..RY_EXP_HI: x = k ln 2 + r with k the nearest integer (adding and subtracting
 * 1.5 * 2^23), |r| <= ln(2)/2, ln 2 in two parts (Cody and Waite, Software Manual for the Elementary Functions,
 * chapter 6), then 1 + r + r^2 q(r), q of degree 4 through the Chebyshev nodes of the range, and 2^k by exponent bits.
 * Above HI the value at HI; below LO zero. NaN stays NaN. */
#define RY_EXP_HI     88.37626f
#define RY_EXP_LO     -87.33654f
#define RY_EXP_LOG2E  0x1.715476p+0f
#define RY_EXP_MAGIC  0x1.8p+23f
#define RY_EXP_LN2_HI 0x1.62e400p-1f
#define RY_EXP_LN2_LO 0x1.7f7d1cp-20f
#define RY_EXP_C2     0.5f
#define RY_EXP_C3     0x1.5554dcp-3f
#define RY_EXP_C4     0x1.555518p-5f
#define RY_EXP_C5     0x1.120be2p-7f
#define RY_EXP_C6     0x1.6d117cp-10f

/* tanh(x): below RY_TANH_SMALL the odd polynomial x + x^3 p(x^2), p of degree 4 through Chebyshev nodes; from there
 * 1 - 2 / (exp(2|x|) + 1) with the sign of x. */
#define RY_TANH_SMALL 0.625f
#define RY_TANH_C3    -0x1.555552p-2f
#define RY_TANH_C5    0x1.110e1ap-3f
#define RY_TANH_C7    -0x1.b924e8p-5f
#define RY_TANH_C9    0x1.57fe8ep-6f
#define RY_TANH_C11   -0x1.8f6b04p-8f

/* gelu, tanh form: x * sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3) (Hendrycks and Gimpel, arXiv 1606.08415, since
 * (1 + tanh u) / 2 = sigmoid(2u)): computed as x / (1 + exp(-2u)) with -2u = x * (A + B x^2). */
#define RY_GELU_A -0x1.988454p+0f
#define RY_GELU_B -0x1.2444f2p-4f

/* The largest magnitude, compared as integers: exact in any order, and NaN (above infinity) wins. */
static inline float ry_scalar_abs_max(const float *x, size_t n)
{
    uint32_t best = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, &x[i], sizeof u);
        u &= 0x7fffffff;
        best = u > best ? u : best;
    }
    float f;
    memcpy(&f, &best, sizeof f);
    return f;
}

#endif
