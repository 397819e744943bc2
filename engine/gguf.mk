# model files: the GGUF cursor, architectures, hyper-parameters, binding, what `ryot info` prints
ENGINE_SOURCES += engine/gguf.h engine/gguf_internal.h engine/arch.h engine/model.h \
  engine/gguf.c engine/gguf_read.c engine/gguf_fault.c engine/describe.h engine/describe.c \
  engine/arch.c engine/hparams.c engine/model.c
