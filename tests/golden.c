/* Golden files: every model of the manifest against reference logits that an independent implementation computed in
 * double precision, by the rule of the development checkout's README: no worse than the best peer by more than a
 * quarter. With a KV cache in f32, since a reference does not round what the file does not round. The same bytes for
 * tiers, threads and ubatch sizes, with f32 and f16.
 *
 * Skips loudly where the files are not there (a fresh clone). */
#include "ryot_test.h"

#include <cjson/cJSON.h>
#include <math.h>

#include "engine/session.h"
#include "src/base/mem.h"

static cJSON *manifest;

static char *slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    *len = (size_t)ftell(f);
    rewind(f);
    char *data = ry_mem_zalloc(*len + 1, 1);
    *len = fread(data, 1, *len, f);
    fclose(f);
    return data;
}

static const char *text_of(const cJSON *row, const char *key)
{
    const cJSON *v = cJSON_GetObjectItem(row, key);
    ck_assert_msg(cJSON_IsString(v), "manifest: no %s", key);
    return v->valuestring;
}

struct how {
    enum ry_tier tier;
    int n_threads;
    uint32_t n_ubatch;
    enum ry_kv_type kv;
};

/* All logits [n, n_vocab] of a model for ids; the caller frees. */
static float *logits_of(const ry_engine *engine, const int32_t *ids, size_t n, struct how how)
{
    ry_err err = {0};
    struct ry_live live;
    ry_session *session = NULL;
    ry_live_init(&live);
    atomic_store(&live.tier, how.tier);
    atomic_store(&live.n_threads, how.n_threads);
    struct ry_session_options so = {.n_ubatch = how.n_ubatch, .live = &live, .kv = how.kv};
    ck_assert_msg(ry_session_new(&session, engine, &so, &err) == RY_OK, "%s", err.text);
    session->single_thread_bytes = 0; /* a team for every step, however small the model */
    float *logits = ry_mem_alloc(n * ry_engine_info(engine)->n_vocab, sizeof *logits);
    struct ry_eval eval = {.ids = ids, .n = n, .all_logits = logits};
    ck_assert_msg(ry_session_eval(session, &eval, &err) == RY_OK, "%s", err.text);
    ry_session_free(session);
    return logits;
}

static double log_sum_exp(const float *x, size_t n)
{
    double m = x[0], s = 0;
    for (size_t i = 1; i < n; i++)
        m = x[i] > m ? x[i] : m;
    for (size_t i = 0; i < n; i++)
        s += exp(x[i] - m);
    return m + log(s);
}

static double kl_mean(const float *p, const float *q, size_t n_rows, size_t n)
{
    double kl = 0;
    for (size_t t = 0; t < n_rows; t++, p += n, q += n) {
        double lp = log_sum_exp(p, n), lq = log_sum_exp(q, n);
        for (size_t i = 0; i < n; i++)
            kl += exp(p[i] - lp) * ((p[i] - lp) - (q[i] - lq));
    }
    return kl / (double)n_rows;
}

static double peer(const cJSON *row, const char *key, double otherwise)
{
    const cJSON *v = cJSON_GetObjectItem(cJSON_GetObjectItem(row, "peer_error"), key);
    return cJSON_IsNumber(v) ? v->valuedouble : otherwise;
}

static void check_row(const cJSON *row, const float *got, const float *want, size_t n,
                      size_t n_vocab, const char *tier)
{
    const char *model = text_of(row, "model");
    double se = 0, sa = 0;
    for (size_t i = 0; i < n * n_vocab; i++) {
        se += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
        sa += (double)want[i] * want[i];
    }
    double rel = sqrt(se / sa), kl = kl_mean(want, got, n, n_vocab);
    bool floats = strstr(model, "f32") || strstr(model, "f16");
    double max_rel = peer(row, "rel_rms", 0.01) * 1.25 + (floats ? 1e-5 : 0);
    double peer_kl = peer(row, "kl_mean", 5e-4), max_kl = (peer_kl > 0 ? peer_kl : 0) * 1.25 + 1e-7;
    printf("%-26s %-7s rel_rms %.2e of %.2e  kl %.1e of %.1e\n", model, tier, rel, max_rel, kl,
           max_kl);
    ck_assert_msg(rel <= max_rel, "%s, %s: rel_rms %.3e, at most %.3e", model, tier, rel, max_rel);
    ck_assert_msg(kl <= max_kl, "%s, %s: kl %.3e, at most %.3e", model, tier, kl, max_kl);
}

/* Logits of the scalar tier on one thread; every other way of computing them must give the same bytes. */
static float *same_bits(const ry_engine *engine, const int32_t *ids, size_t n, enum ry_kv_type kv,
                        const char *model)
{
    static const uint32_t ubatch[] = {1, 7, 32, 512};
    size_t len = n * ry_engine_info(engine)->n_vocab * sizeof(float);
    float *first = logits_of(engine, ids, n, (struct how){RY_TIER_SCALAR, 1, 512, kv});
    for (int tier = 0; tier < RY_TIER_COUNT; tier++)
        for (int threads = 1; threads <= 4 && ry_tier_usable(tier); threads++)
            for (size_t u = 0; u < 4; u++) {
                struct how how = {tier, threads, ubatch[u], kv};
                float *got = logits_of(engine, ids, n, how);
                ck_assert_msg(memcmp(got, first, len) == 0,
                              "%s: other bits with %s, %d threads, ubatch %u", model,
                              ry_tier_name(tier), threads, ubatch[u]);
                ry_mem_free(got);
            }
    return first;
}

START_TEST(golden_row)
{
    const cJSON *row = cJSON_GetArrayItem(manifest, _i), *id,
                *tokens = cJSON_GetObjectItem(row, "tokens");
    char rel_path[512];
    size_t n = 0, len;
    int32_t ids[1024];
    ry_err err = {0};
    ry_engine *engine = NULL;
    cJSON_ArrayForEach(id, tokens)
    {
        ck_assert_uint_lt(n, sizeof ids / sizeof *ids);
        ids[n++] = id->valueint;
    }
    snprintf(rel_path, sizeof rel_path, "golden/%s", text_of(row, "model"));
    const char *path = ry_test_shared(rel_path);
    ck_assert_ptr_nonnull(path);
    struct ry_engine_options eo = {.path = path};
    ck_assert_msg(ry_engine_open(&engine, &eo, &err) == RY_OK, "%s", err.text);
    snprintf(rel_path, sizeof rel_path, "golden/%s", text_of(row, "logits"));
    float *want = (float *)(void *)slurp(ry_test_shared(rel_path), &len);
    size_t n_vocab = ry_engine_info(engine)->n_vocab;
    ck_assert_uint_eq(len, n * n_vocab * sizeof *want);
    ry_mem_free(same_bits(engine, ids, n, RY_KV_F16, text_of(row, "model")));
    float *first = same_bits(engine, ids, n, RY_KV_F32, text_of(row, "model"));
    check_row(row, first, want, n, n_vocab, "scalar");
    ry_mem_free(first);
    ry_mem_free(want);
    ry_engine_close(engine);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("golden");
    TCase *tc = tcase_create("manifest");
    tcase_set_timeout(tc, 300);
    size_t len;
    const char *path = ry_test_shared("golden/manifest.json");
    if (!path)
        exit(RY_TEST_SKIP);
    char *text = slurp(path, &len);
    manifest = cJSON_Parse(text);
    ry_mem_free(text);
    if (!cJSON_IsArray(manifest)) {
        fprintf(stderr, "%s is no JSON array\n", path);
        exit(EXIT_FAILURE);
    }
    tcase_add_loop_test(tc, golden_row, 0, cJSON_GetArraySize(manifest));
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
