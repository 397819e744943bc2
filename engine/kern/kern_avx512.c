/* AVX-512: the tier's init, and activations, norm, rope, softmax, elementwise functions.
 *
 * Every formula repeats kern_scalar.c and kern_scalar_ops.c operation by operation; 16 virtual lanes are one register,
 * and what does not fill it is masked. Whole registers are stored without a mask: a load that follows a masked store
 * has to wait for the cache. Any thread; allocates nothing. */
#include "engine/kern/kern_avx512.h"

#include <math.h>

#include "engine/kern/kern_scalar.h"

/* ---- activations ------------------------------------------------------------------------------------- */

RY_INLINE __m512i magnitude(__m512 x)
{
    return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff));
}

RY_INLINE float largest(__m512i best)
{
    return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(best))));
}

/* Magnitudes as integers: exact in any order, NaN above everything. */
static float abs_max(const float *x, size_t n)
{
    __m512i a = _mm512_setzero_si512(), b = a;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        a = _mm512_max_epi32(a, magnitude(_mm512_loadu_ps(x + i)));
        b = _mm512_max_epi32(b, magnitude(_mm512_loadu_ps(x + i + 16)));
    }
    for (; i < n; i += 16)
        a = _mm512_max_epi32(a, magnitude(ry_load_16(x + i, n - i)));
    return largest(_mm512_max_epi32(a, b));
}

/* round(x * s) in lo..127 as int32; NaN gives lo. */
RY_INLINE __m512i to_int(__m512 x, __m512 s, __m512 lo)
{
    __m512 v = _mm512_max_ps(_mm512_mul_ps(x, s), lo);
    return _mm512_cvtps_epi32(_mm512_min_ps(v, _mm512_set1_ps(127.0f)));
}

/* 64 values to int8 in order. */
RY_INLINE __m512i quantize_64(const __m512 x[4], __m512 s, __m512 lo)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i a = _mm512_packs_epi32(to_int(x[0], s, lo), to_int(x[1], s, lo));
    __m512i b = _mm512_packs_epi32(to_int(x[2], s, lo), to_int(x[3], s, lo));
    return _mm512_permutexvar_epi32(order, _mm512_packs_epi16(a, b));
}

static void quantize_q8_t(void *dst, const float *x, size_t n)
{
    struct ry_act_head head = {0};
    int8_t *q = (int8_t *)dst + RY_Q8_T_HEAD;
    float m = abs_max(x, n), s = 127.0f / (m < 1e-5f ? 1e-5f : m);
    const __m512 scale = _mm512_set1_ps(s), lo = _mm512_set1_ps(-128.0f);
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i sums = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 64) {
        size_t left = n - i;
        __m512 part[4];
        RY_UNROLL
        for (size_t k = 0; k < 4; k++)
            part[k] = left >= 64      ? _mm512_loadu_ps(x + i + 16 * k)
                      : left > 16 * k ? ry_load_16(x + i + 16 * k, left - 16 * k)
                                      : _mm512_setzero_ps();
        __m512i v = quantize_64(part, scale, lo);
        if (left < 64) /* zeros under a NaN scale, too */
            v = _mm512_maskz_mov_epi8(((__mmask64)1 << left) - 1, v);
        _mm512_storeu_si512(q + i, v);
        sums = ry_dot_4(sums, ones, v);
    }
    head.inv_s = 1.0f / s;
    head.sum = _mm512_reduce_add_epi32(sums);
    _mm512_storeu_si512(dst, _mm512_setzero_si512());
    memcpy(dst, &head, sizeof head);
}

static void quantize_q8_32(void *dst, const float *x, size_t n)
{
    const __m512 lo = _mm512_set1_ps(-127.0f);
    const __m256i ones = _mm256_set1_epi8(1);
    int8_t *q = dst;
    float *d = (float *)((char *)dst + ry_act_pad(n)), *ds = d + n / 32;
    int32_t *sums = (int32_t *)(ds + n / 32);
    memset(q + n, 0, ry_act_pad(n) - n);
    for (size_t b = 0; b < n / 32; b++) {
        __m512 u = _mm512_loadu_ps(x + 32 * b), v = _mm512_loadu_ps(x + 32 * b + 16);
        float m = largest(_mm512_max_epi32(magnitude(u), magnitude(v)));
        bool tiny = m < RY_ACT_TINY;
        __m512 s = _mm512_set1_ps(tiny ? 0.0f : 127.0f / m);
        __m512i w = _mm512_packs_epi32(to_int(u, s, lo), to_int(v, s, lo));
        __m256i bytes = _mm512_cvtepi16_epi8(
            _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), w));
        __m256i fours = _mm256_dpbusd_epi32(_mm256_setzero_si256(), ones, bytes);
        __m128i t =
            _mm_add_epi32(_mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4e));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0xb1));
        _mm256_storeu_si256((__m256i *)(q + 32 * b), bytes);
        d[b] = tiny ? 0.0f : m / 127.0f;
        sums[b] = _mm_cvtsi128_si32(t);
        ds[b] = d[b] * (float)sums[b];
    }
    memset(sums + n / 32, 0, ry_act_bytes(RY_ACT_Q8_32, n) - ry_act_pad(n) - n / 32 * 12);
}

/* Sums of 16 of 128 int8, as int16. */
RY_INLINE __m128i sums_of_16(__m512i a, __m512i b)
{
    const __m512i flip = _mm512_set1_epi8((char)-128), zero = _mm512_setzero_si512();
    const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    const __m512i odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    a = _mm512_sad_epu8(_mm512_xor_si512(a, flip), zero);
    b = _mm512_sad_epu8(_mm512_xor_si512(b, flip), zero);
    __m512i s = _mm512_add_epi64(_mm512_permutex2var_epi64(a, even, b),
                                 _mm512_permutex2var_epi64(a, odd, b));
    return _mm512_cvtepi64_epi16(_mm512_sub_epi64(s, _mm512_set1_epi64(16 * 128)));
}

static void quantize_q8_256(void *dst, const float *x, size_t n)
{
    const __m512 lo = _mm512_set1_ps(-127.0f);
    int8_t *q = dst;
    float *d = (float *)((char *)dst + ry_act_pad(n));
    int16_t *sums = (int16_t *)(d + n / 256);
    for (size_t b = 0; b < n / 256; b++) {
        float m = abs_max(x + 256 * b, 256);
        bool tiny = m < RY_ACT_TINY;
        const __m512 s = _mm512_set1_ps(tiny ? 0.0f : 127.0f / m);
        __m512i v[4];
        RY_UNROLL
        for (size_t k = 0; k < 4; k++) {
            const float *from = x + 256 * b + 64 * k;
            __m512 part[4] = {_mm512_loadu_ps(from), _mm512_loadu_ps(from + 16),
                              _mm512_loadu_ps(from + 32), _mm512_loadu_ps(from + 48)};
            v[k] = quantize_64(part, s, lo);
            _mm512_storeu_si512(q + 256 * b + 64 * k, v[k]);
        }
        _mm_storeu_si128((__m128i *)(sums + 16 * b), sums_of_16(v[0], v[1]));
        _mm_storeu_si128((__m128i *)(sums + 16 * b + 8), sums_of_16(v[2], v[3]));
        d[b] = tiny ? 0.0f : m / 127.0f;
    }
    memset(sums + n / 16, 0, ry_act_bytes(RY_ACT_Q8_256, n) - ry_act_pad(n) - n / 64 - n / 8);
}

/* ---- exp and tanh ------------------------------------------------------------------------------------ */

RY_INLINE __m512 exp_16(__m512 x)
{
    const __m512 lo = _mm512_set1_ps(RY_EXP_LO), magic = _mm512_set1_ps(RY_EXP_MAGIC);
    const __m512 one = _mm512_set1_ps(1.0f);
    __m512 v = _mm512_max_ps(lo, _mm512_min_ps(_mm512_set1_ps(RY_EXP_HI), x));
    __m512 z = _mm512_fmadd_ps(v, _mm512_set1_ps(RY_EXP_LOG2E), magic);
    __m512 k = _mm512_sub_ps(z, magic);
    __m512 r = _mm512_fmadd_ps(k, _mm512_set1_ps(-RY_EXP_LN2_HI), v);
    r = _mm512_fmadd_ps(k, _mm512_set1_ps(-RY_EXP_LN2_LO), r);
    __m512 p = _mm512_set1_ps(RY_EXP_C6);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(RY_EXP_C5));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(RY_EXP_C4));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(RY_EXP_C3));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(RY_EXP_C2));
    p = _mm512_fmadd_ps(p, r, one);
    p = _mm512_fmadd_ps(p, r, one);
    __m512i e = _mm512_sub_epi32(_mm512_castps_si512(z), _mm512_castps_si512(magic));
    e = _mm512_slli_epi32(_mm512_add_epi32(e, _mm512_set1_epi32(127)), 23);
    __mmask16 above = _mm512_cmp_ps_mask(x, lo, _CMP_NLT_UQ);
    return _mm512_maskz_mul_ps(above, p, _mm512_castsi512_ps(e));
}

RY_INLINE __m512 tanh_16(__m512 x)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);
    __m512 a = _mm512_abs_ps(x), x2 = _mm512_mul_ps(x, x);
    __m512 p = _mm512_set1_ps(RY_TANH_C11);
    p = _mm512_fmadd_ps(p, x2, _mm512_set1_ps(RY_TANH_C9));
    p = _mm512_fmadd_ps(p, x2, _mm512_set1_ps(RY_TANH_C7));
    p = _mm512_fmadd_ps(p, x2, _mm512_set1_ps(RY_TANH_C5));
    p = _mm512_fmadd_ps(p, x2, _mm512_set1_ps(RY_TANH_C3));
    __m512 small = _mm512_fmadd_ps(_mm512_mul_ps(x, x2), p, x);
    __m512 t = _mm512_add_ps(exp_16(_mm512_add_ps(a, a)), one);
    t = _mm512_abs_ps(_mm512_sub_ps(one, _mm512_div_ps(_mm512_set1_ps(2.0f), t)));
    __m512 large = _mm512_castsi512_ps(
        _mm512_or_si512(_mm512_castps_si512(t), _mm512_and_si512(sign, _mm512_castps_si512(x))));
    __mmask16 near = _mm512_cmp_ps_mask(a, _mm512_set1_ps(RY_TANH_SMALL), _CMP_LT_OQ);
    return _mm512_mask_blend_ps(near, large, small);
}

/* ---- norm and rope ----------------------------------------------------------------------------------- */

/* Zeros behind the end add nothing to sums of squares: they begin at +0 and stay positive. */
static void rmsnorm(float *y, const float *x, const float *w, size_t n, float eps)
{
    __m512 l = _mm512_setzero_ps();
    size_t i = 0;
    for (; i < n; i += 16) {
        __m512 v = ry_load_16(x + i, n - i);
        l = _mm512_fmadd_ps(v, v, l);
    }
    const __m512 r = _mm512_set1_ps(1.0f / sqrtf(ry_tree_16(l) / (float)n + eps));
    for (i = 0; i < n; i += 16) {
        __m512 v = _mm512_mul_ps(ry_load_16(x + i, n - i), r);
        ry_store_16(y + i, w ? _mm512_mul_ps(v, ry_load_16(w + i, n - i)) : v, n - i);
    }
}

/* Even lanes: fma(x0, c, -(x1 * s)); odd lanes: fma(x0, s, x1 * c). */
static void rope_pairs(float *x, const float *cs, size_t n_rot)
{
    size_t n = n_rot / 2 * 2;
    for (size_t i = 0; i < n; i += 16) {
        __m512 v = ry_load_16(x + i, n - i), f = ry_load_16(cs + i, n - i);
        __m512 x1 = _mm512_mul_ps(_mm512_movehdup_ps(v), _mm512_permute_ps(f, 0xb1));
        ry_store_16(x + i, _mm512_fmaddsub_ps(_mm512_moveldup_ps(v), f, x1), n - i);
    }
}

static void rope_halves(float *x, const float *cs, size_t n_rot)
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    size_t half = n_rot / 2;
    for (size_t i = 0; i < half; i += 16) {
        size_t left = half - i;
        __m512 a = ry_load_16(cs + 2 * i, 2 * left);
        __m512 b = left > 8 ? ry_load_16(cs + 2 * i + 16, 2 * left - 16) : _mm512_setzero_ps();
        __m512 c = _mm512_permutex2var_ps(a, even, b), s = _mm512_permutex2var_ps(a, odd, b);
        __m512 x0 = ry_load_16(x + i, left), x1 = ry_load_16(x + i + half, left);
        ry_store_16(x + i, _mm512_fmsub_ps(x0, c, _mm512_mul_ps(x1, s)), left);
        ry_store_16(x + i + half, _mm512_fmadd_ps(x0, s, _mm512_mul_ps(x1, c)), left);
    }
}

/* ---- softmax ----------------------------------------------------------------------------------------- */

/* max_ps(x, m) is x > m ? x : m, so NaN is passed over. */
static float max_of(const float *x, size_t n)
{
    const __m512 none = _mm512_set1_ps(-INFINITY);
    __m512 best = none;
    for (size_t i = 0; i < n; i += 16)
        best = _mm512_max_ps(_mm512_mask_loadu_ps(none, ry_mask_16(n - i), x + i), best);
    return _mm512_reduce_max_ps(best) + 0.0f;
}

static float exp_sum(float *x, size_t n, float m)
{
    const __m512 mv = _mm512_set1_ps(m);
    __m512 l = _mm512_setzero_ps();
    for (size_t i = 0; i < n; i += 16) {
        __m512 e = exp_16(_mm512_sub_ps(ry_load_16(x + i, n - i), mv));
        ry_store_16(x + i, e, n - i);
        l = _mm512_mask_add_ps(l, ry_mask_16(n - i), l, e);
    }
    return ry_tree_16(l);
}

static void scale(float *y, float s, size_t n)
{
    const __m512 sv = _mm512_set1_ps(s);
    for (size_t i = 0; i < n; i += 16)
        ry_store_16(y + i, _mm512_mul_ps(ry_load_16(y + i, n - i), sv), n - i);
}

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

RY_INLINE __m512 silu(__m512 g)
{
    __m512i minus = _mm512_xor_si512(_mm512_castps_si512(g), _mm512_set1_epi32(INT32_MIN));
    __m512 e = exp_16(_mm512_castsi512_ps(minus));
    return _mm512_div_ps(g, _mm512_add_ps(_mm512_set1_ps(1.0f), e));
}

RY_INLINE __m512 gelu(__m512 g)
{
    __m512 a =
        _mm512_fmadd_ps(_mm512_mul_ps(g, g), _mm512_set1_ps(RY_GELU_B), _mm512_set1_ps(RY_GELU_A));
    __m512 e = exp_16(_mm512_mul_ps(g, a));
    return _mm512_div_ps(g, _mm512_add_ps(_mm512_set1_ps(1.0f), e));
}

RY_INLINE __m512 relu2(__m512 g)
{
    __m512 v = _mm512_max_ps(_mm512_setzero_ps(), g);
    return _mm512_mul_ps(v, v);
}

/* y = f(gate) * up. */
RY_INLINE void gate_mul(float *y, const float *gate, const float *up, size_t n, __m512 (*f)(__m512))
{
    for (size_t i = 0; i < n; i += 16) {
        __m512 g = f(ry_load_16(gate + i, n - i));
        ry_store_16(y + i, _mm512_mul_ps(g, ry_load_16(up + i, n - i)), n - i);
    }
}

static void silu_mul(float *y, const float *gate, const float *up, size_t n)
{
    gate_mul(y, gate, up, n, silu);
}

static void gelu_mul(float *y, const float *gate, const float *up, size_t n)
{
    gate_mul(y, gate, up, n, gelu);
}

static void relu2_mul(float *y, const float *gate, const float *up, size_t n)
{
    gate_mul(y, gate, up, n, relu2);
}

static void add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += 16)
        ry_store_16(y + i, _mm512_add_ps(ry_load_16(y + i, n - i), ry_load_16(x + i, n - i)),
                    n - i);
}

static void softcap(float *x, float cap, size_t n)
{
    const __m512 c = _mm512_set1_ps(cap);
    for (size_t i = 0; i < n; i += 16) {
        __m512 v = tanh_16(_mm512_div_ps(ry_load_16(x + i, n - i), c));
        ry_store_16(x + i, _mm512_mul_ps(c, v), n - i);
    }
}

void ry_kern_init_avx512(struct ry_kern *k)
{
    k->tier = RY_TIER_AVX512;
    k->quantize[RY_ACT_Q8_T] = quantize_q8_t;
    k->quantize[RY_ACT_Q8_32] = quantize_q8_32;
    k->quantize[RY_ACT_Q8_256] = quantize_q8_256;
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
    ry_kern_init_avx512_float(k);
    ry_kern_init_avx512_ternary(k);
    ry_kern_init_avx512_t2(k);
    ry_kern_init_avx512_attn(k);
    ry_kern_init_avx512_x16q(k);
    ry_kern_init_avx512_screen(k);
}
