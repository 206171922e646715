using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Convolution of NHWC images of few channels, as first layers have them, in registers: vectors over the filters, and nothing is lowered.
/// With few channels a patch is short, and writing and packing it costs as much as multiplying it; but a kernel row of all
/// channels is one run of neighbouring floats, which the kernels of <see cref="PatchProducts"/> and <see cref="PatchGradient"/> read
/// one by one where it lies.
/// <code>
///   y[q, o]  = b[o] + Σ over kernel rows i and floats j of a row of x[patch q + (i, j)] · w[(i, j), o]
///   dw[(i, j), o] = Σ over pixels q of x[patch q + (i, j)] · dy[q, o]
/// </code>
/// A worker copies the rows of a strip of output rows with their padding, which is little beside y. The gradient by x is <see cref="FewChannelsGradient"/>.
/// Plain sums of float32. Source: Georganas et al., Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures, 2018.
/// </summary>
internal sealed class FewChannelsConvolution(Conv2dDims dims, bool smallKernels) : NhwcMethod(dims, smallKernels)
{
    // A pixel's terms are summed one after the other: with many of them that rounds more than products cut into pieces.
    private const int MostChannels = 15;

    // Floats of y in a strip, which stay in the second-level cache from one pair of vectors of filters to the next.
    private const int StripFloats = 64 * 1024;

    // Strips per worker, at least, where there are so many rows.
    private const int StripsPerWorker = 8;

    /// <summary>Why this algorithm doesn't take a problem; null if it does.</summary>
    public static string? Refusal(Conv2dDims dims) =>
        dims.Layout != Layout.Nhwc ? "x and y aren't NHWC"
        : dims.Groups != 1 ? $"there are {dims.Groups} groups, not 1"
        : dims.IC > MostChannels ? $"there are {dims.IC} input channels, more than {MostChannels}"
        : dims.DilationW != 1 ? $"kernel elements of a row lie {dims.DilationW} apart, not 1"
        : null;

    /// <inheritdoc/>
    public override string Describe(ConvolutionPass pass, int workers) => pass == ConvolutionPass.BackwardData
        ? $"{new FewChannelsGradient(Dims).Bands(workers)} bands of an image, in blocks of {new FewChannelsGradient(Dims).BlockRows} output rows"
        : $"strips of {StripRows(workers)} output rows";

    /// <inheritdoc/>
    public override ScratchSize Scratch(ConvolutionPass pass, int workers) => pass switch
    {
        ConvolutionPass.Forward => new(Dims.WeightsCount, PaddedLength(workers)),
        ConvolutionPass.BackwardData => new FewChannelsGradient(Dims).Scratch,
        _ => new(0, ScratchSize.Lines(Dims.WeightsCount) + ScratchSize.Lines(Dims.OC) + PaddedLength(workers)),
    };

    /// <summary>y [N, OH, OW, OC] = x [N, IH, IW, IC] * weights [OC, IC, KH, KW] + bias [OC] (or empty). Overwrites y.</summary>
    protected override void Forward(NhwcPass pass)
    {
        pass.Context.Workers.ForChunks(pass.Dims.N * Strips(pass), 1, pass, static (pass, worker, start, end) =>
        {
            for (int index = start; index < end; index++)
            {
                (int pixel, PatchStrip strip) = Copy(pass, index, pass.Own(worker));
                Span<float> y = pass.Y.Span.Slice(pixel * pass.Dims.OC, strip.Count * pass.Dims.OC);
                pass.MultiplyInRegisters(strip, pass.Own(worker), 0, pass.Dims.OC, pass.Filters, y, pass.Dims.OC);
            }
        });
    }

    /// <inheritdoc/>
    protected override void PackForward(NhwcPass pass)
    {
        int channels = pass.Dims.IC, taps = pass.Dims.KH * pass.Dims.KW, filters = pass.Dims.OC;
        for (int channel = 0; channel < channels; channel++)
            LayoutTransform.Transpose(filters, taps, pass.Weights.Span[(channel * taps)..], channels * taps, pass.Filters[(channel * filters)..], channels * filters);
    }

    /// <inheritdoc/>
    protected override void PackBackward(NhwcPass pass) => new FewChannelsGradient(pass.Dims).Pack(pass);

    /// <inheritdoc/>
    protected override void BackwardData(NhwcPass pass) => new FewChannelsGradient(pass.Dims).Run(pass);

    /// <summary>Adds the gradients of one pass to dWeights [OC, IC, KH, KW] and dBias [OC] (or empty).</summary>
    public override void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context) =>
        Run(ConvolutionPass.BackwardWeights, x, dWeights, dBias, dy, context, default, static pass =>
        {
            // One item per worker, so that a share and its worker are the same thing.
            pass.Context.Workers.For(pass.Workers, pass, static (pass, _, start, end) =>
            {
                for (int part = start; part < end; part++)
                    Collect(pass, part);
            });
            pass.Context.Workers.For(pass.Dims.OC, pass, static (pass, _, start, end) =>
            {
                for (int worker = 0; worker < pass.Workers; worker++)
                    Add(pass, worker, start, end);
            });
        });

    // Overwrites a worker's sums with those of its share of the strips.
    private static void Collect(NhwcPass pass, int part)
    {
        Divide(pass, part, out Span<float> weights, out Span<float> bias, out Span<float> padded);
        weights.Clear();
        bias.Clear();
        long strips = (long)pass.Dims.N * Strips(pass);
        for (int index = (int)(strips * part / pass.Workers); index < (int)(strips * (part + 1) / pass.Workers); index++)
        {
            (int pixel, PatchStrip strip) = Copy(pass, index, padded);
            ReadOnlySpan<float> dy = pass.Y.Span.Slice(pixel * pass.Dims.OC, strip.Count * pass.Dims.OC);
            PatchGradient.Add(strip, padded, pass.Dims.OC, dy, weights);
            // While dy is in the cache.
            if (!pass.Bias.IsEmpty)
                ColumnSums.Add(dy, pass.Dims.OC, strip.Count, bias);
        }
    }

    // Adds filters [start, end) of one worker's sums.
    private static void Add(NhwcPass pass, int worker, int start, int end)
    {
        Divide(pass, worker, out Span<float> weights, out Span<float> bias, out _);
        int channels = pass.Dims.IC, taps = pass.Dims.KH * pass.Dims.KW, filters = pass.Dims.OC, depth = taps * channels;
        Span<float> dWeights = pass.Weights.Span;
        for (int term = 0; term < depth; term++)
        {
            (int tap, int channel) = Math.DivRem(term, channels);
            for (int filter = start; filter < end; filter++)
                dWeights[filter * depth + channel * taps + tap] += weights[term * filters + filter];
        }

        if (!pass.Bias.IsEmpty)
            Sums.Add(bias[start..end], pass.Bias.Span[start..end]);
    }

    // A worker's sums of dWeights [KH, KW, IC, OC] and dBias, and room for padded rows.
    private static void Divide(NhwcPass pass, int worker, out Span<float> weights, out Span<float> bias, out Span<float> padded)
    {
        Span<float> own = pass.Own(worker);
        int first = (int)ScratchSize.Lines(pass.Dims.WeightsCount);
        weights = own[..(int)pass.Dims.WeightsCount];
        bias = own.Slice(first, pass.Dims.OC);
        padded = own[(first + (int)ScratchSize.Lines(pass.Dims.OC))..];
    }

    // Copies the rows of a strip; returns its first pixel, counted over the batch, and how to read it.
    private static (int Pixel, PatchStrip Strip) Copy(NhwcPass pass, int index, Span<float> padded)
    {
        Conv2dDims dims = pass.Dims;
        (int image, int inImage) = Math.DivRem(index, Strips(pass));
        int most = ((FewChannelsConvolution)pass.Method).StripRows(pass.Workers);
        int oh = inImage * most, rows = Math.Min(most, dims.OH - oh), size = dims.IH * dims.IW * dims.IC, pitch = PaddedRows.Width(dims) * dims.IC;
        PaddedRows.Copy(dims, pass.X.Span.Slice(image * size, size), oh, PaddedRows.Rows(dims, rows), padded);
        var strip = new PatchStrip(rows, dims.OW, dims.StrideH * pitch, dims.StrideW * dims.IC, dims.KH, dims.KW * dims.IC, dims.DilationH * pitch);
        return ((image * dims.OH + oh) * dims.OW, strip);
    }

    private static int Strips(NhwcPass pass)
    {
        int rows = ((FewChannelsConvolution)pass.Method).StripRows(pass.Workers);
        return (pass.Dims.OH + rows - 1) / rows;
    }

    // Output rows of a strip, at most.
    private int StripRows(int workers)
    {
        long cached = StripFloats / ((long)Dims.OW * Dims.OC), even = (long)Dims.N * Dims.OH / ((long)workers * StripsPerWorker);
        return (int)Math.Clamp(Math.Min(cached, even), 1, Dims.OH);
    }

    private long PaddedLength(int workers) => (long)PaddedRows.Rows(Dims, StripRows(workers)) * PaddedRows.Width(Dims) * Dims.IC;
}
