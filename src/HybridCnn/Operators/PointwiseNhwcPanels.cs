using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Forward and data passes of a 1x1 kernel whose weights are larger than what they are multiplied by: workers take panels of the weights,
/// and each multiplies all pixels by a panel as soon as it has packed it, so that the packed weights never leave its second-level cache.
/// <code>
///                N = OC (a panel of 64 at a time)      forward:         Y[pixels, OC]  = X[pixels, IC]·Wᵀ[IC, OC] (+ bias)
///              ┌────┐                                  backward data:   dX[pixels, IC] = dY[pixels, OC]·W[OC, IC], with IC and OC exchanged
///     K = IC   │ Wᵀ │ packed by the worker
///  ┌─────────┐ ├────┤
///  │    X    │ │ Y  │ M = all pixels
///  └─────────┘ └────┘
/// </code>
/// </summary>
internal static class PointwiseNhwcPanels
{
    // What the panels are multiplied by is read once for each, from the second-level cache or at least from the last. Faster than packing all weights first on two
    // threads by 7 to 21 % for [8,7,7] of 512 channels, by 14 (forward) to 40 % (data) for 2048; on one by 3 to 8 and 7 to 40 %. By 15 % for [8,14,14] of 256 channels and
    // 1024, where the weights are half as large again as the pixels; four times smaller ones lose 2 to 10 %.
    private const int MostFloats = 1024 * 1024;

    /// <summary>Whether the weights are large beside rows of <paramref name="depth"/> floats, one for each pixel, and give the workers enough panels.</summary>
    public static bool Takes(in Conv2dDims dims, int depth, int workers)
    {
        long floats = (long)dims.N * dims.OH * dims.OW * depth;
        int panels = new PanelCut(1, (int)(dims.WeightsCount / depth)).Count;
        return floats <= MostFloats && floats < 2 * dims.WeightsCount && panels >= 4 * workers;
    }

    /// <summary>A panel for each worker.</summary>
    public static ScratchSize Scratch(int depth) => new(0, (long)depth * PanelCut.Width);

    /// <summary>Runs the forward pass.</summary>
    public static void Forward(NhwcPass pass) =>
        pass.Context.Workers.ForChunks(new PanelCut(1, pass.Dims.OC).Count, 1, pass, static (pass, worker, start, end) =>
        {
            for (int panel = start; panel < end; panel++)
                ForwardPanel(pass, pass.Own(worker), panel);
        });

    /// <summary>Runs the data pass: dX in x's place, dY in y's.</summary>
    public static void BackwardData(NhwcPass pass) =>
        pass.Context.Workers.ForChunks(new PanelCut(1, pass.Dims.IC).Count, 1, pass, static (pass, worker, start, end) =>
        {
            for (int panel = start; panel < end; panel++)
                BackwardDataPanel(pass, pass.Own(worker), panel);
        });

    private static void ForwardPanel(NhwcPass pass, Span<float> own, int panel)
    {
        Conv2dDims dims = pass.Dims;
        int pixels = dims.N * dims.OH * dims.OW;
        (int filter, int filters) = new PanelCut(1, dims.OC)[panel];
        Span<float> packed = pass.Prepared.IsEmpty ? own[..(filters * dims.IC)] : FilterPanels.Forward(pass, filter, filters);
        if (pass.Prepared.IsEmpty)
            WeightPanels.PackFilters(dims, pass.Weights.Span, filter, filters, packed);
        PointwiseProducts.Forward(pass, pixels, pass.X.Span, filter, filters, packed, pass.Y.Span[filter..]);
    }

    private static void BackwardDataPanel(NhwcPass pass, Span<float> own, int panel)
    {
        Conv2dDims dims = pass.Dims;
        (int column, int columns) = new PanelCut(1, dims.IC)[panel];
        Span<float> packed = pass.Prepared.IsEmpty ? own[..(columns * dims.OC)] : FilterPanels.Backward(pass, 0, 0, column, columns);
        if (pass.Prepared.IsEmpty)
            RowCopy.Run(pass.Weights.Span[column..], dims.IC, packed, columns, dims.OC, columns);
        PointwiseProducts.BackwardData(pass, dims.N * dims.OH * dims.OW, pass.Y.Span, columns, packed, pass.X.Span[column..]);
    }
}
