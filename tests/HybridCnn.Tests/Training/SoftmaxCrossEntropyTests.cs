using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

public class SoftmaxCrossEntropyTests
{
    private readonly SoftmaxCrossEntropy _loss = new();

    [Theory]
    [InlineData(1, 2, 1f)]
    [InlineData(5, 10, 3f)]
    [InlineData(3, 1000, 30f)]
    [InlineData(4, 1, 5f)]
    public void Equals_its_definition(int n, int k, float spread)
    {
        var random = new SeededRandom(6);
        Tensor logits = new(new Shape(n, k)), dlogits = new(new Shape(n, k));
        foreach (ref float value in logits.Span)
            value = random.NextFloat(-spread, spread);
        int[] labels = [.. Enumerable.Range(0, n).Select(_ => random.NextInt(k))];
        dlogits.Span.Fill(float.NaN);
        float loss = _loss.Forward(logits, labels, dlogits);
        var losses = new float[n];
        _loss.PerImage(logits, labels, losses);

        double expected = 0;
        for (int row = 0; row < n; row++)
        {
            double[] e = [.. logits.Item(row).ToArray().Select(value => Math.Exp(value))];
            double own = -Math.Log(e[labels[row]] / e.Sum());
            expected += own / n;
            Assert.Equal(own, losses[row], 1e-6 * (1 + own));
            for (int c = 0; c < k; c++)
                Assert.Equal((e[c] / e.Sum() - (c == labels[row] ? 1 : 0)) / n, dlogits.Item(row)[c], 1e-7);
        }

        Assert.Equal(expected, loss, 1e-6 * (1 + expected));
    }

    [Fact]
    public void Stays_finite_for_logits_of_any_finite_size()
    {
        Tensor logits = Tensor.From(new Shape(2, 3), [1e30f, -1e30f, 0, -3e38f, 3e38f, 3e38f]), dlogits = new(logits.Shape);
        Assert.Equal(Math.Log(2) / 2, _loss.Forward(logits, [0, 2], dlogits), 1e-6);
        Assert.Equal([0, 0, 0, 0, 0.25f, -0.25f], dlogits.Span.ToArray());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Is_not_finite_where_a_logit_is_not(float bad)
    {
        Tensor logits = Tensor.From(new Shape(1, 3), [0, bad, 0]);
        Assert.False(float.IsFinite(_loss.Forward(logits, [0], new Tensor(logits.Shape))));
    }

    [Fact]
    public void Says_which_label_has_no_class()
    {
        Tensor logits = new(new Shape(3, 4)), dlogits = new(new Shape(3, 4));
        Assert.StartsWith("Label 1 is 4, but there are 4 classes.", Refused(() => _loss.Forward(logits, [0, 4, 1], dlogits), "labels"));
        Assert.StartsWith("Label 2 is -1, but there are 4 classes.", Refused(() => _loss.Forward(logits, [0, 3, -1], dlogits), "labels"));
        Assert.StartsWith("The output is [3, 4], but there are 2 labels.", Refused(() => _loss.Forward(logits, [0, 3], dlogits), "labels"));
        Assert.StartsWith("The output is [3, 4] in Nchw, its gradient is [4, 3] in Nchw.", Refused(() => _loss.Forward(logits, [0, 1, 2], new Tensor(new Shape(4, 3))), "gradient"));
        Assert.StartsWith("Labels need an output [N, K]; got [3, 4, 1, 1].", Refused(() => _loss.Forward(new Tensor(new Shape(3, 4, 1, 1)), [0, 1, 2], dlogits), "output"));
        Refused(() => _loss.Forward(null!, [0], dlogits), "output");
        Refused(() => _loss.Forward(logits, [0, 1, 2], null!), "gradient");
        Refused(() => _loss.PerImage(logits, [0, 1], new float[3]), "losses");
        Refused(() => _loss.PerImage(logits, [0, 1, 2, 3], new float[4]), "labels");
        Refused(() => _loss.PerImage(logits, [], []), "labels");
    }

    private static string Refused(Action call, string argument)
    {
        ArgumentException exception = Assert.ThrowsAny<ArgumentException>(call);
        Assert.Equal(argument, exception.ParamName);
        return exception.Message;
    }
}
