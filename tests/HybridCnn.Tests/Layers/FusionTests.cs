using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Layers;

/// <summary>What a Sequential leaves out must change no bit: the same layers called one by one, which fuse nothing, give the same.</summary>
public class FusionTests
{
    private static readonly Dictionary<string, (Func<SeededRandom, Layer[]> Layers, Shape Input, int Fused)> s_cases = new()
    {
        ["convolution, ReLU"] = (random => [new Conv2d(3, 5, 3, random: random), new ReLU()], new(2, 3, 7, 6), 1),
        ["convolution without bias, ReLU, pooling"] = (random => [new Conv2d(3, 5, 3, bias: false, random: random), new ReLU(), new MaxPool2d(2)], new(2, 3, 8, 6), 1),
        ["Winograd, ReLU, Winograd, ReLU"] = (random =>
            [new Conv2d(16, 32, 3, padding: 1, random: random), new ReLU(), new Conv2d(32, 16, 3, padding: 1, random: random), new ReLU()], new Shape(2, 16, 9, 7).In(Layout.Nhwc), 2),
        ["transposed convolution, ReLU"] = (random => [new ConvTranspose2d(3, 5, 3, stride: 2, random: random), new ReLU()], new(2, 3, 7, 6), 1),
        ["transposed convolution without bias, ReLU, in NHWC order"] = (random =>
            [new ConvTranspose2d(16, 32, 4, stride: 2, padding: 1, bias: false, random: random), new ReLU()], new Shape(2, 16, 9, 7).In(Layout.Nhwc), 1),
        ["transposed convolution, ReLU, on two threads"] = (random =>
            [new ConvTranspose2d(16, 48, 4, stride: 2, padding: 1, random: random), new ReLU()], new Shape(2, 16, 20, 18).In(Layout.Nhwc), 1),
        ["normalization, ReLU"] = (_ => [new BatchNorm2d(21), new ReLU()], new(3, 21, 5, 6), 1),
        ["normalization, ReLU in NHWC order"] = (_ => [new BatchNorm2d(21), new ReLU()], new Shape(3, 21, 5, 6).In(Layout.Nhwc), 1),
        ["normalization, ReLU6, convolution, ReLU6"] = (random => [new BatchNorm2d(21), new ReLU6(), new Conv2d(21, 4, 1, random: random), new ReLU6()], new Shape(3, 21, 5, 6).In(Layout.Nhwc), 0),
        ["convolution, normalization, ReLU, pooling"] = (random =>
            [new Conv2d(3, 8, 3, random: random), new BatchNorm2d(8), new ReLU(), new AveragePool2d(2)], new(2, 3, 8, 8), 1),
        ["ReLU, convolution, ReLU, ReLU, flat, linear, ReLU, linear"] = (random =>
        [
            new ReLU(), new Conv2d(2, 4, 3, random: random), new ReLU(), new ReLU(), new Flatten(), new Linear(16, 40, random: random), new ReLU(),
            new Linear(40, 3, random: random),
        ], new(3, 2, 4, 4), 2),
        ["linear, ReLU on two threads"] = (random => [new Linear(130, 140, random: random), new ReLU()], new(64, 130), 1),
        ["flat, ReLU"] = (_ => [new Flatten(), new ReLU(), new Flatten()], new(3, 2, 2, 2), 0),
        ["inner networks"] = (random =>
        [
            new Sequential(new Conv2d(3, 4, 3, random: random), new BatchNorm2d(4)), new ReLU(), new Sequential(new ReLU(), new Flatten(), new Linear(36, 9, random: random)), new ReLU(),
        ], new(2, 3, 5, 5), 2),
    };

    public static TheoryData<string> Cases => new(s_cases.Keys);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Fused_layers_give_the_bits_of_the_same_layers_one_by_one(string name)
    {
        var (make, input, _) = s_cases[name];
        using var context = new ComputeContext(2);
        var network = new Sequential(make(new SeededRandom(1)));
        Layer[] layers = make(new SeededRandom(1));
        Tensor x = Tensor.From(input, new SeededRandom(2).Floats(input.Count)), y = new(network.Bind(input)), dx = new(input);
        Tensor dy = Tensor.From(y.Shape, new SeededRandom(3).Floats(y.Shape.Count));
        float[] dyBefore = dy.Span.ToArray();
        var values = new List<Tensor> { x };
        foreach (Layer layer in layers)
            values.Add(new Tensor(layer.Bind(values[^1].Shape)));

        for (int pass = 0; pass < 2; pass++)
        {
            y.Span.Fill(float.NaN);
            dx.Span.Fill(float.NaN);
            context.IsTraining = pass == 0;
            network.Forward(x, y, context);
            network.Backward(x, y, dy, dx, context);
            Tensor gradient = dy;
            for (int i = 0; i < layers.Length; i++)
                layers[i].Forward(values[i], values[i + 1], context);
            for (int i = layers.Length - 1; i >= 0; i--)
            {
                var next = new Tensor(values[i].Shape);
                layers[i].Backward(values[i], values[i + 1], gradient, next, context);
                gradient = next;
            }

            Assert.Equal(values[^1].Span.ToArray(), y.Span.ToArray());
            Assert.Equal(gradient.Span.ToArray(), dx.Span.ToArray());
            Assert.Equal(dyBefore, dy.Span.ToArray());
            Assert.Equal(layers.SelectMany(layer => layer.Parameters).Select(p => p.Gradient.Span.ToArray()), network.Parameters.Select(p => p.Gradient.Span.ToArray()));
            Assert.Equal(layers.SelectMany(layer => layer.Buffers).Select(p => p.Value.Span.ToArray()), network.Buffers.Select(p => p.Value.Span.ToArray()));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Explain_shows_what_was_fused(string name)
    {
        var (make, input, fused) = s_cases[name];
        var network = new Sequential(make(new SeededRandom(1)));
        network.Bind(input);
        Assert.Equal(fused, network.Explain().Split("ReLU, computed by ").Length - 1);
    }

    [Fact]
    public void Fused_layers_report_their_gradients_at_their_own_positions()
    {
        using var context = new ComputeContext(1);
        var network = new Sequential(new Conv2d(1, 2, 3), new BatchNorm2d(2), new ReLU(), new Linear(8, 3), new ReLU());
        Tensor x = new(new Shape(2, 1, 4, 4)), y = new(network.Bind(x.Shape));
        var ready = new List<int>();
        network.GradientsReady = ready.Add;
        network.Forward(x, y, context);
        network.Backward(x, y, y, null, context);
        Assert.Equal([4, 3, 2, 1, 0], ready);
    }
}
