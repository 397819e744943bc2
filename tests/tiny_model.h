/* Random models for tests of the engine: built in memory, opened from a file that is gone again. */
#ifndef RYOT_TESTS_TINY_MODEL_H
#define RYOT_TESTS_TINY_MODEL_H

#include "ryot_test.h"

#include "engine/session.h"
#include "tests/gguf_build.h"

/* Opens what the builder holds; the test fails when that is refused. The caller closes. */
static inline ry_engine *tiny_open_built(const struct gb *b)
{
    char path[] = "/tmp/ryot-test-XXXXXX";
    ry_buf image = {0};
    ry_err err = {0};
    ry_engine *engine = NULL;
    gb_image(b, &image);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, image.data, image.len), (ssize_t)image.len);
    close(fd);
    ry_buf_done(&image);
    struct ry_engine_options options = {.path = path};
    ry_rc rc = ry_engine_open(&engine, &options, &err);
    unlink(path);
    ck_assert_msg(rc == RY_OK, "%s", err.text);
    return engine;
}

static inline ry_engine *tiny_open(const struct gb_shape *shape)
{
    struct gb b;
    gb_init(&b);
    gb_model(&b, shape);
    ry_engine *engine = tiny_open_built(&b);
    gb_done(&b);
    return engine;
}

/* A session whose every step takes the threads it was given, however small the model. */
static inline ry_session *tiny_session(const ry_engine *engine, struct ry_live *live,
                                       uint32_t n_ctx, uint32_t n_ubatch, enum ry_kv_type kv)
{
    ry_session *session = NULL;
    ry_err err = {0};
    struct ry_session_options options = {
        .n_ctx = n_ctx, .n_ubatch = n_ubatch, .kv = kv, .live = live};
    ck_assert_msg(ry_session_new(&session, engine, &options, &err) == RY_OK, "%s", err.text);
    session->single_thread_bytes = 0;
    session->most_threads = RY_MAX_THREADS;
    return session;
}

/* ids[n] pseudo-random in 3..n_vocab-1. */
static inline void tiny_ids(int32_t *ids, size_t n, uint32_t n_vocab, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        ids[i] = (int32_t)(3 + (seed >> 8) % (n_vocab - 3));
    }
}

#endif
