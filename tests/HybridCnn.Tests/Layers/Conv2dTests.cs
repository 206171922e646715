using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Layers;

public class Conv2dTests
{
    [Fact]
    public void Computes_and_differentiates_as_the_reference_does()
    {
        var random = new SeededRandom(1);
        var layer = new Conv2d(4, 6, (3, 2), stride: (2, 1), padding: (1, 0, 2, 1), dilation: (1, 2), groups: 2, random: random);
        var dims = Conv2dDims.Create(3, 4, 9, 8, 6, 3, 2, 2, 1, 1, 0, 2, 1, 1, 2, 2);
        Shape input = new(3, 4, 9, 8), output = layer.Bind(input);
        Assert.Equal(new Shape(3, 6, dims.OH, dims.OW), output);
        Assert.Equal(dims, layer.Plan!.Dims);

        Tensor x = Tensor.From(input, random.Floats(input.Count)), dy = Tensor.From(output, random.Floats(output.Count));
        Tensor y = new(output), dx = new(input);
        y.Span.Fill(float.NaN);
        dx.Span.Fill(float.NaN);
        Parameter weight = layer.Parameters[0], bias = layer.Parameters[1];
        weight.Gradient.Span.Fill(1);
        bias.Gradient.Span.Fill(2);
        using var context = new ComputeContext(2);
        layer.Forward(x, y, context);
        layer.Backward(x, y, dy, dx, context);

        var (expectedY, expectedDX, dw, db) = ReferenceConvolution.Passes(dims, x.Span, weight.Value.Span, bias.Value.Span, dy.Span);
        Tolerance.AssertClose(expectedY, y.Span, Tolerance.ForSum(13, 1), "y");
        Tolerance.AssertClose(expectedDX, dx.Span, Tolerance.ForSum(18, 1), "dx");
        Tolerance.AssertClose([.. dw.Select(g => g + 1)], weight.Gradient.Span, Tolerance.ForSum(dims.N * dims.OH * dims.OW, 1), "dw");
        Tolerance.AssertClose([.. db.Select(g => g + 2)], bias.Gradient.Span, Tolerance.ForSum(dims.N * dims.OH * dims.OW, 1), "db");
    }

    [Fact]
    public void Leaves_the_data_gradient_out_where_nobody_needs_it()
    {
        var layer = new Conv2d(1, 2, 3);
        Shape input = new(1, 1, 5, 5), output = layer.Bind(input);
        Tensor x = Tensor.From(input, new SeededRandom(1).Floats(25)), dy = Tensor.From(output, new SeededRandom(2).Floats(18)), y = new(output);
        using var context = new ComputeContext(1);
        layer.Forward(x, y, context);
        layer.Backward(x, y, dy, null, context);
        Assert.Contains(layer.Parameters[0].Gradient.Span.ToArray(), gradient => gradient != 0);
    }

    [Fact]
    public void Without_bias_there_is_one_parameter()
    {
        var layer = new Conv2d(2, 3, 1, bias: false);
        Assert.Equal(["weight"], layer.Parameters.Select(p => p.Name));
        layer.Bind(new Shape(1, 2, 2, 2));
        Tensor x = Tensor.From(new Shape(1, 2, 2, 2), [1, 2, 3, 4, 5, 6, 7, 8]), y = new(new Shape(1, 3, 2, 2));
        using var context = new ComputeContext(1);
        layer.Forward(x, y, context);
        Span<float> w = layer.Parameters[0].Value.Span;
        Assert.Equal(w[4] * 2 + w[5] * 6, y.Span[9], 1e-6f);
        layer.Backward(x, y, y, null, context);
    }

    [Fact]
    public void Starts_as_PyTorch_does()
    {
        var layer = new Conv2d(8, 32, 5, groups: 2, random: new SeededRandom(7));
        Assert.Equal(["weight", "bias"], layer.Parameters.Select(p => p.Name));
        Assert.Equal([new Shape(32, 4, 5, 5), new Shape(32)], layer.Parameters.Select(p => p.Shape));
        float[] weights = layer.Parameters[0].Value.Span.ToArray();
        Assert.InRange(weights.Max(), 0.098f, 0.1f);
        Assert.InRange(weights.Min(), -0.1f, -0.098f);
        Assert.InRange(weights.Average(), -0.005f, 0.005f);
        Assert.All(layer.Parameters[1].Value.Span.ToArray(), value => Assert.InRange(value, -0.1f, 0.1f));
        Assert.Equal(weights, new Conv2d(8, 32, 5, groups: 2, random: new SeededRandom(7)).Parameters[0].Value.Span.ToArray());
        Assert.NotEqual(weights, new Conv2d(8, 32, 5, groups: 2, random: new SeededRandom(8)).Parameters[0].Value.Span.ToArray());
    }

    public static TheoryData<Func<Conv2d>, string, string> Refusals => new()
    {
        { () => new Conv2d(0, 1, 1), "inChannels", "inChannels must be at least 1; got 0." },
        { () => new Conv2d(1, -1, 1), "outChannels", "outChannels must be at least 1; got -1." },
        { () => new Conv2d(1, 1, 0), "kernelSize", "kernelSize must be at least 1; got 0." },
        { () => new Conv2d(1, 1, (3, 0)), "kernelSize", "kernelSize must be at least 1; got 0." },
        { () => new Conv2d(1, 1, 1, stride: 0), "stride", "stride must be at least 1; got 0." },
        { () => new Conv2d(1, 1, 1, padding: -1), "padding", "padding must be at least 0; got -1." },
        { () => new Conv2d(1, 1, (1, 1), padding: (0, 0, 0, -2)), "padding", "padding must be at least 0; got -2." },
        { () => new Conv2d(1, 1, 1, dilation: 0), "dilation", "dilation must be at least 1; got 0." },
        { () => new Conv2d(4, 4, 1, groups: 0), "groups", "groups must be at least 1; got 0." },
        { () => new Conv2d(4, 6, 1, groups: 3), "groups", "groups must divide inChannels; got groups = 3, inChannels = 4." },
        { () => new Conv2d(6, 4, 1, groups: 3), "groups", "groups must divide outChannels; got groups = 3, outChannels = 4." },
        { () => new Conv2d(65536, 65536, 3), "extents", "[65536, 65536, 3, 3] has more than the 2147483591 elements" },
    };

    [Theory]
    [MemberData(nameof(Refusals), DisableDiscoveryEnumeration = true)]
    public void Refuses_what_no_layer_can_be(Func<Conv2d> create, string argument, string message)
    {
        var exception = Assert.Throws<ArgumentException>(() => create());
        Assert.Equal(argument, exception.ParamName);
        Assert.StartsWith(message, exception.Message);
    }

    [Fact]
    public void Refuses_shapes_that_do_not_fit()
    {
        var layer = new Conv2d(3, 4, 5);
        Assert.Contains("[2, 3]", Assert.Throws<ArgumentException>("input", () => layer.Bind(new Shape(2, 3))).Message);
        Assert.Contains("made for 3 input channels; got 2 in [1, 2, 8, 8]", Assert.Throws<ArgumentException>("input", () => layer.Bind(new Shape(1, 2, 8, 8))).Message);
        Assert.Contains("kh = 5 with dilation 1 spans 5 elements, more than the padded ih = 4", Assert.Throws<ArgumentException>("kh", () => layer.Bind(new Shape(1, 3, 4, 8))).Message);
        Assert.Contains("[70000, 50000, 1, 1] has more than", Assert.Throws<ArgumentException>(() => new Conv2d(1, 50000, 1).Bind(new Shape(70000, 1, 1, 1))).Message);
    }

    [Fact]
    public void Refuses_to_run_unbound_or_on_other_shapes()
    {
        var layer = new Conv2d(1, 1, 1);
        Tensor one = new(new Shape(1, 1, 2, 2)), other = new(new Shape(1, 1, 2, 3));
        using var context = new ComputeContext(1);
        Assert.Contains("Bind", Assert.Throws<InvalidOperationException>(() => layer.Forward(one, one, context)).Message);
        layer.Bind(one.Shape);
        Assert.Throws<ArgumentException>("x", () => layer.Forward(other, one, context));
        Assert.Throws<ArgumentException>("y", () => layer.Forward(one, other, context));
        Assert.Throws<ArgumentException>("dy", () => layer.Backward(one, one, other, null, context));
        Assert.Throws<ArgumentException>("dx", () => layer.Backward(one, one, one, other, context));
        Assert.Throws<ArgumentNullException>("context", () => layer.Forward(one, one, null!));
    }
}
