using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// The gradient by the weights of <see cref="TapPanelsConvolution"/>. Workers take blocks of 64 filters and 64 channels and sum all taps of one over all pixels, packed in panels, before they add it to dW.
/// <code>
///                         N = 64 channels
///                       ┌────┐
///      K = pairs (≤ 128)│X[i]│      dW[tap] [64, 64] += dYᵀ[o] · X[i] over the pairs of an input pixel i and an output pixel o that meet through the tap
///   ┌──────────────────┐├────┤
///   │      dYᵀ[o]      ││ dW │ M = 64 filters
///   └──────────────────┘└────┘
/// </code>
/// </summary>
internal static class TapPanelsGradient
{
    private const int Panel = PanelProducts.Columns;

    // So many pixels of two panels, 0.2 MB, lie in the second-level cache for all taps, the next ones and a block's sums beside them.
    private const int PixelsTogether = 400;

    // Images are packed together up to here.
    private const int MostPixels = 1600;

    // So many pixels of a panel, 32 KB, stay in the first-level cache while all filters of the other are multiplied by them; 96 to 192 are as fast, and longer sums would round more.
    private const int MostPairs = 128;

    // A worker packs pixels for others, of which a tap of a strided kernel multiplies only some: that pays for so many blocks of 64 filters and channels.
    private const int FewestBlocks = 4, FewestStrided = 32;

    /// <summary>Whether there is too little to multiply each pixel by, or an image is too large to be packed.</summary>
    public static bool IsSlower(in Conv2dDims dims) =>
        Blocks(dims) < (dims.StrideH * dims.StrideW == 1 ? FewestBlocks : FewestStrided) || Math.Max(dims.IH * dims.IW, dims.OH * dims.OW) > MostPixels;

    /// <summary>How many images are summed at once.</summary>
    public static int Images(in Conv2dDims dims)
    {
        int most = Math.Max(1, MostPixels / Math.Max(dims.IH * dims.IW, dims.OH * dims.OW));
        return EvenBlocks.Length(dims.N, most, workers: 1, unit: 1);
    }

    /// <summary>Panels of both images, and each worker's block.</summary>
    public static ScratchSize Scratch(in Conv2dDims dims) =>
        new((long)Images(dims) * ((long)dims.IH * dims.IW * dims.IC + (long)dims.OH * dims.OW * dims.OC), (long)dims.KH * dims.KW * Panel * Panel);

    /// <summary>Runs the pass: X, dWeights in the weights' place, dBias in the bias' place, dY in y's place.</summary>
    public static void Run(NhwcPass pass, TapPairs pairs)
    {
        Conv2dDims dims = pass.Dims;
        int together = Images(dims);
        pass.Pairs = pairs;
        for (int first = 0; first < dims.N; first += together)
        {
            pass.Images = (first, Math.Min(together, dims.N - first));
            pass.Context.Workers.For((dims.IC + dims.OC) / Panel, pass, static (pass, _, start, end) =>
            {
                for (int panel = start; panel < end; panel++)
                    Pack(pass, panel);
            });
            int parts = (Panel + Filters(pass) - 1) / Filters(pass);
            pass.Context.Workers.ForChunks(Blocks(dims) * parts, 1, pass, static (pass, worker, start, end) =>
            {
                for (int item = start; item < end; item++)
                    Add(pass, pass.Own(worker), item);
            });
        }

        NhwcWeightGradient.AddBias(pass);
    }

    // X's panels, then dY's.
    private static void Pack(NhwcPass pass, int panel)
    {
        Conv2dDims dims = pass.Dims;
        int panelY = panel - dims.IC / Panel;
        if (panelY < 0)
            Pack(pass, pass.X.Span, dims.IH * dims.IW, dims.IC, panel, X(pass, panel));
        else
            Pack(pass, pass.Y.Span, dims.OH * dims.OW, dims.OC, panelY, Y(pass, panelY));
    }

    private static void Pack(NhwcPass pass, ReadOnlySpan<float> from, int area, int channels, int panel, Span<float> to) =>
        RowCopy.Run(from[(pass.Images.First * area * channels + panel * Panel)..], channels, to, Panel, pass.Images.Count * area, Panel);

    private static Span<float> X(NhwcPass pass, int panel)
    {
        int size = pass.Images.Count * pass.Dims.IH * pass.Dims.IW * Panel;
        return pass.Shared.Slice(panel * size, size);
    }

    private static Span<float> Y(NhwcPass pass, int panel)
    {
        Conv2dDims dims = pass.Dims;
        int before = pass.Images.Count * dims.IH * dims.IW * dims.IC, size = pass.Images.Count * dims.OH * dims.OW * Panel;
        return pass.Shared.Slice(before + panel * size, size);
    }

    private static int Blocks(in Conv2dDims dims) => dims.IC / Panel * (dims.OC / Panel);

    // Filters of an item: a panel's, or fewer where there are too few blocks for the workers; in sixes, as they are multiplied.
    private static int Filters(NhwcPass pass) => EvenBlocks.Length(Panel, Panel, Math.Max(1, 2 * pass.Workers / Blocks(pass.Dims)), PanelBlock.Together);

    // Some filters by 64 channels, all taps.
    private static void Add(NhwcPass pass, Span<float> block, int item)
    {
        Conv2dDims dims = pass.Dims;
        int taps = dims.KH * dims.KW, most = Filters(pass), parts = (Panel + most - 1) / most, pixels = pass.Images.Count * dims.OH * dims.OW;
        (int panels, int part) = Math.DivRem(item, parts);
        (int panelY, int panelX) = Math.DivRem(panels, dims.IC / Panel);
        int filter = part * most, filters = Math.Min(most, Panel - filter);
        block = block[..(filters * taps * Panel)];
        block.Clear();
        for (int first = 0; first < pixels; first += PixelsTogether)
        {
            // What is multiplied next, these panels' next pixels or the next block's first, comes from farther caches meanwhile.
            bool last = first + PixelsTogether >= pixels;
            int then = last ? 0 : first + PixelsTogether, thenEnd = Math.Min(then + PixelsTogether, pixels);
            (int thenY, int thenX) = Math.DivRem(last ? Math.Min(panels + 1, Blocks(dims) - 1) : panels, dims.IC / Panel);
            ReadOnlySpan<float> nextY = Prefetch.Share(Y(pass, thenY), then, thenEnd, pixels), nextX = Prefetch.Share(X(pass, thenX), then, thenEnd, pixels);
            for (int tap = 0; tap < taps; tap++)
            {
                TapPairs.Part pairs = pass.Pairs!.WithOutputs(tap, first, Math.Min(first + PixelsTogether, pixels));
                int count = pairs.Inputs.Length, length = count == 0 ? 1 : EvenBlocks.Length(count, MostPairs, workers: 1, unit: 1);
                for (int pair = 0; pair < count; pair += length)
                {
                    int end = Math.Min(pair + length, count), before = tap * count;
                    Range some = pair..end;
                    PanelProducts.ListedPixels(
                        Y(pass, panelY)[filter..], filters, pairs.Outputs[some], X(pass, panelX), pairs.Inputs[some], block[(tap * Panel)..], taps * Panel,
                        Prefetch.Share(nextY, before + pair, before + end, taps * count), Prefetch.Share(nextX, before + pair, before + end, taps * count));
                }
            }
        }

        WeightPanels.AddChannels(dims, block, panelY * Panel + filter, filters, panelX * Panel, Panel, pass.Weights.Span);
    }
}
