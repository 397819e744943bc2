# tests of the ui rooms
if HAVE_CHECK
check_PROGRAMS += tests/test_sanitize
TESTS += tests/test_sanitize
tests_test_sanitize_SOURCES = tests/test_sanitize.c tests/ryot_test.h
tests_test_sanitize_CFLAGS = $(TEST_CFLAGS)
tests_test_sanitize_LDADD = $(BASE_LIBS) $(CHECK_LIBS)
endif
