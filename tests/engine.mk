# tests of the inference rooms
if HAVE_CHECK
check_PROGRAMS += tests/golden
TESTS += tests/golden
tests_golden_SOURCES = tests/golden.c tests/ryot_test.h
tests_golden_CFLAGS = $(TEST_CFLAGS) $(CJSON_CFLAGS)
tests_golden_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
endif
