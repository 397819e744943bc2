/* AMX: many tokens times ternary matrices in interleaved rows (T2_X16, see x16.h).
 *
 * A tile of tokens is 16 rows of 64 int8, as quantised activations lie in memory. A tile of weights is 16 lines of a
 * panel (kern_avx512_t2.h): 64 columns of 16 rows. tdpbsud adds 16 x 16 x 64 exact products into int32. A block is 32
 * rows x 32 tokens: four tiles of sums, two of tokens, two of weights. Between panels y holds the sums so far, as int32.
 * Any thread; allocates nothing; the tiles are released before a call returns. */
#include "engine/kern/kern_amx.h"
#include "engine/kern/kern_avx512_t2.h"

/* Tiles go by literal numbers: 0 to 3 hold sums (tokens 0..15 with both halves of the rows, then tokens 16..31), 4 and
 * 5 tokens, 6 and 7 weights. */
enum { TILE = 16, BLOCK = 2 * TILE, STEP = 64, PANEL_COLS = 1024 };

/* Tiles for m0 tokens and m1 more; weights have 16 rows always. */
static void configure(size_t m0, size_t m1)
{
    struct ry_tile_config c = {.palette = 1};
    const size_t rows[8] = {m0, m0, m1, m1, m0, m1, TILE, TILE};
    for (int i = 0; i < 8; i++) {
        c.rows[i] = (uint8_t)(rows[i] ? rows[i] : 1);
        c.bytes[i] = 64;
    }
    ry_tile_configure(&c);
}

struct job {
    float *y; /* of the first token and the panel's first row */
    size_t ldy;
    const struct ry_wmat *w;
    const uint8_t *panel;
    const char *act;
    size_t act_stride, col0, n_cols;
};

/* The sums of `m` tokens from t on for 16 rows of the panel, which are whole now, to y. */
RY_INLINE void finish(const struct job *j, size_t t, size_t m, size_t row, const int32_t *sums)
{
    for (size_t i = 0; i < m; i++)
        ry_t2_finish(j->y + (t + i) * j->ldy + row, TILE, _mm512_loadu_si512(sums + i * TILE), j->w,
                     j->act + (t + i) * j->act_stride);
}

/* A block of m0 and m1 tokens from t on, for which the tiles are configured. */
static void block(const struct job *j, size_t t, size_t m0, size_t m1)
{
    const size_t y_bytes = j->ldy * sizeof *j->y;
    const int8_t *q0 = ry_act_q8_t(j->act + t * j->act_stride) + j->col0;
    const int8_t *q1 = q0 + TILE * j->act_stride;
    float *y0 = j->y + t * j->ldy, *y1 = y0 + TILE * j->ldy;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (j->col0) {
        _tile_loadd(0, y0, y_bytes);
        _tile_loadd(1, y0 + TILE, y_bytes);
    }
    if (j->col0 && m1) {
        _tile_loadd(2, y1, y_bytes);
        _tile_loadd(3, y1 + TILE, y_bytes);
    }
    const uint8_t *panel = j->panel;
    for (size_t k = 0; k < j->n_cols; k += STEP, panel += STEP / 4 * RY_PANEL_STRIDE) {
        _tile_loadd(6, panel, RY_PANEL_STRIDE);
        _tile_loadd(7, panel + RY_X16_LINE, RY_PANEL_STRIDE);
        _tile_loadd(4, q0 + k, j->act_stride);
        _tile_dpbsud(0, 4, 6);
        _tile_dpbsud(1, 4, 7);
        if (m1) {
            _tile_loadd(5, q1 + k, j->act_stride);
            _tile_dpbsud(2, 5, 6);
            _tile_dpbsud(3, 5, 7);
        }
    }
    if (j->col0 + j->n_cols < j->w->n_cols) {
        _tile_stored(0, y0, y_bytes);
        _tile_stored(1, y0 + TILE, y_bytes);
        if (m1) {
            _tile_stored(2, y1, y_bytes);
            _tile_stored(3, y1 + TILE, y_bytes);
        }
        return;
    }
    _Alignas(64) int32_t sums[4][TILE * TILE];
    _tile_stored(0, sums[0], 64);
    _tile_stored(1, sums[1], 64);
    finish(j, t, m0, 0, sums[0]);
    finish(j, t, m0, TILE, sums[1]);
    if (m1) {
        _tile_stored(2, sums[2], 64);
        _tile_stored(3, sums[3], 64);
        finish(j, t + TILE, m1, 0, sums[2]);
        finish(j, t + TILE, m1, TILE, sums[3]);
    }
}

static void panel_tokens(const struct job *j, size_t n_tok)
{
    size_t t = 0, rest = n_tok % BLOCK;
    if (n_tok >= BLOCK)
        configure(TILE, TILE);
    for (; t + BLOCK <= n_tok; t += BLOCK)
        block(j, t, TILE, TILE);
    if (rest) {
        size_t m0 = rest < TILE ? rest : TILE;
        configure(m0, rest - m0);
        block(j, t, m0, rest - m0);
    }
}

/* Columns are the outer loop, so that the tokens' part of them stays in the second cache for all rows.
 * Less than half a tile of tokens, and rows that fill no panel, are AVX-512's. */
static void matmul(float *y, size_t ldy, const struct ry_wmat *w, size_t row0, size_t row1,
                   const void *act, size_t act_stride, size_t n_tok)
{
    _Alignas(64) uint8_t panel[RY_PANEL_ROWS * PANEL_COLS];
    struct job j = {.ldy = ldy, .w = w, .panel = panel, .act = act, .act_stride = act_stride};
    size_t end = row0 + (row1 - row0) / RY_PANEL_ROWS * RY_PANEL_ROWS;
    if (n_tok < TILE / 2 || w->n_cols % STEP) {
        ry_kern_avx512_t2_matmul(y, ldy, w, row0, row1, act, act_stride, n_tok);
        return;
    }
    for (j.col0 = 0; j.col0 < w->n_cols; j.col0 += PANEL_COLS) {
        size_t left = w->n_cols - j.col0;
        j.n_cols = left < PANEL_COLS ? left : PANEL_COLS;
        for (size_t r = row0; r < end; r += RY_PANEL_ROWS) {
            j.y = y + (r - row0);
            ry_t2_panel(panel, w, r, row1, j.col0, j.n_cols);
            RY_TILES_READ();
            panel_tokens(&j, n_tok);
        }
    }
    _tile_release();
    if (end < row1)
        ry_kern_avx512_t2_matmul(y + (end - row0), ldy, w, end, row1, act, act_stride, n_tok);
}

void ry_kern_init_amx_t2(struct ry_kern *k)
{
    k->matmul[RY_FMT_T2_X16] = matmul;
}
