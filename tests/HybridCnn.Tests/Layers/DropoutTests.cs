using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Layers;

public class DropoutTests
{
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public void Drops_with_its_probability_and_keeps_the_mean(double probability)
    {
        float[] y = Mask(new Dropout(probability, new SeededRandom(1)), threads: 2, count: 1 << 20);
        Assert.All(y, value => Assert.True(value == 0 || value == (float)(1 / (1 - probability))));
        Assert.InRange(y.Average(), 0.99, 1.01);

        // Neighbours, and elements at the distance of a row or a plane, are independent: as many pairs are dropped as the square says. Five deviations of a share of 2^20.
        foreach (int distance in (int[])[1, 2, 16, 49, 1024, 1 << 16])
        {
            double pairs = Enumerable.Range(0, y.Length - distance).Count(i => y[i] == 0 && y[i + distance] == 0) / (double)(y.Length - distance);
            Assert.InRange(pairs, probability * probability - 0.003, probability * probability + 0.003);
        }
    }

    [Fact]
    public void Masks_follow_from_seed_step_and_place_alone()
    {
        var layer = new Dropout(0.5, new SeededRandom(1));
        float[] first = Mask(layer, threads: 1), second = Mask(layer, threads: 1);
        Assert.Equal(2ul, layer.Step);
        double agree = first.Zip(second).Count(pair => pair.First == pair.Second) / (double)first.Length;
        Assert.InRange(agree, 0.49, 0.51);
        Assert.NotEqual(first, Mask(new Dropout(0.5, new SeededRandom(2)), threads: 1));
        for (int threads = 2; threads <= 4; threads++)
        {
            var resumed = new Dropout(0.5) { Seed = layer.Seed, Step = 1 };
            Assert.Equal(second, Mask(resumed, threads));
            resumed.Step = 0;
            Assert.Equal(first, Mask(resumed, threads));
        }
    }

    [Fact]
    public void A_part_of_a_batch_is_dropped_as_in_the_whole() =>
        Assert.Equal(Mask(new Dropout(), 2)[..99], Mask(new Dropout(), 2, count: 99));

    [Fact]
    public void Evaluation_passes_everything_and_is_no_step()
    {
        using var context = new ComputeContext(2) { IsTraining = false };
        var layer = new Dropout(0.7);
        Tensor x = Tensor.From(new Shape(3), [1, -2, 3]), y = new(layer.Bind(x.Shape)), dx = new(x.Shape);
        layer.Forward(x, y, context);
        layer.Backward(x, y, x, dx, context);
        Assert.Equal(x.Span.ToArray(), y.Span.ToArray());
        Assert.Equal(x.Span.ToArray(), dx.Span.ToArray());
        Assert.Equal(0ul, layer.Step);
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.0)]
    [InlineData(double.NaN)]
    public void Refuses_what_is_no_probability(double probability) =>
        Assert.Equal("probability", Assert.Throws<ArgumentOutOfRangeException>(() => new Dropout(probability)).ParamName);

    private static float[] Mask(Dropout layer, int threads, int count = 100_003)
    {
        using var context = new ComputeContext(threads);
        Tensor x = new(new Shape(count)), y = new(layer.Bind(x.Shape)), dx = new(x.Shape);
        x.Span.Fill(1);
        layer.Forward(x, y, context);
        layer.Backward(x, y, x, dx, context);
        Assert.Equal(y.Span.ToArray(), dx.Span.ToArray());
        return y.Span.ToArray();
    }
}
