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
    protected override void Forward(Tensor x, Tensor y, Span<float> scratch, int start, int end)
    {
        if (Dims.IsOneWindow)
        {
            ForwardWhole(x, y, start, end);
            return;
        }

        int line = Dims.OW * Dims.C;
        for (int row = start; row < end; row++)
        {
            AveragePoolingNhwc.ForwardRow(
                Dims, countIncludePad, divisorOverride, x.Item(row / Dims.OH), row % Dims.OH, scratch, y.Span.Slice(row * line, line));
        }
    }

    /// <inheritdoc/>
    protected override void Backward(Tensor dy, Tensor dx, Span<float> scratch, int start, int end)
    {
        int line = Dims.IW * Dims.C;
        for (int row = start; row < end; row++)
        {
            AveragePoolingNhwc.BackwardRow(
                Dims, countIncludePad, divisorOverride, dy.Item(row / Dims.IH), row % Dims.IH, scratch, dx.Span.Slice(row * line, line));
        }
    }

    private void ForwardWhole(Tensor x, Tensor y, int start, int end)
    {
        for (int item = start; item < end; item++)
        {
            int image = item / Blocks, first = item % Blocks * AveragePoolingNhwc.Block;
            AveragePoolingNhwc.ForwardWhole(
                Dims, divisorOverride, x.Item(image), first, y.Item(image).Slice(first, Math.Min(AveragePoolingNhwc.Block, Dims.C - first)));
        }
    }
}
