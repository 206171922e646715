/* Floating-point mode of the calling thread: denormals cost a hundred cycles each and carry nothing that training needs. */
#include "hybridcnn_native.h"

#if defined(__x86_64__) || defined(_M_X64)

#include <xmmintrin.h>

/* MXCSR: bit 15 flushes results to zero, bit 6 takes denormal inputs as zero. */
static const uint64_t flush_bits = 0x8040;

uint64_t hcn_fpmode_get(void)
{
    return _mm_getcsr();
}

void hcn_fpmode_set(uint64_t mode)
{
    _mm_setcsr((unsigned int)mode);
}

#elif defined(__aarch64__)

/* FPCR: bit 24 does both. */
static const uint64_t flush_bits = UINT64_C(1) << 24;

uint64_t hcn_fpmode_get(void)
{
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}

void hcn_fpmode_set(uint64_t mode)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}

#else
#error "No floating-point mode for this processor yet: give flush_bits, hcn_fpmode_get and hcn_fpmode_set"
#endif

uint64_t hcn_fpmode_flush(void)
{
    uint64_t before = hcn_fpmode_get();
    if ((before & flush_bits) != flush_bits)
        hcn_fpmode_set(before | flush_bits);
    return before;
}
