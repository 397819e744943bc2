# tests of the kern rooms
if HAVE_CHECK
check_PROGRAMS += tests/kern_check
TESTS += tests/kern_check
tests_kern_check_SOURCES = tests/kern_check.c tests/ryot_test.h
tests_kern_check_CFLAGS = $(TEST_CFLAGS)
tests_kern_check_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
endif
