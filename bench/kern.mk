# kernels
noinst_PROGRAMS += bench/bench_kern
bench_bench_kern_SOURCES = bench/bench_kern.c
bench_bench_kern_LDADD = $(ENGINE_LIBS)
