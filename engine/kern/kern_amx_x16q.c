/* AMX: many tokens times interleaved block formats (Q4_0_X16 … MXFP4_X16, see x16.h).
 *
 * A panel is 16 rows x some columns of weights, taken apart once for all tokens: bytes in lines as the second operand of
 * a tile product wants them (four columns of 16 rows), and the blocks' floats. It meets 16 tokens at a time, block by
 * block: a product of tiles gives the exact sums of 16 tokens x 16 rows, which go through the first cache into
 * registers, where each token keeps 16 rows of results. The sums of a block are read when the next one's products are
 * under way.
 *
 *   blocks of 32    weights are signed bytes: one product of 32 columns
 *   blocks of 256   a weight times the scale of its sub-block is an integer below 2^13: two digits of base 256, the low
 *                   one unsigned, each a product of 64 columns added up four times; Q2_K and Q3_K have it in one digit.
 *                   Minima meet the bytes of the activations' sums of 16, low and high apart
 *
 * Columns are the outer loop, so that the tokens' part of them stays in the second cache for all rows: between panels y
 * holds the results so far. Any thread; allocates nothing; the tiles are released before a call returns. */
#include "engine/kern/kern_amx.h"
#include "engine/kern/wide_x16_codes.h"

enum {
    TILE = 16,
    COLS = 2048,         /* of a panel, where they are the whole row */
    COLS_OF_MORE = 1024, /* where they are not: panels and tokens stay closer */
    STREAM = 1 << 20,    /* bytes of results that go past the caches */
    GROUP = 4,           /* panels that meet the same tokens */
    FEW = 24             /* tokens from which on cutting out pays */
};

/* A tile of sums, as it is stored. */
typedef int32_t sums_t[TILE * TILE];

/* Lines of a block of 256: both digits, then minima for low and for high bytes. */
enum { LINES_DIGIT = 256 / 4, LINES_MINS = 256 / 16 / 2 };

struct panel {
    _Alignas(64) union {
        uint8_t q32[COLS / 32][32 / 4][RY_X16_LINE];
        struct {
            uint8_t low[LINES_DIGIT][RY_X16_LINE], high[LINES_DIGIT][RY_X16_LINE];
            uint8_t mins_low[LINES_MINS][RY_X16_LINE], mins_high[LINES_MINS][RY_X16_LINE];
        } q256[COLS / 256];
    };
    float d[COLS / 32][TILE], m[COLS / 32][TILE];
};

/* Columns of 16 tokens: the first token's parts of an activation row, and the way to the next. */
struct tokens {
    const int8_t *q;
    const float *d, *ds;
    const int16_t *sums;
    size_t stride; /* bytes */
};

/* The same columns of tokens that do not fill a tile. */
struct tail_row {
    _Alignas(64) int8_t q[COLS];
    float d[COLS / 32], ds[COLS / 32];
    int16_t sums[COLS / 16];
};

/* Results of the panel's rows for 16 tokens. */
struct out {
    float *y;
    size_t ldy, n_tok, n_rows;
    bool again;  /* y holds sums already */
    bool stream; /* y is better written past the caches */
};

/* A format's functions: not inlined, each a page of instructions. */
struct format {
    size_t block; /* columns */
    /* n blocks from `block` on, of 16 rows, into a panel. */
    void (*cut)(struct panel *p, const uint8_t *block, size_t n);
    /* They meet 16 tokens. */
    void (*multiply)(const struct panel *p, size_t n, const struct tokens *t, const struct out *o);
};

/* ---- results ----------------------------------------------------------------------------------------- */

RY_INLINE void load_results(__m512 acc[TILE], const struct out *o)
{
    RY_UNROLL
    for (size_t i = 0; i < TILE; i++)
        acc[i] = o->again && i < o->n_tok ? ry_load_16(o->y + i * o->ldy, o->n_rows)
                                          : _mm512_setzero_ps();
}

RY_INLINE void store_results(const struct out *o, const __m512 acc[TILE])
{
    RY_UNROLL
    for (size_t i = 0; i < TILE; i++) {
        float *y = o->y + i * o->ldy;
        if (i >= o->n_tok)
            continue;
        if (o->stream && o->n_rows >= TILE && (uintptr_t)y % 64 == 0)
            _mm512_stream_ps(y, acc[i]);
        else
            ry_store_16(y, acc[i], o->n_rows);
    }
}

/* One float of each token: four pointers serve 16 tokens, since x86 adds an index times 1 or 2. */
struct each {
    const char *p[4];
    size_t stride;
};

RY_INLINE void each_begin(struct each *e, const float *first, size_t stride)
{
    e->stride = stride;
    RY_UNROLL
    for (size_t i = 0; i < 4; i++)
        e->p[i] = (const char *)first + 4 * i * stride;
}

RY_INLINE __m512 each_of(const struct each *e, size_t i)
{
    return _mm512_set1_ps(*(const float *)(e->p[i / 4] + i % 4 * e->stride));
}

RY_INLINE void each_next(struct each *e)
{
    RY_UNROLL
    for (size_t i = 0; i < 4; i++) {
        e->p[i] += sizeof(float);
        RY_KEEP(e->p[i]);
    }
}

/* ---- blocks of 32 ------------------------------------------------------------------------------------ */

RY_INLINE void cut_32(struct panel *p, const uint8_t *block, size_t n, const struct ry_x16_32 *f)
{
    const __m512i offset = _mm512_set1_epi8((char)f->offset);
    for (size_t b = 0; b < n; b++, block += f->bytes * RY_X16_ROWS) {
        __m512i u[RY_X16_CHUNK];
        __m512 d, m = _mm512_setzero_ps();
        ry_floats_32(&d, &m, block, 0, f);
        f->codes(u, block + f->head * RY_X16_ROWS);
        RY_UNROLL
        for (size_t i = 0; i < RY_X16_CHUNK; i++)
            _mm512_store_si512(p->q32[b][i], _mm512_sub_epi8(u[i], offset));
        _mm512_store_ps(p->d[b], d);
        if (f->minima)
            _mm512_store_ps(p->m[b], m);
    }
}

/* The sums of a block, in one of two tiles; those of the block before leave the other one meanwhile. */
RY_INLINE void product_32(const struct panel *p, const struct tokens *t, size_t b)
{
    const int8_t *q = t->q + 32 * b;
    if (b % 2) {
        _tile_zero(1);
        _tile_loadd(5, q, t->stride);
        _tile_loadd(7, p->q32[b], RY_X16_LINE);
        _tile_dpbssd(1, 5, 7);
    } else {
        _tile_zero(0);
        _tile_loadd(4, q, t->stride);
        _tile_loadd(6, p->q32[b], RY_X16_LINE);
        _tile_dpbssd(0, 4, 6);
    }
}

RY_INLINE void store_32(int32_t *sums, size_t b)
{
    if (b % 2)
        _tile_stored(1, sums, RY_X16_LINE);
    else
        _tile_stored(0, sums, RY_X16_LINE);
}

/* acc after one block: the two steps of the scalar order. */
RY_INLINE void add_32(__m512 acc[TILE], const int32_t *sums, const float *d, const float *m,
                      const struct each *dx, const struct each *dsx, const struct ry_x16_32 *f)
{
    __m512 scale = _mm512_load_ps(d), min = f->minima ? _mm512_load_ps(m) : scale;
    RY_UNROLL
    for (size_t i = 0; i < TILE; i++) {
        acc[i] = _mm512_fmadd_ps(_mm512_mul_ps(scale, each_of(dx, i)),
                                 _mm512_cvtepi32_ps(_mm512_load_si512(sums + i * TILE)), acc[i]);
        if (f->minima)
            acc[i] = _mm512_fmadd_ps(min, each_of(dsx, i), acc[i]);
    }
}

RY_INLINE void multiply_32(const struct panel *p, size_t n, const struct tokens *t,
                           const struct out *o, const struct ry_x16_32 *f)
{
    _Alignas(64) sums_t sums[2];
    __m512 acc[TILE];
    struct each dx, dsx;
    each_begin(&dx, t->d, t->stride);
    each_begin(&dsx, t->ds, t->stride);
    load_results(acc, o);
    for (size_t b = 0; b < n + 2; b++) {
        if (b < n)
            product_32(p, t, b);
        if (b > 0 && b <= n)
            store_32(sums[(b - 1) % 2], b - 1);
        if (b < 2)
            continue;
        add_32(acc, sums[b % 2], p->d[b - 2], p->m[b - 2], &dx, &dsx, f);
        each_next(&dx);
        if (f->minima)
            each_next(&dsx);
    }
    store_results(o, acc);
}

/* ---- blocks of 256 ----------------------------------------------------------------------------------- */

/* What AMX makes of a format. Codes times scales in one digit may be negated, so that they fit. */
struct digits {
    const struct ry_x16_k *f;
    bool two, negated;
};

/* The scale of sub-block `sub` in both words of each dword. */
RY_INLINE __m512i words_of(const __m512i v[4], const int sub, const bool is_signed)
{
    const int j = sub % 4;
    return is_signed ? _mm512_srai_epi16(ry_bytes(v[sub / 4], RY_NONE, j, RY_NONE, j), 8)
                     : ry_bytes(v[sub / 4], j, RY_NONE, j, RY_NONE);
}

/* Four columns times their scale: even and odd columns as words, then the bytes of both together. */
RY_INLINE void cut_line(uint8_t *low, uint8_t *high, __m512i u, __m512i scale,
                        const struct digits *g)
{
    const __m512i bytes = _mm512_set1_epi16(255);
    const __m512i offset = _mm512_set1_epi16((short)(1 << g->f->offset_shift));
    __m512i even = _mm512_and_si512(u, bytes), odd = _mm512_srli_epi16(u, 8);
    if (g->f->offset_shift) {
        even = _mm512_sub_epi16(even, offset);
        odd = _mm512_sub_epi16(odd, offset);
    }
    even = _mm512_mullo_epi16(even, scale);
    odd = _mm512_mullo_epi16(odd, scale);
    _mm512_store_si512(low,
                       _mm512_ternarylogic_epi32(bytes, even, _mm512_slli_epi16(odd, 8), 0xca));
    if (g->two)
        _mm512_store_si512(high,
                           _mm512_ternarylogic_epi32(bytes, _mm512_srli_epi16(even, 8), odd, 0xca));
}

/* Minima beside the low and beside the high bytes of two sums of 16. */
RY_INLINE void cut_mins(uint8_t (*low)[RY_X16_LINE], uint8_t (*high)[RY_X16_LINE],
                        const __m512i mins[4], const int per)
{
    RY_UNROLL
    for (int i = 0; i < LINES_MINS; i++) {
        const int sub = 32 * i / per, j = sub % 4, k = (32 * i + 16) / per % 4;
        _mm512_store_si512(low[i], ry_bytes(mins[sub / 4], j, RY_NONE, k, RY_NONE));
        _mm512_store_si512(high[i], ry_bytes(mins[sub / 4], RY_NONE, j, RY_NONE, k));
    }
}

RY_INLINE void cut_256(struct panel *p, const uint8_t *block, size_t n, const struct digits *g)
{
    const struct ry_x16_k *f = g->f;
    for (size_t b = 0; b < n; b++, block += f->bytes * RY_X16_ROWS) {
        const uint8_t *body = block + f->head * RY_X16_ROWS;
        __m512i sc[4], mins[4], u[RY_X16_CHUNK];
        __m512 d, dmin;
        ry_floats_k(&d, &dmin, block, 0, f);
        f->scales(sc, mins, body);
        RY_UNROLL
        for (int c = 0; c < 8; c++) {
            f->codes(u, body, c);
            RY_UNROLL
            for (int i = 0; i < RY_X16_CHUNK; i++) {
                const int line = 8 * c + i;
                __m512i scale = words_of(sc, 4 * line / f->per, f->is_signed);
                if (g->negated)
                    scale = _mm512_sub_epi16(_mm512_setzero_si512(), scale);
                cut_line(p->q256[b].low[line], p->q256[b].high[line], u[i], scale, g);
            }
        }
        if (f->minima)
            cut_mins(p->q256[b].mins_low, p->q256[b].mins_high, mins, f->per);
        _mm512_store_ps(p->d[b], g->negated ? _mm512_sub_ps(_mm512_setzero_ps(), d) : d);
        _mm512_store_ps(p->m[b], dmin);
    }
}

/* 64 columns of a block, from `col` on: low and high digits to two tiles. */
#define DIGITS(tile_low, tile_high, p, t, b, col, g)                                               \
    do {                                                                                           \
        _tile_loadd(4, (t)->q + 256 * (b) + (col), (t)->stride);                                   \
        _tile_loadd(6, (p)->q256[b].low[(col) / 4], RY_X16_LINE);                                  \
        if ((g)->two) {                                                                            \
            _tile_dpbsud(tile_low, 4, 6);                                                          \
            _tile_loadd(6, (p)->q256[b].high[(col) / 4], RY_X16_LINE);                             \
            _tile_dpbssd(tile_high, 4, 6);                                                         \
        } else {                                                                                   \
            _tile_dpbssd(tile_low, 4, 6);                                                          \
        }                                                                                          \
    } while (0)

/* 64 columns of block b: in tiles 0 and 1; without minima, which need 2 and 3, odd blocks in those. */
RY_INLINE void add_columns(const struct panel *p, const struct tokens *t, size_t b, size_t col,
                           const struct digits *g)
{
    if (!g->f->minima && b % 2)
        DIGITS(2, 3, p, t, b, col, g);
    else
        DIGITS(0, 1, p, t, b, col, g);
}

RY_INLINE void begin_256(const struct panel *p, const struct tokens *t, size_t b,
                         const struct digits *g)
{
    if (!g->f->minima && b % 2) {
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_zero(0);
        _tile_zero(1);
    }
    add_columns(p, t, b, 0, g);
}

/* What block b has in tiles 2 and 3, or without minima in its own. */
RY_INLINE void store_256(sums_t *sums, size_t b, const struct digits *g)
{
    if (g->f->minima || b % 2) {
        _tile_stored(2, sums[g->f->minima ? 2 : 0], RY_X16_LINE);
        if (g->f->minima || g->two)
            _tile_stored(3, sums[g->f->minima ? 3 : 1], RY_X16_LINE);
    } else {
        _tile_stored(0, sums[0], RY_X16_LINE);
        if (g->two)
            _tile_stored(1, sums[1], RY_X16_LINE);
    }
}

RY_INLINE void products_of_minima(const struct panel *p, const struct tokens *t, size_t b)
{
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(5, t->sums + 16 * b, t->stride);
    _tile_loadd(7, p->q256[b].mins_low, RY_X16_LINE);
    _tile_dpbusd(2, 5, 7);
    _tile_loadd(7, p->q256[b].mins_high, RY_X16_LINE);
    _tile_dpbssd(3, 5, 7);
}

/* 16 sums of two digits as floats. */
RY_INLINE __m512 whole(const int32_t *low, const int32_t *high)
{
    return _mm512_cvtepi32_ps(
        _mm512_add_epi32(_mm512_load_si512(low), _mm512_slli_epi32(_mm512_load_si512(high), 8)));
}

/* acc of four tokens after one block: the two steps of the scalar order. */
RY_INLINE void add_256(__m512 acc[TILE], const size_t first, sums_t *sums, const float *d,
                       const float *dmin, const struct each *dx, const struct digits *g)
{
    __m512 scale = _mm512_load_ps(d), min = _mm512_load_ps(dmin);
    RY_UNROLL
    for (size_t i = first; i < first + 4; i++) {
        __m512 x = each_of(dx, i);
        __m512 sum = g->two ? whole(sums[0] + i * TILE, sums[1] + i * TILE)
                            : _mm512_cvtepi32_ps(_mm512_load_si512(sums[0] + i * TILE));
        acc[i] = _mm512_fmadd_ps(_mm512_mul_ps(scale, x), sum, acc[i]);
        if (g->f->minima)
            acc[i] = _mm512_fnmadd_ps(_mm512_mul_ps(min, x),
                                      whole(sums[2] + i * TILE, sums[3] + i * TILE), acc[i]);
    }
}

RY_INLINE void multiply_256(const struct panel *p, size_t n, const struct tokens *t,
                            const struct out *o, const struct digits *g)
{
    _Alignas(64) sums_t sums[4]; /* digits of the codes, of the minima */
    __m512 acc[TILE];
    struct each dx;
    each_begin(&dx, t->d, t->stride);
    load_results(acc, o);
    for (size_t b = 0; b <= n; b++) {
        const float *d = p->d[b - (b > 0)], *m = p->m[b - (b > 0)];
        if (b < n)
            begin_256(p, t, b, g);
        if (b > 0)
            store_256(sums, b - 1, g);
        RY_UNROLL
        for (size_t i = 0; i < 4; i++) {
            if (b < n && i < 3)
                add_columns(p, t, b, 64 * (i + 1), g);
            if (b < n && i == 3 && g->f->minima)
                products_of_minima(p, t, b);
            if (b > 0)
                add_256(acc, 4 * i, sums, d, m, &dx, g);
        }
        if (b > 0)
            each_next(&dx);
        if (b < n && g->f->minima) {
            _tile_stored(0, sums[0], RY_X16_LINE);
            if (g->two)
                _tile_stored(1, sums[1], RY_X16_LINE);
        }
    }
    store_results(o, acc);
}

/* ---- drivers ----------------------------------------------------------------------------------------- */

/* Tokens are tiles of 32 or 64 columns, weights of 8 or 16 lines; products of minima have 32 columns always. */
static void configure(size_t block)
{
    const bool wide = block == 256;
    struct ry_tile_config c = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        c.rows[i] = TILE;
        c.bytes[i] = 64;
    }
    c.bytes[4] = wide ? 64 : 32;
    c.bytes[5] = 32;
    c.rows[6] = wide ? 16 : 8;
    c.rows[7] = 8;
    ry_tile_configure(&c);
}

/* Columns col0 .. col0 + n of the activation row at act, which has n_cols. */
static struct tokens columns_of(const char *act, size_t stride, size_t col0, size_t n_cols,
                                bool blocks_32)
{
    struct tokens t = {.q = (const int8_t *)act + col0, .stride = stride};
    if (blocks_32) {
        t.d = ry_act_d(act, n_cols) + col0 / 32;
        t.ds = ry_act_ds(act, n_cols) + col0 / 32;
    } else {
        t.d = ry_act_d(act, n_cols) + col0 / 256;
        t.sums = ry_act_sums(act, n_cols) + col0 / 16;
    }
    return t;
}

/* Copies the columns of the last `rest` tokens, whose rows begin at act. */
static void copy_tail(struct tail_row tail[TILE], const struct tokens *t, size_t n_cols,
                      size_t rest, size_t block)
{
    for (size_t i = 0; i < rest; i++) {
        size_t at = i * t->stride, floats = n_cols / block * sizeof(float);
        memcpy(tail[i].q, (const char *)t->q + at, n_cols);
        memcpy(tail[i].d, (const char *)t->d + at, floats);
        if (t->ds)
            memcpy(tail[i].ds, (const char *)t->ds + at, floats);
        if (t->sums)
            memcpy(tail[i].sums, (const char *)t->sums + at, n_cols / 16 * sizeof(int16_t));
    }
}

/* A call, and the columns of it that are under way. */
struct job {
    float *y;
    size_t ldy;
    const struct ry_wmat *w;
    size_t row0, row1;
    const char *act;
    size_t act_stride, n_tok;
    const struct format *f;
    size_t col0, n_blocks, block_bytes; /* of 16 rows */
    bool stream;
    struct panel *panel;
    struct tail_row *tail; /* [TILE] */
};

static const uint8_t *blocks_of(const struct job *j, size_t r)
{
    return ry_x16_group(j->w, r) + j->col0 / j->f->block * j->block_bytes;
}

/* The columns of 16 tokens from t on; of the last, which fill no tile, their copy. */
static struct tokens tokens_at(const struct job *j, size_t t)
{
    if (t + TILE > j->n_tok)
        return (struct tokens){j->tail->q, j->tail->d, j->tail->ds, j->tail->sums,
                               sizeof j->tail[0]};
    return columns_of(j->act + t * j->act_stride, j->act_stride, j->col0, j->w->n_cols,
                      j->f->block == 32);
}

/* Fetches part i of n of the panel that begins at row r. */
static void ask_part(const struct job *j, size_t r, size_t i, size_t n)
{
    size_t bytes = j->n_blocks * j->block_bytes;
    for (size_t k = bytes * i / n; k < bytes * (i + 1) / n; k += RY_X16_LINE)
        _mm_prefetch((const char *)blocks_of(j, r) + k, _MM_HINT_T1);
}

/* The panel of the rows from r on meets all tokens; the next one is fetched meanwhile. */
static void multiply_panel(const struct job *j, size_t r)
{
    size_t n_tiles = (j->n_tok + TILE - 1) / TILE;
    j->f->cut(j->panel, blocks_of(j, r), j->n_blocks);
    RY_TILES_READ();
    for (size_t i = 0; i < n_tiles; i++) {
        size_t t = i * TILE, left = j->n_tok - t;
        struct tokens tokens = tokens_at(j, t);
        struct out o = {j->y + t * j->ldy + (r - j->row0),
                        j->ldy,
                        left < TILE ? left : TILE,
                        j->row1 - r,
                        j->col0 > 0,
                        j->stream};
        if (r + TILE < j->row1)
            ask_part(j, r + TILE, i, n_tiles);
        j->f->multiply(j->panel, j->n_blocks, &tokens, &o);
    }
}

static void multiply_all(struct job *j)
{
    const size_t n = j->w->n_cols, block = j->f->block, rest = j->n_tok % TILE;
    struct panel panel;
    struct tail_row tail[TILE];
    if (rest)
        memset(tail, 0, sizeof tail);
    j->panel = &panel;
    j->tail = tail;
    j->block_bytes = j->w->row_bytes / (n / block) * RY_X16_ROWS;
    configure(block);
    const size_t cols = n <= COLS ? COLS : COLS_OF_MORE;
    j->stream = n <= COLS && j->n_tok * (j->row1 - j->row0) * sizeof(float) >= STREAM;
    for (j->col0 = 0; j->col0 < n; j->col0 += cols) {
        size_t n_cols = n - j->col0 < cols ? n - j->col0 : cols;
        j->n_blocks = n_cols / block;
        if (rest) {
            struct tokens last = columns_of(j->act + (j->n_tok - rest) * j->act_stride,
                                            j->act_stride, j->col0, n, block == 32);
            copy_tail(tail, &last, n_cols, rest, block);
        }
        for (size_t r = j->row0; r < j->row1; r += TILE)
            multiply_panel(j, r);
    }
    _tile_release();
    _mm_sfence(); /* streamed results are there before another thread is told so */
}

/* ---- slots ------------------------------------------------------------------------------------------- */

/* AVX-512's slots, for few tokens. */
static void (*few[RY_FMT_SLOTS])(float *y, size_t ldy, const struct ry_wmat *w, size_t row0,
                                 size_t row1, const void *act, size_t act_stride, size_t n_tok);

#define SLOT(name, size, how)                                                                      \
    static                                                                                         \
        __attribute__((noinline)) void cut_##name(struct panel *p, const uint8_t *block, size_t n) \
    {                                                                                              \
        cut_##size(p, block, n, how);                                                              \
    }                                                                                              \
    static __attribute__((noinline)) void multiply_##name(                                         \
        const struct panel *p, size_t n, const struct tokens *t, const struct out *o)              \
    {                                                                                              \
        multiply_##size(p, n, t, o, how);                                                          \
    }                                                                                              \
    static void matmul_##name(float *y, size_t ldy, const struct ry_wmat *w, size_t row0,          \
                              size_t row1, const void *act, size_t act_stride, size_t n_tok)       \
    {                                                                                              \
        static const struct format f = {size, cut_##name, multiply_##name};                        \
        if (n_tok < FEW) {                                                                         \
            few[w->fmt](y, ldy, w, row0, row1, act, act_stride, n_tok);                            \
            return;                                                                                \
        }                                                                                          \
        struct job j = {y, ldy, w, row0, row1, act, act_stride, n_tok, .f = &f};                   \
        multiply_all(&j);                                                                          \
    }
SLOT(q4_0, 32, &ry_q4_0)
SLOT(q4_1, 32, &ry_q4_1)
SLOT(q5_0, 32, &ry_q5_0)
SLOT(q5_1, 32, &ry_q5_1)
SLOT(q8_0, 32, &ry_q8_0)
SLOT(iq4_nl, 32, &ry_iq4_nl)
SLOT(mxfp4, 32, &ry_mxfp4)
SLOT(q2_k, 256, (&(const struct digits){&ry_q2_k, false, false}))
SLOT(q3_k, 256, (&(const struct digits){&ry_q3_k, false, true}))
SLOT(q4_k, 256, (&(const struct digits){&ry_q4_k, true, false}))
SLOT(q5_k, 256, (&(const struct digits){&ry_q5_k, true, false}))
SLOT(q6_k, 256, (&(const struct digits){&ry_q6_k, true, false}))

void ry_kern_init_amx_x16q(struct ry_kern *k)
{
    memcpy(few, k->matmul, sizeof few);
    k->matmul[RY_FMT_Q4_0_X16] = matmul_q4_0;
    k->matmul[RY_FMT_Q4_1_X16] = matmul_q4_1;
    k->matmul[RY_FMT_Q5_0_X16] = matmul_q5_0;
    k->matmul[RY_FMT_Q5_1_X16] = matmul_q5_1;
    k->matmul[RY_FMT_Q8_0_X16] = matmul_q8_0;
    k->matmul[RY_FMT_IQ4_NL_X16] = matmul_iq4_nl;
    k->matmul[RY_FMT_MXFP4_X16] = matmul_mxfp4;
    k->matmul[RY_FMT_Q2_K_X16] = matmul_q2_k;
    k->matmul[RY_FMT_Q3_K_X16] = matmul_q3_k;
    k->matmul[RY_FMT_Q4_K_X16] = matmul_q4_k;
    k->matmul[RY_FMT_Q5_K_X16] = matmul_q5_k;
    k->matmul[RY_FMT_Q6_K_X16] = matmul_q6_k;
}
