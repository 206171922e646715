using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Average pooling of NCHW images. The divisor is <see cref="AveragePooling"/>'s.</summary>
internal sealed class AveragePoolOperator(Pool2dDims dims, bool countIncludePad, int divisorOverride) : PoolOperator(dims, AveragePooling.Scratch(dims))
{
    /// <inheritdoc/>
    protected override void Forward(ReadOnlySpan<float> x, Span<float> y, Span<int> indices, Span<float> scratch, int start, int end)
    {
        int input = Dims.IH * Dims.IW, output = Dims.OH * Dims.OW;
        for (int plane = start; plane < end; plane++)
            AveragePooling.Forward(Dims, countIncludePad, divisorOverride, x.Slice(plane * input, input), scratch, y.Slice(plane * output, output));
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<float> dy, ReadOnlySpan<int> indices, Span<float> dx, Span<float> scratch, int start, int end)
    {
        int input = Dims.IH * Dims.IW, output = Dims.OH * Dims.OW;
        for (int plane = start; plane < end; plane++)
            AveragePooling.Backward(Dims, countIncludePad, divisorOverride, dy.Slice(plane * output, output), scratch, dx.Slice(plane * input, input));
    }
}
