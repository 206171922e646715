using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Kernels;

/// <summary>Planes of single numbers of every width, whose doubled rows are made in registers, against the sums by which they are defined.</summary>
public class UpsamplingTests
{
    private const double Bound = 1e-6;

    [Theory]
    [InlineData(2, false)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public void Enlarges_rows_of_every_width_and_adds_them_back(int factor, bool isBilinear)
    {
        const int Height = 2;
        var random = new SeededRandom(1);
        foreach (GuardSide side in (GuardSide[])[GuardSide.End, GuardSide.Start])
        for (int width = 1; width < 45; width++)
        {
            Interpolation[] rows = Interpolation.Along(Height, Height * factor, isBilinear), columns = Interpolation.Along(width, width * factor, isBilinear);
            using var x = new GuardedBuffer(random.Floats(Height * width), side);
            using var y = new GuardedBuffer(rows.Length * columns.Length, side);
            using var scratch = new GuardedBuffer(width, side);
            y.Span.Fill(float.NaN);
            scratch.Span.Fill(float.NaN);
            Upsampling.Forward(rows, columns, 1, x.Span, scratch.Span, y.Span);
            float[] dy = random.Floats(y.Length), image = x.Span.ToArray();
            var expected = new double[y.Length];
            var gradient = new double[x.Length];
            for (int i = 0; i < expected.Length; i++)
            {
                Interpolation row = rows[i / columns.Length], column = columns[i % columns.Length];
                foreach (var (r, rowShare) in new[] { (row.First, row.FirstShare), (row.Second, row.SecondShare) })
                foreach (var (c, columnShare) in new[] { (column.First, column.FirstShare), (column.Second, column.SecondShare) })
                {
                    double share = (double)rowShare * columnShare;
                    expected[i] += share * image[r * width + c];
                    gradient[r * width + c] += share * dy[i];
                }
            }

            string problem = $"{Height}x{width} times {factor}, bilinear {isBilinear}";
            Tolerance.AssertClose(expected, y.Span, Bound, problem);
            x.Span.Fill(float.NaN);
            scratch.Span.Fill(float.NaN);
            Upsampling.Backward(rows, columns, 1, dy, scratch.Span, x.Span);
            Tolerance.AssertClose(gradient, x.Span, 4 * Bound, $"{problem}, gradient");
        }
    }
}
