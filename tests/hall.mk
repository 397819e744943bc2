# tests of the hall: options, config, figures, commands, the chat with its workers, and the program from outside
if HAVE_CHECK
HALL_TESTS = tests/test_opts tests/test_config tests/test_perf tests/test_commands tests/test_chat
check_PROGRAMS += $(HALL_TESTS)
TESTS += $(HALL_TESTS)
CHAT_FIXTURE = tests/chat_fixture.h tests/gguf_build.c tests/gguf_build.h tests/ryot_test.h
tests_test_opts_SOURCES = tests/test_opts.c tests/ryot_test.h
tests_test_opts_CFLAGS = $(TEST_CFLAGS)
tests_test_opts_LDADD = $(HALL_LIBS) $(CHECK_LIBS)
tests_test_config_SOURCES = tests/test_config.c tests/ryot_test.h
tests_test_config_CFLAGS = $(TEST_CFLAGS) $(CJSON_CFLAGS)
tests_test_config_LDADD = $(HALL_LIBS) $(CHECK_LIBS)
tests_test_perf_SOURCES = tests/test_perf.c tests/ryot_test.h
tests_test_perf_CFLAGS = $(TEST_CFLAGS)
tests_test_perf_LDADD = $(HALL_LIBS) $(CHECK_LIBS)
tests_test_commands_SOURCES = tests/test_commands.c $(CHAT_FIXTURE)
tests_test_commands_CFLAGS = $(TEST_CFLAGS)
tests_test_commands_LDADD = $(HALL_LIBS) $(CHECK_LIBS) -lm
tests_test_chat_SOURCES = tests/test_chat.c $(CHAT_FIXTURE)
tests_test_chat_CFLAGS = $(TEST_CFLAGS)
tests_test_chat_LDADD = $(HALL_LIBS) $(CHECK_LIBS) -lm
endif
