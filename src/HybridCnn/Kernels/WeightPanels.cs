using System.Runtime.CompilerServices;
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
    /// <summary>
    /// B of y = col·B for some filters: panel [KH·KW·IC/G, filters], rows in the order (kernel row, kernel column, channel).
    /// Overwrites.
    /// </summary>
    /// <param name="dims">Geometry.</param>
    /// <param name="weights">All filters.</param>
    /// <param name="firstFilter">Counted over all groups.</param>
    /// <param name="filters">Columns of the panel.</param>
    /// <param name="panel">The panel's elements.</param>
    public static void PackFilters(in Conv2dDims dims, ReadOnlySpan<float> weights, int firstFilter, int filters, Span<float> panel)
    {
        int taps = dims.KH * dims.KW, channels = dims.ICPerGroup, depth = taps * channels;
        ref float from = ref MemoryMarshal.GetReference(weights.Slice(firstFilter * depth, filters * depth));
        ref float to = ref MemoryMarshal.GetReference(panel[..(filters * depth)]);
        for (int channel = 0; channel < channels; channel++)
        {
            for (int tap = 0; tap < taps; tap++)
            {
                ref float source = ref Unsafe.Add(ref from, channel * taps + tap);
                ref float target = ref Unsafe.Add(ref to, (tap * channels + channel) * filters);
                for (int filter = 0; filter < filters; filter++)
                    Unsafe.Add(ref target, filter) = Unsafe.Add(ref source, (nint)filter * depth);
            }
        }
    }

    /// <summary>
    /// B of dcol = dy·B for some columns of a channel slice of one group: panel [OC/G, columns]. Column j is kernel element
    /// j / <paramref name="channels"/> and channel <paramref name="firstChannel"/> + j % <paramref name="channels"/>. Overwrites.
    /// </summary>
    public static void PackColumns(
        in Conv2dDims dims, ReadOnlySpan<float> weights, int group, int firstChannel, int channels, int firstColumn, int columns, Span<float> panel)
    {
        int taps = dims.KH * dims.KW, filters = dims.OCPerGroup, depth = taps * dims.ICPerGroup;
        ref float from = ref MemoryMarshal.GetReference(weights.Slice(group * filters * depth, filters * depth));
        ref float to = ref MemoryMarshal.GetReference(panel[..(filters * columns)]);
        for (int at = 0; at < columns;)
        {
            (int start, int run) = Segment(taps, firstChannel, channels, firstColumn + at, columns - at);
            for (int filter = 0; filter < filters; filter++)
            {
                ref float source = ref Unsafe.Add(ref from, filter * depth + start);
                ref float target = ref Unsafe.Add(ref to, filter * columns + at);
                for (int i = 0; i < run; i++)
                    Unsafe.Add(ref target, i) = Unsafe.Add(ref source, i * taps);
            }

            at += run;
        }
    }

    /// <summary>The reverse for gradients: adds a panel [OC/G, columns] to dWeights.</summary>
    public static void AddColumns(
        in Conv2dDims dims, ReadOnlySpan<float> panel, int group, int firstChannel, int channels, int firstColumn, int columns, Span<float> dWeights)
    {
        int taps = dims.KH * dims.KW, filters = dims.OCPerGroup, depth = taps * dims.ICPerGroup;
        ref float from = ref MemoryMarshal.GetReference(panel[..(filters * columns)]);
        ref float to = ref MemoryMarshal.GetReference(dWeights.Slice(group * filters * depth, filters * depth));
        for (int at = 0; at < columns;)
        {
            (int start, int run) = Segment(taps, firstChannel, channels, firstColumn + at, columns - at);
            for (int filter = 0; filter < filters; filter++)
            {
                ref float source = ref Unsafe.Add(ref from, filter * columns + at);
                ref float target = ref Unsafe.Add(ref to, filter * depth + start);
                for (int i = 0; i < run; i++)
                    Unsafe.Add(ref target, i * taps) += Unsafe.Add(ref source, i);
            }

            at += run;
        }
    }

    // Where in a filter a column lies, and how many of the next columns belong to the same kernel element: they are KH·KW apart.
    private static (int Start, int Run) Segment(int taps, int firstChannel, int channels, int column, int atMost)
    {
        (int tap, int channel) = Math.DivRem(column, channels);
        return ((firstChannel + channel) * taps + tap, Math.Min(atMost, channels - channel));
    }
}
