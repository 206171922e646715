using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// The gradient by the weights of <see cref="TapPanelsConvolution"/>. Workers take blocks of 64 filters and 64 channels and sum all taps of one over all pixels, packed in panels, before they add it to dW.
/// <code>
///                         N = 64 channels
///                       ┌────┐
///      K = pairs (≤ 192)│X[i]│      dW[tap] [64, 64] += dYᵀ[o] · X[i] over the pairs of an input pixel i and an output pixel o that meet through the tap
///   ┌──────────────────┐├────┤
///   │      dYᵀ[o]      ││ dW │ M = 64 filters
///   └──────────────────┘└────┘
/// </code>
/// </summary>
internal static class TapPanelsGradient
{
    private const int Panel = PanelProducts.Columns;

    // Two panels of so many pixels, 0.8 MB, lie in the second-level cache.
    private const int MostPixels = 1600;

    // So many pixels of a panel, 48 KB, stay in the first-level cache while all filters of the other are multiplied by them, or nearly; longer sums would round more.
    private const int MostPairs = 192;

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
            pass.Context.Workers.ForChunks(dims.IC / Panel * (dims.OC / Panel), 1, pass, static (pass, worker, start, end) =>
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

    // A block of filters, channels and all taps.
    private static void Add(NhwcPass pass, Span<float> block, int item)
    {
        Conv2dDims dims = pass.Dims;
        (int panelY, int panelX) = Math.DivRem(item, dims.IC / Panel);
        int taps = dims.KH * dims.KW;
        for (int tap = 0; tap < taps; tap++)
        {
            TapPairs.Part pairs = pass.Pairs!.WithOutputs(tap, 0, pass.Images.Count * dims.OH * dims.OW);
            if (pairs.Inputs.IsEmpty)
            {
                ChannelSlice.Clear(block, taps * Panel, tap * Panel, Panel);
                continue;
            }

            int length = EvenBlocks.Length(pairs.Inputs.Length, MostPairs, workers: 1, unit: 1);
            for (int pair = 0; pair < pairs.Inputs.Length; pair += length)
            {
                int count = Math.Min(length, pairs.Inputs.Length - pair);
                PanelProducts.ListedPixels(
                    Y(pass, panelY), pairs.Outputs.Slice(pair, count), X(pass, panelX), pairs.Inputs.Slice(pair, count), pair != 0, block[(tap * Panel)..], taps * Panel);
            }
        }

        WeightPanels.AddChannels(dims, block, panelY * Panel, Panel, panelX * Panel, Panel, pass.Weights.Span);
    }
}
