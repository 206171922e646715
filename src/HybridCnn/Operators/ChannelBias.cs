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

    private PinnedSpan _bias, _images;
    private int _area;

    private int Channels => _bias.Span.Length;

    /// <summary>Adds to every pixel of y, whose planes have <paramref name="area"/> pixels. Threads over y.</summary>
    public static unsafe void Add(ReadOnlySpan<float> bias, int area, Layout layout, Span<float> y, ComputeContext context)
    {
        using ComputeContext.Claim claim = context.Enter();
        var job = context.State<ChannelBias>();
        fixed (float* pb = bias, py = y)
        {
            (job._bias, job._images, job._area) = (new(pb, bias.Length), new(py, y.Length), area);
            if (layout == Layout.Nhwc)
            {
                Dispatch.For(context, y.Length / bias.Length, y.Length, job, static (job, _, start, end) =>
                    BiasRows.Add(job._bias.Span, job._images.Span[(start * job.Channels)..(end * job.Channels)]));
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

    private void AddToPlanes(int startLine, int endLine)
    {
        Span<float> y = _images.Span;
        int last = (int)Math.Min(y.Length, (long)endLine * FloatsPerLine);
        for (int at = startLine * FloatsPerLine; at < last;)
        {
            int plane = at / _area, end = Math.Min(last, (plane + 1) * _area);
            Bias.Add(_bias.Span[plane % Channels], y[at..end]);
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
