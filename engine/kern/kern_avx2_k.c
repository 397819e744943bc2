/* AVX2: matrices in blocks of 256 (Q2_K, Q3_K, Q4_K, Q5_K, Q6_K) times Q8_256 activations.
 *
 * All five are one shape: unsigned codes in eight chunks of 32, sixteen int16 scales, and sixteen int16 factors of the
 * activation sums, which are the minima (Q2_K, Q4_K, Q5_K) or the scales again, times the offset of the codes (Q3_K,
 * Q6_K). The sums over a block are exact int32, so their order is free; floats are added with lanes = rows.
 * Any thread; allocates nothing. Integer ranges are given where they matter; |x| <= 127 by construction. */
#include "engine/kern/kern_avx2.h"

enum { TILE = 16 }; /* tokens for which eight rows of a block are decoded once */

/* A format as the drivers see it; always a compile-time constant. */
struct layout {
    size_t bytes, d_at;
    __m256i (*codes)(const uint8_t *block, int chunk); /* weights 32 chunk .. 32 chunk + 31 */
    __m256i (*scales)(const uint8_t *block);           /* of the sixteen sub-blocks */
    __m256i (*mins)(const uint8_t *block);             /* NULL: none; dmin stands behind d */
    int offset_shift; /* codes carry an offset of 1 << this; 0: none */
    bool wide;        /* codes above 31: only two pairs of products fit int16 */
    bool
        by_32; /* codes up to 15 and each scale twice: a chunk's 32 products are summed before scaling */
};

/* ---- codes ------------------------------------------------------------------------------------------- */

/* qs holds two bits of weight i of each half of 128 at shifts 0, 2, 4, 6. */
RY_INLINE __m256i two_bits(const uint8_t *qs, int chunk)
{
    __m256i v = _mm256_srli_epi16(ry_load_256(qs + 32 * (chunk / 4)), 2 * (chunk % 4));
    return _mm256_and_si256(v, _mm256_set1_epi8(3));
}

RY_INLINE __m256i nibbles(const uint8_t *qs, int chunk)
{
    __m256i v = _mm256_srli_epi16(ry_load_256(qs + 32 * (chunk / 2)), 4 * (chunk % 2));
    return _mm256_and_si256(v, _mm256_set1_epi8(15));
}

/* The field `mask` << from of each byte moved to mask << to. */
RY_INLINE __m256i move_bits(__m256i v, int from, int to, int mask)
{
    v = from < to ? _mm256_slli_epi16(v, to - from) : _mm256_srli_epi16(v, from - to);
    return _mm256_and_si256(v, _mm256_set1_epi8((char)(mask << to)));
}

RY_INLINE __m256i codes_q2_k(const uint8_t *block, int chunk)
{
    return two_bits(block + 16, chunk);
}

RY_INLINE __m256i codes_q3_k(const uint8_t *block, int chunk)
{
    return _mm256_or_si256(two_bits(block + 32, chunk), move_bits(ry_load_256(block), chunk, 2, 1));
}

RY_INLINE __m256i codes_q4_k(const uint8_t *block, int chunk)
{
    return nibbles(block + 16, chunk);
}

RY_INLINE __m256i codes_q5_k(const uint8_t *block, int chunk)
{
    return _mm256_or_si256(nibbles(block + 48, chunk),
                           move_bits(ry_load_256(block + 16), chunk, 4, 1));
}

RY_INLINE __m256i codes_q6_k(const uint8_t *block, int chunk)
{
    int half = chunk / 4, g = chunk % 4;
    __m256i low = move_bits(ry_load_256(block + 64 * half + 32 * (g & 1)), 4 * (g / 2), 0, 15);
    __m256i high = move_bits(ry_load_256(block + 128 + 32 * half), 2 * g, 4, 3);
    return _mm256_or_si256(low, high);
}

/* ---- scales ------------------------------------------------------------------------------------------ */

RY_INLINE __m256i scales_q2_k(const uint8_t *block)
{
    __m128i v = _mm_loadu_si128((const __m128i *)block);
    return _mm256_cvtepu8_epi16(_mm_and_si128(v, _mm_set1_epi8(15)));
}

RY_INLINE __m256i mins_q2_k(const uint8_t *block)
{
    __m128i v = _mm_loadu_si128((const __m128i *)block);
    return _mm256_cvtepu8_epi16(_mm_and_si128(_mm_srli_epi16(v, 4), _mm_set1_epi8(15)));
}

/* Four scales a word: low nibbles from the first eight bytes, two high bits from the last four. */
RY_INLINE __m256i scales_q3_k(const uint8_t *block)
{
    const uint32_t nib = 0x0f0f0f0f, two = 0x03030303;
    uint32_t a = ry_load_u32(block + 96), b = ry_load_u32(block + 100);
    uint32_t h = ry_load_u32(block + 104);
    __m128i v = _mm_setr_epi32(
        (int)((a & nib) | (h & two) << 4), (int)((b & nib) | (h >> 2 & two) << 4),
        (int)((a >> 4 & nib) | (h >> 4 & two) << 4), (int)((b >> 4 & nib) | (h >> 6 & two) << 4));
    return _mm256_cvtepi8_epi16(_mm_sub_epi8(v, _mm_set1_epi8(32)));
}

/* Eight bytes to sixteen words, each twice. */
RY_INLINE __m256i each_twice(uint32_t low, uint32_t high)
{
    __m128i v = _mm_cvtepu8_epi16(_mm_setr_epi32((int)low, (int)high, 0, 0));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi16(v, v)),
                                   _mm_unpackhi_epi16(v, v), 1);
}

/* The twelve bytes of Q4_K and Q5_K, four 6-bit fields a word. */
RY_INLINE __m256i scales_q4_k(const uint8_t *block)
{
    uint32_t a = ry_load_u32(block + 4), c = ry_load_u32(block + 12);
    return each_twice(a & 0x3f3f3f3f, (c & 0x0f0f0f0f) | (a >> 6 & 0x03030303) << 4);
}

RY_INLINE __m256i mins_q4_k(const uint8_t *block)
{
    uint32_t b = ry_load_u32(block + 8), c = ry_load_u32(block + 12);
    return each_twice(b & 0x3f3f3f3f, (c >> 4 & 0x0f0f0f0f) | (b >> 6 & 0x03030303) << 4);
}

RY_INLINE __m256i scales_q6_k(const uint8_t *block)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(block + 192)));
}

static const struct layout q2_k = {84, 80, codes_q2_k, scales_q2_k, mins_q2_k, 0, false, false};
static const struct layout q3_k = {110, 108, codes_q3_k, scales_q3_k, NULL, 2, false, false};
static const struct layout q4_k = {144, 0, codes_q4_k, scales_q4_k, mins_q4_k, 0, false, true};
static const struct layout q5_k = {176, 0, codes_q5_k, scales_q4_k, mins_q4_k, 0, false, false};
static const struct layout q6_k = {210, 208, codes_q6_k, scales_q6_k, NULL, 5, true, false};

/* acc after one block: the two steps of the scalar order. */
RY_INLINE __m256 add_block(__m256 acc, __m256 d, __m256 dmin, float dx, __m256i sums,
                           __m256i min_sums, const struct layout *f)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 s = _mm256_mul_ps(d, _mm256_set1_ps(dx));
    acc = _mm256_fmadd_ps(s, _mm256_cvtepi32_ps(sums), acc);
    if (f->mins) {
        __m256 m = _mm256_xor_ps(_mm256_mul_ps(dmin, _mm256_set1_ps(dx)), sign);
        acc = _mm256_fmadd_ps(m, _mm256_cvtepi32_ps(min_sums), acc);
    }
    return acc;
}

/* ---- one token --------------------------------------------------------------------------------------- */

/* Scales of the even sub-blocks to the low half, of the odd ones to the high half: chunk c takes word c of each. */
RY_INLINE __m256i even_odd(__m256i sc)
{
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
    return _mm256_permute4x64_epi64(_mm256_shuffle_epi8(sc, order), 0xd8);
}

/* Eight int32 whose sum is the block's sum of sc * q * x; *mins likewise for the minima. A product of 63 * 127, two of
 * them in a lane, times 128 and summed over eight chunks stays below 2^26. */
RY_INLINE __m256i dot_block(__m256i *mins, const uint8_t *block, const int8_t *x,
                            const int16_t *x_sums, const struct layout *f)
{
    __m256i sc = f->scales(block), by_chunk = even_odd(sc), sums = _mm256_setzero_si256();
    __m256i bsum = ry_load_256(x_sums);
    RY_UNROLL
    for (int c = 0; c < 8; c++) {
        __m256i s = _mm256_shuffle_epi8(by_chunk, _mm256_set1_epi16((short)(0x0100 + 0x0202 * c)));
        __m256i words = _mm256_maddubs_epi16(f->codes(block, c), ry_load_256(x + 32 * c));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(words, s));
    }
    if (f->offset_shift)
        sums =
            _mm256_sub_epi32(sums, _mm256_slli_epi32(_mm256_madd_epi16(sc, bsum), f->offset_shift));
    *mins = f->mins ? _mm256_madd_epi16(f->mins(block), bsum) : _mm256_setzero_si256();
    return sums;
}

RY_INLINE void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                      size_t prefetch, const struct layout *f)
{
    const uint8_t *p[RY_GROUP];
    size_t n = w->n_cols;
    for (size_t r = row0; r < row1; r += RY_GROUP) {
        ry_group_rows(p, w, r, row1);
        __m256 acc = _mm256_setzero_ps();
        for (size_t b = 0; b < n / 256; b++) {
            const int8_t *x = (const int8_t *)act + 256 * b;
            size_t at = b * f->bytes;
            __m256i v[RY_GROUP], m[RY_GROUP];
            RY_UNROLL
            for (int i = 0; i < RY_GROUP; i++) {
                ry_ask_ahead(p[i] + at, f->bytes, prefetch);
                v[i] = dot_block(&m[i], p[i] + at, x, ry_act_sums(act, n) + 16 * b, f);
            }
            __m256i min_sums = f->mins ? ry_reduce_rows(m) : _mm256_setzero_si256();
            __m256 dmin = f->mins ? ry_gather_f16(p, at + f->d_at + 2) : _mm256_setzero_ps();
            acc = add_block(acc, ry_gather_f16(p, at + f->d_at), dmin, ry_act_d(act, n)[b],
                            ry_reduce_rows(v), min_sums, f);
        }
        ry_store_rows(y + (r - row0), acc, row1 - r);
    }
}

/* ---- many tokens ------------------------------------------------------------------------------------- */

/* A block of eight rows with lanes = rows. factors[c]: words 2c and 2c + 1 of each row's minima (or scales). */
struct turned {
    __m256i codes[8][8];     /* [chunk][columns 4j..4j+3] */
    __m256i even[8], odd[8]; /* scale of the chunk's first and second 16, in both words of a lane */
    __m256i factors[8];
    __m256 d, dmin;
};

RY_INLINE void turn_block(struct turned *u, const uint8_t *const p[RY_GROUP], size_t at,
                          const struct layout *f)
{
    __m256i sc[RY_GROUP];
    RY_UNROLL
    for (int i = 0; i < RY_GROUP; i++)
        sc[i] = f->scales(p[i] + at);
    ry_transpose_dwords(sc);
    RY_UNROLL
    for (int c = 0; c < 8; c++) {
        __m256i low = _mm256_and_si256(sc[c], _mm256_set1_epi32(0xffff));
        u->even[c] = _mm256_or_si256(low, _mm256_slli_epi32(low, 16));
        u->odd[c] = _mm256_or_si256(_mm256_srli_epi32(sc[c], 16),
                                    _mm256_andnot_si256(_mm256_set1_epi32(0xffff), sc[c]));
        u->factors[c] = sc[c];
    }
    if (f->mins) {
        RY_UNROLL
        for (int i = 0; i < RY_GROUP; i++)
            u->factors[i] = f->mins(p[i] + at);
        ry_transpose_dwords(u->factors);
        u->dmin = ry_gather_f16(p, at + f->d_at + 2);
    }
    u->d = ry_gather_f16(p, at + f->d_at);
    RY_UNROLL
    for (int c = 0; c < 8; c++) {
        RY_UNROLL
        for (int i = 0; i < RY_GROUP; i++)
            u->codes[c][i] = f->codes(p[i] + at, c);
        ry_transpose_dwords(u->codes[c]);
    }
}

/* Words of n columns-of-four from u and x added: n * 2 products of at most 15 or 31 (n <= 4 and 8), 63 (n <= 2) fit. */
RY_INLINE __m256i words_of(const __m256i *u, const int8_t *x, int n)
{
    __m256i words = _mm256_maddubs_epi16(u[0], _mm256_set1_epi32((int)ry_load_u32(x)));
    RY_UNROLL
    for (int j = 1; j < n; j++)
        words = _mm256_add_epi16(
            words, _mm256_maddubs_epi16(u[j], _mm256_set1_epi32((int)ry_load_u32(x + 4 * j))));
    return words;
}

/* One chunk's sum of sc * q * x, lanes = rows. */
RY_INLINE __m256i chunk_sums(const struct turned *t, int c, const int8_t *x, const struct layout *f)
{
    const __m256i *u = t->codes[c];
    x += 32 * c;
    if (f->wide) {
        __m256i a = _mm256_madd_epi16(words_of(u, x, 2), t->even[c]);
        __m256i b = _mm256_madd_epi16(words_of(u + 2, x + 8, 2), t->even[c]);
        __m256i d = _mm256_madd_epi16(words_of(u + 4, x + 16, 2), t->odd[c]);
        __m256i e = _mm256_madd_epi16(words_of(u + 6, x + 24, 2), t->odd[c]);
        return _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(d, e));
    }
    if (f->by_32)
        return _mm256_madd_epi16(_mm256_add_epi16(words_of(u, x, 4), words_of(u + 4, x + 16, 4)),
                                 t->even[c]);
    return _mm256_add_epi32(_mm256_madd_epi16(words_of(u, x, 4), t->even[c]),
                            _mm256_madd_epi16(words_of(u + 4, x + 16, 4), t->odd[c]));
}

RY_INLINE __m256 turned_token(__m256 acc, const struct turned *u, const void *act, size_t n,
                              size_t b, const struct layout *f)
{
    const int8_t *x = (const int8_t *)act + 256 * b;
    const int16_t *x_sums = ry_act_sums(act, n) + 16 * b;
    __m256i sums = _mm256_setzero_si256(), rest = sums;
    RY_UNROLL
    for (int c = 0; c < 8; c++) {
        sums = _mm256_add_epi32(sums, chunk_sums(u, c, x, f));
        __m256i two = _mm256_set1_epi32((int)ry_load_u32(x_sums + 2 * c));
        rest = _mm256_add_epi32(rest, _mm256_madd_epi16(u->factors[c], two));
    }
    if (f->offset_shift)
        sums = _mm256_sub_epi32(sums, _mm256_slli_epi32(rest, f->offset_shift));
    return add_block(acc, u->d, u->dmin, ry_act_d(act, n)[b], sums, rest, f);
}

RY_INLINE void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                      const void *act, size_t act_stride, size_t n_tok, const struct layout *f)
{
    const uint8_t *p[RY_GROUP];
    size_t n = w->n_cols;
    struct turned u;
    for (size_t t0 = 0; t0 < n_tok; t0 += TILE) {
        size_t nt = n_tok - t0 < TILE ? n_tok - t0 : TILE;
        const char *tile = (const char *)act + t0 * act_stride;
        for (size_t r = row0; r < row1; r += RY_GROUP) {
            ry_group_rows(p, w, r, row1);
            __m256 acc[TILE];
            for (size_t t = 0; t < nt; t++)
                acc[t] = _mm256_setzero_ps();
            for (size_t b = 0; b < n / 256; b++) {
                turn_block(&u, p, b * f->bytes, f);
                for (size_t t = 0; t < nt; t++)
                    acc[t] = turned_token(acc[t], &u, tile + t * act_stride, n, b, f);
            }
            for (size_t t = 0; t < nt; t++)
                ry_store_rows(y + (t0 + t) * ldy + (r - row0), acc[t], row1 - r);
        }
    }
}

/* ---- slots ------------------------------------------------------------------------------------------- */

RY_SLOTS(q2_k)
RY_SLOTS(q3_k)
RY_SLOTS(q4_k)
RY_SLOTS(q5_k)
RY_SLOTS(q6_k)

void ry_kern_init_avx2_k(struct ry_kern *k)
{
    k->matvec[RY_FMT_Q2_K] = matvec_q2_k;
    k->matmul[RY_FMT_Q2_K] = matmul_q2_k;
    k->matvec[RY_FMT_Q3_K] = matvec_q3_k;
    k->matmul[RY_FMT_Q3_K] = matmul_q3_k;
    k->matvec[RY_FMT_Q4_K] = matvec_q4_k;
    k->matmul[RY_FMT_Q4_K] = matmul_q4_k;
    k->matvec[RY_FMT_Q5_K] = matvec_q5_k;
    k->matmul[RY_FMT_Q5_K] = matmul_q5_k;
    k->matvec[RY_FMT_Q6_K] = matvec_q6_k;
    k->matmul[RY_FMT_Q6_K] = matmul_q6_k;
}
