/* Shapes: random models in memory that are opened as files are, in every format, the same bytes each time. */
#include "ryot_test.h"

#include <math.h>
#include <stdio.h>

#include "engine/gguf.h"
#include "engine/session.h"
#include "engine/shape.h"

static ry_rc open_shape(ry_engine **out, const char *word, ry_err *err)
{
    struct ry_engine_options options = {.path = word, .shape = word};
    return ry_engine_open(out, &options, err);
}

/* Every format of a body, with the head that goes with it: the file is accepted, and 40 tokens give logits that are
 * finite, not all alike, and of a size that a softmax could work with. */
START_TEST(every_format_runs)
{
    enum { N = 40 };
    const struct ry_fmt_info *info = ry_fmt_info((enum ry_fmt)_i);
    char word[64];
    ry_err err = {0};
    ry_engine *engine = NULL;
    ry_session *session = NULL;
    struct ry_live live;
    int32_t ids[N];
    snprintf(word, sizeof word, "tiny:%s", info->name);
    ck_assert_msg(open_shape(&engine, word, &err) == RY_OK, "%s: %s", word, err.text);
    const struct ry_model_info *model = ry_engine_info(engine);
    ck_assert_uint_eq(model->n_layer, 2);
    ck_assert_uint_eq(model->n_vocab, 1024);
    ck_assert_str_eq(model->tokenizer, "none");
    ry_live_init(&live);
    for (int i = 0; i < N; i++)
        ids[i] = i * 25;
    ck_assert_msg(ry_session_new(&session, engine,
                                 &(struct ry_session_options){.n_ctx = 64, .live = &live},
                                 &err) == RY_OK,
                  "%s", err.text);
    ck_assert_msg(ry_session_eval(session, &(struct ry_eval){.ids = ids, .n = N}, &err) == RY_OK,
                  "%s: %s", word, err.text);
    const float *logits = ry_session_logits(session);
    double square = 0;
    for (uint32_t i = 0; i < model->n_vocab; i++)
        square += (double)logits[i] * (double)logits[i];
    double rms = sqrt(square / model->n_vocab);
    ck_assert_msg(rms > 0.3 && rms < 3, "%s: logits of rms %g", word, rms);
    ry_session_free(session);
    ry_engine_close(engine);
}
END_TEST

/* Decoded, the weights have the standard deviation that was asked for (floats the nearest power of two), and no mean to
 * speak of (codes from -8 to 7 have half a code). */
START_TEST(weights_are_of_the_wanted_size)
{
    enum { BLOCKS = 512, COLS = 2048 };
    static uint8_t bytes[BLOCKS * 256];
    static float w[BLOCKS * 256];
    const struct ry_fmt_info *info = ry_fmt_info((enum ry_fmt)_i);
    size_t n_blocks = info->block_elems < 32 ? BLOCKS * 32 : BLOCKS,
           n = n_blocks * info->block_elems;
    struct ry_fill fill = ry_fill_of((enum ry_fmt)_i, COLS);
    double sum = 0, square = 0;
    ry_fill_blocks(&fill, bytes, n_blocks, 7);
    info->decode(w, bytes, n);
    for (size_t i = 0; i < n; i++) {
        double x = (double)w[i] * (_i == RY_FMT_I2_S ? (double)fill.scale : 1.0);
        sum += x;
        square += x * x;
    }
    double wanted = 1 / sqrt(COLS), rms = sqrt(square / (double)n), mean = sum / (double)n;
    ck_assert_msg(rms > 0.6 * wanted && rms < 1.6 * wanted, "%s: rms %g, wanted %g", info->name,
                  rms, wanted);
    ck_assert_msg(fabs(mean) < 0.15 * wanted, "%s: mean %g, deviation %g", info->name, mean, rms);
}
END_TEST

/* Ternary codes are -1, 0 and 1: two bits never read 3. */
START_TEST(ternary_codes_are_ternary)
{
    static const enum ry_fmt fmts[] = {RY_FMT_TQ1_0, RY_FMT_TQ2_0, RY_FMT_I2_S};
    uint8_t bytes[64 * 256];
    float w[64 * 256];
    for (size_t k = 0; k < sizeof fmts / sizeof *fmts; k++) {
        struct ry_fill fill = ry_fill_of(fmts[k], 2560);
        const struct ry_fmt_info *info = ry_fmt_info(fmts[k]);
        size_t n = 64u * info->block_elems, seen[3] = {0};
        ry_fill_blocks(&fill, bytes, 64, 3);
        info->decode(w, bytes, n);
        float unit = fmts[k] == RY_FMT_I2_S ? 1.0f : ry_f16_to_f32(fill.d);
        for (size_t i = 0; i < n; i++) {
            float code = w[i] / unit;
            ck_assert_msg(code == -1 || code == 0 || code == 1, "%s: code %g", info->name,
                          (double)code);
            seen[(int)code + 1]++;
        }
        for (int c = 0; c < 3; c++)
            ck_assert_uint_gt(seen[c], n / 8);
    }
}
END_TEST

static void make(struct ry_shape_image *image, const char *word, int n_threads)
{
    ry_err err = {0};
    struct ry_shape_options options = {.word = word, .n_threads = n_threads};
    ck_assert_msg(ry_shape_make(image, &options, &err) == RY_OK, "%s", err.text);
}

START_TEST(same_bytes_for_any_number_of_threads)
{
    struct ry_shape_image a = {0}, b = {0};
    make(&a, "smollm2-135m:q4_0", 1);
    make(&b, "smollm2-135m:q4_0", 3);
    ck_assert_uint_eq(a.n_bytes, b.n_bytes);
    ck_assert_mem_eq(a.map, b.map, a.n_bytes);
    ry_shape_done(&a);
    ry_shape_done(&b);
}
END_TEST

/* The default head, another one, and tensors of families with more norms. */
START_TEST(words_choose_the_formats)
{
    static const struct {
        const char *word, *tensor;
        enum ry_fmt fmt;
    } cases[] = {
        {"tiny", "blk.0.ffn_up.weight", RY_FMT_Q8_0},
        {"tiny", "token_embd.weight", RY_FMT_Q8_0},
        {"tiny:tq2_0", "token_embd.weight", RY_FMT_Q6_K},
        {"tiny:TQ2_0/F16", "token_embd.weight", RY_FMT_F16},
        {"tiny:TQ2_0/F16", "blk.1.attn_q.weight", RY_FMT_TQ2_0},
        {"tiny:/f16", "blk.1.attn_q.weight", RY_FMT_Q8_0},
        {"tiny:q4_0/", "token_embd.weight", RY_FMT_Q6_K},
        {"smollm2-135m:q4_0", "token_embd.weight", RY_FMT_Q8_0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ry_shape_image image = {0};
        ry_gguf *g = NULL;
        ry_err err = {0};
        make(&image, cases[i].word, 1);
        ck_assert_msg(ry_gguf_parse(&g, cases[i].word, image.map, image.n_bytes, false, &err) ==
                          RY_OK,
                      "%s", err.text);
        const struct ry_gguf_tensor *t = ry_gguf_find_tensor(g, cases[i].tensor);
        ck_assert_ptr_nonnull(t);
        ck_assert_int_eq(t->fmt, cases[i].fmt);
        ry_gguf_close(g);
        ry_shape_done(&image);
    }
}
END_TEST

START_TEST(refusals_say_what_there_is)
{
    static const struct {
        const char *word, *says;
    } cases[] = {
        {"", "is none of"},
        {"bitnet", "bitnet-2b4t"},
        {"bitnet-2b4t-x", "is none of"},
        {"tiny:q9_9", "TQ2_0"},
        {"tiny:t2 x16", "is none of"},
        {"tiny:q4_0/tq2_0", "q6_k"},
        {"smollm2-135m:q4_k", "multiple of 256"},
        {"smollm2-135m:q8_0/q6_k", "multiple of 256"},
        {"tiny:q4_0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "is none of"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ry_engine *engine = NULL;
        ry_err err = {0};
        ck_assert_msg(open_shape(&engine, cases[i].word, &err) == RY_ERR_USAGE, "\"%s\"",
                      cases[i].word);
        ck_assert_msg(strstr(err.text, cases[i].says), "\"%s\": %s", cases[i].word, err.text);
        ck_assert_ptr_null(engine);
    }
}
END_TEST

/* Each shape that fits a test: what its family binds is what the shape has, neither less nor more. */
START_TEST(small_shapes_open)
{
    static const char *const words[] = {"smollm2-135m", "qwen3-0.6b:q4_0", "bitnet-700m"};
    ry_engine *engine = NULL;
    ry_err err = {0};
    ck_assert_msg(open_shape(&engine, words[_i], &err) == RY_OK, "%s", err.text);
    ck_assert_uint_gt(ry_engine_info(engine)->n_params, 100000000);
    ry_engine_close(engine);
}
END_TEST

START_TEST(cancelling_stops_the_making)
{
    struct ry_shape_image image = {0};
    ry_err err = {0};
    atomic_bool cancel = true;
    struct ry_shape_options options = {.word = "tiny", .n_threads = 1, .cancel = &cancel};
    ck_assert_int_eq(ry_shape_make(&image, &options, &err), RY_ERR_CANCELLED);
    ck_assert_ptr_null(image.map);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("shape");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, every_format_runs, 0, RY_FMT_COUNT);
    tcase_add_loop_test(tc, weights_are_of_the_wanted_size, 0, RY_FMT_COUNT);
    tcase_add_test(tc, ternary_codes_are_ternary);
    tcase_add_test(tc, same_bytes_for_any_number_of_threads);
    tcase_add_test(tc, words_choose_the_formats);
    tcase_add_test(tc, refusals_say_what_there_is);
    tcase_add_loop_test(tc, small_shapes_open, 0, 3);
    tcase_add_test(tc, cancelling_stops_the_making);
    suite_add_tcase(s, tc);
    return s;
}
RY_TEST_MAIN(suite);
