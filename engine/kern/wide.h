/* How the wide tiers keep their loops in registers. No instructions here: every tier includes it. */
#ifndef RYOT_ENGINE_KERN_WIDE_H
#define RYOT_ENGINE_KERN_WIDE_H

/* Drivers take their format as constant arguments and must be inlined whole to become one loop each. */
#define RY_INLINE static inline __attribute__((always_inline))

/* Before loops of a constant few steps over vectors: -O2 alone would keep the vectors in memory. */
#if defined(__clang__)
#define RY_UNROLL _Pragma("unroll")
#else
#define RY_UNROLL _Pragma("GCC unroll 16")
#endif

/* Keeps a pointer in its register, as it is: without it each address of a tile becomes a pointer of its own, and most
 * of those live on the stack. */
#define RY_KEEP(p) __asm__("" : "+r"(p))

#endif
