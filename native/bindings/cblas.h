/*
 * What is called of CBLAS, in the words of the reference's cblas.h with its enumerations as the int that they are passed as, and 32-bit
 * integers: libraries with wider ones are refused. Read by the generator of the bindings alone; nothing includes it.
 */
#ifndef HYBRIDCNN_CBLAS_SUBSET_H
#define HYBRIDCNN_CBLAS_SUBSET_H

#include <stdint.h>

#define CBLAS_ROW_MAJOR 101

void cblas_sgemm(int32_t order, int32_t transpose_a, int32_t transpose_b, int32_t m, int32_t n, int32_t k, float alpha,
                 const float *a, int32_t lda, const float *b, int32_t ldb, float beta, float *c, int32_t ldc);

#endif
