using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Direct convolution for filters of few terms: depthwise with any multiplier, grouped, or a few channels; NCHW, and NHWC by way of planes;
/// any kernel, stride, padding and dilation. y[o] = b[o] + Σ over channels c and taps t of x[c] shifted by t, times w[o, c, t],
/// over whole planes at once (<see cref="PhasePlanes"/>), vectors over the columns.
/// Each plane is written once by one worker, and a worker owns the groups of its dWeights: the bits don't depend on the
/// number of workers. Source of the phases: polyphase filters (Bellanger, Bonnerot, Coudreuse, 1976).
/// </summary>
internal sealed class DirectConvolution(Conv2dDims dims) : NhwcMethod(dims, smallKernels: false)
{
    // The terms' distances live on the stack; with more, a product of matrices is faster anyway.
    private const int MostTerms = 512;

    // Operations for which a worker isn't worth waking.
    private const long SmallPass = 1024 * 1024;

    // In NHWC so many channels are taken apart together, which is what a cache line holds.
    private const int ChannelsTogether = 16;

    /// <summary>Why this algorithm doesn't take a problem; null if it does.</summary>
    public static string? Refusal(Conv2dDims dims)
    {
        long terms = (long)dims.KH * dims.KW * Math.Max(dims.ICPerGroup, dims.OCPerGroup);
        return terms > MostTerms ? $"filters have {terms} terms, more than {MostTerms}" : null;
    }

    /// <inheritdoc/>
    public override string Describe(ConvolutionPass pass, int workers) => "shifted planes";

    /// <inheritdoc/>
    public override ScratchSize Scratch(ConvolutionPass pass, int workers)
    {
        var planes = new PhasePlanes(Dims);
        return pass == ConvolutionPass.BackwardData
            ? new(Dims.WeightsCount, (long)(Dims.OCPerGroup + 1) * planes.PlaneLength)
            : new(0, InputFloats(Dims, planes) + (long)(pass == ConvolutionPass.Forward ? Together(Dims) : 1) * planes.PlaneLength);
    }

    /// <summary>y = x * weights [OC, IC/G, KH, KW] + bias [OC] (or empty), in the layout of the dims. Overwrites y.</summary>
    protected override void Forward(NhwcPass pass)
    {
        pass.Context.Workers.ForChunks(pass.Dims.N * Blocks(pass.Dims) * FilterParts(pass), 1, pass, static (pass, worker, start, end) =>
        {
            var planes = new PhasePlanes(pass.Dims);
            Span<int> distances = stackalloc int[Terms(pass.Dims)];
            Distances(pass.Dims, planes, distances);
            for (int item = start; item < end; item++)
            {
                (int block, int part) = Math.DivRem(item, FilterParts(pass));
                ForwardBlock(pass, planes, distances, pass.Own(worker), block / Blocks(pass.Dims), block % Blocks(pass.Dims), part);
            }
        });
    }

    /// <inheritdoc/>
    protected override bool PacksFilters => false;

    /// <inheritdoc/>
    protected override void PackForward(NhwcPass pass)
    {
    }

    /// <inheritdoc/>
    protected override void PackBackward(NhwcPass pass)
    {
    }

    /// <inheritdoc/>
    protected override void BackwardData(NhwcPass pass)
    {
        pass.Context.Workers.ForChunks(pass.Dims.N * pass.Dims.Groups, 1, pass, static (pass, worker, start, end) =>
        {
            for (int item = start; item < end; item++)
                BackwardDataGroup(pass, pass.Own(worker), item / pass.Dims.Groups, item % pass.Dims.Groups);
        });
    }

    /// <summary>Adds the gradients of one pass to dWeights [OC, IC/G, KH, KW] and dBias [OC] (or empty).</summary>
    public override void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context) =>
        Run(ConvolutionPass.BackwardWeights, x, dWeights, dBias, dy, context, default, static pass =>
            pass.Context.Workers.For(Blocks(pass.Dims), pass, static (pass, worker, start, end) =>
            {
                var planes = new PhasePlanes(pass.Dims);
                Span<int> distances = stackalloc int[Terms(pass.Dims)];
                Distances(pass.Dims, planes, distances);
                for (int block = start; block < end; block++)
                {
                    for (int image = 0; image < pass.Dims.N; image++)
                        CollectBlock(pass, planes, distances, pass.Own(worker), image, block);
                }
            }));

    private static int GroupsTogether(in Conv2dDims dims) => dims.Layout == Layout.Nchw ? 1
        : Math.Clamp(ChannelsTogether / Math.Min(dims.ICPerGroup, dims.OCPerGroup), 1, dims.Groups);

    private static int Blocks(in Conv2dDims dims) => (dims.Groups + GroupsTogether(dims) - 1) / GroupsTogether(dims);

    private static int Together(in Conv2dDims dims) => Math.Min(ShiftedSums.Together, dims.OCPerGroup);

    private static int Sixes(in Conv2dDims dims) => (dims.OCPerGroup + ShiftedSums.Together - 1) / ShiftedSums.Together;

    // Where there are fewer images and groups than workers, each takes some of the filters.
    private static int FilterParts(NhwcPass pass) => pass.Dims.Flops < SmallPass
        ? 1
        : Math.Clamp((pass.Workers + pass.Dims.N * Blocks(pass.Dims) - 1) / (pass.Dims.N * Blocks(pass.Dims)), 1, Sixes(pass.Dims));

    // The filters of each group that a part has, in sixes as for one part.
    private static (int First, int End) Filters(NhwcPass pass, int part)
    {
        int sixes = Sixes(pass.Dims), parts = FilterParts(pass);
        return (sixes * part / parts * ShiftedSums.Together, Math.Min(sixes * (part + 1) / parts * ShiftedSums.Together, pass.Dims.OCPerGroup));
    }

    private static long InputFloats(in Conv2dDims dims, in PhasePlanes planes) =>
        (long)GroupsTogether(dims) * dims.ICPerGroup * planes.Phases * planes.PlaneLength;

    private static Span<float> Image(Span<float> all, int image, int images) => all.Slice(all.Length / images * image, all.Length / images);

    private static int Terms(in Conv2dDims dims) => dims.ICPerGroup * dims.KH * dims.KW;

    // Distances of all terms (channel, kernel row, kernel column) of a filter, in the order of its weights.
    private static void Distances(in Conv2dDims dims, in PhasePlanes planes, Span<int> distances)
    {
        int term = 0;
        for (int channel = 0; channel < dims.ICPerGroup; channel++)
        {
            for (int tap = 0; tap < dims.KH * dims.KW; tap++)
            {
                (int phase, int distance) = planes[tap / dims.KW, tap % dims.KW];
                distances[term++] = (channel * planes.Phases + phase) * planes.PlaneLength + distance;
            }
        }
    }

    private static void ForwardBlock(NhwcPass pass, in PhasePlanes planes, ReadOnlySpan<int> distances, Span<float> scratch, int image, int block, int part)
    {
        Conv2dDims dims = pass.Dims;
        Span<float> input = scratch[..(int)InputFloats(dims, planes)], output = scratch.Slice(input.Length, Together(dims) * planes.PlaneLength);
        int first = block * GroupsTogether(dims), groups = Math.Min(GroupsTogether(dims), dims.Groups - first);
        int terms = distances.Length, groupFloats = dims.ICPerGroup * planes.Phases * planes.PlaneLength;
        planes.Split(Image(pass.X.Span, image, dims.N), first * dims.ICPerGroup, groups * dims.ICPerGroup, input);
        for (int group = 0; group < groups; group++)
        {
            (int filter, int end) = Filters(pass, part);
            for (int count; filter < end; filter += count)
            {
                count = Math.Min(ShiftedSums.Together, end - filter);
                int oc = (first + group) * dims.OCPerGroup + filter;
                ShiftedSums.Run(
                    input[(group * groupFloats)..], distances, pass.Weights.Span.Slice(oc * terms, count * terms), pass.Bias.IsEmpty ? [] : pass.Bias.Span.Slice(oc, count),
                    output, planes.PlaneLength, planes.UsedLength);
                pass.Finish(output, count, planes.UsedLength, planes.PlaneLength);
                for (int i = 0; i < count; i++)
                    planes.CollectOutput(output.Slice(i * planes.PlaneLength, planes.PlaneLength), oc + i, Image(pass.Y.Span, image, dims.N));
            }
        }
    }

    // plane of dx[j] = Σ over filters o and taps t of that phase of dy[o][j − distance t] · w[o, c, t]: dy's planes begin with zeros.
    private static void BackwardDataGroup(NhwcPass pass, Span<float> scratch, int image, int group)
    {
        Conv2dDims dims = pass.Dims;
        var planes = new PhasePlanes(dims);
        Span<float> result = scratch[..planes.InputLength], gradients = scratch[planes.PlaneLength..];
        int taps = dims.KH * dims.KW;
        Span<int> distances = stackalloc int[MostTerms];
        Span<float> weights = stackalloc float[MostTerms];
        Span<float> dx = Image(pass.X.Span, image, dims.N), dy = Image(pass.Y.Span, image, dims.N);
        for (int filter = 0; filter < dims.OCPerGroup; filter++)
            planes.SpreadOutput(dy, group * dims.OCPerGroup + filter, gradients[(filter * planes.PlaneLength)..]);
        for (int channel = 0; channel < dims.ICPerGroup; channel++)
        {
            int ic = group * dims.ICPerGroup + channel;
            ClearBeyond(dims, planes, ic, dx);
            for (int phase = 0; phase < planes.Phases; phase++)
            {
                int terms = 0;
                for (int term = 0; term < dims.OCPerGroup * taps; term++)
                {
                    (int filter, int tap) = Math.DivRem(term, taps);
                    (int tapPhase, int distance) = planes[tap / dims.KW, tap % dims.KW];
                    if (tapPhase != phase)
                        continue;
                    distances[terms] = filter * planes.PlaneLength + planes.Reach - distance;
                    weights[terms++] = pass.Weights.Span[((group * dims.OCPerGroup + filter) * dims.ICPerGroup + channel) * taps + tap];
                }

                ShiftedSums.Run(gradients, distances[..terms], weights[..terms], 0, result);
                planes.Join(result, phase, ic, dx);
            }
        }
    }

    private static void CollectBlock(NhwcPass pass, in PhasePlanes planes, ReadOnlySpan<int> distances, Span<float> scratch, int image, int block)
    {
        Conv2dDims dims = pass.Dims;
        Span<float> input = scratch[..(int)InputFloats(dims, planes)], gradient = scratch.Slice(input.Length, planes.PlaneLength);
        int first = block * GroupsTogether(dims), groups = Math.Min(GroupsTogether(dims), dims.Groups - first);
        int terms = distances.Length, groupFloats = dims.ICPerGroup * planes.Phases * planes.PlaneLength;
        planes.Split(Image(pass.X.Span, image, dims.N), first * dims.ICPerGroup, groups * dims.ICPerGroup, input);
        for (int filter = 0; filter < groups * dims.OCPerGroup; filter++)
        {
            int oc = first * dims.OCPerGroup + filter;
            planes.SpreadOutput(Image(pass.Y.Span, image, dims.N), oc, gradient);
            ReadOnlySpan<float> dy = gradient.Slice(planes.Reach, planes.OutputLength);
            ShiftedSums.AddProducts(
                input[(filter / dims.OCPerGroup * groupFloats)..], distances, dy, pass.Weights.Span.Slice(oc * terms, terms));
            if (!pass.Bias.IsEmpty)
                Bias.AddRowSums(dy, 0, dy.Length, pass.Bias.Span.Slice(oc, 1));
        }
    }

    // dx that lies in no phase plane: rows and columns that no window reaches.
    private static void ClearBeyond(in Conv2dDims dims, in PhasePlanes planes, int channel, Span<float> dx)
    {
        long rows = (long)planes.Rows * dims.StrideH - dims.PadTop, columns = (long)planes.Pitch * dims.StrideW - dims.PadLeft;
        for (int ih = 0; ih < dims.IH; ih++)
        {
            for (int iw = ih < rows ? (int)Math.Clamp(columns, 0, dims.IW) : 0; iw < dims.IW; iw++)
                dx[dims.Layout == Layout.Nhwc ? (ih * dims.IW + iw) * dims.IC + channel : (channel * dims.IH + ih) * dims.IW + iw] = 0;
        }
    }
}
