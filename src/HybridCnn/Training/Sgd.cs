using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// Stochastic gradient descent with momentum, Nesterov's look-ahead and weight decay (added to the gradient, L2), PyTorch's
/// formulas: d = g + weightDecay·p; v = momentum·v + (1 - dampening)·d, in the first step v = d; p -= learningRate·v, with
/// Nesterov p -= learningRate·(d + momentum·v). NaN passes through to the parameters.
/// </summary>
public sealed class Sgd : Optimizer
{
    // A block is what one worker takes at least: large enough to outweigh a wake-up, small enough to share out a layer.
    private const int BlockLength = 4096;

    private readonly Tensor[] _velocities;
    private readonly Block[] _blocks;
    private readonly long _elements;
    private bool _hasVelocity;

    /// <summary>Prepares training of <paramref name="parameters"/>.</summary>
    /// <param name="parameters">What to train.</param>
    /// <param name="learningRate">The size of a step.</param>
    /// <param name="momentum">How much of the last direction stays, 0 for none.</param>
    /// <param name="nesterov">Looks ahead along the velocity; needs momentum, and no dampening.</param>
    /// <param name="weightDecay">The factor by which parameters add to their own gradients.</param>
    /// <param name="dampening">How much of the gradient is left out of the velocity, from the second step on.</param>
    /// <exception cref="ArgumentException">A factor that is negative or not finite, or Nesterov without momentum or with dampening.</exception>
    public Sgd(
        IReadOnlyList<Parameter> parameters, float learningRate, float momentum = 0, bool nesterov = false,
        float weightDecay = 0, float dampening = 0)
        : base(parameters, learningRate)
    {
        RequireFactor(momentum, nameof(momentum));
        RequireFactor(weightDecay, nameof(weightDecay));
        if (!float.IsFinite(dampening))
            throw new ArgumentOutOfRangeException(nameof(dampening), dampening, "Must be finite.");
        if (nesterov && (momentum == 0 || dampening != 0))
            throw new ArgumentException($"Nesterov needs momentum above 0 and dampening 0; got {momentum} and {dampening}.", nameof(nesterov));
        Momentum = momentum;
        Nesterov = nesterov;
        WeightDecay = weightDecay;
        Dampening = dampening;
        _velocities = momentum == 0 ? [] : [.. Parameters.Select(parameter => new Tensor(parameter.Shape))];
        _elements = Parameters.Sum(parameter => (long)parameter.Shape.Count);
        _blocks = [.. Parameters.SelectMany((parameter, index) => Cut(parameter.Shape.Count, index))];
    }

    /// <summary>How much of the last direction stays.</summary>
    public float Momentum { get; }

    /// <summary>Whether steps look ahead along the velocity.</summary>
    public bool Nesterov { get; }

    /// <summary>The factor by which parameters add to their own gradients.</summary>
    public float WeightDecay { get; }

    /// <summary>How much of the gradient is left out of the velocity.</summary>
    public float Dampening { get; }

    /// <inheritdoc/>
    public override void Step(ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Dispatch.For(context, _blocks.Length, _elements, this, static (self, _, start, end) =>
        {
            for (int i = start; i < end; i++)
                self.Update(self._blocks[i]);
        });
        _hasVelocity = true;
    }

    private void Update(Block block)
    {
        Parameter parameter = Parameters[block.Parameter];
        ReadOnlySpan<float> gradient = parameter.Gradient.Span.Slice(block.Start, block.Length);
        Span<float> value = parameter.Value.Span.Slice(block.Start, block.Length);
        if (Momentum == 0)
        {
            SgdUpdate.Plain(LearningRate, WeightDecay, gradient, value);
            return;
        }

        SgdUpdate.WithMomentum(
            LearningRate, WeightDecay, _hasVelocity ? Momentum : 0, _hasVelocity ? 1 - Dampening : 1, Nesterov ? Momentum : 0,
            gradient, _velocities[block.Parameter].Span.Slice(block.Start, block.Length), value);
    }

    private static IEnumerable<Block> Cut(int count, int parameter)
    {
        for (long start = 0; start < count; start += BlockLength)
            yield return new(parameter, (int)start, (int)Math.Min(BlockLength, count - start));
    }

    private readonly record struct Block(int Parameter, int Start, int Length);
}
