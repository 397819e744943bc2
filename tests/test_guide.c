/* The guide: what it finds, what it does not know, and what it refuses. */
#include "ryot_test.h"

#include "src/app/guide.h"
#include "src/base/mem.h"

static const char three[] = "# a comment\n"
                            "@ quit\n~ leave, exit\n= Press ^D.\n\n"
                            "@ copy\n~ duplicate a file\n= Type cp.\n"
                            "@ move\n~ rename a file\n= Type mv.\n";

static ry_guide *guide_of(const char *text)
{
    ry_err err = {0};
    ry_guide *guide = NULL;
    ck_assert_msg(ry_guide_new(&guide, text, text ? strlen(text) : 0, &err) == RY_OK, "%s",
                  err.text);
    return guide;
}

static void expect_best(const ry_guide *guide, const char *question, const char *id, bool sure)
{
    struct ry_guide_hit hit;
    ck_assert_uint_eq(ry_guide_find(guide, question, strlen(question), &hit, 1), 1);
    ck_assert_msg(strlen(id) == hit.id_len && memcmp(id, hit.id, hit.id_len) == 0,
                  "\"%s\" found %.*s, not %s", question, (int)hit.id_len, hit.id, id);
    ck_assert_msg(hit.sure == sure, "\"%s\": score %g, evidence %g", question, hit.score,
                  hit.evidence);
}

START_TEST(the_nearest_fact_comes_first)
{
    ry_guide *guide = guide_of(three);
    struct ry_guide_hit hits[RY_GUIDE_MAX_HITS + 4];
    ck_assert_uint_eq(ry_guide_n_facts(guide), 3);
    size_t n = ry_guide_find(guide, "RENAMING the file!", 18, hits, 12);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(hits[0].answer_len, strlen("Type mv."));
    ck_assert_mem_eq(hits[0].answer, "Type mv.", hits[0].answer_len);
    ck_assert_double_gt(hits[0].score, hits[1].score);
    ck_assert_double_le(hits[0].score, 1);
    ck_assert_double_gt(hits[0].evidence, 0);
    ck_assert_double_eq(hits[1].evidence, 0);
    ck_assert_uint_eq(ry_guide_find(guide, "file", 4, hits, 0), 0);
    ry_guide_free(guide);
}
END_TEST

START_TEST(equal_facts_keep_the_order_of_the_file)
{
    ry_guide *guide =
        guide_of("@ a1\n~ same\n= word\n@ a2\n~ same\n= word\n@ a3\n~ same\n= word\n");
    struct ry_guide_hit hits[2];
    ck_assert_uint_eq(ry_guide_find(guide, "same", 4, hits, 2), 2);
    ck_assert_mem_eq(hits[0].id, "a1", 2);
    ck_assert_mem_eq(hits[1].id, "a2", 2);
    ry_guide_free(guide);
}
END_TEST

START_TEST(questions_about_the_program_find_its_facts)
{
    ry_guide *guide = guide_of(NULL);
    ck_assert_uint_ge(ry_guide_n_facts(guide), 150);
    expect_best(guide, "How do I quit the program?", "quit", true);
    expect_best(guide, "how do I load a biger model", "load-model", true);
    expect_best(guide, "What is TTFT?", "ttft", true);
    expect_best(guide, "where are my conversations stored", "vault-where", true);
    ry_guide_free(guide);
}
END_TEST

START_TEST(what_is_unknown_is_not_sure)
{
    static const char *const unknown[] = {"What is the capital of Italy?",
                                          "who won the football match",
                                          "tell me a story about a cat",
                                          "how are you today?",
                                          "I am bored",
                                          "how do I grow tomatoes",
                                          "zzyzx",
                                          "",
                                          "what is the of",
                                          "\xFF\xFE",
                                          "?!."};
    ry_guide *guide = guide_of(NULL);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        struct ry_guide_hit hit;
        size_t n = ry_guide_find(guide, unknown[i], strlen(unknown[i]), &hit, 1);
        ck_assert_msg(n == 0 || !hit.sure, "\"%s\" is answered by %.*s", unknown[i],
                      (int)hit.id_len, hit.id);
    }
    ry_guide_free(guide);
}
END_TEST

/* A fact that would lose data when followed by mistake is given only when it is asked for plainly. */
START_TEST(a_careful_fact_has_to_be_surer)
{
    ry_guide *guide = guide_of(NULL);
    struct ry_guide_hit hit;
    expect_best(guide, "delete a conversation", "delete", true);
    static const char *const others[] = {"delete the last word", "clear the screen",
                                         "get rid of the help window", "restore a deleted chat"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t n = ry_guide_find(guide, others[i], strlen(others[i]), &hit, 1);
        ck_assert_msg(n == 0 || !hit.sure || !hit.careful, "\"%s\" is answered by %.*s", others[i],
                      (int)hit.id_len, hit.id);
    }
    ry_guide_free(guide);
}
END_TEST

START_TEST(synonyms_count_as_one_word)
{
    ry_guide *guide = guide_of("& leave depart go\n"
                               "@ a1\n~ leave town; out of here\n= one\n"
                               "@ !a2\n~ stay home\n~ remain\n= two\n");
    struct ry_guide_hit hit;
    ck_assert_uint_eq(ry_guide_find(guide, "departing", 9, &hit, 1), 1);
    ck_assert_mem_eq(hit.id, "a1", 2);
    ck_assert(!hit.careful);
    ck_assert_uint_eq(ry_guide_find(guide, "remain", 6, &hit, 1), 1);
    ck_assert_uint_eq(hit.id_len, 2);
    ck_assert_mem_eq(hit.id, "a2", 2);
    ck_assert(hit.careful);
    ry_guide_free(guide);
}
END_TEST

START_TEST(everyday_words_and_numbers_make_nobody_sure)
{
    ry_guide *guide =
        guide_of("% plums nice\n"
                 "@ a1\n~ plum; 17\n= one\n@ a2\n~ pear\n= two\n@ a3\n~ fig\n= three\n");
    expect_best(guide, "pears", "a2", true);
    expect_best(guide, "plums", "a1", false);
    expect_best(guide, "17", "a1", false);
    struct ry_guide_hit hit;
    ck_assert_uint_eq(ry_guide_find(guide, "a nice plum", 11, &hit, 1), 1);
    ck_assert(!hit.about);
    ck_assert_uint_eq(ry_guide_find(guide, "a nice pear", 11, &hit, 1), 1);
    ck_assert(hit.about);
    ry_guide_free(guide);
}
END_TEST

START_TEST(any_bytes_can_be_asked)
{
    static char question[1 << 16];
    ry_guide *guide = guide_of(NULL);
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof question; i++)
        question[i] = (char)((x = x * 1664525u + 1013904223u) >> 24);
    struct ry_guide_hit hits[RY_GUIDE_MAX_HITS];
    for (size_t len = 0; len < sizeof question; len = 3 * len + 1)
        ck_assert_uint_le(ry_guide_find(guide, question, len, hits, RY_GUIDE_MAX_HITS),
                          RY_GUIDE_MAX_HITS);
    memset(question, 'a', sizeof question);
    ck_assert_uint_eq(ry_guide_find(guide, question, sizeof question, hits, 1), 0);
    ry_guide_free(guide);
}
END_TEST

START_TEST(a_file_that_is_none_is_refused_with_its_line)
{
    static const struct {
        const char *text, *words;
    } bad[] = {{"", "ends"},
               {"# nothing\n", "ends"},
               {"@ a\n~ b\n", "ends"},
               {"@ a\n= b\n", "line 2"},
               {"@ a\n~ b\n= c\n~ d\n", "line 4"},
               {"@\n", "line 1"},
               {"@ a\n~ b\n= c\n& d e\n", "line 4"},
               {"@ a\n~ b\n= c\n% d\n", "line 4"},
               {"& what ever\n@ a\n~ b\n= c\n", "stop word"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ry_guide *guide = NULL;
        ry_err err = {0};
        ck_assert_int_eq(ry_guide_new(&guide, bad[i].text, strlen(bad[i].text), &err),
                         RY_ERR_INPUT);
        ck_assert_ptr_null(guide);
        ck_assert_msg(strstr(err.text, bad[i].words) != NULL, "%s", err.text);
    }
}
END_TEST

START_TEST(every_failed_allocation_is_survived)
{
    ry_rc rc = RY_ERR_MEMORY;
    for (uint64_t nth = 1; rc != RY_OK; nth++) {
        ry_guide *guide = NULL;
        int64_t live = ry_mem_n_live();
        ry_mem_fail_nth(nth, false);
        rc = ry_guide_new(&guide, NULL, 0, NULL);
        ry_mem_fail_nth(0, false);
        ck_assert(rc == RY_OK || rc == RY_ERR_MEMORY);
        ry_guide_free(guide);
        ck_assert_int_eq(ry_mem_n_live(), live);
    }
}
END_TEST

static Suite *guide_suite(void)
{
    Suite *s = suite_create("guide");
    TCase *c = tcase_create("guide");
    tcase_add_test(c, the_nearest_fact_comes_first);
    tcase_add_test(c, equal_facts_keep_the_order_of_the_file);
    tcase_add_test(c, questions_about_the_program_find_its_facts);
    tcase_add_test(c, what_is_unknown_is_not_sure);
    tcase_add_test(c, a_careful_fact_has_to_be_surer);
    tcase_add_test(c, synonyms_count_as_one_word);
    tcase_add_test(c, everyday_words_and_numbers_make_nobody_sure);
    tcase_add_test(c, any_bytes_can_be_asked);
    tcase_add_test(c, a_file_that_is_none_is_refused_with_its_line);
    tcase_add_test(c, every_failed_allocation_is_survived);
    suite_add_tcase(s, c);
    return s;
}

RY_TEST_MAIN(guide_suite);
