using HybridCnn.Interop;
using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Kernels;

public sealed class GemmTests
{
    private delegate void Sgemm(Transpose ta, Transpose tb, int m, int n, int k, float alpha, ReadOnlySpan<float> a, int lda,
        ReadOnlySpan<float> b, int ldb, float beta, Span<float> c, int ldc);

    private static readonly (int M, int N, int K)[] s_shapes =
        [(1, 1, 1), (1, 17, 3), (17, 1, 3), (3, 5, 1), (2, 2, 0), (0, 3, 4), (3, 0, 4), (5, 7, 11), (20, 576, 25), (50, 64, 500), (33, 65, 129), (100, 31, 300)];

    private static readonly (float Alpha, float Beta)[] s_scales = [(1, 0), (1, 1), (-0.5f, 0.25f), (0, 0), (0, 1.5f)];

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, false, true)]
    [InlineData(false, true, false)]
    [InlineData(false, true, true)]
    [InlineData(true, false, false)]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(true, true, true)]
    public void Agrees_with_a_sum_in_double_and_stays_within_its_spans(bool portable, bool transposeA, bool transposeB)
    {
        var random = new SeededRandom(7);
        foreach (var (m, n, k) in s_shapes)
        {
            foreach (var (alpha, beta) in s_scales)
            {
                foreach (GuardSide side in Enum.GetValues<GuardSide>())
                    Compare(portable, transposeA, transposeB, m, n, k, alpha, beta, spare: side == GuardSide.End ? 0 : 3, side, random);
            }
        }
    }

    private static void Compare(bool portable, bool transposeA, bool transposeB, int m, int n, int k, float alpha, float beta, int spare, GuardSide side, SeededRandom random)
    {
        var (aRows, aColumns) = transposeA ? (k, m) : (m, k);
        var (bRows, bColumns) = transposeB ? (n, k) : (k, n);
        int lda = Math.Max(1, aColumns + spare), ldb = Math.Max(1, bColumns + spare), ldc = Math.Max(1, n + spare);
        using GuardedBuffer a = Random(aRows, aColumns, lda, side, random), b = Random(bRows, bColumns, ldb, side, random), c = Random(m, n, ldc, side, random);
        if (beta == 0)
        {
            for (int i = 0; i < m && n > 0; i++)
                c.Span.Slice(i * ldc, n).Fill(float.NaN);
        }

        float[] before = c.Span.ToArray();
        Sgemm sgemm = portable ? Gemm.RunPortable : Gemm.Run;
        sgemm(transposeA ? Transpose.Yes : Transpose.No, transposeB ? Transpose.Yes : Transpose.No, m, n, k, alpha, a.Span, lda, b.Span, ldb, beta, c.Span, ldc);

        for (int i = 0; i < before.Length; i++)
        {
            var (row, column) = (i / ldc, i % ldc);
            if (column >= n)
            {
                Assert.Equal(before[i], c.Span[i]);
                continue;
            }

            double sum = 0, size = 0;
            for (int p = 0; p < k; p++)
            {
                double product = (double)a.Span[transposeA ? p * lda + row : row * lda + p] * b.Span[transposeB ? column * ldb + p : p * ldb + column];
                sum += product;
                size += Math.Abs(product);
            }

            double old = beta == 0 ? 0 : (double)beta * before[i];
            double expected = alpha * sum + old;
            // Each of the k + 2 roundings is at most half a unit in the last place (2^-24) of what has been summed so far.
            double bound = (k + 4) * 6e-8 * (Math.Abs(alpha) * size + Math.Abs(old)) + 1e-30;
            Assert.True(Math.Abs(expected - c.Span[i]) <= bound, $"{m}x{n}x{k} alpha={alpha} beta={beta} [{row},{column}]: expected {expected}, got {c.Span[i]}");
        }
    }

    private static GuardedBuffer Random(int rows, int columns, int ld, GuardSide side, SeededRandom random)
    {
        var buffer = new GuardedBuffer(rows == 0 || columns == 0 ? 0 : (rows - 1) * ld + columns, side);
        foreach (ref float x in buffer.Span)
            x = random.NextFloat(-1, 1);
        return buffer;
    }

    [Theory]
    [InlineData("a", 5, 6, 6, "needs 6 floats, got 5")]
    [InlineData("b", 6, 11, 6, "needs 12 floats, got 11")]
    [InlineData("c", 6, 12, 7, "needs 8 floats, got 7")]
    public void A_span_too_short_is_named_with_both_lengths(string name, int a, int b, int c, string says)
    {
        // 2x4 = 2x3 · 3x4; the check of a comes before that of c.
        var e = Assert.Throws<ArgumentException>(() => Gemm.Run(Transpose.No, Transpose.No, 2, 4, 3, 1, new float[a], 3, new float[b], 4, 0, new float[c], 4));
        Assert.Equal(name, e.ParamName);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lda", 2, 4, 4)]
    [InlineData("ldb", 3, 3, 4)]
    [InlineData("ldc", 3, 4, 3)]
    [InlineData("ldc", 3, 4, -4)]
    public void A_leading_dimension_below_the_width_is_named(string name, int lda, int ldb, int ldc)
    {
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => Gemm.Run(Transpose.No, Transpose.No, 2, 4, 3, 1, new float[99], lda, new float[99], ldb, 0, new float[99], ldc));
        Assert.Equal(name, e.ParamName);
    }

    [Theory]
    [InlineData("m", -1, 1, 1)]
    [InlineData("n", 1, -1, 1)]
    [InlineData("k", 1, 1, int.MinValue)]
    public void A_negative_size_is_named(string name, int m, int n, int k)
    {
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => Gemm.Run(Transpose.No, Transpose.No, m, n, k, 1, new float[9], 3, new float[9], 3, 0, new float[9], 3));
        Assert.Equal(name, e.ParamName);
    }

    [Fact]
    public void A_transposition_that_is_none_is_named() =>
        Assert.Equal("tb", Assert.Throws<ArgumentOutOfRangeException>(() => Gemm.Run(Transpose.No, 0, 1, 1, 1, 1, new float[1], 1, new float[1], 1, 0, new float[1], 1)).ParamName);

    [Theory]
    [InlineData(65536, 65537)]
    [InlineData(int.MaxValue, int.MaxValue)]
    public void A_size_that_overflows_32_bits_is_refused_and_not_wrapped(int rows, int ld)
    {
        // 65536 rows of 65537 wrap to 65536 in 32 bits, which a buffer of 65536 floats would satisfy.
        var e = Assert.Throws<ArgumentException>(() => Gemm.Run(Transpose.No, Transpose.No, rows, 1, 1, 1, new float[65536], ld, new float[1], 1, 0, new float[65536], 1));
        Assert.Equal("a", e.ParamName);
        Assert.Contains($"needs {(rows - 1L) * ld + 1} floats, got 65536", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Calls_allocate_nothing()
    {
        float[] a = new float[64], b = new float[64], c = new float[64];
        void Call()
        {
            Gemm.Run(Transpose.No, Transpose.Yes, 8, 8, 8, 1, a, 8, b, 8, 0, c, 8);
            Gemm.RunPortable(Transpose.No, Transpose.Yes, 8, 8, 8, 1, a, 8, b, 8, 0, c, 8);
        }

        Call();
        Assert.Equal(0, Allocations.OfThisThread(Call));
    }

    [Fact]
    public void What_serves_says_what_it_is() => Assert.Contains(Blas.Current.Kind, new[] { "openblas", "cblas", "portable" });
}
