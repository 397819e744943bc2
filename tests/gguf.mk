# tests of the gguf rooms
GGUF_BUILD = tests/gguf_build.c tests/gguf_build.h
GGUF_TEST_LIBS = $(ENGINE_LIBS) -lm
check_PROGRAMS += tests/make_bad
tests_make_bad_SOURCES = tests/make_bad.c tests/bad_files.c tests/bad_files.h $(GGUF_BUILD)
tests_make_bad_LDADD = $(GGUF_TEST_LIBS)
dist_check_SCRIPTS += tests/hostile_cli.sh
TESTS += tests/hostile_cli.sh

# Mutations of small valid models; libFuzzer's own main where configured so.
tests_fuzz_gguf_SOURCES = tests/fuzz_gguf.c $(GGUF_BUILD) tests/fuzz_main.c tests/fuzz_main.h
tests_fuzz_gguf_CFLAGS = $(AM_CFLAGS) $(GGUF_FUZZ_CFLAGS)
tests_fuzz_gguf_LDFLAGS = $(AM_LDFLAGS) $(GGUF_FUZZ_LDFLAGS)
tests_fuzz_gguf_LDADD = $(GGUF_TEST_LIBS)
if RYOT_FUZZ
noinst_PROGRAMS += tests/fuzz_gguf
GGUF_FUZZ_CFLAGS = -DRYOT_LIBFUZZER
GGUF_FUZZ_LDFLAGS = -fsanitize=fuzzer
else
check_PROGRAMS += tests/fuzz_gguf
TESTS += tests/fuzz_gguf
endif

if HAVE_CHECK
check_PROGRAMS += tests/test_gguf tests/test_hostile
TESTS += tests/test_gguf tests/test_hostile
tests_test_gguf_SOURCES = tests/test_gguf.c tests/ryot_test.h $(GGUF_BUILD)
tests_test_gguf_CFLAGS = $(TEST_CFLAGS) $(CJSON_CFLAGS)
tests_test_gguf_LDADD = $(GGUF_TEST_LIBS) $(CHECK_LIBS)
tests_test_hostile_SOURCES = tests/test_hostile.c tests/ryot_test.h tests/bad_files.c \
  tests/bad_files.h $(GGUF_BUILD)
tests_test_hostile_CFLAGS = $(TEST_CFLAGS)
tests_test_hostile_LDADD = $(GGUF_TEST_LIBS) $(CHECK_LIBS)
endif
