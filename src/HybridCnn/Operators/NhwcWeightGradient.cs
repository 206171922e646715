using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Collects dWeights of one channel slice, of all groups, over the pixels of some output rows' units: overwrites
/// <paramref name="sums"/>. <paramref name="lowered"/> is scratch memory.
/// </summary>
internal delegate void CollectWeightGradient(
    NhwcPass pass, int firstChannel, int channels, int firstUnit, int endUnit, Span<float> sums, Span<float> lowered);

/// <summary>
/// The part of BackwardWeights that NHWC algorithms share: who computes what, and how the sums get into dWeights [OC, IC/G, KH, KW].
/// Where dWeights is large beside dY, each worker takes a slice of the input channels and walks over all pixels: there is nothing
/// to add up, and the bits don't depend on the number of workers. Where it is small, each worker takes a part of the pixels,
/// which are then read once, and the partial sums are added in worker order.
/// </summary>
/// <param name="byElement">Whether panels of sums end where a kernel element ends.</param>
/// <param name="unitsPerImage">What the pixels are counted in, when they are divided: pixels or rows of the output.</param>
/// <param name="collect">The algorithm.</param>
internal sealed class NhwcWeightGradient(bool byElement, Func<Conv2dDims, int> unitsPerImage, CollectWeightGradient collect)
{
    /// <summary>A worker's sums, and what the algorithm needs for a slice besides.</summary>
    public static ScratchSize Scratch(in Conv2dDims dims, int workers, Func<Conv2dDims, int, long> lowered)
    {
        int channels = NhwcSplit.ForWeights(dims, workers).Widest;
        return new(0, ScratchSize.Lines(SumsLength(dims, channels)) + lowered(dims, channels));
    }

    /// <summary>Runs the pass: X, dWeights in the weights' place, dBias in the bias' place, dY in y's place.</summary>
    public void Run(NhwcPass pass)
    {
        pass.WeightGradient = this;
        // One item per worker, so that a share and its worker are the same thing.
        pass.Context.Workers.For(pass.Workers, pass, static (pass, _, start, end) =>
        {
            for (int part = start; part < end; part++)
                pass.WeightGradient!.Collect(pass, part);
        });
        if (pass.Split.Slices == 1 && pass.Workers > 1)
        {
            pass.Context.Workers.For(pass.Dims.OC, pass, static (pass, _, start, end) =>
            {
                for (int worker = 0; worker < pass.Workers; worker++)
                    pass.WeightGradient!.Add(pass, 0, worker, start, end);
            });
        }

        AddBias(pass);
    }

    /// <summary>Where in the sums a panel of a group is.</summary>
    public static Span<float> Panel(in Conv2dDims dims, Span<float> sums, int channels, int group, int firstColumn, int columns) =>
        sums.Slice((group * dims.KH * dims.KW * channels + firstColumn) * dims.OCPerGroup, columns * dims.OCPerGroup);

    private void Collect(NhwcPass pass, int part)
    {
        bool slices = pass.Split.Slices > 1;
        (int first, int channels) = pass.Split[slices ? part : 0];
        if (channels == 0)
            return;
        long units = (long)pass.Dims.N * unitsPerImage(pass.Dims);
        (int start, int end) = slices ? (0, (int)units) : ((int)(units * part / pass.Workers), (int)(units * (part + 1) / pass.Workers));
        int length = SumsLength(pass.Dims, channels);
        Span<float> own = pass.Own(part), sums = own[..length], lowered = own[(int)ScratchSize.Lines(length)..];
        if (start < end)
            collect(pass, first, channels, start, end, sums, lowered);
        else
            sums.Clear();
        if (slices || pass.Workers == 1)
            Add(pass, slices ? part : 0, part, 0, pass.Dims.OC);
    }

    // Adds filters [start, end) of a slice, as one worker has them, to dWeights.
    private void Add(NhwcPass pass, int slice, int worker, int start, int end)
    {
        Conv2dDims dims = pass.Dims;
        (int firstChannel, int channels) = pass.Split[slice];
        PanelCut cut = FilterPanels.Cut(dims, channels, byElement);
        int columns = dims.KH * dims.KW * channels;
        Span<float> sums = pass.Own(worker)[..SumsLength(dims, channels)];
        for (int group = start / dims.OCPerGroup; group * dims.OCPerGroup < end; group++)
        {
            int before = group * dims.OCPerGroup;
            WeightPanels.AddColumns(
                dims, Panel(dims, sums, channels, group, 0, columns), group, firstChannel, channels, cut,
                Math.Max(start - before, 0), Math.Min(end - before, dims.OCPerGroup), pass.Weights.Span);
        }
    }

    private static int SumsLength(in Conv2dDims dims, int channels) => dims.OC * dims.KH * dims.KW * channels;

    /// <summary>Adds the sums of dY to dBias, if there is one. Workers take filters, in whole cache lines.</summary>
    public static void AddBias(NhwcPass pass)
    {
        const int line = 16;
        if (pass.Bias.IsEmpty)
            return;
        pass.Context.Workers.For((pass.Dims.OC + line - 1) / line, pass, static (pass, _, start, end) =>
        {
            int first = start * line, last = Math.Min(pass.Dims.OC, end * line);
            int pixels = pass.Y.Span.Length / pass.Dims.OC;
            ColumnSums.Add(pass.Y.Span[first..], pass.Dims.OC, pixels, pass.Bias.Span[first..last]);
        });
    }
}
