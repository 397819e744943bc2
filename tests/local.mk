# Rules of the house, checked from the sources, and the summary printed after the suite.
EXTRA_DIST += tests/ryot_test.h
dist_check_SCRIPTS += tests/layers.sh tests/headers.sh tests/summary.sh
TESTS += tests/layers.sh tests/headers.sh
# The examples of the man page, and real models where they are at hand.
dist_check_SCRIPTS += tests/man.sh tests/real.sh
TESTS += tests/man.sh tests/real.sh
AM_TESTS_ENVIRONMENT = \
  srcdir='$(abs_top_srcdir)'; export srcdir; \
  builddir='$(abs_top_builddir)'; export builddir; \
  CC='$(CC)'; export CC; \
  RYOT='$(abs_top_builddir)/ryot'; export RYOT; \
  CK_VERBOSITY=normal; export CK_VERBOSITY;
TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
