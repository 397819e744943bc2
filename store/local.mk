noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
  store/vault.h store/vault_impl.h \
  store/cache.c store/cache.h \
  store/db.c store/db.h \
  store/files.c store/files.h \
  store/hist.c store/hist.h \
  store/messages.c \
  store/policy.h store/policy_lru.c \
  store/rawdb.c store/rawdb.h \
  store/salvage.c store/salvage.h \
  store/schema.c store/schema.h \
  store/vault.c
libstore_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(ZSTD_CFLAGS) $(XXHASH_CFLAGS)
STORE_LIBS = libstore.a $(BASE_LIBS) $(SQLITE_LIBS) $(ZSTD_LIBS) $(XXHASH_LIBS)
