/* AVX2: ternary matrices (TQ1_0, TQ2_0, I2_S) times Q8_T activations.
 *
 * Codes are used unsigned, 0..2 (3 in a hostile file), so that vpmaddubsw is exact even for -128; what that adds, the
 * sum of q, is taken away once at the end. A pair of products is at most 3 * 128 * 2 = 768, so int16 holds 42 of them;
 * 256 weights give 8 a lane, and lanes are widened every FLUSH = 5 such blocks.
 * Whole-row sums are exact, so their order is free. Any thread; allocates nothing. */
#include "engine/kern/kern_avx2.h"

enum { FLUSH = 5, TILE = 8 };

/* A format as the drivers see it; always a compile-time constant. A step is 256 weights. */
struct layout {
    size_t step_bytes, d_at; /* d_at 0: no scales in the blocks, always uniform */
    __m256i (*dot)(const uint8_t *p, const int8_t *x); /* 16 words, 8 pairs each */
    void (*codes)(__m256i u[8], const uint8_t *p); /* 32 codes each, in the order of the columns */
    __m256i (*dot_half)(const uint8_t *p, const int8_t *x); /* the last 128 of I2_S; NULL: none */
};

/* ---- two bits a weight ------------------------------------------------------------------------------- */

/* 32 bytes, four codes each; field s belongs to columns 32s.. (TQ2_0) or 32(3 - s).. (I2_S). */
RY_INLINE void fields(__m256i u[4], const uint8_t *p, bool reversed)
{
    const __m256i three = _mm256_set1_epi8(3);
    __m256i v = ry_load_256(p);
    RY_UNROLL
    for (int s = 0; s < 4; s++)
        u[reversed ? 3 - s : s] = _mm256_and_si256(_mm256_srli_epi16(v, 2 * s), three);
}

/* Fields 1 and 3 are left in place, four times too large: one shift instead of three. *ones and *fours take the sums
 * of the two kinds; 256 weights give at most 4 * 768 and 4 * 3,072. */
RY_INLINE void dot_fields(__m256i *ones, __m256i *fours, const uint8_t *p, const int8_t *x,
                          bool reversed)
{
    const __m256i low = _mm256_set1_epi8(3), high = _mm256_set1_epi8(12);
    const int8_t *x0 = x + (reversed ? 96 : 0), *x1 = x + (reversed ? 64 : 32);
    const int8_t *x2 = x + (reversed ? 32 : 64), *x3 = x + (reversed ? 0 : 96);
    __m256i v = ry_load_256(p), w = _mm256_srli_epi16(v, 4);
    __m256i a = _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_and_si256(v, low), ry_load_256(x0)),
                                 _mm256_maddubs_epi16(_mm256_and_si256(w, low), ry_load_256(x2)));
    __m256i b = _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_and_si256(v, high), ry_load_256(x1)),
                                 _mm256_maddubs_epi16(_mm256_and_si256(w, high), ry_load_256(x3)));
    *ones = _mm256_add_epi16(*ones, a);
    *fours = _mm256_add_epi16(*fours, b);
}

/* `n` runs of 128 weights, 32 bytes each. */
RY_INLINE __m256i dot_two_bits(const uint8_t *p, const int8_t *x, int n, bool reversed)
{
    __m256i ones = _mm256_setzero_si256(), fours = ones;
    RY_UNROLL
    for (int i = 0; i < n; i++)
        dot_fields(&ones, &fours, p + 32 * i, x + 128 * i, reversed);
    return _mm256_add_epi16(ones, _mm256_srai_epi16(fours, 2));
}

RY_INLINE __m256i dot_tq2_0(const uint8_t *p, const int8_t *x)
{
    return dot_two_bits(p, x, 2, false);
}

RY_INLINE void codes_tq2_0(__m256i u[8], const uint8_t *p)
{
    fields(u, p, false);
    fields(u + 4, p + 32, false);
}

RY_INLINE __m256i dot_i2_s(const uint8_t *p, const int8_t *x)
{
    return dot_two_bits(p, x, 2, true);
}

RY_INLINE void codes_i2_s(__m256i u[8], const uint8_t *p)
{
    fields(u, p, true);
    fields(u + 4, p + 32, true);
}

RY_INLINE __m256i dot_half_i2_s(const uint8_t *p, const int8_t *x)
{
    return dot_two_bits(p, x, 1, true);
}

/* ---- five trits a byte ------------------------------------------------------------------------------- */

/* Bytes times 3 modulo 256; bytes flipped at 128 stay so, since 3 * 128 = 128 modulo 256. */
RY_INLINE __m256i times_3(__m256i v)
{
    return _mm256_add_epi8(v, _mm256_add_epi8(v, v));
}

/* The top trit, byte * 3 >> 8: how many of 86 and 171 a byte reaches. v is flipped at 128 for the signed comparison. */
RY_INLINE __m256i top_trit(__m256i v)
{
    __m256i c = _mm256_add_epi8(_mm256_cmpgt_epi8(v, _mm256_set1_epi8(85 - 128)),
                                _mm256_cmpgt_epi8(v, _mm256_set1_epi8(170 - 128)));
    return _mm256_abs_epi8(c);
}

/* The four bytes at p (flipped), times 1, 3, 9 and 27. */
RY_INLINE __m128i last_digits(const uint8_t *p)
{
    const __m256i powers = _mm256_setr_epi16(1, 1, 1, 1, 3, 3, 3, 3, 9, 9, 9, 9, 27, 27, 27, 27);
    __m256i v = _mm256_cvtepu8_epi16(_mm_set1_epi32((int)(ry_load_u32(p) ^ 0x80808080u)));
    v = _mm256_and_si256(_mm256_mullo_epi16(v, powers), _mm256_set1_epi16(255));
    return _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

/* 32 bytes give columns 0..159, 16 bytes 160..239, 4 bytes 240..255. */
RY_INLINE void codes_tq1_0(__m256i u[8], const uint8_t *p)
{
    const __m256i flip = _mm256_set1_epi8((char)-128);
    __m256i v = _mm256_xor_si256(ry_load_256(p), flip);
    RY_UNROLL
    for (int i = 0; i < 5; i++) {
        u[i] = top_trit(v);
        v = times_3(v);
    }
    __m256i w0 = _mm256_xor_si256(
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(p + 32))), flip);
    __m256i w1 = times_3(w0), w = _mm256_blend_epi32(w0, w1, 0xf0);
    u[5] = top_trit(w);
    w = times_3(times_3(w));
    u[6] = top_trit(w);
    w = times_3(times_3(w));
    u[7] = top_trit(_mm256_inserti128_si256(w, last_digits(p + 48), 1));
}

RY_INLINE __m256i dot_codes(const __m256i u[8], const int8_t *x)
{
    __m256i v[8];
    RY_UNROLL
    for (int i = 0; i < 8; i++)
        v[i] = _mm256_maddubs_epi16(u[i], ry_load_256(x + 32 * i));
    RY_UNROLL
    for (int i = 0; i < 4; i++)
        v[i] = _mm256_add_epi16(v[i], v[i + 4]);
    return _mm256_add_epi16(_mm256_add_epi16(v[0], v[1]), _mm256_add_epi16(v[2], v[3]));
}

RY_INLINE __m256i dot_tq1_0(const uint8_t *p, const int8_t *x)
{
    __m256i u[8];
    codes_tq1_0(u, p);
    return dot_codes(u, x);
}

static const struct layout tq1_0 = {54, 52, dot_tq1_0, codes_tq1_0, NULL};
static const struct layout tq2_0 = {66, 64, dot_tq2_0, codes_tq2_0, NULL};
static const struct layout i2_s = {64, 0, dot_i2_s, codes_i2_s, dot_half_i2_s};

/* ---- one token --------------------------------------------------------------------------------------- */

RY_INLINE __m256i widen(__m256i words)
{
    return _mm256_madd_epi16(words, _mm256_set1_epi16(1));
}

/* Eight int32 whose sum is the row's. */
RY_INLINE __m256i dot_row(const uint8_t *p, const int8_t *x, size_t n, size_t prefetch,
                          const struct layout *f)
{
    __m256i sums = _mm256_setzero_si256();
    size_t n_steps = n / 256;
    for (size_t s0 = 0; s0 < n_steps; s0 += FLUSH) {
        size_t s1 = s0 + FLUSH < n_steps ? s0 + FLUSH : n_steps;
        __m256i words = _mm256_setzero_si256();
        for (size_t s = s0; s < s1; s++) {
            ry_ask_ahead(p + s * f->step_bytes, f->step_bytes, prefetch);
            words = _mm256_add_epi16(words, f->dot(p + s * f->step_bytes, x + 256 * s));
        }
        sums = _mm256_add_epi32(sums, widen(words));
    }
    if (f->dot_half && n % 256)
        sums = _mm256_add_epi32(sums,
                                widen(f->dot_half(p + n_steps * f->step_bytes, x + 256 * n_steps)));
    return sums;
}

/* y = (scale * inv_s) * (float)(sum - sum of q). */
RY_INLINE __m256 finish_uniform(const __m256i rows[RY_GROUP], const struct ry_wmat *w,
                                const struct ry_act_head *head)
{
    __m256i sums = _mm256_sub_epi32(ry_reduce_rows(rows), _mm256_set1_epi32(head->sum));
    return _mm256_mul_ps(_mm256_set1_ps(w->scale * head->inv_s), _mm256_cvtepi32_ps(sums));
}

RY_INLINE int32_t sum_256(const int8_t *x)
{
    __m256i s = _mm256_setzero_si256();
    RY_UNROLL
    for (int i = 0; i < 8; i++)
        s = _mm256_add_epi16(s, _mm256_maddubs_epi16(_mm256_set1_epi8(1), ry_load_256(x + 32 * i)));
    s = widen(s);
    __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4e));
    t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0xb1));
    return _mm_cvtsi128_si32(t);
}

/* Blocks with scales of their own: acc = fmaf(d, (float)block sum, acc), then acc * inv_s. */
RY_INLINE __m256 dot_scaled(const uint8_t *const p[RY_GROUP], const void *act, size_t n,
                            const struct layout *f)
{
    const int8_t *x = ry_act_q8_t(act);
    __m256 acc = _mm256_setzero_ps();
    for (size_t b = 0; b < n / 256; b++) {
        __m256i v[RY_GROUP];
        RY_UNROLL
        for (int i = 0; i < RY_GROUP; i++)
            v[i] = widen(f->dot(p[i] + b * f->step_bytes, x + 256 * b));
        __m256i sums = _mm256_sub_epi32(ry_reduce_rows(v), _mm256_set1_epi32(sum_256(x + 256 * b)));
        acc = _mm256_fmadd_ps(ry_gather_f16(p, b * f->step_bytes + f->d_at),
                              _mm256_cvtepi32_ps(sums), acc);
    }
    return _mm256_mul_ps(acc, _mm256_set1_ps(((const struct ry_act_head *)act)->inv_s));
}

RY_INLINE void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                      size_t prefetch, const struct layout *f)
{
    const uint8_t *p[RY_GROUP];
    for (size_t r = row0; r < row1; r += RY_GROUP) {
        ry_group_rows(p, w, r, row1);
        __m256 out;
        if (w->uniform || !f->d_at) {
            __m256i v[RY_GROUP];
            for (int i = 0; i < RY_GROUP; i++)
                v[i] = dot_row(p[i], ry_act_q8_t(act), w->n_cols, prefetch, f);
            out = finish_uniform(v, w, act);
        } else {
            out = dot_scaled(p, act, w->n_cols, f);
        }
        ry_store_rows(y + (r - row0), out, row1 - r);
    }
}

/* ---- many tokens ------------------------------------------------------------------------------------- */

/* One row times nt tokens, its codes decoded once: sums[t] as dot_row gives them. */
RY_INLINE void dot_row_tile(__m256i sums[TILE], const uint8_t *p, const char *act, size_t stride,
                            size_t nt, size_t n, const struct layout *f)
{
    size_t n_steps = n / 256;
    for (size_t t = 0; t < nt; t++)
        sums[t] = _mm256_setzero_si256();
    for (size_t s0 = 0; s0 < n_steps; s0 += FLUSH) {
        size_t s1 = s0 + FLUSH < n_steps ? s0 + FLUSH : n_steps;
        __m256i words[TILE] = {0};
        for (size_t s = s0; s < s1; s++) {
            __m256i u[8];
            f->codes(u, p + s * f->step_bytes);
            for (size_t t = 0; t < nt; t++)
                words[t] = _mm256_add_epi16(words[t],
                                            dot_codes(u, ry_act_q8_t(act + t * stride) + 256 * s));
        }
        for (size_t t = 0; t < nt; t++)
            sums[t] = _mm256_add_epi32(sums[t], widen(words[t]));
    }
    if (f->dot_half && n % 256)
        for (size_t t = 0; t < nt; t++)
            sums[t] = _mm256_add_epi32(
                sums[t], widen(f->dot_half(p + n_steps * f->step_bytes,
                                           ry_act_q8_t(act + t * stride) + 256 * n_steps)));
}

RY_INLINE void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                      const void *act, size_t act_stride, size_t n_tok, const struct layout *f)
{
    const uint8_t *p[RY_GROUP];
    for (size_t t0 = 0; t0 < n_tok; t0 += TILE) {
        size_t nt = n_tok - t0 < TILE ? n_tok - t0 : TILE;
        const char *tile = (const char *)act + t0 * act_stride;
        for (size_t r = row0; r < row1; r += RY_GROUP) {
            ry_group_rows(p, w, r, row1);
            __m256i sums[TILE], by_token[TILE][RY_GROUP];
            for (int i = 0; i < RY_GROUP; i++) {
                dot_row_tile(sums, p[i], tile, act_stride, nt, w->n_cols, f);
                for (size_t t = 0; t < nt; t++)
                    by_token[t][i] = sums[t];
            }
            for (size_t t = 0; t < nt; t++) {
                const void *head = tile + t * act_stride;
                ry_store_rows(y + (t0 + t) * ldy + (r - row0), finish_uniform(by_token[t], w, head),
                              row1 - r);
            }
        }
    }
}

/* ---- slots ------------------------------------------------------------------------------------------- */

RY_TERNARY_SLOTS(tq1_0)
RY_TERNARY_SLOTS(tq2_0)
RY_TERNARY_SLOTS(i2_s)

void ry_kern_init_avx2_ternary(struct ry_kern *k)
{
    k->matvec[RY_FMT_TQ1_0] = matvec_tq1_0;
    k->matmul[RY_FMT_TQ1_0] = matmul_tq1_0;
    k->matvec[RY_FMT_TQ2_0] = matvec_tq2_0;
    k->matmul[RY_FMT_TQ2_0] = matmul_tq2_0;
    k->matvec[RY_FMT_I2_S] = matvec_i2_s;
    k->matmul[RY_FMT_I2_S] = matmul_i2_s;
}
