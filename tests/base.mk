# tests of src/base
if HAVE_CHECK
check_PROGRAMS += tests/test_base
TESTS += tests/test_base
tests_test_base_SOURCES = tests/test_base.c tests/ryot_test.h
tests_test_base_CFLAGS = $(TEST_CFLAGS)
tests_test_base_LDADD = $(BASE_LIBS) $(CHECK_LIBS)
endif
