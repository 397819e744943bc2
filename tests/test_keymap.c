/* The keymap as a table, and the completion of slash commands. */
#include "ryot_test.h"

#include "src/base/mem.h"
#include "ui/complete.h"
#include "ui/keymap.h"
#include "ui/term.h"

START_TEST(every_action_has_a_key_of_its_own)
{
    size_t n;
    const struct ry_keymap_row *rows = ry_keymap_rows(&n);
    bool seen[RY_ACT_COUNT] = {false};
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(!seen[rows[i].act], "%s twice", rows[i].name);
        seen[rows[i].act] = true;
        ck_assert(rows[i].keys[0] && *rows[i].name && *rows[i].help);
        for (size_t k = 0; k < RY_KEYS_PER_ACT && rows[i].keys[k]; k++)
            ck_assert_msg(ry_keymap_find(rows[i].keys[k]) == rows[i].act,
                          "a key of %s belongs to another action too", rows[i].name);
    }
    ck_assert_uint_eq(n, RY_ACT_COUNT - 1);
    ck_assert_int_eq(ry_keymap_find('a'), RY_ACT_NONE);
    ck_assert_int_eq(ry_keymap_find(0), RY_ACT_NONE);
}
END_TEST

START_TEST(keys_have_names)
{
    static const struct {
        int32_t key;
        const char *name;
    } rows[] = {
        {1, "^A"},
        {0x1F, "^_"},
        {'\r', "Enter"},
        {RY_KEY_ALT | 'b', "M-b"},
        {RY_KEY_ALT | '\r', "M-Enter"},
        {RY_KEY_CTRL_X | 5, "^X ^E"},
        {RY_KEY_F1, "F1"},
        {RY_KEY_F12, "F12"},
        {RY_KEY_ALT | RY_KEY_HOME, "M-Home"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ry_buf out = {0};
        ry_keymap_key_name(rows[i].key, &out);
        ck_assert_str_eq(ry_buf_str(&out), rows[i].name);
        ry_buf_done(&out);
    }
}
END_TEST

static const struct ry_ui_command commands[] = {
    {"attention", "flash|standard", "how attention is computed"},
    {"kernel", "scalar|avx2|avx512", "which kernels run"},
    {"regen", "", "answer again"},
    {"rename", "NAME", "name the session"},
    {"threads", "N", "how many threads"},
};
enum { N = sizeof commands / sizeof *commands };

/* The draft after Tab, with the cursor at its end. */
static void completes(const char *draft, const char *want, size_t n_candidates)
{
    struct ry_complete c;
    char got[256];
    bool any = ry_complete_draft(commands, N, draft, strlen(draft), &c);
    ck_assert_msg(any == (n_candidates > 0), "\"%s\"", draft);
    snprintf(got, sizeof got, "%.*s%s", any ? (int)c.from : (int)strlen(draft), draft,
             ry_buf_str(&c.common));
    ck_assert_str_eq(got, want);
    ck_assert_uint_eq(c.n_candidates, n_candidates);
    ry_complete_done(&c);
}

START_TEST(commands_and_values_complete)
{
    completes("/k", "/kernel ", 1);
    completes("/re", "/re", 2);
    completes("/reg", "/regen ", 1);
    completes("/", "/", 5);
    completes("/x", "/x", 0);
    completes("/kernel ", "/kernel ", 3);
    completes("/kernel a", "/kernel avx", 2);
    completes("/kernel s", "/kernel scalar ", 1);
    completes("/kernel scalar x", "/kernel scalar x", 0);
    completes("/threads ", "/threads ", 0);
    completes("/nothing s", "/nothing s", 0);
    completes("kernel", "kernel", 0);
    completes("", "", 0);
    completes("/k\nx", "/k\nx", 0);
}
END_TEST

START_TEST(the_nearest_is_suggested)
{
    ck_assert_str_eq(ry_ui_nearest(commands, N, "thraeds", 7), "threads");
    ck_assert_str_eq(ry_ui_nearest(commands, N, "kernle", 6), "kernel");
    ck_assert_str_eq(ry_ui_nearest(commands, N, "regn", 4), "regen");
    ck_assert_ptr_null(ry_ui_nearest(commands, N, "completely", 10));
    ck_assert_ptr_null(ry_ui_nearest(commands, N, "", 0));
    char longest[100];
    memset(longest, 'k', sizeof longest);
    ck_assert_ptr_null(ry_ui_nearest(commands, N, longest, sizeof longest));
}
END_TEST

START_TEST(hints_say_what_fits)
{
    static const struct {
        const char *draft, *hint;
    } rows[] = {
        {"/re", "/regen  /rename"},
        {"/kernel", "/kernel scalar|avx2|avx512  which kernels run"},
        {"/kernel a", "/kernel scalar|avx2|avx512  which kernels run"},
        {"/kernle", "no such command; did you mean /kernel?"},
        {"/kernle x", "no such command; did you mean /kernel?"},
        {"/zzzzzzzzzzz", "no such command: F1 lists them"},
    };
    ry_buf out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ry_buf_clear(&out);
        ck_assert(ry_complete_hint(commands, N, rows[i].draft, strlen(rows[i].draft), &out));
        ck_assert_str_eq(ry_buf_str(&out), rows[i].hint);
    }
    ck_assert(!ry_complete_hint(commands, N, "hello", 5, &out));
    ry_buf_done(&out);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("keymap");
    TCase *t = tcase_create("keymap");
    tcase_add_test(t, every_action_has_a_key_of_its_own);
    tcase_add_test(t, keys_have_names);
    tcase_add_test(t, commands_and_values_complete);
    tcase_add_test(t, the_nearest_is_suggested);
    tcase_add_test(t, hints_say_what_fits);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
