/* The command line: both tables through their public doors. */
#include "ryot_test.h"

#include "engine/engine.h"
#include "src/app/suggest.h"
#include "src/cmd/opts.h"
#include "src/cmd/opts_table.h"

enum { MAX_ARGV = 32 };

static ry_rc parse(struct ry_opts *o, ry_err *err, const char *line)
{
    static char copy[1024];
    static char *argv[MAX_ARGV];
    int argc = 0;
    snprintf(copy, sizeof copy, "ryot %s", line);
    for (char *p = strtok(copy, " "); p && argc < MAX_ARGV - 1; p = strtok(NULL, " "))
        argv[argc++] = p;
    argv[argc] = NULL;
    *err = (ry_err){0};
    return ry_opts_parse(o, argc, argv, err);
}

static void expect_usage(const char *line, const char *words)
{
    struct ry_opts o;
    ry_err err;
    ck_assert_msg(parse(&o, &err, line) == RY_ERR_USAGE, "`%s` is taken", line);
    ck_assert_msg(strstr(err.text, words) != NULL, "`%s`: \"%s\" does not say \"%s\"", line,
                  err.text, words);
    ry_opts_done(&o);
}

START_TEST(options_stand_before_and_behind_the_command)
{
    static const char *const lines[] = {"-m x.gguf run -p hi -n 7 --temp 0.5",
                                        "run -m x.gguf -p hi -n 7 --temp 0.5",
                                        "run --temp=0.5 -mx.gguf -phi -n7",
                                        "--model x.gguf --temp 0.5 run --prompt=hi --max-tokens=7"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct ry_opts o;
        ry_err err;
        ck_assert_msg(parse(&o, &err, lines[i]) == RY_OK, "%s: %s", lines[i], err.text);
        ck_assert_int_eq(o.cmd, RY_CMD_RUN);
        ck_assert_str_eq(o.model, "x.gguf");
        ck_assert_str_eq(o.prompt, "hi");
        ck_assert_int_eq(o.max_tokens, 7);
        ck_assert_float_eq(o.temp, 0.5f);
        ck_assert(ry_opts_given(&o, "temp") && !ry_opts_given(&o, "seed"));
        ry_opts_done(&o);
    }
}
END_TEST

START_TEST(letters_mean_what_their_command_says)
{
    struct ry_opts o;
    ry_err err;
    ck_assert_int_eq(parse(&o, &err, "bench -p 64 -n 32 -t 1,2 --kernel scalar,avx2 -r 3"), RY_OK);
    ck_assert_str_eq(o.bench_prompt, "64");
    ck_assert_str_eq(o.bench_gen, "32");
    ck_assert_int_eq(o.bench_reps, 3);
    ck_assert_str_eq(o.bench_threads, "1,2");
    ck_assert_str_eq(o.bench_kernels, "scalar,avx2");
    ry_opts_done(&o);
    ck_assert_int_eq(parse(&o, &err, "run -p 64 -t 2"), RY_OK);
    ck_assert_str_eq(o.prompt, "64");
    ck_assert_int_eq(o.n_threads, 2);
    ry_opts_done(&o);
}
END_TEST

START_TEST(chat_is_the_default_and_arguments_are_kept)
{
    struct ry_opts o;
    ry_err err;
    ck_assert_int_eq(parse(&o, &err, "-c --plain"), RY_OK);
    ck_assert(o.cmd == RY_CMD_CHAT && o.cont && o.plain && !o.given_command);
    ck_assert_int_eq(o.max_tokens, -1);
    ry_opts_done(&o);
    ck_assert_int_eq(parse(&o, &err, "sessions rename 4 --quiet -- --odd"), RY_OK);
    ck_assert_uint_eq(o.n_args, 3);
    ck_assert_str_eq(o.args[2], "--odd");
    ck_assert(o.quiet);
    ry_opts_done(&o);
    ck_assert_int_eq(parse(&o, &err, "tokenize -m v.gguf -"), RY_OK);
    ck_assert_str_eq(o.args[0], "-");
    ry_opts_done(&o);
}
END_TEST

START_TEST(mistakes_are_named_with_the_nearest_word)
{
    expect_usage("--tmep 1", "--temp");
    expect_usage("run --promt x", "--prompt");
    expect_usage("bnech", "bench");
    expect_usage("xyzzy", "unknown command xyzzy");
    expect_usage("info --nul x", "tokenize");
    expect_usage("run -p", "wants a value");
    expect_usage("run --raw=1", "takes no value");
    expect_usage("--temp hot", "no number");
    expect_usage("--temp nan", "no number");
    expect_usage("--temp 101", "0..100");
    expect_usage("--threads 0", "1..64");
    expect_usage("--threads 1.5", "whole number");
    expect_usage("--seed -1", "2^64-1");
    expect_usage("--seed 18446744073709551616", "2^64-1");
    expect_usage("--kv q9", "auto|f32|f16|q8");
    expect_usage("--kernel", "TIER");
    expect_usage("completion", "missing");
    expect_usage("models here", "too many");
}
END_TEST

START_TEST(the_config_fills_in_what_the_line_leaves_open)
{
    struct ry_opts o;
    ry_err err;
    ck_assert_int_eq(parse(&o, &err, "run --temp 0.5"), RY_OK);
    ck_assert_int_eq(ry_opts_set_default(&o, "temp", "0.9", &err), RY_OK);
    ck_assert_float_eq(o.temp, 0.5f);
    ck_assert_int_eq(ry_opts_set_default(&o, "top-k", "5", &err), RY_OK);
    ck_assert_int_eq(ry_opts_set_default(&o, "top-k", "6", &err), RY_OK);
    ck_assert_int_eq(o.top_k, 5);
    ck_assert_int_eq(ry_opts_set_default(&o, "plain", "on", &err),
                     RY_OK); /* of chat: no matter here */
    ck_assert(!o.plain);
    ck_assert_int_eq(ry_opts_set_default(&o, "quiet", "maybe", &err), RY_ERR_USAGE);
    ck_assert_int_eq(ry_opts_set_default(&o, "quiet", "off", &err), RY_OK);
    ck_assert(!o.quiet);
    ck_assert_int_eq(ry_opts_set_default(&o, "theme", "mono", &err), RY_OK);
    ck_assert_str_eq(o.theme, "mono");
    ck_assert_int_eq(ry_opts_set_default(&o, "tepm", "1", &err), RY_ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "did you mean temp"));
    ck_assert_int_eq(ry_opts_set_default(&o, "prompt", "x", &err), RY_ERR_USAGE);
    ck_assert_int_eq(ry_opts_set_default(&o, "min-p", "1", &err), RY_ERR_USAGE);
    ry_opts_done(&o);
}
END_TEST

START_TEST(stops_are_collected_and_bounded)
{
    struct ry_opts o;
    ry_err err;
    ck_assert_int_eq(parse(&o, &err, "run --stop a --stop b"), RY_OK);
    ck_assert_uint_eq(o.n_stops, 2);
    ck_assert_int_eq(ry_opts_set_default(&o, "stop", "c", &err), RY_OK);
    ck_assert_str_eq(o.stops[2], "c");
    for (size_t i = o.n_stops; i < RY_OPTS_MAX_STOPS; i++)
        ck_assert_int_eq(ry_opts_set_default(&o, "stop", "d", &err), RY_OK);
    ck_assert_int_eq(ry_opts_set_default(&o, "stop", "e", &err), RY_ERR_USAGE);
    ry_opts_done(&o);
}
END_TEST

START_TEST(everything_printed_comes_from_the_tables)
{
    static const char *const shells[] = {"bash", "zsh", "fish", "man"};
    static const char *const names[] = {"model",     "temp",  "ubatch",    "repeat-penalty",
                                        "ephemeral", "nul",   "ctx",       "attention",
                                        "kernel",    "vault", "gen-tokens"};
    ry_err err;
    for (size_t s = 0; s < 4; s++) {
        ry_buf out = {0};
        ck_assert_int_eq(ry_opts_completion(shells[s], &out, &err), RY_OK);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            char plain[64], roff[64];
            size_t n = 0;
            for (const char *p = names[i]; *p; p++) {
                if (*p == '-')
                    roff[n++] = '\\';
                roff[n++] = *p;
            }
            roff[n] = '\0';
            snprintf(plain, sizeof plain, "%s", s == 3 ? roff : names[i]);
            ck_assert_msg(strstr(out.data, plain) != NULL, "%s lacks %s", shells[s], plain);
        }
        ry_buf_done(&out);
    }
    ry_buf out = {0};
    ck_assert_int_eq(ry_opts_completion("csh", &out, &err), RY_ERR_USAGE);
    ck_assert_uint_eq(out.len, 0);
    for (int c = 0; c <= RY_CMD_COUNT; c++) {
        ry_buf_clear(&out);
        ry_opts_help((enum ry_cmd)c, &out);
        ck_assert_ptr_nonnull(strstr(out.data, "--model"));
        ck_assert_ptr_nonnull(
            strstr(out.data, c < RY_CMD_COUNT ? ry_cmd_name((enum ry_cmd)c) : "perplexity"));
        for (const char *line = out.data; line;
             line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
            ck_assert_msg(strcspn(line, "\n") <= 110, "too wide: %.*s", (int)strcspn(line, "\n"),
                          line);
    }
    ry_buf_done(&out);
}
END_TEST

START_TEST(suggestions_know_transpositions_and_prefixes)
{
    ck_assert_uint_eq(ry_suggest_distance("kernel", "kenrel"), 1);
    ck_assert_uint_eq(ry_suggest_distance("", "abc"), 3);
    ck_assert_uint_eq(ry_suggest_distance("saturday", "sunday"), 3);
    struct ry_suggest s = {.wanted = "comp"};
    ry_suggest_offer(&s, "chat");
    ry_suggest_offer(&s, "completion");
    ck_assert_str_eq(s.best, "completion");
    s = (struct ry_suggest){.wanted = "qqqq"};
    ry_suggest_offer(&s, "chat");
    ck_assert_ptr_null(s.best);
}
END_TEST

/* The engine's refusal lists its shapes as "a, b"; the table completes them as "a|b". */
START_TEST(the_shapes_that_complete_are_the_engines)
{
    struct ry_engine_options options = {.path = "", .shape = "?"};
    const char *words = NULL, *p;
    ry_engine *engine = NULL;
    ry_err err = {0};
    for (size_t i = 0; i < ry_n_opt_rows; i++)
        if (strcmp(ry_opt_rows[i].name, "shape") == 0)
            words = ry_opt_rows[i].words;
    ck_assert_ptr_nonnull(words);
    ck_assert_int_eq(ry_engine_open(&engine, &options, &err), RY_ERR_USAGE);
    p = strstr(err.text, " none of ");
    ck_assert_ptr_nonnull(p);
    for (p += strlen(" none of "); *p; p++, words++) {
        if (*p == ',') {
            ck_assert_int_eq(*words, '|');
            p++;
        } else {
            ck_assert_int_eq(*words, *p);
        }
    }
    ck_assert_int_eq(*words, '\0');
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("opts");
    TCase *t = tcase_create("opts");
    tcase_add_test(t, options_stand_before_and_behind_the_command);
    tcase_add_test(t, letters_mean_what_their_command_says);
    tcase_add_test(t, chat_is_the_default_and_arguments_are_kept);
    tcase_add_test(t, mistakes_are_named_with_the_nearest_word);
    tcase_add_test(t, the_config_fills_in_what_the_line_leaves_open);
    tcase_add_test(t, stops_are_collected_and_bounded);
    tcase_add_test(t, everything_printed_comes_from_the_tables);
    tcase_add_test(t, the_shapes_that_complete_are_the_engines);
    tcase_add_test(t, suggestions_know_transpositions_and_prefixes);
    suite_add_tcase(s, t);
    return s;
}

RY_TEST_MAIN(suite);
