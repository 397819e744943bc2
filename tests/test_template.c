/* engine/template: the templates published with 65 models against what the reference implementation renders from them,
 * every row against its shape, and control tokens, which come from the template only. */
#include "ryot_test.h"

#include <time.h>

#include <cjson/cJSON.h>

#include "engine/template.h"
#include "src/base/mem.h"

/* ---- the recorded templates -------------------------------------------------------------------------- */

static char *read_shared(const char *rel, size_t *len)
{
    const char *path = ry_test_shared(rel);
    if (!path)
        return NULL;
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    ry_buf b = {0};
    char part[65536];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        ry_buf_add(&b, part, n);
    fclose(f);
    *len = b.len;
    return ry_buf_take(&b);
}

enum { MAX_MESSAGES = 16 };

static size_t messages_of(const cJSON *c, struct ry_message *out)
{
    size_t n = 0;
    const cJSON *m;
    cJSON_ArrayForEach(m, cJSON_GetObjectItem(c, "messages"))
    {
        const char *role = cJSON_GetObjectItem(m, "role")->valuestring;
        const char *text = cJSON_GetObjectItem(m, "content")->valuestring;
        ck_assert_uint_lt(n, MAX_MESSAGES);
        out[n++] = (struct ry_message){.role = !strcmp(role, "system") ? RY_ROLE_SYSTEM
                                               : !strcmp(role, "user") ? RY_ROLE_USER
                                                                       : RY_ROLE_ASSISTANT,
                                       .text = text,
                                       .len = strlen(text)};
    }
    return n;
}

/* The reference was rendered on a fixed day: that day's date becomes today's. */
static void with_today(const char *s, ry_buf *out)
{
    const char *day = "20 Nov 2026";
    char today[32];
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(today, sizeof today, "%d %b %Y", &tm);
    for (const char *p; (p = strstr(s, day)); s = p + strlen(day)) {
        ry_buf_add(out, s, (size_t)(p - s));
        ry_buf_adds(out, today);
    }
    ry_buf_adds(out, s);
}

/* Renders one recorded case; true when it is what the reference gave, or the reference gave an error. */
static bool case_equal(enum ry_template t, const cJSON *c, bool verbose)
{
    const cJSON *expected = cJSON_GetObjectItem(c, "expected");
    struct ry_message messages[MAX_MESSAGES];
    if (!expected)
        return true;
    ry_buf got = {0}, want = {0};
    ry_err err;
    with_today(expected->valuestring, &want);
    ry_rc rc = ry_template_render_text(t, messages, messages_of(c, messages), true, "<s>", "</s>",
                                       &got, &err);
    bool equal = rc == RY_OK && strcmp(ry_buf_str(&got), ry_buf_str(&want)) == 0;
    if (!equal && verbose)
        fprintf(stderr, "got  %s\nwant %s\n", rc ? err.text : ry_buf_str(&got), ry_buf_str(&want));
    ry_buf_done(&got);
    ry_buf_done(&want);
    return equal;
}

START_TEST(test_recorded)
{
    size_t len;
    char *json = read_shared("templates/expected.json", &len);
    if (!json)
        return;
    cJSON *all = cJSON_ParseWithLength(json, len);
    ck_assert_ptr_nonnull(all);
    int n_known = 0, n_bad = 0, n_cases = 0;
    const cJSON *t, *c;
    cJSON_ArrayForEach(t, all)
    {
        const char *name = cJSON_GetObjectItem(t, "template")->valuestring;
        char rel[512];
        bool known, any_expected = false, all_equal = true;
        snprintf(rel, sizeof rel, "templates/%s", name);
        char *jinja = read_shared(rel, &len);
        ck_assert_ptr_nonnull(jinja);
        enum ry_template row = ry_template_detect(jinja, len, "llama", NULL, &known);
        cJSON_ArrayForEach(c, cJSON_GetObjectItem(t, "cases"))
        {
            any_expected |= cJSON_GetObjectItem(c, "expected") != NULL;
            all_equal &= case_equal(row, c, known);
            n_cases += known && cJSON_GetObjectItem(c, "expected");
        }
        if (getenv("RYOT_TEST_VERBOSE"))
            fprintf(stderr, "%-55s %-18s %s%s\n", name, ry_template_name(row),
                    known ? "known" : "nearest", any_expected && all_equal ? ", equal" : "");
        if (known && (!all_equal || !any_expected)) {
            fprintf(stderr, "%s is taken for %s, but renders differently\n", name,
                    ry_template_name(row));
            n_bad++;
        }
        n_known += known;
        ry_mem_free(jinja);
    }
    fprintf(stderr, "%d of %d templates recognised, %d renderings\n", n_known,
            cJSON_GetArraySize(all), n_cases);
    ck_assert_int_eq(n_bad, 0);
    ck_assert_int_ge(n_known, 30);
    cJSON_Delete(all);
    ry_mem_free(json);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("template");
    TCase *tc = tcase_create("recorded");
    tcase_add_test(tc, test_recorded);
    suite_add_tcase(s, tc);
    return s;
}

RY_TEST_MAIN(suite);
