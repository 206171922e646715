using System.Runtime.InteropServices;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Max pooling of NHWC images. An index is the tap of its maximum, a byte: four of them lie in each int.</summary>
internal sealed class MaxPoolNhwcOperator(Pool2dDims dims) : PoolOperator(dims, scratch: 0)
{
    /// <summary>Why this operator doesn't take a problem; null if it does.</summary>
    public static string? Refusal(Pool2dDims dims) =>
        dims.Layout != Layout.Nhwc ? "x and y aren't NHWC"
        : (long)dims.KH * dims.KW > MaxPoolingNhwc.MostTaps ? $"the window has {(long)dims.KH * dims.KW} elements, more than {MaxPoolingNhwc.MostTaps}"
        : null;

    /// <inheritdoc/>
    protected override void Forward(ReadOnlySpan<float> x, Span<float> y, Span<int> indices, Span<float> scratch, int start, int end)
    {
        int line = Dims.OW * Dims.C, image = Dims.IH * Dims.IW * Dims.C;
        Span<byte> taps = MemoryMarshal.AsBytes(indices);
        for (int row = start; row < end; row++)
        {
            MaxPoolingNhwc.ForwardRow(
                Dims, x.Slice(row / Dims.OH * image, image), row % Dims.OH, y.Slice(row * line, line), taps.Slice(row * line, line));
        }
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<float> dy, ReadOnlySpan<int> indices, Span<float> dx, Span<float> scratch, int start, int end)
    {
        int line = Dims.IW * Dims.C, image = Dims.OH * Dims.OW * Dims.C;
        ReadOnlySpan<byte> taps = MemoryMarshal.AsBytes(indices);
        for (int row = start; row < end; row++)
        {
            (int n, int ih) = Math.DivRem(row, Dims.IH);
            MaxPoolingNhwc.BackwardRow(Dims, dy.Slice(n * image, image), taps.Slice(n * image, image), ih, dx.Slice(row * line, line));
        }
    }
}
