/* The model inside the program: the bytes of engine/builtin/ryot-builtin.gguf, linked in by builtin.S. const. */
#ifndef RYOT_ENGINE_BUILTIN_BUILTIN_H
#define RYOT_ENGINE_BUILTIN_BUILTIN_H

#include <stddef.h>

extern const unsigned char ry_builtin_image[]; /* [ry_builtin_image_bytes], 64-aligned */
extern const size_t ry_builtin_image_bytes;

#endif
