# formats and kernels: quant.c, kern.c, cpu.c, and one library per tier
ENGINE_SOURCES += engine/quant.h engine/kern/kern.h
