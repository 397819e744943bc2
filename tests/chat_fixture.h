/* A real chat for tests: both workers, a vault in a private folder, and a random model that
 * never ends by itself, built on the spot. What the surface would show is collected. */
#ifndef RYOT_TESTS_CHAT_FIXTURE_H
#define RYOT_TESTS_CHAT_FIXTURE_H

#include "ryot_test.h"

#include <sys/stat.h>

#include "src/app/chat.h"
#include "src/base/clock.h"
#include "src/base/mem.h"
#include "tests/endless_model.h"

struct fixture {
    char dir[64], model[128], vault[128];
    ry_chat *chat;
    ry_buf text, notes, notices, draft; /* what the surface was told */
    int n_answered, last_do, last_arg;
    bool acts; /* the surface performs what commands want */
};

static inline void fixture_text(void *user, const char *text, size_t len)
{
    ry_buf_add(&((struct fixture *)user)->text, text, len);
}

static inline void fixture_answered(void *user)
{
    ((struct fixture *)user)->n_answered++;
}

static inline void fixture_note(void *user, const char *text)
{
    ry_buf_addf(&((struct fixture *)user)->notes, "%s\n", text);
}

static inline void fixture_notice(void *user, const char *text, bool error)
{
    ry_buf_addf(&((struct fixture *)user)->notices, "%s%s\n", error ? "! " : "", text);
}

static inline void fixture_draft(void *user, const char *text, size_t len)
{
    struct fixture *f = user;
    ry_buf_clear(&f->draft);
    ry_buf_add(&f->draft, text, len);
}

static inline bool fixture_perform(void *user, enum ry_surface_do what, int arg)
{
    struct fixture *f = user;
    f->last_do = (int)what;
    f->last_arg = arg;
    return f->acts;
}

static inline ry_rc fixture_resolve(void *user, const char *word, char **path, ry_err *err)
{
    (void)user;
    if (strcmp(word, "nowhere") == 0)
        return ry_err_set(err, RY_ERR_MODEL, "nowhere: there is no such model");
    *path = ry_mem_strdup(word);
    return RY_OK;
}

/* Folder and model; n_ctx of the model. */
static inline void fixture_make(struct fixture *f, uint32_t n_ctx)
{
    *f = (struct fixture){.last_do = -1};
    snprintf(f->dir, sizeof f->dir, "/tmp/ryot-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    snprintf(f->model, sizeof f->model, "%s/m.gguf", f->dir);
    snprintf(f->vault, sizeof f->vault, "%s/v/vault.db", f->dir);
    ck_assert(endless_model_write(f->model, n_ctx));
}

static inline struct ry_chat_options fixture_options(struct fixture *f)
{
    struct ry_chat_options o = {
        .surface = {.user = f,
                    .text = fixture_text,
                    .answered = fixture_answered,
                    .note = fixture_note,
                    .notice = fixture_notice,
                    .draft = fixture_draft,
                    .perform = fixture_perform},
        .seed = 7,
        .model = f->model,
        .default_model = f->model,
        .resolve_model = fixture_resolve,
        .max_tokens = 24,
        .vault = {.path = f->vault, .create = true},
    };
    ry_live_init(&o.live);
    atomic_store(&o.live.temp, 0.0f);
    atomic_store(&o.live.n_threads, 1);
    return o;
}

static inline void fixture_start(struct fixture *f, const struct ry_chat_options *o)
{
    ry_err err = {0};
    ck_assert_msg(ry_chat_start(&f->chat, o, &err) == RY_OK, "%s", err.text);
}

/* Pumps until the condition holds, or the test fails after 20 s. */
#define FIXTURE_UNTIL(f, condition)                                                                \
    do {                                                                                           \
        uint64_t until_ms_ = ry_clock_ms() + 20000;                                                \
        while (!(condition)) {                                                                     \
            ck_assert_msg(ry_clock_ms() < until_ms_, "never came true: %s; notices: %s",           \
                          #condition, ry_buf_str(&(f)->notices));                                  \
            ry_wake_wait(&(f)->chat->wake, 5);                                                     \
            ry_chat_pump((f)->chat);                                                               \
        }                                                                                          \
    } while (0)

static inline void fixture_say(struct fixture *f, const char *text)
{
    ry_err err = {0};
    ck_assert_msg(ry_chat_submit(f->chat, text, strlen(text), &err) == RY_OK, "%s: %s", text,
                  err.text);
}

static inline void fixture_end(struct fixture *f)
{
    ck_assert_int_eq(ry_chat_end(f->chat, -1), 0);
    f->chat = NULL;
}

static inline void fixture_remove(struct fixture *f)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    ck_assert_int_eq(system(command), 0);
    ry_buf_done(&f->text);
    ry_buf_done(&f->notes);
    ry_buf_done(&f->notices);
    ry_buf_done(&f->draft);
}

#endif
