using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Average pooling of NHWC images. The divisor is <see cref="AveragePooling"/>'s.</summary>
internal sealed class AveragePoolNhwcOperator(Pool2dDims dims, bool countIncludePad, int divisorOverride)
    : PoolOperator(dims, AveragePoolingNhwc.Scratch(dims))
{
    // Of one window that is the whole image, the items are blocks of its channels.
    private int Blocks => (Dims.C + AveragePoolingNhwc.Block - 1) / AveragePoolingNhwc.Block;

    /// <inheritdoc/>
    protected override int ForwardItems => Dims.IsOneWindow ? Dims.N * Blocks : base.ForwardItems;

    /// <inheritdoc/>
    protected override void Forward(ReadOnlySpan<float> x, Span<float> y, Span<int> indices, Span<float> scratch, int start, int end)
    {
        if (Dims.IsOneWindow)
        {
            ForwardWhole(x, y, start, end);
            return;
        }

        int line = Dims.OW * Dims.C, image = Dims.IH * Dims.IW * Dims.C;
        for (int row = start; row < end; row++)
        {
            AveragePoolingNhwc.ForwardRow(
                Dims, countIncludePad, divisorOverride, x.Slice(row / Dims.OH * image, image), row % Dims.OH, scratch, y.Slice(row * line, line));
        }
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<float> dy, ReadOnlySpan<int> indices, Span<float> dx, Span<float> scratch, int start, int end)
    {
        int line = Dims.IW * Dims.C, image = Dims.OH * Dims.OW * Dims.C;
        for (int row = start; row < end; row++)
        {
            AveragePoolingNhwc.BackwardRow(
                Dims, countIncludePad, divisorOverride, dy.Slice(row / Dims.IH * image, image), row % Dims.IH, scratch, dx.Slice(row * line, line));
        }
    }

    private void ForwardWhole(ReadOnlySpan<float> x, Span<float> y, int start, int end)
    {
        int image = Dims.IH * Dims.IW * Dims.C;
        for (int item = start; item < end; item++)
        {
            int n = item / Blocks, first = item % Blocks * AveragePoolingNhwc.Block;
            AveragePoolingNhwc.ForwardWhole(
                Dims, divisorOverride, x.Slice(n * image, image), first, y.Slice(n * Dims.C + first, Math.Min(AveragePoolingNhwc.Block, Dims.C - first)));
        }
    }
}
