using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Convolution of NHWC images without lowering: an output row is the sum, over the KH·KW kernel elements (taps), of products
/// that read the input where it lies. One output pixel after the other is stride·IC floats further in the input, which is the
/// product's row stride; pixels whose tap falls into the padding are left out.
/// <code>
///                N = OC/G (panels of 64)     forward:           y row   += x row[tap]·Wᵀ[tap]
///              ┌────┬────┐                   backward data:     dx row[tap] += dy row·W[tap], each row of dx collecting its own
///   K = IC/G   │ Wᵀ │    │ one tap's         backward weights:  dW[tap] += dy rowᵀ·x row[tap]
/// ┌──────────┐ ├────┼────┤
/// │ x row    │ │ y  │    │ M = pixels of a row that the tap reaches; row stride of x: stride·IC
/// └──────────┘ └────┴────┘
/// </code>
/// The same idea, for contiguous rows, is "kn2row" (Vasudevan, Anderson, Gregg, Parallel Multi Channel Convolution using General
/// Matrix Multiplication, 2017).
/// </summary>
internal class TapsConvolution(Conv2dDims dims, bool smallKernels) : NhwcMethod(dims, smallKernels)
{
    // Output rows are taken together until they have about this many pixels, so that a tap's panel is used more than once.
    private const int BlockPixels = 256;

    private static readonly NhwcWeightGradient s_weightGradient = new(byElement: true, static dims => dims.OH, Collect);

    /// <summary>Why this algorithm doesn't take a problem; null if it does.</summary>
    public static string? Refusal(Conv2dDims dims) => dims.Layout == Layout.Nhwc ? null : "x and y aren't NHWC";

    /// <inheritdoc/>
    public override string Describe(ConvolutionPass pass, int workers) => "a product per kernel element";

    /// <inheritdoc/>
    public override ScratchSize Scratch(ConvolutionPass pass, int workers) => pass == ConvolutionPass.BackwardWeights
        ? NhwcWeightGradient.Scratch(Dims, workers, static (_, _) => 0)
        : new(Dims.WeightsCount, 0);

    /// <summary>y [N, OH, OW, OC] = x [N, IH, IW, IC] * weights [OC, IC/G, KH, KW] + bias [OC] (or empty). Overwrites y.</summary>
    protected override void Forward(NhwcPass pass)
    {
        pass.Context.Workers.ForChunks(pass.Dims.N * pass.Dims.OH, BlockRows(pass, pass.Dims.OH, pass.Dims.OW), pass, static (pass, _, start, end) =>
        {
            int block = BlockRows(pass, pass.Dims.OH, pass.Dims.OW);
            for (int row = start; row < end; row += block)
                ForwardRows(pass, row, Math.Min(end, row + block));
        });
    }

    /// <inheritdoc/>
    protected override void PackBackward(NhwcPass pass) => FilterPanels.PackBackward(pass, byElement: true);

    /// <inheritdoc/>
    protected override void BackwardData(NhwcPass pass)
    {
        pass.Context.Workers.ForChunks(pass.Dims.N * pass.Dims.IH, BlockRows(pass, pass.Dims.IH, pass.Dims.IW), pass, static (pass, _, start, end) =>
        {
            int block = BlockRows(pass, pass.Dims.IH, pass.Dims.IW);
            for (int row = start; row < end; row += block)
                BackwardDataRows(pass, row, Math.Min(end, row + block));
        });
    }

    /// <summary>Adds the gradients of one pass to dWeights [OC, IC/G, KH, KW] and dBias [OC] (or empty).</summary>
    public override void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context) =>
        Run(
            ConvolutionPass.BackwardWeights, x, dWeights, dBias, dy, context, NhwcSplit.ForWeights(Dims, context.Workers.WorkerCount),
            static pass => s_weightGradient.Run(pass));

    private static int BlockRows(NhwcPass pass, int rows, int width) =>
        EvenBlocks.Length(pass.Dims.N * rows, Math.Max(1, BlockPixels / width), pass.Workers, unit: 1);

    // Rows are counted over all images.
    private static void ForwardRows(NhwcPass pass, int start, int end)
    {
        Conv2dDims dims = pass.Dims;
        int line = dims.OW * dims.OC, taps = dims.KH * dims.KW, panels = dims.Groups * new PanelCut(1, dims.OCPerGroup).Count;
        BiasRows.FillOrClear(pass.Bias.Span, pass.Y.Span[(start * line)..(end * line)]);
        for (int panel = 0; panel < panels; panel++)
        {
            (int filter, int filters) = FilterPanels.Forward(dims, panel);
            int channel = filter / dims.OCPerGroup * dims.ICPerGroup, length = dims.ICPerGroup * filters;
            ReadOnlySpan<float> weights = FilterPanels.Forward(pass, filter, filters);
            for (int tap = 0; tap < taps; tap++)
            {
                for (int row = start; row < end; row++)
                {
                    if (!Tap(dims, row / dims.OH, row % dims.OH, tap, out TapRow at))
                        continue;
                    pass.Multiply(
                        Transpose.No, at.Pixels, filters, dims.ICPerGroup, pass.X.Span[(at.Input * dims.IC + channel)..], dims.StrideW * dims.IC,
                        weights.Slice(tap * length, length), filters, 1, pass.Y.Span[(row * line + at.First * dims.OC + filter)..], dims.OC);
                }
            }

            pass.Finish(pass.Y.Span[(start * line + filter)..], (end - start) * dims.OW, filters, dims.OC);
        }
    }

    // A row of dx collects from the rows of dy whose windows cover it, so that no two workers write to the same row.
    private static void BackwardDataRows(NhwcPass pass, int start, int end)
    {
        Conv2dDims dims = pass.Dims;
        int line = dims.IW * dims.IC;
        pass.X.Span[(start * line)..(end * line)].Clear();
        PanelCut cut = FilterPanels.Cut(dims, dims.ICPerGroup, byElement: true);
        for (int inTap = 0; inTap < cut.PanelsPerRun; inTap++)
        {
            for (int group = 0; group < dims.Groups; group++)
            {
                for (int tap = 0; tap < cut.Runs; tap++)
                {
                    (int first, int columns) = cut[tap * cut.PanelsPerRun + inTap];
                    ReadOnlySpan<float> weights = FilterPanels.Backward(pass, group, 0, first, columns);
                    int channel = group * dims.ICPerGroup + first - tap * cut.Run, filter = group * dims.OCPerGroup;
                    for (int row = start; row < end; row++)
                    {
                        (int image, int ih) = Math.DivRem(row, dims.IH);
                        (int oh, int rest) = Math.DivRem(ih + dims.PadTop - tap / dims.KW * dims.DilationH, dims.StrideH);
                        if (rest != 0 || (uint)oh >= (uint)dims.OH || !Tap(dims, image, oh, tap, out TapRow at))
                            continue;
                        pass.Multiply(
                            Transpose.No, at.Pixels, columns, dims.OCPerGroup, pass.Y.Span[(((image * dims.OH + oh) * dims.OW + at.First) * dims.OC + filter)..], dims.OC,
                            weights, columns, 1, pass.X.Span[(at.Input * dims.IC + channel)..], dims.StrideW * dims.IC);
                    }
                }
            }
        }
    }

    private static void Collect(NhwcPass pass, int firstChannel, int channels, int start, int end, Span<float> sums, Span<float> lowered)
    {
        Conv2dDims dims = pass.Dims;
        PanelCut cut = FilterPanels.Cut(dims, channels, byElement: true);
        sums.Clear();
        for (int row = start; row < end; row++)
        {
            // What the next row adds to what is read comes from farther caches meanwhile: 3 % less time for 64 channels.
            ReadOnlySpan<float> nextX = [], nextY = [];
            if (row + 1 < end)
            {
                int ih = (row + 1) % dims.OH * dims.StrideH - dims.PadTop + (dims.KH - 1) * dims.DilationH;
                nextX = (uint)ih < (uint)dims.IH ? pass.X.Span.Slice(((row + 1) / dims.OH * dims.IH + ih) * dims.IW * dims.IC, dims.IW * dims.IC) : [];
                nextY = pass.Y.Span.Slice((row + 1) * dims.OW * dims.OC, dims.OW * dims.OC);
            }

            for (int tap = 0; tap < cut.Runs; tap++)
            {
                Prefetch.All(Prefetch.Share(nextX, tap, tap + 1, cut.Runs));
                Prefetch.All(Prefetch.Share(nextY, tap, tap + 1, cut.Runs));
                if (!Tap(dims, row / dims.OH, row % dims.OH, tap, out TapRow at))
                    continue;
                for (int index = 0; index < dims.Groups * cut.PanelsPerRun; index++)
                {
                    (int group, int inTap) = Math.DivRem(index, cut.PanelsPerRun);
                    (int first, int columns) = cut[tap * cut.PanelsPerRun + inTap];
                    int channel = group * dims.ICPerGroup + firstChannel + first - tap * cut.Run;
                    pass.Multiply(
                        Transpose.Yes, dims.OCPerGroup, columns, at.Pixels,
                        pass.Y.Span[((row * dims.OW + at.First) * dims.OC + group * dims.OCPerGroup)..], dims.OC,
                        pass.X.Span[(at.Input * dims.IC + channel)..], dims.StrideW * dims.IC,
                        1, NhwcWeightGradient.Panel(dims, sums, channels, group, first, columns), columns);
                }
            }
        }
    }

    // The pixels of one output row that a tap reaches, and where in x the first of them reads; false if there are none.
    private static bool Tap(in Conv2dDims dims, int image, int oh, int tap, out TapRow at)
    {
        at = default;
        (int kh, int kw) = Math.DivRem(tap, dims.KW);
        int ih = oh * dims.StrideH - dims.PadTop + kh * dims.DilationH;
        if ((uint)ih >= (uint)dims.IH)
            return false;
        int offset = kw * dims.DilationW - dims.PadLeft;
        (int first, int end) = Window.Inside(offset, dims.StrideW, dims.IW, 0, dims.OW);
        at = new(first, end - first, (image * dims.IH + ih) * dims.IW + first * dims.StrideW + offset);
        return first < end;
    }

    // First output pixel, number of them, and the input pixel under the first.
    private readonly record struct TapRow(int First, int Pixels, int Input);
}
