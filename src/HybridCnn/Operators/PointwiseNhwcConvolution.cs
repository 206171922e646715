using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Convolution of NHWC images with a 1x1 kernel, stride 1 and no padding: the images are the matrix, all of them at once, and
/// nothing is lowered.
/// <code>
///              N = OC (panels of 64)      forward:           Y[pixels, OC]  = X[pixels, IC]·Wᵀ[IC, OC] (+ bias)
///            ┌────┬────┐                  backward data:     dX[pixels, IC] = dY[pixels, OC]·W[OC, IC]
///     K = IC │ Wᵀ │    │                  backward weights:  dW[OC, IC]    += dYᵀ[OC, pixels]·X[pixels, IC]
///  ┌───────┐ ├────┼────┤
///  │   X   │ │ Y  │    │ M = pixels
///  └───────┘ └────┴────┘
/// </code>
/// Strided 1x1 kernels are one tap of <see cref="TapsConvolution"/>. Source: Lin, Chen, Yan, Network in Network, 2013.
/// </summary>
internal sealed class PointwiseNhwcConvolution(Conv2dDims dims, bool smallKernels) : NhwcMethod(dims, smallKernels)
{
    private const int BlockPixels = 240;

    // Panels of x and dY of so many pixels are read again from nearer caches: 2 to 9 % faster than 240 on [8,56,56] of 64 and 256 channels.
    private const int GradientPixels = 120;

    private static readonly NhwcWeightGradient s_weightGradient = new(byElement: false, static dims => dims.OH * dims.OW, Collect);

    /// <summary>Why this algorithm doesn't take a problem; null if it does.</summary>
    public static string? Refusal(Conv2dDims dims) => dims switch
    {
        { Layout: not Layout.Nhwc } => "x and y aren't NHWC",
        { KH: not 1 } or { KW: not 1 } => $"the kernel is {dims.KH}x{dims.KW}, not 1x1",
        { StrideH: not 1 } or { StrideW: not 1 } => $"the stride is {dims.StrideH}x{dims.StrideW}, not 1x1",
        { PadTop: not 0 } or { PadLeft: not 0 } or { PadBottom: not 0 } or { PadRight: not 0 } => "there is padding",
        { Groups: not 1 } => $"there are {dims.Groups} groups",
        _ => null,
    };

    /// <inheritdoc/>
    public override string Describe(ConvolutionPass pass, int workers) => "no lowering";

    /// <inheritdoc/>
    public override ScratchSize Scratch(ConvolutionPass pass, int workers) =>
        pass != ConvolutionPass.BackwardWeights
            ? PointwiseNhwcPanels.Takes(Dims, Depth(pass), workers) ? PointwiseNhwcPanels.Scratch(Depth(pass)) : new(Dims.WeightsCount, 0)
        : SumsInPlace(Dims) ? PointwiseNhwcGradient.Scratch(Dims)
        : NhwcWeightGradient.Scratch(Dims, workers, static (_, _) => GradientPixels * PanelCut.Width);

    /// <summary>y [N, H, W, OC] = x [N, H, W, IC] * weights [OC, IC, 1, 1] + bias [OC] (or empty). Overwrites y.</summary>
    protected override void Forward(NhwcPass pass)
    {
        if (PointwiseNhwcPanels.Takes(pass.Dims, pass.Dims.IC, pass.Workers))
        {
            PointwiseNhwcPanels.Forward(pass);
            return;
        }

        if (FilterPanels.ShouldShare(pass, BlockPixels))
        {
            pass.Context.Workers.For(new PanelCut(1, pass.Dims.OC).Count, pass, static (pass, _, start, end) => ForwardBlock(pass, 0, Pixels(pass.Dims), start, end));
            return;
        }

        pass.Context.Workers.ForChunks(Pixels(pass.Dims), Block(pass), pass, static (pass, _, start, end) =>
        {
            int block = Block(pass);
            for (int pixel = start; pixel < end; pixel += block)
                ForwardBlock(pass, pixel, Math.Min(block, end - pixel), 0, new PanelCut(1, pass.Dims.OC).Count);
        });
    }

    /// <inheritdoc/>
    protected override void PackForward(NhwcPass pass)
    {
        // Panels are packed where they are used, unless it is done ahead for many passes.
        if (!pass.Prepared.IsEmpty || !PointwiseNhwcPanels.Takes(pass.Dims, pass.Dims.IC, pass.Workers))
            base.PackForward(pass);
    }

    /// <inheritdoc/>
    protected override void BackwardData(NhwcPass pass)
    {
        if (PointwiseNhwcPanels.Takes(pass.Dims, pass.Dims.OC, pass.Workers))
        {
            PointwiseNhwcPanels.BackwardData(pass);
            return;
        }

        pass.Context.Workers.ForChunks(Pixels(pass.Dims), Block(pass), pass, static (pass, _, start, end) =>
        {
            int block = Block(pass);
            for (int pixel = start; pixel < end; pixel += block)
                BackwardDataBlock(pass, pixel, Math.Min(block, end - pixel));
        });
    }

    /// <inheritdoc/>
    protected override void PackBackward(NhwcPass pass)
    {
        if (!pass.Prepared.IsEmpty || !PointwiseNhwcPanels.Takes(pass.Dims, pass.Dims.OC, pass.Workers))
            FilterPanels.PackBackward(pass, byElement: false);
    }

    /// <summary>Adds the gradients of one pass to dWeights [OC, IC, 1, 1] and dBias [OC] (or empty).</summary>
    public override void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context) =>
        Run(ConvolutionPass.BackwardWeights, x, dWeights, dBias, dy, context, NhwcSplit.ForWeights(Dims, context.Workers.WorkerCount), static pass =>
        {
            if (SumsInPlace(pass.Dims))
                PointwiseNhwcGradient.Run(pass);
            else
                s_weightGradient.Run(pass);
        });

    // Columns of the matrix that the weights are multiplied by.
    private int Depth(ConvolutionPass pass) => pass == ConvolutionPass.Forward ? Dims.IC : Dims.OC;

    private static int Block(NhwcPass pass) => EvenBlocks.Length(Pixels(pass.Dims), BlockPixels, pass.Workers, GemmPieces.RowsTogether);

    // Where panels fill the registers, only weights that are larger than both images: parts of 1024 to 256 channels at 14x14 are 1.15 times as fast on two threads,
    // those of 512 to 2048 at 7x7 half as fast.
    private static bool SumsInPlace(in Conv2dDims dims) =>
        PointwiseNhwcGradient.Takes(dims) && (!PatchProducts.FillsRegisters(dims.IC) || dims.WeightsCount >= dims.XCount + dims.YCount);

    private static int Pixels(in Conv2dDims dims) => dims.N * dims.OH * dims.OW;

    private static void ForwardBlock(NhwcPass pass, int pixel, int pixels, int firstPanel, int endPanel)
    {
        Conv2dDims dims = pass.Dims;
        Span<float> y = pass.Y.Span.Slice(pixel * dims.OC, pixels * dims.OC);
        ReadOnlySpan<float> x = pass.X.Span.Slice(pixel * dims.IC, pixels * dims.IC);
        var cut = new PanelCut(1, dims.OC);
        for (int panel = firstPanel; panel < endPanel; panel++)
        {
            (int filter, int filters) = cut[panel];
            PointwiseProducts.Forward(pass, pixels, x, filter, filters, FilterPanels.Forward(pass, filter, filters), y[filter..]);
        }
    }

    private static void BackwardDataBlock(NhwcPass pass, int pixel, int pixels)
    {
        Conv2dDims dims = pass.Dims;
        Span<float> dx = pass.X.Span.Slice(pixel * dims.IC, pixels * dims.IC);
        ReadOnlySpan<float> dy = pass.Y.Span.Slice(pixel * dims.OC, pixels * dims.OC);
        var cut = new PanelCut(1, dims.IC);
        for (int panel = 0; panel < cut.Count; panel++)
        {
            (int column, int columns) = cut[panel];
            PointwiseProducts.BackwardData(pass, pixels, dy, columns, FilterPanels.Backward(pass, 0, 0, column, columns), dx[column..]);
        }
    }

    private static void Collect(NhwcPass pass, int firstChannel, int channels, int start, int end, Span<float> sums, Span<float> lowered)
    {
        Conv2dDims dims = pass.Dims;
        PanelCut cut = FilterPanels.Cut(dims, channels, byElement: false);
        for (int pixel = start; pixel < end; pixel += GradientPixels)
        {
            int pixels = Math.Min(GradientPixels, end - pixel), next = pixel + pixels, nextPixels = Math.Min(GradientPixels, end - next);
            ReadOnlySpan<float> x = pass.X.Span.Slice(pixel * dims.IC, pixels * dims.IC), nextX = pass.X.Span.Slice(next * dims.IC, nextPixels * dims.IC);
            ReadOnlySpan<float> dy = pass.Y.Span.Slice(pixel * dims.OC, pixels * dims.OC), nextY = pass.Y.Span.Slice(next * dims.OC, nextPixels * dims.OC);
            for (int panel = 0; panel < cut.Count; panel++)
            {
                (int column, int columns) = cut[panel];
                Span<float> total = NhwcWeightGradient.Panel(dims, sums, channels, 0, column, columns);
                if (PatchProducts.FillsRegisters(columns))
                {
                    // Each panel asks for its share of the next pixels. Packed, its own don't compete for the same lines of the first-level cache.
                    int shareX = nextX.Length / cut.Count, shareY = nextY.Length / cut.Count;
                    RowCopy.Run(x[(firstChannel + column)..], dims.IC, lowered, columns, pixels, columns);
                    PanelProducts.Pixels(
                        dy, dims.OC, dims.OC, pixels, lowered, pixel != start, total,
                        nextY.Slice(panel * shareY, shareY), nextX.Slice(panel * shareX, shareX));
                    continue;
                }

                pass.Multiply(
                    Transpose.Yes, dims.OC, columns, pixels, dy, dims.OC, x[(firstChannel + column)..], dims.IC, pixel == start ? 0 : 1, total, columns);
            }
        }
    }
}
