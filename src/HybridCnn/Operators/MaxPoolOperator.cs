using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Max pooling of NCHW images. An index is the position ih * IW + iw of its maximum.</summary>
internal sealed class MaxPoolOperator(Pool2dDims dims) : PoolOperator(dims, MaxPooling.Scratch(dims))
{
    /// <inheritdoc/>
    protected override void Forward(ReadOnlySpan<float> x, Span<float> y, Span<int> indices, Span<float> scratch, int start, int end)
    {
        int input = Dims.IH * Dims.IW, output = Dims.OH * Dims.OW;
        for (int plane = start; plane < end; plane++)
        {
            MaxPooling.Forward(
                Dims, x.Slice(plane * input, input), scratch, y.Slice(plane * output, output), indices.Slice(plane * output, output));
        }
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<float> dy, ReadOnlySpan<int> indices, Span<float> dx, Span<float> scratch, int start, int end)
    {
        int input = Dims.IH * Dims.IW, output = Dims.OH * Dims.OW;
        for (int plane = start; plane < end; plane++)
            MaxPooling.Backward(Dims, dy.Slice(plane * output, output), indices.Slice(plane * output, output), dx.Slice(plane * input, input));
    }
}
