using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// Stochastic gradient descent with momentum, Nesterov's look-ahead and weight decay, PyTorch's formulas: d = g + weightDecay·p;
/// v = momentum·v + (1 - dampening)·d, in the first step v = d; p -= learningRate·v, with Nesterov p -= learningRate·(d + momentum·v).
/// Decoupled, weight decay leaves the gradient alone: d = g, and p *= 1 - learningRate·weightDecay before the step (SGDW, Loshchilov and
/// Hutter, Decoupled weight decay regularization, 2019).
/// </summary>
public sealed class Sgd : Optimizer
{
    private readonly Tensor[] _velocities;

    /// <summary>Prepares training of <paramref name="parameters"/>.</summary>
    /// <param name="parameters">What to train.</param>
    /// <param name="learningRate">The size of a step.</param>
    /// <param name="momentum">How much of the last direction stays, 0 for none.</param>
    /// <param name="nesterov">Looks ahead along the velocity; needs momentum, and no dampening.</param>
    /// <param name="weightDecay">The factor by which parameters add to their own gradients, or shrink.</param>
    /// <param name="dampening">How much of the gradient is left out of the velocity, from the second step on.</param>
    /// <param name="decoupledDecay">Whether parameters shrink by themselves, instead of adding to their gradients.</param>
    /// <exception cref="ArgumentException">A factor that is negative or not finite, or Nesterov without momentum or with dampening.</exception>
    public Sgd(
        IReadOnlyList<Parameter> parameters, float learningRate, float momentum = 0, bool nesterov = false,
        float weightDecay = 0, float dampening = 0, bool decoupledDecay = false)
        : base(parameters, learningRate, weightDecay)
    {
        RequireFactor(momentum, nameof(momentum));
        if (!float.IsFinite(dampening))
            throw new ArgumentOutOfRangeException(nameof(dampening), dampening, "Must be finite.");
        if (nesterov && (momentum == 0 || dampening != 0))
            throw new ArgumentException($"Nesterov needs momentum above 0 and dampening 0; got {momentum} and {dampening}.", nameof(nesterov));
        Momentum = momentum;
        Nesterov = nesterov;
        Dampening = dampening;
        DecoupledDecay = decoupledDecay;
        _velocities = momentum == 0 ? [] : Remember("velocity");
    }

    /// <summary>How much of the last direction stays.</summary>
    public float Momentum { get; }

    /// <summary>Whether steps look ahead along the velocity.</summary>
    public bool Nesterov { get; }

    /// <summary>How much of the gradient is left out of the velocity.</summary>
    public float Dampening { get; }

    /// <summary>Whether weight decay leaves the gradients alone.</summary>
    public bool DecoupledDecay { get; }

    /// <inheritdoc/>
    protected override void Update(int parameter, int start, ReadOnlySpan<float> gradient, Span<float> value)
    {
        (float decay, float shrink) = Decay(parameter, DecoupledDecay);
        float rate = LearningRateOf(parameter);
        if (Momentum == 0)
        {
            ParameterUpdate.Run(new SgdRule(rate, decay, shrink), gradient, value);
            return;
        }

        (float keep, float add) = Steps == 0 ? (0, 1) : (Momentum, 1 - Dampening);
        ParameterUpdate.Run(new MomentumRule(rate, decay, shrink, keep, add, Nesterov ? Momentum : 0), gradient, value, _velocities[parameter].Span.Slice(start, value.Length));
    }
}
