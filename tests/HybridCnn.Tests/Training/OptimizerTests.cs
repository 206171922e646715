using HybridCnn.Compute;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

/// <summary>Optimizers against formulas in double, with a learning rate that changes.</summary>
public class OptimizerTests
{
    private const int Steps = 7;

    private static readonly double[] s_rates = [.. Enumerable.Range(0, Steps).Select(t => 0.02 / (1 + t % 3))];

    [Theory]
    [InlineData(0f, false, 0f, false)]
    [InlineData(0f, false, 0.1f, false)]
    [InlineData(0f, false, 0.1f, true)]
    [InlineData(0.9f, false, 0.1f, false)]
    [InlineData(0.9f, false, 0.1f, true)]
    [InlineData(0.9f, true, 0.1f, false)]
    [InlineData(0.5f, true, 0.1f, true)]
    public void Sgd_follows_its_formula(float momentum, bool nesterov, float decay, bool decoupled) => Check(
        parameters => new Sgd(parameters, 1, momentum, nesterov, decay, decoupledDecay: decoupled),
        (p, g) => ReferenceOptimizers.Sgd(p, g, momentum, nesterov, decay, decoupled, s_rates));

    [Theory]
    [InlineData(0.9f, 0.999f, 0f, false)]
    [InlineData(0.8f, 0.95f, 0.2f, false)]
    [InlineData(0.5f, 0.6f, 0.2f, true)]
    [InlineData(0f, 0f, 0f, false)]
    public void Adam_follows_its_formula(float beta1, float beta2, float decay, bool amsgrad)
    {
        Check(
            parameters => new Adam(parameters, 1, beta1, beta2, 1e-6f, decay, amsgrad),
            (p, g) => ReferenceOptimizers.Adam(p, g, beta1, beta2, 1e-6, decay, false, amsgrad, s_rates));
        Check(
            parameters => new AdamW(parameters, 1, beta1, beta2, 1e-6f, decay, amsgrad),
            (p, g) => ReferenceOptimizers.Adam(p, g, beta1, beta2, 1e-6, decay, true, amsgrad, s_rates));
    }

    [Theory]
    [InlineData(0.9f, 0f, 0f, false)]
    [InlineData(0.9f, 0.1f, 0.9f, false)]
    [InlineData(0.8f, 0.1f, 0f, true)]
    [InlineData(0.8f, 0f, 0.5f, true)]
    public void Rmsprop_follows_its_formula(float alpha, float decay, float momentum, bool centered) => Check(
        parameters => new Rmsprop(parameters, 1, alpha, 1e-3f, decay, momentum, centered),
        (p, g) => ReferenceOptimizers.Rmsprop(p, g, alpha, 1e-3, decay, momentum, centered, s_rates));

    [Theory]
    [InlineData(0f, 0f, 1)]
    [InlineData(0.9f, 0.1f, 1)]
    [InlineData(0.9f, 0.1f, 2)]
    public void Lars_follows_its_formula(float momentum, float decay, int rank) => Check(
        parameters => new Lars(parameters, 1, momentum, decay, trust: 0.3f),
        (p, g) => ReferenceOptimizers.Lars(p, g, 0.3f, decay, momentum, rank > 1, s_rates),
        count => rank == 1 ? new Shape(count) : new Shape(1, count));

    [Fact]
    public void Lars_takes_plain_steps_where_all_is_zero()
    {
        using var context = new ComputeContext(1);
        var parameter = new Parameter("p", new Shape(2, 2));
        parameter.Gradient.Span.Fill(1);
        new Lars([parameter], 0.5f).Step(context);
        Assert.All(parameter.Value.Span.ToArray(), value => Assert.Equal(-0.5f, value));
    }

    [Fact]
    public void Parameters_can_have_rates_and_decays_of_their_own()
    {
        using var context = new ComputeContext(1);
        Parameter[] parameters = [new("weight", new Shape(1, 1)), new("bias", new Shape(1)), new("frozen", new Shape(1))];
        foreach (Parameter parameter in parameters)
            (parameter.Value.Span[0], parameter.Gradient.Span[0]) = (1, 1);
        var sgd = new Sgd(parameters, 0.5f, weightDecay: 1);
        sgd.DecayWeightsOnly();
        sgd.Scale([parameters[2]], learningRate: 0);
        sgd.Step(context);
        Assert.Equal([0f, 0.5f, 1f], parameters.Select(parameter => parameter.Value.Span[0]));
        sgd.Scale([parameters[1]], learningRate: 0.5f, weightDecay: 2);
        sgd.Step(context);
        Assert.Equal([-0.5f, 0, 1f], parameters.Select(parameter => parameter.Value.Span[0]));
        Assert.Contains("stranger [3]", Assert.Throws<ArgumentException>(() => sgd.Scale([new Parameter("stranger", new Shape(3))])).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => sgd.Scale(parameters, learningRate: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => sgd.Scale(parameters, weightDecay: float.NaN));
    }

    [Fact]
    public void Refuses_settings_without_meaning()
    {
        Parameter[] p = [new("p", new Shape(2))];
        Refused("weightDecay", () => _ = new Adam(p, weightDecay: -1));
        Refused("beta1", () => _ = new Adam(p, beta1: 1));
        Refused("beta2", () => _ = new AdamW(p, beta2: float.NaN));
        Refused("epsilon", () => _ = new AdamW(p, epsilon: -1));
        Refused("alpha", () => _ = new Rmsprop(p, alpha: -0.1f));
        Refused("momentum", () => _ = new Rmsprop(p, momentum: float.PositiveInfinity));
        Refused("trust", () => _ = new Lars(p, 1, trust: -1));
        Refused("momentum", () => _ = new Lars(p, 1, momentum: float.NaN));
        Refused("parameters", () => _ = new Adam([]));
    }

    [Theory]
    [MemberData(nameof(TrainingParts.OptimizerNames), MemberType = typeof(TrainingParts))]
    public void Has_the_same_bits_for_any_number_of_threads(string name)
    {
        float[][] expected = Train(1);
        foreach (int threads in (int[])[2, 3, 5])
            SameBits.Assert(expected, Train(threads), $"{name} on {threads} threads");

        float[][] Train(int threads)
        {
            using var context = new ComputeContext(threads);
            var random = new SeededRandom(8);
            Parameter[] parameters = [new("a", new Shape(31, 4099)), new("b", new Shape(5)), new("c", new Shape(9000))];
            foreach (Parameter parameter in parameters)
                random.Floats(parameter.Shape.Count).CopyTo(parameter.Value.Span);
            Optimizer optimizer = TrainingParts.CreateOptimizer(name, parameters);
            var clipping = new GradientClipping(parameters, norm: 3);
            for (int step = 0; step < 3; step++)
            {
                foreach (Parameter parameter in parameters)
                    random.Floats(parameter.Shape.Count).CopyTo(parameter.Gradient.Span);
                Assert.True(clipping.Clip(context) > 100);
                optimizer.Step(context);
            }

            return [.. parameters.Select(parameter => parameter.Value.Span.ToArray())];
        }
    }

    private static void Check(Func<Parameter[], Optimizer> create, Func<double[], float[][], double[][]> reference, Func<int, Shape>? shape = null)
    {
        const int count = 53;
        using var context = new ComputeContext(2);
        var random = new SeededRandom(7);
        var parameter = new Parameter("p", shape?.Invoke(count) ?? new Shape(count));
        random.Floats(count).CopyTo(parameter.Value.Span);
        float[][] gradients = [.. Enumerable.Range(0, Steps).Select(_ => random.Floats(count))];
        double[][] expected = reference([.. parameter.Value.Span.ToArray().Select(value => (double)value)], gradients);
        Optimizer optimizer = create([parameter]);
        for (int t = 0; t < Steps; t++)
        {
            optimizer.LearningRate = (float)s_rates[t];
            gradients[t].CopyTo(parameter.Gradient.Span);
            optimizer.Step(context);
            for (int i = 0; i < count; i++)
                Assert.True(Math.Abs(expected[t][i] - parameter.Value.Span[i]) < 2e-6, $"step {t}, element {i}: {parameter.Value.Span[i]}, expected {expected[t][i]}");
            Assert.Equal(gradients[t], parameter.Gradient.Span.ToArray());
        }
    }

    private static void Refused(string argument, Action call) => Assert.Equal(argument, Assert.ThrowsAny<ArgumentException>(call).ParamName);
}
