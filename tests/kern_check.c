/* Every kernel of every tier against scalar, bit for bit; with --time, the speed of the same calls instead.
 *
 * Inputs are made from a printed seed (RYOT_SEED sets it): uniform, with outliers, zero, denormal, maximal, and with
 * NaN and infinities among them; matrices both encoded from such numbers and of plain random bytes, which is what a
 * hostile file holds. Matrices and activation rows end exactly where their bytes end and results have guards behind
 * them, so that a sanitiser or the guard sees a kernel that reaches too far. NaN equals NaN whatever its payload. */
#include "ryot_test.h"

#include <math.h>
#include <stdint.h>

#include "engine/kern/kern.h"
#include "engine/repack.h"
#include "src/base/clock.h"
#include "src/base/mem.h"

enum { MAX_COLS = 3072, MAX_ROWS = 48, MAX_TOK = 9, MANY_TOK = 67, GUARD = 16 };

static uint64_t seed = 20240607, state;
static enum ry_tier tier; /* under test */

/* ---- numbers ----------------------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea and Flood, 2014). */
static uint64_t next(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static float uniform(void)
{
    return (float)(int32_t)(next() >> 32) * 0x1p-31f;
}

enum input { UNIFORM, OUTLIER, ZERO, DENORMAL, MAXIMAL, NOT_FINITE, N_INPUTS };

static const char *const input_names[] = {"uniform",  "outlier", "zero",
                                          "denormal", "maximal", "not finite"};

static float number(enum input kind)
{
    float u = uniform();
    uint64_t dice = next() % 64;
    switch (kind) {
    case OUTLIER:
        return dice == 0 ? u * 1000.0f : u;
    case ZERO:
        return dice % 2 ? 0.0f : -0.0f;
    case DENORMAL:
        return dice % 2 ? u * 0x1p-130f : u * 0x1p-70f;
    case MAXIMAL:
        return u < 0 ? -3e38f : 3e38f;
    case NOT_FINITE:
        return dice == 0 ? NAN : dice == 1 ? INFINITY : dice == 2 ? -INFINITY : u;
    default:
        return u;
    }
}

static void fill(float *x, size_t n, enum input kind)
{
    for (size_t i = 0; i < n; i++)
        x[i] = number(kind);
}

static bool same(float a, float b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static void must_match(const float *want, const float *got, size_t n, const char *what,
                       enum input kind, size_t a, size_t b, size_t c)
{
    /* One assertion a vector: each is a record in a file. */
    size_t i = 0;
    while (i < n && same(want[i], got[i]))
        i++;
    if (i < n)
        ck_abort_msg("%s, %s: element %zu is %a, scalar has %a (%s input, sizes %zu %zu %zu, seed "
                     "%llu)",
                     ry_tier_name(tier), what, i, (double)got[i], (double)want[i],
                     input_names[kind], a, b, c, (unsigned long long)seed);
}

static void *must(void *p)
{
    ck_assert_ptr_nonnull(p);
    return p;
}

/* ---- matrices ---------------------------------------------------------------------------------------- */

static void make_matrix(struct ry_wmat *w, enum ry_fmt fmt, size_t n_rows, size_t n_cols,
                        enum input kind, bool bytes, bool is_uniform)
{
    *w = (struct ry_wmat){.n_rows = n_rows,
                          .n_cols = n_cols,
                          .row_bytes = ry_fmt_row_bytes(fmt, n_cols),
                          .fmt = fmt,
                          .scale = 0.75f,
                          .uniform = is_uniform};
    uint8_t *data = must(ry_mem_alloc(n_rows, w->row_bytes));
    float *x = must(ry_mem_alloc(n_cols, sizeof *x));
    for (size_t r = 0; r < n_rows; r++) {
        fill(x, n_cols, kind);
        if (bytes)
            for (size_t i = 0; i < w->row_bytes; i++)
                data[r * w->row_bytes + i] = (uint8_t)next();
        else
            ry_fmt_encode(fmt, data + r * w->row_bytes, x, n_cols);
    }
    ry_mem_free(x);
    w->data = data;
}

struct tokens {
    char *act;
    size_t stride;
};

/* n_tok activation rows, made by the tier's quantize after it was compared with scalar's, byte for byte. */
static struct tokens make_tokens(enum ry_act_fmt fmt, size_t n, size_t n_tok, enum input kind)
{
    struct tokens t = {.stride = ry_act_bytes(fmt, n)};
    t.act = must(ry_mem_aligned(64, n_tok, t.stride));
    char *want = must(ry_mem_aligned(64, 1, t.stride));
    float *x = must(ry_mem_alloc(n, sizeof *x));
    for (size_t i = 0; i < n_tok; i++) {
        fill(x, n, kind);
        memset(want, 0x55, t.stride);
        memset(t.act + i * t.stride, 0xaa, t.stride);
        ry_kern_get(RY_TIER_SCALAR)->quantize[fmt](want, x, n);
        ry_kern_get(tier)->quantize[fmt](t.act + i * t.stride, x, n);
        size_t k = 0;
        while (k < t.stride && want[k] == t.act[i * t.stride + k])
            k++;
        if (k < t.stride)
            ck_abort_msg("%s: quantize %d differs at byte %zu of %zu (%s input, n %zu, seed %llu)",
                         ry_tier_name(tier), (int)fmt, k, t.stride, input_names[kind], n,
                         (unsigned long long)seed);
    }
    ry_mem_free(x);
    ry_mem_free(want);
    return t;
}

/* The interleaved copy of a matrix, where it has one, gives what the plain rows give to scalar: in scalar and in the
 * tier, from every group on, to a last row anywhere. */
static void check_copy(const struct ry_wmat *w, size_t row1, const struct tokens *t, size_t n_tok,
                       enum input kind)
{
    static float want[MANY_TOK * MAX_ROWS], got[MANY_TOK * (MAX_ROWS + GUARD)];
    size_t bytes = ry_repack_bytes(w);
    if (!bytes)
        return;
    void *data = must(ry_mem_aligned(64, 1, bytes));
    ry_repack_groups(data, w, 0, (w->n_rows + RY_ROW_GRAIN - 1) / RY_ROW_GRAIN);
    struct ry_wmat copy = ry_repack_view(w, data);
    const char *name = ry_fmt_info(copy.fmt)->name;
    enum ry_tier tiers[] = {RY_TIER_SCALAR, tier};
    for (size_t r0 = 0; r0 < row1; r0 += RY_ROW_GRAIN) {
        size_t rows = row1 - r0, ldy = rows + GUARD;
        ry_kern_get(RY_TIER_SCALAR)
            ->matmul[w->fmt](want, rows, w, r0, row1, t->act, t->stride, n_tok);
        for (int i = 0; i < 4; i++) {
            const struct ry_kern *k = ry_kern_get(tiers[i % 2]);
            for (size_t j = 0; j < n_tok * ldy; j++)
                got[j] = 12345.0f;
            if (i < 2)
                k->matmul[copy.fmt](got, ldy, &copy, r0, row1, t->act, t->stride, n_tok);
            else
                for (size_t j = 0; j < n_tok; j++)
                    k->matvec[copy.fmt](got + j * ldy, &copy, r0, row1, t->act + j * t->stride,
                                        j % 2 ? 4096 : 0);
            for (size_t j = 0; j < n_tok; j++) {
                must_match(want + j * rows, got + j * ldy, rows, name, kind, w->n_cols, rows,
                           n_tok);
                for (size_t g = rows; g < ldy; g++)
                    if (got[j * ldy + g] != 12345.0f)
                        ck_abort_msg("%s writes behind its rows", name);
            }
        }
    }
    ry_mem_free(data);
}

static void check_matrix(const struct ry_wmat *w, size_t row0, size_t row1, size_t n_tok,
                         enum input kind)
{
    static float want[MANY_TOK * (MAX_ROWS + GUARD)], got[MANY_TOK * (MAX_ROWS + GUARD)];
    const struct ry_kern *scalar = ry_kern_get(RY_TIER_SCALAR), *k = ry_kern_get(tier);
    const char *name = ry_fmt_info(w->fmt)->name;
    size_t rows = row1 - row0, ldy = rows + GUARD;
    struct tokens t = make_tokens(ry_fmt_info(w->fmt)->act, w->n_cols, n_tok, kind);

    for (size_t i = 0; i < n_tok * ldy; i++)
        want[i] = got[i] = 12345.0f;
    for (size_t i = 0; i < n_tok; i++) {
        const char *act = t.act + i * t.stride;
        scalar->matvec[w->fmt](want + i * ldy, w, row0, row1, act, 0);
        k->matvec[w->fmt](got + i * ldy, w, row0, row1, act, i % 2 ? 4096 : 0);
    }
    must_match(want, got, n_tok * ldy, name, kind, w->n_cols, rows, n_tok);
    for (size_t i = 0; i < n_tok * ldy; i++)
        got[i] = 12345.0f;
    scalar->matmul[w->fmt](got, ldy, w, row0, row1, t.act, t.stride, n_tok);
    must_match(want, got, n_tok * ldy, "scalar matmul", kind, w->n_cols, rows, n_tok);
    for (size_t i = 0; i < n_tok * ldy; i++)
        got[i] = 12345.0f;
    k->matmul[w->fmt](got, ldy, w, row0, row1, t.act, t.stride, n_tok);
    must_match(want, got, n_tok * ldy, name, kind, w->n_cols, rows, n_tok);
    check_copy(w, row1, &t, n_tok, kind);
    ry_mem_free(t.act);
}

static void check_one(enum ry_fmt fmt, size_t n_cols, size_t row0, size_t rows, size_t n_tok,
                      enum input kind, bool bytes, bool is_uniform)
{
    struct ry_wmat w;
    make_matrix(&w, fmt, row0 + rows, n_cols, bytes ? UNIFORM : kind, bytes, is_uniform);
    check_matrix(&w, row0, row0 + rows, n_tok, kind);
    ry_mem_free((void *)w.data);
}

START_TEST(matrices_of_every_size_give_the_bits_of_scalar)
{
    enum ry_fmt fmt = (enum ry_fmt)_i;
    size_t step = ry_fmt_info(fmt)->block_elems, top = step >= 128 ? MAX_COLS : 1023;
    state = seed + (uint64_t)_i;
    for (size_t n = step; n <= top; n += step == 1 && n > 200 ? 13 : step) {
        size_t pick = n / step;
        check_one(fmt, n, pick % 3, 1 + pick % 10, 1 + pick % MAX_TOK,
                  (enum input)(pick % N_INPUTS), pick % 2 == 0, pick % 4 < 2);
    }
}
END_TEST

START_TEST(matrices_of_every_row_range_give_the_bits_of_scalar)
{
    enum ry_fmt fmt = (enum ry_fmt)_i;
    size_t n = ry_fmt_info(fmt)->block_elems == 1 ? 75 : 256;
    state = seed + 100 + (uint64_t)_i;
    for (size_t rows = 1; rows <= 40; rows++)
        check_one(fmt, n, rows % 7, rows, 1 + rows % MAX_TOK, UNIFORM, false, rows % 2);
    for (size_t n_tok = 1; n_tok <= MAX_TOK; n_tok++)
        check_one(fmt, n, 3, 17, n_tok, OUTLIER, false, n_tok % 2);
}
END_TEST

/* More tokens than any tile has, and rows and columns of several panels. */
START_TEST(matrices_of_many_tokens_give_the_bits_of_scalar)
{
    enum ry_fmt fmt = (enum ry_fmt)_i;
    static const size_t n_tok[] = {8, 12, 16, 17, 25, 32, 33, MANY_TOK};
    state = seed + 150 + (uint64_t)_i;
    for (size_t i = 0; i < sizeof n_tok / sizeof n_tok[0]; i++)
        check_one(fmt, i % 2 ? 1280 : 2304, 0, 33 + i, n_tok[i], UNIFORM, i % 4 == 0, true);
}
END_TEST

START_TEST(matrices_of_every_input_give_the_bits_of_scalar)
{
    enum ry_fmt fmt = (enum ry_fmt)_i;
    size_t n = ry_fmt_info(fmt)->block_elems == 1 ? 203 : 2816;
    state = seed + 200 + (uint64_t)_i;
    for (int kind = 0; kind < N_INPUTS; kind++)
        for (int bytes = 0; bytes < 2; bytes++)
            for (int is_uniform = 0; is_uniform < 2; is_uniform++)
                check_one(fmt, n, 1, 9, 27, (enum input)kind, bytes, is_uniform);
}
END_TEST

/* All codes and all activations at their ends: the largest sums that the integer steps must hold. */
START_TEST(extreme_codes_do_not_overflow)
{
    enum ry_fmt fmt = (enum ry_fmt)_i;
    const struct ry_fmt_info *info = ry_fmt_info(fmt);
    static const uint8_t patterns[] = {0x00, 0xff, 0x80, 0x7f, 0xaa, 0x55};
    if (info->act == RY_ACT_F32)
        return;
    state = seed + 300 + (uint64_t)_i;
    for (size_t p = 0; p < sizeof patterns; p++)
        for (int sign = 0; sign < 2; sign++) {
            struct ry_wmat w;
            make_matrix(&w, fmt, 9, 2560, UNIFORM, true, true);
            memset((void *)w.data, patterns[p], 9 * w.row_bytes);
            float x[2560], want[9], got[9];
            for (size_t i = 0; i < 2560; i++)
                x[i] = sign ? -1.0f : 1.0f;
            char *act = must(ry_mem_aligned(64, 1, ry_act_bytes(info->act, 2560)));
            ry_kern_get(RY_TIER_SCALAR)->quantize[info->act](act, x, 2560);
            if (info->act == RY_ACT_Q8_T && sign) { /* -128 exists for ternary only */
                memset(act + 64, 0x80, 2560);
                int32_t sum = -128 * 2560;
                memcpy(act + 4, &sum, sizeof sum);
            }
            ry_kern_get(RY_TIER_SCALAR)->matvec[fmt](want, &w, 0, 9, act, 0);
            ry_kern_get(tier)->matvec[fmt](got, &w, 0, 9, act, 0);
            must_match(want, got, 9, info->name, MAXIMAL, p, (size_t)sign, 0);
            ry_kern_get(tier)->matmul[fmt](got, 9, &w, 0, 9, act, 0, 1);
            must_match(want, got, 9, info->name, MAXIMAL, p, (size_t)sign, 1);
            check_copy(&w, 9, &(struct tokens){act, 0}, MANY_TOK / 2, MAXIMAL);
            ry_mem_free(act);
            ry_mem_free((void *)w.data);
        }
}
END_TEST

START_TEST(decoded_rows_give_the_bits_of_scalar)
{
    enum ry_fmt fmt = (enum ry_fmt)_i;
    static float want[768], got[768];
    struct ry_wmat w;
    state = seed + 400 + (uint64_t)_i;
    make_matrix(&w, fmt, 3, 768, OUTLIER, false, true);
    for (size_t r = 0; r < 3; r++) {
        ry_kern_get(RY_TIER_SCALAR)->decode_row(want, &w, r);
        ry_kern_get(tier)->decode_row(got, &w, r);
        must_match(want, got, 768, "decode_row", OUTLIER, r, 0, 0);
    }
    ry_mem_free((void *)w.data);
}
END_TEST

/* ---- vectors ----------------------------------------------------------------------------------------- */

enum { N_MAX = 1023 };

struct vectors {
    float *a, *b, *want, *got; /* [n], exactly as long */
    size_t n;
    enum input kind;
};

static struct vectors make_vectors(size_t n, enum input kind)
{
    struct vectors v = {.n = n, .kind = kind};
    v.a = must(ry_mem_alloc(n, sizeof(float)));
    v.b = must(ry_mem_alloc(n, sizeof(float)));
    v.want = must(ry_mem_alloc(n, sizeof(float)));
    v.got = must(ry_mem_alloc(n, sizeof(float)));
    fill(v.a, n, kind);
    fill(v.b, n, UNIFORM);
    return v;
}

/* Both results begin as copies of a. */
static void again(struct vectors *v)
{
    memcpy(v->want, v->a, v->n * sizeof(float));
    memcpy(v->got, v->a, v->n * sizeof(float));
}

static void vectors_done(struct vectors *v)
{
    ry_mem_free(v->a);
    ry_mem_free(v->b);
    ry_mem_free(v->want);
    ry_mem_free(v->got);
}

static void match(const struct vectors *v, const char *what)
{
    must_match(v->want, v->got, v->n, what, v->kind, v->n, 0, 0);
}

START_TEST(norm_and_softmax_give_the_bits_of_scalar)
{
    const struct ry_kern *s = ry_kern_get(RY_TIER_SCALAR), *k = ry_kern_get(tier);
    state = seed + 500;
    for (size_t n = 1; n <= N_MAX; n++) {
        struct vectors v = make_vectors(n, (enum input)(n % N_INPUTS));
        for (int w = 0; w < 2; w++) {
            s->rmsnorm(v.want, v.a, w ? v.b : NULL, n, 1e-5f);
            k->rmsnorm(v.got, v.a, w ? v.b : NULL, n, 1e-5f);
            match(&v, "rmsnorm");
        }
        again(&v);
        s->softmax(v.want, n);
        k->softmax(v.got, n);
        match(&v, "softmax");
        again(&v);
        float want = s->exp_sum(v.want, n, 0.25f), got = k->exp_sum(v.got, n, 0.25f);
        match(&v, "exp_sum");
        must_match(&want, &got, 1, "sum of exp_sum", v.kind, n, 0, 0);
        want = s->max_of(v.a, n), got = k->max_of(v.a, n);
        must_match(&want, &got, 1, "max_of", v.kind, n, 0, 0);
        vectors_done(&v);
    }
}
END_TEST

START_TEST(elementwise_functions_give_the_bits_of_scalar)
{
    const struct ry_kern *s = ry_kern_get(RY_TIER_SCALAR), *k = ry_kern_get(tier);
    state = seed + 600;
    for (size_t n = 1; n <= N_MAX; n++) {
        struct vectors v = make_vectors(n, (enum input)(n % N_INPUTS));
        if (v.kind == UNIFORM)
            for (size_t i = 0; i < n; i++)
                v.a[i] *= 100.0f;
        s->silu_mul(v.want, v.a, v.b, n);
        k->silu_mul(v.got, v.a, v.b, n);
        match(&v, "silu_mul");
        s->gelu_mul(v.want, v.a, v.b, n);
        k->gelu_mul(v.got, v.a, v.b, n);
        match(&v, "gelu_mul");
        again(&v); /* in place: y is gate */
        s->relu2_mul(v.want, v.want, v.b, n);
        k->relu2_mul(v.got, v.got, v.b, n);
        match(&v, "relu2_mul");
        again(&v);
        s->add(v.want, v.b, n);
        k->add(v.got, v.b, n);
        match(&v, "add");
        s->scale(v.want, 0.3f, n);
        k->scale(v.got, 0.3f, n);
        match(&v, "scale");
        s->softcap(v.want, 30.0f, n);
        k->softcap(v.got, 30.0f, n);
        match(&v, "softcap");
        vectors_done(&v);
    }
}
END_TEST

START_TEST(rope_gives_the_bits_of_scalar)
{
    const struct ry_kern *s = ry_kern_get(RY_TIER_SCALAR), *k = ry_kern_get(tier);
    state = seed + 700;
    for (size_t n = 2; n <= 256; n += 2) {
        struct vectors v = make_vectors(n, (enum input)(n / 2 % N_INPUTS));
        again(&v);
        s->rope_pairs(v.want, v.b, n);
        k->rope_pairs(v.got, v.b, n);
        match(&v, "rope_pairs");
        again(&v);
        s->rope_halves(v.want, v.b, n);
        k->rope_halves(v.got, v.b, n);
        match(&v, "rope_halves");
        vectors_done(&v);
    }
}
END_TEST

/* ---- attention --------------------------------------------------------------------------------------- */

/* a[n_rows, n_k] times b[n_k, n_cols], the strides a little larger. */
static void check_mac(enum ry_kv_elem elem, size_t n_rows, size_t n_k, size_t n_cols,
                      enum input kind)
{
    const struct ry_kern *s = ry_kern_get(RY_TIER_SCALAR), *k = ry_kern_get(tier);
    size_t ld = n_cols + n_k % 3, lda = n_k + n_rows % 3, ldy = n_cols + 2;
    size_t n_b = (n_k - 1) * ld + n_cols;
    struct vectors y = make_vectors((n_rows - 1) * ldy + n_cols, kind);
    struct vectors x = make_vectors((n_rows - 1) * lda + n_k, kind), b = make_vectors(n_b, kind);
    uint16_t *halves = must(ry_mem_alloc(n_b, sizeof *halves));
    s->f16_store(halves, b.a, n_b);
    struct ry_attn_mat mat = {.data = elem == RY_KV_ELEM_F16 ? (void *)halves : (void *)b.a,
                              .ld = ld,
                              .n_k = n_k,
                              .n_cols = n_cols,
                              .next = n_k % 2 ? (const char *)halves : NULL,
                              .n_next = n_k % 2 ? n_b * sizeof *halves : 0};
    again(&y);
    s->attn_mac[elem](y.want, ldy, x.a, lda, &mat, n_rows);
    k->attn_mac[elem](y.got, ldy, x.a, lda, &mat, n_rows);
    match(&y, "attn_mac");
    ry_mem_free(halves);
    vectors_done(&y);
    vectors_done(&x);
    vectors_done(&b);
}

START_TEST(attention_products_give_the_bits_of_scalar)
{
    enum ry_kv_elem elem = (enum ry_kv_elem)_i;
    state = seed + 800;
    for (size_t n = 1; n <= 258; n++)
        check_mac(elem, 1 + n % 14, 1 + n % 40, n, (enum input)(n % N_INPUTS));
    for (size_t n = 1; n <= 70; n++)
        check_mac(elem, n, 1 + 3 * n, RY_KV_CHUNK, UNIFORM);
}
END_TEST

/* Bytes at both ends of their range, so that no sum on the way may overflow. */
static void check_mac_q8(size_t n_rows, size_t n_k, size_t n_cols, bool extreme)
{
    const struct ry_kern *s = ry_kern_get(RY_TIER_SCALAR), *k = ry_kern_get(tier);
    size_t ld = n_cols + n_k % 3, padded = (n_k + 3) / 4 * 4, lda = padded + 4 * (n_rows % 3);
    size_t n_b = (padded / 4 - 1) * ld * 4 + n_cols * 4, ldy = n_cols + 2;
    size_t n_a = (n_rows - 1) * lda + padded, n_y = (n_rows - 1) * ldy + n_cols;
    int8_t *a = must(ry_mem_zalloc(n_a, 1));
    uint8_t *b = must(ry_mem_alloc(n_b, 1));
    int32_t *want = must(ry_mem_zalloc(n_y, sizeof *want));
    int32_t *got = must(ry_mem_zalloc(n_y, sizeof *got));
    for (size_t r = 0; r < n_rows; r++)
        for (size_t i = 0; i < n_k; i++)
            a[r * lda + i] = (int8_t)(extreme ? (r % 2 ? 127 : -127) : (int)(next() % 255) - 127);
    for (size_t i = 0; i < n_b; i++)
        b[i] = extreme ? (i / 4 % 2 ? 255 : 0) : (uint8_t)next();
    struct ry_attn_mat mat = {.data = b, .ld = ld, .n_k = n_k, .n_cols = n_cols};
    s->attn_mac_q8(want, ldy, a, lda, &mat, n_rows);
    k->attn_mac_q8(got, ldy, a, lda, &mat, n_rows);
    ck_assert_msg(memcmp(want, got, n_y * sizeof *want) == 0,
                  "%s: attn_mac_q8 differs (%zu rows, %zu x %zu, seed %llu)", ry_tier_name(tier),
                  n_rows, n_k, n_cols, (unsigned long long)seed);
    ry_mem_free(a);
    ry_mem_free(b);
    ry_mem_free(want);
    ry_mem_free(got);
}

START_TEST(attention_products_of_bytes_give_the_sums_of_scalar)
{
    state = seed + 900;
    for (size_t n = 1; n <= 200; n++) {
        check_mac_q8(1 + n % 10, 1 + n % 41, n, false);
        check_mac_q8(1 + n % 5, n, 1 + n % 70, n % 2);
    }
    check_mac_q8(9, 1023, RY_KV_CHUNK, true);
}
END_TEST

static void must_be_same_bytes(const void *want, const void *got, size_t n, const char *what,
                               enum input kind)
{
    ck_assert_msg(memcmp(want, got, n) == 0, "%s: %s differs (%s input, %zu, seed %llu)",
                  ry_tier_name(tier), what, input_names[kind], n, (unsigned long long)seed);
}

START_TEST(attention_of_bytes_gives_the_bits_of_scalar)
{
    const struct ry_kern *s = ry_kern_get(RY_TIER_SCALAR), *k = ry_kern_get(tier);
    state = seed + 1000;
    for (size_t n = 1; n <= 300; n++) {
        struct vectors v = make_vectors(n, (enum input)(n % N_INPUTS));
        int8_t *want = must(ry_mem_zalloc(2 * n, 1)), *got = must(ry_mem_zalloc(2 * n, 1));
        int32_t *sums = must(ry_mem_alloc(2 * n, sizeof *sums));
        float scale = s->attn_scale(v.a, n), twin = k->attn_scale(v.a, n);
        must_match(&scale, &twin, 1, "attn_scale", v.kind, n, 0, 0);
        s->attn_quantize(want, v.a, n, scale);
        k->attn_quantize(got, v.a, n, scale);
        must_be_same_bytes(want, got, n, "attn_quantize", v.kind);
        for (size_t i = 0; i < n; i++) {
            v.a[i] = fabsf(v.a[i]);
            v.b[i] = fabsf(v.b[i]);
        }
        scale = s->attn_digits(want, want + n, v.a, v.b, n);
        twin = k->attn_digits(got, got + n, v.a, v.b, n);
        must_match(&scale, &twin, 1, "attn_digits", v.kind, n, 0, 0);
        must_be_same_bytes(want, got, 2 * n, "attn_digits", v.kind);
        for (size_t i = 0; i < 2 * n; i++)
            sums[i] = (int32_t)(next() % 4000000) - 2000000;
        s->attn_scores_q8(v.want, sums, v.a, 0.3f, n);
        k->attn_scores_q8(v.got, sums, v.a, 0.3f, n);
        match(&v, "attn_scores_q8");
        again(&v);
        s->attn_values_q8(v.want, sums, sums + n, 0.3f, n);
        k->attn_values_q8(v.got, sums, sums + n, 0.3f, n);
        match(&v, "attn_values_q8");
        ry_mem_free(want);
        ry_mem_free(got);
        ry_mem_free(sums);
        vectors_done(&v);
    }
}
END_TEST

/* Weights in digits are right to half a step of the largest. */
START_TEST(digits_are_the_weights)
{
    const struct ry_kern *k = ry_kern_get(tier);
    float p[RY_KV_CHUNK], scales[RY_KV_CHUNK];
    int8_t high[RY_KV_CHUNK], low[RY_KV_CHUNK];
    state = seed + 1100;
    for (int run = 0; run < 20; run++) {
        float largest = 0;
        for (size_t i = 0; i < RY_KV_CHUNK; i++) {
            p[i] = expf(8 * uniform());
            scales[i] = fabsf(uniform());
            largest = fmaxf(largest, p[i] * scales[i]);
        }
        float step = k->attn_digits(high, low, p, scales, RY_KV_CHUNK);
        for (size_t i = 0; i < RY_KV_CHUNK; i++)
            ck_assert_float_le(fabsf((float)(128 * high[i] + low[i]) * step - p[i] * scales[i]),
                               0.51f * largest / 16383.0f);
    }
}
END_TEST

START_TEST(halves_give_the_bits_of_scalar)
{
    const struct ry_kern *s = ry_kern_get(RY_TIER_SCALAR), *k = ry_kern_get(tier);
    uint16_t want[130], got[130];
    state = seed + 1200;
    for (size_t n = 1; n <= 130; n++)
        for (int kind = 0; kind < N_INPUTS; kind++) {
            struct vectors v = make_vectors(n, (enum input)kind);
            s->f16_store(want, v.a, n);
            k->f16_store(got, v.a, n);
            s->f16_load(v.want, want, n);
            k->f16_load(v.got, got, n);
            match(&v, "f16_store and f16_load");
            for (size_t i = 0; i < n; i++)
                got[i] = (uint16_t)next();
            s->f16_load(v.want, got, n);
            k->f16_load(v.got, got, n);
            match(&v, "f16_load");
            vectors_done(&v);
        }
}
END_TEST

/* ---- screen ------------------------------------------------------------------------------------------ */

/* Bytes of n_rows rows, padded as engine/screen.c pads them, and two digits. */
struct screen_room {
    struct ry_screen_rows rows;
    struct ry_screen_x x;
    void *owned[4];
};

static void fill_codes(int8_t *to, size_t n, bool extreme)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (int8_t)(extreme ? (next() % 2 ? 127 : -127) : (int)(next() % 255) - 127);
}

static struct screen_room make_screen(size_t n_rows, size_t n_cols, bool extreme)
{
    struct screen_room room = {.rows = {.n_rows = n_rows, .n_lines = (n_cols + 3) / 4}};
    size_t n_groups = (n_rows + RY_ROW_GRAIN - 1) / RY_ROW_GRAIN, n = 4 * room.rows.n_lines,
           codes = n_groups * RY_ROW_GRAIN * n;
    int8_t *c = room.owned[0] = must(ry_mem_aligned(64, codes, 1));
    float *scale = room.owned[1] = must(ry_mem_aligned(64, n_groups * RY_ROW_GRAIN, sizeof *scale));
    int8_t *high = room.owned[2] = must(ry_mem_aligned(64, n, 1));
    int8_t *low = room.owned[3] = must(ry_mem_aligned(64, n, 1));
    fill_codes(c, codes, extreme);
    fill_codes(high, n_cols, extreme);
    fill_codes(low, n_cols, extreme);
    for (size_t i = 0; i < n_rows; i++)
        scale[i] = uniform();
    for (size_t i = 0; extreme && i < n_cols; i++) /* the largest sum there is, in the first row */
        c[i / 4 * 4 * RY_ROW_GRAIN + i % 4] = high[i];
    for (size_t i = 0; i < n_cols; i++) {
        room.x.sum_high += high[i];
        room.x.sum_low += low[i];
    }
    room.rows.codes = c;
    room.rows.scale = scale;
    room.x.high = high;
    room.x.low = low;
    room.x.s_high = uniform();
    room.x.s_low = uniform() / 254;
    return room;
}

static void check_screen(size_t n_rows, size_t n_cols, bool extreme)
{
    enum { SCREEN_ROWS = 48 };
    static float want[SCREEN_ROWS], got[SCREEN_ROWS + GUARD];
    struct screen_room room = make_screen(n_rows, n_cols, extreme);
    for (size_t r0 = 0; r0 < n_rows; r0 += RY_ROW_GRAIN) {
        size_t rows = n_rows - r0;
        ry_kern_get(RY_TIER_SCALAR)->screen(want, &room.rows, r0, n_rows, &room.x, 0);
        for (size_t i = 0; i < SCREEN_ROWS + GUARD; i++)
            got[i] = 12345.0f;
        ry_kern_get(tier)->screen(got, &room.rows, r0, n_rows, &room.x, r0 ? 4096 : 0);
        must_match(want, got, rows, "screen", extreme ? MAXIMAL : UNIFORM, n_cols, rows, 1);
        for (size_t i = rows; i < SCREEN_ROWS + GUARD; i++)
            if (got[i] != 12345.0f)
                ck_abort_msg("screen writes behind its rows");
    }
    for (size_t i = 0; i < 4; i++)
        ry_mem_free(room.owned[i]);
}

START_TEST(screens_give_the_bits_of_scalar)
{
    state = seed + 1300;
    for (size_t n = 1; n <= 1023; n++)
        check_screen(1 + n % 48, n, n % 5 == 0);
    check_screen(16, 65536, true);
}
END_TEST

/* ---- timing ------------------------------------------------------------------------------------------ */

static void time_matrix(enum ry_fmt fmt)
{
    enum { ROWS = 512, COLS = 2048, TOKENS = 32 };
    static float y[ROWS * TOKENS];
    struct ry_wmat w;
    make_matrix(&w, fmt, ROWS, COLS, UNIFORM, false, true);
    struct tokens t = make_tokens(ry_fmt_info(fmt)->act, COLS, TOKENS, UNIFORM);
    double best[2] = {1e30, 1e30};
    for (int run = 0; run < 7; run++) {
        uint64_t t0 = ry_clock_ns();
        ry_kern_get(tier)->matvec[fmt](y, &w, 0, ROWS, t.act, 0);
        uint64_t t1 = ry_clock_ns();
        ry_kern_get(tier)->matmul[fmt](y, ROWS, &w, 0, ROWS, t.act, t.stride, TOKENS);
        double one = (double)(t1 - t0), many = (double)(ry_clock_ns() - t1);
        best[0] = one < best[0] ? one : best[0];
        best[1] = many < best[1] ? many : best[1];
    }
    printf("%-7s %-7s %8.2f G weights/s %8.2f GMAC/s\n", ry_tier_name(tier), ry_fmt_info(fmt)->name,
           (double)ROWS * COLS / best[0], (double)ROWS * COLS * TOKENS / best[1]);
    ry_mem_free(t.act);
    ry_mem_free((void *)w.data);
}

/* What it calls asserts, so it runs as a test. */
START_TEST(timing)
{
    state = seed;
    time_matrix((enum ry_fmt)_i);
}
END_TEST

/* ---- running ----------------------------------------------------------------------------------------- */

static Suite *time_suite(void)
{
    Suite *suite = suite_create("timing: 512 x 2048 in cache, matvec, and matmul of 32 tokens");
    TCase *tc = tcase_create("timing");
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, timing, 0, RY_FMT_COUNT);
    suite_add_tcase(suite, tc);
    return suite;
}

static Suite *kern_suite(void)
{
    Suite *suite = suite_create(ry_tier_name(tier));
    TCase *tc = tcase_create("kernels");
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, matrices_of_every_size_give_the_bits_of_scalar, 0, RY_FMT_COUNT);
    tcase_add_loop_test(tc, matrices_of_every_row_range_give_the_bits_of_scalar, 0, RY_FMT_COUNT);
    tcase_add_loop_test(tc, matrices_of_many_tokens_give_the_bits_of_scalar, 0, RY_FMT_COUNT);
    tcase_add_loop_test(tc, matrices_of_every_input_give_the_bits_of_scalar, 0, RY_FMT_COUNT);
    tcase_add_loop_test(tc, extreme_codes_do_not_overflow, 0, RY_FMT_COUNT);
    tcase_add_loop_test(tc, decoded_rows_give_the_bits_of_scalar, 0, RY_FMT_COUNT);
    tcase_add_test(tc, norm_and_softmax_give_the_bits_of_scalar);
    tcase_add_test(tc, elementwise_functions_give_the_bits_of_scalar);
    tcase_add_test(tc, rope_gives_the_bits_of_scalar);
    tcase_add_loop_test(tc, attention_products_give_the_bits_of_scalar, 0, RY_KV_ELEM_FLOATS);
    tcase_add_test(tc, attention_products_of_bytes_give_the_sums_of_scalar);
    tcase_add_test(tc, attention_of_bytes_gives_the_bits_of_scalar);
    tcase_add_test(tc, digits_are_the_weights);
    tcase_add_test(tc, halves_give_the_bits_of_scalar);
    tcase_add_test(tc, screens_give_the_bits_of_scalar);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(int argc, char **argv)
{
    bool timed = argc > 1 && strcmp(argv[1], "--time") == 0;
    int n_failed = 0;
    if (getenv("RYOT_SEED"))
        seed = strtoull(getenv("RYOT_SEED"), NULL, 10);
    printf("seed %llu, %s\n", (unsigned long long)seed, ry_cpu_name());
    for (int t = RY_TIER_SCALAR; t < RY_TIER_COUNT; t++) {
        tier = (enum ry_tier)t;
        if (!ry_tier_usable(tier)) {
            printf("SKIPPED: tier %s cannot run here\n", ry_tier_name(tier));
            continue;
        }
        SRunner *runner = srunner_create(timed ? time_suite() : kern_suite());
        srunner_run_all(runner, CK_ENV);
        n_failed += srunner_ntests_failed(runner);
        srunner_free(runner);
    }
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
