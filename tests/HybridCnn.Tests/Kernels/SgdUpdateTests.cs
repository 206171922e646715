using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Kernels;

/// <summary>The optimizer's update: every length around the vector lengths, against a page that must not be touched.</summary>
public class SgdUpdateTests
{
    [Theory]
    [InlineData(0f, 0f, 0f, false)]
    [InlineData(0f, 0f, 0.01f, false)]
    [InlineData(0.9f, 0f, 0f, false)]
    [InlineData(0.9f, 0.3f, 0.01f, false)]
    [InlineData(0.9f, 0f, 0.01f, true)]
    public void Sgd_follows_its_formula(float momentum, float dampening, float weightDecay, bool nesterov)
    {
        const double rate = 0.1;
        for (int length = 0; length < 70; length += 3)
        {
            using GuardedBuffer value = Uniform(length, 3), velocity = Uniform(length, 4);
            double[] p = [.. value.Span.ToArray().Select(v => (double)v)], v = new double[length];
            for (int step = 0; step < 3; step++)
            {
                using GuardedBuffer gradient = Uniform(length, 5 + (ulong)step);
                for (int i = 0; i < length; i++)
                {
                    double d = gradient.Span[i] + weightDecay * p[i];
                    v[i] = step == 0 ? d : momentum * v[i] + (1.0 - dampening) * d;
                    p[i] -= rate * (momentum == 0 ? d : nesterov ? d + momentum * v[i] : v[i]);
                }

                if (momentum == 0)
                {
                    SgdUpdate.Plain((float)rate, weightDecay, gradient.Span, value.Span);
                }
                else
                {
                    SgdUpdate.WithMomentum(
                        (float)rate, weightDecay, step == 0 ? 0 : momentum, step == 0 ? 1 : 1 - dampening, nesterov ? momentum : 0,
                        gradient.Span, velocity.Span, value.Span);
                }

                for (int i = 0; i < length; i++)
                    Assert.Equal(p[i], value.Span[i], 1e-6);
            }
        }
    }

    [Fact]
    public void Sgd_lets_NaN_through()
    {
        var value = new float[33];
        var gradient = new float[33];
        gradient[2] = gradient[32] = float.NaN;
        SgdUpdate.WithMomentum(0.1f, 0, 0, 1, 0, gradient, new float[33], value);
        Assert.Equal([2, 32], Enumerable.Range(0, 33).Where(i => float.IsNaN(value[i])));
    }

    private static GuardedBuffer Uniform(int length, ulong seed)
    {
        var random = new SeededRandom(seed);
        var buffer = new GuardedBuffer(length);
        foreach (ref float value in buffer.Span)
            value = random.NextFloat(-1, 1);
        return buffer;
    }
}
