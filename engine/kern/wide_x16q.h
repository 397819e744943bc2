/* Interleaved block formats (Q4_0_X16 … MXFP4_X16, see x16.h) times Q8_32 and Q8_256 activations, for every wide tier.
 *
 * One set of drivers over each tier's registers: kern_avx512_vec.h and kern_avx2_vec.h hold the vocabulary. Lanes are
 * rows, so that no sum crosses lanes and floats follow the scalar order by themselves.
 *
 *   one token    a strip (the rows of a register) after the other, block by block, close behind the prefetch
 *   many tokens  the codes of a chunk (32 columns) are cut out once, into registers, and meet a tile of tokens; what a
 *                token has summed up stands in the first cache between chunks
 *
 * Codes are unsigned with an offset, since vpdpbusd and vpmaddubsw want them so; the offset times the activations' sum
 * is taken away: exact. Any thread; allocates nothing; |x| <= 127 by construction. Knows no model. */
#ifndef RYOT_ENGINE_KERN_WIDE_X16Q_H
#define RYOT_ENGINE_KERN_WIDE_X16Q_H

#include "engine/kern/act.h"
#include "engine/kern/wide_x16_codes.h"

enum {
    RY_X16_TILE = 64, /* tokens for which a chunk is cut out once */
    RY_X16_PARTS = RY_X16_ROWS / RY_LANES,
    RY_X16_RUN = 8,  /* blocks of 32 that are cut out together */
    RY_TOKENS = 4,   /* that take turns, so that neither waits for itself */
    RY_X_AHEAD = 256 /* bytes: activations asked for early, since rows of tokens lie far apart */
};

/* ---- sums -------------------------------------------------------------------------------------------- */

/* A chunk of activations of `toks` tokens for `strips` strips, both constants. */
struct ry_x {
    const int8_t *q; /* of the first token */
    size_t stride;
    int toks, strips;
};

#if defined(RY_V_DOT)
#define RY_SUM_IS_WORD(top) ((top) <= 16) /* of 16 columns: 16 * 16 * 127 = 32,512 */

/* a[t][i] += the sums of 4 n columns of strip i and token t: as many chains of vpdpbusd as fill its latency. */
RY_INLINE void ry_sum_columns(ry_vi (*a)[RY_STRIPS], ry_vi (*u)[RY_X16_CHUNK], const int first,
                              const int n, const struct ry_x *x)
{
    RY_UNROLL
    for (int j = first; j < first + n; j++) {
        RY_UNROLL
        for (int t = 0; t < x->toks; t++) {
            ry_vi each = ry_v_each(x->q + (size_t)t * x->stride + 4 * j);
            RY_UNROLL
            for (int i = 0; i < x->strips; i++)
                a[t][i] = ry_v_dot(a[t][i], u[i][j], each);
        }
    }
}

/* a[t][i] += the sums of a chunk. top: the largest code. */
RY_INLINE void ry_sum_chunk(ry_vi (*a)[RY_STRIPS], ry_vi (*u)[RY_X16_CHUNK], const struct ry_x *x,
                            const int top)
{
    (void)top;
    ry_sum_columns(a, u, 0, RY_X16_CHUNK, x);
}

/* sums[t][i] += scale * sum, for both halves of a chunk. Where 16 products of top * 127 fit a word, the pair of words
 * that a sum is, low and sign, meets the scale and zero: one instruction. */
RY_INLINE void ry_add_scaled(ry_vi (*sums)[RY_STRIPS], ry_vi (*u)[RY_X16_CHUNK], ry_vi (*s)[2],
                             const struct ry_x *x, const int top, const int per)
{
    const int step = per == 32 && !RY_SUM_IS_WORD(top) ? 8 : 4;
    RY_UNROLL
    for (int j = 0; j < RY_X16_CHUNK; j += step) {
        ry_vi a[RY_TOKENS][RY_STRIPS];
        RY_UNROLL
        for (int t = 0; t < x->toks; t++)
            for (int i = 0; i < x->strips; i++)
                a[t][i] = ry_v_zero();
        ry_sum_columns(a, u, j, step, x);
        RY_UNROLL
        for (int t = 0; t < x->toks; t++) {
            RY_UNROLL
            for (int i = 0; i < x->strips; i++)
                sums[t][i] = RY_SUM_IS_WORD(top)
                                 ? ry_v_words(sums[t][i], a[t][i], s[i][j / 4])
                                 : ry_v_add(sums[t][i], ry_v_mul(a[t][i], s[i][j / 4]));
        }
    }
}

/* Byte j of each dword as ry_add_scaled wants it. */
RY_INLINE ry_vi ry_scale(ry_vi v, const int j, const bool is_signed, const int top)
{
    if (!is_signed)
        return ry_bytes(v, j, RY_NONE, RY_NONE, RY_NONE);
    return RY_SUM_IS_WORD(top) ? ry_v_sar16(ry_bytes(v, RY_NONE, j, RY_NONE, RY_NONE), 8)
                               : ry_v_sar32(ry_bytes(v, RY_NONE, RY_NONE, RY_NONE, j), 24);
}
#else
/* Words of n registers added; the caller sees to it that they fit. */
RY_INLINE ry_vi ry_word_sums(const ry_vi *u, const int8_t *x, int n)
{
    ry_vi words = ry_v_pairs(u[0], ry_v_each(x));
    RY_UNROLL
    for (int j = 1; j < n; j++)
        words = ry_v_add16(words, ry_v_pairs(u[j], ry_v_each(x + 4 * j)));
    return words;
}

/* Registers whose words fit: 2 * n products of top * 127. */
RY_INLINE int ry_word_run(const int top)
{
    return top <= 15 ? 8 : top <= 31 ? 4 : 2;
}

/* a[t][i] += the sums of a chunk. top: the largest code; 255: signed ones, |w| <= 128 times x with w's sign. */
RY_INLINE void ry_sum_chunk(ry_vi (*a)[RY_STRIPS], ry_vi (*u)[RY_X16_CHUNK], const struct ry_x *x,
                            const int top)
{
    const ry_vi one = ry_v_set32(0x00010001);
    const int run = ry_word_run(top);
    RY_UNROLL
    for (int t = 0; t < x->toks; t++) {
        const int8_t *q = x->q + (size_t)t * x->stride;
        RY_UNROLL
        for (int j = 0; j < RY_X16_CHUNK; j += top == 255 ? 1 : run) {
            ry_vi words = top == 255 ? ry_v_pairs(ry_v_abs8(u[0][j]),
                                                  ry_v_sign8(ry_v_each(q + 4 * j), u[0][j]))
                                     : ry_word_sums(u[0] + j, q + 4 * j, run);
            a[t][0] = ry_v_words(a[t][0], words, one);
        }
    }
}

/* sums[t][i] += scale * sum, for both halves of a chunk: words meet their scale. */
RY_INLINE void ry_add_scaled(ry_vi (*sums)[RY_STRIPS], ry_vi (*u)[RY_X16_CHUNK], ry_vi (*s)[2],
                             const struct ry_x *x, const int top, const int per)
{
    const int fits = ry_word_run(top), run = per == 16 && fits > 4 ? 4 : fits;
    RY_UNROLL
    for (int t = 0; t < x->toks; t++) {
        const int8_t *q = x->q + (size_t)t * x->stride;
        RY_UNROLL
        for (int j = 0; j < RY_X16_CHUNK; j += run)
            sums[t][0] =
                ry_v_words(sums[t][0], ry_word_sums(u[0] + j, q + 4 * j, run), s[0][j / 4]);
    }
}

/* Byte j of each dword as ry_add_scaled wants it: in both words. */
RY_INLINE ry_vi ry_scale(ry_vi v, const int j, const bool is_signed, const int top)
{
    (void)top;
    return is_signed ? ry_v_sar16(ry_bytes(v, RY_NONE, j, RY_NONE, j), 8)
                     : ry_bytes(v, j, RY_NONE, j, RY_NONE);
}
#endif

/* ---- blocks of 32 ------------------------------------------------------------------------------------ */

/* What a token's sums begin with: the offset times the sum of its activations, taken away. That sum (at most 32 * 127)
 * is the low word of a dword. */
RY_INLINE ry_vi ry_begin_32(const void *act, size_t n, size_t b, const struct ry_x16_32 *f)
{
    if (!f->offset)
        return ry_v_zero();
    return ry_v_words(ry_v_zero(), ry_v_each(&ry_act_sums_32(act, n)[b]),
                      ry_v_set32(-f->offset & 0xffff));
}

/* acc after one block: the two steps of the scalar order. */
RY_INLINE ry_vf ry_end_32(ry_vf acc, ry_vf d, ry_vf m, ry_vi sums, const void *act, size_t n,
                          size_t b, const struct ry_x16_32 *f)
{
    acc = ry_f_fma(ry_f_mul(d, ry_f_each(&ry_act_d(act, n)[b])), ry_f_int(sums), acc);
    return f->minima ? ry_f_fma(m, ry_f_each(&ry_act_ds(act, n)[b]), acc) : acc;
}

/* Asks for n bytes ahead of p, twice: into the second cache early, and into the first shortly before they are read, so
 * that reading waits for neither. Addresses may lie outside the matrix. ahead 0: not at all. */
RY_INLINE void ry_ask_bytes(const uint8_t *p, size_t n, size_t ahead)
{
    if (ahead)
        for (size_t i = 0; i < n; i += RY_X16_LINE) {
            __builtin_prefetch((const char *)((uintptr_t)p + ahead / 2 + i), 0, 2);
            __builtin_prefetch((const char *)((uintptr_t)p + ahead / 8 + i), 0, 3);
        }
}

RY_INLINE void ry_matvec_32(float *y, const struct ry_wmat *w, size_t row0, size_t row1,
                            const void *act, size_t prefetch, const struct ry_x16_32 *f)
{
    size_t n = w->n_cols, bytes = f->bytes * RY_X16_ROWS;
    for (size_t r = row0; r < row1; r += RY_X16_ROWS) {
        const uint8_t *block = ry_x16_group(w, r);
        ry_vf acc[RY_X16_PARTS];
        RY_UNROLL
        for (int i = 0; i < RY_X16_PARTS; i++)
            acc[i] = ry_f_zero();
        for (size_t b = 0; b < n / 32; b++, block += bytes) {
            ry_ask_bytes(block, bytes, prefetch);
            RY_UNROLL
            for (int i = 0; i < RY_X16_PARTS; i++) {
                size_t lane = (size_t)i * RY_LANES;
                ry_vi u[1][RY_X16_CHUNK], sums[1][RY_STRIPS];
                struct ry_x x = {(const int8_t *)act + 32 * b, 0, 1, 1};
                ry_vf d, m = ry_f_zero();
                ry_floats_32(&d, &m, block, lane, f);
                f->codes(u[0], block + f->head * RY_X16_ROWS + 4 * lane);
                sums[0][0] = ry_begin_32(act, n, b, f);
                ry_sum_chunk(sums, u, &x, f->top);
                acc[i] = ry_end_32(acc[i], d, m, sums[0][0], act, n, b, f);
            }
        }
        for (size_t i = 0; i < RY_X16_PARTS && r + i * RY_LANES < row1; i++)
            ry_f_store(y + (r - row0) + i * RY_LANES, acc[i], row1 - r - i * RY_LANES);
    }
}

/* Where the strips of a call begin: rows past the last repeat the first strip, and their results are not stored. */
struct ry_strips {
    const uint8_t *group[RY_STRIPS];
    size_t lane[RY_STRIPS];
};

RY_INLINE void ry_strips_at(struct ry_strips *s, const struct ry_wmat *w, size_t r, size_t row1)
{
    RY_UNROLL
    for (size_t i = 0; i < RY_STRIPS; i++) {
        size_t row = r + i * RY_LANES < row1 ? r + i * RY_LANES : r;
        s->lane[i] = row % RY_X16_ROWS;
        s->group[i] = ry_x16_group(w, row - s->lane[i]);
    }
}

/* Up to 256 columns of every strip, cut out: what all tokens of a tile meet. */
struct ry_panel_32 {
    ry_vi u[RY_X16_RUN][RY_STRIPS][RY_X16_CHUNK];
    ry_vf d[RY_X16_RUN][RY_STRIPS], m[RY_X16_RUN][RY_STRIPS];
    size_t n; /* blocks */
};

/* Fills it from block b on. */
RY_INLINE void ry_cut_32(struct ry_panel_32 *p, const struct ry_strips *s, size_t b,
                         const struct ry_x16_32 *f)
{
    for (size_t k = 0; k < p->n; k++) {
        RY_UNROLL
        for (int i = 0; i < RY_STRIPS; i++) {
            const uint8_t *block = s->group[i] + (b + k) * f->bytes * RY_X16_ROWS;
            ry_floats_32(&p->d[k][i], &p->m[k][i], block, s->lane[i], f);
            f->codes(p->u[k][i], block + f->head * RY_X16_ROWS + 4 * s->lane[i]);
        }
    }
}

/* A panel that begins with block b for `toks` tokens, a constant, whose activation rows begin at act. */
RY_INLINE void ry_tokens_32(ry_vf (*acc)[RY_STRIPS], struct ry_panel_32 *p, const char *act,
                            size_t act_stride, const int toks, size_t n, size_t b,
                            const struct ry_x16_32 *f)
{
    ry_vf v[RY_TOKENS][RY_STRIPS];
    RY_UNROLL
    for (int t = 0; t < toks; t++) {
        RY_UNROLL
        for (int i = 0; i < RY_STRIPS; i++)
            v[t][i] = acc[t][i];
    }
    for (size_t k = 0; k < p->n; k++) {
        struct ry_x x = {(const int8_t *)act + 32 * (b + k), act_stride, toks, RY_STRIPS};
        ry_vi sums[RY_TOKENS][RY_STRIPS];
        RY_UNROLL
        for (int t = 0; t < toks; t++) {
            __builtin_prefetch(x.q + (size_t)t * act_stride + RY_X_AHEAD);
            RY_UNROLL
            for (int i = 0; i < RY_STRIPS; i++)
                sums[t][i] = ry_begin_32(act + (size_t)t * act_stride, n, b + k, f);
        }
        ry_sum_chunk(sums, p->u[k], &x, f->top);
        RY_UNROLL
        for (int t = 0; t < toks; t++) {
            RY_UNROLL
            for (int i = 0; i < RY_STRIPS; i++)
                v[t][i] = ry_end_32(v[t][i], p->d[k][i], p->m[k][i], sums[t][i],
                                    act + (size_t)t * act_stride, n, b + k, f);
        }
    }
    RY_UNROLL
    for (int t = 0; t < toks; t++) {
        RY_UNROLL
        for (int i = 0; i < RY_STRIPS; i++)
            acc[t][i] = v[t][i];
    }
}

/* RY_STRIPS strips for nt tokens, at most a tile; n_rows from the first on. */
RY_INLINE void ry_tile_32(float *y, size_t ldy, const struct ry_strips *s, size_t n_rows, size_t n,
                          const char *act, size_t act_stride, size_t nt, const struct ry_x16_32 *f)
{
    ry_vf acc[RY_X16_TILE][RY_STRIPS];
    struct ry_panel_32 p;
    for (size_t t = 0; t < nt; t++)
        for (int i = 0; i < RY_STRIPS; i++)
            acc[t][i] = ry_f_zero();
    for (size_t b = 0; b < n / 32; b += RY_X16_RUN) {
        p.n = n / 32 - b < RY_X16_RUN ? n / 32 - b : RY_X16_RUN;
        ry_cut_32(&p, s, b, f);
        size_t t = 0;
        for (; t + RY_TOKENS <= nt; t += RY_TOKENS)
            ry_tokens_32(acc + t, &p, act + t * act_stride, act_stride, RY_TOKENS, n, b, f);
        for (; t < nt; t++)
            ry_tokens_32(acc + t, &p, act + t * act_stride, act_stride, 1, n, b, f);
    }
    for (size_t t = 0; t < nt; t++)
        for (size_t i = 0; i < RY_STRIPS && i * RY_LANES < n_rows; i++)
            ry_f_store(y + t * ldy + i * RY_LANES, acc[t][i], n_rows - i * RY_LANES);
}

RY_INLINE void ry_matmul_32(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                            const void *act, size_t act_stride, size_t n_tok,
                            const struct ry_x16_32 *f)
{
    for (size_t t = 0; t < n_tok; t += RY_X16_TILE) {
        size_t nt = n_tok - t < RY_X16_TILE ? n_tok - t : RY_X16_TILE;
        for (size_t r = row0; r < row1; r += RY_STRIPS * RY_LANES) {
            struct ry_strips s;
            ry_strips_at(&s, w, r, row1);
            ry_tile_32(y + t * ldy + (r - row0), ldy, &s, row1 - r, w->n_cols,
                       (const char *)act + t * act_stride, act_stride, nt, f);
        }
    }
}

/* ---- blocks of 256 ----------------------------------------------------------------------------------- */

/* What a block has beside its codes. */
struct ry_k_scales {
    ry_vi sc[4], mins[4];
};

/* The scales of both halves of a chunk. */
RY_INLINE void ry_chunk_scales(ry_vi s[2], const struct ry_k_scales *k, const int chunk,
                               const struct ry_x16_k *f)
{
    RY_UNROLL
    for (int h = 0; h < 2; h++) {
        const int sub = f->per == 16 ? 2 * chunk + h : chunk;
        s[h] = ry_scale(k->sc[sub / 4], sub % 4, f->is_signed, f->top);
    }
}

/* What the activations' sums of 16 are multiplied with, two words a lane: minima, or scales, whose offset it is. */
RY_INLINE ry_vi ry_chunk_factors(const struct ry_k_scales *k, const int chunk,
                                 const struct ry_x16_k *f)
{
    const ry_vi *v = f->minima ? k->mins : k->sc;
    const int sub = f->per == 16 ? 2 * chunk : chunk, j = sub % 4, next = f->per == 16 ? j + 1 : j;
    return f->is_signed ? ry_v_sar16(ry_bytes(v[sub / 4], RY_NONE, j, RY_NONE, next), 8)
                        : ry_bytes(v[sub / 4], j, RY_NONE, next, RY_NONE);
}

/* acc after one block: the two steps of the scalar order. rest: factors times sums of 16. */
RY_INLINE ry_vf ry_end_k(ry_vf acc, ry_vf d, ry_vf dmin, ry_vi sums, ry_vi rest, const float *dx,
                         const struct ry_x16_k *f)
{
    if (f->offset_shift)
        sums = ry_v_sub(sums, ry_v_shl32(rest, f->offset_shift));
    acc = ry_f_fma(ry_f_mul(d, ry_f_each(dx)), ry_f_int(sums), acc);
    return f->minima ? ry_f_fnma(ry_f_mul(dmin, ry_f_each(dx)), ry_f_int(rest), acc) : acc;
}

/* One block of a strip for one token. */
RY_INLINE ry_vf ry_block_k(ry_vf acc, const uint8_t *block, size_t lane, const int8_t *x,
                           const int16_t *x_sums, const float *dx, size_t prefetch,
                           const struct ry_x16_k *f)
{
    const uint8_t *body = block + f->head * RY_X16_ROWS + 4 * lane;
    const size_t part = f->bytes * 2; /* of 16 rows: an eighth */
    struct ry_k_scales k;
    ry_vf d, dmin;
    ry_vi sums[1][RY_STRIPS], rest = ry_v_zero();
    sums[0][0] = ry_v_zero();
    ry_floats_k(&d, &dmin, block, lane, f);
    f->scales(k.sc, k.mins, body);
    RY_UNROLL
    for (int c = 0; c < 8; c++) {
        ry_vi u[1][RY_X16_CHUNK], s[1][2];
        ry_ask_bytes(block + c * part, part, prefetch);
        f->codes(u[0], body, c);
        ry_chunk_scales(s[0], &k, c, f);
        ry_add_scaled(sums, u, s, &(struct ry_x){x + 32 * c, 0, 1, 1}, f->top, f->per);
        rest = ry_v_words(rest, ry_chunk_factors(&k, c, f), ry_v_each(x_sums + 2 * c));
    }
    return ry_end_k(acc, d, dmin, sums[0][0], rest, dx, f);
}

RY_INLINE void ry_matvec_k(float *y, const struct ry_wmat *w, size_t row0, size_t row1,
                           const void *act, size_t prefetch, const struct ry_x16_k *f)
{
    size_t n = w->n_cols, bytes = f->bytes * RY_X16_ROWS;
    for (size_t r = row0; r < row1; r += RY_X16_ROWS) {
        const uint8_t *block = ry_x16_group(w, r);
        ry_vf acc[RY_X16_PARTS];
        RY_UNROLL
        for (int i = 0; i < RY_X16_PARTS; i++)
            acc[i] = ry_f_zero();
        for (size_t b = 0; b < n / 256; b++, block += bytes) {
            RY_UNROLL
            for (int i = 0; i < RY_X16_PARTS; i++)
                acc[i] = ry_block_k(acc[i], block, (size_t)i * RY_LANES,
                                    (const int8_t *)act + 256 * b, ry_act_sums(act, n) + 16 * b,
                                    &ry_act_d(act, n)[b], i ? 0 : prefetch, f);
        }
        for (size_t i = 0; i < RY_X16_PARTS && r + i * RY_LANES < row1; i++)
            ry_f_store(y + (r - row0) + i * RY_LANES, acc[i], row1 - r - i * RY_LANES);
    }
}

/* A block of every strip, cut out: what all tokens of a tile meet. */
struct ry_panel_k {
    ry_vi u[8][RY_STRIPS][RY_X16_CHUNK], s[8][RY_STRIPS][2], factors[8][RY_STRIPS];
    ry_vf d[RY_STRIPS], dmin[RY_STRIPS];
};

RY_INLINE void ry_cut_k(struct ry_panel_k *p, const struct ry_strips *s, size_t b,
                        const struct ry_x16_k *f)
{
    RY_UNROLL
    for (int i = 0; i < RY_STRIPS; i++) {
        const uint8_t *block = s->group[i] + b * f->bytes * RY_X16_ROWS;
        const uint8_t *body = block + f->head * RY_X16_ROWS + 4 * s->lane[i];
        struct ry_k_scales k;
        ry_floats_k(&p->d[i], &p->dmin[i], block, s->lane[i], f);
        f->scales(k.sc, k.mins, body);
        RY_UNROLL
        for (int c = 0; c < 8; c++) {
            f->codes(p->u[c][i], body, c);
            ry_chunk_scales(p->s[c][i], &k, c, f);
            p->factors[c][i] = ry_chunk_factors(&k, c, f);
        }
    }
}

/* Block b for `toks` tokens, a constant, whose activation rows begin at act. */
RY_INLINE void ry_tokens_k(ry_vf (*acc)[RY_STRIPS], struct ry_panel_k *p, const char *act,
                           size_t act_stride, const int toks, size_t n, size_t b,
                           const struct ry_x16_k *f)
{
    ry_vi sums[RY_TOKENS][RY_STRIPS];
    RY_UNROLL
    for (int t = 0; t < toks; t++) {
        RY_UNROLL
        for (int i = 0; i < RY_STRIPS; i++)
            sums[t][i] = ry_v_zero();
    }
    for (size_t c = 0; c < 8; c++) {
        struct ry_x x = {(const int8_t *)act + 256 * b + 32 * c, act_stride, toks, RY_STRIPS};
        RY_UNROLL
        for (int t = 0; t < toks; t++)
            __builtin_prefetch(x.q + (size_t)t * act_stride + RY_X_AHEAD);
        ry_add_scaled(sums, p->u[c], p->s[c], &x, f->top, f->per);
    }
    RY_UNROLL
    for (int t = 0; t < toks; t++) {
        const char *row = act + (size_t)t * act_stride;
        const int16_t *x_sums = ry_act_sums(row, n) + 16 * b;
        RY_UNROLL
        for (int i = 0; i < RY_STRIPS; i++) {
            ry_vi rest = ry_v_zero();
            RY_UNROLL
            for (int c = 0; c < 8; c++)
                rest = ry_v_words(rest, p->factors[c][i], ry_v_each(x_sums + 2 * c));
            acc[t][i] =
                ry_end_k(acc[t][i], p->d[i], p->dmin[i], sums[t][i], rest, &ry_act_d(row, n)[b], f);
        }
    }
}

/* RY_STRIPS strips for nt tokens, at most a tile; n_rows from the first on. */
RY_INLINE void ry_tile_k(float *y, size_t ldy, const struct ry_strips *s, size_t n_rows, size_t n,
                         const char *act, size_t act_stride, size_t nt, const struct ry_x16_k *f)
{
    ry_vf acc[RY_X16_TILE][RY_STRIPS];
    struct ry_panel_k p;
    for (size_t t = 0; t < nt; t++)
        for (int i = 0; i < RY_STRIPS; i++)
            acc[t][i] = ry_f_zero();
    for (size_t b = 0; b < n / 256; b++) {
        ry_cut_k(&p, s, b, f);
        size_t t = 0;
        for (; t + RY_TOKENS <= nt; t += RY_TOKENS)
            ry_tokens_k(acc + t, &p, act + t * act_stride, act_stride, RY_TOKENS, n, b, f);
        for (; t < nt; t++)
            ry_tokens_k(acc + t, &p, act + t * act_stride, act_stride, 1, n, b, f);
    }
    for (size_t t = 0; t < nt; t++)
        for (size_t i = 0; i < RY_STRIPS && i * RY_LANES < n_rows; i++)
            ry_f_store(y + t * ldy + i * RY_LANES, acc[t][i], n_rows - i * RY_LANES);
}

RY_INLINE void ry_matmul_k(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                           const void *act, size_t act_stride, size_t n_tok,
                           const struct ry_x16_k *f)
{
    for (size_t t = 0; t < n_tok; t += RY_X16_TILE) {
        size_t nt = n_tok - t < RY_X16_TILE ? n_tok - t : RY_X16_TILE;
        for (size_t r = row0; r < row1; r += RY_STRIPS * RY_LANES) {
            struct ry_strips s;
            ry_strips_at(&s, w, r, row1);
            ry_tile_k(y + t * ldy + (r - row0), ldy, &s, row1 - r, w->n_cols,
                      (const char *)act + t * act_stride, act_stride, nt, f);
        }
    }
}

/* ---- slots ------------------------------------------------------------------------------------------- */

#define RY_X16_SLOTS(size, name)                                                                   \
    static void matvec_##name(float *y, const struct ry_wmat *w, size_t row0, size_t row1,         \
                              const void *act, size_t prefetch)                                    \
    {                                                                                              \
        ry_matvec_##size(y, w, row0, row1, act, prefetch, &ry_##name);                             \
    }                                                                                              \
    static void matmul_##name(float *y, size_t ldy, const struct ry_wmat *w, size_t row0,          \
                              size_t row1, const void *act, size_t act_stride, size_t n_tok)       \
    {                                                                                              \
        ry_matmul_##size(y, ldy, w, row0, row1, act, act_stride, n_tok, &ry_##name);               \
    }
RY_X16_SLOTS(32, q4_0)
RY_X16_SLOTS(32, q4_1)
RY_X16_SLOTS(32, q5_0)
RY_X16_SLOTS(32, q5_1)
RY_X16_SLOTS(32, q8_0)
RY_X16_SLOTS(32, iq4_nl)
RY_X16_SLOTS(32, mxfp4)
RY_X16_SLOTS(k, q2_k)
RY_X16_SLOTS(k, q3_k)
RY_X16_SLOTS(k, q4_k)
RY_X16_SLOTS(k, q5_k)
RY_X16_SLOTS(k, q6_k)

/* Lays this tier's kernels over k. */
static void ry_x16q_set_slots(struct ry_kern *k)
{
#define RY_X16_SET(fmt, name)                                                                      \
    k->matvec[RY_FMT_##fmt##_X16] = matvec_##name;                                                 \
    k->matmul[RY_FMT_##fmt##_X16] = matmul_##name
    RY_X16_SET(Q4_0, q4_0);
    RY_X16_SET(Q4_1, q4_1);
    RY_X16_SET(Q5_0, q5_0);
    RY_X16_SET(Q5_1, q5_1);
    RY_X16_SET(Q8_0, q8_0);
    RY_X16_SET(IQ4_NL, iq4_nl);
    RY_X16_SET(MXFP4, mxfp4);
    RY_X16_SET(Q2_K, q2_k);
    RY_X16_SET(Q3_K, q3_k);
    RY_X16_SET(Q4_K, q4_k);
    RY_X16_SET(Q5_K, q5_k);
    RY_X16_SET(Q6_K, q6_k);
#undef RY_X16_SET
}

#endif
