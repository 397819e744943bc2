# formats and kernels: quant.c, kern.c, cpu.c, and one library per tier
ENGINE_SOURCES += engine/quant.h engine/quant.c engine/quant_unpack.h engine/quant_block.c \
  engine/quant_k.c engine/quant_tern.c \
  engine/kern/kern.h engine/kern/kern.c engine/kern/act.h \
  engine/kern/cpu.h engine/kern/cpu.c engine/kern/host.c \
  engine/kern/kern_scalar.h engine/kern/kern_scalar.c engine/kern/kern_scalar_ops.c \
  engine/kern/kern_scalar_t2.c engine/kern/kern_scalar_attn.c engine/kern/ahead.h engine/kern/x16.h \
  engine/kern/selftest.h engine/kern/selftest.c \
  engine/kern/wide.h engine/kern/kern_scalar_x16q.c engine/kern/wide_x16_codes.h engine/kern/wide_x16q.h \
  engine/kern/kern_scalar_screen.c
if RYOT_AVX2
noinst_LIBRARIES += libkern_avx2.a
ENGINE_KERN_LIBS += libkern_avx2.a libengine.a
libkern_avx2_a_SOURCES = engine/kern/kern_avx2.h engine/kern/kern_avx2.c \
  engine/kern/kern_avx2_float.c engine/kern/kern_avx2_q32.c engine/kern/kern_avx2_k.c \
  engine/kern/kern_avx2_ternary.c engine/kern/kern_avx2_t2.c engine/kern/kern_avx2_attn.c \
  engine/kern/kern_avx2_vec.h engine/kern/kern_avx2_x16q.c engine/kern/kern_avx2_screen.c
libkern_avx2_a_CFLAGS = $(AM_CFLAGS) $(KERN_CFLAGS) $(AVX2_FLAGS)
endif
if RYOT_AVXVNNI
noinst_LIBRARIES += libkern_avxvnni.a
ENGINE_KERN_LIBS += libkern_avxvnni.a libengine.a
libkern_avxvnni_a_SOURCES = engine/kern/kern_avxvnni.h engine/kern/kern_avxvnni.c \
  engine/kern/kern_avxvnni_t2.c engine/kern/kern_avxvnni_x16q.c \
  engine/kern/kern_avxvnni_screen.c
libkern_avxvnni_a_CFLAGS = $(AM_CFLAGS) $(KERN_CFLAGS) $(AVXVNNI_FLAGS)
endif
if RYOT_AVX512
noinst_LIBRARIES += libkern_avx512.a
ENGINE_KERN_LIBS += libkern_avx512.a libengine.a
libkern_avx512_a_SOURCES = engine/kern/kern_avx512.h engine/kern/kern_avx512.c \
  engine/kern/kern_avx512_t2.h engine/kern/kern_avx512_t2.c engine/kern/kern_avx512_attn.c \
  engine/kern/kern_avx512_vec.h engine/kern/kern_avx512_x16q.c engine/kern/kern_avx512_float.c \
  engine/kern/kern_avx512_ternary.c engine/kern/kern_avx512_screen.c
libkern_avx512_a_CFLAGS = $(AM_CFLAGS) $(KERN_CFLAGS) $(AVX512_FLAGS)
endif
if RYOT_AMX
noinst_LIBRARIES += libkern_amx.a
ENGINE_KERN_LIBS += libkern_amx.a libkern_avx512.a libengine.a
libkern_amx_a_SOURCES = engine/kern/kern_amx.h engine/kern/kern_amx.c engine/kern/kern_amx_t2.c engine/kern/kern_amx_x16q.c
libkern_amx_a_CFLAGS = $(AM_CFLAGS) $(KERN_CFLAGS) $(AMX_FLAGS)
endif
