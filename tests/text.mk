# tests of the text rooms
if HAVE_CHECK
TEXT_TESTS = tests/test_tok
check_PROGRAMS += $(TEXT_TESTS)
TESTS += $(TEXT_TESTS)
tests_test_tok_SOURCES = tests/test_tok.c tests/ryot_test.h
tests_test_tok_CFLAGS = $(TEST_CFLAGS)
tests_test_tok_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
endif
