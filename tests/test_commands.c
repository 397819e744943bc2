/* Slash commands on a real chat. */
#include "ryot_test.h"

#include "src/app/commands.h"
#include "tests/chat_fixture.h"

static struct fixture f;

static void set_up(void)
{
    fixture_make(&f, 256);
    struct ry_chat_options o = fixture_options(&f);
    o.vault = (struct ry_vault_options){.ephemeral = true};
    fixture_start(&f, &o);
    FIXTURE_UNTIL(&f, f.chat->model_state == RY_MODEL_READY);
}

static void tear_down(void)
{
    fixture_end(&f);
    fixture_remove(&f);
}

static void refused(const char *line, const char *words)
{
    ry_err err = {0};
    ck_assert_msg(ry_chat_submit(f.chat, line, strlen(line), &err) == RY_ERR_USAGE, "%s is taken",
                  line);
    ck_assert_msg(strstr(err.text, words) != NULL, "%s: \"%s\" does not say \"%s\"", line, err.text,
                  words);
}

START_TEST(the_table_is_sorted_and_complete)
{
    size_t n;
    const struct ry_command *table = ry_command_table(&n);
    ck_assert_uint_ge(n, 25);
    for (size_t i = 0; i < n; i++) {
        ck_assert(table[i].run && table[i].help[0]);
        ck_assert(i == 0 || strcmp(table[i - 1].name, table[i].name) < 0);
    }
}
END_TEST

START_TEST(unknown_commands_suggest_the_nearest)
{
    refused("/kernle scalar", "/kernel");
    refused("/qiut", "/quit");
    refused("/xyzzy", "/help");
    refused("/", "/help");
}
END_TEST

START_TEST(switches_apply_and_leave_a_note)
{
    fixture_say(&f, "/kernel scalar");
    ck_assert_int_eq(atomic_load(&f.chat->live.tier), RY_TIER_SCALAR);
    fixture_say(&f, "/threads 2");
    ck_assert_int_eq(atomic_load(&f.chat->live.n_threads), 2);
    fixture_say(&f, "/temp 1.25");
    ck_assert_float_eq(atomic_load(&f.chat->live.temp), 1.25f);
    fixture_say(&f, "/top-k   3  ");
    ck_assert_int_eq(atomic_load(&f.chat->live.top_k), 3);
    fixture_say(&f, "/prefetch off");
    fixture_say(&f, "/repack off");
    fixture_say(&f, "/head full");
    ck_assert(!atomic_load(&f.chat->live.screen));
    ck_assert(!atomic_load(&f.chat->live.repack));
    ck_assert(!atomic_load(&f.chat->live.prefetch));
    ck_assert_ptr_nonnull(strstr(f.notes.data, "threads 1 -> 2\n"));
    ck_assert_ptr_nonnull(strstr(f.notes.data, "temp 0 -> 1.25\n"));
    ck_assert_ptr_nonnull(strstr(f.notes.data, "prefetch on -> off\n"));
    size_t len = f.notes.len;
    fixture_say(&f, "/threads 2"); /* no change: news, but no mark */
    fixture_say(&f, "/threads");
    ck_assert_uint_eq(f.notes.len, len);
    ck_assert_ptr_nonnull(strstr(f.notices.data, "threads is 2\n"));
    ck_assert_ptr_nonnull(f.chat->notice);
    fixture_say(&f, "/threads 1"); /* what was said before goes */
    ck_assert_ptr_null(f.chat->notice);
    fixture_say(&f, "/threads");
    ry_command_step_threads(f.chat, 1);
    ck_assert_ptr_null(f.chat->notice);
}
END_TEST

START_TEST(bad_values_change_nothing)
{
    refused("/threads 0", "1..64");
    refused("/threads two", "whole number");
    refused("/temp -1", "0..100");
    refused("/kernel mmx", "scalar");
    refused("/attention deep", "flash or standard");
    refused("/prefetch maybe", "on or off");
    refused("/repack maybe", "on or off");
    refused("/head half", "screened or full");
}
END_TEST

START_TEST(kernels_cycle_through_what_this_machine_runs)
{
    int first = atomic_load(&f.chat->live.tier), n = 0;
    do {
        ry_command_cycle_kernel(f.chat);
        ck_assert(ry_tier_usable((enum ry_tier)atomic_load(&f.chat->live.tier)));
        n++;
    } while (atomic_load(&f.chat->live.tier) != first);
    int usable = 0;
    for (int t = 0; t < RY_TIER_COUNT; t++)
        usable += ry_tier_usable((enum ry_tier)t);
    ck_assert_int_eq(n, usable);
    ry_command_step_threads(f.chat, -1); /* at one already */
    ck_assert_int_eq(atomic_load(&f.chat->live.n_threads), 1);
    ry_command_step_threads(f.chat, 1);
    ck_assert_int_eq(atomic_load(&f.chat->live.n_threads), 2);
}
END_TEST

START_TEST(the_surface_is_asked_and_notes_stand_in)
{
    f.acts = true;
    fixture_say(&f, "/perf");
    ck_assert_int_eq(f.last_do, RY_DO_PANEL_PERF);
    fixture_say(&f, "/mouse on");
    ck_assert(f.last_do == RY_DO_MOUSE && f.last_arg == 1);
    fixture_say(&f, "/quit");
    ck_assert_int_eq(f.last_do, RY_DO_QUIT);
    f.acts = false;
    fixture_say(&f, "/help");
    ck_assert_ptr_nonnull(strstr(f.notes.data, "/kernel scalar|avx2|avxvnni|avx512|amx"));
    fixture_say(&f, "/cache");
    ck_assert_ptr_nonnull(strstr(f.notes.data, "vault cache:"));
    refused("/raw", "full screen");
}
END_TEST

START_TEST(files_go_with_the_next_message)
{
    char path[128], line[160];
    snprintf(path, sizeof path, "%s/notes.txt", f.dir);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs("remember the milk", out);
    fclose(out);
    snprintf(line, sizeof line, "/read %s", path);
    fixture_say(&f, line);
    fixture_say(&f, "what was it?");
    const char *sent = ry_buf_str(&f.chat->lines[f.chat->n_lines - 1].text);
    ck_assert_str_eq(sent, "notes.txt:\n```\nremember the milk\n```\n\nwhat was it?");
    ry_err err;
    ck_assert_int_eq(ry_chat_submit(f.chat, "/read /nonexistent", 18, &err), RY_ERR_IO);
    ck_assert_int_eq(ry_chat_submit(f.chat, "/read /dev/zero", 15, &err), RY_ERR_INPUT);
    ck_assert_int_eq(ry_chat_submit(f.chat, "/read /tmp", 10, &err), RY_ERR_INPUT);
}
END_TEST

START_TEST(two_slashes_begin_a_message)
{
    fixture_say(&f, "//help is a command");
    ck_assert_str_eq(ry_buf_str(&f.chat->lines[f.chat->n_lines - 1].text), "/help is a command");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("commands");
    TCase *t = tcase_create("commands");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_table_is_sorted_and_complete);
    tcase_add_test(t, unknown_commands_suggest_the_nearest);
    tcase_add_test(t, switches_apply_and_leave_a_note);
    tcase_add_test(t, bad_values_change_nothing);
    tcase_add_test(t, kernels_cycle_through_what_this_machine_runs);
    tcase_add_test(t, the_surface_is_asked_and_notes_stand_in);
    tcase_add_test(t, files_go_with_the_next_message);
    tcase_add_test(t, two_slashes_begin_a_message);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
