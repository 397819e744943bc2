# model files: gguf.c, describe.c
ENGINE_SOURCES += engine/gguf.h
