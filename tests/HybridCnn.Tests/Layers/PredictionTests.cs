using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;
using HybridCnn.Training;

namespace HybridCnn.Tests.Layers;

/// <summary>
/// Prediction folds normalizations in and prepares weights; evaluation by <see cref="Layer.Forward"/>, which does neither, is its oracle. After anything that
/// changes weights or statistics it has to use the new ones.
/// </summary>
public class PredictionTests
{
    // Of the largest output: some layers of Winograd's F(4x4, 3x3), each with an error below 6e-6.
    private const double Bound = 3e-5;

    private static readonly Dictionary<string, (Func<SeededRandom, Network> Create, Shape Input, int Folded)> s_cases = new()
    {
        ["convolution, normalization"] = (random => new Sequential(new Conv2d(3, 5, 3, random: random), new BatchNorm2d(5)), new(2, 3, 7, 6), 1),
        ["few channels, ReLU"] = (random => new Sequential(new Conv2d(3, 32, 3, stride: 2, bias: false, random: random), new BatchNorm2d(32), new ReLU()), new(2, 3, 12, 12), 1),
        ["Winograd, ReLU, Winograd"] = (random => new Sequential(
            new Conv2d(16, 80, 3, padding: 1, random: random), new BatchNorm2d(80), new ReLU(), new Conv2d(80, 16, 3, padding: 1, random: random), new BatchNorm2d(16)),
            new Shape(2, 16, 19, 17).In(Layout.Nhwc), 2),
        ["Winograd, ReLU6"] = (random => new Sequential(new Conv2d(16, 32, 3, padding: 1, random: random), new BatchNorm2d(32), new ReLU6()), new Shape(2, 16, 9, 7).In(Layout.Nhwc), 1),
        ["more weights than stay in the cache"] = (random => new Sequential(new Conv2d(256, 272, 3, padding: 1, random: random), new BatchNorm2d(272), new ReLU()), new Shape(1, 256, 9, 9).In(Layout.Nhwc), 1),
        ["inverted residual"] = (random =>
        {
            var graph = new Graph();
            string x = graph.Add("first", new Conv2d(32, 16, 1, random: random));
            graph.Add("body", new Sequential(
                new Conv2d(16, 48, 1, bias: false, random: random), new BatchNorm2d(48), new ReLU6(),
                new Conv2d(48, 48, 3, padding: 1, groups: 48, bias: false, random: random), new BatchNorm2d(48), new ReLU6(),
                new Conv2d(48, 16, 1, bias: false, random: random), new BatchNorm2d(16)));
            graph.Sum("sum", "body", x);
            return graph;
        }, new Shape(2, 32, 8, 6).In(Layout.Nhwc), 3),
        ["a convolution that others read, too, and one behind a ReLU"] = (random =>
        {
            var graph = new Graph();
            string convolution = graph.Add("conv", new Conv2d(3, 4, 3, padding: 1, random: random));
            graph.Add("bn", new BatchNorm2d(4));
            graph.Sum("sum", "bn", convolution);
            graph.Add("conv2", new Conv2d(4, 4, 1, random: random));
            graph.Add("relu2", new ReLU());
            graph.Add("bn2", new BatchNorm2d(4));
            return graph;
        }, new(2, 3, 6, 6), 0),
        ["transposed, ReLU, transposed, ReLU6"] = (random => new Sequential(
            new ConvTranspose2d(48, 32, 4, stride: 2, padding: 1, random: random), new BatchNorm2d(32), new ReLU(),
            new ConvTranspose2d(32, 20, 3, padding: 1, bias: false, random: random), new BatchNorm2d(20), new ReLU6(),
            new ConvTranspose2d(20, 3, 4, stride: 2, padding: 1, random: random), new ReLU()), new Shape(1, 48, 5, 7).In(Layout.Nhwc), 2),
        ["transposed, with more weights than stay in the cache"] = (random => new Sequential(
            new ConvTranspose2d(272, 256, 3, padding: 1, random: random), new ReLU(), new ConvTranspose2d(256, 128, 1, random: random)),
            new Shape(1, 272, 9, 9).In(Layout.Nhwc), 0),
        ["transposed in groups, in planes"] = (random => new Sequential(
            new ConvTranspose2d(6, 9, 3, stride: 2, groups: 3, random: random), new BatchNorm2d(9), new ReLU6(),
            new ConvTranspose2d(9, 9, 2, groups: 9, bias: false, random: random), new BatchNorm2d(9)), new(2, 6, 7, 7), 2),
        ["groups in planes, without weight and bias"] = (random => new Sequential(
            new Conv2d(6, 9, 3, groups: 3, bias: false, random: random), new BatchNorm2d(9, affine: false), new ReLU6(), new MaxPool2d(2), new Flatten(), new Linear(36, 3, random: random)),
            new(2, 6, 7, 7), 1),
        ["fully connected layers"] = (random => new Sequential(
            new Flatten(), new Linear(48, 130, random: random), new ReLU(), new Linear(130, 70, bias: false, random: random), new ReLU(), new Linear(70, 3, random: random)),
            new(40, 3, 4, 4), 0),
        ["residual networks"] = (random => new Sequential(
            new Residual(new Sequential(new Conv2d(16, 32, 3, stride: 2, padding: 1, random: random), new BatchNorm2d(32)), new Sequential(new Conv2d(16, 32, 1, stride: 2, random: random), new BatchNorm2d(32))),
            new ReLU(), new GlobalAveragePool2d(), new Flatten(), new Linear(32, 7, random: random)), new Shape(3, 16, 14, 14).In(Layout.Nhwc), 2),
    };

    public static TheoryData<string> Cases => new(s_cases.Keys);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Prediction_equals_evaluation(string name)
    {
        (Func<SeededRandom, Network> create, Shape input, int folded) = s_cases[name];
        Network network = Create(create, input);
        foreach (Precision precision in (Precision[])[Precision.Fast, Precision.Exact])
        {
            foreach (int threads in (int[])[1, 2])
            {
                using var context = new ComputeContext(new ComputeOptions { Threads = threads, Precision = precision });
                AssertPredicts(network, input, context, $"{name}, {precision}, {threads} threads");
            }
        }

        var timer = new NetworkTimer();
        using var other = new ComputeContext(1);
        network.Timer = timer;
        Tensor y = new(network.Bind(input));
        network.Predict(new Tensor(input), y, other);
        Assert.Equal(folded, timer.Layers.Count(layer => layer.Kind.Contains("2d+BatchNorm2d", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Whoever_writes_to_a_parameter_or_a_statistic_changes_the_next_prediction(string name)
    {
        (Func<SeededRandom, Network> create, Shape input, _) = s_cases[name];
        Network network = Create(create, input);
        using var context = new ComputeContext(2);
        Tensor x = Images(input), y = new(network.Bind(input));
        foreach (NamedParameter named in network.NamedState)
        {
            network.Predict(x, y, context);
            float[] before = y.Span.ToArray();
            foreach (ref float value in named.Parameter.Value.Span)
                value += 0.5f;
            AssertPredicts(network, input, context, $"{name}, {named.Name}");
            network.Predict(x, y, context);
            Assert.NotEqual(before, y.Span.ToArray());
        }
    }

    [Fact]
    public void After_a_training_step_prediction_uses_the_new_weights()
    {
        var shape = new Shape(4, 16, 8, 8);
        Network network = Create(random => new Sequential(
            new Conv2d(16, 16, 3, padding: 1, random: random), new BatchNorm2d(16), new ReLU(), new GlobalAveragePool2d(), new Flatten(), new Linear(16, 3, random: random)), shape);
        using var context = new ComputeContext(2);
        var average = new WeightAverage(network, 0.5f);
        var trainer = new Trainer(network, new SoftmaxCrossEntropy(), new Sgd(network.Parameters, 0.5f), context, shape) { Average = average };
        Tensor x = Images(shape), y = new(network.Bind(shape));
        var seen = new List<float[]>();
        for (int step = 0; step < 3; step++)
        {
            network.Predict(x, y, context);
            seen.Add(y.Span.ToArray());
            AssertPredicts(network, shape, context, $"step {step}");
            trainer.Step(x, [0, 1, 2, 0]);
        }

        average.Exchange();
        AssertPredicts(network, shape, context, "averages");
        Assert.NotEqual(seen[0], seen[1]);
        Assert.NotEqual(seen[1], seen[2]);
    }

    // A decoder, as it is trained to give back what it was given.
    [Fact]
    public void After_a_training_step_transposed_convolutions_use_the_new_weights()
    {
        Shape shape = new Shape(2, 32, 4, 4).In(Layout.Nhwc);
        Network network = Create(random => new Sequential(
            new ConvTranspose2d(32, 16, 4, stride: 2, padding: 1, random: random), new BatchNorm2d(16), new ReLU(), new ConvTranspose2d(16, 3, 3, padding: 1, random: random)), shape);
        var optimizer = new Sgd(network.Parameters, 0.5f);
        using var context = new ComputeContext(2);
        Tensor x = Images(shape), y = new(network.Bind(shape));
        var seen = new List<float[]>();
        for (int step = 0; step < 3; step++)
        {
            network.Predict(x, y, context);
            seen.Add(y.Span.ToArray());
            AssertPredicts(network, shape, context, $"step {step}");
            network.Forward(x, y, context);
            network.Backward(x, y, Images(y.Shape), null, context);
            optimizer.Step(context);
        }

        Assert.NotEqual(seen[0], seen[1]);
        Assert.NotEqual(seen[1], seen[2]);
    }

    // Contexts of other numbers of threads divide the channels, and so the packed weights, in other ways.
    [Fact]
    public void Contexts_with_other_threads_take_turns()
    {
        Shape shape = new Shape(1, 48, 5, 5).In(Layout.Nhwc);
        Network network = Create(random => new Sequential(new ConvTranspose2d(48, 64, 5, stride: 3, random: random), new BatchNorm2d(64)), shape);
        using ComputeContext one = new(1), three = new(3);
        foreach (ComputeContext context in (ComputeContext[])[one, three, one])
            AssertPredicts(network, shape, context, $"{context.Threads.Count} threads");
    }

    [Fact]
    public void Prediction_in_the_memory_of_training_changes_no_gradient()
    {
        var shape = new Shape(4, 16, 8, 8);
        Func<SeededRandom, Network> create = s_cases["residual networks"].Create;
        using var context = new ComputeContext(2);
        float[][] gradients = [.. new[] { false, true }.Select(predicts =>
        {
            Network network = Create(create, shape);
            Tensor x = Images(shape), y = new(network.Bind(shape)), dx = new(shape);
            for (int pass = 0; pass < 2; pass++)
            {
                network.Forward(x, y, context);
                if (pass == 1)
                    network.Backward(x, y, y, dx, context);
                else if (predicts)
                    network.Predict(x, y, context);
            }

            return dx.Span.ToArray();
        })];
        Assert.Equal(gradients[0], gradients[1]);
    }

    [Fact]
    public void A_network_bound_to_another_number_of_images_and_back_predicts_as_before()
    {
        (Func<SeededRandom, Network> create, Shape input, _) = s_cases["Winograd, ReLU, Winograd"];
        Network network = Create(create, input);
        using var context = new ComputeContext(2);
        foreach (int images in (int[])[1, 3, 1])
            AssertPredicts(network, new Shape(images, input[1], input[2], input[3]).In(input.Layout), context, $"{images} images");
    }

    private static void AssertPredicts(Network network, Shape input, ComputeContext context, string problem)
    {
        Tensor x = Images(input), expected = new(network.Bind(input)), y = new(expected.Shape);
        float[] before = x.Span.ToArray();
        context.IsTraining = false;
        network.Forward(x, expected, context);
        context.IsTraining = true;
        for (int call = 0; call < 2; call++)
        {
            y.Span.Fill(float.NaN);
            network.Predict(x, y, context);
            Tolerance.AssertClose(Array.ConvertAll(expected.Span.ToArray(), value => (double)value), y.Span, Bound * Largest(expected), $"{problem}, call {call}");
        }

        Assert.Equal(before, x.Span.ToArray());
    }

    private static double Largest(Tensor tensor)
    {
        double largest = 0;
        foreach (float value in tensor.Span)
            largest = Math.Max(largest, Math.Abs(value));
        return largest;
    }

    private static Tensor Images(Shape shape) => Tensor.From(shape, new SeededRandom(2).Floats(shape.Count));

    // With statistics that a training has left, and weights of normalizations that aren't 1.
    private static Network Create(Func<SeededRandom, Network> create, Shape input)
    {
        var random = new SeededRandom(1);
        Network network = create(random);
        network.Bind(input);
        foreach (NamedParameter named in network.NamedState.Where(named => named.Parameter.Shape.Rank == 1))
        {
            foreach (ref float value in named.Parameter.Value.Span)
                value = named.Parameter.Name == "running_var" ? random.NextFloat(0.3f, 2) : random.NextFloat(-1, 1);
        }

        return network;
    }
}
