using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// One algorithm for the passes of one geometry. Immutable, and so shareable; the arguments have been checked, the context
/// brings threads and scratch memory. The documentation of the passes is <see cref="ConvolutionPlan"/>'s.
/// </summary>
internal abstract class ConvolutionMethod(Conv2dDims dims)
{
    public Conv2dDims Dims { get; } = dims;

    /// <summary>What a person wants to know about the choice of block sizes.</summary>
    public abstract string Describe(ConvolutionPass pass, int workers);

    /// <summary>Scratch memory of a pass.</summary>
    public abstract ScratchSize Scratch(ConvolutionPass pass, int workers);

    /// <summary>Overwrites y. Where <paramref name="relu"/> is set, each block of y gets its ReLU while it is in the cache.</summary>
    public abstract void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, bool relu, Span<float> y, ComputeContext context);

    /// <summary>Overwrites dx.</summary>
    public abstract void BackwardData(ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context);

    /// <summary>Adds to dWeights and dBias.</summary>
    public abstract void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context);
}
