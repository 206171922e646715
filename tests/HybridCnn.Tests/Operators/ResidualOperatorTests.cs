using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

public class ResidualOperatorTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(37, true)]
    [InlineData(100003, true)]
    [InlineData(100003, false)]
    public void Adds_and_cuts_off_below_zero_if_asked(int count, bool relu)
    {
        var random = new SeededRandom(1);
        var shape = new Shape(count);
        Tensor a = Tensor.From(shape, random.Floats(count)), b = Tensor.From(shape, random.Floats(count)), y = new(shape);
        float[] expected = [.. a.Span.ToArray().Zip(b.Span.ToArray(), (u, v) => relu ? Math.Max(0, u + v) : u + v)];
        var sum = new ResidualOperator();
        for (int threads = 1; threads <= 3; threads++)
        {
            using var context = new ComputeContext(threads);
            y.Span.Fill(float.NaN);
            sum.Forward(a, b, relu, y, context);
            Assert.Equal(expected, y.Span.ToArray());
        }

        using var one = new ComputeContext(1);
        sum.Forward(a, b, relu, a, one);
        Assert.Equal(expected, a.Span.ToArray());
        Assert.Contains("[2]", Assert.Throws<ArgumentException>(() => sum.Forward(a, new Tensor(new Shape(2)), relu, y, one)).Message, StringComparison.Ordinal);
    }
}
