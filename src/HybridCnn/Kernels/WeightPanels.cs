using System.Runtime.InteropServices;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Brings filters from PyTorch's order, weights [OC, IC/G, KH, KW], into the second factors of NHWC products, and gradients back.
/// A factor is cut into panels of at most <see cref="PanelCut.Width"/> columns, each contiguous: a panel of a matrix with a
/// long power-of-two row would keep falling into the same few cache sets.
/// </summary>
internal static class WeightPanels
{
    // Elements of filters that are turned together: 16 KB of results, which stay in the first-level cache.
    private const int Together = 64;

    // How far ahead a filter is asked for where its channels lie apart from the next filter's: packing 512 filters' 64 channels takes 130 us then, and 200 us without.
    private const int FiltersAhead = 3;

    /// <summary>
    /// B of y = col·B for some filters: panel [KH·KW·IC/G, filters], rows in the order (kernel row, kernel column, channel).
    /// Overwrites.
    /// </summary>
    /// <param name="dims">Geometry.</param>
    /// <param name="weights">All filters.</param>
    /// <param name="firstFilter">Counted over all groups.</param>
    /// <param name="filters">Columns of the panel, at most <see cref="PanelCut.Width"/>.</param>
    /// <param name="panel">The panel's elements.</param>
    public static void PackFilters(in Conv2dDims dims, ReadOnlySpan<float> weights, int firstFilter, int filters, Span<float> panel)
    {
        int taps = dims.KH * dims.KW, channels = dims.ICPerGroup, depth = taps * channels;
        ReadOnlySpan<float> rows = weights.Slice(firstFilter * depth, filters * depth);
        if (taps == 1)
        {
            LayoutTransform.ToNhwc(filters, depth, rows, panel);
            return;
        }

        Span<float> turned = stackalloc float[Together * PanelCut.Width];
        for (int start = 0; start < depth; start += Together)
        {
            int count = Math.Min(Together, depth - start);
            LayoutTransform.Transpose(filters, count, rows[start..], depth, turned, filters);
            for (int i = 0; i < count; i++)
            {
                (int channel, int tap) = Math.DivRem(start + i, taps);
                turned.Slice(i * filters, filters).CopyTo(panel[((tap * channels + channel) * filters)..]);
            }
        }
    }

    /// <summary>The same of some channels, without groups, rows in the order (channel, kernel element): panel [channels·KH·KW, filters].</summary>
    public static void PackFilters(
        in Conv2dDims dims, ReadOnlySpan<float> weights, int firstFilter, int filters, int firstChannel, int channels, Span<float> panel)
    {
        int taps = dims.KH * dims.KW, stride = taps * dims.IC;
        LayoutTransform.Transpose(filters, channels * taps, weights[(firstFilter * stride + firstChannel * taps)..], stride, panel, filters);
    }

    /// <summary>B of dx = dy·B for some filters and channels, without groups, rows in the order (filter, kernel element): panel [filters·KH·KW, channels].</summary>
    public static void PackChannels(
        in Conv2dDims dims, ReadOnlySpan<float> weights, int firstFilter, int filters, int firstChannel, int channels, Span<float> panel)
    {
        int taps = dims.KH * dims.KW, stride = taps * dims.IC, length = taps * channels;
        ReadOnlySpan<float> elements = weights[(firstFilter * stride + firstChannel * taps)..];
        for (int i = 0; i < filters; i++)
        {
            Fetch(elements, i + FiltersAhead, filters, stride, length);
            LayoutTransform.Transpose(channels, taps, elements[(i * stride)..], taps, panel[(i * length)..], channels);
        }
    }

    /// <summary>The reverse for gradients: adds such a panel to dWeights.</summary>
    public static void AddChannels(
        in Conv2dDims dims, ReadOnlySpan<float> panel, int firstFilter, int filters, int firstChannel, int channels, Span<float> dWeights)
    {
        int taps = dims.KH * dims.KW, stride = taps * dims.IC, length = taps * channels;
        Span<float> elements = dWeights[(firstFilter * stride + firstChannel * taps)..], turned = stackalloc float[length];
        for (int i = 0; i < filters; i++)
        {
            Fetch(elements, i + FiltersAhead, filters, stride, length);
            LayoutTransform.Transpose(taps, channels, panel[(i * length)..], channels, turned, taps);
            Sums.Add(turned, elements.Slice(i * stride, length));
        }
    }

    /// <summary>
    /// B of dx as a convolution of dy, without groups: a panel [KH·KW·OC, <see cref="PanelCut.Width"/>] of channels, rows in the order (kernel row, kernel column, filter), the kernel's
    /// elements from the last to the first. Some filters' rows are written.
    /// </summary>
    public static void PackTurned(in Conv2dDims dims, ReadOnlySpan<float> weights, int firstChannel, int startFilter, int endFilter, Span<float> panel)
    {
        const int channels = PanelCut.Width;
        int taps = dims.KH * dims.KW;
        Span<float> turned = stackalloc float[taps * channels];
        for (int filter = startFilter; filter < endFilter; filter++)
        {
            LayoutTransform.Transpose(channels, taps, weights[((filter * dims.IC + firstChannel) * taps)..], taps, turned, channels);
            for (int tap = 0; tap < taps; tap++)
                turned.Slice(tap * channels, channels).CopyTo(panel[(((taps - 1 - tap) * dims.OC + filter) * channels)..]);
        }
    }

    // Some channels of a filter are too few lines for a processor to see that it needs more, and the next filter's lie elsewhere.
    private static void Fetch(ReadOnlySpan<float> elements, int filter, int filters, int stride, int length)
    {
        if (filter >= filters)
            return;
        ref float first = ref MemoryMarshal.GetReference(elements.Slice(filter * stride, length));
        for (int i = 0; i < length; i += CacheLine.Floats)
            Prefetch.Line(ref first, i);
    }

    /// <summary>
    /// B of dcol = dy·B for a channel slice of one group: panels [OC/G, columns], one behind the other, of which some
    /// filters' rows are written. Column j is kernel element j / <paramref name="channels"/> and channel
    /// <paramref name="firstChannel"/> + j % <paramref name="channels"/>.
    /// </summary>
    /// <param name="dims">Geometry.</param>
    /// <param name="weights">All filters.</param>
    /// <param name="group">The group.</param>
    /// <param name="firstChannel">First channel of the slice, within the group.</param>
    /// <param name="channels">Channels of the slice.</param>
    /// <param name="cut">How its columns are cut into panels.</param>
    /// <param name="startFilter">First row to write.</param>
    /// <param name="endFilter">One behind the last.</param>
    /// <param name="panels">The panels of the slice.</param>
    public static void PackColumns(
        in Conv2dDims dims, ReadOnlySpan<float> weights, int group, int firstChannel, int channels, PanelCut cut, int startFilter, int endFilter, Span<float> panels)
    {
        int taps = dims.KH * dims.KW, depth = taps * dims.ICPerGroup;
        Span<float> turned = stackalloc float[Math.Max(taps, Together * Together)];
        for (int filter = startFilter; filter < endFilter; filter++)
        {
            ReadOnlySpan<float> row = weights.Slice((group * dims.OCPerGroup + filter) * depth, depth);
            for (int channel = 0; channel < channels;)
            {
                int count = Math.Min(ChannelsTogether(taps), channels - channel);
                scoped ReadOnlySpan<float> elements = row.Slice((firstChannel + channel) * taps, count * taps);
                if (InOnePanel(channels, channel, count))
                {
                    LayoutTransform.Transpose(
                        count, taps, elements, taps, panels[Segment(cut, dims.OCPerGroup, filter, channel, count).At..], channels * dims.OCPerGroup);
                    channel += count;
                    continue;
                }

                if (taps > 1)
                {
                    LayoutTransform.Transpose(count, taps, elements, taps, turned, count);
                    elements = turned;
                }

                for (int tap = 0; tap < taps; tap++)
                {
                    for (int done = 0; done < count;)
                    {
                        (int at, int run) = Segment(cut, dims.OCPerGroup, filter, tap * channels + channel + done, count - done);
                        elements.Slice(tap * count + done, run).CopyTo(panels[at..]);
                        done += run;
                    }
                }

                channel += count;
            }
        }
    }

    /// <summary>The reverse for gradients: adds some filters' rows of the panels to dWeights.</summary>
    public static void AddColumns(
        in Conv2dDims dims, ReadOnlySpan<float> panels, int group, int firstChannel, int channels, PanelCut cut, int startFilter, int endFilter, Span<float> dWeights)
    {
        int taps = dims.KH * dims.KW, depth = taps * dims.ICPerGroup;
        Span<float> collected = stackalloc float[Math.Max(taps, Together * Together)], turned = stackalloc float[Math.Max(taps, Together * Together)];
        for (int filter = startFilter; filter < endFilter; filter++)
        {
            Span<float> row = dWeights.Slice((group * dims.OCPerGroup + filter) * depth, depth);
            for (int channel = 0; channel < channels;)
            {
                int count = Math.Min(ChannelsTogether(taps), channels - channel);
                Span<float> target = row.Slice((firstChannel + channel) * taps, count * taps);
                if (InOnePanel(channels, channel, count))
                {
                    LayoutTransform.Transpose(
                        taps, count, panels[Segment(cut, dims.OCPerGroup, filter, channel, count).At..], channels * dims.OCPerGroup, turned, taps);
                    Sums.Add(turned[..target.Length], target);
                    channel += count;
                    continue;
                }

                for (int tap = 0; tap < taps; tap++)
                {
                    for (int done = 0; done < count;)
                    {
                        (int at, int run) = Segment(cut, dims.OCPerGroup, filter, tap * channels + channel + done, count - done);
                        panels.Slice(at, run).CopyTo(collected[(tap * count + done)..]);
                        done += run;
                    }
                }

                if (taps > 1)
                    LayoutTransform.Transpose(taps, count, collected, count, turned, taps);
                Sums.Add((taps > 1 ? turned : collected)[..target.Length], target);
                channel += count;
            }
        }
    }

    // Whether channels lie in one panel, and those of all kernel elements at equal distances: all panels are full then.
    private static bool InOnePanel(int channels, int channel, int count) =>
        channels % PanelCut.Width == 0 && channel % PanelCut.Width + count <= PanelCut.Width;

    // As many channels as have their kernel elements in the buffer.
    private static int ChannelsTogether(int taps) => Math.Clamp(Together * Together / taps, 1, Together);

    // Where in the panels a filter's column lies, and how many of the next columns lie behind it.
    private static (int At, int Run) Segment(PanelCut cut, int filters, int filter, int column, int atMost)
    {
        (int first, int columns) = cut[cut.PanelOf(column)];
        return (first * filters + filter * columns + column - first, Math.Min(atMost, first + columns - column));
    }
}
