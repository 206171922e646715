using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Brings filters from PyTorch's order, weights [OC, IC/G, KH, KW], into the second factors of NHWC products, and gradients back.
/// A factor is cut into panels of at most <see cref="PanelCut.Width"/> columns, each contiguous: a panel of a matrix with a
/// long power-of-two row would keep falling into the same few cache sets.
/// </summary>
internal static class WeightPanels
{
    private const int Side = 4;

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
        int filter = 0;
        for (; filter + Side <= filters; filter += Side)
            PackFour(ref Unsafe.Add(ref from, (nint)filter * depth), depth, taps, channels, ref Unsafe.Add(ref to, filter), filters);
        for (; filter < filters; filter++)
        {
            for (int at = 0; at < depth; at++)
                Unsafe.Add(ref to, (nint)(at % taps * channels + at / taps) * filters + filter) = Unsafe.Add(ref from, (nint)filter * depth + at);
        }
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
        for (int filter = startFilter; filter < endFilter; filter++)
        {
            ReadOnlySpan<float> row = weights.Slice((group * dims.OCPerGroup + filter) * depth, depth);
            for (int panel = 0; panel < cut.Count; panel++)
            {
                (int first, int columns) = cut[panel];
                Span<float> target = panels.Slice(first * dims.OCPerGroup + filter * columns, columns);
                for (int at = 0; at < columns;)
                {
                    (int start, int run) = Segment(taps, firstChannel, channels, first + at, columns - at);
                    StridedCopy.Rows(row[start..], 0, taps, target[at..], 0, 1, 1, run);
                    at += run;
                }
            }
        }
    }

    /// <summary>The reverse for gradients: adds some filters' rows of the panels to dWeights.</summary>
    public static void AddColumns(
        in Conv2dDims dims, ReadOnlySpan<float> panels, int group, int firstChannel, int channels, PanelCut cut, int startFilter, int endFilter, Span<float> dWeights)
    {
        int taps = dims.KH * dims.KW, depth = taps * dims.ICPerGroup;
        for (int filter = startFilter; filter < endFilter; filter++)
        {
            Span<float> row = dWeights.Slice((group * dims.OCPerGroup + filter) * depth, depth);
            for (int panel = 0; panel < cut.Count; panel++)
            {
                (int first, int columns) = cut[panel];
                ReadOnlySpan<float> source = panels.Slice(first * dims.OCPerGroup + filter * columns, columns);
                for (int at = 0; at < columns;)
                {
                    (int start, int run) = Segment(taps, firstChannel, channels, first + at, columns - at);
                    ref float from = ref MemoryMarshal.GetReference(source.Slice(at, run));
                    ref float to = ref MemoryMarshal.GetReference(row.Slice(start, (run - 1) * taps + 1));
                    for (int i = 0; i < run; i++)
                        Unsafe.Add(ref to, (nint)i * taps) += Unsafe.Add(ref from, i);
                    at += run;
                }
            }
        }
    }

    // Four filters by four of their elements at a time; an element goes to the row of its kernel element and channel.
    private static void PackFour(ref float from, nint depth, int taps, int channels, ref float to, nint stride)
    {
        nint at = 0;
        int tap = 0, channel = 0;
        for (; at + Side <= depth; at += Side)
        {
            Matrix4x4 square = default;
            square.X = Load(ref from, at);
            square.Y = Load(ref from, at + depth);
            square.Z = Load(ref from, at + 2 * depth);
            square.W = Load(ref from, at + 3 * depth);
            square = Matrix4x4.Transpose(square);
            square.X.AsVector128().StoreUnsafe(ref to, Row(ref tap, ref channel, taps, channels, stride));
            square.Y.AsVector128().StoreUnsafe(ref to, Row(ref tap, ref channel, taps, channels, stride));
            square.Z.AsVector128().StoreUnsafe(ref to, Row(ref tap, ref channel, taps, channels, stride));
            square.W.AsVector128().StoreUnsafe(ref to, Row(ref tap, ref channel, taps, channels, stride));
        }

        for (; at < depth; at++)
        {
            nint row = (nint)Row(ref tap, ref channel, taps, channels, stride);
            for (int filter = 0; filter < Side; filter++)
                Unsafe.Add(ref to, row + filter) = Unsafe.Add(ref from, filter * depth + at);
        }
    }

    private static Vector4 Load(ref float from, nint at) => Vector128.LoadUnsafe(ref from, (nuint)at).AsVector4();

    // Where the next element's row is; elements come channel by channel, rows lie kernel element by kernel element.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nuint Row(ref int tap, ref int channel, int taps, int channels, nint stride)
    {
        nint row = ((nint)tap * channels + channel) * stride;
        if (++tap == taps)
            (tap, channel) = (0, channel + 1);
        return (nuint)row;
    }

    // Where in a filter a column lies, and how many of the next columns belong to the same kernel element: they are KH·KW apart.
    private static (int Start, int Run) Segment(int taps, int firstChannel, int channels, int column, int atMost)
    {
        (int tap, int channel) = Math.DivRem(column, channels);
        return ((firstChannel + channel) * taps + tap, Math.Min(atMost, channels - channel));
    }
}
