using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// What <see cref="TapsConvolution"/> does, with the sums over all taps in registers (<see cref="PatchProducts"/>): a pixel's patch is some rows of neighbouring floats, which are read
/// where they lie, and the result is written once. Pixels whose patches lose as much to the padding are multiplied together, so that nothing is copied and no padding is multiplied.
/// The gradient by x at stride 1 is the same convolution of dy with the kernels turned around. That by the weights is <see cref="TapsConvolution"/>'s.
/// <code>
///                       N = 64 filters                   ┌─┬───────┬─┐
///                     ┌────┐                             ├─┼───────┼─┤
///    K = KH·KW·IC     │ Wᵀ │                             │ │   1   │ │   an image's nine kinds of pixels with a kernel of 3x3:
///  ┌─────────────────┐├────┤                             │ │       │ │   inside, at an edge, at a corner
///  │ patches of one  ││ y  │ M = pixels                  ├─┼───────┼─┤
///  │ kind of pixels  ││    │                             └─┴───────┴─┘
///  └─────────────────┘└────┘
/// </code>
/// Source: Georganas et al., Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures, 2018.
/// </summary>
internal sealed class TapRowsConvolution(Conv2dDims dims, bool smallKernels) : TapsConvolution(dims, smallKernels)
{
    private const int Panel = PanelProducts.Columns;

    // Rows of the result that are multiplied by one panel after the other; of 56 pixels of 64 channels they and what they read take 0.35 MB of the second-level cache. Twice six of pixels at an edge.
    private const int MostRows = 12;

    private readonly bool _data = Serves(dims, ConvolutionPass.BackwardData), _forward = Serves(dims, ConvolutionPass.Forward);

    /// <summary>Whether it takes a pass of a problem; of others it leaves that to what it derives from.</summary>
    public static bool Serves(Conv2dDims dims, ConvolutionPass pass) =>
        dims is { Layout: Layout.Nhwc, Groups: 1, DilationH: 1, DilationW: 1 } && dims.KH * dims.KW > 1
        && pass switch
        {
            ConvolutionPass.Forward => Fits(dims),
            ConvolutionPass.BackwardData => dims is { StrideH: 1, StrideW: 1 } && Math.Max(dims.PadTop, dims.PadBottom) < dims.KH && Math.Max(dims.PadLeft, dims.PadRight) < dims.KW && Fits(Turned(dims)),
            _ => false,
        };

    /// <inheritdoc/>
    public override string Describe(ConvolutionPass pass, int workers) => Serves(Dims, pass) ? "sums over all kernel elements in registers" : base.Describe(pass, workers);

    /// <inheritdoc/>
    protected override void Forward(NhwcPass pass)
    {
        if (_forward)
            Run(pass, ConvolutionPass.Forward);
        else
            base.Forward(pass);
    }

    /// <inheritdoc/>
    protected override void PackBackward(NhwcPass pass)
    {
        if (!_data)
        {
            base.PackBackward(pass);
            return;
        }

        pass.Context.Workers.For(pass.Dims.OC, pass, static (pass, _, start, end) =>
        {
            int depth = pass.Dims.KH * pass.Dims.KW * pass.Dims.OC;
            for (int channel = 0; channel < pass.Dims.IC; channel += Panel)
                WeightPanels.PackTurned(pass.Dims, pass.Weights.Span, channel, start, end, pass.Filters.Slice(channel * depth, Panel * depth));
        });
    }

    /// <inheritdoc/>
    protected override void BackwardData(NhwcPass pass)
    {
        if (_data)
            Run(pass, ConvolutionPass.BackwardData);
        else
            base.BackwardData(pass);
    }

    // dx of dy as y of x.
    private static Conv2dDims Turned(Conv2dDims dims) => Conv2dDims.Create(
        dims.N, dims.OC, dims.OH, dims.OW, dims.IC, dims.KH, dims.KW, 1, 1,
        dims.KH - 1 - dims.PadTop, dims.KW - 1 - dims.PadLeft, dims.KH - 1 - dims.PadBottom, dims.KW - 1 - dims.PadRight).In(Layout.Nhwc);

    // Every pixel reaches the image if the first and the last do.
    private static bool Fits(in Conv2dDims dims) =>
        PatchProducts.FillsRegisters(dims.OC) && (long)dims.KH * dims.KW * dims.IC <= PatchProducts.LongestSum
        && Inside(dims.KH, dims.IH, -dims.PadTop).Length > 0 && Inside(dims.KH, dims.IH, (dims.OH - 1) * dims.StrideH - dims.PadTop).Length > 0
        && Inside(dims.KW, dims.IW, -dims.PadLeft).Length > 0 && Inside(dims.KW, dims.IW, (dims.OW - 1) * dims.StrideW - dims.PadLeft).Length > 0;

    private static void Run(NhwcPass pass, ConvolutionPass kind)
    {
        pass.Kind = kind;
        int rows = kind == ConvolutionPass.Forward ? pass.Dims.OH : pass.Dims.IH;
        pass.Context.Workers.ForChunks(pass.Dims.N * rows, Block(pass, rows), pass, static (pass, _, start, end) =>
        {
            bool isForward = pass.Kind == ConvolutionPass.Forward;
            Conv2dDims dims = isForward ? pass.Dims : Turned(pass.Dims);
            int block = Block(pass, dims.OH);
            for (int row = start; row < end; row += block)
                Multiply(pass, dims, isForward ? pass.X.Span : pass.Y.Span, isForward ? pass.Y.Span : pass.X.Span, row, Math.Min(end, row + block));
        });
    }

    private static int Block(NhwcPass pass, int rows) => EvenBlocks.Length(pass.Dims.N * rows, MostRows, pass.Workers, unit: 1);

    // Rows are counted over all images.
    private static void Multiply(NhwcPass pass, in Conv2dDims dims, ReadOnlySpan<float> x, Span<float> y, int start, int end)
    {
        int depth = dims.KH * dims.KW * dims.IC;
        for (int filter = 0; filter < dims.OC; filter += Panel)
        {
            ReadOnlySpan<float> filters = pass.Filters.Slice(filter * depth, Panel * depth);
            for (int row = start, rows; row < end; row += rows)
            {
                (int image, int oh) = Math.DivRem(row, dims.OH);
                rows = Alike(dims.KH, dims.IH, dims.StrideH, dims.PadTop, oh, Math.Min(dims.OH, oh + end - row));
                for (int ow = 0, columns; ow < dims.OW; ow += columns)
                {
                    columns = Alike(dims.KW, dims.IW, dims.StrideW, dims.PadLeft, ow, dims.OW);
                    MultiplyAlike(pass, dims, x[(image * dims.IH * dims.IW * dims.IC)..], filter, filters, (oh, rows), (ow, columns), y[((row * dims.OW + ow) * dims.OC + filter)..]);
                }
            }
        }
    }

    private static void MultiplyAlike(
        NhwcPass pass, in Conv2dDims dims, ReadOnlySpan<float> image, int filter, ReadOnlySpan<float> filters, (int First, int Count) rows, (int First, int Count) columns, Span<float> y)
    {
        int ih = rows.First * dims.StrideH - dims.PadTop, iw = columns.First * dims.StrideW - dims.PadLeft, line = dims.IW * dims.IC;
        (int kh, int kernelRows) = Inside(dims.KH, dims.IH, ih);
        (int kw, int kernelColumns) = Inside(dims.KW, dims.IW, iw);
        var patches = new PatchStrip(rows.Count, columns.Count, dims.StrideH * line, dims.StrideW * dims.IC, kernelRows, kernelColumns * dims.IC, line)
        {
            Gap = dims.OW - columns.Count, LeftOut = (dims.KW - kernelColumns) * dims.IC,
        };
        pass.MultiplyInRegisters(patches, image[((ih + kh) * line + (iw + kw) * dims.IC)..], filter, Panel, filters[((kh * dims.KW + kw) * dims.IC * Panel)..], y, dims.OC);
    }

    // How many outputs from this one on meet the image with the same kernel elements.
    private static int Alike(int kernel, int input, int stride, int pad, int first, int end)
    {
        (int, int) inside = Inside(kernel, input, first * stride - pad);
        int next = first + 1;
        while (next < end && Inside(kernel, input, next * stride - pad) == inside)
            next++;
        return next - first;
    }

    // The kernel elements that meet the image where the first would meet this pixel.
    private static (int First, int Length) Inside(int kernel, int input, int at)
    {
        int first = Math.Max(0, -at);
        return (first, Math.Min(kernel, input - at) - first);
    }
}
