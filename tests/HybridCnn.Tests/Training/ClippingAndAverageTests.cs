using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

public class ClippingAndAverageTests
{
    [Theory]
    [InlineData(1, 1f)]
    [InlineData(3, 1f)]
    [InlineData(2, 1e6f)]
    public void Clipping_by_norm_scales_all_gradients_alike(int threads, float limit)
    {
        using var context = new ComputeContext(threads);
        var random = new SeededRandom(5);
        Parameter[] parameters = [new("a", new Shape(17, 4097)), new("b", new Shape(3))];
        foreach (Parameter parameter in parameters)
            random.Floats(parameter.Shape.Count).CopyTo(parameter.Gradient.Span);
        float[][] before = [.. parameters.Select(parameter => parameter.Gradient.Span.ToArray())];
        double norm = Math.Sqrt(before.Sum(part => part.Sum(g => (double)g * g)));
        Assert.Equal(norm, new GradientClipping(parameters, limit).Clip(context), 1e-5 * norm);
        // torch.nn.utils.clip_grad_norm_.
        double factor = Math.Min(1, limit / (norm + 1e-6));
        for (int p = 0; p < parameters.Length; p++)
        {
            for (int i = 0; i < before[p].Length; i++)
                Assert.Equal(before[p][i] * factor, parameters[p].Gradient.Span[i], 1e-6 * factor);
        }

        if (limit > norm)
            Assert.Equal(before, parameters.Select(parameter => parameter.Gradient.Span.ToArray()));
    }

    [Fact]
    public void Clipping_by_value_limits_single_elements_before_the_norm()
    {
        using var context = new ComputeContext(1);
        var parameter = new Parameter("p", new Shape(4));
        float[] gradient = [-5, 0.5f, 3, -1];
        gradient.CopyTo(parameter.Gradient.Span);
        Assert.True(double.IsNaN(new GradientClipping([parameter], value: 2).Clip(context)));
        Assert.Equal([-2, 0.5f, 2, -1], parameter.Gradient.Span.ToArray());
        gradient.CopyTo(parameter.Gradient.Span);
        Assert.Equal(Math.Sqrt(4 + 0.25 + 4 + 1), new GradientClipping([parameter], norm: 100, value: 2).Clip(context), 1e-6);
        Refused("norm", () => _ = new GradientClipping([parameter]));
        Refused("norm", () => _ = new GradientClipping([parameter], norm: 0));
        Refused("value", () => _ = new GradientClipping([parameter], value: float.NaN));
        Refused("parameters", () => _ = new GradientClipping([], 1));
    }

    [Theory]
    [InlineData(0.9f, false)]
    [InlineData(0.9f, true)]
    [InlineData(0f, false)]
    public void An_average_follows_its_formula_and_is_exchanged_bit_for_bit(float decay, bool warmUp)
    {
        using var context = new ComputeContext(2);
        var random = new SeededRandom(6);
        var network = new Sequential(new Conv2d(1, 3, 3), new BatchNorm2d(3), new Flatten(), new Linear(3 * 28 * 28, 40));
        Parameter[] state = [.. network.NamedState.Select(named => named.Parameter)];
        var average = new WeightAverage(network, decay, warmUp);
        double[][] expected = [.. state.Select(parameter => parameter.Value.Span.ToArray().Select(value => (double)value).ToArray())];
        for (int step = 1; step <= 20; step++)
        {
            double keep = warmUp ? Math.Min(decay, step / (step + 9.0)) : decay;
            for (int p = 0; p < state.Length; p++)
            {
                random.Floats(state[p].Shape.Count).CopyTo(state[p].Value.Span);
                for (int i = 0; i < expected[p].Length; i++)
                    expected[p][i] = keep * expected[p][i] + (1 - keep) * state[p].Value.Span[i];
            }

            average.Update(context);
        }

        Assert.Equal(network.NamedState.Select(named => named.Name), average.State.Tensors.Select(named => named.Name));
        float[][] weights = [.. state.Select(parameter => parameter.Value.Span.ToArray())];
        average.Exchange();
        for (int p = 0; p < state.Length; p++)
        {
            for (int i = 0; i < expected[p].Length; i++)
                Assert.Equal(expected[p][i], state[p].Value.Span[i], 1e-5);
        }

        Assert.True(average.IsExchanged);
        Assert.Throws<InvalidOperationException>(() => average.Update(context));
        Assert.Throws<InvalidOperationException>(() => average.State);
        average.Exchange();
        Assert.Equal(weights, state.Select(parameter => parameter.Value.Span.ToArray()));
    }

    [Fact]
    public void An_average_refuses_what_it_cannot_average()
    {
        Refused("decay", () => _ = new WeightAverage(new Linear(1, 1), 1));
        Refused("decay", () => _ = new WeightAverage(new Linear(1, 1), float.NaN));
        Refused("network", () => _ = new WeightAverage(new Flatten(), 0.9f));
    }

    private static void Refused(string argument, Action call) => Assert.Equal(argument, Assert.ThrowsAny<ArgumentException>(call).ParamName);
}
