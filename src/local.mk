# the hall: the program itself
noinst_LIBRARIES += libhall.a
libhall_a_SOURCES = \
  src/app/app.c src/app/app.h \
  src/app/chat.c src/app/chat.h src/app/chat_session.c \
  src/app/commands.c src/app/commands.h \
  src/app/config.c src/app/config.h \
  src/app/edit.c src/app/edit.h \
  src/app/lookup.c src/app/lookup.h src/app/guide.c src/app/guide.h src/app/guide_facts.S src/app/guide_facts.h \
  src/app/json.c src/app/json.h \
  src/app/msg.c src/app/msg.h \
  src/app/out.c src/app/out.h \
  src/app/paths.c src/app/paths.h \
  src/app/perf.c src/app/perf.h \
  src/app/plain.c src/app/plain.h \
  src/app/read_limit.c src/app/read_limit.h \
  src/app/signals.c src/app/signals.h \
  src/app/suggest.c src/app/suggest.h \
  src/app/work_engine.c src/app/work_engine.h \
  src/app/work_vault.c src/app/work_vault.h \
  src/cmd/bandwidth.c src/cmd/bandwidth.h \
  src/cmd/bench.c src/cmd/bench.h src/cmd/bench_print.c src/cmd/bench_run.c \
  src/cmd/chat.c src/cmd/cmd.h src/cmd/doctor.c src/cmd/help.c src/cmd/info.c \
  src/cmd/opts.c src/cmd/opts.h src/cmd/opts_doc.c src/cmd/opts_table.c src/cmd/opts_table.h \
  src/cmd/run.c src/cmd/sessions.c src/cmd/setup.c src/cmd/setup.h src/cmd/tokens.c
libhall_a_CFLAGS = $(AM_CFLAGS) $(CJSON_CFLAGS) $(INIH_CFLAGS) $(UTF8PROC_CFLAGS)
libhall_a_CPPFLAGS = $(AM_CPPFLAGS) -DRYOT_BUILTIN_FACTS='"$(abs_top_srcdir)/engine/builtin/facts.txt"'
EXTRA_DIST += engine/builtin/facts.txt
src/app/libhall_a-guide_facts.$(OBJEXT): engine/builtin/facts.txt
HALL_LIBS = libhall.a $(UI_LIBS) $(STORE_LIBS) $(ENGINE_LIBS) $(INIH_LIBS) $(CJSON_LIBS)

bin_PROGRAMS += ryot
ryot_SOURCES = src/main.c
ryot_LDADD = $(HALL_LIBS)

# The commit that the sources are of, for `ryot --version` and `ryot bench`; the file changes only when that does.
BUILT_SOURCES = src/commit.h
CLEANFILES += src/commit.h
src/main.$(OBJEXT) src/cmd/libhall_a-bench_print.$(OBJEXT): src/commit.h
src/commit.h: ryot-commit-always
	@$(MKDIR_P) src; \
	commit=`git -C $(srcdir) describe --always --dirty --abbrev=12 2>/dev/null || echo unknown`; \
	printf '/* made by the Makefile */\n#define RYOT_COMMIT "%s"\n' "$$commit" > $@.tmp; \
	if cmp -s $@.tmp $@; then rm -f $@.tmp; else mv -f $@.tmp $@; fi
.PHONY: ryot-commit-always
ryot-commit-always:
