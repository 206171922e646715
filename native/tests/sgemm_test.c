/* The portable SGEMM against a naive one in double, in guarded memory, with C full of NaN where beta is 0. */
#include "check.h"
#include "hybridcnn_native.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t seed = 1;

static float draw(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / 8388608.0f - 1.0f;
}

static float at(const float *x, int32_t transpose, int32_t row, int32_t column, int32_t ld)
{
    return transpose == HCN_TRANSPOSE ? x[column * ld + row] : x[row * ld + column];
}

/* A matrix of rows x columns with `spare` floats between its rows and none after the last. */
static float *matrix(int32_t rows, int32_t columns, int32_t spare, uint64_t *bytes)
{
    *bytes = ((uint64_t)(rows - 1) * (uint64_t)(columns + spare) + (uint64_t)columns) * sizeof(float);
    float *x = hcn_guard_allocate(*bytes, HCN_GUARD_END);
    for (uint64_t i = 0; i < *bytes / sizeof(float); i++)
        x[i] = draw();
    return x;
}

static void compare(int32_t ta, int32_t tb, int32_t m, int32_t n, int32_t k, float alpha, float beta, int32_t spare)
{
    uint64_t a_bytes, b_bytes, c_bytes;
    int32_t lda = (ta == HCN_TRANSPOSE ? m : k) + spare, ldb = (tb == HCN_TRANSPOSE ? k : n) + spare, ldc = n + spare;
    float *a = ta == HCN_TRANSPOSE ? matrix(k, m, spare, &a_bytes) : matrix(m, k, spare, &a_bytes);
    float *b = tb == HCN_TRANSPOSE ? matrix(n, k, spare, &b_bytes) : matrix(k, n, spare, &b_bytes);
    float *c = matrix(m, n, spare, &c_bytes);
    float *before = malloc(c_bytes);
    if (beta == 0)
        for (int32_t i = 0; i < m; i++)
            for (int32_t j = 0; j < n; j++)
                c[i * ldc + j] = NAN;
    memcpy(before, c, c_bytes);
    CHECK(hcn_sgemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) == HCN_OK);
    int wrong = 0;
    for (int32_t i = 0; i < m; i++) {
        for (int32_t j = 0; j < n; j++) {
            double sum = 0, size = 1e-30;
            for (int32_t p = 0; p < k; p++) {
                double product = (double)at(a, ta, i, p, lda) * at(b, tb, p, j, ldb);
                sum += product;
                size += fabs(product);
            }
            double expected = alpha * sum + (beta == 0 ? 0 : (double)beta * before[i * ldc + j]);
            double bound = 1.2e-7 * (k + 4) * (fabs(alpha) * size + (beta == 0 ? 0 : fabs((double)beta * before[i * ldc + j])));
            wrong += !(fabs(expected - c[i * ldc + j]) <= bound);
        }
        for (int32_t j = n; j < ldc && i < m - 1; j++)
            wrong += memcmp(&c[i * ldc + j], &before[i * ldc + j], sizeof(float)) != 0;
    }
    if (wrong)
        fprintf(stderr, "%d wrong: ta=%d tb=%d m=%d n=%d k=%d alpha=%g beta=%g spare=%d\n", wrong, ta, tb, m, n, k, alpha, beta, spare);
    failures += wrong != 0;
    free(before);
    hcn_guard_free(a, a_bytes);
    hcn_guard_free(b, b_bytes);
    hcn_guard_free(c, c_bytes);
}

int main(void)
{
    static const int32_t shapes[][3] = {{1, 1, 1}, {1, 33, 5}, {7, 1, 3}, {6, 32, 256}, {5, 31, 257}, {13, 65, 300}, {97, 40, 20}, {100, 1030, 9}, {193, 70, 513}};
    static const float scales[][2] = {{1, 0}, {1, 1}, {-0.5f, 0.25f}, {0, 0}, {0, 2}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int32_t t = 0; t < 4; t++)
            for (size_t f = 0; f < sizeof scales / sizeof *scales; f++)
                compare(t & 1 ? HCN_TRANSPOSE : HCN_NO_TRANSPOSE, t & 2 ? HCN_TRANSPOSE : HCN_NO_TRANSPOSE, shapes[s][0], shapes[s][1], shapes[s][2],
                        scales[f][0], scales[f][1], (int32_t)(f % 3));

    float c[2] = {NAN, 3};
    CHECK(hcn_sgemm(HCN_NO_TRANSPOSE, HCN_NO_TRANSPOSE, 1, 2, 0, 1, NULL, 1, NULL, 2, 0, c, 2) == HCN_OK && c[0] == 0 && c[1] == 0);
    CHECK(hcn_sgemm(HCN_NO_TRANSPOSE, HCN_NO_TRANSPOSE, 0, 2, 5, 1, NULL, 5, NULL, 2, 0, NULL, 2) == HCN_OK);
    CHECK(hcn_sgemm(HCN_NO_TRANSPOSE, HCN_NO_TRANSPOSE, 1, 2, 1, 1, c, 1, c, 1, 0, c, 2) == HCN_ERROR_ARGUMENT);
    CHECK(hcn_sgemm(HCN_NO_TRANSPOSE, HCN_NO_TRANSPOSE, -1, 2, 1, 1, c, 1, c, 2, 0, c, 2) == HCN_ERROR_ARGUMENT);
    CHECK(hcn_sgemm(7, HCN_NO_TRANSPOSE, 1, 2, 1, 1, c, 1, c, 2, 0, c, 2) == HCN_ERROR_ARGUMENT);
    CHECK(hcn_sgemm(HCN_NO_TRANSPOSE, HCN_NO_TRANSPOSE, 1, 2, 1, 1, NULL, 1, c, 2, 0, c, 2) == HCN_ERROR_ARGUMENT);
    return failures != 0;
}
