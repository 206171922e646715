using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Kernels;

/// <summary>Every activation against PyTorch's formula in double: every length around the vector lengths between guard pages, and a sweep over x for the error.</summary>
public class ActivationTests
{
    private static readonly Case[] s_cases =
    [
        new Case<ReluFunction>("ReLU", default, x => Math.Max(x, 0), x => x > 0 ? 1 : 0, 0),
        new Case<CappedReluFunction>("ReLU6", new(6), x => Math.Clamp(x, 0, 6), x => x is > 0 and < 6 ? 1 : 0, 0),
        new Case<LeakyReluFunction>("LeakyReLU", new(0.25f), x => x > 0 ? x : 0.25 * x, x => x > 0 ? 1 : 0.25, 0),
        new Case<SigmoidFunction>("Sigmoid", default, Sigmoid, x => Sigmoid(x) * Sigmoid(-x), 2e-7),
        new Case<TanhFunction>("Tanh", default, Math.Tanh, x => 1 / (Math.Cosh(x) * Math.Cosh(x)), 3e-7),
        new Case<SiluFunction>("SiLU", default, x => x * Sigmoid(x), x => Sigmoid(x) * (1 + x * Sigmoid(-x)), 4e-7),
        new Case<GeluFunction>("GELU", default, x => x * Normal(x), x => Normal(x) + x * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI), 4e-7),
        new Case<HardswishFunction>("Hardswish", default, x => x * Math.Clamp(x + 3, 0, 6) / 6, x => x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1, 2e-7),
    ];

    public static TheoryData<string> Names => new(s_cases.Select(test => test.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Follows_its_formula_at_any_length_and_lets_NaN_through(string name)
    {
        Case test = Get(name);
        for (int length = 0; length < 70; length++)
        {
            foreach (GuardSide side in (GuardSide[])[GuardSide.Start, GuardSide.End])
            {
                using GuardedBuffer x = Values(length, 1, side), dy = Values(length, 2, side), y = new(length, side), dx = new(length, side);
                test.Forward(x.Span, y.Span);
                test.Backward(x.Span, y.Span, dy.Span, dx.Span);
                for (int i = 0; i < length; i++)
                {
                    if (float.IsNaN(x.Span[i]))
                    {
                        Assert.Equal(float.NaN, y.Span[i]);
                        continue;
                    }

                    double value = test.Value(x.Span[i]), gradient = dy.Span[i] * test.Derivative(x.Span[i]);
                    Assert.True(Math.Abs(y.Span[i] - value) <= test.Bound(value), $"{name}({x.Span[i]:r}) is {y.Span[i]:r}, not {value:r}");
                    Assert.True(Math.Abs(dx.Span[i] - gradient) <= test.Bound(dy.Span[i]), $"{name}, {i} of {length}: dx is {dx.Span[i]:r}, not {gradient:r}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Rounds_as_little_as_it_promises_near_and_far_from_zero(string name)
    {
        Case test = Get(name);
        float[] sweep = [.. Enumerable.Range(-20_000, 40_001).Select(i => i * 5e-4f)];
        float[] x = [.. sweep, .. Enumerable.Range(-1500, 3001).Select(i => i / 10f), 1e-3f, -1e-3f, 1e-10f, -1e-10f, 1e-38f, 0, -0f, 6, -3, 3, 1e10f, -1e10f];
        float[] y = new float[x.Length], dx = new float[x.Length], dy = new float[x.Length];
        Array.Fill(dy, 1);
        test.Forward(x, y);
        test.Backward(x, y, dy, dx);
        for (int i = 0; i < x.Length; i++)
        {
            double expected = test.Value(x[i]), slope = test.Derivative(x[i]);
            Assert.True(Math.Abs(y[i] - expected) <= test.Bound(expected), $"{name}({x[i]:r}) is {y[i]:r}, not {expected:r}");
            Assert.True(Math.Abs(dx[i] - slope) <= test.Bound(1), $"{name}'({x[i]:r}) is {dx[i]:r}, not {slope:r}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gives_the_same_bits_in_place(string name)
    {
        Case test = Get(name);
        float[] x = new SeededRandom(3).Floats(67), dy = new SeededRandom(4).Floats(67), y = new float[67], dx = new float[67], inPlace = [.. x];
        test.Forward(x, y);
        test.Forward(inPlace, inPlace);
        Assert.Equal(y, inPlace);
        test.Backward(x, y, dy, dx);
        test.Backward(x, y, dy, dy);
        Assert.Equal(dx, dy);
        Assert.Contains("67", Assert.Throws<ArgumentException>(() => test.Forward(x, new float[66])).Message, StringComparison.Ordinal);
        Assert.Equal("dy", Assert.Throws<ArgumentException>(() => test.Backward(x, y, new float[68], dx)).ParamName);
    }

    [Fact]
    public void Relu_of_negative_zero_and_infinities()
    {
        float[] x = [-0f, float.NegativeInfinity, float.PositiveInfinity, 0, 1e-45f, -1e-45f, 3, -3, -0f], y = new float[9];
        Elementwise.Forward(default(ReluFunction), x, y);
        Assert.Equal([0, 0, float.PositiveInfinity, 0, 1e-45f, 0, 3, 0, 0], y);
        Assert.All(y, value => Assert.False(float.IsNegative(value)));
    }

    [Fact]
    public void Relu_lets_a_gradient_pass_where_its_output_is_NaN()
    {
        float[] y = [.. Enumerable.Repeat(float.NaN, 17), 0, 1], dy = new SeededRandom(1).Floats(19), dx = new float[19];
        Elementwise.Backward(default(ReluFunction), y, dy, dx);
        Assert.Equal([.. dy[..17], 0, dy[18]], dx);
    }

    private static Case Get(string name) => s_cases.Single(test => test.Name == name);

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    // The series of the error function; beyond 6 nothing is left of the tail.
    private static double Normal(double x)
    {
        if (Math.Abs(x) > 6)
            return x > 0 ? 1 : 0;
        double z = x / Math.Sqrt(2), term = z, sum = 0;
        for (int n = 0; n < 200; n++)
        {
            sum += term / (2 * n + 1);
            term *= -z * z / (n + 1);
        }

        return 0.5 + sum / Math.Sqrt(Math.PI);
    }

    private static GuardedBuffer Values(int length, ulong seed, GuardSide side)
    {
        var random = new SeededRandom(seed);
        var buffer = new GuardedBuffer(length, side);
        foreach (ref float value in buffer.Span)
            value = seed == 1 && random.NextInt(10) == 0 ? float.NaN : random.NextInt(5) == 0 ? 0 : random.NextFloat(-8, 8);
        return buffer;
    }

    /// <param name="Name">For messages.</param>
    /// <param name="Value">y of x.</param>
    /// <param name="Derivative">Its derivative.</param>
    /// <param name="Error">The largest error, of the larger of 1 and |y|; on top of the rounding of the last place.</param>
    private abstract record Case(string Name, Func<double, double> Value, Func<double, double> Derivative, double Error)
    {
        public double Bound(double y) => Error * Math.Max(1, Math.Abs(y)) + 1e-7 * Math.Abs(y);

        public abstract void Forward(ReadOnlySpan<float> x, Span<float> y);

        public abstract void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx);
    }

    private sealed record Case<TFunction>(string Name, TFunction Function, Func<double, double> Value, Func<double, double> Derivative, double Error)
        : Case(Name, Value, Derivative, Error)
        where TFunction : struct, IActivation
    {
        public override void Forward(ReadOnlySpan<float> x, Span<float> y) => Elementwise.Forward(Function, x, y);

        public override void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx) =>
            Elementwise.Backward(Function, TFunction.FromOutput ? y : x, dy, dx);
    }
}
