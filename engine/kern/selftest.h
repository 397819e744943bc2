/* The start-up check of a kernel table: small cases of every slot against scalar, bit for bit. tests/kern_check is the
 * thorough one; this one catches a CPU, a compiler or an emulator that computes otherwise on the machine it runs on.
 *
 * Any thread, with working memory of its own; allocates nothing. */
#ifndef RYOT_ENGINE_KERN_SELFTEST_H
#define RYOT_ENGINE_KERN_SELFTEST_H

#include "engine/kern/kern.h"

enum { RY_SELFTEST_TEXT = 64, RY_SELFTEST_MAX = 192 << 10 };

struct ry_selftest_work; /* ry_kern_selftest_bytes, at most RY_SELFTEST_MAX, at a multiple of 64 */
size_t ry_kern_selftest_bytes(void);

/* Compares k with scalar's table. False, and the slot's name in what, at the first difference. */
bool ry_kern_selftest(const struct ry_kern *k, const struct ry_kern *scalar,
                      struct ry_selftest_work *work, char what[RY_SELFTEST_TEXT]);

#endif
