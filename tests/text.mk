# tests of the text rooms
EXTRA_DIST += tests/text_vocab.h
TEXT_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS)
if HAVE_CHECK
TEXT_TESTS = tests/test_tok tests/test_tok_pre tests/test_template tests/test_sample
check_PROGRAMS += $(TEXT_TESTS)
TESTS += $(TEXT_TESTS)
tests_test_tok_SOURCES = tests/test_tok.c tests/ryot_test.h
tests_test_tok_CFLAGS = $(TEST_CFLAGS)
tests_test_tok_LDADD = $(TEXT_LDADD)
tests_test_tok_pre_SOURCES = tests/test_tok_pre.c tests/ryot_test.h
tests_test_tok_pre_CFLAGS = $(TEST_CFLAGS)
tests_test_tok_pre_LDADD = $(TEXT_LDADD)
tests_test_template_SOURCES = tests/test_template.c tests/ryot_test.h
tests_test_template_CFLAGS = $(TEST_CFLAGS) $(CJSON_CFLAGS)
tests_test_template_LDADD = $(TEXT_LDADD)
tests_test_sample_SOURCES = tests/test_sample.c tests/ryot_test.h
tests_test_sample_CFLAGS = $(TEST_CFLAGS)
tests_test_sample_LDADD = $(TEXT_LDADD) -lm
endif
