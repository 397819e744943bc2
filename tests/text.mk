# tests of the text rooms
if HAVE_CHECK
TEXT_TESTS = tests/test_tok tests/test_template
check_PROGRAMS += $(TEXT_TESTS)
TESTS += $(TEXT_TESTS)
tests_test_tok_SOURCES = tests/test_tok.c tests/ryot_test.h
tests_test_tok_CFLAGS = $(TEST_CFLAGS)
tests_test_tok_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
tests_test_template_SOURCES = tests/test_template.c tests/ryot_test.h
tests_test_template_CFLAGS = $(TEST_CFLAGS) $(CJSON_CFLAGS)
tests_test_template_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
endif
