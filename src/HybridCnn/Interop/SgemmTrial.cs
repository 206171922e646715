namespace HybridCnn.Interop;

/// <summary>
/// What a CBLAS is tried with before it serves. Its products of small whole numbers are exact in whatever order it sums, so they must equal those of plain
/// loops; rows lie apart, and nothing between, before or behind them may be read into a result or written.
/// </summary>
internal static unsafe class SgemmTrial
{
    private const int RowMajor = NativeMethods.RowMajor, NoTranspose = (int)NativeTranspose.NoTranspose, Transpose = (int)NativeTranspose.Transpose;

    // Floats between the rows, and before and behind C.
    private const int Gap = 3, Margin = 16;
    private const float Untouched = 12345;

    private static readonly (int M, int N, int K)[] s_sizes = [(1, 1, 1), (2, 3, 4), (7, 18, 21), (33, 20, 9)];
    private static readonly (float Alpha, float Beta)[] s_scales = [(1, 0), (1, 1), (-0.5f, 2)];

    /// <summary>Whether cblas_sdot takes integers of 32 bits; null if so, else what is wrong.</summary>
    public static string? IntegerFault(nint sdot)
    {
        if (nint.Size < sizeof(long))
            return null;
        // 1 in 32 bits, negative in 64: one product, or none. No other function is as harmless with a negative length.
        const long OneOrNegative = unchecked((long)0xFFFFFFFF_00000001);
        float two = 2;
        float sum = ((delegate* unmanaged[Cdecl]<long, float*, long, float*, long, float>)sdot)(OneOrNegative, &two, 1, &two, 1);
        return sum switch
        {
            4 => null,
            0 => "its integers are 64 bits wide (ILP64), and 32 bits are passed (LP64): use its LP64 build",
            _ => $"wrong results: cblas_sdot of 2 and 2 is {sum}",
        };
    }

    /// <summary>What is wrong with cblas_sgemm, or null.</summary>
    public static string? Fault(nint sgemm)
    {
        foreach ((int m, int n, int k) in s_sizes)
        {
            foreach ((int ta, int tb) in new[] { (NoTranspose, NoTranspose), (NoTranspose, Transpose), (Transpose, NoTranspose), (Transpose, Transpose) })
            {
                foreach ((float alpha, float beta) in s_scales)
                {
                    if (Fault(sgemm, ta == Transpose, tb == Transpose, m, n, k, alpha, beta) is { } fault)
                        return $"wrong results: {fault}, of M={m} N={n} K={k} {(ta == Transpose ? 'T' : 'N')}{(tb == Transpose ? 'T' : 'N')}, alpha={alpha}, beta={beta}";
                }
            }
        }

        return null;
    }

    private static string? Fault(nint sgemm, bool ta, bool tb, int m, int n, int k, float alpha, float beta)
    {
        int lda = (ta ? m : k) + Gap, ldb = (tb ? k : n) + Gap, ldc = n + Gap;
        float[] a = Matrix(ta ? k : m, lda, 5, float.NaN), b = Matrix(tb ? n : k, ldb, 7, float.NaN);
        float[] c = [.. Enumerable.Repeat(Untouched, Margin), .. Matrix(m, ldc, 3, Untouched), .. Enumerable.Repeat(Untouched, Margin)];
        float[] before = [.. c];
        if (beta == 0)
        {
            for (int i = 0; i < m; i++)
                c.AsSpan(Margin + i * ldc, n).Fill(float.NaN);
        }

        fixed (float* pa = a, pb = b, pc = c)
        {
            ((delegate* unmanaged[Cdecl]<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)sgemm)(
                RowMajor, ta ? Transpose : NoTranspose, tb ? Transpose : NoTranspose, m, n, k, alpha, pa, lda, pb, ldb, beta, pc + Margin, ldc);
        }

        for (int at = 0; at < c.Length; at++)
        {
            int row = Math.DivRem(Math.Max(at - Margin, 0), ldc, out int column);
            if (at < Margin || row >= m || column >= n)
            {
                if (c[at] != Untouched)
                    return $"it wrote outside of C, {at - Margin} floats from its start";
                continue;
            }

            float sum = 0;
            for (int p = 0; p < k; p++)
                sum += a[ta ? p * lda + row : row * lda + p] * b[tb ? column * ldb + p : p * ldb + column];
            float expected = alpha * sum + (beta == 0 ? 0 : beta * before[at]);
            if (c[at] != expected)
                return $"C[{row}, {column}] is {c[at]} instead of {expected}";
        }

        return null;
    }

    // Whole numbers from -4 to 4 in rows, with something between them.
    private static float[] Matrix(int rows, int ld, int step, float between)
    {
        var matrix = new float[rows * ld];
        for (int i = 0; i < matrix.Length; i++)
            matrix[i] = i % ld < ld - Gap ? i * step % 9 - 4 : between;
        return matrix;
    }
}
