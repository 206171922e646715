namespace HybridCnn.Kernels;

/// <summary>
/// Cuts a product into pieces that OpenBLAS computes with its small-matrix kernels. Those read A and B where they lie instead
/// of packing them first, and reach the processor's peak from 64x64x64 on; OpenBLAS takes them up to M·N·K = 10⁶ (0.3.17 and
/// later, on cores with AVX-512). B is never transposed here: for a transposed B they serve only M·N ≤ <see cref="TransposedBLimit"/>.
/// </summary>
internal static class GemmPieces
{
    /// <summary>Largest M·N of a small product by a transposed B.</summary>
    public const int TransposedBLimit = 1200;

    private const long Limit = 1_000_000;

    /// <summary>The kernels compute six rows at a time.</summary>
    public const int RowsTogether = 6;

    // And four vectors of 16 columns.
    private const int PanelColumns = 64;

    // A panel of B this long (64 KB) still comes from the second-level cache fast enough.
    private const int PanelRows = 256;

    // OpenBLAS's names of the cores that have the kernels.
    private static readonly string[] Cores = ["SkylakeX", "Cooperlake", "SapphireRapids"];

    /// <summary>Whether OpenBLAS has the kernels on a core of this name.</summary>
    public static bool ServedOn(string? core) => Cores.Contains(core, StringComparer.OrdinalIgnoreCase);

    /// <summary><see cref="Run"/> where the small-matrix kernels serve, one whole product elsewhere.</summary>
    public static void RunWhere(
        bool smallKernels, Transpose ta, int m, int n, int k, ReadOnlySpan<float> a, int lda, ReadOnlySpan<float> b, int ldb, float beta, Span<float> c, int ldc)
    {
        if (smallKernels)
            Run(ta, m, n, k, a, lda, b, ldb, beta, c, ldc);
        else
            Gemm.Run(ta, Transpose.No, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
    }

    /// <summary>C [m, n] = op(A) [m, k] · B [k, n] + beta·C, row-major.</summary>
    public static void Run(Transpose ta, int m, int n, int k, ReadOnlySpan<float> a, int lda, ReadOnlySpan<float> b, int ldb, float beta, Span<float> c, int ldc)
    {
        if ((long)m * n * k <= Limit)
        {
            Gemm.Run(ta, Transpose.No, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
            return;
        }

        //        N in panels              One piece: ms x ns x ks ≤ 10⁶. K innermost, so that a piece of C stays in the
        //      ┌──┬──┬──┐               first-level cache while it is summed.
        //    K │  │  │  │ B
        //  K   ├──┼──┼──┤
        // ┌──┬─┐──┴──┴──┘
        // │  │ │  │  │  │ M
        // └──┴─┘──┴──┴──┘
        //   A      C
        int ks = Even(k, PanelRows);
        int ns = (int)Math.Min(n, Math.Max(1, Limit / ((long)Math.Min(m, PanelColumns) * ks) / PanelColumns) * PanelColumns);
        int most = (int)(Limit / ((long)ns * ks)), ms = Even(m, most);
        ms = Math.Min((ms + RowsTogether - 1) / RowsTogether * RowsTogether, most);
        for (int column = 0; column < n; column += ns)
        {
            for (int row = 0; row < m; row += ms)
            {
                for (int depth = 0; depth < k; depth += ks)
                {
                    Gemm.Run(
                        ta, Transpose.No, Math.Min(ms, m - row), Math.Min(ns, n - column), Math.Min(ks, k - depth),
                        1, a[(ta == Transpose.No ? row * lda + depth : depth * lda + row)..], lda,
                        b[(depth * ldb + column)..], ldb,
                        depth == 0 ? beta : 1, c[(row * ldc + column)..], ldc);
                }
            }
        }
    }

    // The largest part when total is cut into the fewest parts of about equal size that don't exceed the maximum.
    private static int Even(int total, int maximum)
    {
        int parts = (total + maximum - 1) / maximum;
        return (total + parts - 1) / parts;
    }
}
