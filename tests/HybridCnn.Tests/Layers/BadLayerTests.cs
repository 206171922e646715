using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Layers;

/// <summary>Layers that cannot be, and shapes that they cannot take.</summary>
public class BadLayerTests
{
    public static TheoryData<string, Action> BadConstructions => new()
    {
        { "inFeatures", () => _ = new Linear(0, 3) },
        { "outFeatures", () => _ = new Linear(3, -1) },
        { "extents", () => _ = new Linear(1 << 17, 1 << 17) },
        { "kernelSize", () => _ = new MaxPool2d(0) },
        { "kernelSize", () => _ = new AveragePool2d((2, -3)) },
        { "stride", () => _ = new MaxPool2d(2, stride: 0) },
        { "padding", () => _ = new MaxPool2d(2, padding: -1) },
        { "padding", () => _ = new AveragePool2d((2, 2), padding: (0, -1)) },
        { "dilation", () => _ = new MaxPool2d(2, dilation: 0) },
        { "negativeSlope", () => _ = new LeakyReLU(-0.1) },
        { "body", () => _ = new Residual(null!) },
        { "divisorOverride", () => _ = new AveragePool2d(2, divisorOverride: 0) },
    };

    public static TheoryData<string, Func<Layer>, Shape> BadShapes => new()
    {
        { "GELU takes a shape of 1 to 4 extents; got none.", () => new GELU(), default },
        { "The body makes [2, 3] of [2, 4], the shortcut [2, 4]; they must be the same.", () => new Residual(new Linear(4, 3)), new(2, 4) },
        { "MaxPool2d takes images [N, C, H, W]; got [2, 3].", () => new MaxPool2d(2), new(2, 3) },
        { "AveragePool2d takes images [N, C, H, W]; got [2, 3, 4].", () => new AveragePool2d(2), new(2, 3, 4) },
        { "GlobalMaxPool2d takes images", () => new GlobalMaxPool2d(), new(5) },
        { "GlobalAveragePool2d takes images", () => new GlobalAveragePool2d(), new(5, 6) },
        { "The window over [1, 2, 17, 16] NHWC has 272 elements; NHWC max pooling takes at most 256.", () => new GlobalMaxPool2d(), new Shape(1, 2, 17, 16).In(Layout.Nhwc) },
        { "The window over [1, 2, 20, 20] NHWC has 289 elements; NHWC max pooling takes at most 256.", () => new MaxPool2d(17), new Shape(1, 2, 20, 20).In(Layout.Nhwc) },
        { "Flatten takes NCHW order; got [1, 2, 4, 4] NHWC.", () => new Flatten(), new Shape(1, 2, 4, 4).In(Layout.Nhwc) },
        { "Linear takes NCHW order", () => new Linear(32, 2), new Shape(1, 2, 4, 4).In(Layout.Nhwc) },
        { "Linear takes 12 values per item; [2, 3, 5, 1] has 15.", () => new Linear(12, 2), new(2, 3, 5, 1) },
        { "Linear takes a batch, [N, F] or [N, C, H, W]; got [12].", () => new Linear(12, 2), new(12) },
        { "Flatten takes a batch", () => new Flatten(), new(12) },
        { "The dilated kernel's height is 5, larger than the padded input's, 4 + 0 + 0.", () => new MaxPool2d(5), new(1, 1, 4, 9) },
        { "A pad is at most half of the dilated kernel's height, 3 / 2; got 2.", () => new MaxPool2d(3, padding: 2), new(1, 1, 9, 9) },
    };

    [Theory]
    [MemberData(nameof(BadConstructions), DisableDiscoveryEnumeration = true)]
    public void Refuses_to_be_made(string argument, Action make) =>
        Assert.Equal(argument, Assert.ThrowsAny<ArgumentException>(make).ParamName);

    [Theory]
    [MemberData(nameof(BadShapes), DisableDiscoveryEnumeration = true)]
    public void Refuses_shapes(string message, Func<Layer> make, Shape shape) =>
        Assert.StartsWith(message, Assert.ThrowsAny<ArgumentException>(() => make().Bind(shape)).Message);

    [Fact]
    public void Pooling_prefers_the_layout_it_is_given_unless_a_maximum_has_more_positions_than_a_byte_counts()
    {
        Shape small = new(2, 3, 16, 16), large = new(2, 3, 17, 16);
        foreach (Layout layout in (Layout[])[Layout.Nchw, Layout.Nhwc])
        {
            Assert.All((Layer[])[new MaxPool2d(16), new AveragePool2d(3), new GlobalMaxPool2d(), new GlobalAveragePool2d()],
                layer => Assert.Equal(layout, layer.PreferredLayout(small.In(layout))));
            Assert.All((Layer[])[new AveragePool2d((16, 17)), new GlobalAveragePool2d()], layer => Assert.Equal(layout, layer.PreferredLayout(large.In(layout))));
            Assert.All((Layer[])[new MaxPool2d(17), new GlobalMaxPool2d()],
                layer => Assert.Equal(Layout.Nchw, layer.PreferredLayout(large.In(layout))));
        }
    }

    [Fact]
    public void Initial_weights_are_uniform_within_PyTorchs_bound()
    {
        var linear = new Linear(100, 200, random: new SeededRandom(5));
        foreach (Parameter parameter in linear.Parameters)
        {
            float[] values = parameter.Value.Span.ToArray();
            Assert.All(values, value => Assert.InRange(value, -0.1f, 0.1f));
            Assert.InRange(values.Max(), 0.095f, 0.1f);
            Assert.InRange(values.Min(), -0.1f, -0.095f);
            Assert.InRange(values.Average(), -0.01, 0.01);
        }

        Assert.Equal(linear.Parameters[0].Value.Span, new Linear(100, 200, random: new SeededRandom(5)).Parameters[0].Value.Span);
    }
}
