using HybridCnn.Kernels;

namespace HybridCnn.Operators;

/// <summary>
/// The products of 1x1 kernels, of some pixels and a panel of the weights. Where a panel fills the registers, those are faster than OpenBLAS: they ask for pixels
/// before they need them, and write y once, with bias and ReLU.
/// </summary>
internal static class PointwiseProducts
{
    // With fewer registers than a panel fills, the sweep that adds the bias costs more than what OpenBLAS is faster: up to so many terms, or up to so many
    // where one sweep over the pixels serves all columns. Up to 1.6 times as fast.
    private const int ShortDepth = 128, OneSweepDepth = 256;

    // Without a bias there is no sweep to save, and OpenBLAS is 1.05 to 1.1 times as fast for so few terms.
    private const int FewTerms = 64;

    /// <summary>Y[pixels, filters] = f(X[pixels, IC]·Wᵀ[IC, filters] + bias).</summary>
    /// <param name="pass">The pass, which has f and the bias.</param>
    /// <param name="pixels">M.</param>
    /// <param name="x">X, whole pixels.</param>
    /// <param name="filter">The panel's first filter.</param>
    /// <param name="filters">How many it has.</param>
    /// <param name="panel">Wᵀ.</param>
    /// <param name="y">Y from the panel's first filter on, OC floats from one pixel to the next.</param>
    public static void Forward(NhwcPass pass, int pixels, ReadOnlySpan<float> x, int filter, int filters, ReadOnlySpan<float> panel, Span<float> y)
    {
        int depth = pass.Dims.IC;
        if (PatchProducts.FillsRegisters(filters) && depth <= PatchProducts.LongestSum || depth <= (pass.Dims.OC <= PatchProducts.Sweep(pass.Dims.OC) ? OneSweepDepth : ShortDepth))
        {
            pass.MultiplyInRegisters(Pixels(pixels, depth), x, filter, filters, panel, y, pass.Dims.OC);
            return;
        }

        pass.Multiply(Transpose.No, pixels, filters, depth, x, depth, panel, filters, 0, y, pass.Dims.OC);
        pass.FinishWithBias(y, pixels, filter, filters);
    }

    /// <summary>dX[pixels, columns] = dY[pixels, OC]·W[OC, columns].</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="pixels">M.</param>
    /// <param name="dy">dY, whole pixels.</param>
    /// <param name="columns">Columns of the panel.</param>
    /// <param name="panel">W.</param>
    /// <param name="dx">dX from the panel's first column on, IC floats from one pixel to the next.</param>
    public static void BackwardData(NhwcPass pass, int pixels, ReadOnlySpan<float> dy, int columns, ReadOnlySpan<float> panel, Span<float> dx)
    {
        int depth = pass.Dims.OC;
        if (PatchProducts.FillsRegisters(columns) && depth is > FewTerms and <= PatchProducts.LongestSum)
            PatchProducts.Run(default(IdentityFunction), Pixels(pixels, depth), dy, columns, panel, [], dx, pass.Dims.IC);
        else
            pass.Multiply(Transpose.No, pixels, columns, depth, dy, depth, panel, columns, 0, dx, pass.Dims.IC);
    }

    // A "patch" is a pixel's channels.
    private static PatchStrip Pixels(int count, int channels) => new(1, count, 0, channels, 1, channels, 0);
}
