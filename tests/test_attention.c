/* Attention by itself: both implementations against plain double precision, and each against itself, bit for bit, over
 * tiers, threads, tiles and the way the positions were cut into steps. The cache is full of NaN where nothing was
 * stored: what lies behind a query must not reach it. */
#include "ryot_test.h"

#include <math.h>

#include "engine/attn_rows.h"
#include "src/base/mem.h"

enum { N_POS = 300 };

struct shape {
    uint32_t n_head, n_head_kv, dim_k, dim_v, window;
    float softcap;
};

/* Groups of 1 to 66 heads (more than a tile has rows), odd dimensions, windows inside a chunk and across chunks. */
static const struct shape shapes[] = {
    {4, 2, 16, 16, 0, 0},    {6, 2, 24, 40, 0, 0}, {8, 1, 7, 5, 37, 0},
    {4, 4, 64, 64, 150, 30}, {66, 1, 3, 2, 0, 20}, {5, 5, 3, 1, 0, 0},
};

static const char *const elem_names[] = {"f32", "f16", "q8"};

struct rig {
    struct ry_hparams hp;
    struct ry_kv kv;
    uint32_t window;
    float *q, *k, *v; /* [N_POS, heads * dim] */
    float *parts;
    char *block;
    struct ry_attn_own own;
};

static uint64_t state;

static float uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(state >> 32) * 0x1p-31f;
}

static float *numbers(size_t n)
{
    float *x = ry_mem_alloc(n, sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (size_t i = 0; i < n; i++)
        x[i] = 3 * uniform();
    return x;
}

static void rig_init(struct rig *r, const struct shape *s, enum ry_kv_elem elem)
{
    ry_err err = {0};
    size_t n_parts;
    *r = (struct rig){.window = s->window};
    r->hp = (struct ry_hparams){.n_layer = 2,
                                .n_head = s->n_head,
                                .n_head_kv = s->n_head_kv,
                                .head_dim_k = s->dim_k,
                                .head_dim_v = s->dim_v,
                                .attn_softcap = s->softcap,
                                .attn_scale = 1};
    state = 11 + s->n_head;
    ck_assert_msg(ry_kv_init(&r->kv, &r->hp, elem, N_POS, &err) == RY_OK, "%s", err.text);
    memset(r->kv.data, 0xff, r->kv.n_bytes);
    r->q = numbers((size_t)N_POS * s->n_head * s->dim_k);
    r->k = numbers((size_t)N_POS * s->n_head_kv * s->dim_k);
    r->v = numbers((size_t)N_POS * s->n_head_kv * s->dim_v);
    ck_assert(ry_attn_part_floats(&r->hp, N_POS, &n_parts));
    r->parts = ry_mem_alloc(n_parts, sizeof *r->parts);
    size_t bytes = ry_attn_own_cut(&r->own, &r->hp, elem, N_POS, NULL);
    r->block = ry_mem_aligned(64, bytes, 1);
    ck_assert_uint_eq(ry_attn_own_cut(&r->own, &r->hp, elem, N_POS, r->block), bytes);
}

static void rig_done(struct rig *r)
{
    ry_kv_done(&r->kv);
    ry_mem_free(r->q);
    ry_mem_free(r->k);
    ry_mem_free(r->v);
    ry_mem_free(r->parts);
    ry_mem_free(r->block);
}

static void store(struct rig *r, const struct ry_kern *kern, size_t pos, size_t n_tok)
{
    const struct ry_hparams *hp = &r->hp;
    for (size_t p = pos; p < pos + n_tok; p++)
        for (size_t h = 0; h < hp->n_head_kv; h++)
            ry_kv_store(&r->kv, kern, 1, h, p, r->k + (p * hp->n_head_kv + h) * hp->head_dim_k,
                        r->v + (p * hp->n_head_kv + h) * hp->head_dim_v);
}

/* All queries in steps of `piece`; out[N_POS, n_head * dim_v] is the caller's to free. */
static float *attend(struct rig *r, enum ry_tier tier, enum ry_attention kind, int n_threads,
                     size_t piece, size_t max_macs)
{
    const struct ry_hparams *hp = &r->hp;
    size_t n_out = (size_t)hp->n_head * hp->head_dim_v;
    float *out = ry_mem_zalloc(N_POS * n_out, sizeof *out);
    memset(r->kv.data, 0xff, r->kv.n_bytes);
    for (size_t pos = 0; pos < N_POS; pos += piece) {
        size_t n = N_POS - pos < piece ? N_POS - pos : piece;
        store(r, ry_kern_get(tier), pos, n);
        struct ry_attn a = {.kern = ry_kern_get(tier),
                            .kv = &r->kv,
                            .hp = hp,
                            .layer = 1,
                            .window = r->window,
                            .pos = pos,
                            .n_tok = n,
                            .q = r->q + pos * hp->n_head * hp->head_dim_k,
                            .ldq = (size_t)hp->n_head * hp->head_dim_k,
                            .out = out + pos * n_out,
                            .ldo = n_out,
                            .parts = r->parts,
                            .max_macs = max_macs,
                            .prefetch = n_threads % 2};
        ry_attn_plan(&a, kind, n_threads);
        for (size_t i = a.n_tasks; i-- > 0;)
            ry_attn_task(&a, i, &r->own);
        for (size_t i = 0; i < a.n_merges; i++)
            ry_attn_merge(&a, i);
    }
    return out;
}

/* Softmax attention as the paper writes it, in double precision. */
static void reference(const struct rig *r, size_t pos, size_t head, double *out)
{
    const struct ry_hparams *hp = &r->hp;
    size_t dk = hp->head_dim_k, dv = hp->head_dim_v, n_kv = hp->n_head_kv;
    size_t g = head / (hp->n_head / n_kv);
    size_t first = r->window && pos >= r->window ? pos - r->window + 1 : 0;
    double s[N_POS], big = -INFINITY, sum = 0;
    for (size_t p = first; p <= pos; p++) {
        s[p] = 0;
        for (size_t d = 0; d < dk; d++)
            s[p] +=
                (double)r->q[(pos * hp->n_head + head) * dk + d] * r->k[(p * n_kv + g) * dk + d];
        if (hp->attn_softcap != 0)
            s[p] = (double)hp->attn_softcap * tanh(s[p] / (double)hp->attn_softcap);
        big = fmax(big, s[p]);
    }
    for (size_t p = first; p <= pos; p++)
        sum += s[p] = exp(s[p] - big);
    for (size_t d = 0; d < dv; d++) {
        out[d] = 0;
        for (size_t p = first; p <= pos; p++)
            out[d] += s[p] / sum * (double)r->v[(p * n_kv + g) * dv + d];
    }
}

/* Root of the mean square error over that of the reference. */
static double error_of(const struct rig *r, const float *got)
{
    const struct ry_hparams *hp = &r->hp;
    double want[64], se = 0, sa = 0;
    for (size_t pos = 0; pos < N_POS; pos++)
        for (size_t h = 0; h < hp->n_head; h++) {
            reference(r, pos, h, want);
            for (size_t d = 0; d < hp->head_dim_v; d++) {
                double e = (double)got[(pos * hp->n_head + h) * hp->head_dim_v + d] - want[d];
                se += e * e;
                sa += want[d] * want[d];
            }
        }
    return sqrt(se / sa);
}

START_TEST(right_and_the_same_bits_however_it_is_computed)
{
    static const double bounds[RY_KV_ELEM_COUNT] = {2e-6, 2e-3, 4e-2};
    static const size_t pieces[] = {1, 5, 8, 100, N_POS};
    const struct shape *shape = &shapes[_i];
    for (int elem = 0; elem < RY_KV_ELEM_COUNT; elem++)
        for (int kind = 0; kind < RY_ATTENTION_COUNT; kind++) {
            struct rig r;
            rig_init(&r, shape, (enum ry_kv_elem)elem);
            size_t bytes = N_POS * sizeof(float) * shape->n_head * shape->dim_v;
            float *want = attend(&r, RY_TIER_SCALAR, kind, 1, N_POS, SIZE_MAX);
            double error = error_of(&r, want);
            printf("%u heads of %u, %s, %s: relative error %.1e\n", shape->n_head, shape->dim_k,
                   elem_names[elem], kind == RY_ATTENTION_FLASH ? "flash" : "standard", error);
            ck_assert_double_lt(error, bounds[elem]);
            for (int tier = 0; tier < RY_TIER_COUNT; tier++)
                for (int threads = 1 + (tier == RY_TIER_SCALAR); threads <= 3; threads++)
                    /* Scalar, being slow, in steps of 8 and of everything. */
                    for (size_t p = tier == RY_TIER_SCALAR ? (size_t)(2 * threads - 2) : 0;
                         p < sizeof pieces / sizeof *pieces && ry_tier_usable(tier);
                         p += tier == RY_TIER_SCALAR ? 5 : 1) {
                        float *got = attend(&r, tier, kind, threads, pieces[p],
                                            threads == 3 ? 3000 : SIZE_MAX);
                        ck_assert_msg(memcmp(want, got, bytes) == 0,
                                      "%s, kind %d, %s: other bits with %d threads in steps of %zu",
                                      elem_names[elem], kind, ry_tier_name(tier), threads,
                                      pieces[p]);
                        ry_mem_free(got);
                    }
            ry_mem_free(want);
            rig_done(&r);
        }
}
END_TEST

/* A value that is not a number is seen by the queries from its position on, and by none before. */
START_TEST(what_is_not_finite_reaches_later_queries_only)
{
    enum { AT = 200 };
    const struct shape *shape = &shapes[0];
    size_t n_out = (size_t)shape->n_head * shape->dim_v;
    for (int kind = 0; kind < RY_ATTENTION_COUNT; kind++)
        for (int in_v = 0; in_v < 2; in_v++) {
            struct rig r;
            rig_init(&r, shape, (enum ry_kv_elem)_i);
            size_t dim = in_v ? shape->dim_v : shape->dim_k;
            for (size_t i = 0; i < shape->n_head_kv * dim; i++)
                (in_v ? r.v : r.k)[AT * shape->n_head_kv * dim + i] = NAN;
            float *out = attend(&r, ry_tier_best(), kind, 2, N_POS, SIZE_MAX);
            for (size_t i = 0; i < N_POS * n_out; i++)
                ck_assert_int_eq(isnan(out[i]) != 0, i / n_out >= AT);
            ry_mem_free(out);
            rig_done(&r);
        }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("attention");
    TCase *tc = tcase_create("attention");
    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, right_and_the_same_bits_however_it_is_computed, 0,
                        sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(tc, what_is_not_finite_reaches_later_queries_only, 0, RY_KV_ELEM_COUNT);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
