using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Convolution of NHWC images as matrix products of lowered blocks, any geometry. The rows of a block are output pixels, across
/// rows and images, so that small images need nothing special:
/// <code>
///              N = OC/G (panels of 64)         forward:           Y[pixels, OC/G]  = col[pixels, K]·Wᵀ[K, OC/G] (+ bias)
///            ┌────┬────┐                       backward data:     dcol[pixels, K]  = dY[pixels, OC/G]·W[OC/G, K], then col2im
///     K      │ Wᵀ │    │ K = KH·KW·IC/G        backward weights:  dW[OC/G, K]     += dYᵀ[OC/G, pixels]·col[pixels, K]
///  ┌───────┐ ├────┼────┤
///  │  col  │ │ Y  │    │ M = pixels (about 240 a block)
///  └───────┘ └────┴────┘
/// </code>
/// Every product has an untransposed second factor and is cut into pieces for OpenBLAS's small-matrix kernels.
/// Source: Chellapilla, Puri, Simard, 2006; several images in one product: Hadjis et al., Caffe con Troll, 2015.
/// </summary>
internal sealed class NhwcIm2ColConvolution(Conv2dDims dims, bool smallKernels) : NhwcMethod(dims, smallKernels)
{
    // A product of 64 filters x 64 columns over this many pixels is one call of a small-matrix kernel.
    private const int BlockPixels = 240;

    // Fewer pixels would make the products' overhead show; more would push the lowered block out of the second-level cache.
    private const int FewestPixels = 56;
    private const int BlockFloats = 192 * 1024;

    private static readonly NhwcWeightGradient s_weightGradient = new(byElement: false, static dims => dims.OH * dims.OW, Collect);

    /// <summary>Why this algorithm doesn't take a problem; null if it does.</summary>
    public static string? Refusal(Conv2dDims dims) => dims.Layout == Layout.Nhwc ? null : "x and y aren't NHWC";

    /// <inheritdoc/>
    public override string Describe(ConvolutionPass pass, int workers) => "patches as rows";

    /// <inheritdoc/>
    public override ScratchSize Scratch(ConvolutionPass pass, int workers) => pass switch
    {
        ConvolutionPass.Forward => new(Dims.WeightsCount, LoweredLength(Dims, Dims.ICPerGroup)),
        ConvolutionPass.BackwardData => new(Dims.WeightsCount, LoweredLength(Dims, DataSplit(workers).Widest)),
        _ => PointwiseNhwcGradient.Takes(Dims) ? PointwiseNhwcGradient.Scratch(Dims) : NhwcWeightGradient.Scratch(Dims, workers, LoweredLength),
    };

    /// <summary>y [N, OH, OW, OC] = x [N, IH, IW, IC] * weights [OC, IC/G, KH, KW] + bias [OC] (or empty). Overwrites y.</summary>
    protected override void Forward(NhwcPass pass)
    {
        if (FilterPanels.ShouldShare(pass, BlockPixels))
        {
            pass.Context.Workers.For(Panels(pass.Dims), pass, static (pass, worker, start, end) => ForwardBlocks(pass, worker, 0, Pixels(pass.Dims), start, end));
            return;
        }

        pass.Context.Workers.ForChunks(Pixels(pass.Dims), ForwardLength(pass), pass, static (pass, worker, start, end) =>
        {
            ForwardBlocks(pass, worker, start, end, 0, Panels(pass.Dims));
        });
    }

    /// <inheritdoc/>
    protected override NhwcSplit DataSplit(int workers) => NhwcSplit.WithImages(Dims.ICPerGroup, Dims.N, workers);

    /// <inheritdoc/>
    protected override void PackBackward(NhwcPass pass) => FilterPanels.PackBackward(pass, byElement: false);

    /// <inheritdoc/>
    protected override void BackwardData(NhwcPass pass)
    {
        pass.Context.Workers.ForChunks(pass.Dims.N * pass.Split.Slices, 1, pass, static (pass, worker, start, end) =>
        {
            for (int item = start; item < end; item++)
            {
                (int image, int slice) = Math.DivRem(item, pass.Split.Slices);
                for (int group = 0; group < pass.Dims.Groups; group++)
                    BackwardDataImage(pass, pass.Own(worker), image, group, slice);
            }
        });
    }

    /// <summary>Adds the gradients of one pass to dWeights [OC, IC/G, KH, KW] and dBias [OC] (or empty).</summary>
    public override void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context) =>
        Run(
            ConvolutionPass.BackwardWeights, x, dWeights, dBias, dy, context, NhwcSplit.ForWeights(Dims, context.Workers.WorkerCount),
            static pass =>
            {
                if (PointwiseNhwcGradient.Takes(pass.Dims))
                    PointwiseNhwcGradient.Run(pass);
                else
                    s_weightGradient.Run(pass);
            });

    private static void ForwardBlocks(NhwcPass pass, int worker, int start, int end, int firstPanel, int endPanel)
    {
        int block = ForwardLength(pass);
        for (int pixel = start; pixel < end; pixel += block)
            ForwardBlock(pass, pass.Own(worker), pixel, Math.Min(block, end - pixel), firstPanel, endPanel);
    }

    private static void ForwardBlock(NhwcPass pass, Span<float> col, int pixel, int pixels, int firstPanel, int endPanel)
    {
        Conv2dDims dims = pass.Dims;
        int channels = dims.ICPerGroup, depth = dims.KH * dims.KW * channels, lowered = -1;
        Span<float> y = pass.Y.Span.Slice(pixel * dims.OC, pixels * dims.OC);
        for (int panel = firstPanel; panel < endPanel; panel++)
        {
            (int filter, int filters) = FilterPanels.Forward(dims, panel);
            if (filter / dims.OCPerGroup is var group && group != lowered)
                Im2ColNhwc.Run(dims, pass.X.Span, pixel, pixels, (lowered = group) * channels, channels, col);
            pass.Multiply(
                Transpose.No, pixels, filters, depth, col, depth, FilterPanels.Forward(pass, filter, filters), filters,
                0, y[filter..], dims.OC);
            pass.FinishWithBias(y[filter..], pixels, filter, filters);
        }
    }

    private static void BackwardDataImage(NhwcPass pass, Span<float> dcol, int image, int group, int slice)
    {
        Conv2dDims dims = pass.Dims;
        (int firstChannel, int channels) = pass.Split[slice];
        int depth = dims.KH * dims.KW * channels, size = dims.IH * dims.IW * dims.IC, area = dims.OH * dims.OW;
        Span<float> dx = pass.X.Span.Slice(image * size, size);
        ReadOnlySpan<float> dy = pass.Y.Span.Slice(image * area * dims.OC, area * dims.OC);
        ChannelSlice.Clear(dx, dims.IC, group * dims.ICPerGroup + firstChannel, channels);
        PanelCut cut = FilterPanels.Cut(dims, channels, byElement: false);
        int block = BlockLength(dims, channels);
        for (int pixel = 0; pixel < area; pixel += block)
        {
            int pixels = Math.Min(block, area - pixel);
            for (int panel = 0; panel < cut.Count; panel++)
            {
                (int column, int columns) = cut[panel];
                pass.Multiply(
                    Transpose.No, pixels, columns, dims.OCPerGroup, dy[(pixel * dims.OC + group * dims.OCPerGroup)..], dims.OC,
                    FilterPanels.Backward(pass, group, firstChannel, column, columns), columns, 0, dcol[column..], depth);
            }

            Col2ImNhwc.Run(dims, dcol, pixel, pixels, group * dims.ICPerGroup + firstChannel, channels, dx);
        }
    }

    private static void Collect(NhwcPass pass, int firstChannel, int channels, int start, int end, Span<float> sums, Span<float> col)
    {
        Conv2dDims dims = pass.Dims;
        PanelCut cut = FilterPanels.Cut(dims, channels, byElement: false);
        int depth = dims.KH * dims.KW * channels, block = BlockLength(dims, channels);
        for (int pixel = start; pixel < end; pixel += block)
        {
            int pixels = Math.Min(block, end - pixel);
            for (int group = 0; group < dims.Groups; group++)
            {
                Im2ColNhwc.Run(dims, pass.X.Span, pixel, pixels, group * dims.ICPerGroup + firstChannel, channels, col);
                ReadOnlySpan<float> dy = pass.Y.Span[(pixel * dims.OC + group * dims.OCPerGroup)..];
                for (int panel = 0; panel < cut.Count; panel++)
                {
                    (int column, int columns) = cut[panel];
                    pass.Multiply(
                        Transpose.Yes, dims.OCPerGroup, columns, pixels, dy, dims.OC, col[column..], depth,
                        pixel == start ? 0 : 1, NhwcWeightGradient.Panel(dims, sums, channels, group, column, columns), columns);
                }
            }
        }
    }

    /// <summary>Pixels that are lowered together.</summary>
    public static int BlockLength(in Conv2dDims dims, int channels) =>
        (int)Math.Clamp(BlockFloats / ((long)dims.KH * dims.KW * channels), FewestPixels, BlockPixels);

    private static int Pixels(in Conv2dDims dims) => dims.N * dims.OH * dims.OW;

    private static int Panels(in Conv2dDims dims) => dims.Groups * new PanelCut(1, dims.OCPerGroup).Count;

    private static int ForwardLength(NhwcPass pass) =>
        EvenBlocks.Length(Pixels(pass.Dims), BlockLength(pass.Dims, pass.Dims.ICPerGroup), pass.Workers, GemmPieces.RowsTogether);

    private static long LoweredLength(Conv2dDims dims, int channels) =>
        (long)Math.Min(BlockLength(dims, channels), Pixels(dims)) * dims.KH * dims.KW * channels;
}
