/* AVX-512: ternary matrices as files have them (TQ1_0, TQ2_0, I2_S) times Q8_T activations, for what has no
 * interleaved copy.
 *
 * Codes are used unsigned, 0..2 (3 in a hostile file); what that adds, the sum of q, is taken away once at the end.
 * One token: a register of weights is a step of 256 columns in the file's own order, so the activations are put into
 * that order, once for eight rows. Many tokens: rows are taken apart into the panels of T2_X16. Sums are exact, so their
 * order is free. Any thread; allocates nothing. */
#include "engine/kern/kern_avx512_t2.h"

enum { ROWS = 8, STEP = 256, PARTS = 5 };

/* A format as the drivers see it; always a compile-time constant. A step is 256 weights. */
struct layout {
    size_t step_bytes, d_at; /* d_at 0: no scales in the blocks, always uniform */
    bool half;               /* a row may end with 128 weights */
    void (*spread)(__m512i x[PARTS], const int8_t *from);
    __m512i (*dot)(__m512i acc, const uint8_t *p, const __m512i x[PARTS]);
    void (*codes)(uint8_t to[STEP], const uint8_t *p); /* in the order of the columns */
};

RY_INLINE __m256i load_256(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

RY_INLINE __m512i pair(__m256i low, __m256i high)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* ---- two bits a weight ------------------------------------------------------------------------------- */

/* 64 bytes, four codes each: field s of the first 32 bytes belongs to columns 32s.. (I2_S: 32(3 - s)..), of the others
 * to 128 further on. */
RY_INLINE void spread_fields(__m512i x[PARTS], const int8_t *from, bool reversed)
{
    RY_UNROLL
    for (int s = 0; s < 4; s++) {
        const int8_t *at = from + 32 * (reversed ? 3 - s : s);
        x[s] = pair(load_256(at), load_256(at + 128));
    }
}

RY_INLINE __m512i field(__m512i v, unsigned s)
{
    return _mm512_and_si512(s ? _mm512_srli_epi16(v, 2 * s) : v, _mm512_set1_epi8(3));
}

RY_INLINE __m512i dot_fields(__m512i acc, const uint8_t *p, const __m512i x[PARTS])
{
    __m512i v = _mm512_loadu_si512(p);
    RY_UNROLL
    for (unsigned s = 0; s < 4; s++)
        acc = ry_dot_4(acc, field(v, s), x[s]);
    return acc;
}

RY_INLINE void codes_of_fields(uint8_t *to, const uint8_t *p, bool reversed)
{
    __m512i v = _mm512_loadu_si512(p);
    RY_UNROLL
    for (unsigned s = 0; s < 4; s++) {
        uint8_t *at = to + 32 * (reversed ? 3 - s : s);
        __m512i u = field(v, s);
        _mm256_storeu_si256((__m256i *)at, _mm512_castsi512_si256(u));
        _mm256_storeu_si256((__m256i *)(at + 128), _mm512_extracti64x4_epi64(u, 1));
    }
}

RY_INLINE void spread_tq2_0(__m512i x[PARTS], const int8_t *from)
{
    spread_fields(x, from, false);
}

RY_INLINE void codes_tq2_0(uint8_t to[STEP], const uint8_t *p)
{
    codes_of_fields(to, p, false);
}

RY_INLINE void spread_i2_s(__m512i x[PARTS], const int8_t *from)
{
    spread_fields(x, from, true);
}

RY_INLINE void codes_i2_s(uint8_t to[STEP], const uint8_t *p)
{
    codes_of_fields(to, p, true);
}

/* ---- five trits a byte ------------------------------------------------------------------------------- */

/* Trit s of 32 bytes: columns 32s..; of the next 16: 160 + 16s..; of the last 4, which hold four: 240 + 4s... */
RY_INLINE void spread_tq1_0(__m512i x[PARTS], const int8_t *from)
{
    RY_UNROLL
    for (int s = 0; s < PARTS; s++) {
        int32_t last = 0;
        if (s < 4)
            memcpy(&last, from + 240 + 4 * s, sizeof last);
        __m128i middle = _mm_loadu_si128((const __m128i *)(from + 160 + 16 * s));
        __m256i high =
            _mm256_inserti128_si256(_mm256_castsi128_si256(middle), _mm_cvtsi32_si128(last), 1);
        x[s] = pair(load_256(from + 32 * s), high);
    }
}

/* All 52 bytes of a block, zeros behind them. */
RY_INLINE __m512i load_trits(const uint8_t *p)
{
    return _mm512_maskz_loadu_epi8(((__mmask64)1 << 52) - 1, p);
}

/* The top trit, byte * 3 >> 8: how many of 86 and 171 a byte reaches. */
RY_INLINE __m512i top_trit(__m512i v)
{
    __mmask64 some = _mm512_cmpge_epu8_mask(v, _mm512_set1_epi8(86));
    __mmask64 two = _mm512_cmpge_epu8_mask(v, _mm512_set1_epi8((char)171));
    return _mm512_mask_mov_epi8(_mm512_maskz_mov_epi8(some, _mm512_set1_epi8(1)), two,
                                _mm512_set1_epi8(2));
}

RY_INLINE __m512i times_3(__m512i v)
{
    return _mm512_add_epi8(v, _mm512_add_epi8(v, v));
}

RY_INLINE __m512i dot_tq1_0(__m512i acc, const uint8_t *p, const __m512i x[PARTS])
{
    __m512i v = load_trits(p);
    RY_UNROLL
    for (int s = 0; s < PARTS; s++) {
        acc = ry_dot_4(acc, top_trit(v), x[s]);
        v = times_3(v);
    }
    return acc;
}

RY_INLINE void codes_tq1_0(uint8_t to[STEP], const uint8_t *p)
{
    __m512i v = load_trits(p);
    RY_UNROLL
    for (int s = 0; s < PARTS; s++) {
        __m512i u = top_trit(v);
        __m256i high = _mm512_extracti64x4_epi64(u, 1);
        int32_t last = _mm256_extract_epi32(high, 4);
        _mm256_storeu_si256((__m256i *)(to + 32 * s), _mm512_castsi512_si256(u));
        _mm_storeu_si128((__m128i *)(to + 160 + 16 * s), _mm256_castsi256_si128(high));
        if (s < 4)
            memcpy(to + 240 + 4 * s, &last, sizeof last);
        v = times_3(v);
    }
}

static const struct layout tq1_0 = {54, 52, false, spread_tq1_0, dot_tq1_0, codes_tq1_0};
static const struct layout tq2_0 = {66, 64, false, spread_tq2_0, dot_fields, codes_tq2_0};
static const struct layout i2_s = {64, 0, true, spread_i2_s, dot_fields, codes_i2_s};

/* ---- one token --------------------------------------------------------------------------------------- */

RY_INLINE const uint8_t *row_of(const struct ry_wmat *w, size_t r, size_t row1)
{
    return (const uint8_t *)w->data + (r < row1 ? r : row1 - 1) * w->row_bytes;
}

/* Lane i of the result is the sum of the sixteen lanes of v[i]. */
RY_INLINE __m256i reduce(const __m512i v[ROWS])
{
    __m256i a[ROWS];
    RY_UNROLL
    for (int i = 0; i < ROWS; i++)
        a[i] = _mm256_add_epi32(_mm512_castsi512_si256(v[i]), _mm512_extracti64x4_epi64(v[i], 1));
    a[0] = _mm256_hadd_epi32(_mm256_hadd_epi32(a[0], a[1]), _mm256_hadd_epi32(a[2], a[3]));
    a[4] = _mm256_hadd_epi32(_mm256_hadd_epi32(a[4], a[5]), _mm256_hadd_epi32(a[6], a[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(a[0], a[4], 0x20),
                            _mm256_permute2x128_si256(a[0], a[4], 0x31));
}

/* The last 128 weights of a row of I2_S. */
RY_INLINE void dot_half(__m512i sums[ROWS], const uint8_t *const p[ROWS], size_t at,
                        const int8_t *q)
{
    __m512i x[4];
    RY_UNROLL
    for (int s = 0; s < 4; s++)
        x[s] = pair(load_256(q + 32 * (3 - s)), _mm256_setzero_si256());
    RY_UNROLL
    for (int k = 0; k < ROWS; k++) {
        __m512i v = pair(load_256(p[k] + at), _mm256_setzero_si256());
        RY_UNROLL
        for (unsigned s = 0; s < 4; s++)
            sums[k] = ry_dot_4(sums[k], field(v, s), x[s]);
    }
}

/* Steps s0 .. s1 of eight rows, and the lines `ahead` bytes behind them asked for; 0: not. */
RY_INLINE void dot_run(__m512i sums[ROWS], const uint8_t *const p[ROWS], const int8_t *q, size_t s0,
                       size_t s1, size_t ahead, const struct layout *f)
{
    for (size_t s = s0; s < s1; s++) {
        __m512i x[PARTS];
        f->spread(x, q + STEP * s);
        RY_UNROLL
        for (int k = 0; k < ROWS; k++) {
            const uint8_t *at = p[k] + s * f->step_bytes;
            ry_ask_line(at, ahead);
            sums[k] = f->dot(sums[k], at, x);
        }
    }
}

/* Eight rows of one scale: sums of code * q. They are read side by side, so what is read `prefetch` bytes later stands
 * an eighth of that further on in each of them, or, past their end, in the eight rows that follow. */
RY_INLINE __m256i dot_rows(const uint8_t *const p[ROWS], const int8_t *q, const struct ry_wmat *w,
                           size_t prefetch, const struct layout *f)
{
    size_t n_steps = w->n_cols / STEP, ahead = prefetch / ROWS;
    size_t reach = ahead < w->row_bytes ? (w->row_bytes - ahead) / f->step_bytes : 0;
    __m512i sums[ROWS];
    RY_UNROLL
    for (int k = 0; k < ROWS; k++)
        sums[k] = _mm512_setzero_si512();
    reach = reach < n_steps ? reach : n_steps;
    dot_run(sums, p, q, 0, reach, ahead, f);
    dot_run(sums, p, q, reach, n_steps, ahead ? ahead + (ROWS - 1) * w->row_bytes : 0, f);
    if (f->half && w->n_cols % STEP)
        dot_half(sums, p, n_steps * f->step_bytes, q + STEP * n_steps);
    return reduce(sums);
}

/* The halves at p[i] + offset. */
RY_INLINE __m256 gather_f16(const uint8_t *const p[ROWS], size_t offset)
{
    uint16_t d[ROWS];
    RY_UNROLL
    for (int k = 0; k < ROWS; k++)
        memcpy(&d[k], p[k] + offset, sizeof d[k]);
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)d));
}

/* Blocks with scales of their own: acc = fmaf(d, (float)block sum, acc), then acc * inv_s. */
RY_INLINE __m256 dot_scaled(const uint8_t *const p[ROWS], const void *act, size_t n,
                            const struct layout *f)
{
    const int8_t *q = ry_act_q8_t(act);
    __m256 acc = _mm256_setzero_ps();
    for (size_t b = 0; b < n / STEP; b++) {
        __m512i x[PARTS], sums[ROWS], minus = _mm512_setzero_si512();
        f->spread(x, q + STEP * b);
        for (size_t i = 0; i < STEP; i += 64)
            minus = ry_dot_4(minus, _mm512_set1_epi8(1), _mm512_loadu_si512(q + STEP * b + i));
        minus = _mm512_sub_epi32(_mm512_setzero_si512(), minus);
        RY_UNROLL
        for (int k = 0; k < ROWS; k++)
            sums[k] = f->dot(minus, p[k] + b * f->step_bytes, x);
        acc = _mm256_fmadd_ps(gather_f16(p, b * f->step_bytes + f->d_at),
                              _mm256_cvtepi32_ps(reduce(sums)), acc);
    }
    return _mm256_mul_ps(acc, _mm256_set1_ps(((const struct ry_act_head *)act)->inv_s));
}

/* y = (scale * inv_s) * (float)(sum - sum of q), or block by block. */
RY_INLINE void matvec(float *y, const struct ry_wmat *w, size_t row0, size_t row1, const void *act,
                      size_t prefetch, const struct layout *f)
{
    const struct ry_act_head *head = act;
    for (size_t r = row0; r < row1; r += ROWS) {
        const uint8_t *p[ROWS];
        __m256 out;
        RY_UNROLL
        for (size_t k = 0; k < ROWS; k++)
            p[k] = row_of(w, r + k, row1);
        if (w->uniform || !f->d_at) {
            __m256i sums = dot_rows(p, ry_act_q8_t(act), w, prefetch, f);
            sums = _mm256_sub_epi32(sums, _mm256_set1_epi32(head->sum));
            out = _mm256_mul_ps(_mm256_set1_ps(w->scale * head->inv_s), _mm256_cvtepi32_ps(sums));
        } else {
            out = dot_scaled(p, act, w->n_cols, f);
        }
        ry_store_8(y + (r - row0), out, row1 - r);
    }
}

/* ---- many tokens ------------------------------------------------------------------------------------- */

/* Dword j of row i becomes dword i of v[j]. */
RY_INLINE void transpose(__m512i v[16])
{
    __m512i t[16];
    RY_UNROLL
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
    RY_UNROLL
    for (int i = 0; i < 16;
         i += 4) { /* v[i + j]: dwords j of the rows i .. i + 3, in each quarter */
        v[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        v[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        v[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        v[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    RY_UNROLL
    for (int j = 0; j < 4; j++) {
        t[j] = _mm512_shuffle_i32x4(v[j], v[4 + j], 0x88); /* quarters 0, 2 */
        t[4 + j] = _mm512_shuffle_i32x4(v[j], v[4 + j], 0xdd);
        t[8 + j] = _mm512_shuffle_i32x4(v[8 + j], v[12 + j], 0x88);
        t[12 + j] = _mm512_shuffle_i32x4(v[8 + j], v[12 + j], 0xdd);
    }
    RY_UNROLL
    for (int j = 0; j < 4; j++) {
        v[j] = _mm512_shuffle_i32x4(t[j], t[8 + j], 0x88);
        v[4 + j] = _mm512_shuffle_i32x4(t[4 + j], t[12 + j], 0x88);
        v[8 + j] = _mm512_shuffle_i32x4(t[j], t[8 + j], 0xdd);
        v[12 + j] = _mm512_shuffle_i32x4(t[4 + j], t[12 + j], 0xdd);
    }
}

/* Sixteen rows' codes of 64 columns to the panel's lines of those columns. */
RY_INLINE void put_lines(uint8_t *to, uint8_t (*codes)[STEP], size_t col)
{
    __m512i v[16];
    RY_UNROLL
    for (int i = 0; i < 16; i++)
        v[i] = _mm512_load_si512(codes[i] + col);
    transpose(v);
    RY_UNROLL
    for (int i = 0; i < 16; i++)
        _mm512_store_si512(to + i * RY_PANEL_STRIDE, v[i]);
}

/* As ry_t2_panel does it from interleaved rows; col0 a multiple of 256. */
RY_INLINE void fill_panel(uint8_t *panel, const struct ry_wmat *w, size_t row, size_t row1,
                          size_t col0, size_t n_cols, const struct layout *f)
{
    _Alignas(64) uint8_t codes[RY_X16_ROWS][STEP];
    for (size_t half = 0; half < 2 && row + half * RY_X16_ROWS < row1; half++)
        for (size_t k = 0; k < n_cols; k += STEP) {
            size_t at = (col0 + k) / STEP * f->step_bytes, n = n_cols - k < STEP ? 128 : STEP;
            for (size_t i = 0; i < RY_X16_ROWS; i++) {
                const uint8_t *p = row_of(w, row + half * RY_X16_ROWS + i, row1) + at;
                uint8_t last[64] = {0};
                f->codes(codes[i], n == STEP ? p : memcpy(last, p, 32));
            }
            for (size_t col = 0; col < n; col += 64)
                put_lines(panel + (k + col) / 4 * RY_PANEL_STRIDE + half * RY_X16_LINE, codes, col);
        }
}

RY_INLINE void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                      const void *act, size_t act_stride, size_t n_tok, const struct layout *f)
{
    enum { COLS = RY_PANEL_COLS / STEP * STEP };
    _Alignas(64) uint8_t panel[RY_PANEL_BYTES];
    struct ry_t2_job j = {.ldy = ldy, .w = w, .panel = panel, .act = act, .act_stride = act_stride};
    memset(
        panel, 0,
        sizeof panel); /* its second half is read, not used, where the last rows do not fill the first */
    for (size_t r = row0; r < row1; r += RY_PANEL_ROWS) {
        j.y = y + (r - row0);
        j.n_rows = row1 - r < RY_PANEL_ROWS ? row1 - r : RY_PANEL_ROWS;
        for (j.col0 = 0; j.col0 < w->n_cols; j.col0 += COLS) {
            size_t left = w->n_cols - j.col0;
            j.n_cols = left < COLS ? left : COLS;
            fill_panel(panel, w, r, row1, j.col0, j.n_cols, f);
            ry_kern_avx512_t2_tokens(&j, n_tok);
        }
    }
}

/* ---- slots ------------------------------------------------------------------------------------------- */

RY_TERNARY_SLOTS(tq1_0)
RY_TERNARY_SLOTS(tq2_0)
RY_TERNARY_SLOTS(i2_s)

void ry_kern_init_avx512_ternary(struct ry_kern *k)
{
    k->matvec[RY_FMT_TQ1_0] = matvec_tq1_0;
    k->matmul[RY_FMT_TQ1_0] = matmul_tq1_0;
    k->matvec[RY_FMT_TQ2_0] = matvec_tq2_0;
    k->matmul[RY_FMT_TQ2_0] = matmul_tq2_0;
    k->matvec[RY_FMT_I2_S] = matvec_i2_s;
    k->matmul[RY_FMT_I2_S] = matmul_i2_s;
}
