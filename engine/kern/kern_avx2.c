/* AVX2: the tier's init, and activations, norm, rope, softmax, elementwise functions.
 *
 * Every formula repeats kern_scalar.c and kern_scalar_ops.c operation by operation; what does not fill a vector goes
 * through a padded one. Any thread; allocates nothing. */
#include "engine/kern/kern_avx2.h"

#include "engine/kern/kern_scalar.h"

/* The last n < 8 floats, zeros behind them. */
RY_INLINE __m256 load_part(const float *x, size_t n)
{
    float v[8] = {0};
    memcpy(v, x, n * sizeof *x);
    return _mm256_loadu_ps(v);
}

RY_INLINE void store_part(float *y, __m256 v, size_t n)
{
    float lanes[8];
    _mm256_storeu_ps(lanes, v);
    memcpy(y, lanes, n * sizeof *y);
}

/* ---- activations ------------------------------------------------------------------------------------- */

/* Magnitudes as integers: exact in any order, NaN above everything. */
static float abs_max(const float *x, size_t n)
{
    const __m256i mask = _mm256_set1_epi32(0x7fffffff);
    __m256i best = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        best = _mm256_max_epi32(best, _mm256_and_si256(ry_load_256(x + i), mask));
    if (i < n)
        best = _mm256_max_epi32(
            best, _mm256_and_si256(_mm256_castps_si256(load_part(x + i, n - i)), mask));
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(best), _mm256_extracti128_si256(best, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
    return _mm_cvtss_f32(_mm_castsi128_ps(m));
}

/* round(x * s) in lo..127 as int32; NaN gives lo. */
RY_INLINE __m256i to_int(__m256 x, __m256 s, __m256 lo)
{
    __m256 v = _mm256_max_ps(_mm256_mul_ps(x, s), lo);
    return _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(127.0f)));
}

/* 32 values to int8 in order. */
RY_INLINE __m256i quantize_32(const float *x, __m256 s, __m256 lo)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i a = to_int(_mm256_loadu_ps(x), s, lo), b = to_int(_mm256_loadu_ps(x + 8), s, lo);
    __m256i c = to_int(_mm256_loadu_ps(x + 16), s, lo), d = to_int(_mm256_loadu_ps(x + 24), s, lo);
    __m256i v = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
    return _mm256_permutevar8x32_epi32(v, order);
}

/* Sums of the four runs of eight int8, as int64. */
RY_INLINE __m256i sums_of_8(__m256i q)
{
    __m256i u = _mm256_xor_si256(q, _mm256_set1_epi8((char)-128));
    return _mm256_sub_epi64(_mm256_sad_epu8(u, _mm256_setzero_si256()),
                            _mm256_set1_epi64x(8 * 128));
}

RY_INLINE int32_t sum_of_32(__m256i q)
{
    __m256i s = sums_of_8(q);
    __m128i t = _mm_add_epi64(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    return _mm_cvtsi128_si32(_mm_add_epi64(t, _mm_unpackhi_epi64(t, t)));
}

static void quantize_q8_t(void *dst, const float *x, size_t n)
{
    struct ry_act_head head = {0};
    int8_t *q = (int8_t *)dst + RY_Q8_T_HEAD;
    float m = abs_max(x, n), s = 127.0f / (m < 1e-5f ? 1e-5f : m);
    const __m256 scale = _mm256_set1_ps(s), lo = _mm256_set1_ps(-128.0f);
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i += 32) {
        float part[32] = {0};
        const float *src = x + i;
        if (n - i < 32)
            src = memcpy(part, x + i, (n - i) * sizeof *x);
        __m256i v = quantize_32(src, scale, lo);
        _mm256_storeu_si256((__m256i *)(q + i), v);
        sum += (uint32_t)sum_of_32(v);
    }
    for (size_t i = n; i % 32; i++) /* padding under a NaN scale */
        sum -= (uint32_t)q[i];
    memset(q + n, 0, ry_act_pad(n) - n);
    head.inv_s = 1.0f / s;
    head.sum = (int32_t)sum;
    memset(dst, 0, RY_Q8_T_HEAD);
    memcpy(dst, &head, sizeof head);
}

/* m / 127 of a block, its q to dst; zeros when m < RY_ACT_TINY. */
RY_INLINE float quantize_block(int8_t *dst, const float *x, size_t n)
{
    float m = abs_max(x, n);
    if (m < RY_ACT_TINY) {
        memset(dst, 0, n);
        return 0.0f;
    }
    const __m256 s = _mm256_set1_ps(127.0f / m), lo = _mm256_set1_ps(-127.0f);
    for (size_t i = 0; i < n; i += 32)
        _mm256_storeu_si256((__m256i *)(dst + i), quantize_32(x + i, s, lo));
    return m / 127.0f;
}

static void quantize_q8_32(void *dst, const float *x, size_t n)
{
    int8_t *q = dst;
    float *d = (float *)((char *)dst + ry_act_pad(n)), *ds = d + n / 32;
    int32_t *sums = (int32_t *)(ds + n / 32);
    memset(q + n, 0, ry_act_pad(n) - n);
    for (size_t b = 0; b < n / 32; b++) {
        d[b] = quantize_block(q + 32 * b, x + 32 * b, 32);
        sums[b] = sum_of_32(ry_load_256(q + 32 * b));
        ds[b] = d[b] * (float)sums[b];
    }
    memset(sums + n / 32, 0, ry_act_bytes(RY_ACT_Q8_32, n) - ry_act_pad(n) - n / 32 * 12);
}

static void quantize_q8_256(void *dst, const float *x, size_t n)
{
    int8_t *q = dst;
    float *d = (float *)((char *)dst + ry_act_pad(n));
    int16_t *sums = (int16_t *)(d + n / 256);
    for (size_t b = 0; b < n / 256; b++)
        d[b] = quantize_block(q + 256 * b, x + 256 * b, 256);
    for (size_t i = 0; i < n; i += 32) {
        __m256i s = sums_of_8(ry_load_256(q + i));
        s = _mm256_add_epi64(s, _mm256_unpackhi_epi64(s, s));
        sums[i / 16] = (int16_t)_mm256_extract_epi64(s, 0);
        sums[i / 16 + 1] = (int16_t)_mm256_extract_epi64(s, 2);
    }
    memset(sums + n / 16, 0, ry_act_bytes(RY_ACT_Q8_256, n) - ry_act_pad(n) - n / 64 - n / 8);
}

/* ---- exp and tanh ------------------------------------------------------------------------------------ */

RY_INLINE __m256 exp_8(__m256 x)
{
    const __m256 lo = _mm256_set1_ps(RY_EXP_LO), magic = _mm256_set1_ps(RY_EXP_MAGIC);
    const __m256 one = _mm256_set1_ps(1.0f);
    __m256 v = _mm256_max_ps(lo, _mm256_min_ps(_mm256_set1_ps(RY_EXP_HI), x));
    __m256 z = _mm256_fmadd_ps(v, _mm256_set1_ps(RY_EXP_LOG2E), magic);
    __m256 k = _mm256_sub_ps(z, magic);
    __m256 r = _mm256_fmadd_ps(k, _mm256_set1_ps(-RY_EXP_LN2_HI), v);
    r = _mm256_fmadd_ps(k, _mm256_set1_ps(-RY_EXP_LN2_LO), r);
    __m256 p = _mm256_set1_ps(RY_EXP_C6);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(RY_EXP_C5));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(RY_EXP_C4));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(RY_EXP_C3));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(RY_EXP_C2));
    p = _mm256_fmadd_ps(p, r, one);
    p = _mm256_fmadd_ps(p, r, one);
    __m256i e = _mm256_sub_epi32(_mm256_castps_si256(z), _mm256_castps_si256(magic));
    e = _mm256_slli_epi32(_mm256_add_epi32(e, _mm256_set1_epi32(127)), 23);
    p = _mm256_mul_ps(p, _mm256_castsi256_ps(e));
    return _mm256_andnot_ps(_mm256_cmp_ps(x, lo, _CMP_LT_OQ), p);
}

RY_INLINE __m256 tanh_8(__m256 x)
{
    const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f);
    __m256 a = _mm256_andnot_ps(sign, x), x2 = _mm256_mul_ps(x, x);
    __m256 p = _mm256_set1_ps(RY_TANH_C11);
    p = _mm256_fmadd_ps(p, x2, _mm256_set1_ps(RY_TANH_C9));
    p = _mm256_fmadd_ps(p, x2, _mm256_set1_ps(RY_TANH_C7));
    p = _mm256_fmadd_ps(p, x2, _mm256_set1_ps(RY_TANH_C5));
    p = _mm256_fmadd_ps(p, x2, _mm256_set1_ps(RY_TANH_C3));
    __m256 small = _mm256_fmadd_ps(_mm256_mul_ps(x, x2), p, x);
    __m256 t = _mm256_add_ps(exp_8(_mm256_add_ps(a, a)), one);
    t = _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2.0f), t));
    __m256 large = _mm256_or_ps(_mm256_andnot_ps(sign, t), _mm256_and_ps(sign, x));
    __m256 near = _mm256_cmp_ps(a, _mm256_set1_ps(RY_TANH_SMALL), _CMP_LT_OQ);
    return _mm256_blendv_ps(large, small, near);
}

/* ---- norm and rope ----------------------------------------------------------------------------------- */

/* Zeros in the padding add nothing to sums of squares: they begin at +0 and stay positive. */
static void rmsnorm(float *y, const float *x, const float *w, size_t n, float eps)
{
    __m256 l[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + i + 8);
        l[0] = _mm256_fmadd_ps(a, a, l[0]);
        l[1] = _mm256_fmadd_ps(b, b, l[1]);
    }
    for (int k = 0; i < n; i += 8, k++) {
        __m256 a = n - i >= 8 ? _mm256_loadu_ps(x + i) : load_part(x + i, n - i);
        l[k] = _mm256_fmadd_ps(a, a, l[k]);
    }
    float r = 1.0f / sqrtf(ry_tree(l[0], l[1]) / (float)n + eps);
    const __m256 rv = _mm256_set1_ps(r);
    for (i = 0; i + 8 <= n; i += 8) {
        __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x + i), rv);
        _mm256_storeu_ps(y + i, w ? _mm256_mul_ps(v, _mm256_loadu_ps(w + i)) : v);
    }
    for (; i < n; i++)
        y[i] = w ? x[i] * r * w[i] : x[i] * r;
}

static void rotate(float *x0, float *x1, float c, float s)
{
    float a = *x0, b = *x1;
    *x0 = fmaf(a, c, -(b * s));
    *x1 = fmaf(a, s, b * c);
}

/* Even lanes: fma(x0, c, -(x1 * s)); odd lanes: fma(x0, s, x1 * c). */
static void rope_pairs(float *x, const float *cs, size_t n_rot)
{
    size_t i = 0;
    for (; i + 8 <= n_rot; i += 8) {
        __m256 v = _mm256_loadu_ps(x + i), f = _mm256_loadu_ps(cs + i);
        __m256 x1 = _mm256_mul_ps(_mm256_movehdup_ps(v), _mm256_permute_ps(f, 0xb1));
        _mm256_storeu_ps(x + i, _mm256_fmaddsub_ps(_mm256_moveldup_ps(v), f, x1));
    }
    for (; i + 1 < n_rot; i += 2)
        rotate(&x[i], &x[i + 1], cs[i], cs[i + 1]);
}

static void rope_halves(float *x, const float *cs, size_t n_rot)
{
    size_t half = n_rot / 2, i = 0;
    for (; i + 8 <= half; i += 8) {
        __m256 a = _mm256_loadu_ps(cs + 2 * i), b = _mm256_loadu_ps(cs + 2 * i + 8);
        __m256 t = _mm256_permute2f128_ps(a, b, 0x20), u = _mm256_permute2f128_ps(a, b, 0x31);
        __m256 c = _mm256_shuffle_ps(t, u, 0x88), s = _mm256_shuffle_ps(t, u, 0xdd);
        __m256 x0 = _mm256_loadu_ps(x + i), x1 = _mm256_loadu_ps(x + i + half);
        _mm256_storeu_ps(x + i, _mm256_fmsub_ps(x0, c, _mm256_mul_ps(x1, s)));
        _mm256_storeu_ps(x + i + half, _mm256_fmadd_ps(x0, s, _mm256_mul_ps(x1, c)));
    }
    for (; i < half; i++)
        rotate(&x[i], &x[i + half], cs[2 * i], cs[2 * i + 1]);
}

/* ---- softmax ----------------------------------------------------------------------------------------- */

/* max_ps(x, m) is x > m ? x : m, so NaN is passed over. */
static float max_of(const float *x, size_t n)
{
    float m = -INFINITY;
    size_t i = 0;
    if (n >= 8) {
        __m256 best = _mm256_set1_ps(m);
        for (; i + 8 <= n; i += 8)
            best = _mm256_max_ps(_mm256_loadu_ps(x + i), best);
        __m128 b = _mm_max_ps(_mm256_castps256_ps128(best), _mm256_extractf128_ps(best, 1));
        b = _mm_max_ps(b, _mm_movehl_ps(b, b));
        m = _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
    }
    for (; i < n; i++)
        m = x[i] > m ? x[i] : m;
    return m + 0.0f;
}

/* Zeros added to lanes that hold sums of exponentials change nothing. */
static float exp_sum(float *x, size_t n, float m)
{
    const __m256 mv = _mm256_set1_ps(m);
    __m256 l[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        RY_UNROLL
        for (int k = 0; k < 2; k++) {
            __m256 e = exp_8(_mm256_sub_ps(_mm256_loadu_ps(x + i + 8 * k), mv));
            _mm256_storeu_ps(x + i + 8 * k, e);
            l[k] = _mm256_add_ps(l[k], e);
        }
    }
    for (int k = 0; i < n; i += 8, k++) {
        size_t part = n - i < 8 ? n - i : 8;
        __m256 e = exp_8(_mm256_sub_ps(load_part(x + i, part), mv));
        store_part(x + i, e, part);
        l[k] = _mm256_add_ps(l[k], load_part(x + i, part));
    }
    return ry_tree(l[0], l[1]);
}

static void scale(float *y, float s, size_t n)
{
    const __m256 sv = _mm256_set1_ps(s);
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_loadu_ps(y + i), sv));
    for (; i < n; i++)
        y[i] *= s;
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

RY_INLINE __m256 silu(__m256 g)
{
    __m256 e = exp_8(_mm256_xor_ps(g, _mm256_set1_ps(-0.0f)));
    return _mm256_div_ps(g, _mm256_add_ps(_mm256_set1_ps(1.0f), e));
}

RY_INLINE __m256 gelu(__m256 g)
{
    __m256 a =
        _mm256_fmadd_ps(_mm256_mul_ps(g, g), _mm256_set1_ps(RY_GELU_B), _mm256_set1_ps(RY_GELU_A));
    __m256 e = exp_8(_mm256_mul_ps(g, a));
    return _mm256_div_ps(g, _mm256_add_ps(_mm256_set1_ps(1.0f), e));
}

RY_INLINE __m256 relu2(__m256 g)
{
    __m256 v = _mm256_max_ps(_mm256_setzero_ps(), g);
    return _mm256_mul_ps(v, v);
}

/* y = f(gate) * up. */
RY_INLINE void gate_mul(float *y, const float *gate, const float *up, size_t n, __m256 (*f)(__m256))
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i,
                         _mm256_mul_ps(f(_mm256_loadu_ps(gate + i)), _mm256_loadu_ps(up + i)));
    if (i < n)
        store_part(y + i, _mm256_mul_ps(f(load_part(gate + i, n - i)), load_part(up + i, n - i)),
                   n - i);
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
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(y + i), _mm256_loadu_ps(x + i)));
    for (; i < n; i++)
        y[i] += x[i];
}

static void softcap(float *x, float cap, size_t n)
{
    const __m256 c = _mm256_set1_ps(cap);
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, _mm256_mul_ps(c, tanh_8(_mm256_div_ps(_mm256_loadu_ps(x + i), c))));
    if (i < n)
        store_part(x + i, _mm256_mul_ps(c, tanh_8(_mm256_div_ps(load_part(x + i, n - i), c))),
                   n - i);
}

void ry_kern_init_avx2(struct ry_kern *k)
{
    k->tier = RY_TIER_AVX2;
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
    ry_kern_init_avx2_float(k);
    ry_kern_init_avx2_attn(k);
    ry_kern_init_avx2_q32(k);
    ry_kern_init_avx2_k(k);
    ry_kern_init_avx2_ternary(k);
    ry_kern_init_avx2_t2(k);
    ry_kern_init_avx2_x16q(k);
    ry_kern_init_avx2_screen(k);
}
