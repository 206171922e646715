using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Operators;

/// <summary>The algorithms that tests put all through the same.</summary>
internal static class TestedMethods
{
    private static readonly (Func<Conv2dDims, string?> Refusal, Func<Conv2dDims, bool, ConvolutionMethod> Create)[] s_all =
    [
        (NhwcIm2ColConvolution.Refusal, static (dims, smallKernels) => new NhwcIm2ColConvolution(dims, smallKernels)),
        (PointwiseNhwcConvolution.Refusal, static (dims, smallKernels) => new PointwiseNhwcConvolution(dims, smallKernels)),
        (TapsConvolution.Refusal, static (dims, smallKernels) => new TapsConvolution(dims, smallKernels)),
        (TapPanelsConvolution.Refusal, static (dims, smallKernels) => new TapPanelsConvolution(dims, smallKernels)),
        (static dims => TapRowsConvolution.Serves(dims, ConvolutionPass.Forward) || TapRowsConvolution.Serves(dims, ConvolutionPass.BackwardData) ? null : "neither pass",
            static (dims, smallKernels) => new TapRowsConvolution(dims, smallKernels)),
        (DepthwiseNhwcConvolution.Refusal, static (dims, _) => new DepthwiseNhwcConvolution(dims)),
        (FewChannelsConvolution.Refusal, static (dims, smallKernels) => new FewChannelsConvolution(dims, smallKernels)),
        (DirectConvolution.Refusal, static (dims, _) => new DirectConvolution(dims)),
    ];

    /// <summary>Those that take a problem; products are cut for OpenBLAS's small-matrix kernels or left whole.</summary>
    public static IEnumerable<ConvolutionMethod> For(Conv2dDims dims, bool smallKernels = true) =>
        s_all.Where(method => method.Refusal(dims) is null).Select(method => method.Create(dims, smallKernels));
}
