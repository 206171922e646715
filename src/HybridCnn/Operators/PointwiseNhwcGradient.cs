using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// BackwardWeights of a 1x1 kernel, strided or not, where dWeights is large beside dY: it is summed in place. Workers take filters; the columns
/// of X and dY that a piece reads are packed, because a long power-of-two row would keep falling into the same few cache sets.
/// <code>
///                    N = IC (panels of 64)
///                  ┌────┬────┐
///     K = pixels   │ X  │    │ (at most 512)      dW [OC, IC] += dYᵀ [OC, pixels] · X [pixels, IC]
///  ┌─────────────┐ ├────┼────┤
///  │     dYᵀ     │ │ dW │    │ M = OC (at most 60 at a time)
///  └─────────────┘ └────┴────┘
/// </code>
/// </summary>
internal static class PointwiseNhwcGradient
{
    // More would push the packed columns out of the second-level cache, fewer would read and write dWeights more often.
    private const int MostPixels = 512;

    private const int MostFilters = 60;

    /// <summary>Whether the kernel is 1x1 and dWeights large enough beside dY.</summary>
    public static bool Takes(in Conv2dDims dims) => dims is { KH: 1, KW: 1, Groups: 1 } && dims.WeightsCount * 4 > dims.YCount;

    /// <summary>X of the pixels in work, packed, and each worker's part of dY.</summary>
    public static ScratchSize Scratch(in Conv2dDims dims) =>
        new((long)PixelsTogether(dims) * dims.IC, (long)PixelsTogether(dims) * Math.Min(MostFilters, dims.OC));

    /// <summary>Runs the pass: X, dWeights in the weights' place, dBias in the bias' place, dY in y's place.</summary>
    public static void Run(NhwcPass pass)
    {
        int together = PixelsTogether(pass.Dims), filters = Filters(pass);
        for (int first = 0; first < Pixels(pass.Dims); first += together)
        {
            pass.Pixels = (first, Math.Min(together, Pixels(pass.Dims) - first));
            pass.Context.Workers.For(new PanelCut(1, pass.Dims.IC).Count, pass, static (pass, _, start, end) =>
            {
                for (int panel = start; panel < end; panel++)
                    PackInput(pass, panel);
            });
            pass.Context.Workers.ForChunks(pass.Dims.OC, filters, pass, static (pass, worker, start, end) =>
            {
                int filters = Filters(pass);
                for (int filter = start; filter < end; filter += filters)
                    Add(pass, pass.Own(worker), filter, Math.Min(filters, end - filter));
            });
        }

        NhwcWeightGradient.AddBias(pass);
    }

    private static int Filters(NhwcPass pass) => EvenBlocks.Length(pass.Dims.OC, MostFilters, pass.Workers, GemmPieces.RowsTogether);

    private static int Pixels(in Conv2dDims dims) => dims.N * dims.OH * dims.OW;

    private static int PixelsTogether(in Conv2dDims dims) => EvenBlocks.Length(Pixels(dims), MostPixels, workers: 1, unit: 1);

    private static void PackInput(NhwcPass pass, int panel)
    {
        (int column, int columns) = new PanelCut(1, pass.Dims.IC)[panel];
        Im2ColNhwc.Run(pass.Dims, pass.X.Span, pass.Pixels.First, pass.Pixels.Count, column, columns, Panel(pass, column, columns));
    }

    private static Span<float> Panel(NhwcPass pass, int column, int columns) =>
        pass.Shared.Slice(column * pass.Pixels.Count, columns * pass.Pixels.Count);

    private static void Add(NhwcPass pass, Span<float> packed, int filter, int filters)
    {
        Conv2dDims dims = pass.Dims;
        (int first, int pixels) = pass.Pixels;
        RowCopy.Run(pass.Y.Span[(first * dims.OC + filter)..], dims.OC, packed, filters, pixels, filters);
        var cut = new PanelCut(1, dims.IC);
        for (int panel = 0; panel < cut.Count; panel++)
        {
            (int column, int columns) = cut[panel];
            pass.Multiply(
                Transpose.Yes, filters, columns, pixels, packed, filters, Panel(pass, column, columns), columns,
                1, pass.Weights.Span[(filter * dims.IC + column)..], dims.IC);
        }
    }
}
