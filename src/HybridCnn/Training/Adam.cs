using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// Adam (Kingma and Ba, Adam: a method for stochastic optimization, 2015), PyTorch's formulas: d = g + weightDecay·p;
/// m += (1 - β1)·(d - m); v = β2·v + (1 - β2)·d²; p -= learningRate·m̂ / (√v̂ + ε), m̂ = m / (1 - β1^t), v̂ = v / (1 - β2^t).
/// </summary>
public class Adam : Optimizer
{
    private readonly Tensor[] _means, _squares, _largest;
    private readonly bool _decoupledDecay;
    private double _meanCorrection;
    private float _root;

    /// <summary>Prepares training of <paramref name="parameters"/>.</summary>
    /// <param name="parameters">What to train.</param>
    /// <param name="learningRate">The size of a step.</param>
    /// <param name="beta1">How much of the mean of the gradients stays, at least 0 and below 1.</param>
    /// <param name="beta2">How much of the mean of their squares stays, at least 0 and below 1.</param>
    /// <param name="epsilon">What keeps the divisor from 0.</param>
    /// <param name="weightDecay">The factor by which parameters add to their own gradients.</param>
    /// <param name="amsgrad">Whether to divide by the largest v so far (Reddi, Kale and Kumar, On the convergence of Adam and beyond, 2018).</param>
    /// <exception cref="ArgumentException">A number out of range.</exception>
    public Adam(
        IReadOnlyList<Parameter> parameters, float learningRate = 1e-3f, float beta1 = 0.9f, float beta2 = 0.999f, float epsilon = 1e-8f,
        float weightDecay = 0, bool amsgrad = false)
        : this(parameters, learningRate, beta1, beta2, epsilon, weightDecay, amsgrad, decoupledDecay: false)
    {
    }

    private protected Adam(
        IReadOnlyList<Parameter> parameters, float learningRate, float beta1, float beta2, float epsilon, float weightDecay, bool amsgrad, bool decoupledDecay)
        : base(parameters, learningRate, weightDecay)
    {
        RequireShare(beta1, nameof(beta1));
        RequireShare(beta2, nameof(beta2));
        RequireFactor(epsilon, nameof(epsilon));
        (Beta1, Beta2, Epsilon, Amsgrad, _decoupledDecay) = (beta1, beta2, epsilon, amsgrad, decoupledDecay);
        _means = Remember("mean");
        _squares = Remember("square");
        _largest = amsgrad ? Remember("largest_square") : [];
    }

    /// <summary>How much of the mean of the gradients stays.</summary>
    public float Beta1 { get; }

    /// <summary>How much of the mean of their squares stays.</summary>
    public float Beta2 { get; }

    /// <summary>What keeps the divisor from 0.</summary>
    public float Epsilon { get; }

    /// <summary>Whether the largest mean of the squares so far divides.</summary>
    public bool Amsgrad { get; }

    /// <inheritdoc/>
    protected sealed override void Prepare(ComputeContext context)
    {
        _meanCorrection = 1 - Math.Pow(Beta1, Steps + 1);
        _root = (float)(1 / Math.Sqrt(1 - Math.Pow(Beta2, Steps + 1)));
    }

    /// <inheritdoc/>
    protected sealed override void Update(int parameter, int start, ReadOnlySpan<float> gradient, Span<float> value)
    {
        (float decay, float shrink) = Decay(parameter, _decoupledDecay);
        var rule = new AdamRule(
            (float)(LearningRateOf(parameter) / _meanCorrection), _root, Epsilon, (float)(1 - (double)Beta1), Beta2, (float)(1 - (double)Beta2), decay, shrink);
        if (Amsgrad)
            ParameterUpdate.Run(new AmsgradRule(rule), gradient, value, _means[parameter].Span.Slice(start, value.Length), _squares[parameter].Span.Slice(start, value.Length), _largest[parameter].Span.Slice(start, value.Length));
        else
            ParameterUpdate.Run(rule, gradient, value, _means[parameter].Span.Slice(start, value.Length), _squares[parameter].Span.Slice(start, value.Length));
    }
}
