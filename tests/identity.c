/* The promise: the same bits for every kernel tier, number of threads, ubatch, interleaved weights and the file's own
 * rows, and for prefill and decode; on random
 * models of every architecture and every tensor format, generated here. */
#include "tests/tiny_model.h"

#include "src/base/mem.h"

enum { N_IDS = 41, N_LONG = 300, MOST_THREADS = 8 };

static const char *const archs[] = {"llama",  "qwen2",        "qwen3",    "gemma",
                                    "gemma2", "gemma3",       "phi3",     "smollm3",
                                    "bitnet", "bitnet-b1.58", "bitnet-25"};

/* Logits [n_ids, n_vocab] with the ids given in pieces of `piece`. The caller frees. */
static float *logits_by(const ry_engine *engine, struct ry_live *live, size_t n_ids,
                        uint32_t n_ubatch, size_t piece, enum ry_kv_type kv)
{
    size_t n_vocab = ry_engine_info(engine)->n_vocab;
    ry_session *session = tiny_session(engine, live, (uint32_t)n_ids + 23, n_ubatch, kv);
    float *rows = ry_mem_alloc(n_ids * n_vocab, sizeof *rows);
    int32_t ids[N_LONG];
    ry_err err = {0};
    tiny_ids(ids, n_ids, (uint32_t)n_vocab, 7);
    for (size_t at = 0; at < n_ids; at += piece) {
        size_t n = n_ids - at < piece ? n_ids - at : piece;
        struct ry_eval eval = {.ids = ids + at, .n = n, .all_logits = rows + at * n_vocab};
        ck_assert_msg(ry_session_eval(session, &eval, &err) == RY_OK, "%s", err.text);
    }
    ry_session_free(session);
    return rows;
}

static void check_shape(const struct gb_shape *shape)
{
    static const uint32_t ubatch[] = {1, 7, 32, 512};
    ry_engine *engine = tiny_open(shape);
    struct ry_live live;
    ry_live_init(&live);
    for (int kv = RY_KV_F32; kv <= RY_KV_F16; kv++) {
        atomic_store(&live.attention, (int)(shape->seed + (unsigned)kv) % RY_ATTENTION_COUNT);
        atomic_store(&live.tier, RY_TIER_SCALAR);
        atomic_store(&live.n_threads, 1);
        atomic_store(&live.repack, false);
        float *want = logits_by(engine, &live, N_IDS, 512, N_IDS, kv);
        size_t bytes = N_IDS * ry_engine_info(engine)->n_vocab * sizeof *want;
        for (int tier = 0; tier < RY_TIER_COUNT; tier++)
            for (int threads = 1; threads <= MOST_THREADS && ry_tier_usable(tier); threads++)
                for (size_t u = threads > 4 ? (size_t)threads % 4 : 0;
                     u<4; u += threads> 4 ? 4 : 1) {
                    atomic_store(&live.tier, tier);
                    atomic_store(&live.n_threads, threads);
                    atomic_store(&live.repack, (u + (size_t)threads) % 2 == 0);
                    float *got = logits_by(engine, &live, N_IDS, ubatch[u],
                                           u == 0   ? 1
                                           : u == 1 ? 13
                                                    : N_IDS,
                                           kv);
                    ck_assert_msg(memcmp(got, want, bytes) == 0,
                                  "%s, %s: other bits with %s, %d threads, ubatch %u, kv %d",
                                  shape->arch, ry_fmt_info(shape->fmt)->name, ry_tier_name(tier),
                                  threads, ubatch[u], kv);
                    ry_mem_free(got);
                }
        ry_mem_free(want);
    }
    ry_engine_close(engine);
}

START_TEST(architecture)
{
    struct gb_shape shape = gb_shape_default(archs[_i], RY_FMT_F32);
    check_shape(&shape);
}
END_TEST

START_TEST(format)
{
    const char *arch = ry_fmt_info(_i)->ternary ? "bitnet-b1.58" : "llama";
    struct gb_shape shape = gb_shape_default(arch, _i);
    check_shape(&shape);
}
END_TEST

/* Over several chunks of the KV cache, with every type of it and both ways to compute attention; decode at the end. */
static void check_long(const struct gb_shape *shape, enum ry_kv_type kv, enum ry_attention kind)
{
    static const size_t piece[] = {1, 64, 7, N_LONG};
    ry_engine *engine = tiny_open(shape);
    struct ry_live live;
    ry_live_init(&live);
    atomic_store(&live.attention, kind);
    atomic_store(&live.tier, RY_TIER_SCALAR);
    atomic_store(&live.n_threads, 1);
    float *want = logits_by(engine, &live, N_LONG, 512, N_LONG, kv);
    size_t bytes = N_LONG * ry_engine_info(engine)->n_vocab * sizeof *want;
    for (int tier = 0; tier < RY_TIER_COUNT; tier++)
        for (int threads = 1; threads <= 3 && ry_tier_usable(tier); threads++)
            for (size_t p = tier == RY_TIER_SCALAR ? (size_t)threads : 0; p < 4;
                 p += (size_t)threads) {
                atomic_store(&live.tier, tier);
                atomic_store(&live.n_threads, threads);
                float *got = logits_by(engine, &live, N_LONG, 512, piece[p], kv);
                ck_assert_msg(memcmp(got, want, bytes) == 0,
                              "%s: other bits with %s, %d threads, steps of %zu, kv %d, kind %d",
                              shape->arch, ry_tier_name(tier), threads, piece[p], kv, kind);
                ry_mem_free(got);
            }
    ry_mem_free(want);
    ry_engine_close(engine);
}

START_TEST(long_context)
{
    static const char *const names[] = {"llama", "gemma2", "gemma3"};
    struct gb_shape shape = gb_shape_default(names[_i % 3], RY_FMT_F32);
    shape.n_ctx = N_LONG + 23;
    for (int kv = RY_KV_F32; kv < RY_KV_COUNT; kv++)
        check_long(&shape, kv, _i / 3);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("identity");
    TCase *tc = tcase_create("same bits");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, architecture, 0, sizeof archs / sizeof *archs);
    tcase_add_loop_test(tc, format, 0, RY_FMT_COUNT);
    tcase_add_loop_test(tc, long_context, 0, 3 * RY_ATTENTION_COUNT);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
