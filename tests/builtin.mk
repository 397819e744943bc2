# tests of the guide, and the tool that asks it the questions of engine/builtin/questions.txt
check_PROGRAMS += tests/guide_eval
tests_guide_eval_SOURCES = tests/guide_eval.c
tests_guide_eval_LDADD = $(HALL_LIBS) -lm
if HAVE_CHECK
check_PROGRAMS += tests/test_guide
TESTS += tests/test_guide
tests_test_guide_SOURCES = tests/test_guide.c tests/ryot_test.h
tests_test_guide_CFLAGS = $(TEST_CFLAGS)
tests_test_guide_LDADD = $(HALL_LIBS) $(CHECK_LIBS) -lm
endif
# the network itself, asked through the program
dist_check_SCRIPTS += tests/builtin.sh
TESTS += tests/builtin.sh
