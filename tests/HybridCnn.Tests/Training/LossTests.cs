using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

/// <summary>Every loss against its definition in double, and its gradient against finite differences.</summary>
public class LossTests
{
    private static readonly Shape s_shape = new(5, 4);

    [Theory]
    [MemberData(nameof(TrainingParts.LossNames), MemberType = typeof(TrainingParts))]
    public void The_gradient_is_that_of_finite_differences(string name)
    {
        var random = new SeededRandom(4);
        Loss loss = TrainingParts.CreateLoss(name);
        Tensor x = Random(random, 3), unused = new(s_shape);
        int[] labels = [0, 1, 2, 3, 1];
        Check(name + " by label", x, gradient => loss.Forward(x, labels, gradient));
        Tensor target = Shares(random);
        Check(name + " by target", x, gradient => loss.Forward(x, target, gradient));

        void Check(string what, Tensor varied, Func<Tensor, float> forward)
        {
            Tensor gradient = new(s_shape);
            gradient.Span.Fill(float.NaN);
            forward(gradient);
            for (int i = 0; i < varied.Span.Length; i++)
            {
                const float step = 1f / 256;
                float value = varied.Span[i];
                varied.Span[i] = value + step;
                double up = forward(unused);
                varied.Span[i] = value - step;
                double down = forward(unused);
                varied.Span[i] = value;
                double numeric = (up - down) / (2 * step);
                Assert.True(Math.Abs(numeric - gradient.Span[i]) < 3e-4, $"{what}[{i}] is {gradient.Span[i]}, finite differences give {numeric}");
            }
        }
    }

    [Theory]
    [InlineData(0f, false)]
    [InlineData(0.2f, false)]
    [InlineData(0f, true)]
    [InlineData(0.2f, true)]
    public void Cross_entropy_follows_its_definition(float smoothing, bool weighted)
    {
        var random = new SeededRandom(5);
        float[] weights = weighted ? [0.5f, 2, 0, 1] : [1, 1, 1, 1];
        var loss = new SoftmaxCrossEntropy(smoothing, weighted ? weights : null, ignoredLabel: -100);
        Tensor x = Random(random, 5), shares = Shares(random), gradient = new(s_shape);
        int[] labels = [3, -100, 1, 0, 2];
        double sum = 0, total = 0;
        var each = new float[5];
        loss.PerImage(x, labels, each);
        for (int n = 0; n < 5; n++)
        {
            if (labels[n] < 0)
            {
                Assert.Equal(0, each[n]);
                continue;
            }

            double own = Defined(x.Item(n), k => (1 - smoothing) * (k == labels[n] ? 1 : 0) + smoothing / 4.0);
            Assert.Equal(own, each[n], 1e-5);
            sum += own;
            total += weights[labels[n]];
        }

        Assert.Equal(sum / total, loss.Forward(x, labels, gradient), 1e-5);
        Assert.All(gradient.Item(1).ToArray(), value => Assert.Equal(0, value));

        double shared = Enumerable.Range(0, 5).Sum(n => Defined(x.Item(n), k => (1 - smoothing) * shares.Item(n)[k] + smoothing / 4.0)) / 5;
        Assert.Equal(shared, loss.Forward(x, shares, gradient), 1e-5);

        double Defined(ReadOnlySpan<float> row, Func<int, double> target)
        {
            double[] e = [.. row.ToArray().Select(value => Math.Exp(value))];
            return Enumerable.Range(0, 4).Sum(k => -weights[k] * target(k) * Math.Log(e[k] / e.Sum()));
        }
    }

    [Fact]
    public void A_batch_of_which_every_image_is_ignored_has_no_loss()
    {
        Tensor x = Random(new SeededRandom(1), 1), gradient = new(s_shape);
        gradient.Span.Fill(float.NaN);
        Assert.Equal(0, new SoftmaxCrossEntropy(ignoredLabel: 7).Forward(x, [7, 7, 7, 7, 7], gradient));
        Assert.All(gradient.Span.ToArray(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Labels_stand_for_ones_and_zeros()
    {
        Tensor x = Random(new SeededRandom(2), 2), ones = new(s_shape), byLabel = new(s_shape), byTarget = new(s_shape);
        int[] labels = [1, 0, 3, 2, 2];
        for (int n = 0; n < 5; n++)
            ones.Item(n)[labels[n]] = 1;
        foreach (Loss loss in (Loss[])[new MeanSquaredError(), new MeanAbsoluteError(), new HuberLoss(), new BinaryCrossEntropy(), new SoftmaxCrossEntropy()])
        {
            Assert.Equal(loss.Forward(x, ones, byTarget), loss.Forward(x, labels, byLabel), 1e-6f);
            for (int i = 0; i < s_shape.Count; i++)
                Assert.Equal(byTarget.Span[i], byLabel.Span[i], 1e-7f);
            var each = new float[5];
            loss.PerImage(x, labels, each);
            Assert.Equal(each.Average(), loss.Forward(x, labels, byLabel), 1e-5f);
        }
    }

    [Fact]
    public void Elementwise_losses_follow_their_definitions_at_every_length()
    {
        for (int length = 1; length < 3000; length += length < 70 ? 3 : 977)
        {
            var random = new SeededRandom((ulong)length);
            using GuardedBuffer x = new(random.Floats(length)), t = new(random.Floats(length)), dx = new(length);
            foreach (ref float value in x.Span)
                value *= 30;
            Check(new SquaredLoss(), (a, b) => (a - b) * (a - b), (a, b) => 2 * (a - b));
            Check(new AbsoluteLoss(), (a, b) => Math.Abs(a - b), (a, b) => Math.Sign(a - b));
            Check(new HuberFunction(2), (a, b) => Math.Abs(a - b) <= 2 ? (a - b) * (a - b) / 2 : 2 * (Math.Abs(a - b) - 1), (a, b) => Math.Clamp(a - b, -2, 2));
            Check(
                new BinaryCrossEntropyFunction(),
                (a, b) => b * Math.Log(1 + Math.Exp(-a)) + (1 - b) * Math.Log(1 + Math.Exp(a)), (a, b) => 1 / (1 + Math.Exp(-a)) - b);

            void Check<TFunction>(TFunction function, Func<double, double, double> loss, Func<double, double, double> slope)
                where TFunction : struct, ILossFunction
            {
                double expected = 0, size = 0;
                dx.Span.Fill(float.NaN);
                double got = ElementLoss.Sum(function, x.Span, t.Span, 0.5f, dx.Span);
                Assert.Equal(got, ElementLoss.Sum(function, x.Span, t.Span, 0.5f, []));
                for (int i = 0; i < length; i++)
                {
                    double own = loss(x.Span[i], t.Span[i]);
                    (expected, size) = (expected + own, size + Math.Abs(own));
                    double d = 0.5 * slope(x.Span[i], t.Span[i]);
                    Assert.True(Math.Abs(d - dx.Span[i]) <= 1e-6 * (1 + Math.Abs(d)), $"{typeof(TFunction).Name}, {length}: slope[{i}] is {dx.Span[i]}, expected {d}");
                }

                Assert.True(Math.Abs(expected - got) <= 2e-6 * (1 + size), $"{typeof(TFunction).Name}, {length}: {got}, expected {expected}");
            }
        }
    }

    [Fact]
    public void Stays_finite_for_outputs_of_any_size_and_shows_NaN()
    {
        Tensor large = Tensor.From(new Shape(1, 4), [1e30f, -1e30f, 90, -90]), zeros = new(large.Shape), gradient = new(large.Shape);
        var loss = new BinaryCrossEntropy();
        Assert.Equal(2.5e29f, loss.Forward(large, zeros, gradient), 1e24f);
        Assert.Equal([0.25f, 0, 0.25f, 0], gradient.Span.ToArray().Select(value => MathF.Round(value, 5)));
        foreach (Loss other in (Loss[])[loss, new MeanSquaredError(), new MeanAbsoluteError(), new HuberLoss()])
        {
            Tensor bad = Tensor.From(new Shape(1, 4), [0, float.NaN, 0, 0]);
            Assert.True(float.IsNaN(other.Forward(bad, zeros, gradient)), other.GetType().Name);
            Assert.True(float.IsNaN(gradient.Span[1]), other.GetType().Name);
        }
    }

    [Fact]
    public void Refuses_settings_and_shapes_without_meaning()
    {
        Refused("labelSmoothing", () => _ = new SoftmaxCrossEntropy(1.5f));
        Refused("labelSmoothing", () => _ = new SoftmaxCrossEntropy(float.NaN));
        Refused("classWeights", () => _ = new SoftmaxCrossEntropy(classWeights: []));
        Refused("classWeights", () => _ = new SoftmaxCrossEntropy(classWeights: [1, -1]));
        Refused("delta", () => _ = new HuberLoss(0));
        Tensor x = new(s_shape);
        Refused("output", () => new SoftmaxCrossEntropy(classWeights: [1, 2]).Forward(x, [0, 0, 0, 0, 0], new Tensor(s_shape)));
        Assert.Contains("[5, 4] in Nchw, its target is [4, 5]", Refused("target", () => new MeanSquaredError().Forward(x, new Tensor(new Shape(4, 5)), x)));
        Refused("gradient", () => new MeanSquaredError().Forward(x, x, new Tensor(new Shape(20))));
        Refused("target", () => new MeanSquaredError().Forward(x, (Tensor)null!, x));
        Refused("labels", () => new MeanSquaredError().Forward(x, [0, 1, 2, 3, 4], x));
        Refused("losses", () => new MeanSquaredError().PerImage(x, [0, 1], new float[1]));
    }

    private static string Refused(string argument, Action call)
    {
        ArgumentException exception = Assert.ThrowsAny<ArgumentException>(call);
        Assert.Equal(argument, exception.ParamName);
        return exception.Message;
    }

    private static Tensor Random(SeededRandom random, float spread)
    {
        var tensor = new Tensor(s_shape);
        foreach (ref float value in tensor.Span)
            value = random.NextFloat(-spread, spread);
        return tensor;
    }

    // Rows between 0 and 1 that add up to 1.
    private static Tensor Shares(SeededRandom random)
    {
        var tensor = new Tensor(s_shape);
        for (int n = 0; n < s_shape[0]; n++)
        {
            float share = random.NextFloat(0, 1);
            (tensor.Item(n)[n % 4], tensor.Item(n)[(n + 1) % 4]) = (share, 1 - share);
        }

        return tensor;
    }
}
