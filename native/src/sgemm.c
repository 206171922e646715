/*
 * A portable SGEMM: the usual three blocking loops around a register tile that the compiler vectorises.
 *
 *            N (NC columns at a time)              packed A: panels of MR rows,    [K][MR]
 *         +--------+                               packed B: panels of NR columns, [K][NR]
 *       K | B      |     C[MR, NR] += A panel · B panel, all in registers
 *  +---+  +--------+
 * M| A |  | C      |     K in blocks of KC, M in blocks of MC: packed A stays in L2, a panel of B in L1
 *  +---+  +--------+
 */
#include "hybridcnn_native.h"

#include <stddef.h>
#include <stdlib.h>

enum { MR = 6, NR = 32, MC = 96, KC = 256, NC = 1024 };

#if defined(__GNUC__) && defined(__x86_64__) && defined(__gnu_linux__)
#define FOR_EVERY_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EVERY_PROCESSOR
#endif

typedef struct operand {
    const float *data;
    ptrdiff_t row;    /* distance between rows of op(X) */
    ptrdiff_t column; /* and between its columns */
} operand;

static ptrdiff_t smaller(ptrdiff_t x, ptrdiff_t y)
{
    return x < y ? x : y;
}

static operand view(const float *data, int32_t transpose, int32_t ld)
{
    operand plain = {data, ld, 1};
    operand transposed = {data, 1, ld};
    return transpose == HCN_TRANSPOSE ? transposed : plain;
}

/* Panels of `width` rows of x (columns of B: pass it transposed), each [depth][width], missing rows as zeros. */
static void pack(operand x, ptrdiff_t rows, ptrdiff_t depth, ptrdiff_t width, float scale, float *packed)
{
    for (ptrdiff_t first = 0; first < rows; first += width, packed += width * depth) {
        ptrdiff_t count = smaller(width, rows - first);
        const float *from = x.data + first * x.row;
        if (x.row == 1) {
            for (ptrdiff_t p = 0; p < depth; p++)
                for (ptrdiff_t i = 0; i < count; i++)
                    packed[p * width + i] = scale * from[p * x.column + i];
        } else {
            for (ptrdiff_t i = 0; i < count; i++)
                for (ptrdiff_t p = 0; p < depth; p++)
                    packed[p * width + i] = scale * from[i * x.row + p * x.column];
        }
        for (ptrdiff_t i = count; i < width; i++)
            for (ptrdiff_t p = 0; p < depth; p++)
                packed[p * width + i] = 0;
    }
}

FOR_EVERY_PROCESSOR
static void multiply_tile(ptrdiff_t depth, const float *restrict a, const float *restrict b, float *restrict tile)
{
    float sum[MR][NR] = {{0}};
    for (ptrdiff_t p = 0; p < depth; p++, a += MR, b += NR)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++)
                sum[i][j] += a[i] * b[j];
    for (int i = 0; i < MR; i++)
        for (int j = 0; j < NR; j++)
            tile[i * NR + j] = sum[i][j];
}

/* C[rows, columns] = or += tile. */
static void store_tile(const float *tile, ptrdiff_t rows, ptrdiff_t columns, int add, float *c, ptrdiff_t ldc)
{
    for (ptrdiff_t i = 0; i < rows; i++, c += ldc, tile += NR) {
        if (add)
            for (ptrdiff_t j = 0; j < columns; j++)
                c[j] += tile[j];
        else
            for (ptrdiff_t j = 0; j < columns; j++)
                c[j] = tile[j];
    }
}

static void multiply_block(ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth, const float *a, const float *b, int add, float *c, ptrdiff_t ldc)
{
    float tile[MR * NR];
    for (ptrdiff_t j = 0; j < n; j += NR) {
        for (ptrdiff_t i = 0; i < m; i += MR) {
            multiply_tile(depth, a + i * depth, b + j * depth, tile);
            store_tile(tile, smaller(MR, m - i), smaller(NR, n - j), add, c + i * ldc + j, ldc);
        }
    }
}

/* C = beta C, without reading C where beta is 0: it may hold NaN. */
static void scale_rows(ptrdiff_t m, ptrdiff_t n, float beta, float *c, ptrdiff_t ldc)
{
    for (ptrdiff_t i = 0; i < m; i++, c += ldc)
        for (ptrdiff_t j = 0; j < n; j++)
            c[j] = beta == 0 ? 0 : beta * c[j];
}

static int valid(int32_t transpose, int32_t rows, int32_t columns, int32_t ld)
{
    int32_t width = transpose == HCN_TRANSPOSE ? rows : columns;
    return (transpose == HCN_TRANSPOSE || transpose == HCN_NO_TRANSPOSE) && ld >= (width > 1 ? width : 1);
}

hcn_status hcn_sgemm(int32_t transpose_a, int32_t transpose_b, int32_t m, int32_t n, int32_t k, float alpha,
                     const float *a, int32_t lda, const float *b, int32_t ldb, float beta, float *c, int32_t ldc)
{
    if (m < 0 || n < 0 || k < 0 || !valid(transpose_a, m, k, lda) || !valid(transpose_b, k, n, ldb) || !valid(HCN_NO_TRANSPOSE, m, n, ldc))
        return HCN_ERROR_ARGUMENT;
    if (m == 0 || n == 0)
        return HCN_OK;
    if (c == NULL || (k > 0 && (a == NULL || b == NULL)))
        return HCN_ERROR_ARGUMENT;
    if (beta != 1 && (beta != 0 || k == 0 || alpha == 0))
        scale_rows(m, n, beta, c, ldc);
    if (k == 0 || alpha == 0)
        return HCN_OK;

    operand left = view(a, transpose_a, lda), right = view(b, transpose_b, ldb);
    size_t a_size = (size_t)((smaller(MC, m) + MR - 1) / MR * MR * smaller(KC, k));
    size_t b_size = (size_t)((smaller(NC, n) + NR - 1) / NR * NR * smaller(KC, k));
    float *packed_a = malloc((a_size + b_size) * sizeof(float));
    if (packed_a == NULL)
        return HCN_ERROR_MEMORY;
    float *packed_b = packed_a + a_size;
    for (ptrdiff_t j = 0; j < n; j += NC) {
        ptrdiff_t columns = smaller(NC, n - j);
        for (ptrdiff_t p = 0; p < k; p += KC) {
            ptrdiff_t depth = smaller(KC, k - p);
            operand b_block = {right.data + p * right.row + j * right.column, right.column, right.row};
            pack(b_block, columns, depth, NR, 1, packed_b);
            for (ptrdiff_t i = 0; i < m; i += MC) {
                ptrdiff_t rows = smaller(MC, m - i);
                operand a_block = {left.data + i * left.row + p * left.column, left.row, left.column};
                pack(a_block, rows, depth, MR, alpha, packed_a);
                multiply_block(rows, columns, depth, packed_a, packed_b, beta != 0 || p > 0, c + i * (ptrdiff_t)ldc + j, ldc);
            }
        }
    }
    free(packed_a);
    return HCN_OK;
}
