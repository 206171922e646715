using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// RMSprop (Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012), PyTorch's formulas:
/// d = g + weightDecay·p; s = α·s + (1 - α)·d²; p -= learningRate·d / (√s + ε), or with momentum v = momentum·v + d / (√s + ε) and
/// p -= learningRate·v. Centered, the mean m of the gradients is taken off: √(s - m²) (Graves, Generating sequences with recurrent
/// neural networks, 2013).
/// </summary>
public sealed class Rmsprop : Optimizer
{
    private readonly Tensor[] _squares, _means, _velocities;

    /// <summary>Prepares training of <paramref name="parameters"/>.</summary>
    /// <param name="parameters">What to train.</param>
    /// <param name="learningRate">The size of a step.</param>
    /// <param name="alpha">How much of the mean of the squares stays, at least 0 and below 1.</param>
    /// <param name="epsilon">What keeps the divisor from 0.</param>
    /// <param name="weightDecay">The factor by which parameters add to their own gradients.</param>
    /// <param name="momentum">How much of the last direction stays, 0 for none.</param>
    /// <param name="centered">Whether the mean of the gradients is taken off their squares.</param>
    /// <exception cref="ArgumentException">A number out of range.</exception>
    public Rmsprop(
        IReadOnlyList<Parameter> parameters, float learningRate = 1e-2f, float alpha = 0.99f, float epsilon = 1e-8f,
        float weightDecay = 0, float momentum = 0, bool centered = false)
        : base(parameters, learningRate, weightDecay)
    {
        RequireShare(alpha, nameof(alpha));
        RequireFactor(epsilon, nameof(epsilon));
        RequireFactor(momentum, nameof(momentum));
        (Alpha, Epsilon, Momentum, Centered) = (alpha, epsilon, momentum, centered);
        _squares = Remember("square");
        _means = centered ? Remember("mean") : [];
        _velocities = momentum == 0 ? [] : Remember("velocity");
    }

    /// <summary>How much of the mean of the squares stays.</summary>
    public float Alpha { get; }

    /// <summary>What keeps the divisor from 0.</summary>
    public float Epsilon { get; }

    /// <summary>How much of the last direction stays.</summary>
    public float Momentum { get; }

    /// <summary>Whether the mean of the gradients is taken off their squares.</summary>
    public bool Centered { get; }

    /// <inheritdoc/>
    protected override void Update(int parameter, int start, ReadOnlySpan<float> gradient, Span<float> value)
    {
        float rate = LearningRateOf(parameter);
        var rule = new RmspropRule(rate, WeightDecayOf(parameter), Alpha, (float)(1 - (double)Alpha), Epsilon);
        Span<float> square = _squares[parameter].Span.Slice(start, value.Length);
        switch (Centered, Momentum > 0)
        {
            case (false, false):
                ParameterUpdate.Run(rule, gradient, value, square);
                break;
            case (false, true):
                ParameterUpdate.Run(new RmspropMomentumRule(rule, rate, Momentum), gradient, value, square, _velocities[parameter].Span.Slice(start, value.Length));
                break;
            case (true, false):
                ParameterUpdate.Run(new CenteredRmspropRule(rule, rate), gradient, value, square, _means[parameter].Span.Slice(start, value.Length));
                break;
            default:
                ParameterUpdate.Run(new CenteredRmspropMomentumRule(rule, rate, Momentum), gradient, value, square, _means[parameter].Span.Slice(start, value.Length), _velocities[parameter].Span.Slice(start, value.Length));
                break;
        }
    }
}
