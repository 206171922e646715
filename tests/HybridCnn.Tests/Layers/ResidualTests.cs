using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Layers;

public class ResidualTests
{
    [Fact]
    public void Names_parameters_after_the_two_ways()
    {
        var block = new Residual(
            new Sequential(new Conv2d(2, 4, 3, padding: 1, bias: false), new BatchNorm2d(4), new ReLU()), new Sequential(new Conv2d(2, 4, 1)));
        var network = new Sequential(block, new ReLU(), new Residual(new Conv2d(4, 4, 1, bias: false)));
        string[] names = ["0.body.0.weight", "0.body.1.weight", "0.body.1.bias", "0.shortcut.0.weight", "0.shortcut.0.bias", "2.body.weight"];
        Assert.Equal(names, network.NamedParameters.Select(named => named.Name));
        Assert.Equal(network.NamedParameters.Select(named => named.Parameter), network.Parameters);
        Assert.Equal([.. names[..3], "0.body.1.running_mean", "0.body.1.running_var", .. names[3..]], network.NamedState.Select(named => named.Name));
        Assert.Equal(2, network.Buffers.Count);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Is_the_sum_of_its_parts_and_takes_in_a_ReLU(bool hasShortcut, bool bodyReadsOutput)
    {
        var shape = new Shape(3, 16, 5, 6).In(Layout.Nhwc);
        using var context = new ComputeContext(2);
        Sequential network = new(new Residual(Body(), hasShortcut ? Shortcut() : null), new ReLU(), new LayoutChange(Layout.Nchw));
        Tensor x = Tensor.From(shape, new SeededRandom(2).Floats(shape.Count)), y = new(network.Bind(shape)), dx = new(shape);
        Tensor dy = Tensor.From(y.Shape, new SeededRandom(3).Floats(y.Shape.Count));
        Assert.Contains("ReLU, computed by 0,", network.Explain(), StringComparison.Ordinal);
        Assert.Equal(hasShortcut, network.Explain().Contains("0.shortcut.0 Conv2d", StringComparison.Ordinal));
        network.Forward(x, y, context);
        network.Backward(x, y, dy, dx, context);

        Layer body = Body(), turn = new LayoutChange(Layout.Nchw), turnBack = new LayoutChange(Layout.Nhwc);
        Layer? shortcut = hasShortcut ? Shortcut() : null;
        foreach (Layer? layer in (Layer?[])[body, shortcut, turn])
            layer?.Bind(shape);
        turnBack.Bind(y.Shape);
        Tensor b = new(shape), s = new(shape), sum = new(shape), expected = new(y.Shape), gradient = new(shape), db = new(shape), ds = new(shape);
        body.Forward(x, b, context);
        shortcut?.Forward(x, s, context);
        for (int i = 0; i < sum.Span.Length; i++)
            sum.Span[i] = Math.Max(0, b.Span[i] + (hasShortcut ? s : x).Span[i]);
        turn.Forward(sum, expected, context);
        Assert.Equal(expected.Span.ToArray(), y.Span.ToArray());

        turnBack.Forward(dy, gradient, context);
        for (int i = 0; i < sum.Span.Length; i++)
            gradient.Span[i] = sum.Span[i] > 0 ? gradient.Span[i] : 0;
        body.Backward(x, b, gradient, db, context);
        shortcut?.Backward(x, s, gradient, ds, context);
        for (int i = 0; i < sum.Span.Length; i++)
            Assert.Equal(db.Span[i] + (hasShortcut ? ds : gradient).Span[i], dx.Span[i]);
        Assert.Equal(
            body.Parameters.Concat(shortcut?.Parameters ?? []).Select(p => p.Gradient.Span.ToArray()), network.Parameters.Select(p => p.Gradient.Span.ToArray()));

        Layer Body() => bodyReadsOutput
            ? new Sequential(new Conv2d(16, 16, 3, padding: 1, random: new SeededRandom(4)), new Tanh())
            : new Sequential(new Conv2d(16, 16, 3, padding: 1, random: new SeededRandom(4)), new BatchNorm2d(16));

        static Layer Shortcut() => new Sequential(new Conv2d(16, 16, 1, random: new SeededRandom(5)), new BatchNorm2d(16));
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        using var context = new ComputeContext(2);
        var network = new Sequential(
            new Conv2d(3, 16, 3, padding: 1), new ReLU(), new MaxPool2d(2), new GELU(),
            new Residual(new Sequential(new Conv2d(16, 32, 3, stride: 2, padding: 1), new BatchNorm2d(32)), new Conv2d(16, 32, 1, stride: 2)), new ReLU(),
            new Residual(new Conv2d(32, 32, 3, padding: 1)), new ReLU(), new GlobalAveragePool2d(), new Linear(32, 4));
        Tensor x = new(new Shape(8, 3, 32, 32)), y = new(network.Bind(x.Shape)), dy = new(y.Shape);
        for (int step = 0; step < 3; step++)
            Step();
        Assert.Equal(0, Allocations.OfThisThread(Step));

        void Step()
        {
            network.Forward(x, y, context);
            network.Backward(x, y, dy, null, context);
        }
    }

    [Fact]
    public void Refuses_one_layer_on_both_ways() =>
        Assert.Equal("shortcut", Assert.Throws<ArgumentException>(() =>
        {
            var layer = new ReLU();
            _ = new Residual(layer, layer);
        }).ParamName);
}
