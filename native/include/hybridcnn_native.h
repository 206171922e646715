/*
 * The whole ABI of hybridcnn_native: what managed code cannot do by itself.
 *
 * Rules, so that bindings stay mechanical: plain C99, one prefix, fixed-width integers, named enums with an int32 sentinel,
 * handles returned, structures passed by pointer with every field explicit; no bit-fields, unions, callbacks or varargs.
 * Strings are UTF-8. Nothing here keeps a pointer that the caller passed in.
 */
#ifndef HYBRIDCNN_NATIVE_H
#define HYBRIDCNN_NATIVE_H

#include <stdint.h>

#if defined(_WIN32) && defined(HCN_BUILDING)
#define HCN_API __declspec(dllexport)
#elif defined(_WIN32)
#define HCN_API __declspec(dllimport)
#else
#define HCN_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised by one whenever a function or a structure changes. */
#define HCN_ABI_VERSION 1

typedef enum hcn_status {
    HCN_OK = 0,
    HCN_ERROR_ARGUMENT = 1,    /* a null pointer or a size out of range */
    HCN_ERROR_MEMORY = 2,      /* the system gave no memory */
    HCN_ERROR_LOAD = 3,        /* the library could not be loaded */
    HCN_ERROR_SYMBOL = 4,      /* loaded, but not an OpenBLAS with CBLAS */
    HCN_ERROR_ILP64 = 5,       /* an OpenBLAS whose integers are 64 bits wide */
    HCN_ERROR_UNSAFE = 6,      /* an OpenBLAS built without locks: wrong results when two threads call it */
    HCN_STATUS_INT32 = 0x7fffffff
} hcn_status;

typedef enum hcn_transpose {
    HCN_NO_TRANSPOSE = 111,
    HCN_TRANSPOSE = 112,
    HCN_TRANSPOSE_INT32 = 0x7fffffff
} hcn_transpose;

typedef enum hcn_guard_side {
    HCN_GUARD_END = 0,         /* the byte after the last faults */
    HCN_GUARD_START = 1,       /* the byte before the first faults */
    HCN_GUARD_SIDE_INT32 = 0x7fffffff
} hcn_guard_side;

/* What an opened OpenBLAS says about itself. The strings belong to OpenBLAS and live as long as the process. */
typedef struct hcn_openblas_info {
    void *handle;              /* of the loaded library, as dlopen or LoadLibrary gave it; never closed */
    const char *config;        /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Haswell MAX_THREADS=64" */
    const char *core_name;     /* the kernels it chose: "SkylakeX" */
    int32_t integer_bits;      /* 32 or 64 */
    int32_t parallel;          /* 0 sequential, 1 its own threads, 2 OpenMP */
    int32_t max_threads;       /* how many callers its tables are built for; 0 if it doesn't say */
    int32_t reserved;
} hcn_openblas_info;

HCN_API int32_t hcn_abi_version(void);

/*
 * Sets (or, with value null, removes) a variable in the environment that native code reads. A managed runtime's own copy of
 * the environment never reaches OpenBLAS, which reads OPENBLAS_CORETYPE once, when it is loaded.
 */
HCN_API hcn_status hcn_environment_set(const char *name, const char *value);

/*
 * Loads OpenBLAS from a path, or by bare name from where the system looks, sets it to one thread for ever (the caller owns
 * the threads) and describes it. On failure message says why, in words.
 */
HCN_API hcn_status hcn_openblas_open(const char *path, hcn_openblas_info *info, char *message, int32_t message_capacity);

/*
 * C[M,N] = alpha op(A)[M,K] op(B)[K,N] + beta C, row-major, on the calling thread. With beta = 0, C is not read.
 * Portable C: the fallback where there is no OpenBLAS, and a second opinion where there is.
 */
HCN_API hcn_status hcn_sgemm(int32_t transpose_a, int32_t transpose_b, int32_t m, int32_t n, int32_t k, float alpha,
                             const float *a, int32_t lda, const float *b, int32_t ldb, float beta, float *c, int32_t ldc);

/* The calling thread's floating-point mode. hcn_fpmode_flush makes denormals zero and returns the mode before, for _set. */
HCN_API uint64_t hcn_fpmode_get(void);
HCN_API void hcn_fpmode_set(uint64_t mode);
HCN_API uint64_t hcn_fpmode_flush(void);

/* Memory with an inaccessible page on both sides, flush against one of them; null if bytes is 0 or there is no memory. */
HCN_API void *hcn_guard_allocate(uint64_t bytes, int32_t side);
HCN_API void hcn_guard_free(void *memory, uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
