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

    /// <summary>Floats of the weights as a pass, forward or by data, multiplies them, packed or transformed; 0 where it takes them as they are.</summary>
    public virtual long PreparedFloats(ConvolutionPass pass) => 0;

    /// <summary>Whether <see cref="ForwardPrepared"/> takes a ReLU with a ceiling, of 6 for one.</summary>
    public virtual bool TakesCeiling => false;

    /// <summary>
    /// Packs or transforms weights for any number of runs of a pass in contexts of as many workers. Overwrites <paramref name="prepared"/>, of
    /// <see cref="PreparedFloats"/>.
    /// </summary>
    public virtual void Prepare(ConvolutionPass pass, ReadOnlySpan<float> weights, Span<float> prepared, ComputeContext context) => weights.CopyTo(prepared);

    /// <summary>The forward pass with prepared weights, or with the weights as they are where it takes those. Overwrites y.</summary>
    /// <param name="x">x.</param>
    /// <param name="prepared">The weights.</param>
    /// <param name="bias">b, or empty.</param>
    /// <param name="ceiling">Where the ReLU that follows stops; null for none.</param>
    /// <param name="y">y.</param>
    /// <param name="context">Threads and scratch memory.</param>
    public virtual void ForwardPrepared(ReadOnlySpan<float> x, ReadOnlySpan<float> prepared, ReadOnlySpan<float> bias, float? ceiling, Span<float> y, ComputeContext context) =>
        Forward(x, prepared, bias, ceiling is not null, y, context);

    /// <summary>Overwrites dx.</summary>
    public abstract void BackwardData(ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context);

    /// <summary>The same with prepared weights, or with the weights as they are where it takes those. Overwrites dx.</summary>
    public virtual void BackwardDataPrepared(ReadOnlySpan<float> dy, ReadOnlySpan<float> prepared, Span<float> dx, ComputeContext context) =>
        BackwardData(dy, prepared, dx, context);

    /// <summary>Adds to dWeights and dBias.</summary>
    public abstract void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context);
}
