# The engine wing. Each room's fragment adds its sources; the kernel tiers are libraries of their own.
ENGINE_SOURCES = engine/engine.h
ENGINE_KERN_LIBS =
include engine/kern/local.mk
include engine/gguf.mk
include engine/text.mk
include engine/core.mk
include engine/builtin/local.mk
noinst_LIBRARIES += libengine.a
libengine_a_SOURCES = $(ENGINE_SOURCES)
libengine_a_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS) $(UTF8PROC_CFLAGS) $(XXHASH_CFLAGS) $(CJSON_CFLAGS)
ENGINE_LIBS = libengine.a $(ENGINE_KERN_LIBS) $(BASE_LIBS) $(XXHASH_LIBS) $(CJSON_LIBS) $(OPENMP_CFLAGS)
