using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// The filters as second factors of a pass's products, packed by all workers: once per pass into the scratch memory that they share, or
/// ahead for many. See <see cref="WeightPanels"/>.
/// </summary>
internal static class FilterPanels
{
    // With fewer, one panel more or less would leave a worker idle for too long.
    private const int PanelsPerWorker = 8;

    /// <summary>Per group and 64 filters a panel [KH·KW·IC/G, filters], one behind the other.</summary>
    public static void PackForward(NhwcPass pass)
    {
        int count = pass.Dims.Groups * new PanelCut(1, pass.Dims.OCPerGroup).Count;
        pass.Context.Workers.For(count, pass, static (pass, _, start, end) =>
        {
            for (int index = start; index < end; index++)
            {
                (int filter, int filters) = Forward(pass.Dims, index);
                WeightPanels.PackFilters(pass.Dims, pass.Weights.Span, filter, filters, Forward(pass, filter, filters));
            }
        });
    }

    /// <summary>
    /// Whether workers should share the panels of a forward pass and not its pixels: with few pixels each would multiply too few rows by all of the filters. By panels every
    /// filter is read once, and all rows are multiplied together. So they should where the patches are fewer floats than the filters: then a worker multiplies by what it has packed
    /// itself, and no filter moves from one processor's cache to another's (11 to 17 % faster for 392 pixels of 256 channels and 512 filters).
    /// </summary>
    public static bool ShouldShare(NhwcPass pass, int mostPixels)
    {
        int panels = pass.Dims.Groups * new PanelCut(1, pass.Dims.OCPerGroup).Count, workers = pass.Workers;
        long pixels = (long)pass.Dims.N * pass.Dims.OH * pass.Dims.OW;
        return workers > 1 && (pass.Dims.OC % (workers * PanelCut.Width) == 0 || panels >= PanelsPerWorker * workers)
            && (pixels <= mostPixels || pixels * pass.Dims.KH * pass.Dims.KW * pass.Dims.ICPerGroup < pass.Dims.WeightsCount);
    }

    /// <summary>First filter, over all groups, of a forward panel, and how many filters it has.</summary>
    public static (int First, int Filters) Forward(in Conv2dDims dims, int index)
    {
        var cut = new PanelCut(1, dims.OCPerGroup);
        (int group, int panel) = Math.DivRem(index, cut.Count);
        (int first, int filters) = cut[panel];
        return (group * dims.OCPerGroup + first, filters);
    }

    /// <summary>A panel that <see cref="PackForward"/> packed.</summary>
    public static Span<float> Forward(NhwcPass pass, int firstFilter, int filters)
    {
        int depth = pass.Dims.KH * pass.Dims.KW * pass.Dims.ICPerGroup;
        return pass.Filters.Slice(firstFilter * depth, filters * depth);
    }

    /// <summary>Per group, channel slice and 64 columns a panel [OC/G, columns]; columns as <see cref="Cut"/> has them.</summary>
    /// <param name="pass">Its split says the slices.</param>
    /// <param name="byElement">Whether panels end where a kernel element ends.</param>
    public static void PackBackward(NhwcPass pass, bool byElement)
    {
        if (byElement)
            PackBackward(pass, static (pass, _, start, end) => PackSlices(pass, true, start, end));
        else
            PackBackward(pass, static (pass, _, start, end) => PackSlices(pass, false, start, end));
    }

    /// <summary>The columns of a channel slice: KH·KW kernel elements of so many channels.</summary>
    public static PanelCut Cut(in Conv2dDims dims, int channels, bool byElement) =>
        byElement ? new PanelCut(dims.KH * dims.KW, channels) : new PanelCut(1, dims.KH * dims.KW * channels);

    /// <summary>The panel of a slice that begins at this column.</summary>
    public static Span<float> Backward(NhwcPass pass, int group, int firstChannel, int firstColumn, int columns)
    {
        Conv2dDims dims = pass.Dims;
        int before = group * dims.ICPerGroup + firstChannel;
        return pass.Filters.Slice((before * dims.KH * dims.KW + firstColumn) * dims.OCPerGroup, columns * dims.OCPerGroup);
    }

    // Workers take filters, so that each reads whole rows of the weights once.
    private static void PackBackward(NhwcPass pass, Compute.RangeBody<NhwcPass> body) => pass.Context.Workers.For(pass.Dims.OC, pass, body);

    private static void PackSlices(NhwcPass pass, bool byElement, int start, int end)
    {
        Conv2dDims dims = pass.Dims;
        for (int group = start / dims.OCPerGroup; group * dims.OCPerGroup < end; group++)
        {
            int before = group * dims.OCPerGroup, first = Math.Max(start - before, 0), last = Math.Min(end - before, dims.OCPerGroup);
            for (int slice = 0; slice < pass.Split.Slices; slice++)
            {
                (int firstChannel, int channels) = pass.Split[slice];
                PanelCut cut = Cut(dims, channels, byElement);
                WeightPanels.PackColumns(
                    dims, pass.Weights.Span, group, firstChannel, channels, cut, first, last,
                    Backward(pass, group, firstChannel, 0, dims.KH * dims.KW * channels));
            }
        }
    }
}
