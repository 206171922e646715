using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// A plan's forward pass, or its pass by data, which a transposed convolution runs forward, with weights that are packed or transformed once for many runs.
/// Shareable, as the plan is: the caller keeps the weights.
/// </summary>
internal sealed class PreparedPass(ConvolutionPlan plan, ConvolutionPass pass, ConvolutionChoice choice)
{
    public Conv2dDims Dims => plan.Dims;

    public ConvolutionAlgorithm Algorithm => choice.Algorithm;

    /// <summary>Floats that <see cref="Prepare"/> makes; 0 where the pass takes the weights as they are.</summary>
    public long Floats => choice.Method.PreparedFloats(pass);

    /// <summary>Whether <see cref="Run"/> takes a ReLU with a ceiling.</summary>
    public bool TakesCeiling => IsForward && choice.Method.TakesCeiling;

    private bool IsForward => pass == ConvolutionPass.Forward;

    /// <summary>Where w has the weights of one of y's channels: so many runs of a length, at a distance from one to the next.</summary>
    public (int First, int Runs, int Length, int Distance) WeightsOf(int channel)
    {
        int area = Dims.KH * Dims.KW, filter = area * Dims.ICPerGroup;
        if (IsForward)
            return (channel * filter, 1, filter, filter);
        (int group, int inGroup) = Math.DivRem(channel, Dims.ICPerGroup);
        return (group * Dims.OCPerGroup * filter + inGroup * area, Dims.OCPerGroup, area, filter);
    }

    /// <summary>Packs or transforms weights for <see cref="Run"/>. Overwrites prepared.</summary>
    /// <param name="weights">w [OC, IC/Groups, KH, KW].</param>
    /// <param name="prepared">Of <see cref="Floats"/>, above 0.</param>
    /// <param name="context">Threads; they serve runs with as many of them.</param>
    public void Prepare(ReadOnlySpan<float> weights, Span<float> prepared, ComputeContext context)
    {
        CheckLength(weights.Length, nameof(weights), Dims.WeightsCount);
        CheckLength(prepared.Length, nameof(prepared), Floats);
        choice.Method.Prepare(pass, weights, prepared, context);
    }

    /// <summary>The pass with weights that <see cref="Prepare"/> made, or as they are where it makes none. Overwrites y.</summary>
    /// <param name="x">x, or dy of the pass by data.</param>
    /// <param name="prepared">The weights.</param>
    /// <param name="bias">One number for each of y's channels, or empty for none.</param>
    /// <param name="ceiling">Where the ReLU that follows stops, below infinity only if it <see cref="TakesCeiling"/>; null for none.</param>
    /// <param name="y">y, or dx of the pass by data.</param>
    /// <param name="context">Threads and scratch memory.</param>
    public void Run(
        ReadOnlySpan<float> x, ReadOnlySpan<float> prepared, ReadOnlySpan<float> bias, float? ceiling, Span<float> y, ComputeContext context)
    {
        CheckLength(x.Length, nameof(x), IsForward ? Dims.XCount : Dims.YCount);
        CheckLength(prepared.Length, nameof(prepared), Floats == 0 ? Dims.WeightsCount : Floats);
        if (!bias.IsEmpty)
            CheckLength(bias.Length, nameof(bias), IsForward ? Dims.OC : Dims.IC);
        CheckLength(y.Length, nameof(y), IsForward ? Dims.YCount : Dims.XCount);
        plan.CountFallback(pass, choice);
        if (IsForward)
        {
            choice.Method.ForwardPrepared(x, prepared, bias, ceiling, y, context);
            return;
        }

        choice.Method.BackwardDataPrepared(x, prepared, y, context);
        ChannelBias.Add(bias, Dims.IH * Dims.IW, Dims.Layout, ceiling is not null, y, context);
    }

    private void CheckLength(int given, string name, long expected)
    {
        if (given != expected)
            throw new ArgumentException($"{name} of {Dims}, {pass}, must have {expected} elements; got {given}.", name);
    }
}
