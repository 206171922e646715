using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Depthwise convolution of NHWC images: one filter per channel, any kernel, stride, padding and dilation, without lowering.
/// y[p, c] = b[c] + Σ_t x[p·stride + t, c]·w[t, c], vectors over c. Each pass gathers: an output row, or a row of dx, is written once
/// by one worker; for dWeights the pixels are cut into parts whatever the number of workers. So the bits don't depend on it.
/// Source: Sifre, Rigid-Motion Scattering for Image Classification, 2014; Howard et al., MobileNets, 2017.
/// </summary>
internal sealed class DepthwiseNhwcConvolution(Conv2dDims dims) : NhwcMethod(dims, smallKernels: false)
{
    /// <summary>Elements of a kernel at most: indices of the taps of a strip live on the stack.</summary>
    public const int MostTaps = 256;

    // Images from so many floats on (12 MB) have left the caches since they were written.
    private const long LargeImages = 3 * 1024 * 1024;

    /// <summary>Why this algorithm doesn't take a problem; null if it does.</summary>
    public static string? Refusal(Conv2dDims dims) =>
        dims.Layout != Layout.Nhwc ? "x and y aren't NHWC"
        : dims.Groups != dims.IC || dims.OC != dims.IC ? $"it isn't one filter per channel: {dims.IC} channels, {dims.OC} filters, {dims.Groups} groups"
        : (long)dims.KH * dims.KW > MostTaps ? $"the kernel has {(long)dims.KH * dims.KW} elements, more than {MostTaps}"
        : null;

    /// <inheritdoc/>
    public override string Describe(ConvolutionPass pass, int workers) => "vectors of channels";

    /// <inheritdoc/>
    public override ScratchSize Scratch(ConvolutionPass pass, int workers) =>
        new(Dims.WeightsCount * (pass == ConvolutionPass.BackwardWeights ? DepthwiseNhwcGradient.Parts(Dims) : 1), 0);

    /// <summary>y [N, OH, OW, C] = x [N, IH, IW, C] * weights [C, 1, KH, KW] + bias [C] (or empty). Overwrites y.</summary>
    protected override void Forward(NhwcPass pass)
    {
        pass.Context.Workers.ForChunks(pass.Dims.N * pass.Dims.OH, 4, pass, static (pass, _, start, end) =>
        {
            for (int row = start; row < end; row++)
                ForwardRow(pass, row);
        });
    }

    /// <inheritdoc/>
    protected override void BackwardData(NhwcPass pass)
    {
        pass.Context.Workers.ForChunks(pass.Dims.N * pass.Dims.IH, 4, pass, static (pass, _, start, end) =>
        {
            for (int row = start; row < end; row++)
                BackwardDataRow(pass, row);
        });
    }

    /// <summary>Adds the gradients of one pass to dWeights [C, 1, KH, KW] and dBias [C] (or empty).</summary>
    public override void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context) =>
        Run(ConvolutionPass.BackwardWeights, x, dWeights, dBias, dy, context, default, DepthwiseNhwcGradient.Run);

    private static bool FetchesAhead(in Conv2dDims dims) => dims.XCount + dims.YCount >= LargeImages;

    // [C, taps] to [taps, C].
    protected override void PackForward(NhwcPass pass)
    {
        int taps = pass.Dims.KH * pass.Dims.KW;
        LayoutTransform.Transpose(pass.Dims.IC, taps, pass.Weights.Span, taps, pass.Filters, pass.Dims.IC);
    }

    /// <inheritdoc/>
    protected override void PackBackward(NhwcPass pass) => PackForward(pass);

    private static void ForwardRow(NhwcPass pass, int row)
    {
        Conv2dDims dims = pass.Dims;
        Span<int> offsets = stackalloc int[MostTaps], taps = stackalloc int[MostTaps];
        if (dims.KW == 3 && dims.DilationW == 1 && DepthwiseRowNhwc.Takes(dims.OW, dims.StrideW, -dims.PadLeft, dims.IW))
        {
            int rows = ReachRows(dims, row, offsets, taps);
            if (pass.Ceiling is not { } ceiling)
                ForwardRow(default(IdentityFunction), pass, row, offsets[..rows], taps[..rows]);
            else if (float.IsPositiveInfinity(ceiling))
                ForwardRow(default(ReluFunction), pass, row, offsets[..rows], taps[..rows]);
            else
                ForwardRow(new CappedReluFunction(ceiling), pass, row, offsets[..rows], taps[..rows]);
            return;
        }

        for (int first = 0; first < dims.OW;)
        {
            (int count, int pixels) = Reach(dims, row, first, offsets, taps);
            DepthwiseNhwc.Strip(
                pass.X.Span, dims.StrideW * dims.IC, offsets[..count], pass.Filters, taps[..count], pass.Bias.Span,
                pass.Y.Span[((row * dims.OW + first) * dims.IC)..], dims.IC, pixels, dims.IC, 0);
            first += pixels;
        }

        pass.Finish(pass.Y.Span[(row * dims.OW * dims.IC)..], dims.OW, dims.IC, dims.IC);
    }

    private static void ForwardRow<TFunction>(TFunction function, NhwcPass pass, int row, ReadOnlySpan<int> offsets, ReadOnlySpan<int> taps)
        where TFunction : struct, IActivation
    {
        Conv2dDims dims = pass.Dims;
        DepthwiseRowNhwc.Run(
            function, pass.X.Span, dims.IW, offsets, -dims.PadLeft, dims.StrideW, pass.Filters, taps, 1, pass.Bias.Span,
            pass.Y.Span.Slice(row * dims.OW * dims.IC, dims.OW * dims.IC), dims.OW, dims.IC, FetchesAhead(dims));
    }

    /// <summary>Where the rows of x that a row of y reaches start, and the first taps of their kernel rows.</summary>
    public static int ReachRows(in Conv2dDims dims, int row, Span<int> offsets, Span<int> taps)
    {
        (int image, int oh) = Math.DivRem(row, dims.OH);
        int count = 0;
        for (int kh = 0; kh < dims.KH; kh++)
        {
            int ih = oh * dims.StrideH - dims.PadTop + kh * dims.DilationH;
            if ((uint)ih >= (uint)dims.IH)
                continue;
            offsets[count] = (image * dims.IH + ih) * dims.IW * dims.IC;
            taps[count++] = kh * dims.KW;
        }

        return count;
    }

    // The same for a row of dx; the last tap of a kernel row comes from the leftmost output.
    private static int ReachRowsBack(in Conv2dDims dims, int row, Span<int> offsets, Span<int> taps)
    {
        (int image, int ih) = Math.DivRem(row, dims.IH);
        int count = 0;
        for (int kh = 0; kh < dims.KH; kh++)
        {
            (int oh, int above) = Math.DivRem(ih + dims.PadTop - kh * dims.DilationH, dims.StrideH);
            if (above != 0 || (uint)oh >= (uint)dims.OH)
                continue;
            offsets[count] = (image * dims.OH + oh) * dims.OW * dims.IC;
            taps[count++] = kh * dims.KW + dims.KW - 1;
        }

        return count;
    }

    /// <summary>A strip of output pixels from <paramref name="first"/> on: which taps they reach, where these read, and how many pixels reach the same.</summary>
    public static (int Taps, int Pixels) Reach(in Conv2dDims dims, int row, int first, Span<int> offsets, Span<int> taps)
    {
        (int image, int oh) = Math.DivRem(row, dims.OH);
        (int inner, _) = Window.Inside(-dims.PadLeft, dims.StrideW, dims.IW, 0, dims.OW);
        (_, int innerEnd) = Window.Inside((dims.KW - 1) * dims.DilationW - dims.PadLeft, dims.StrideW, dims.IW, 0, dims.OW);
        int count = 0;
        for (int kh = 0; kh < dims.KH; kh++)
        {
            int ih = oh * dims.StrideH - dims.PadTop + kh * dims.DilationH;
            for (int kw = 0; kw < dims.KW && (uint)ih < (uint)dims.IH; kw++)
            {
                int iw = first * dims.StrideW - dims.PadLeft + kw * dims.DilationW;
                if ((uint)iw >= (uint)dims.IW)
                    continue;
                offsets[count] = ((image * dims.IH + ih) * dims.IW + iw) * dims.IC;
                taps[count++] = kh * dims.KW + kw;
            }
        }

        return (count, first >= inner && first < innerEnd ? innerEnd - first : 1);
    }

    // Every StrideW-th pixel of a row of dx collects from the same taps; those between are strips of their own.
    private static void BackwardDataRow(NhwcPass pass, int row)
    {
        Conv2dDims dims = pass.Dims;
        Span<int> offsets = stackalloc int[MostTaps], taps = stackalloc int[MostTaps];
        int firstColumn = dims.PadLeft - 2;
        if (dims.KW == 3 && dims.DilationW == 1 && dims.StrideW == 1 && DepthwiseRowNhwc.Takes(dims.IW, 1, firstColumn, dims.OW))
        {
            int rows = ReachRowsBack(dims, row, offsets, taps);
            DepthwiseRowNhwc.Run(
                default(IdentityFunction), pass.Y.Span, dims.OW, offsets[..rows], firstColumn, 1, pass.Filters, taps[..rows], -1, [],
                pass.X.Span.Slice(row * dims.IW * dims.IC, dims.IW * dims.IC), dims.IW, dims.IC, FetchesAhead(dims));
            return;
        }

        for (int phase = 0; phase < Math.Min(dims.StrideW, dims.IW); phase++)
        {
            for (int first = phase; first < dims.IW;)
            {
                (int count, int pixels) = ReachBack(dims, row, first, offsets, taps);
                DepthwiseNhwc.Strip(
                    pass.Y.Span, dims.IC, offsets[..count], pass.Filters, taps[..count], [],
                    pass.X.Span[((row * dims.IW + first) * dims.IC)..], dims.StrideW * dims.IC, pixels, dims.IC,
                    FetchesAhead(dims) ? dims.IW * dims.IC : 0);
                first += pixels * dims.StrideW;
            }
        }
    }

    // The same for pixels of dx: the taps through which outputs reach them. With the pixel `first`, ow = (first + PadLeft − kw·DilationW) / StrideW.
    private static (int Taps, int Pixels) ReachBack(in Conv2dDims dims, int row, int first, Span<int> offsets, Span<int> taps)
    {
        (int image, int ih) = Math.DivRem(row, dims.IH);
        int count = 0, least = int.MaxValue, most = int.MinValue;
        for (int kw = 0; kw < dims.KW; kw++)
        {
            (int ow, int rest) = Math.DivRem(first + dims.PadLeft - kw * dims.DilationW, dims.StrideW);
            if (rest != 0)
                continue;
            (least, most) = (Math.Min(least, ow), Math.Max(most, ow));
            for (int kh = 0; kh < dims.KH && (uint)ow < (uint)dims.OW; kh++)
            {
                (int oh, int above) = Math.DivRem(ih + dims.PadTop - kh * dims.DilationH, dims.StrideH);
                if (above != 0 || (uint)oh >= (uint)dims.OH)
                    continue;
                offsets[count] = ((image * dims.OH + oh) * dims.OW + ow) * dims.IC;
                taps[count++] = kh * dims.KW + kw;
            }
        }

        // No tap at all, or all of them inside: the same holds further on. Else the next pixel may reach others.
        int left = (dims.IW - first + dims.StrideW - 1) / dims.StrideW;
        int pixels = least > most ? left : least >= 0 && most < dims.OW ? Math.Min(left, dims.OW - most) : 1;
        return (count, pixels);
    }
}
