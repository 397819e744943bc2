# tests of the hall: options, config, figures, commands, the chat with its workers, and the program from outside
if HAVE_CHECK
HALL_TESTS = tests/test_opts tests/test_config tests/test_perf tests/test_read_limit tests/test_lookup tests/test_commands tests/test_chat
check_PROGRAMS += $(HALL_TESTS)
TESTS += $(HALL_TESTS)
CHAT_FIXTURE = tests/chat_fixture.h tests/endless_model.h tests/gguf_build.c tests/gguf_build.h tests/ryot_test.h
tests_test_opts_SOURCES = tests/test_opts.c tests/ryot_test.h
tests_test_opts_CFLAGS = $(TEST_CFLAGS)
tests_test_opts_LDADD = $(HALL_LIBS) $(CHECK_LIBS)
tests_test_config_SOURCES = tests/test_config.c tests/ryot_test.h
tests_test_config_CFLAGS = $(TEST_CFLAGS) $(CJSON_CFLAGS)
tests_test_config_LDADD = $(HALL_LIBS) $(CHECK_LIBS)
tests_test_perf_SOURCES = tests/test_perf.c tests/ryot_test.h
tests_test_perf_CFLAGS = $(TEST_CFLAGS)
tests_test_perf_LDADD = $(HALL_LIBS) $(CHECK_LIBS)
tests_test_read_limit_SOURCES = tests/test_read_limit.c tests/ryot_test.h
tests_test_read_limit_CFLAGS = $(TEST_CFLAGS)
tests_test_read_limit_LDADD = $(HALL_LIBS) $(CHECK_LIBS)
tests_test_lookup_SOURCES = tests/test_lookup.c $(CHAT_FIXTURE)
tests_test_lookup_CFLAGS = $(TEST_CFLAGS)
tests_test_lookup_LDADD = $(HALL_LIBS) $(CHECK_LIBS) -lm
tests_test_commands_SOURCES = tests/test_commands.c $(CHAT_FIXTURE)
tests_test_commands_CFLAGS = $(TEST_CFLAGS)
tests_test_commands_LDADD = $(HALL_LIBS) $(CHECK_LIBS) -lm
tests_test_chat_SOURCES = tests/test_chat.c $(CHAT_FIXTURE)
tests_test_chat_CFLAGS = $(TEST_CFLAGS)
tests_test_chat_LDADD = $(HALL_LIBS) $(CHECK_LIBS) -lm
endif
if HAVE_CHECK
if HAVE_VTERM
check_PROGRAMS += tests/pty
TESTS += tests/pty
tests_pty_SOURCES = tests/pty.c $(CHAT_FIXTURE)
tests_pty_CFLAGS = $(TEST_CFLAGS) $(VTERM_CFLAGS)
tests_pty_LDADD = $(HALL_LIBS) $(VTERM_LIBS) $(CHECK_LIBS) -lutil -lm
endif
endif
# The program from outside: exit codes, streams, JSON; and what a kill -9 leaves. Scripts with two small helpers.
check_PROGRAMS += tests/make_endless tests/json_check
tests_make_endless_SOURCES = tests/make_endless.c tests/endless_model.h tests/gguf_build.c tests/gguf_build.h
tests_make_endless_LDADD = $(ENGINE_LIBS) -lm
tests_json_check_SOURCES = tests/json_check.c
tests_json_check_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS)
tests_json_check_LDADD = $(CJSON_LIBS)
dist_check_SCRIPTS += tests/cli.sh tests/kill9.sh
TESTS += tests/cli.sh tests/kill9.sh
