# the vault and its cache
noinst_PROGRAMS += bench/bench_cache bench/bench_vault
bench_bench_cache_SOURCES = bench/bench_cache.c
bench_bench_cache_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
bench_bench_cache_LDADD = $(STORE_LIBS)
bench_bench_vault_SOURCES = bench/bench_vault.c
bench_bench_vault_CFLAGS = $(AM_CFLAGS)
bench_bench_vault_LDADD = $(STORE_LIBS)
