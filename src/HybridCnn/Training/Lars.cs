using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// Layer-wise adaptive rate scaling (LARS; You, Gitman and Ginsburg, Large batch training of convolutional networks, 2017): gradient
/// descent with momentum in which each weight tensor has a rate of its own, λ = trust·‖p‖ / (‖g‖ + weightDecay·‖p‖):
/// v = momentum·v + learningRate·λ·(g + weightDecay·p); p -= v. Parameters of one extent (biases, normalization), and tensors whose
/// values or gradients are all 0, take λ = 1.
/// </summary>
public sealed class Lars : Optimizer
{
    private readonly Tensor[] _velocities;
    private readonly double[] _valueSums, _gradientSums;
    private readonly double[] _rates;

    /// <summary>Prepares training of <paramref name="parameters"/>.</summary>
    /// <param name="parameters">What to train.</param>
    /// <param name="learningRate">The size of a step, before λ.</param>
    /// <param name="momentum">How much of the last direction stays.</param>
    /// <param name="weightDecay">The factor by which parameters add to their own gradients.</param>
    /// <param name="trust">η, how far a step may change a tensor, relative to its size.</param>
    /// <exception cref="ArgumentException">A number out of range.</exception>
    public Lars(IReadOnlyList<Parameter> parameters, float learningRate, float momentum = 0.9f, float weightDecay = 0, float trust = 1e-3f)
        : base(parameters, learningRate, weightDecay)
    {
        RequireFactor(momentum, nameof(momentum));
        RequireFactor(trust, nameof(trust));
        (Momentum, Trust) = (momentum, trust);
        _velocities = Remember("velocity");
        _valueSums = new double[Blocks.Blocks.Length];
        _gradientSums = new double[Blocks.Blocks.Length];
        _rates = new double[Parameters.Count];
    }

    /// <summary>How much of the last direction stays.</summary>
    public float Momentum { get; }

    /// <summary>How far a step may change a tensor, relative to its size.</summary>
    public float Trust { get; }

    /// <inheritdoc/>
    protected override void Prepare(ComputeContext context)
    {
        Blocks.For(context, this, static (self, _, start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                TensorBlocks.Block block = self.Blocks.Blocks[i];
                Parameter parameter = self.Parameters[block.Tensor];
                if (parameter.Shape.Rank == 1)
                    continue;
                self._valueSums[i] = GradientLimits.SumOfSquares(block.Of(parameter.Value));
                self._gradientSums[i] = GradientLimits.SumOfSquares(block.Of(parameter.Gradient));
            }
        });
        for (int i = 0, block = 0; i < _rates.Length; i++)
        {
            double values = 0, gradients = 0;
            for (; block < _valueSums.Length && Blocks.Blocks[block].Tensor == i; block++)
                (values, gradients) = (values + _valueSums[block], gradients + _gradientSums[block]);
            (double size, double slope) = (Math.Sqrt(values), Math.Sqrt(gradients));
            _rates[i] = size > 0 && slope > 0 ? Trust * size / (slope + WeightDecayOf(i) * size) : 1;
        }
    }

    /// <inheritdoc/>
    protected override void Update(int parameter, int start, ReadOnlySpan<float> gradient, Span<float> value)
    {
        var rule = new MomentumRule(1, WeightDecayOf(parameter), 1, Momentum, (float)(LearningRateOf(parameter) * _rates[parameter]), 0);
        ParameterUpdate.Run(rule, gradient, value, _velocities[parameter].Span.Slice(start, value.Length));
    }
}
