# tests of the text rooms
TEXT_VOCAB = tests/text_vocab.c tests/text_vocab.h $(GGUF_BUILD)
TEXT_LDADD = $(ENGINE_LIBS) $(CHECK_LIBS) -lm
if HAVE_CHECK
TEXT_TESTS = tests/test_tok tests/test_tok_pre tests/test_template tests/test_sample
check_PROGRAMS += $(TEXT_TESTS)
TESTS += $(TEXT_TESTS)
tests_test_tok_SOURCES = tests/test_tok.c tests/ryot_test.h $(TEXT_VOCAB)
tests_test_tok_CFLAGS = $(TEST_CFLAGS)
tests_test_tok_LDADD = $(TEXT_LDADD)
tests_test_tok_pre_SOURCES = tests/test_tok_pre.c tests/ryot_test.h
tests_test_tok_pre_CFLAGS = $(TEST_CFLAGS)
tests_test_tok_pre_LDADD = $(TEXT_LDADD)
tests_test_template_SOURCES = tests/test_template.c tests/ryot_test.h $(TEXT_VOCAB)
tests_test_template_CFLAGS = $(TEST_CFLAGS) $(CJSON_CFLAGS)
tests_test_template_LDADD = $(TEXT_LDADD)
tests_test_sample_SOURCES = tests/test_sample.c tests/ryot_test.h
tests_test_sample_CFLAGS = $(TEST_CFLAGS)
tests_test_sample_LDADD = $(TEXT_LDADD)
endif

# Mutations of small vocabularies, texts and templates; libFuzzer's own main where configured so.
tests_fuzz_tok_SOURCES = tests/fuzz_tok.c tests/fuzz_main.c tests/fuzz_main.h $(TEXT_VOCAB)
tests_fuzz_tok_CFLAGS = $(AM_CFLAGS) $(TEXT_FUZZ_CFLAGS)
tests_fuzz_tok_LDFLAGS = $(AM_LDFLAGS) $(TEXT_FUZZ_LDFLAGS)
tests_fuzz_tok_LDADD = $(ENGINE_LIBS) -lm
tests_fuzz_template_SOURCES = tests/fuzz_template.c tests/fuzz_main.c tests/fuzz_main.h $(TEXT_VOCAB)
tests_fuzz_template_CFLAGS = $(AM_CFLAGS) $(TEXT_FUZZ_CFLAGS)
tests_fuzz_template_LDFLAGS = $(AM_LDFLAGS) $(TEXT_FUZZ_LDFLAGS)
tests_fuzz_template_LDADD = $(ENGINE_LIBS) -lm
if RYOT_FUZZ
noinst_PROGRAMS += tests/fuzz_tok tests/fuzz_template
TEXT_FUZZ_CFLAGS = -DRYOT_LIBFUZZER
TEXT_FUZZ_LDFLAGS = -fsanitize=fuzzer
else
check_PROGRAMS += tests/fuzz_tok tests/fuzz_template
TESTS += tests/fuzz_tok tests/fuzz_template
endif
