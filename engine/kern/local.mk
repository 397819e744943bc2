# formats and kernels: quant.c, kern.c, cpu.c, and one library per tier
ENGINE_SOURCES += engine/quant.h engine/quant.c engine/quant_unpack.h engine/quant_block.c \
  engine/quant_k.c engine/quant_tern.c \
  engine/kern/kern.h engine/kern/kern.c engine/kern/act.h \
  engine/kern/cpu.c \
  engine/kern/kern_scalar.h engine/kern/kern_scalar.c engine/kern/kern_scalar_ops.c
