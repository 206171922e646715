/* Libraries that look like OpenBLAS, each with one thing wrong. */
#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#ifdef STUB_FOREIGN
EXPORT int something_else(void);
EXPORT int something_else(void)
{
    return 1;
}
#else

#if defined(STUB_ILP64)
#define CONFIG "OpenBLAS 0.3.21 USE64BITINT DYNAMIC_ARCH Stub MAX_THREADS=64"
#elif defined(STUB_UNLOCKED)
#define CONFIG "OpenBLAS 0.3.21 DYNAMIC_ARCH Stub SINGLE_THREADED"
#else
#define CONFIG "OpenBLAS 0.3.21 DYNAMIC_ARCH Stub MAX_THREADS=64"
#endif

#ifdef STUB_SUFFIX64
#define SGEMM cblas_sgemm64_
#else
#define SGEMM cblas_sgemm
#endif

EXPORT void SGEMM(void);
EXPORT const char *openblas_get_config(void);
EXPORT const char *openblas_get_corename(void);
EXPORT int openblas_get_parallel(void);
EXPORT void openblas_set_num_threads(int count);

void SGEMM(void)
{
}

const char *openblas_get_config(void)
{
    return CONFIG;
}

const char *openblas_get_corename(void)
{
    return "Stub";
}

int openblas_get_parallel(void)
{
    return 1;
}

void openblas_set_num_threads(int count)
{
    (void)count;
}
#endif
