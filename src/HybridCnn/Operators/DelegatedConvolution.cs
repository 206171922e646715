using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>The passes of an algorithm that has nothing to prepare at planning time, and so is a set of static functions.</summary>
internal sealed record ConvolutionFunctions(
    string Description,
    Func<Conv2dDims, int, ScratchSize> ForwardScratch,
    Func<Conv2dDims, int, ScratchSize> BackwardDataScratch,
    Func<Conv2dDims, int, ScratchSize> BackwardWeightsScratch,
    ConvolutionFunctions.ForwardPass Forward,
    ConvolutionFunctions.BackwardDataPass BackwardData,
    ConvolutionFunctions.BackwardWeightsPass BackwardWeights)
{
    public delegate void ForwardPass(
        Conv2dDims dims, ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, Span<float> y, ComputeContext context);

    public delegate void BackwardDataPass(Conv2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context);

    public delegate void BackwardWeightsPass(
        Conv2dDims dims, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context);
}

/// <summary>A geometry together with such functions.</summary>
internal sealed class DelegatedConvolution(Conv2dDims dims, ConvolutionFunctions functions) : ConvolutionMethod(dims)
{
    public override string Describe(ConvolutionPass pass, int workers) => functions.Description;

    public override ScratchSize Scratch(ConvolutionPass pass, int workers) => pass switch
    {
        ConvolutionPass.Forward => functions.ForwardScratch(Dims, workers),
        ConvolutionPass.BackwardData => functions.BackwardDataScratch(Dims, workers),
        _ => functions.BackwardWeightsScratch(Dims, workers),
    };

    public override void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, Span<float> y, ComputeContext context) =>
        functions.Forward(Dims, x, weights, bias, y, context);

    public override void BackwardData(ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context) =>
        functions.BackwardData(Dims, dy, weights, dx, context);

    public override void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context) =>
        functions.BackwardWeights(Dims, x, dy, dWeights, dBias, context);
}
