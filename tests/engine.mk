# tests of the inference rooms
if HAVE_CHECK
ENGINE_TESTS = tests/golden tests/identity tests/race tests/test_par tests/test_session tests/test_generate \
  tests/test_shape tests/test_attention tests/test_draft tests/test_speculate \
  tests/test_screen
check_PROGRAMS += $(ENGINE_TESTS)
TESTS += $(ENGINE_TESTS)
TINY = tests/tiny_model.h tests/gguf_build.c tests/gguf_build.h tests/ryot_test.h
tests_golden_SOURCES = tests/golden.c tests/ryot_test.h
tests_golden_CFLAGS = $(TEST_CFLAGS) $(CJSON_CFLAGS)
tests_golden_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS) -lm
tests_identity_SOURCES = tests/identity.c $(TINY)
tests_identity_CFLAGS = $(TEST_CFLAGS)
tests_identity_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS) -lm
# par.c's door over pthreads comes first, so that the library's is not taken
tests_race_SOURCES = tests/race.c tests/team_pthread.c $(TINY)
tests_race_CFLAGS = $(TEST_CFLAGS)
tests_race_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS) -lm
tests_test_par_SOURCES = tests/test_par.c tests/ryot_test.h
tests_test_par_CFLAGS = $(TEST_CFLAGS) $(OPENMP_CFLAGS)
tests_test_par_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
tests_test_session_SOURCES = tests/test_session.c $(TINY)
tests_test_session_CFLAGS = $(TEST_CFLAGS)
tests_test_session_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS) -lm
tests_test_draft_SOURCES = tests/test_draft.c tests/ryot_test.h
tests_test_draft_CFLAGS = $(TEST_CFLAGS)
tests_test_draft_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
tests_test_speculate_SOURCES = tests/test_speculate.c $(TINY)
tests_test_speculate_CFLAGS = $(TEST_CFLAGS)
tests_test_speculate_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS) -lm
tests_test_screen_SOURCES = tests/test_screen.c $(TINY)
tests_test_screen_CFLAGS = $(TEST_CFLAGS)
tests_test_screen_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS) -lm
tests_test_attention_SOURCES = tests/test_attention.c tests/ryot_test.h
tests_test_attention_CFLAGS = $(TEST_CFLAGS)
tests_test_attention_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS) -lm
tests_test_shape_SOURCES = tests/test_shape.c tests/ryot_test.h
tests_test_shape_CFLAGS = $(TEST_CFLAGS)
tests_test_shape_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS) -lm
tests_test_generate_SOURCES = tests/test_generate.c $(TINY)
tests_test_generate_CFLAGS = $(TEST_CFLAGS)
tests_test_generate_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS) -lm
endif
