noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
  src/base/arena.c src/base/arena.h \
  src/base/buf.c src/base/buf.h \
  src/base/clock.c src/base/clock.h \
  src/base/err.c src/base/err.h \
  src/base/log.c src/base/log.h \
  src/base/mem.c src/base/mem.h \
  src/base/ring.c src/base/ring.h \
  src/base/sanitize.c src/base/sanitize.h \
  src/base/utf8.c src/base/utf8.h \
  src/base/wake.c src/base/wake.h
libbase_a_CFLAGS = $(AM_CFLAGS) $(UTF8PROC_CFLAGS)
BASE_LIBS = libbase.a $(UTF8PROC_LIBS)
