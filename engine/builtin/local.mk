# the model inside the program
ENGINE_SOURCES += engine/builtin/builtin.h engine/builtin/builtin.S
EXTRA_DIST += engine/builtin/README.md engine/builtin/ryot-builtin.gguf
AM_CPPFLAGS += -DRYOT_BUILTIN_GGUF='"$(abs_top_srcdir)/engine/builtin/ryot-builtin.gguf"'
engine/builtin/builtin.$(OBJEXT): engine/builtin/ryot-builtin.gguf
