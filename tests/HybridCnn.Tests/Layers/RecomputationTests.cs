using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;
using HybridCnn.Training;

namespace HybridCnn.Tests.Layers;

/// <summary>A network that computes activations again is, bit for bit, the network that keeps them, in less memory.</summary>
public class RecomputationTests
{
    private static readonly Dictionary<string, (Func<SeededRandom, Network> Create, Shape Input)> s_cases = new()
    {
        ["residual block"] = (random => new Sequential(new Conv2d(3, 16, 3, padding: 1, random: random), Block(16, random), new ReLU(), Block(16, random), new MaxPool2d(2)), new(2, 3, 8, 6)),
        ["dropout, pooling and views inside"] = (random => new Sequential(
            new Sequential(
                new Conv2d(3, 8, 3, random: random), new BatchNorm2d(8), new ReLU(), new MaxPool2d(2), new Dropout(0.5, random), new Conv2d(8, 8, 2, random: random), new Sigmoid(), new Flatten(),
                new Linear(16, 16, random: random), new ReLU()),
            new Linear(16, 5, random: random)), new(3, 3, 8, 6)),
        ["everything, the input's gradient included"] = (random => Block(16, random), new Shape(2, 16, 6, 6).In(Layout.Nhwc)),
        ["inverted residuals"] = (random => MobileNetV2.Create(3, 32, 32, 5, random), new(2, 3, 32, 32)),
        ["concatenation, and a value that two blocks read"] = (random =>
        {
            var graph = new Graph();
            string x = graph.Add("first", new Conv2d(3, 16, 3, padding: 1, random: random));
            string a = graph.Add("a", Block(16, random), x), b = graph.Add("b", Block(16, random), x);
            graph.Concat("both", a, b);
            graph.Add("relu", new ReLU());
            graph.Add("last", new Sequential(new Conv2d(32, 4, 1, random: random), new GELU(), new Conv2d(4, 4, 1, random: random)));
            return graph;
        }, new(2, 3, 8, 6)),
    };

    public static TheoryData<string> Cases => new(s_cases.Keys);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Recomputing_changes_no_bit(string name)
    {
        (Func<SeededRandom, Network> create, Shape input) = s_cases[name];
        foreach (bool withInput in (bool[])[true, false])
        {
            (float[][] Results, long Bytes) kept = Train(create, input, recomputes: false, withInput), again = Train(create, input, recomputes: true, withInput);
            SameBits.Assert(kept.Results, again.Results, name);
            Assert.True(again.Bytes <= kept.Bytes, $"{name}: {again.Bytes} bytes instead of {kept.Bytes}");
        }
    }

    [Theory]
    [InlineData("resnet18", 8)]
    [InlineData("resnet50", 16)]
    [InlineData("mobilenetv2", 17)]
    [InlineData("vgg-cifar", 0)]
    public void The_blocks_of_known_networks_save_memory(string model, int blocks)
    {
        Network network = ModelCatalog.Create(model, 3, 64, 64, 10, seed: 1);
        var shape = new Shape(8, 3, 64, 64);
        network.Bind(shape);
        NetworkSummary before = network.Summarize();
        Assert.Equal(before.TrainingBytes, before.KeepingBytes);
        Assert.Equal(blocks, network.RecomputeBlocks());
        network.Bind(shape);
        NetworkSummary after = network.Summarize();
        Assert.Equal((before.TrainingBytes, before.PredictionBytes), (after.KeepingBytes, after.PredictionBytes));
        Assert.True(blocks == 0 ? after.TrainingBytes == before.TrainingBytes : after.TrainingBytes < 0.8 * before.TrainingBytes, $"{after.TrainingBytes} of {before.TrainingBytes}");
    }

    // Three steps; all that they leave behind: outputs, gradients, weights, statistics, counters.
    private static (float[][] Results, long Bytes) Train(Func<SeededRandom, Network> create, Shape input, bool recomputes, bool withInput)
    {
        using var context = new ComputeContext(2);
        Network network = create(new SeededRandom(1));
        if (recomputes)
            network.Recompute = network.RecomputeBlocks() == 0;
        Tensor x = Tensor.From(input, new SeededRandom(2).Floats(input.Count)), y = new(network.Bind(input)), dx = new(input);
        Tensor dy = Tensor.From(y.Shape, new SeededRandom(3).Floats(y.Shape.Count));
        var optimizer = new Sgd(network.Parameters, 0.01f, momentum: 0.9f);
        var results = new List<float[]>();
        for (int step = 0; step < 3; step++)
        {
            // The last one as evaluation does: a backward pass may follow that, too.
            context.IsTraining = step < 2;
            y.Span.Fill(float.NaN);
            dx.Span.Fill(float.NaN);
            network.Forward(x, y, context);
            context.IsTraining = true;
            optimizer.ZeroGradients();
            network.Backward(x, y, dy, withInput ? dx : null, context);
            results.AddRange([y.Span.ToArray(), dx.Span.ToArray(), .. network.NamedState.SelectMany(named => new[] { named.Parameter.Value.Span.ToArray(), named.Parameter.Gradient.Span.ToArray() })]);
            optimizer.Step(context);
        }

        return ([.. results], network.Summarize().TrainingBytes);
    }

    private static Sequential Block(int channels, SeededRandom random) => new(new Residual(new Sequential(
        new Conv2d(channels, channels, 3, padding: 1, bias: false, random: random), new BatchNorm2d(channels), new ReLU(),
        new Conv2d(channels, channels, 3, padding: 1, bias: false, random: random), new BatchNorm2d(channels))));
}
