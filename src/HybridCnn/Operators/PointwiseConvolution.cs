using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// The convolution whose lowered matrix is the image itself: 1x1, stride 1, no padding. Nothing is copied:
/// Z = K·X + b, dK = dZ·Xᵀ and dX = Kᵀ·dZ with X [IC/G, IH·IW].
/// </summary>
internal sealed class PointwiseConvolution : NchwMethod
{
    private readonly int _columns;

    public PointwiseConvolution(Conv2dDims dims, bool smallKernels, int blockFloats = BlockFloats)
        : this(dims, smallKernels, Math.Clamp(blockFloats / dims.ICPerGroup, Math.Min(64, dims.OH * dims.OW), dims.OH * dims.OW), columns: true)
    {
    }

    private PointwiseConvolution(Conv2dDims dims, bool smallKernels, int pixels, bool columns)
        : base(dims, smallKernels, 0, pixels) => _columns = pixels;

    /// <summary>Why this algorithm does not take a problem; null if it does.</summary>
    public static string? Refusal(Conv2dDims d) =>
        d.KH != 1 || d.KW != 1 ? $"the kernel is {d.KH}x{d.KW}, not 1x1"
        : d.StrideH != 1 || d.StrideW != 1 ? $"the stride is {d.StrideH}x{d.StrideW}, not 1x1"
        : (d.PadTop | d.PadLeft | d.PadBottom | d.PadRight) != 0 ? $"the padding is {d.PadTop}, {d.PadLeft}, {d.PadBottom}, {d.PadRight}, not 0"
        : null;

    public override string Describe(ConvolutionPass pass, int workers) => $"no lowering, blocks of {_columns} pixels";

    public override int ForwardBlocks(int workers) => Parts(Pixels, _columns, (long)Dims.N * Dims.Groups, workers);

    public override int BackwardDataBlocks(int workers) => ForwardBlocks(workers);

    public override int BackwardWeightsBlocks(int workers) => Parts(Pixels, _columns, Dims.N, workers);

    protected override void Forward(ConvolutionJob job, int worker, int image, int group, int block)
    {
        var (first, end) = Part(Pixels, job.Blocks, block);
        int pixels = end - first, filters = Dims.OCPerGroup;
        ReadOnlySpan<float> k = job.Weights.Span.Slice(group * filters * Depth, filters * Depth);
        ReadOnlySpan<float> x = Planes(job.X.Span, Dims.ICPerGroup, image, group)[first..];
        Span<float> z = Planes(job.Y.Span, filters, image, group)[first..];
        if (!job.Bias.IsEmpty)
            Bias.Fill(job.Bias.Span.Slice(group * filters, filters), pixels, z, Pixels);

        //             N = pixels
        //           ┌──────────┐
        //   K = IC/G│    X     │    Z [OC/G, pixels] = K [OC/G, IC/G] · X [IC/G, pixels] + b
        // ┌────────┐├──────────┤
        // │   K    ││    Z     │ M = OC/G
        // └────────┘└──────────┘
        Multiply(Transpose.No, filters, pixels, Depth, k, Depth, x, Pixels, job.Bias.IsEmpty ? 0 : 1, z, Pixels);
        Finish(job, z, pixels);
    }

    protected override void BackwardData(ConvolutionJob job, int worker, int image, int group, int block)
    {
        var (first, end) = Part(Pixels, job.Blocks, block);
        int filters = Dims.OCPerGroup;
        ReadOnlySpan<float> k = job.Weights.Span.Slice(group * filters * Depth, filters * Depth);
        ReadOnlySpan<float> dz = Planes(job.Y.Span, filters, image, group)[first..];
        Span<float> dx = Planes(job.X.Span, Dims.ICPerGroup, image, group)[first..];

        //             N = pixels
        //           ┌──────────┐
        //   K = OC/G│    dZ    │    dX [IC/G, pixels] = Kᵀ [IC/G, OC/G] · dZ [OC/G, pixels]
        // ┌────────┐├──────────┤
        // │   Kᵀ   ││    dX    │ M = IC/G
        // └────────┘└──────────┘
        Multiply(Transpose.Yes, Depth, end - first, filters, k, Depth, dz, Pixels, 0, dx, Pixels);
    }

    protected override void BackwardWeights(ConvolutionJob job, int worker, int image, int group, int block)
    {
        var (first, end) = Part(Pixels, job.Blocks, block);
        int pixels = end - first, filters = Dims.OCPerGroup;
        ReadOnlySpan<float> x = Planes(job.X.Span, Dims.ICPerGroup, image, group)[first..];
        ReadOnlySpan<float> dz = Planes(job.Y.Span, filters, image, group)[first..];
        Span<float> partial = PartialWeights(job, worker).Slice(group * filters * Depth, filters * Depth), turned = Transposed(job, worker);
        if (!job.Bias.IsEmpty)
            Bias.AddRowSums(dz, Pixels, pixels, PartialBias(job, worker).Slice(group * filters, filters));
        if (TransposesOutputGradient)
            LayoutTransform.Transpose(filters, pixels, dz, Pixels, turned, filters);
        AddWeightGradient(partial, 0, Depth, x, Pixels, pixels, dz, turned);
    }

    private Span<float> Planes(Span<float> tensor, int planes, int image, int group) =>
        tensor.Slice((image * Dims.Groups + group) * planes * Pixels, planes * Pixels);
}
