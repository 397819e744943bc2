# the measurements of the engine as a report: bench/results/<cpu>-<date>.{json,md}; minutes, on a quiet machine
EXTRA_DIST += bench/bench_decode.sh bench/bench_threads.sh bench/report.sh bench/report.awk \
  bench/results/intel-xeon-processor-2026-11-21.md bench/results/intel-xeon-processor-2026-11-21.json
.PHONY: bench-report
bench-report: ryot$(EXEEXT) bench/bench_kern$(EXEEXT)
	RYOT='$(abs_top_builddir)/ryot' KERN='$(abs_top_builddir)/bench/bench_kern' $(SHELL) $(srcdir)/bench/report.sh
