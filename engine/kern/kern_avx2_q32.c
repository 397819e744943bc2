/* AVX2: matrices in blocks of 32 (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4) times Q8_32 activations.
 *
 * Eight rows at a time, so that lanes are rows where floats are added: each lane follows the scalar order.
 *   matvec  one vector of 32 codes a row and block, products added along the row in integers, eight rows' sums
 *           brought into one vector
 *   matmul  the codes of eight rows are turned (dword j of row r to lane r of vector j) once for a tile of tokens;
 *           each token's four activations are broadcast, and sums come out with lanes = rows
 * Any thread; allocates nothing. Integer ranges are given where they matter; |x| <= 127 by construction. */
#include "engine/kern/kern_avx2.h"

#include "engine/quant_unpack.h"

enum { TILE = 16 }; /* tokens for which eight rows of a block are decoded once */

enum kind {
    SMALL_4, /* codes 0..15: 16 products fit int16 */
    SMALL_5, /* codes 0..31: 8 products fit int16 */
    SIGNED,  /* codes -128..127: a pair of products fits int16 */
};

/* A format as the drivers see it; always a compile-time constant. */
struct layout {
    size_t bytes;
    __m256i (*codes)(const uint8_t *block);
    enum kind kind;
    int offset; /* w = d * (code - offset) */
    bool minima, e8m0;
};

/* ---- codes ------------------------------------------------------------------------------------------- */

RY_INLINE __m256i nibbles(const uint8_t *qs)
{
    __m128i v = _mm_loadu_si128((const __m128i *)qs);
    __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(v), _mm_srli_epi16(v, 4), 1);
    return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

/* Bit j of the 32 to byte j, as 16 or 0: each byte picks its own byte of the mask and tests its own bit. */
RY_INLINE __m256i fifth_bits(const uint8_t *qh)
{
    const __m256i pick =
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i v = _mm256_shuffle_epi8(_mm256_set1_epi32((int)ry_load_u32(qh)), pick);
    v = _mm256_cmpeq_epi8(_mm256_and_si256(v, bit), bit);
    return _mm256_and_si256(v, _mm256_set1_epi8(16));
}

RY_INLINE __m256i codes_q4_0(const uint8_t *block)
{
    return nibbles(block + 2);
}

RY_INLINE __m256i codes_q4_1(const uint8_t *block)
{
    return nibbles(block + 4);
}

RY_INLINE __m256i codes_q5_0(const uint8_t *block)
{
    return _mm256_or_si256(nibbles(block + 6), fifth_bits(block + 2));
}

RY_INLINE __m256i codes_q5_1(const uint8_t *block)
{
    return _mm256_or_si256(nibbles(block + 8), fifth_bits(block + 4));
}

RY_INLINE __m256i codes_q8_0(const uint8_t *block)
{
    return ry_load_256(block + 2);
}

RY_INLINE __m256i codes_iq4_nl(const uint8_t *block)
{
    const __m128i values = _mm_loadu_si128((const __m128i *)ry_iq4_nl_values);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), nibbles(block + 2));
}

/* Doubled E2M1 values with 12 added: 0..24. */
RY_INLINE __m256i codes_mxfp4(const uint8_t *block)
{
    const __m128i values =
        _mm_add_epi8(_mm_loadu_si128((const __m128i *)ry_mxfp4_values), _mm_set1_epi8(12));
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), nibbles(block + 1));
}

static const struct layout q4_0 = {18, codes_q4_0, SMALL_4, 8, false, false};
static const struct layout q4_1 = {20, codes_q4_1, SMALL_4, 0, true, false};
static const struct layout q5_0 = {22, codes_q5_0, SMALL_5, 16, false, false};
static const struct layout q5_1 = {24, codes_q5_1, SMALL_5, 0, true, false};
static const struct layout q8_0 = {34, codes_q8_0, SIGNED, 0, false, false};
static const struct layout iq4_nl = {18, codes_iq4_nl, SIGNED, 0, false, false};
static const struct layout mxfp4 = {17, codes_mxfp4, SMALL_5, 12, false, true};

/* ---- sums of eight rows ------------------------------------------------------------------------------ */

/* Lane i of the result is the sum of the sixteen int16 of v[i]. Rows are interleaved and added in int16 as long as
 * they fit: after two steps a lane holds 8 products (<= 8 * 31 * 127 = 31,496), after three 16 (<= 16 * 15 * 127 =
 * 30,480). */
RY_INLINE __m256i reduce_words(const __m256i v[RY_GROUP], enum kind kind)
{
    __m256i t[4], u[2];
    RY_UNROLL
    for (int i = 0; i < 4; i++)
        t[i] = _mm256_add_epi16(_mm256_unpacklo_epi16(v[2 * i], v[2 * i + 1]),
                                _mm256_unpackhi_epi16(v[2 * i], v[2 * i + 1]));
    RY_UNROLL
    for (int i = 0; i < 2; i++)
        u[i] = _mm256_add_epi16(_mm256_unpacklo_epi32(t[2 * i], t[2 * i + 1]),
                                _mm256_unpackhi_epi32(t[2 * i], t[2 * i + 1]));
    __m256i lo = _mm256_unpacklo_epi64(u[0], u[1]), hi = _mm256_unpackhi_epi64(u[0], u[1]);
    if (kind == SMALL_4) {
        __m256i s = _mm256_add_epi16(lo, hi);
        return _mm256_add_epi32(_mm256_cvtepi16_epi32(_mm256_castsi256_si128(s)),
                                _mm256_cvtepi16_epi32(_mm256_extracti128_si256(s, 1)));
    }
    const __m256i one = _mm256_set1_epi16(1);
    __m256i a = _mm256_madd_epi16(_mm256_unpacklo_epi16(lo, hi), one);
    __m256i b = _mm256_madd_epi16(_mm256_unpackhi_epi16(lo, hi), one);
    return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                            _mm256_permute2x128_si256(a, b, 0x31));
}

/* Products of codes and x, pairs added. SIGNED: |w| <= 128 times x with w's sign, 2 * 128 * 127 fits. */
RY_INLINE __m256i pairs(__m256i codes, __m256i x, enum kind kind)
{
    if (kind == SIGNED)
        return _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(x, codes));
    return _mm256_maddubs_epi16(codes, x);
}

RY_INLINE __m256i dot_rows(const uint8_t *const p[RY_GROUP], size_t at, __m256i x,
                           const struct layout *f)
{
    __m256i v[RY_GROUP];
    RY_UNROLL
    for (int i = 0; i < RY_GROUP; i++) {
        v[i] = pairs(f->codes(p[i] + at), x, f->kind);
        if (f->kind == SIGNED)
            v[i] = _mm256_madd_epi16(v[i], _mm256_set1_epi16(1));
    }
    return f->kind == SIGNED ? ry_reduce_rows(v) : reduce_words(v, f->kind);
}

/* d of eight rows. e8m0: 2^(e - 128) is a normal number from e = 2 on and the two last denormals below; 255 is NaN. */
RY_INLINE __m256 scales(const uint8_t *const p[RY_GROUP], size_t at, const struct layout *f)
{
    if (!f->e8m0)
        return ry_gather_f16(p, at);
    __m256i e = _mm256_setr_epi32(p[0][at], p[1][at], p[2][at], p[3][at], p[4][at], p[5][at],
                                  p[6][at], p[7][at]);
    __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
    __m256i denormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x200000), e);
    __m256i v = _mm256_blendv_epi8(normal, denormal, _mm256_cmpgt_epi32(_mm256_set1_epi32(2), e));
    __m256i nan = _mm256_cmpeq_epi32(e, _mm256_set1_epi32(255));
    return _mm256_castsi256_ps(_mm256_blendv_epi8(v, _mm256_set1_epi32(0x7fc00000), nan));
}

/* acc after one block: the two steps of the scalar order. */
RY_INLINE __m256 add_block(__m256 acc, __m256 d, __m256 m, __m256i sums, const void *act, size_t n,
                           size_t b, const struct layout *f)
{
    if (f->offset)
        sums = _mm256_sub_epi32(sums, _mm256_set1_epi32(f->offset * ry_act_sums_32(act, n)[b]));
    __m256 s = _mm256_mul_ps(d, _mm256_set1_ps(ry_act_d(act, n)[b]));
    acc = _mm256_fmadd_ps(s, _mm256_cvtepi32_ps(sums), acc);
    if (f->minima)
        acc = _mm256_fmadd_ps(m, _mm256_set1_ps(ry_act_ds(act, n)[b]), acc);
    return acc;
}

/* ---- one token --------------------------------------------------------------------------------------- */

RY_INLINE void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                      size_t prefetch, const struct layout *f)
{
    const uint8_t *p[RY_GROUP];
    size_t n = w->n_cols;
    for (size_t r = row0; r < row1; r += RY_GROUP) {
        ry_group_rows(p, w, r, row1);
        __m256 acc = _mm256_setzero_ps();
        for (size_t b = 0; b < n / 32; b++) {
            size_t at = b * f->bytes;
            if (b % 4 == 0) {
                RY_UNROLL
                for (int i = 0; i < RY_GROUP; i++)
                    ry_ask_ahead(p[i] + at, 4 * f->bytes, prefetch);
            }
            __m256i sums = dot_rows(p, at, ry_load_256((const int8_t *)act + 32 * b), f);
            __m256 m = f->minima ? ry_gather_f16(p, at + 2) : _mm256_setzero_ps();
            acc = add_block(acc, scales(p, at, f), m, sums, act, n, b, f);
        }
        ry_store_rows(y + (r - row0), acc, row1 - r);
    }
}

/* ---- many tokens ------------------------------------------------------------------------------------- */

/* Products of four vectors of columns and their activations, added in int16: 8 of them in a lane. */
RY_INLINE __m256i words_of_4(const __m256i *u, const int8_t *x, enum kind kind)
{
    __m256i v[4];
    RY_UNROLL
    for (int j = 0; j < 4; j++)
        v[j] = pairs(u[j], _mm256_set1_epi32((int)ry_load_u32(x + 4 * j)), kind);
    return _mm256_add_epi16(_mm256_add_epi16(v[0], v[1]), _mm256_add_epi16(v[2], v[3]));
}

/* Sums with lanes = rows: u[j] holds columns 4j..4j+3 of eight rows, x the 32 activations. A lane adds the pairs of its
 * own row only: SMALL_4 all 16 products of a half fit int16 (30,480), SMALL_5 8 (31,496), SIGNED one pair. */
RY_INLINE __m256i dot_turned(const __m256i u[8], const int8_t *x, enum kind kind)
{
    const __m256i one = _mm256_set1_epi16(1);
    if (kind == SIGNED) {
        __m256i v[8];
        RY_UNROLL
        for (int j = 0; j < 8; j++)
            v[j] = _mm256_madd_epi16(
                pairs(u[j], _mm256_set1_epi32((int)ry_load_u32(x + 4 * j)), kind), one);
        RY_UNROLL
        for (int j = 0; j < 4; j++)
            v[j] = _mm256_add_epi32(v[j], v[j + 4]);
        return _mm256_add_epi32(_mm256_add_epi32(v[0], v[1]), _mm256_add_epi32(v[2], v[3]));
    }
    __m256i a = words_of_4(u, x, kind), b = words_of_4(u + 4, x + 16, kind);
    if (kind == SMALL_4)
        return _mm256_madd_epi16(_mm256_add_epi16(a, b), one);
    return _mm256_add_epi32(_mm256_madd_epi16(a, one), _mm256_madd_epi16(b, one));
}

RY_INLINE void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                      const void *act, size_t act_stride, size_t n_tok, const struct layout *f)
{
    const uint8_t *p[RY_GROUP];
    size_t n = w->n_cols;
    for (size_t t0 = 0; t0 < n_tok; t0 += TILE) {
        size_t nt = n_tok - t0 < TILE ? n_tok - t0 : TILE;
        const char *tile = (const char *)act + t0 * act_stride;
        for (size_t r = row0; r < row1; r += RY_GROUP) {
            ry_group_rows(p, w, r, row1);
            __m256 acc[TILE];
            for (size_t t = 0; t < nt; t++)
                acc[t] = _mm256_setzero_ps();
            for (size_t b = 0; b < n / 32; b++) {
                __m256i u[RY_GROUP];
                RY_UNROLL
                for (int i = 0; i < RY_GROUP; i++)
                    u[i] = f->codes(p[i] + b * f->bytes);
                ry_transpose_dwords(u);
                __m256 d = scales(p, b * f->bytes, f);
                __m256 m = f->minima ? ry_gather_f16(p, b * f->bytes + 2) : _mm256_setzero_ps();
                for (size_t t = 0; t < nt; t++) {
                    const char *x = tile + t * act_stride;
                    __m256i sums = dot_turned(u, (const int8_t *)x + 32 * b, f->kind);
                    acc[t] = add_block(acc[t], d, m, sums, x, n, b, f);
                }
            }
            for (size_t t = 0; t < nt; t++)
                ry_store_rows(y + (t0 + t) * ldy + (r - row0), acc[t], row1 - r);
        }
    }
}

/* ---- slots ------------------------------------------------------------------------------------------- */

RY_SLOTS(q4_0)
RY_SLOTS(q4_1)
RY_SLOTS(q5_0)
RY_SLOTS(q5_1)
RY_SLOTS(q8_0)
RY_SLOTS(iq4_nl)
RY_SLOTS(mxfp4)

void ry_kern_init_avx2_q32(struct ry_kern *k)
{
    k->matvec[RY_FMT_Q4_0] = matvec_q4_0;
    k->matmul[RY_FMT_Q4_0] = matmul_q4_0;
    k->matvec[RY_FMT_Q4_1] = matvec_q4_1;
    k->matmul[RY_FMT_Q4_1] = matmul_q4_1;
    k->matvec[RY_FMT_Q5_0] = matvec_q5_0;
    k->matmul[RY_FMT_Q5_0] = matmul_q5_0;
    k->matvec[RY_FMT_Q5_1] = matvec_q5_1;
    k->matmul[RY_FMT_Q5_1] = matmul_q5_1;
    k->matvec[RY_FMT_Q8_0] = matvec_q8_0;
    k->matmul[RY_FMT_Q8_0] = matmul_q8_0;
    k->matvec[RY_FMT_IQ4_NL] = matvec_iq4_nl;
    k->matmul[RY_FMT_IQ4_NL] = matmul_iq4_nl;
    k->matvec[RY_FMT_MXFP4] = matvec_mxfp4;
    k->matmul[RY_FMT_MXFP4] = matmul_mxfp4;
}
