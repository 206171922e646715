using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Average pooling of NCHW images. The divisor is <see cref="AveragePooling"/>'s.</summary>
internal sealed class AveragePoolOperator(Pool2dDims dims, bool countIncludePad, int divisorOverride) : PoolOperator(dims, AveragePooling.Scratch(dims))
{
    /// <inheritdoc/>
    protected override void Forward(Tensor x, Tensor y, Span<float> scratch, int start, int end)
    {
        int input = Dims.IH * Dims.IW, output = Dims.OH * Dims.OW;
        for (int plane = start; plane < end; plane++)
        {
            AveragePooling.Forward(
                Dims, countIncludePad, divisorOverride, x.Span.Slice(plane * input, input), scratch, y.Span.Slice(plane * output, output));
        }
    }

    /// <inheritdoc/>
    protected override void Backward(Tensor dy, Tensor dx, Span<float> scratch, int start, int end)
    {
        int input = Dims.IH * Dims.IW, output = Dims.OH * Dims.OW;
        for (int plane = start; plane < end; plane++)
        {
            AveragePooling.Backward(
                Dims, countIncludePad, divisorOverride, dy.Span.Slice(plane * output, output), scratch, dx.Span.Slice(plane * input, input));
        }
    }
}
