using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Kernels;

public class RowDotsTests
{
    [Fact]
    public void A_row_times_many_adds_the_double_reference_whatever_is_asked_for_together()
    {
        foreach (int length in (int[])[1, 7, 16, 33, 200])
        {
            foreach (int rows in (int[])[1, 3, 4, 6, 9])
            {
                var random = new SeededRandom(1);
                using GuardedBuffer x = new(random.Floats(length)), w = new(random.Floats(length * rows)), y = new(random.Floats(rows));
                float[] before = y.Span.ToArray();
                RowDots.Add(x.Span, w.Span, y.Span);
                for (int row = 0; row < rows; row++)
                {
                    double sum = before[row];
                    for (int k = 0; k < length; k++)
                        sum += (double)x.Span[k] * w.Span[row * length + k];
                    Assert.True(Math.Abs(sum - y.Span[row]) <= Tolerance.ForSum(length + 1, 1), $"{rows} rows of {length}, row {row}: {sum} expected, got {y.Span[row]}");
                    float[] alone = [before[row]];
                    RowDots.Add(x.Span, w.Span.Slice(row * length, length), alone);
                    Assert.Equal(alone[0], y.Span[row]);
                }
            }
        }
    }

    [Fact]
    public void Wrong_lengths_are_refused() => Assert.Throws<ArgumentException>(() => RowDots.Add(new float[3], new float[7], new float[2]));
}
