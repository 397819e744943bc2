/* AVX-512: interleaved block formats. The kernels are wide_x16q.h's, over this tier's registers. */
#include "engine/kern/kern_avx512.h"
#include "engine/kern/wide_x16q.h"

void ry_kern_init_avx512_x16q(struct ry_kern *k)
{
    ry_x16q_set_slots(k);
}
