using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// The bias of a pass that has none of its own: one number per channel, added to all pixels, and its gradient, the sums over all
/// pixels. One object per context, filled anew by each call. The bits don't depend on the number of threads.
/// </summary>
internal sealed class ChannelBias
{
    private const int FloatsPerLine = 16;

    // Floats that a ReLU finds in the first-level cache.
    private const int BlockFloats = 4096;

    private PinnedSpan _bias, _images;
    private int _area;
    private bool _relu;

    private int Channels => _bias.Span.Length;

    /// <summary>Adds to every pixel of y, whose planes have <paramref name="area"/> pixels, and takes the maximum with 0 where a ReLU follows. Threads over y.</summary>
    public static unsafe void Add(ReadOnlySpan<float> bias, int area, Layout layout, bool relu, Span<float> y, ComputeContext context)
    {
        if (bias.IsEmpty && !relu)
            return;
        using ComputeContext.Claim claim = context.Enter();
        var job = context.State<ChannelBias>();
        fixed (float* pb = bias, py = y)
        {
            (job._bias, job._images, job._area, job._relu) = (new(pb, bias.Length), new(py, y.Length), area, relu);
            if (layout == Layout.Nhwc && !bias.IsEmpty)
            {
                Dispatch.For(context, y.Length / bias.Length, y.Length, job, static (job, _, start, end) => job.AddToPixels(start, end));
            }
            else
            {
                Dispatch.For(context, (y.Length - 1) / FloatsPerLine + 1, y.Length, job, static (job, _, start, end) => job.AddToPlanes(start, end));
            }
        }
    }

    /// <summary>Adds the sums over all pixels of dy to dBias. Threads over channels.</summary>
    public static unsafe void AddSums(ReadOnlySpan<float> dy, int area, Layout layout, Span<float> dBias, ComputeContext context)
    {
        using ComputeContext.Claim claim = context.Enter();
        var job = context.State<ChannelBias>();
        fixed (float* pb = dBias, py = dy)
        {
            (job._bias, job._images, job._area) = (new(pb, dBias.Length), new(py, dy.Length), area);
            if (layout == Layout.Nhwc)
                Dispatch.For(context, (dBias.Length - 1) / FloatsPerLine + 1, dy.Length, job, static (job, _, start, end) => job.SumColumns(start, end));
            else
                Dispatch.For(context, dBias.Length, dy.Length, job, static (job, _, start, end) => job.SumPlanes(start, end));
        }
    }

    private void AddToPixels(int start, int end)
    {
        int block = Math.Max(1, BlockFloats / Channels);
        for (int pixel = start; pixel < end; pixel += block)
        {
            Span<float> y = _images.Span[(pixel * Channels)..(Math.Min(end, pixel + block) * Channels)];
            BiasRows.Add(_bias.Span, y);
            if (_relu)
                Elementwise.InPlace(default(ReluFunction), y, 1, y.Length, y.Length);
        }
    }

    private void AddToPlanes(int startLine, int endLine)
    {
        Span<float> y = _images.Span;
        int last = (int)Math.Min(y.Length, (long)endLine * FloatsPerLine);
        for (int at = startLine * FloatsPerLine; at < last;)
        {
            int plane = at / _area, end = at + Math.Min(BlockFloats, Math.Min(last, (plane + 1) * _area) - at);
            if (Channels > 0)
                Bias.Add(_bias.Span[plane % Channels], y[at..end]);
            if (_relu)
                Elementwise.InPlace(default(ReluFunction), y[at..end], 1, end - at, end - at);
            at = end;
        }
    }

    private void SumColumns(int startLine, int endLine)
    {
        int first = startLine * FloatsPerLine, last = Math.Min(Channels, endLine * FloatsPerLine);
        ColumnSums.Add(_images.Span[first..], Channels, _images.Span.Length / Channels, _bias.Span[first..last]);
    }

    private void SumPlanes(int start, int end)
    {
        for (int plane = 0; plane < _images.Span.Length / _area; plane += Channels)
            Bias.AddRowSums(_images.Span[((plane + start) * _area)..((plane + end) * _area)], _area, _area, _bias.Span[start..end]);
    }
}
