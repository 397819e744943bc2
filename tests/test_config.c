/* The config file, paths and JSON writing. */
#include "ryot_test.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <sys/stat.h>

#include "src/app/config.h"
#include "src/app/json.h"
#include "src/app/paths.h"
#include "src/base/mem.h"

static ry_rc parse(ry_config *c, const char *text, ry_err *err)
{
    *c = (ry_config){0};
    return ry_config_parse(c, "c.ini", text, strlen(text), err);
}

START_TEST(keys_sections_and_continuations)
{
    ry_config c;
    ry_err err = {0};
    ck_assert_msg(
        parse(&c,
              "# a comment\nmodel = big\ntemp=0.6\nsystem = You are\n  brief, and\n  kind.\n"
              "[model big]\npath = /data/b.gguf\nctx = 4096\n[model small]\npath = s.gguf\n",
              &err) == RY_OK,
        "%s", err.text);
    ck_assert_str_eq(ry_config_get(&c, "", "model"), "big");
    ck_assert_str_eq(ry_config_get(&c, "", "temp"), "0.6");
    ck_assert_str_eq(ry_config_get(&c, "", "system"), "You are\nbrief, and\nkind.");
    ck_assert_str_eq(ry_config_get(&c, "big", "path"), "/data/b.gguf");
    ck_assert_str_eq(ry_config_get(&c, "small", "path"), "s.gguf");
    ck_assert_ptr_null(ry_config_get(&c, "small", "ctx"));
    ck_assert_int_eq(c.entries[1].line, 3);
    ry_config_done(&c);
}
END_TEST

static void expect_refusal(const char *text, size_t len, const char *words)
{
    ry_config c = {0};
    ry_err err = {0};
    ck_assert_int_eq(ry_config_parse(&c, "c.ini", text, len, &err), RY_ERR_USAGE);
    ck_assert_msg(strstr(err.text, words) != NULL, "\"%s\" does not say \"%s\"", err.text, words);
    ry_config_done(&c);
}

START_TEST(what_cannot_be_understood_is_refused_with_its_line)
{
    char line[512];
    expect_refusal("temp = 1\nnonsense\n", 18, "c.ini:2");
    expect_refusal("a = 1\n[colors]\nb = 2\n", 21, "colors");
    expect_refusal("a = \xFF\n", 6, "no UTF-8");
    expect_refusal("a = 1\nb\0c = 2\n", 14, "NUL");
    memset(line, 'x', sizeof line);
    memcpy(line, "system = ", 9);
    line[300] = '\n';
    expect_refusal(line, 301, "c.ini:1");
    expect_refusal(line, 301, "indented");
    snprintf(line, sizeof line, "[model %060d]\npath = x\n", 7);
    expect_refusal(line, strlen(line), "too long");
}
END_TEST

START_TEST(the_longest_line_is_taken_whole)
{
    char line[256];
    ry_config c;
    ry_err err = {0};
    memset(line, 'x', sizeof line);
    memcpy(line, "system = ", 9);
    line[197] = '\n';
    line[198] = '\0';
    ck_assert_msg(parse(&c, line, &err) == RY_OK, "%s", err.text);
    ck_assert_uint_eq(strlen(ry_config_get(&c, "", "system")), 197 - 9);
    ry_config_done(&c);
}
END_TEST

START_TEST(an_absent_file_is_only_missed_when_asked_for)
{
    ry_config c = {0};
    ry_err err = {0};
    ck_assert_int_eq(ry_config_load(&c, "/nonexistent/config.ini", false, &err), RY_OK);
    ck_assert_uint_eq(c.n, 0);
    ck_assert_int_eq(ry_config_load(&c, "/nonexistent/config.ini", true, &err), RY_ERR_IO);
    ck_assert_int_eq(ry_config_load(&c, "/tmp", true, &err), RY_ERR_INPUT);
    ry_config_done(&c);
}
END_TEST

START_TEST(paths_follow_xdg_and_directories_are_private)
{
    char dir[] = "/tmp/ryot-test-XXXXXX", name[128];
    char *path = NULL;
    struct stat st;
    ry_err err = {0};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    setenv("XDG_DATA_HOME", dir, 1);
    ck_assert_int_eq(ry_path_of(RY_PATH_DATA, "a/b/vault.db", &path, &err), RY_OK);
    snprintf(name, sizeof name, "%s/ryot/a/b/vault.db", dir);
    ck_assert_str_eq(path, name);
    umask(0);
    ck_assert_msg(ry_path_make_parent(path, &err) == RY_OK, "%s", err.text);
    ck_assert_int_eq(ry_path_make_parent(path, &err), RY_OK); /* again: nothing to do */
    snprintf(name, sizeof name, "%s/ryot/a", dir);
    ck_assert_int_eq(stat(name, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ry_mem_free(path);
    setenv("XDG_DATA_HOME", "relative", 1); /* the specification says: ignore it */
    setenv("HOME", "/home/x", 1);
    ck_assert_int_eq(ry_path_of(RY_PATH_DATA, "v", &path, &err), RY_OK);
    ck_assert_str_eq(path, "/home/x/.local/share/ryot/v");
    ry_mem_free(path);
    snprintf(name, sizeof name, "rm -r '%s'", dir);
    ck_assert_int_eq(system(name), 0);
}
END_TEST

START_TEST(json_strings_survive_any_bytes)
{
    char raw[256];
    ry_buf out = {0};
    for (int i = 0; i < 256; i++) /* but no NUL: cJSON's strings end there */
        raw[i] = (char)(i ? i : 1);
    ry_buf_addc(&out, '{');
    ry_buf_adds(&out, "\"s\": ");
    ry_json_string(&out, raw, sizeof raw);
    ry_buf_adds(&out, ", ");
    ry_json_number(&out, "inf", INFINITY);
    ry_buf_adds(&out, ", ");
    ry_json_number(&out, "x", 0.25);
    ry_buf_addc(&out, '}');
    cJSON *json = cJSON_Parse(out.data);
    ck_assert_ptr_nonnull(json);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(json, "inf")));
    ck_assert_double_eq(cJSON_GetObjectItem(json, "x")->valuedouble, 0.25);
    cJSON_Delete(json);
    ry_buf_clear(&out);
    ry_json_string(&out, "a\xC3\xA9\xFF\"\\\n\x1b", 8);
    ck_assert_str_eq(out.data, "\"a\xC3\xA9\xEF\xBF\xBD\\\"\\\\\\n\\u001b\"");
    ry_buf_done(&out);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    tcase_add_test(t, keys_sections_and_continuations);
    tcase_add_test(t, what_cannot_be_understood_is_refused_with_its_line);
    tcase_add_test(t, the_longest_line_is_taken_whole);
    tcase_add_test(t, an_absent_file_is_only_missed_when_asked_for);
    tcase_add_test(t, paths_follow_xdg_and_directories_are_private);
    tcase_add_test(t, json_strings_survive_any_bytes);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
