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

/* A format's slots, of a file's drivers `matvec` and `matmul` with the constant `name`; the second one's body follows it. */
#define RY_MATVEC_SLOT(name)                                                                       \
    static void matvec_##name(float *y, const struct ry_wmat *w, size_t row0, size_t row1,         \
                              const void *act, size_t prefetch)                                    \
    {                                                                                              \
        matvec(y, w, row0, row1, act, prefetch, &name);                                            \
    }
#define RY_MATMUL_SLOT(name)                                                                       \
    static void matmul_##name(float *y, size_t ldy, const struct ry_wmat *w, size_t row0,          \
                              size_t row1, const void *act, size_t act_stride, size_t n_tok)

#define RY_SLOTS(name)                                                                             \
    RY_MATVEC_SLOT(name)                                                                           \
    RY_MATMUL_SLOT(name)                                                                           \
    {                                                                                              \
        matmul(y, ldy, w, row0, row1, act, act_stride, n_tok, &name);                              \
    }

/* Of a ternary format: a matrix whose blocks differ in scale is rare, its tokens go one by one. */
#define RY_TERNARY_SLOTS(name)                                                                     \
    RY_MATVEC_SLOT(name)                                                                           \
    RY_MATMUL_SLOT(name)                                                                           \
    {                                                                                              \
        if (w->uniform || !name.d_at)                                                              \
            matmul(y, ldy, w, row0, row1, act, act_stride, n_tok, &name);                          \
        else                                                                                       \
            for (size_t t = 0; t < n_tok; t++)                                                     \
                matvec_##name(y + t * ldy, w, row0, row1, (const char *)act + t * act_stride, 0);  \
    }

#endif
