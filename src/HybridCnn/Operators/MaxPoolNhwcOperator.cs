using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Max pooling of NHWC images. Owns the taps of the maxima, a byte each, which the backward pass needs.</summary>
internal sealed class MaxPoolNhwcOperator : PoolOperator
{
    private readonly byte[] _argmax;

    public MaxPoolNhwcOperator(Pool2dDims dims)
        : base(dims, scratch: 0)
    {
        if (Refusal(dims) is { } reason)
            throw new ArgumentException($"{dims}: {reason}.", nameof(dims));
        _argmax = new byte[dims.Output.Count];
    }

    /// <summary>Why this operator doesn't take a problem; null if it does.</summary>
    public static string? Refusal(Pool2dDims dims) =>
        dims.Layout != Layout.Nhwc ? "x and y aren't NHWC"
        : (long)dims.KH * dims.KW > MaxPoolingNhwc.MostTaps ? $"the window has {(long)dims.KH * dims.KW} elements, more than {MaxPoolingNhwc.MostTaps}"
        : null;

    /// <inheritdoc/>
    protected override void Forward(Tensor x, Tensor y, Span<float> scratch, int start, int end)
    {
        int line = Dims.OW * Dims.C;
        for (int row = start; row < end; row++)
            MaxPoolingNhwc.ForwardRow(Dims, x.Item(row / Dims.OH), row % Dims.OH, y.Span.Slice(row * line, line), _argmax.AsSpan(row * line, line));
    }

    /// <inheritdoc/>
    protected override void Backward(Tensor dy, Tensor dx, Span<float> scratch, int start, int end)
    {
        int line = Dims.IW * Dims.C, image = Dims.OH * Dims.OW * Dims.C;
        for (int row = start; row < end; row++)
        {
            (int n, int ih) = Math.DivRem(row, Dims.IH);
            MaxPoolingNhwc.BackwardRow(Dims, dy.Item(n), _argmax.AsSpan(n * image, image), ih, dx.Span.Slice(row * line, line));
        }
    }
}
