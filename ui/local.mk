noinst_LIBRARIES += libui.a
libui_a_SOURCES = \
  ui/ui.h
libui_a_CFLAGS = $(AM_CFLAGS) $(NCURSES_CFLAGS) $(MD4C_CFLAGS) $(UTF8PROC_CFLAGS)
UI_LIBS = libui.a $(BASE_LIBS) $(NCURSES_LIBS) $(MD4C_LIBS)
