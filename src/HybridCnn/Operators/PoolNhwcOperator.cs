using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Max or average pooling of a batch of NHWC images, threads over rows; one call at a time. Owns the taps of the maxima, a byte each,
/// which the backward pass of max pooling needs. Each row is written by one worker: the bits don't depend on their number.
/// </summary>
internal sealed class PoolNhwcOperator : PoolOperator
{
    private readonly Pool2dDims _dims;
    private readonly (bool CountIncludePad, int DivisorOverride)? _average;
    private readonly int[] _coverRows, _coverColumns;
    private readonly byte[] _argmax;
    private Tensor? _in, _out;

    /// <summary>Max pooling, or average pooling where its divisor is given.</summary>
    public PoolNhwcOperator(Pool2dDims dims, (bool CountIncludePad, int DivisorOverride)? average = null)
    {
        if (Refusal(dims) is { } reason)
            throw new ArgumentException($"{dims}: {reason}.", nameof(dims));
        (_dims, _average) = (dims, average);
        _coverRows = new int[dims.IH * dims.KH];
        _coverColumns = new int[dims.IW * dims.KW];
        PoolingNhwc.Cover(dims.IH, dims.OH, dims.KH, dims.StrideH, dims.PadTop, dims.DilationH, _coverRows);
        PoolingNhwc.Cover(dims.IW, dims.OW, dims.KW, dims.StrideW, dims.PadLeft, dims.DilationW, _coverColumns);
        _argmax = average is null ? new byte[dims.Output.Count] : [];
    }

    /// <summary>Why this operator doesn't take a problem; null if it does.</summary>
    public static string? Refusal(Pool2dDims dims) =>
        dims.Layout != Layout.Nhwc ? "x and y aren't NHWC"
        : (long)dims.KH * dims.KW > PoolingNhwc.MostTaps ? $"the window has {(long)dims.KH * dims.KW} elements, more than {PoolingNhwc.MostTaps}"
        : null;

    /// <summary>Per output [N, OH, OW, C] the tap kh·KW + kw of its maximum, from the latest <see cref="Forward"/>.</summary>
    public ReadOnlySpan<byte> Argmax => _argmax;

    /// <summary>y = window maxima or means of x. Overwrites y.</summary>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        (_in, _out) = (x, y);
        Dispatch.For(context, _dims.N * _dims.OH, x.Shape.Count, this, static (self, _, start, end) => self.ForwardRows(start, end));
    }

    /// <summary>dx = every dy brought back to its maximum, or spread over its window. Overwrites dx.</summary>
    public override void Backward(Tensor dy, Tensor dx, ComputeContext context)
    {
        (_in, _out) = (dy, dx);
        Dispatch.For(context, _dims.N * _dims.IH, dx.Shape.Count, this, static (self, _, start, end) => self.BackwardRows(start, end));
    }

    private void ForwardRows(int start, int end)
    {
        int line = _dims.OW * _dims.C;
        for (int row = start; row < end; row++)
        {
            ReadOnlySpan<float> image = _in!.Item(row / _dims.OH);
            Span<float> y = _out!.Span.Slice(row * line, line);
            if (_average is { } a)
                PoolingNhwc.AverageRow(_dims, a.CountIncludePad, a.DivisorOverride, image, row % _dims.OH, y);
            else
                PoolingNhwc.MaxRow(_dims, image, row % _dims.OH, y, _argmax.AsSpan(row * line, line));
        }
    }

    private void BackwardRows(int start, int end)
    {
        int line = _dims.IW * _dims.C, image = _dims.OH * _dims.OW * _dims.C;
        for (int row = start; row < end; row++)
        {
            (int n, int ih) = Math.DivRem(row, _dims.IH);
            Span<float> dx = _out!.Span.Slice(row * line, line);
            if (_average is { } a)
                PoolingNhwc.AverageBackwardRow(_dims, a.CountIncludePad, a.DivisorOverride, _coverRows, _coverColumns, _in!.Item(n), ih, dx);
            else
                PoolingNhwc.MaxBackwardRow(_dims, _coverRows, _coverColumns, _in!.Item(n), _argmax.AsSpan(n * image, image), ih, dx);
        }
    }
}
