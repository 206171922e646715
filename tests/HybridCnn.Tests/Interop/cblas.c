/* A CBLAS of plain loops, each definition with one thing wrong or one thing more. Compiled by OtherBlasTests. */
#include <stdlib.h>

#ifdef WIDE
typedef long long integer;
#else
typedef int integer;
#endif

static long threads;
static const char *omp_at_first_call = "never called";

#ifndef NO_DOT
float cblas_sdot(integer n, const float *x, integer incx, const float *y, integer incy)
{
    float sum = 0;
    for (integer i = 0; i < n; i++)
        sum += x[i * incx] * y[i * incy];
    return sum;
}
#endif

#ifdef FORTRAN
void sgemm_(void)
{
}
#elif !defined(NOTHING)
void cblas_sgemm(int order, int ta, int tb, integer m, integer n, integer k, float alpha, const float *a, integer lda, const float *b, integer ldb,
                 float beta, float *c, integer ldc)
{
    static int called;
    if (!called++)
        omp_at_first_call = getenv("OMP_NUM_THREADS");
    (void)order;
#ifdef IGNORES_LD
    lda = ta == 112 ? m : k;
#endif
    for (integer i = 0; i < m; i++) {
        for (integer j = 0; j < n; j++) {
            float sum = 0;
            for (integer p = 0; p < k; p++)
                sum += (ta == 112 ? a[p * lda + i] : a[i * lda + p]) * (tb == 112 ? b[j * ldb + p] : b[p * ldb + j]);
#ifdef READS_C
            c[i * ldc + j] = alpha * sum + beta * c[i * ldc + j];
#else
            c[i * ldc + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * ldc + j]);
#endif
        }
#ifdef WRITES_OUTSIDE
        c[i * ldc + n] = 0;
#endif
    }
}
#endif

#ifdef BLIS
void bli_thread_set_num_threads(long count)
{
    threads = count;
}

const char *bli_info_get_version_str(void)
{
    return "9.9.9";
}

int bli_arch_query_id(void)
{
    return 7;
}

const char *bli_arch_string(int id)
{
    return id == 7 ? "zen7" : "wrong";
}
#endif

/* What the test asks. */
long stub_threads(void)
{
    return threads;
}

const char *stub_omp_at_first_call(void)
{
    return omp_at_first_call;
}

const char *stub_omp_now(void)
{
    return getenv("OMP_NUM_THREADS");
}
