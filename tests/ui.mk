# tests of the ui rooms
if HAVE_CHECK
check_PROGRAMS += tests/test_sanitize
TESTS += tests/test_sanitize
tests_test_sanitize_SOURCES = tests/test_sanitize.c tests/ryot_test.h
tests_test_sanitize_CFLAGS = $(TEST_CFLAGS)
tests_test_sanitize_LDADD = $(BASE_LIBS) $(CHECK_LIBS)
endif

if HAVE_CHECK
if HAVE_VTERM
check_PROGRAMS += tests/screens
TESTS += tests/screens
tests_screens_SOURCES = tests/screens.c tests/screen_rig.c tests/screen_rig.h tests/ryot_test.h
tests_screens_CFLAGS = $(TEST_CFLAGS) $(VTERM_CFLAGS)
tests_screens_LDADD = $(UI_LIBS) $(VTERM_LIBS) $(CHECK_LIBS) -lutil
endif
endif
