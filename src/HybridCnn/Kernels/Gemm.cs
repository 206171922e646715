using HybridCnn.Interop;

namespace HybridCnn.Kernels;

/// <summary>Whether a matrix is read by rows as it is stored, or transposed. The values are CBLAS's.</summary>
internal enum Transpose
{
    No = 111,
    Yes = 112,
}

/// <summary>
/// The one way to a matrix product. Everything is proved before the call, because neither a BLAS nor the portable SGEMM knows
/// how long its arguments are.
/// <code>
///                 N
///            +---------+
///          K |  op(B)  |     row-major; ld = distance between the rows as stored, at least their width
///    K       +---------+
///  +-----+   +---------+
/// M|op(A)|   |    C    |  = alpha op(A) op(B) + beta C        C is not read where beta = 0
///  +-----+   +---------+
/// </code>
/// </summary>
internal static class Gemm
{
    /// <summary>C[M,N] = alpha op(A)[M,K] op(B)[K,N] + beta C on the calling thread. C must not overlap A or B.</summary>
    /// <exception cref="ArgumentException">A size is negative, a leading dimension or a span too short; names the argument and both values.</exception>
    public static void Run(Transpose ta, Transpose tb, int m, int n, int k, float alpha, ReadOnlySpan<float> a, int lda,
        ReadOnlySpan<float> b, int ldb, float beta, Span<float> c, int ldc)
    {
        if (!Blas.IsLibrary)
        {
            RunPortable(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
            return;
        }

        Check(ta, tb, m, n, k, a.Length, lda, b.Length, ldb, c.Length, ldc);
        unsafe
        {
            fixed (float* pa = a, pb = b, pc = c)
                NativeMethods.CblasSgemm(NativeMethods.RowMajor, (int)ta, (int)tb, m, n, k, alpha, pa, lda, pb, ldb, beta, pc, ldc);
        }
    }

    /// <summary>The same by the portable SGEMM: the fallback, and a second opinion.</summary>
    public static void RunPortable(Transpose ta, Transpose tb, int m, int n, int k, float alpha, ReadOnlySpan<float> a, int lda,
        ReadOnlySpan<float> b, int ldb, float beta, Span<float> c, int ldc)
    {
        Check(ta, tb, m, n, k, a.Length, lda, b.Length, ldb, c.Length, ldc);
        NativeStatus status;
        unsafe
        {
            fixed (float* pa = a, pb = b, pc = c)
                status = NativeMethods.Sgemm((int)ta, (int)tb, m, n, k, alpha, pa, lda, pb, ldb, beta, pc, ldc);
        }

        if (status == NativeStatus.Memory)
            throw new InsufficientMemoryException("The portable SGEMM got no memory for its packed blocks.");
        if (status != NativeStatus.Ok)
            throw new InvalidOperationException($"The portable SGEMM refused its arguments: {status}.");
    }

    private static void Check(Transpose ta, Transpose tb, int m, int n, int k, int aLength, int lda, int bLength, int ldb, int cLength, int ldc)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(m);
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        CheckMatrix("a", ta, m, k, aLength, lda);
        CheckMatrix("b", tb, k, n, bLength, ldb);
        CheckMatrix("c", Transpose.No, m, n, cLength, ldc);
    }

    private static void CheckMatrix(string name, Transpose transpose, int rows, int columns, int length, int ld)
    {
        if (transpose == Transpose.Yes)
            (rows, columns) = (columns, rows);
        else if (transpose != Transpose.No)
            throw new ArgumentOutOfRangeException("t" + name, transpose, "Expected Transpose.No or Transpose.Yes.");
        if (ld < Math.Max(1, columns))
            throw new ArgumentOutOfRangeException("ld" + name, ld, $"Rows of {name} as stored are {columns} wide; the leading dimension must be at least {Math.Max(1, columns)}.");
        long needed = rows == 0 || columns == 0 ? 0 : (rows - 1L) * ld + columns;
        if (length < needed)
            throw new ArgumentException($"{name} is stored as {rows} rows of {columns} with leading dimension {ld}: needs {needed} floats, got {length}.", name);
    }
}
