using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Layers;

public class ConvTranspose2dTests
{
    [Theory]
    [InlineData(Layout.Nchw)]
    [InlineData(Layout.Nhwc)]
    public void Computes_and_differentiates_as_the_reference_does(Layout layout)
    {
        var random = new SeededRandom(1);
        var layer = new ConvTranspose2d(
            4, 6, (3, 2), stride: (2, 1), padding: (1, 0, 2, 1), outputPadding: (1, 0), dilation: (1, 2), groups: 2, random: random);
        var dims = ConvTranspose2dDims.Create(3, 4, 5, 8, 6, 3, 2, 2, 1, 1, 0, 2, 1, 1, 0, 1, 2, 2);
        Shape input = new Shape(3, 4, 5, 8).In(layout), output = layer.Bind(input);
        Assert.Equal(new Shape(3, 6, 9, 9).In(layout), output);
        Assert.Equal((dims.OH, dims.OW), (output[2], output[3]));
        Assert.Equal(dims.Convolution.In(layout), layer.Plan!.Dims.Convolution);

        float[] x = random.Floats(input.Count), dy = random.Floats(output.Count);
        Tensor y = new(output), dx = new(input);
        y.Span.Fill(float.NaN);
        dx.Span.Fill(float.NaN);
        Parameter weight = layer.Parameters[0], bias = layer.Parameters[1];
        weight.Gradient.Span.Fill(1);
        bias.Gradient.Span.Fill(2);
        using var context = new ComputeContext(2);
        Tensor given = Tensor.From(input, ToLayout(x, 4, 40)), gradient = Tensor.From(output, ToLayout(dy, 6, 81));
        layer.Forward(given, y, context);
        layer.Backward(given, y, gradient, dx, context);

        var (expectedY, expectedDX, dw, db) = ReferenceTransposedConvolution.Passes(dims, x, weight.Value.Span, bias.Value.Span, dy);
        Tolerance.AssertClose(ToLayout(expectedY, 6, 81), y.Span, Tolerance.ForSum(13, 1), "y");
        Tolerance.AssertClose(ToLayout(expectedDX, 4, 40), dx.Span, Tolerance.ForSum(18, 1), "dx");
        Tolerance.AssertClose([.. dw.Select(g => g + 1)], weight.Gradient.Span, Tolerance.ForSum(120, 1), "dw");
        Tolerance.AssertClose([.. db.Select(g => g + 2)], bias.Gradient.Span, Tolerance.ForSum(243, 1), "db");

        T[] ToLayout<T>(T[] values, int channels, int area) => layout == Layout.Nchw ? values : NhwcOrder.FromNchw<T>(values, channels, area);
    }

    [Fact]
    public void Undoes_the_shape_of_a_convolution()
    {
        Shape images = new(2, 3, 15, 16);
        Shape small = new Conv2d(3, 8, 3, stride: 2, padding: 1).Bind(images);
        Assert.Equal(images, new ConvTranspose2d(8, 3, (3, 3), stride: (2, 2), padding: (1, 1, 1, 1), outputPadding: (0, 1)).Bind(small));
    }

    [Fact]
    public void Starts_as_PyTorch_does()
    {
        var layer = new ConvTranspose2d(32, 8, 5, groups: 2, random: new SeededRandom(7));
        Assert.Equal(["weight", "bias"], layer.Parameters.Select(p => p.Name));
        Assert.Equal([new Shape(32, 4, 5, 5), new Shape(8)], layer.Parameters.Select(p => p.Shape));
        float[] weights = layer.Parameters[0].Value.Span.ToArray();
        Assert.InRange(weights.Max(), 0.098f, 0.1f);
        Assert.InRange(weights.Min(), -0.1f, -0.098f);
        Assert.Equal(["weight"], new ConvTranspose2d(2, 3, 1, bias: false).Parameters.Select(p => p.Name));
    }

    [Fact]
    public void Prefers_full_vectors_of_channels()
    {
        Shape input = new(1, 32, 4, 4);
        Assert.Equal(Layout.Nhwc, new ConvTranspose2d(32, 16, 4).PreferredLayout(input));
        Assert.Equal(Layout.Nchw, new ConvTranspose2d(32, 3, 4).PreferredLayout(input));
        Assert.Equal(Layout.Nhwc, new ConvTranspose2d(32, 3, 4).PreferredLayout(input.In(Layout.Nhwc)));
        Assert.Equal(Layout.Nchw, new ConvTranspose2d(32, 32, 4, groups: 2).PreferredLayout(input));
    }

    [Fact]
    public void Is_explained_in_a_network()
    {
        var network = new Sequential(new ConvTranspose2d(32, 16, 4, stride: 2, padding: 1));
        network.Bind(new Shape(1, 32, 4, 4));
        Assert.Contains("ConvTranspose2d → [1, 16, 8, 8] NHWC", network.Explain(), StringComparison.Ordinal);
        Assert.Contains("Transposed: its Forward is BackwardData", network.Explain(), StringComparison.Ordinal);
    }

    public static TheoryData<Func<Layer>, string, string> Refusals => new()
    {
        { () => new ConvTranspose2d(0, 1, 1), "inChannels", "inChannels must be at least 1; got 0." },
        { () => new ConvTranspose2d(1, 1, (1, 0)), "kernelSize", "kernelSize must be at least 1; got 0." },
        { () => new ConvTranspose2d(1, 1, 1, outputPadding: -1), "outputPadding", "outputPadding must be at least 0; got -1." },
        { () => new ConvTranspose2d(6, 4, 1, groups: 3), "groups", "groups must divide outChannels; got groups = 3, outChannels = 4." },
    };

    [Theory]
    [MemberData(nameof(Refusals), DisableDiscoveryEnumeration = true)]
    public void Refuses_what_no_layer_can_be(Func<Layer> create, string argument, string message)
    {
        var exception = Assert.Throws<ArgumentException>(() => create());
        Assert.Equal(argument, exception.ParamName);
        Assert.StartsWith(message, exception.Message);
    }

    [Fact]
    public void Refuses_shapes_that_do_not_fit()
    {
        var layer = new ConvTranspose2d(3, 4, 3, padding: 2);
        Assert.Contains("takes images [N, C, H, W]; got [2, 3]", Assert.Throws<ArgumentException>("input", () => layer.Bind(new Shape(2, 3))).Message);
        Assert.Contains("made for 3 input channels; got 2 in [1, 2, 8, 8]", Assert.Throws<ArgumentException>("input", () => layer.Bind(new Shape(1, 2, 8, 8))).Message);
        Assert.Contains("gives an output extent of 0", Assert.Throws<ArgumentException>("iw", () => layer.Bind(new Shape(1, 3, 8, 2))).Message);
        Assert.Throws<ArgumentException>("outputPadH", () => new ConvTranspose2d(3, 4, 3, outputPadding: 1).Bind(new Shape(1, 3, 8, 8)));
    }
}
