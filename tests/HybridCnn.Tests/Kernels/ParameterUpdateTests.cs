using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Kernels;

/// <summary>The loops around optimizers' rules: every length around the vector lengths, against a page that must not be touched.</summary>
public class ParameterUpdateTests
{
    [Fact]
    public void Every_element_is_updated_once_at_every_length()
    {
        for (int length = 0; length < 70; length += 3)
        {
            using GuardedBuffer value = Uniform(length, 1), gradient = Uniform(length, 2), a = Uniform(length, 3), b = Uniform(length, 4), c = Uniform(length, 5);
            float[] p = value.Span.ToArray(), first = a.Span.ToArray(), second = b.Span.ToArray(), third = c.Span.ToArray();
            ParameterUpdate.Run(new SumRule(), gradient.Span, value.Span, a.Span, b.Span, c.Span);
            for (int i = 0; i < length; i++)
            {
                Assert.Equal(p[i] + gradient.Span[i], value.Span[i]);
                Assert.Equal((first[i] + 1, second[i] + 2, third[i] + 3), (a.Span[i], b.Span[i], c.Span[i]));
            }
        }
    }

    [Fact]
    public void Lets_NaN_through()
    {
        float[] gradient = new float[33];
        gradient[2] = gradient[32] = float.NaN;
        foreach (float[] value in (float[][])[Run(new SgdRule(0.1f, 0, 1)), Run(new AdamRule(0.1f, 1, 1, 1, 0, 1, 0, 1)), Run(new RmspropRule(0.1f, 0, 0, 1, 1))])
            Assert.Equal([2, 32], Enumerable.Range(0, 33).Where(i => float.IsNaN(value[i])));

        float[] Run<TRule>(TRule rule)
            where TRule : struct, IUpdateRule
        {
            var value = new float[33];
            ParameterUpdate.Run(rule, gradient, value, new float[TRule.States > 0 ? 33 : 0], new float[TRule.States > 1 ? 33 : 0]);
            return value;
        }
    }

    [Fact]
    public void Refuses_arrays_of_other_lengths()
    {
        var two = new float[2];
        Refused("gradient", () => ParameterUpdate.Run(new SgdRule(1, 0, 1), new float[1], two));
        Refused("a", () => ParameterUpdate.Run(new SgdRule(1, 0, 1), two, two, two));
        Refused("a", () => ParameterUpdate.Run(new MomentumRule(1, 0, 1, 0, 1, 0), two, two));
        Refused("b", () => ParameterUpdate.Run(new SumRule(), two, two, two, new float[3], two));
        Refused("c", () => ParameterUpdate.Run(new SumRule(), two, two, two, two));
    }

    [Fact]
    public void Limits_of_gradients_follow_their_definitions()
    {
        for (int length = 0; length < 150; length += 7)
        {
            using GuardedBuffer x = Uniform(length, 6);
            float[] before = x.Span.ToArray();
            Assert.Equal(before.Sum(v => (double)v * v), GradientLimits.SumOfSquares(x.Span), 1e-5);
            GradientLimits.Scale(0.5f, x.Span);
            Assert.Equal(before.Select(v => v * 0.5f), x.Span.ToArray());
            GradientLimits.Clamp(0.25f, x.Span);
            Assert.Equal(before.Select(v => Math.Clamp(v * 0.5f, -0.25f, 0.25f)), x.Span.ToArray());
        }

        float[] bad = [float.NaN, 9, float.PositiveInfinity];
        Assert.True(double.IsNaN(GradientLimits.SumOfSquares(bad)));
        GradientLimits.Clamp(2, bad);
        Assert.Equal([float.NaN, 2, 2], bad);
    }

    private static void Refused(string argument, Action call) => Assert.Equal(argument, Assert.Throws<ArgumentException>(call).ParamName);

    private static GuardedBuffer Uniform(int length, ulong seed) => new(new SeededRandom(seed).Floats(length));

    private readonly struct SumRule : IUpdateRule
    {
        public static int States => 3;

        public T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
            where T : struct, IFloats<T>
        {
            (a, b, c) = (a + T.Broadcast(1), b + T.Broadcast(2), c + T.Broadcast(3));
            return value + gradient;
        }
    }
}
