noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
  store/vault.h
libstore_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(ZSTD_CFLAGS) $(XXHASH_CFLAGS)
STORE_LIBS = libstore.a $(BASE_LIBS) $(SQLITE_LIBS) $(ZSTD_LIBS) $(XXHASH_LIBS)
