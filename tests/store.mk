# tests of the store rooms
if HAVE_CHECK
STORE_TESTS = tests/test_cache tests/test_vault tests/test_vault_crash tests/test_vault_hostile
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
STORE_TEST_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
STORE_TEST_LDADD = $(STORE_LIBS) $(CHECK_LIBS)
tests_test_cache_SOURCES = tests/test_cache.c tests/ryot_test.h
tests_test_cache_CFLAGS = $(STORE_TEST_CFLAGS)
tests_test_cache_LDADD = $(STORE_TEST_LDADD)
tests_test_vault_SOURCES = tests/test_vault.c tests/vault_fixture.h tests/ryot_test.h
tests_test_vault_CFLAGS = $(STORE_TEST_CFLAGS)
tests_test_vault_LDADD = $(STORE_TEST_LDADD)
tests_test_vault_crash_SOURCES = tests/test_vault_crash.c tests/vault_fixture.h tests/ryot_test.h
tests_test_vault_crash_CFLAGS = $(STORE_TEST_CFLAGS)
tests_test_vault_crash_LDADD = $(STORE_TEST_LDADD)
tests_test_vault_hostile_SOURCES = tests/test_vault_hostile.c tests/vault_fixture.h tests/ryot_test.h
tests_test_vault_hostile_CFLAGS = $(STORE_TEST_CFLAGS)
tests_test_vault_hostile_LDADD = $(STORE_TEST_LDADD)
endif
