noinst_LIBRARIES += libui.a
libui_a_SOURCES = \
  ui/act.c \
  ui/cells.c ui/cells.h \
  ui/complete.c ui/complete.h \
  ui/draw.c ui/draw.h \
  ui/editor.c ui/editor.h \
  ui/find.c ui/find.h \
  ui/grid.c ui/grid.h \
  ui/history.c ui/history.h \
  ui/inner.h \
  ui/keymap.c ui/keymap.h \
  ui/layout.c ui/layout.h \
  ui/markdown.c ui/markdown.h \
  ui/message.c ui/message.h \
  ui/panel_cache.c ui/panel_perf.c ui/panel_threads.c \
  ui/plot.c ui/plot.h \
  ui/prompt.c ui/prompt.h \
  ui/screen.c \
  ui/status.c \
  ui/table.c ui/table.h \
  ui/term.c ui/term.h \
  ui/ui.c ui/ui.h \
  ui/view.h \
  ui/view_chat.c ui/view_chat.h \
  ui/view_help.c ui/view_help.h \
  ui/wrap.c ui/wrap.h
libui_a_CFLAGS = $(AM_CFLAGS) $(NCURSES_CFLAGS) $(MD4C_CFLAGS) $(UTF8PROC_CFLAGS)
UI_LIBS = libui.a $(BASE_LIBS) $(NCURSES_LIBS) $(MD4C_LIBS)
