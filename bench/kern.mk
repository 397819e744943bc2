# kernels and attention
noinst_PROGRAMS += bench/bench_kern
bench_bench_kern_SOURCES = bench/bench_kern.c
bench_bench_kern_LDADD = $(ENGINE_LIBS)
noinst_PROGRAMS += bench/bench_attention
bench_bench_attention_SOURCES = bench/bench_attention.c
bench_bench_attention_LDADD = $(ENGINE_LIBS) -lm
bench/bench_attention.$(OBJEXT): src/commit.h
