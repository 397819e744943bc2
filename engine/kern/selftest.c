/* The self-test: a room of small made-up inputs, a list of slots, one comparison. See selftest.h. */
#include "engine/kern/selftest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/kern/x16.h"
#include "engine/repack.h"

/* Rows and tokens end in the middle of what the tiers take at once; columns are two blocks of 256, and an odd number
 * where a format has no blocks. */
enum {
    ROWS = 18,
    GROUP_ROWS = 32,
    COLS = 512,
    ODD_COLS = 53,
    TOKENS = 27, /* AMX leaves fewer than 24 to AVX-512 */
    N = 37,      /* floats of a vector */
    MAT_BYTES = GROUP_ROWS * 2 * 288,
    OUT_BYTES = COLS * 4
};

static_assert(ROWS * TOKENS * 4 <= OUT_BYTES, "products of a matrix fit");

struct room {
    const struct ry_kern *scalar;
    const struct ry_kern *const *tables;
    struct ry_selftest_fault *faults;
    size_t n_tables, n_cols; /* n_cols: of the matrix in use */
    uint64_t state;
    struct ry_wmat w, copy; /* copy.data NULL: the format has none */
    size_t act_stride;
    enum ry_act_fmt act_fmt;
    enum ry_kv_elem elem;
    float a[COLS], b[COLS];
    _Alignas(64) uint8_t data[MAT_BYTES];
    _Alignas(64) uint8_t copy_data[MAT_BYTES];
    _Alignas(64) uint8_t act[TOKENS * COLS * 4];
    _Alignas(64) uint8_t want[OUT_BYTES];
    _Alignas(64) uint8_t got[OUT_BYTES];
};

/* Calls one slot of k and leaves what it gives in out[OUT_BYTES], which begins the same for every table. */
typedef void (*run_fn)(const struct ry_kern *k, const struct room *room, void *out);

/* ---- inputs ------------------------------------------------------------------------------------------ */

/* splitmix64 (Steele, Lea and Flood, 2014). */
static uint64_t next(struct room *room)
{
    uint64_t z = room->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void fill_floats(struct room *room, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(int32_t)(next(room) >> 32) * 0x1p-30f;
}

static void fill_bytes(struct room *room, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        uint64_t v = next(room);
        memcpy(to + i, &v, n - i < 8 ? n - i : 8);
    }
}

/* A half between 1/16 and 1/8, either sign. */
static void put_half(struct room *room, uint8_t *to)
{
    uint64_t v = next(room);
    uint16_t h = (uint16_t)(0x2c00 | (v & 0x3ff) | (v >> 16 & 0x8000));
    memcpy(to, &h, sizeof h);
}

/* Random codes, and scales that are neither infinite nor NaN. */
static void fill_blocks(struct room *room, enum ry_fmt fmt, size_t n_bytes)
{
    const struct ry_fmt_info *info = ry_fmt_info(fmt);
    fill_bytes(room, room->data, n_bytes);
    if (fmt == RY_FMT_I2_S)
        return;
    for (uint8_t *p = room->data; p < room->data + n_bytes; p += info->block_bytes) {
        if (info->ternary) {
            put_half(room, p + info->block_bytes - 2);
            continue;
        }
        const struct ry_x16_shape *shape =
            ry_x16_shape((enum ry_fmt)(fmt - RY_FMT_Q4_0 + RY_FMT_Q4_0_X16));
        if (shape->head == 1)
            p[shape->head_at] = (uint8_t)(120 + next(room) % 8);
        for (size_t i = 0; i + 1 < shape->head; i += 2)
            put_half(room, p + shape->head_at + i);
    }
}

static void make_matrix(struct room *room, enum ry_fmt fmt, bool uniform)
{
    bool blocks = ry_fmt_info(fmt)->block_elems > 1;
    room->n_cols = blocks ? COLS : ODD_COLS;
    room->w = (struct ry_wmat){.data = room->data,
                               .n_rows = ROWS,
                               .n_cols = room->n_cols,
                               .row_bytes = ry_fmt_row_bytes(fmt, room->n_cols),
                               .fmt = fmt,
                               .scale = 0.75f,
                               .uniform = uniform};
    room->copy = (struct ry_wmat){0};
    if (!blocks) {
        for (size_t r = 0; r < ROWS; r++) {
            fill_floats(room, room->a, ODD_COLS);
            ry_fmt_encode(fmt, room->data + r * room->w.row_bytes, room->a, ODD_COLS);
        }
        return;
    }
    fill_blocks(room, fmt, ROWS * room->w.row_bytes);
    if (ry_repack_bytes(&room->w)) {
        room->copy = ry_repack_view(&room->w, room->copy_data);
        ry_repack_groups(room->copy_data, &room->w, 0, GROUP_ROWS / RY_X16_ROWS);
    }
}

/* Activation rows as scalar writes them. */
static void make_tokens(struct room *room)
{
    room->act_fmt = ry_fmt_info(room->w.fmt)->act;
    room->act_stride = ry_act_bytes(room->act_fmt, room->n_cols);
    for (size_t t = 0; t < TOKENS; t++) {
        fill_floats(room, room->a, room->n_cols);
        room->scalar->quantize[room->act_fmt](room->act + t * room->act_stride, room->a,
                                              room->n_cols);
    }
}

/* ---- comparison -------------------------------------------------------------------------------------- */

/* A slot is named by its place in struct ry_kern. */
static bool shares(const struct ry_kern *a, const struct ry_kern *b, size_t slot)
{
    return memcmp((const char *)a + slot, (const char *)b + slot, sizeof(void (*)(void))) == 0;
}

static void run_into(run_fn run, const struct ry_kern *k, const struct room *room, uint8_t *out)
{
    memset(out, 0x3d, OUT_BYTES);
    run(k, room, out);
}

/* Every table's slot against room->want. */
static void compare(struct room *room, size_t slot, const char *name, const char *of, run_fn run)
{
    bool bad[RY_TIER_COUNT] = {false};
    for (size_t i = 0; i < room->n_tables; i++) {
        const struct ry_kern *k = room->tables[i];
        size_t twin = 0;
        if (shares(k, room->scalar, slot))
            continue;
        while (twin < i && !shares(k, room->tables[twin], slot))
            twin++;
        if (twin < i) {
            bad[i] = bad[twin];
        } else {
            run_into(run, k, room, room->got);
            bad[i] = memcmp(room->want, room->got, OUT_BYTES) != 0;
        }
        if (bad[i] && !room->faults[i].slot[0])
            snprintf(room->faults[i].slot, sizeof room->faults[i].slot, "%s%s%s", name,
                     of[0] ? " " : "", of);
    }
}

/* ---- matrices ---------------------------------------------------------------------------------------- */

static void run_matvecs(const struct ry_kern *k, const struct room *room, const struct ry_wmat *w,
                        float *y)
{
    for (size_t t = 0; t < TOKENS; t++)
        k->matvec[w->fmt](y + t * ROWS, w, 0, ROWS, room->act + t * room->act_stride,
                          t % 2 ? 4096 : 0);
}

static void run_matvec(const struct ry_kern *k, const struct room *room, void *out)
{
    run_matvecs(k, room, &room->w, out);
}

static void run_matvec_copy(const struct ry_kern *k, const struct room *room, void *out)
{
    run_matvecs(k, room, &room->copy, out);
}

static void run_matmul(const struct ry_kern *k, const struct room *room, void *out)
{
    k->matmul[room->w.fmt](out, ROWS, &room->w, 0, ROWS, room->act, room->act_stride, TOKENS);
}

static void run_matmul_copy(const struct ry_kern *k, const struct room *room, void *out)
{
    k->matmul[room->copy.fmt](out, ROWS, &room->copy, 0, ROWS, room->act, room->act_stride, TOKENS);
}

static void run_decode_row(const struct ry_kern *k, const struct room *room, void *out)
{
    k->decode_row(out, &room->w, ROWS - 1);
}

static size_t slot_of(size_t first, enum ry_fmt fmt)
{
    return first + (size_t)fmt * sizeof(void (*)(void));
}

static void check_matrix(struct room *room, enum ry_fmt fmt, bool uniform)
{
    const size_t one = offsetof(struct ry_kern, matvec), many = offsetof(struct ry_kern, matmul);
    const char *name = ry_fmt_info(fmt)->name;
    make_matrix(room, fmt, uniform);
    make_tokens(room);
    run_into(run_matmul, room->scalar, room, room->want);
    compare(room, slot_of(one, fmt), "matvec", name, run_matvec);
    compare(room, slot_of(many, fmt), "matmul", name, run_matmul);
    if (room->copy.data) {
        name = ry_fmt_info(room->copy.fmt)->name;
        compare(room, slot_of(one, room->copy.fmt), "matvec", name, run_matvec_copy);
        compare(room, slot_of(many, room->copy.fmt), "matmul", name, run_matmul_copy);
    }
    run_into(run_decode_row, room->scalar, room, room->want);
    compare(room, offsetof(struct ry_kern, decode_row), "decode_row", ry_fmt_info(fmt)->name,
            run_decode_row);
}

/* ---- vectors ----------------------------------------------------------------------------------------- */

static void run_quantize(const struct ry_kern *k, const struct room *room, void *out)
{
    k->quantize[room->act_fmt](out, room->a, room->n_cols);
}

static void run_rmsnorm(const struct ry_kern *k, const struct room *room, void *out)
{
    k->rmsnorm(out, room->a, room->b, N, 1e-5f);
}

static void run_rope_pairs(const struct ry_kern *k, const struct room *room, void *out)
{
    memcpy(out, room->a, N * sizeof(float));
    k->rope_pairs(out, room->b, N - 1);
}

static void run_rope_halves(const struct ry_kern *k, const struct room *room, void *out)
{
    memcpy(out, room->a, N * sizeof(float));
    k->rope_halves(out, room->b, N - 1);
}

static void run_softmax(const struct ry_kern *k, const struct room *room, void *out)
{
    memcpy(out, room->a, N * sizeof(float));
    k->softmax(out, N);
}

static void run_max_of(const struct ry_kern *k, const struct room *room, void *out)
{
    float m = k->max_of(room->a, N);
    memcpy(out, &m, sizeof m);
}

static void run_exp_sum(const struct ry_kern *k, const struct room *room, void *out)
{
    float *y = out;
    memcpy(y, room->a, N * sizeof(float));
    y[N] = k->exp_sum(y, N, 0.25f);
}

static void run_silu_mul(const struct ry_kern *k, const struct room *room, void *out)
{
    k->silu_mul(out, room->a, room->b, N);
}

static void run_gelu_mul(const struct ry_kern *k, const struct room *room, void *out)
{
    k->gelu_mul(out, room->a, room->b, N);
}

static void run_relu2_mul(const struct ry_kern *k, const struct room *room, void *out)
{
    k->relu2_mul(out, room->a, room->b, N);
}

static void run_add(const struct ry_kern *k, const struct room *room, void *out)
{
    k->add(out, room->a, N);
}

static void run_scale(const struct ry_kern *k, const struct room *room, void *out)
{
    (void)room;
    k->scale(out, 0.3f, N);
}

static void run_softcap(const struct ry_kern *k, const struct room *room, void *out)
{
    memcpy(out, room->a, N * sizeof(float));
    k->softcap(out, 1.5f, N);
}

static void run_f16_store(const struct ry_kern *k, const struct room *room, void *out)
{
    k->f16_store(out, room->a, N);
}

static void run_f16_load(const struct ry_kern *k, const struct room *room, void *out)
{
    uint16_t halves[N];
    room->scalar->f16_store(halves, room->b, N);
    k->f16_load(out, halves, N);
}

/* ---- attention --------------------------------------------------------------------------------------- */

enum { ATTN_ROWS = 7, ATTN_K = 13, ATTN_COLS = 35 };

static void run_attn_mac(const struct ry_kern *k, const struct room *room, void *out)
{
    uint16_t halves[ATTN_K * ATTN_COLS];
    struct ry_attn_mat b = {.data = room->a, .ld = ATTN_COLS, .n_k = ATTN_K, .n_cols = ATTN_COLS};
    if (room->elem == RY_KV_ELEM_F16) {
        room->scalar->f16_store(halves, room->a, ATTN_K * ATTN_COLS);
        b.data = halves;
    }
    k->attn_mac[room->elem](out, ATTN_COLS, room->b, ATTN_K, &b, ATTN_ROWS);
}

/* Digits of a row and bytes of a chunk are what random bytes are: -128 does not occur. */
static void run_attn_mac_q8(const struct ry_kern *k, const struct room *room, void *out)
{
    enum { PADDED = (ATTN_K + 3) / 4 * 4 };
    int8_t a[ATTN_ROWS * PADDED] = {0};
    for (size_t r = 0; r < ATTN_ROWS; r++)
        for (size_t i = 0; i < ATTN_K; i++)
            a[r * PADDED + i] = (int8_t)(room->data[r * ATTN_K + i] % 255 - 127);
    struct ry_attn_mat b = {
        .data = room->data, .ld = ATTN_COLS, .n_k = ATTN_K, .n_cols = ATTN_COLS};
    k->attn_mac_q8(out, ATTN_COLS, a, PADDED, &b, ATTN_ROWS);
}

static void run_attn_scale(const struct ry_kern *k, const struct room *room, void *out)
{
    float scale = k->attn_scale(room->a, N);
    memcpy(out, &scale, sizeof scale);
}

static void run_attn_quantize(const struct ry_kern *k, const struct room *room, void *out)
{
    k->attn_quantize(out, room->a, N, room->scalar->attn_scale(room->a, N));
}

static void run_attn_scores_q8(const struct ry_kern *k, const struct room *room, void *out)
{
    int32_t sums[N];
    for (size_t i = 0; i < N; i++)
        sums[i] = (int32_t)(room->b[i] * 1e6f);
    k->attn_scores_q8(out, sums, room->a, 0.3f, N);
}

static void run_attn_digits(const struct ry_kern *k, const struct room *room, void *out)
{
    float p[N], scales[N], step;
    int8_t *digits = out;
    for (size_t i = 0; i < N; i++) {
        p[i] = room->a[i] * room->a[i];
        scales[i] = room->b[i] * room->b[i];
    }
    step = k->attn_digits(digits, digits + N, p, scales, N);
    memcpy(digits + 2 * N, &step, sizeof step);
}

static void run_attn_values_q8(const struct ry_kern *k, const struct room *room, void *out)
{
    int32_t sums[2 * N];
    for (size_t i = 0; i < 2 * N; i++)
        sums[i] = (int32_t)(room->b[i] * 1e4f);
    k->attn_values_q8(out, sums, sums + N, 0.3f, N);
}

/* ---- screen ------------------------------------------------------------------------------------------ */

static void run_screen(const struct ry_kern *k, const struct room *room, void *out)
{
    enum { SCREEN_COLS = 52, BYTES = GROUP_ROWS * SCREEN_COLS };
    _Alignas(64) int8_t codes[BYTES];
    int8_t high[SCREEN_COLS], low[SCREEN_COLS];
    struct ry_screen_rows w = {
        .codes = codes, .scale = room->a, .n_rows = ROWS, .n_lines = SCREEN_COLS / 4};
    struct ry_screen_x x = {.high = high, .low = low, .s_high = 0.3f, .s_low = 0.002f};
    for (size_t i = 0; i < BYTES; i++)
        codes[i] = (int8_t)(room->data[i] % 255 - 127);
    for (size_t i = 0; i < SCREEN_COLS; i++) {
        x.sum_high += high[i] = (int8_t)(room->data[BYTES + i] % 255 - 127);
        x.sum_low += low[i] = (int8_t)(room->data[BYTES + SCREEN_COLS + i] % 255 - 127);
    }
    k->screen(out, &w, 0, ROWS, &x, 0);
}

/* ---- all --------------------------------------------------------------------------------------------- */

#define SLOT(name)                                                                                 \
    {                                                                                              \
#name, offsetof(struct ry_kern, name), run_##name                                          \
    }

static const struct {
    const char *name;
    size_t slot;
    run_fn run;
} vectors[] = {
    SLOT(rmsnorm),     SLOT(rope_pairs),     SLOT(rope_halves),
    SLOT(softmax),     SLOT(max_of),         SLOT(exp_sum),
    SLOT(silu_mul),    SLOT(gelu_mul),       SLOT(relu2_mul),
    SLOT(add),         SLOT(scale),          SLOT(softcap),
    SLOT(f16_store),   SLOT(f16_load),       SLOT(attn_mac_q8),
    SLOT(attn_scale),  SLOT(attn_quantize),  SLOT(attn_scores_q8),
    SLOT(attn_digits), SLOT(attn_values_q8), SLOT(screen),
};

static void check_arrays(struct room *room)
{
    static const char *const acts[RY_ACT_COUNT] = {"F32", "Q8_T", "Q8_32", "Q8_256"};
    room->n_cols = COLS;
    for (int i = 0; i < RY_ACT_COUNT; i++) {
        room->act_fmt = (enum ry_act_fmt)i;
        run_into(run_quantize, room->scalar, room, room->want);
        compare(room, offsetof(struct ry_kern, quantize) + (size_t)i * sizeof(void (*)(void)),
                "quantize", acts[i], run_quantize);
    }
    for (int i = 0; i < RY_KV_ELEM_FLOATS; i++) {
        room->elem = (enum ry_kv_elem)i;
        run_into(run_attn_mac, room->scalar, room, room->want);
        compare(room, offsetof(struct ry_kern, attn_mac) + (size_t)i * sizeof(void (*)(void)),
                "attn_mac", i == RY_KV_ELEM_F16 ? "F16" : "F32", run_attn_mac);
    }
}

void ry_selftest(const struct ry_kern *scalar, const struct ry_kern *const tables[], size_t n,
                 struct ry_selftest_fault faults[])
{
    struct room room = {.scalar = scalar, .tables = tables, .faults = faults, .n_tables = n};
    memset(faults, 0, n * sizeof *faults);
    for (int fmt = 0; fmt < RY_FMT_COUNT; fmt++) {
        check_matrix(&room, (enum ry_fmt)fmt, true);
        if (ry_fmt_info((enum ry_fmt)fmt)->ternary && fmt != RY_FMT_I2_S)
            check_matrix(&room, (enum ry_fmt)fmt, false);
    }
    fill_floats(&room, room.a, COLS);
    fill_floats(&room, room.b, COLS);
    check_arrays(&room);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        run_into(vectors[i].run, scalar, &room, room.want);
        compare(&room, vectors[i].slot, vectors[i].name, "", vectors[i].run);
    }
}
