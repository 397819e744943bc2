# tests of the kern rooms
if HAVE_CHECK
check_PROGRAMS += tests/kern_check tests/test_quant tests/test_cpu tests/test_selftest
TESTS += tests/kern_check tests/test_quant tests/test_cpu tests/test_selftest
tests_kern_check_SOURCES = tests/kern_check.c tests/ryot_test.h
tests_kern_check_CFLAGS = $(TEST_CFLAGS)
tests_kern_check_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
tests_test_quant_SOURCES = tests/test_quant.c tests/ryot_test.h
tests_test_quant_CFLAGS = $(TEST_CFLAGS)
tests_test_quant_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
tests_test_cpu_SOURCES = tests/test_cpu.c tests/ryot_test.h
tests_test_cpu_CFLAGS = $(TEST_CFLAGS)
tests_test_cpu_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
tests_test_selftest_SOURCES = tests/test_selftest.c tests/ryot_test.h
tests_test_selftest_CFLAGS = $(TEST_CFLAGS)
tests_test_selftest_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
endif
