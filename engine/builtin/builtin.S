/* Links the built-in model's file into the program, read-only and at a cache line (GGUF data are aligned to 32). */
    .section .rodata
    .balign 64
    .globl ry_builtin_image
    .type ry_builtin_image, %object
ry_builtin_image:
    .incbin RYOT_BUILTIN_GGUF
    .size ry_builtin_image, . - ry_builtin_image
ry_builtin_image_end:
    .balign 8
    .globl ry_builtin_image_bytes
    .type ry_builtin_image_bytes, %object
    .size ry_builtin_image_bytes, 8
ry_builtin_image_bytes:
    .quad ry_builtin_image_end - ry_builtin_image
    .section .note.GNU-stack, "", %progbits
