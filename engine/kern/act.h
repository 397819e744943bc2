/* Where the parts of an activation row lie (see kern.h, ry_act_bytes), for the kernels that write and read them.
 *
 * Small static functions without wide instructions: every tier compiles its own copy. */
#ifndef RYOT_ENGINE_KERN_ACT_H
#define RYOT_ENGINE_KERN_ACT_H

#include <stddef.h>
#include <stdint.h>

/* Head of a Q8_T row; the int8 values follow at RY_Q8_T_HEAD. */
struct ry_act_head {
    float inv_s;
    int32_t sum;
};

enum { RY_Q8_T_HEAD = 64 };

/* Blocks whose largest magnitude is below this become zero: its inverse would leave the range of float. */
#define RY_ACT_TINY 0x1p-100f

static inline size_t ry_act_pad(size_t n_bytes)
{
    return (n_bytes + 63) / 64 * 64;
}

static inline const int8_t *ry_act_q8_t(const void *act)
{
    return (const int8_t *)act + RY_Q8_T_HEAD;
}

/* d of a Q8_32 or Q8_256 row: behind the n padded int8. */
static inline const float *ry_act_d(const void *act, size_t n)
{
    return (const float *)((const char *)act + ry_act_pad(n));
}

/* ds of a Q8_32 row. */
static inline const float *ry_act_ds(const void *act, size_t n)
{
    return ry_act_d(act, n) + n / 32;
}

/* Sums of 32 of a Q8_32 row. */
static inline const int32_t *ry_act_sums_32(const void *act, size_t n)
{
    return (const int32_t *)(ry_act_ds(act, n) + n / 32);
}

/* Sums of 16 of a Q8_256 row. */
static inline const int16_t *ry_act_sums(const void *act, size_t n)
{
    return (const int16_t *)(ry_act_d(act, n) + n / 256);
}

#endif
