/* One conversation with both workers: what is saved and when, what a stop keeps, what a failure
 * says. */
#include "ryot_test.h"

#include <signal.h>
#include <sys/resource.h>

#include "src/app/commands.h"
#include "tests/chat_fixture.h"

static struct fixture f;
static struct ry_chat_options options;

static void set_up(void)
{
    fixture_make(&f, 16384);
    options = fixture_options(&f);
}

static void tear_down(void)
{
    fixture_remove(&f);
}

static void start(void)
{
    ry_buf_clear(&f.text);
    ry_buf_clear(&f.notes);
    ry_buf_clear(&f.notices);
    fixture_start(&f, &options);
}

static void ask(const char *text)
{
    fixture_say(&f, text);
    FIXTURE_UNTIL(&f, !ry_chat_busy(f.chat));
}

/* The messages of a session as another reader of the vault finds them. */
struct found {
    struct ry_vault_session session;
    struct ry_vault_message *m;
    size_t n;
};

static struct found look_now(int64_t id)
{
    struct found got = {0};
    struct ry_vault_options vo = {.path = f.vault};
    ry_vault *vault = NULL;
    ry_err err = {0};
    ck_assert_msg(ry_vault_open(&vault, &vo, NULL, &err) == RY_OK, "%s", err.text);
    ck_assert_msg(ry_vault_session_get(vault, id, &got.session, &err) == RY_OK, "%s", err.text);
    ck_assert_msg(ry_vault_message_list(vault, id, &got.m, &got.n, &err) == RY_OK, "%s", err.text);
    ry_vault_close(vault);
    return got;
}

/* The same when everything posted so far is applied: the vault's worker keeps order, and a list
 * is answered last. */
static struct found look(int64_t id)
{
    if (f.chat) {
        fixture_say(&f, "/sessions");
        FIXTURE_UNTIL(&f, !f.chat->list_pending);
    }
    return look_now(id);
}

static void forget(struct found *got)
{
    ry_vault_session_done(&got->session);
    ry_vault_messages_free(got->m, got->n);
}

START_TEST(a_message_is_saved_before_its_inference)
{
    options.max_tokens = 400;
    start();
    fixture_say(&f, "Are you there?");
    FIXTURE_UNTIL(&f, f.chat->turn == RY_TURN_PREFILL || f.chat->turn == RY_TURN_GENERATING);
    struct found got = look_now(f.chat->session_id);
    ck_assert_uint_ge(got.n, 1);
    ck_assert_int_eq(got.m[0].role, RY_VAULT_USER);
    ck_assert_str_eq(got.m[0].text, "Are you there?");
    forget(&got);
    FIXTURE_UNTIL(&f, !ry_chat_busy(f.chat));
    fixture_end(&f);
}
END_TEST

START_TEST(an_answer_is_saved_whole_with_its_figures)
{
    start();
    ask("Once upon a time there was a rather long first sentence, which became a title");
    int64_t id = f.chat->session_id;
    ck_assert_uint_eq(f.chat->result.n_generated, 24);
    ck_assert_int_eq(f.n_answered, 1);
    fixture_end(&f);
    struct found got = look(id);
    ck_assert_uint_eq(got.n, 2);
    ck_assert_int_eq(got.m[1].role, RY_VAULT_ASSISTANT);
    ck_assert_int_eq(got.m[1].status, RY_VAULT_LENGTH);
    ck_assert_uint_eq(got.m[1].text_len, f.text.len);
    ck_assert_mem_eq(got.m[1].text, f.text.data, f.text.len);
    ck_assert_ptr_nonnull(strstr(got.m[1].stats, "\"generated_tokens\": 24"));
    ck_assert_str_eq(got.session.title, "Once upon a time there was a rather long first");
    ck_assert_str_eq(got.session.model, f.model);
    forget(&got);
}
END_TEST

START_TEST(switching_kernels_and_threads_mid_answer_changes_no_byte)
{
    options.max_tokens = 1500; /* so long that nobody can be late for it */
    options.session.n_ctx = 16384;
    start();
    ask("Tell me");
    char *want = ry_mem_strndup(f.text.data, f.text.len);
    size_t len = f.text.len;
    fixture_end(&f);
    start();
    fixture_say(&f, "Tell me");
    FIXTURE_UNTIL(&f, f.chat->turn == RY_TURN_GENERATING);
    int n_switches = 0;
    while (ry_chat_busy(f.chat)) {
        ry_command_cycle_kernel(f.chat);
        ry_command_step_threads(f.chat, n_switches++ % 2 ? -1 : 1);
        ry_wake_wait(&f.chat->wake, 2);
        ry_chat_pump(f.chat);
    }
    fprintf(stderr, "%d switches in %zu tokens\n", n_switches, f.chat->result.n_generated);
    ck_assert_int_ge(n_switches, 1);
    ck_assert_uint_eq(f.text.len, len);
    ck_assert_mem_eq(f.text.data, want, len);
    ry_mem_free(want);
    fixture_end(&f);
}
END_TEST

START_TEST(a_stop_keeps_the_text)
{
    options.max_tokens = -1;
    options.session.n_ctx = 16384;
    start();
    fixture_say(&f, "Go on");
    FIXTURE_UNTIL(&f, f.text.len > 20);
    ry_chat_stop(f.chat);
    FIXTURE_UNTIL(&f, !ry_chat_busy(f.chat));
    ck_assert_int_eq(f.chat->result.finish, RY_FINISH_CANCELLED);
    int64_t id = f.chat->session_id;
    fixture_end(&f);
    struct found got = look(id);
    ck_assert_uint_eq(got.n, 2);
    ck_assert_int_eq(got.m[1].status, RY_VAULT_CANCELLED);
    ck_assert_uint_eq(got.m[1].text_len, f.text.len);
    ck_assert_mem_eq(got.m[1].text, f.text.data, f.text.len);
    forget(&got);
}
END_TEST

START_TEST(leaving_mid_answer_keeps_the_text)
{
    options.max_tokens = -1;
    options.session.n_ctx = 16384;
    start();
    fixture_say(&f, "Go on");
    FIXTURE_UNTIL(&f, f.text.len > 20);
    int64_t id = f.chat->session_id;
    fixture_end(&f);
    struct found got = look(id);
    ck_assert_uint_eq(got.n, 2);
    ck_assert_int_eq(got.m[1].status, RY_VAULT_CANCELLED);
    ck_assert_uint_ge(got.m[1].text_len, 20);
    forget(&got);
}
END_TEST

START_TEST(a_busy_chat_takes_no_message_and_keeps_its_lines)
{
    ry_err err = {0};
    options.max_tokens = -1;
    options.session.n_ctx = 16384;
    start();
    fixture_say(&f, "One");
    FIXTURE_UNTIL(&f, f.chat->turn == RY_TURN_GENERATING);
    size_t n = f.chat->n_lines;
    ck_assert_int_eq(ry_chat_submit(f.chat, "Two", 3, &err), RY_ERR_BUSY);
    ck_assert_int_eq(ry_chat_submit(f.chat, "/regen", 6, &err), RY_ERR_BUSY);
    ck_assert_int_eq(ry_chat_submit(f.chat, "/undo", 5, &err), RY_ERR_BUSY);
    ck_assert_int_eq(ry_chat_submit(f.chat, "/new", 4, &err), RY_ERR_BUSY);
    ck_assert_uint_eq(f.chat->n_lines, n);
    fixture_end(&f);
}
END_TEST

START_TEST(a_stop_before_the_model_is_there_takes_the_turn_back)
{
    start();
    fixture_say(&f, "Early");
    ry_chat_stop(f.chat);
    ck_assert_int_eq(f.chat->turn, RY_TURN_IDLE);
    FIXTURE_UNTIL(&f, f.chat->model_state == RY_MODEL_READY && f.chat->session_id > 0);
    ck_assert_uint_eq(f.text.len, 0);
    ask("/regen");
    ck_assert_uint_gt(f.text.len, 0);
    fixture_end(&f);
}
END_TEST

START_TEST(regenerate_and_undo_change_the_vault_too)
{
    start();
    ask("One");
    ask("Two");
    int64_t id = f.chat->session_id;
    atomic_store(&f.chat->live.temp, 5.0f);
    ry_buf_clear(&f.text);
    ask("/regen");
    struct found got = look(id);
    ck_assert_uint_eq(got.n, 4);
    ck_assert_uint_eq(got.m[3].text_len, f.text.len);
    ck_assert_mem_eq(got.m[3].text, f.text.data, f.text.len);
    forget(&got);
    ask("/undo");
    ck_assert_str_eq(ry_buf_str(&f.draft), "Two");
    ask("Three"); /* its acknowledgement stands behind the truncation */
    got = look(id);
    ck_assert_uint_eq(got.n, 4);
    ck_assert_str_eq(got.m[2].text, "Three");
    forget(&got);
    ry_err err;
    ck_assert_int_eq(ry_chat_submit(f.chat, "/undo 3", 7, &err), RY_ERR_USAGE);
    ck_assert_str_eq(err.text, "there are no 3 turns to take back");
    ask("/undo 2");
    ck_assert_int_eq(ry_chat_submit(f.chat, "/undo", 5, &err), RY_ERR_USAGE);
    ck_assert_str_eq(err.text, "there is no turn to take back");
    ask("/new");
    ask("Four");
    ck_assert_int_ne(f.chat->session_id, id);
    got = look(id);
    ck_assert_uint_eq(got.n, 0);
    forget(&got);
    fixture_end(&f);
}
END_TEST

START_TEST(a_session_is_resumed_with_its_settings)
{
    start();
    ask("/temp 1.5");
    ask("/system Be brief.");
    ask("Remember me");
    ask("/rename My talk");
    fixture_end(&f);
    options.session_id = RY_SESSION_LAST;
    options.model = NULL;
    options.default_model = "nowhere";
    start();
    FIXTURE_UNTIL(&f, f.chat->model_state == RY_MODEL_READY);
    ck_assert_str_eq(f.chat->title, "My talk");
    ck_assert_str_eq(f.chat->system, "Be brief.");
    ck_assert_float_eq(atomic_load(&f.chat->live.temp), 1.5f);
    ck_assert_str_eq(ry_buf_str(&f.chat->lines[0].text), "Remember me");
    ck_assert_int_eq(f.chat->lines[1].role, RY_LINE_ASSISTANT);
    int64_t id = f.chat->session_id;
    ask("And again");
    ck_assert_int_eq(f.chat->session_id, id);
    fixture_end(&f);
    struct found got = look(id);
    ck_assert_uint_eq(got.n, 4);
    forget(&got);
}
END_TEST

START_TEST(the_prefix_is_reused_in_the_next_turn)
{
    start();
    ask("One");
    ck_assert_uint_eq(f.chat->result.n_reused, 0);
    ask("Two");
    ck_assert_uint_gt(f.chat->result.n_reused, 0);
    fixture_end(&f);
}
END_TEST

START_TEST(a_session_that_is_not_there_is_fatal)
{
    options.session_id = 4711;
    start();
    FIXTURE_UNTIL(&f, f.chat->fatal.rc != RY_OK);
    ck_assert_int_eq(f.chat->fatal.rc, RY_ERR_NOT_FOUND);
    fixture_end(&f);
}
END_TEST

START_TEST(the_first_of_all_sessions_may_be_continued)
{
    options.session_id = RY_SESSION_LAST;
    start();
    FIXTURE_UNTIL(&f, !f.chat->session_pending && f.chat->model_state == RY_MODEL_READY);
    ck_assert_int_eq(f.chat->fatal.rc, RY_OK);
    ask("Hello");
    fixture_end(&f);
}
END_TEST

START_TEST(a_model_that_cannot_be_used_says_so_and_another_may_be_loaded)
{
    char bad[128], line[160];
    ry_err err = {0};
    snprintf(bad, sizeof bad, "%s/bad.gguf", f.dir);
    FILE *out = fopen(bad, "w");
    ck_assert_ptr_nonnull(out);
    fputs("no model", out);
    fclose(out);
    options.model = bad;
    start();
    FIXTURE_UNTIL(&f, f.chat->model_state == RY_MODEL_FAILED);
    ck_assert_ptr_nonnull(strstr(f.notices.data, "bad.gguf"));
    ck_assert_int_eq(ry_chat_submit(f.chat, "Hello", 5, &err), RY_ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(err.text, "/model"));
    snprintf(line, sizeof line, "/model %s", f.model);
    fixture_say(&f, line);
    ask("Hello");
    ck_assert_uint_gt(f.text.len, 0);
    snprintf(line, sizeof line, "/model %s", bad); /* the one before stays */
    fixture_say(&f, line);
    FIXTURE_UNTIL(&f, f.chat->model_state != RY_MODEL_LOADING);
    ck_assert_int_eq(f.chat->model_state, RY_MODEL_READY);
    ask("Still there?");
    ck_assert_int_eq(f.chat->last_rc, RY_OK);
    fixture_end(&f);
}
END_TEST

START_TEST(a_vault_that_cannot_be_used_is_fatal)
{
    char file[96];
    snprintf(file, sizeof file, "%s/not-a-folder", f.dir);
    FILE *out = fopen(file, "w");
    ck_assert_ptr_nonnull(out);
    fclose(out);
    snprintf(f.vault, sizeof f.vault, "%s/vault.db", file);
    start();
    FIXTURE_UNTIL(&f, f.chat->fatal.rc != RY_OK);
    ck_assert_int_eq(f.chat->fatal.rc, RY_ERR_VAULT);
    ck_assert_ptr_nonnull(strstr(f.chat->fatal.text, "not-a-folder"));
    fixture_end(&f);
}
END_TEST

START_TEST(a_full_context_is_said_with_its_numbers)
{
    options.max_tokens = -1;
    options.session.n_ctx = 96;
    start();
    ask("Go on for ever");
    ck_assert_int_eq(f.chat->result.finish, RY_FINISH_CONTEXT);
    ck_assert_ptr_nonnull(strstr(f.notices.data, "% full"));
    ck_assert_ptr_nonnull(strstr(f.notices.data, "of 96 tokens"));
    ask("More");
    ck_assert_int_eq(f.chat->last_rc, RY_ERR_CONTEXT);
    ck_assert_ptr_nonnull(strstr(f.notices.data, "/undo"));
    ask("/undo 2");
    ck_assert_uint_eq(f.chat->figures.n_past, 0);
    fixture_end(&f);
}
END_TEST

/* check itself writes a file at every assertion, so none stands while files may not grow. */
START_TEST(a_disk_that_fills_up_loses_nothing_and_heals)
{
    struct rlimit limit, small;
    ry_err err;
    start();
    ask("Before");
    FIXTURE_UNTIL(&f, f.chat->session_id > 0);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 4096;
    int set = setrlimit(RLIMIT_FSIZE, &small);
    ry_rc rc = RY_OK;
    static const char *const said[] = {"While it is full", "And still"};
    for (int n = 0; n < 2 && rc == RY_OK; n++) {
        rc = ry_chat_submit(f.chat, said[n], strlen(said[n]), &err);
        for (int i = 0; i < 2000 && ry_chat_busy(f.chat); i++) {
            ry_wake_wait(&f.chat->wake, 5);
            ry_chat_pump(f.chat);
        }
    }
    set |= setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert(set == 0 && rc == RY_OK && !ry_chat_busy(f.chat));
    ck_assert_uint_gt(f.chat->lines[f.chat->n_lines - 1].text.len,
                      0); /* the answer is on the screen */
    ck_assert_ptr_nonnull(strstr(f.notices.data, "! not saved yet"));
    FIXTURE_UNTIL(&f, strstr(ry_buf_str(&f.notices), "saved again"));
    int64_t id = f.chat->session_id;
    fixture_end(&f);
    struct found got = look(id);
    ck_assert_uint_eq(got.n, 6);
    ck_assert_str_eq(got.m[2].text, said[0]);
    ck_assert_int_eq(got.m[3].status, RY_VAULT_LENGTH);
    ck_assert_str_eq(got.m[4].text, said[1]);
    forget(&got);
}
END_TEST

START_TEST(an_ephemeral_chat_leaves_no_file)
{
    options.vault = (struct ry_vault_options){.ephemeral = true};
    start();
    ask("Hush");
    ck_assert_uint_gt(f.text.len, 0);
    fixture_end(&f);
    ck_assert_int_ne(access(f.vault, F_OK), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("chat");
    TCase *t = tcase_create("chat");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_message_is_saved_before_its_inference);
    tcase_add_test(t, an_answer_is_saved_whole_with_its_figures);
    tcase_add_test(t, switching_kernels_and_threads_mid_answer_changes_no_byte);
    tcase_add_test(t, a_stop_keeps_the_text);
    tcase_add_test(t, leaving_mid_answer_keeps_the_text);
    tcase_add_test(t, a_busy_chat_takes_no_message_and_keeps_its_lines);
    tcase_add_test(t, a_stop_before_the_model_is_there_takes_the_turn_back);
    tcase_add_test(t, regenerate_and_undo_change_the_vault_too);
    tcase_add_test(t, a_session_is_resumed_with_its_settings);
    tcase_add_test(t, the_prefix_is_reused_in_the_next_turn);
    tcase_add_test(t, a_session_that_is_not_there_is_fatal);
    tcase_add_test(t, the_first_of_all_sessions_may_be_continued);
    tcase_add_test(t, a_model_that_cannot_be_used_says_so_and_another_may_be_loaded);
    tcase_add_test(t, a_vault_that_cannot_be_used_is_fatal);
    tcase_add_test(t, a_full_context_is_said_with_its_numbers);
    tcase_add_test(t, a_disk_that_fills_up_loses_nothing_and_heals);
    tcase_add_test(t, an_ephemeral_chat_leaves_no_file);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
