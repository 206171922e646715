using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// The weight gradient of <see cref="DepthwiseNhwcConvolution"/>: dw[t, c] = Σ_p x[p·stride + t, c]·dy[p, c]. The output rows are cut into parts
/// whatever the number of workers, each part has sums of its own, and these are added in their order.
/// </summary>
internal static class DepthwiseNhwcGradient
{
    // Channels that a worker takes at a time: fewer would read a line or two from each page.
    private const int ChannelUnit = 256;

    // Items that the work is cut into where there are few channels, so that most numbers of workers are evenly busy.
    private const int FewestItems = 16;

    // Output pixels whose products are summed in registers, over several rows: their input stays in the first-level cache.
    private const int PixelsTogether = 128;

    /// <summary>Parts of the output rows, each with sums as long as the weights.</summary>
    public static int Parts(in Conv2dDims dims) => Math.Min((FewestItems + ChannelBlocks(dims) - 1) / ChannelBlocks(dims), dims.N * dims.OH);

    /// <summary>Adds to dWeights, in the weights' place, and dBias, in the bias' place.</summary>
    public static void Run(NhwcPass pass)
    {
        int blocks = ChannelBlocks(pass.Dims);
        pass.Context.Workers.ForChunks(blocks * Parts(pass.Dims), 1, pass, static (pass, _, start, end) =>
        {
            for (int item = start; item < end; item++)
            {
                (int part, int block) = Math.DivRem(item, ChannelBlocks(pass.Dims));
                CollectPart(pass, part, block);
            }
        });
        pass.Context.Workers.For(blocks, pass, static (pass, _, start, end) =>
            AddParts(pass, start * ChannelUnit, Math.Min(pass.Dims.IC, end * ChannelUnit)));
        NhwcWeightGradient.AddBias(pass);
    }

    private static int ChannelBlocks(in Conv2dDims dims) => (dims.IC + ChannelUnit - 1) / ChannelUnit;

    // Sums of a part of the output rows, for a block of the channels.
    private static void CollectPart(NhwcPass pass, int part, int block)
    {
        Conv2dDims dims = pass.Dims;
        int parts = Parts(dims), firstChannel = block * ChannelUnit, channels = Math.Min(ChannelUnit, dims.IC - firstChannel), count = dims.KH * dims.KW;
        int row = (int)((long)dims.N * dims.OH * part / parts), endRow = (int)((long)dims.N * dims.OH * (part + 1) / parts);
        // Other workers' sums lie in other channels of the same rows, or in other parts.
        Span<float> sums = pass.Shared.Slice(part * count * dims.IC, count * dims.IC)[firstChannel..];
        for (int tap = 0; tap < count; tap++)
            sums.Slice(tap * dims.IC, channels).Clear();
        bool wholeRows = (dims.KH, dims.KW, dims.DilationW) == (DepthwiseRowGradientNhwc.Side, DepthwiseRowGradientNhwc.Side, 1)
            && DepthwiseRowGradientNhwc.Takes(dims.OW, dims.StrideW, -dims.PadLeft, dims.IW);
        for (int rows; row < endRow; row += rows)
        {
            rows = Math.Min(AlikeRows(dims, row % dims.OH), Math.Min(endRow - row, Math.Max(1, PixelsTogether / dims.OW)));
            if (wholeRows)
                AddRows(pass, row, rows, firstChannel, channels, sums);
            else
                AddStrips(pass, row, rows, firstChannel, channels, sums);
        }
    }

    private static void AddRows(NhwcPass pass, int row, int rows, int firstChannel, int channels, Span<float> sums)
    {
        Conv2dDims dims = pass.Dims;
        Span<int> lines = stackalloc int[DepthwiseRowGradientNhwc.Side], taps = stackalloc int[DepthwiseRowGradientNhwc.Side];
        int reached = DepthwiseNhwcConvolution.ReachRows(dims, row, lines, taps);
        if (reached > 0)
        {
            DepthwiseRowGradientNhwc.AddProducts(
                pass.X.Span[firstChannel..], dims.IW, lines[..reached], dims.StrideH * dims.IW * dims.IC, -dims.PadLeft, dims.StrideW,
                pass.Y.Span[(row * dims.OW * dims.IC + firstChannel)..], rows, dims.OW, dims.IC, channels, sums, taps[..reached]);
        }
    }

    private static void AddStrips(NhwcPass pass, int row, int rows, int firstChannel, int channels, Span<float> sums)
    {
        Conv2dDims dims = pass.Dims;
        Span<int> offsets = stackalloc int[DepthwiseNhwcConvolution.MostTaps], taps = stackalloc int[DepthwiseNhwcConvolution.MostTaps];
        for (int first = 0, pixels; first < dims.OW; first += pixels)
        {
            (int reached, pixels) = DepthwiseNhwcConvolution.Reach(dims, row, first, offsets, taps);
            DepthwiseNhwc.AddProducts(
                pass.X.Span[firstChannel..], dims.StrideW * dims.IC, dims.StrideH * dims.IW * dims.IC, offsets[..reached], taps[..reached],
                pass.Y.Span[((row * dims.OW + first) * dims.IC + firstChannel)..], dims.IC, dims.OW * dims.IC, rows, pixels, channels, sums, dims.IC);
        }
    }

    private static void AddParts(NhwcPass pass, int firstChannel, int endChannel)
    {
        Conv2dDims dims = pass.Dims;
        int parts = Parts(dims), count = dims.KH * dims.KW;
        Span<float> sums = pass.Shared, total = sums[firstChannel..];
        for (int part = 1; part < parts; part++)
            RowAdd.Run(sums[(part * count * dims.IC + firstChannel)..], dims.IC, total, dims.IC, count, endChannel - firstChannel);
        TransposedSum.Add(total, dims.IC, count, endChannel - firstChannel, pass.Weights.Span[(firstChannel * count)..]);
    }

    // How many output rows from this one on reach all kernel rows; 1 where it doesn't.
    private static int AlikeRows(in Conv2dDims dims, int oh)
    {
        (int inner, _) = Window.Inside(-dims.PadTop, dims.StrideH, dims.IH, 0, dims.OH);
        (_, int innerEnd) = Window.Inside((dims.KH - 1) * dims.DilationH - dims.PadTop, dims.StrideH, dims.IH, 0, dims.OH);
        return oh >= inner && oh < innerEnd ? innerEnd - oh : 1;
    }
}
