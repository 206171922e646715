using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Operators;

internal delegate void ForwardPass(
    Conv2dDims dims, ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, Span<float> y, ComputeContext context);

internal delegate void BackwardDataPass(Conv2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context);

internal delegate void BackwardWeightsPass(
    Conv2dDims dims, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context);

/// <summary>One algorithm's three passes, for tests that put all algorithms through the same.</summary>
internal sealed record ConvolutionPasses(
    string Name, Func<Conv2dDims, string?> Refusal, ForwardPass Forward, BackwardDataPass BackwardData, BackwardWeightsPass BackwardWeights)
{
    public static readonly ConvolutionPasses NhwcIm2Col = new(
        nameof(NhwcIm2Col), NhwcIm2ColConvolution.Refusal, NhwcIm2ColConvolution.Forward, NhwcIm2ColConvolution.BackwardData, NhwcIm2ColConvolution.BackwardWeights);

    public static readonly ConvolutionPasses PointwiseNhwc = new(
        nameof(PointwiseNhwc), PointwiseNhwcConvolution.Refusal, PointwiseNhwcConvolution.Forward, PointwiseNhwcConvolution.BackwardData, PointwiseNhwcConvolution.BackwardWeights);

    public static readonly ConvolutionPasses Taps = new(
        nameof(Taps), TapsConvolution.Refusal, TapsConvolution.Forward, TapsConvolution.BackwardData, TapsConvolution.BackwardWeights);

    public static readonly ConvolutionPasses DepthwiseNhwc = new(
        nameof(DepthwiseNhwc), DepthwiseNhwcConvolution.Refusal, DepthwiseNhwcConvolution.Forward, DepthwiseNhwcConvolution.BackwardData, DepthwiseNhwcConvolution.BackwardWeights);

    public static readonly ConvolutionPasses Direct = new(
        nameof(Direct), DirectConvolution.Refusal, DirectConvolution.Forward, DirectConvolution.BackwardData, DirectConvolution.BackwardWeights);

    public static readonly ConvolutionPasses[] All = [NhwcIm2Col, PointwiseNhwc, Taps, DepthwiseNhwc, Direct];

    public override string ToString() => Name;
}
