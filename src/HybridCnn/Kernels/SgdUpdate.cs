using System.Numerics;

namespace HybridCnn.Kernels;

/// <summary>
/// One step of stochastic gradient descent on a run of elements, PyTorch's form, which keeps the learning rate out of the
/// velocity: d = g + weightDecay·p; v = momentum·v + (1 - dampening)·d, v = d in the first step; p -= lr·v, or
/// lr·(d + momentum·v) with Nesterov's (1983) look-ahead in the form of Sutskever et al. (On the importance of initialization
/// and momentum in deep learning, 2013).
/// </summary>
internal static class SgdUpdate
{
    /// <summary>p -= lr·(g + weightDecay·p).</summary>
    public static void Plain(float learningRate, float weightDecay, ReadOnlySpan<float> gradient, Span<float> value)
    {
        gradient = gradient[..value.Length];
        int i = 0;
        for (; i <= value.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var p = new Vector<float>(value[i..]);
            Vector<float> d = new Vector<float>(gradient[i..]) + p * weightDecay;
            (p - d * learningRate).CopyTo(value[i..]);
        }

        for (; i < value.Length; i++)
            value[i] -= (gradient[i] + weightDecay * value[i]) * learningRate;
    }

    /// <summary>The step with a velocity. In the first step <paramref name="keep"/> is 0 and <paramref name="add"/> is 1.</summary>
    /// <param name="learningRate">lr.</param>
    /// <param name="weightDecay">Multiplies the value into the gradient.</param>
    /// <param name="keep">The factor of the old velocity: momentum, or 0 in the first step.</param>
    /// <param name="add">The factor of the gradient: 1 - dampening, or 1 in the first step.</param>
    /// <param name="lookAhead">Momentum for Nesterov's form, otherwise 0.</param>
    /// <param name="gradient">g.</param>
    /// <param name="velocity">v, updated.</param>
    /// <param name="value">p, updated.</param>
    public static void WithMomentum(
        float learningRate, float weightDecay, float keep, float add, float lookAhead,
        ReadOnlySpan<float> gradient, Span<float> velocity, Span<float> value)
    {
        gradient = gradient[..value.Length];
        velocity = velocity[..value.Length];
        int i = 0;
        for (; i <= value.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var p = new Vector<float>(value[i..]);
            Vector<float> d = new Vector<float>(gradient[i..]) + p * weightDecay;
            Vector<float> v = new Vector<float>(velocity[i..]) * keep + d * add;
            v.CopyTo(velocity[i..]);
            Vector<float> direction = lookAhead == 0 ? v : d + v * lookAhead;
            (p - direction * learningRate).CopyTo(value[i..]);
        }

        for (; i < value.Length; i++)
        {
            float d = gradient[i] + weightDecay * value[i];
            float v = velocity[i] * keep + d * add;
            velocity[i] = v;
            value[i] -= (lookAhead == 0 ? v : d + v * lookAhead) * learningRate;
        }
    }
}
