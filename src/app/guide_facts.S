/* Links the guide's facts into the program, read-only. */
    .section .rodata
    .globl ry_builtin_facts
    .type ry_builtin_facts, %object
ry_builtin_facts:
    .incbin RYOT_BUILTIN_FACTS
    .size ry_builtin_facts, . - ry_builtin_facts
ry_builtin_facts_end:
    .balign 8
    .globl ry_builtin_facts_bytes
    .type ry_builtin_facts_bytes, %object
    .size ry_builtin_facts_bytes, 8
ry_builtin_facts_bytes:
    .quad ry_builtin_facts_end - ry_builtin_facts
    .section .note.GNU-stack, "", %progbits
