# tests of the ui rooms
EXTRA_DIST += tests/screen_literals
if HAVE_CHECK
UI_TESTS = tests/test_sanitize tests/test_editor tests/test_wrap tests/test_markdown tests/test_plot tests/test_keymap
check_PROGRAMS += $(UI_TESTS)
TESTS += $(UI_TESTS)
tests_test_sanitize_SOURCES = tests/test_sanitize.c tests/ryot_test.h
tests_test_sanitize_CFLAGS = $(TEST_CFLAGS)
tests_test_sanitize_LDADD = $(BASE_LIBS) $(CHECK_LIBS)
tests_test_editor_SOURCES = tests/test_editor.c tests/ryot_test.h
tests_test_editor_CFLAGS = $(TEST_CFLAGS)
tests_test_editor_LDADD = $(UI_LIBS) $(CHECK_LIBS)
tests_test_wrap_SOURCES = tests/test_wrap.c tests/ryot_test.h
tests_test_wrap_CFLAGS = $(TEST_CFLAGS)
tests_test_wrap_LDADD = $(UI_LIBS) $(CHECK_LIBS)
tests_test_markdown_SOURCES = tests/test_markdown.c tests/ryot_test.h
tests_test_markdown_CFLAGS = $(TEST_CFLAGS)
tests_test_markdown_LDADD = $(UI_LIBS) $(CHECK_LIBS)
tests_test_plot_SOURCES = tests/test_plot.c tests/ryot_test.h
tests_test_plot_CFLAGS = $(TEST_CFLAGS)
tests_test_plot_LDADD = $(UI_LIBS) $(CHECK_LIBS)
tests_test_keymap_SOURCES = tests/test_keymap.c tests/ryot_test.h
tests_test_keymap_CFLAGS = $(TEST_CFLAGS)
tests_test_keymap_LDADD = $(UI_LIBS) $(CHECK_LIBS)
if HAVE_VTERM
check_PROGRAMS += tests/screens
TESTS += tests/screens
tests_screens_SOURCES = tests/screens.c tests/screen_rig.c tests/screen_rig.h tests/ryot_test.h
tests_screens_CFLAGS = $(TEST_CFLAGS) $(VTERM_CFLAGS)
tests_screens_LDADD = $(UI_LIBS) $(VTERM_LIBS) $(CHECK_LIBS) -lutil
endif
endif

# Fuzz targets: libFuzzer drives them under --enable-fuzz, else they replay and mutate their seeds.
if RYOT_FUZZ
UI_FUZZ_OPTIONS = -fsanitize=fuzzer
UI_FUZZ_DEFINES = -DRYOT_FUZZ
noinst_PROGRAMS += tests/fuzz_sanitize tests/fuzz_markdown
else
UI_FUZZ_OPTIONS =
UI_FUZZ_DEFINES =
check_PROGRAMS += tests/fuzz_sanitize tests/fuzz_markdown
TESTS += tests/fuzz_sanitize tests/fuzz_markdown
endif
tests_fuzz_sanitize_SOURCES = tests/fuzz_sanitize.c tests/fuzz_ui.h
tests_fuzz_sanitize_CFLAGS = $(AM_CFLAGS) $(UI_FUZZ_DEFINES) $(UI_FUZZ_OPTIONS)
tests_fuzz_sanitize_LDFLAGS = $(AM_LDFLAGS) $(UI_FUZZ_OPTIONS)
tests_fuzz_sanitize_LDADD = $(BASE_LIBS)
tests_fuzz_markdown_SOURCES = tests/fuzz_markdown.c tests/fuzz_ui.h
tests_fuzz_markdown_CFLAGS = $(AM_CFLAGS) $(UI_FUZZ_DEFINES) $(UI_FUZZ_OPTIONS)
tests_fuzz_markdown_LDFLAGS = $(AM_LDFLAGS) $(UI_FUZZ_OPTIONS)
tests_fuzz_markdown_LDADD = $(UI_LIBS)
