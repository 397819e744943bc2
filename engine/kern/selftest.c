/* Small cases of every slot. See the header. */
#include "engine/kern/selftest.h"

#include <stdio.h>
#include <string.h>

#include "engine/kern/act.h"
#include "engine/repack.h"

/* Rows: a panel of the widest tier and one more; tokens: more than one tile of the wide ones, none of them whole. */
enum { ROWS = 33, COLS = 256, TOKENS = 9, VEC = 75, MAX_ROW_BYTES = 4 * COLS, ACT_BYTES = 2048 };

struct ry_selftest_work {
    _Alignas(64) uint8_t rows[ROWS * MAX_ROW_BYTES];
    _Alignas(64) uint8_t copy[48 * MAX_ROW_BYTES];
    _Alignas(64) char act[TOKENS * ACT_BYTES], act_want[ACT_BYTES];
    float x[TOKENS * COLS], want[TOKENS * ROWS], got[TOKENS * ROWS];
    _Alignas(64) float mat[COLS * RY_KV_CHUNK / 8]; /* an attention operand of any kind */
    uint32_t state;
    const struct ry_kern *k, *scalar;
    char *what;
};

size_t ry_kern_selftest_bytes(void)
{
    return sizeof(struct ry_selftest_work);
}

/* Numerical Recipes' generator; in -1..1. */
static float number(struct ry_selftest_work *w)
{
    w->state = w->state * 1664525u + 1013904223u;
    return (float)(int32_t)w->state * 0x1p-31f;
}

static void numbers(struct ry_selftest_work *w, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = number(w);
}

static bool same(struct ry_selftest_work *w, const void *want, const void *got, size_t n_bytes,
                 const char *slot, const char *of)
{
    if (memcmp(want, got, n_bytes) == 0)
        return true;
    snprintf(w->what, RY_SELFTEST_TEXT, "%s%s%s", slot, of[0] ? " " : "", of);
    return false;
}

/* ---- products -------------------------------------------------------------------------------------------- */

static bool quantize(struct ry_selftest_work *w, enum ry_act_fmt fmt, size_t stride)
{
    static const char *const names[RY_ACT_COUNT] = {"F32", "Q8_T", "Q8_32", "Q8_256"};
    for (size_t t = 0; t < TOKENS; t++) {
        char *act = w->act + t * stride;
        memset(w->act_want, 0, sizeof w->act_want);
        memset(act, 0, stride);
        w->scalar->quantize[fmt](w->act_want, w->x + t * COLS, COLS);
        w->k->quantize[fmt](act, w->x + t * COLS, COLS);
        if (!same(w, w->act_want, act, stride, "quantize", names[fmt]))
            return false;
    }
    return true;
}

static bool products(struct ry_selftest_work *w, const struct ry_wmat *m, size_t stride)
{
    const char *name = ry_fmt_info(m->fmt)->name;
    memset(w->got, 0, sizeof w->got);
    w->k->matmul[m->fmt](w->got, ROWS, m, 0, ROWS, w->act, stride, TOKENS);
    if (!same(w, w->want, w->got, sizeof w->want, "matmul", name))
        return false;
    memset(w->got, 0, sizeof w->got);
    w->k->matvec[m->fmt](w->got, m, 0, ROWS, w->act, 0);
    return same(w, w->want, w->got, ROWS * sizeof *w->got, "matvec", name);
}

/* The plain rows and their interleaved copy give scalar's numbers of the plain rows. */
static bool format(struct ry_selftest_work *w, enum ry_fmt fmt)
{
    struct ry_wmat m = {w->rows, ROWS, COLS, ry_fmt_row_bytes(fmt, COLS), fmt, 0.75f, true};
    enum ry_act_fmt af = ry_fmt_info(fmt)->act;
    size_t stride = ry_act_bytes(af, COLS);
    for (size_t r = 0; r < ROWS; r++) {
        numbers(w, w->want, COLS);
        ry_fmt_encode(fmt, w->rows + r * m.row_bytes, w->want, COLS);
    }
    memset(w->got, 0, sizeof w->got);
    w->scalar->decode_row(w->want, &m, 1);
    w->k->decode_row(w->got, &m, 1);
    if (!same(w, w->want, w->got, COLS * sizeof *w->got, "decode_row", ry_fmt_info(fmt)->name))
        return false;
    if (!quantize(w, af, stride))
        return false;
    w->scalar->matmul[fmt](w->want, ROWS, &m, 0, ROWS, w->act, stride, TOKENS);
    if (!products(w, &m, stride))
        return false;
    size_t bytes = ry_repack_bytes(&m);
    if (!bytes || bytes > sizeof w->copy)
        return true;
    ry_repack_groups(w->copy, &m, 0, (ROWS + RY_ROW_GRAIN - 1) / RY_ROW_GRAIN);
    struct ry_wmat copy = ry_repack_view(&m, w->copy);
    return products(w, &copy, stride);
}

/* ---- vectors --------------------------------------------------------------------------------------------- */

/* Runs `call` on the tier's table k and on scalar's, in place on y that begins as x; compares VEC floats. */
#define BOTH(slot, call)                                                                           \
    do {                                                                                           \
        const struct ry_kern *k = w->scalar;                                                       \
        float *y = w->want;                                                                        \
        memcpy(y, w->x, VEC * sizeof *y);                                                          \
        call;                                                                                      \
        k = w->k;                                                                                  \
        y = w->got;                                                                                \
        memcpy(y, w->x, VEC * sizeof *y);                                                          \
        call;                                                                                      \
        if (!same(w, w->want, w->got, VEC * sizeof *y, slot, ""))                                  \
            return false;                                                                          \
    } while (0)

static bool vectors(struct ry_selftest_work *w)
{
    const float *b = w->x + VEC;
    BOTH("rmsnorm", k->rmsnorm(y, y, b, VEC, 1e-5f));
    BOTH("rope_pairs", k->rope_pairs(y, b, 64));
    BOTH("rope_halves", k->rope_halves(y, b, 64));
    BOTH("softmax", k->softmax(y, VEC));
    BOTH("max_of", y[0] = k->max_of(y, VEC));
    BOTH("exp_sum", y[0] = k->exp_sum(y, VEC, 0.5f));
    BOTH("silu_mul", k->silu_mul(y, y, b, VEC));
    BOTH("gelu_mul", k->gelu_mul(y, y, b, VEC));
    BOTH("relu2_mul", k->relu2_mul(y, y, b, VEC));
    BOTH("add", k->add(y, b, VEC));
    BOTH("scale", k->scale(y, 0.3f, VEC));
    BOTH("softcap", k->softcap(y, 0.8f, VEC));
    BOTH("f16_store", k->f16_store((uint16_t *)(void *)y, b, VEC));
    BOTH("f16_load", k->f16_load(y, (const uint16_t *)(const void *)b, VEC / 2));
    BOTH("attn_scale", y[0] = k->attn_scale(y, VEC));
    for (size_t i = 0; i < 2 * VEC; i++)
        w->mat[i] = w->x[i] * w->x[i];
    const float *p = w->mat;
    BOTH("attn_digits",
         y[0] = k->attn_digits((int8_t *)(y + 1), (int8_t *)(y + 1) + VEC, p, p + VEC, VEC));
    BOTH("attn_scores_q8", k->attn_scores_q8(y, (const int32_t *)(const void *)b, p, 0.1f, VEC));
    BOTH("attn_values_q8", k->attn_values_q8(y, (const int32_t *)(const void *)w->act,
                                             (const int32_t *)(const void *)w->act, 0.1f, VEC));
    BOTH("attn_quantize", k->attn_quantize((int8_t *)(void *)y, b, VEC, 1.0f / 127));
    return true;
}

/* ---- attention ------------------------------------------------------------------------------------------- */

/* Three queries, keys of 40 dimensions, 77 of 80 columns. */
static bool attention(struct ry_selftest_work *w)
{
    enum { Q = 3, K = 40, LD = 80, COLUMNS = 77 };
    struct ry_attn_mat m = {.data = w->mat, .ld = LD, .n_k = K, .n_cols = COLUMNS};
    numbers(w, w->mat, K * LD);
    for (int pass = 0; pass < 3; pass++) {
        enum ry_kv_elem elem = pass == 0   ? RY_KV_ELEM_F32
                               : pass == 1 ? RY_KV_ELEM_F16
                                           : RY_KV_ELEM_Q8;
        if (elem == RY_KV_ELEM_F16)
            for (size_t i = 0; i < K * LD; i++)
                w->scalar->f16_store((uint16_t *)(void *)w->mat + i, w->x + i % VEC, 1);
        memset(w->want, 0, sizeof w->want);
        memset(w->got, 0, sizeof w->got);
        if (elem == RY_KV_ELEM_Q8) {
            const int8_t *a = (const int8_t *)(const void *)w->act;
            w->scalar->quantize[RY_ACT_Q8_32](w->act, w->x, COLS);
            w->scalar->attn_mac_q8((int32_t *)(void *)w->want, LD, a, K, &m, Q);
            w->k->attn_mac_q8((int32_t *)(void *)w->got, LD, a, K, &m, Q);
        } else {
            w->scalar->attn_mac[elem](w->want, LD, w->x, K, &m, Q);
            w->k->attn_mac[elem](w->got, LD, w->x, K, &m, Q);
        }
        for (size_t q = 0; q < Q; q++)
            if (!same(w, w->want + q * LD, w->got + q * LD, COLUMNS * sizeof *w->got, "attention",
                      pass == 0   ? "f32"
                      : pass == 1 ? "f16"
                                  : "q8"))
                return false;
    }
    return true;
}

bool ry_kern_selftest(const struct ry_kern *k, const struct ry_kern *scalar,
                      struct ry_selftest_work *w, char what[RY_SELFTEST_TEXT])
{
    memset(w, 0, sizeof *w);
    w->k = k;
    w->scalar = scalar;
    w->what = what;
    w->state = 2463534242u;
    numbers(w, w->x, TOKENS * COLS);
    if (!vectors(w) || !attention(w))
        return false;
    for (int fmt = 0; fmt < RY_FMT_COUNT; fmt++)
        if (!format(w, (enum ry_fmt)fmt))
            return false;
    return true;
}
