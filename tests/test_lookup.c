/* What the built-in model reads before a message, and that the chat says so; no other model gets anything. */
#include "ryot_test.h"

#include "src/app/lookup.h"
#include "tests/chat_fixture.h"

static void expect(const char *text, enum ry_lookup kind, const char *begins)
{
    ry_guide *guide;
    ry_err err;
    ry_buf out = {0};
    ck_assert(ry_guide_new(&guide, NULL, 0, &err) == RY_OK);
    ck_assert_msg(ry_lookup_text(guide, text, strlen(text), &out) == kind, "%s", text);
    ck_assert_msg(strncmp(ry_buf_str(&out), begins, strlen(begins)) == 0, "%s: %s", text,
                  ry_buf_str(&out));
    ck_assert(begins[0] || out.len == 0);
    ry_buf_done(&out);
    ry_guide_free(guide);
}

START_TEST(facts_stand_before_questions_about_ryot_only)
{
    expect("how do I quit", RY_LOOKUP_FACT, "Fact: Press ^D");
    expect("hello", RY_LOOKUP_NOTHING, "");
    expect("tell me a story about a fox and a bell", RY_LOOKUP_NOTHING, "");
    expect("give me a story about a train", RY_LOOKUP_NOTHING, "");
    expect("tell me a story", RY_LOOKUP_NOTHING, "");
    expect("Another story, please!", RY_LOOKUP_NOTHING, "");
    expect("how do I get a story?", RY_LOOKUP_FACT, "Fact: Say:");
    expect("why does the kernel thread flicker", RY_LOOKUP_UNSURE, "Fact: none");
    expect("what is the capital of France?", RY_LOOKUP_NOTHING, "");
    expect("", RY_LOOKUP_NOTHING, "");
    expect("\xff\xfe\x00", RY_LOOKUP_NOTHING, "");
}
END_TEST

/* Small talk and words without a subject meet no fact, however rare their words are among the facts. */
START_TEST(vague_messages_meet_no_fact)
{
    static const char *const vague[] = {"how does that work?",
                                        "i like cats",
                                        "why?",
                                        "what about you",
                                        "that is nice",
                                        "hello",
                                        "thanks",
                                        "ok",
                                        "and then?",
                                        "really?",
                                        "tell me more",
                                        "say again",
                                        "which one?",
                                        "I am sad today",
                                        "my dog is called Rex",
                                        "is that true?",
                                        "show me",
                                        "I see",
                                        "so what",
                                        "never mind",
                                        "my window is dirty",
                                        "yes please",
                                        "where is it",
                                        "I want to sleep",
                                        "what is that"};
    for (size_t i = 0; i < sizeof vague / sizeof *vague; i++) {
        ry_guide *guide;
        struct ry_guide_hit hit;
        ry_err err;
        ck_assert(ry_guide_new(&guide, NULL, 0, &err) == RY_OK);
        ck_assert_msg(ry_lookup(guide, vague[i], strlen(vague[i]), &hit) != RY_LOOKUP_FACT,
                      "\"%s\" is answered by %.*s", vague[i], (int)hit.id_len, hit.id);
        ry_guide_free(guide);
    }
}
END_TEST

/* Without a sure fact the nearest are offered, in full and as lookups; none that could lose data. */
START_TEST(the_nearest_facts_are_offered)
{
    static const char facts[] = "@ one\n~ round apple; round pear\n= First.\n"
                                "@ two\n~ round cherry\n= Second.\n"
                                "@ !gone\n~ round round\n= Danger.\n"
                                "@ far\n~ blue sky\n= Far.\n";
    ry_guide *guide;
    ry_err err;
    ry_buf said = {0};
    struct ry_guide_hit nearest[RY_LOOKUP_NEAREST];
    ck_assert(ry_guide_new(&guide, facts, strlen(facts), &err) == RY_OK);
    ck_assert_uint_eq(ry_lookup_nearest(guide, "round", 5, nearest), 2);
    ck_assert_ptr_null(memmem(nearest[0].answer, 5, "Dang", 4));
    ry_lookup_answer(guide, "round apple or cherry", 21, &said);
    ck_assert_ptr_nonnull(strstr(ry_buf_str(&said), "no sure answer; perhaps:\n- "));
    ck_assert_ptr_nonnull(strstr(ry_buf_str(&said), "\n- First."));
    ck_assert_ptr_nonnull(strstr(ry_buf_str(&said), "\n- Second."));
    ck_assert_ptr_null(strstr(ry_buf_str(&said), "Danger"));
    ck_assert_ptr_null(strstr(ry_buf_str(&said), "Far"));
    ry_buf_clear(&said);
    ry_lookup_answer(guide, "nothing of that", 15, &said);
    ck_assert_ptr_nonnull(strstr(ry_buf_str(&said), "nothing near that: F1"));
    ry_buf_clear(&said);
    ry_lookup_say(guide, "nothing of that", 15, &said);
    ck_assert_uint_eq(said.len, 0);
    ry_buf_done(&said);
    ry_guide_free(guide);
}
END_TEST

START_TEST(an_answer_is_held_against_its_fact)
{
    static const struct {
        const char *question, *answer;
        bool says;
    } all[] = {{"leave town", "You should: Take the train.", false},
               {"leave town", "Take the rain.", true},
               {"leave town", "", true},
               {"what else is there", "Take the rain.", false}};
    static const char facts[] = "@ one\n~ leave town\n= Take the train.\n"
                                "@ two\n~ stay\n= Sit down.\n@ three\n~ walk\n= Stand up.\n";
    ry_guide *guide;
    ry_err err;
    ck_assert(ry_guide_new(&guide, facts, strlen(facts), &err) == RY_OK);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ry_buf said = {0};
        ry_lookup_check(guide, all[i].question, strlen(all[i].question), all[i].answer,
                        strlen(all[i].answer), &said);
        ck_assert_str_eq(ry_buf_str(&said),
                         all[i].says ? "the fact letter by letter: Take the train." : "");
        ry_buf_done(&said);
    }
    ry_guide_free(guide);
}
END_TEST

START_TEST(only_the_builtin_model_takes_facts)
{
    ck_assert(ry_lookup_applies("builtin"));
    ck_assert(!ry_lookup_applies("/models/builtin"));
    ck_assert(!ry_lookup_applies(""));
}
END_TEST

static size_t count_notes(const struct fixture *f, const char *words)
{
    size_t n = 0;
    for (size_t i = 0; i < f->chat->n_lines; i++)
        n += f->chat->lines[i].role == RY_LINE_NOTE &&
             strstr(ry_buf_str(&f->chat->lines[i].text), words) != NULL;
    return n;
}

/* The note comes with the answer, and the fact behind an answer that was cut before it held it; with another model
 * there is none of them. */
static void talk(const char *model, size_t n_notes)
{
    static const char *const stops[] = {" "};
    struct fixture f;
    fixture_make(&f, 256);
    struct ry_chat_options o = fixture_options(&f);
    o.vault = (struct ry_vault_options){.ephemeral = true};
    o.max_tokens = 4;
    o.stops = model ? stops : NULL;
    o.n_stops = model != NULL;
    if (model)
        o.model = model;
    fixture_start(&f, &o);
    FIXTURE_UNTIL(&f, f.chat->model_state == RY_MODEL_READY);
    fixture_say(&f, "how do I quit");
    FIXTURE_UNTIL(&f, f.chat->turn == RY_TURN_IDLE && f.chat->turn_no == 1);
    ck_assert_uint_eq(count_notes(&f, "looked up in ryot's facts: quit"), n_notes);
    ck_assert_uint_eq(count_notes(&f, "the fact letter by letter: Press ^D"), n_notes);
    fixture_end(&f);
    fixture_remove(&f);
}

START_TEST(the_chat_says_that_it_looked_up)
{
    talk("builtin", 1);
    talk(NULL, 0);
}
END_TEST

/* The first start greets, with a question that this model can answer; the second does not. */
static void greet(const char *model, const char *title, const char *question)
{
    struct fixture f;
    fixture_make(&f, 256);
    struct ry_chat_options o = fixture_options(&f);
    o.model = model ? model : o.model;
    for (int start = 0; start < 2; start++) {
        ry_buf_clear(&f.notes);
        fixture_start(&f, &o);
        FIXTURE_UNTIL(&f, f.chat->vault_open && f.chat->model_state == RY_MODEL_READY);
        const char *notes = ry_buf_str(&f.notes);
        ck_assert_msg((strstr(notes, title) != NULL) == (start == 0), "start %d: %s", start, notes);
        static const char *const all[] = {"\n2  F2", "\n3  ^K", "bigger model: /model"};
        for (size_t i = 0; start == 0 && i < sizeof all / sizeof *all; i++)
            ck_assert_msg(strstr(notes, all[i]) != NULL, "no \"%s\": %s", all[i], notes);
        ck_assert((strstr(notes, question) != NULL) == (start == 0));
        fixture_end(&f);
    }
    fixture_remove(&f);
}

START_TEST(the_first_start_greets)
{
    greet("builtin", "try with the built-in model:", "\n1  ask: how do I load a bigger model?");
    greet(NULL, "Three things to try:", "\n1  ask: anything");
}
END_TEST

static Suite *lookup_suite(void)
{
    Suite *suite = suite_create("lookup");
    TCase *tc = tcase_create("facts");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, facts_stand_before_questions_about_ryot_only);
    tcase_add_test(tc, vague_messages_meet_no_fact);
    tcase_add_test(tc, the_nearest_facts_are_offered);
    tcase_add_test(tc, an_answer_is_held_against_its_fact);
    tcase_add_test(tc, only_the_builtin_model_takes_facts);
    tcase_add_test(tc, the_chat_says_that_it_looked_up);
    tcase_add_test(tc, the_first_start_greets);
    suite_add_tcase(suite, tc);
    return suite;
}

RY_TEST_MAIN(lookup_suite);
