using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Kernels;

/// <summary>The small kernels around the products: row copies, transposition, bias, sums, and cutting products to pieces.</summary>
public class MatrixKernelTests
{
    [Fact]
    public void Row_copies_of_every_width_touch_their_rows_only()
    {
        var random = new SeededRandom(1);
        foreach (GuardSide side in (GuardSide[])[GuardSide.End, GuardSide.Start])
        foreach (int width in Enumerable.Range(1, 70).Concat([255, 256, 300]))
        foreach (var (blocks, rows) in ((int, int)[])[(1, 1), (3, 4)])
        {
            int sourceStride = width + 2, destinationStride = width + 1, destinationShift = rows * destinationStride + 3;
            using var source = new GuardedBuffer(random.Floats((blocks - 1) + (rows - 1) * sourceStride + width), side);
            using var destination = new GuardedBuffer((blocks - 1) * destinationShift + (rows - 1) * destinationStride + width, side);
            float[] expected = destination.Span.ToArray();
            for (int block = 0; block < blocks; block++)
            for (int row = 0; row < rows; row++)
            for (int i = 0; i < width; i++)
                expected[block * destinationShift + row * destinationStride + i] = source.Span[block + row * sourceStride + i];
            RowCopy.Run(source.Span, sourceStride, 1, destination.Span, destinationStride, destinationShift, blocks, rows, width);
            Assert.Equal(expected, destination.Span.ToArray());
        }
    }

    [Theory]
    [InlineData(10, 11)]
    [InlineData(11, 10)]
    public void Row_copies_never_leave_their_spans(int sourceLength, int destinationLength) =>
        Assert.Throws<ArgumentException>(() => RowCopy.Run(new float[sourceLength], 6, 0, new float[destinationLength], 6, 0, 1, 2, 5));

    [Fact]
    public void Transposes_every_size()
    {
        var random = new SeededRandom(2);
        for (int rows = 1; rows < 11; rows++)
        {
            for (int columns = 1; columns < 11; columns++)
            {
                int lda = columns + rows % 3;
                using var a = new GuardedBuffer(random.Floats((rows - 1) * lda + columns));
                using var b = new GuardedBuffer(rows * columns);
                LayoutTransform.Transpose(rows, columns, a.Span, lda, b.Span, rows);
                var expected = new float[rows * columns];
                for (int i = 0; i < expected.Length; i++)
                    expected[i] = a.Span[i % rows * lda + i / rows];
                Assert.Equal(expected, b.Span.ToArray());

                using var addend = new GuardedBuffer(random.Integers((rows - 1) * lda + columns));
                using var sum = new GuardedBuffer(random.Integers(rows * columns));
                for (int i = 0; i < expected.Length; i++)
                    expected[i] = sum.Span[i] + addend.Span[i % rows * lda + i / rows];
                TransposedSum.Add(addend.Span, lda, rows, columns, sum.Span);
                Assert.Equal(expected, sum.Span.ToArray());
            }
        }
    }

    [Fact]
    public void Bias_fills_rows_and_sums_rows()
    {
        var random = new SeededRandom(3);
        for (int columns = 1; columns < 150; columns++)
        {
            int ld = columns + columns % 2;
            using var y = new GuardedBuffer(2 * ld + columns);
            Bias.Fill([1, 2, 3], columns, y.Span, ld);
            for (int i = 0; i < y.Length; i++)
                Assert.Equal(i % ld < columns ? i / ld + 1 : float.NaN, y.Span[i]);

            using var dy = new GuardedBuffer(random.Integers(y.Length));
            float[] sums = [10, 20, 30];
            Bias.AddRowSums(dy.Span, ld, columns, sums);
            for (int row = 0; row < 3; row++)
                Assert.Equal((row + 1) * 10 + dy.Span.Slice(row * ld, columns).ToArray().Sum(), sums[row]);
        }
    }

    [Fact]
    public void Sums_add_every_length()
    {
        var random = new SeededRandom(4);
        for (int length = 1; length < 70; length++)
        {
            using var part = new GuardedBuffer(random.Floats(length));
            using var total = new GuardedBuffer(random.Floats(length));
            float[] expected = [.. total.Span.ToArray().Zip(part.Span.ToArray(), (a, b) => a + b)];
            Sums.Add(part.Span, total.Span);
            Assert.Equal(expected, total.Span.ToArray());
        }

        Assert.Throws<ArgumentException>("part", () => Sums.Add(new float[3], new float[4]));
    }

    [Theory]
    [InlineData(50, 64, 500)]
    [InlineData(500, 64, 50)]
    [InlineData(333, 257, 41)]
    [InlineData(7, 3001, 90)]
    [InlineData(1, 1, 1500000)]
    [InlineData(1200, 1200, 3)]
    [InlineData(20, 30, 40)]
    public void Products_in_pieces_are_the_product(int m, int n, int k)
    {
        var random = new SeededRandom(5);
        foreach (Transpose ta in (Transpose[])[Transpose.No, Transpose.Yes])
        foreach (float beta in (float[])[0, 1])
        {
            int lda = (ta == Transpose.No ? k : m) + 1, ldb = n + 2, ldc = n + 3;
            using var a = new GuardedBuffer(random.Integers((long)((ta == Transpose.No ? m : k) - 1) * lda + (ta == Transpose.No ? k : m)));
            using var b = new GuardedBuffer(random.Integers((k - 1L) * ldb + n));
            using var c = new GuardedBuffer(random.Integers((m - 1L) * ldc + n));
            float[] expected = c.Span.ToArray();
            Gemm.RunPortable(ta, Transpose.No, m, n, k, 1, a.Span, lda, b.Span, ldb, beta, expected, ldc);
            if (beta == 0)
            {
                for (int row = 0; row < m; row++)
                    c.Span.Slice(row * ldc, n).Fill(float.NaN);
            }

            GemmPieces.Run(ta, m, n, k, a.Span, lda, b.Span, ldb, beta, c.Span, ldc);
            Assert.Equal(expected, c.Span.ToArray());
        }
    }

    [Theory]
    [InlineData("SkylakeX", true)]
    [InlineData("Cooperlake", true)]
    [InlineData("SAPPHIRERAPIDS", true)]
    [InlineData("Haswell", false)]
    [InlineData("Zen", false)]
    [InlineData("", false)]
    public void Cores_with_small_kernels_are_known_by_name(string core, bool served) => Assert.Equal(served, GemmPieces.ServedOn(core));

    [Fact]
    public void Windows_are_what_counting_finds()
    {
        var random = new SeededRandom(6);
        for (int i = 0; i < 2000; i++)
        {
            int offset = random.NextInt(30) - 15, stride = 1 + random.NextInt(4), input = 1 + random.NextInt(12), start = random.NextInt(5), end = start + random.NextInt(12);
            int[] inside = [.. Enumerable.Range(start, end - start).Where(o => o * stride + offset >= 0 && o * stride + offset < input)];
            var (first, last) = Window.Inside(offset, stride, input, start, end);
            Assert.InRange(first, start, last);
            Assert.Equal(inside, Enumerable.Range(first, last - first));
        }
    }
}
