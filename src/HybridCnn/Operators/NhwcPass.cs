using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// The arguments of one convolution pass on their way to the workers. One object per context, filled anew by every pass, so
/// that a pass allocates nothing. Each span is the value or the gradient of its place, as the pass has it.
/// </summary>
internal sealed class NhwcPass
{
    public NhwcMethod Method { get; set; } = null!;

    public Conv2dDims Dims => Method.Dims;

    public ComputeContext Context { get; set; } = null!;

    public ScratchSize Scratch { get; set; }

    public PinnedSpan X { get; set; }

    public PinnedSpan Weights { get; set; }

    public PinnedSpan Bias { get; set; }

    public PinnedSpan Y { get; set; }

    /// <summary>The filters as the pass multiplies them, if they were packed before it; else empty.</summary>
    public PinnedSpan Prepared { get; set; }

    /// <summary>Where the ReLU that follows the forward pass stops; null for none.</summary>
    public float? Ceiling { get; set; }

    /// <summary>How the input channels, or the pixels, are divided.</summary>
    public NhwcSplit Split { get; set; }

    /// <summary>The pixels in work, where all workers work on the same.</summary>
    public (int First, int Count) Pixels { get; set; }

    /// <summary>The images in work, where all workers work on the same.</summary>
    public (int First, int Count) Images { get; set; }

    /// <summary>Which pass it is, where one body serves more than one.</summary>
    public ConvolutionPass Kind { get; set; }

    /// <summary>The pixels that meet; set by the pass that needs them.</summary>
    public TapPairs? Pairs { get; set; }

    /// <summary>The algorithm's way of collecting dWeights; set by that pass.</summary>
    public NhwcWeightGradient? WeightGradient { get; set; }

    public int Workers => Context.Workers.WorkerCount;

    /// <summary>The scratch memory that all workers share.</summary>
    public Span<float> Shared => Context.Workspace.Shared((int)Scratch.Shared);

    /// <summary>The filters as the forward or the data pass multiplies them.</summary>
    public Span<float> Filters => Prepared.IsEmpty ? Shared : Prepared.Span;

    /// <summary>A worker's own scratch memory.</summary>
    public Span<float> Own(int worker) => Context.Workspace.Slice(worker, (int)Scratch.PerWorker);

    /// <summary>Ends a block of y, rows of so many columns at a stride, while it is in the cache.</summary>
    public void Finish(Span<float> y, int rows, int columns, int stride)
    {
        if (Ceiling is not { } ceiling)
            return;
        if (float.IsPositiveInfinity(ceiling))
            Elementwise.InPlace(default(ReluFunction), y, rows, columns, stride);
        else
            Elementwise.InPlace(new CappedReluFunction(ceiling), y, rows, columns, stride);
    }

    /// <summary>The same for some filters of so many pixels, whose bias has not been added yet.</summary>
    public void FinishWithBias(Span<float> y, int pixels, int filter, int filters)
    {
        if (Bias.IsEmpty)
        {
            Finish(y, pixels, filters, Dims.OC);
            return;
        }

        ReadOnlySpan<float> bias = Bias.Span.Slice(filter, filters);
        if (Ceiling is not { } ceiling)
            BiasRows.Finish(default(IdentityFunction), bias, y, pixels, Dims.OC);
        else if (float.IsPositiveInfinity(ceiling))
            BiasRows.Finish(default(ReluFunction), bias, y, pixels, Dims.OC);
        else
            BiasRows.Finish(new CappedReluFunction(ceiling), bias, y, pixels, Dims.OC);
    }

    /// <summary>y = f(patches · filters + bias) for some filters, f the ReLU that follows if one does, by <see cref="PatchProducts"/>.</summary>
    public void MultiplyInRegisters(in PatchStrip patches, ReadOnlySpan<float> x, int filter, int filters, ReadOnlySpan<float> packed, Span<float> y, int stride)
    {
        ReadOnlySpan<float> bias = Bias.IsEmpty ? [] : Bias.Span.Slice(filter, filters);
        if (Ceiling is not { } ceiling)
            PatchProducts.Run(default(IdentityFunction), patches, x, filters, packed, bias, y, stride);
        else if (float.IsPositiveInfinity(ceiling))
            PatchProducts.Run(default(ReluFunction), patches, x, filters, packed, bias, y, stride);
        else
            PatchProducts.Run(new CappedReluFunction(ceiling), patches, x, filters, packed, bias, y, stride);
    }

    /// <summary>C = op(A)·B + beta·C by the kernels that are fast on this machine.</summary>
    public void Multiply(Transpose ta, int m, int n, int k, ReadOnlySpan<float> a, int lda, ReadOnlySpan<float> b, int ldb, float beta, Span<float> c, int ldc)
    {
        GemmPieces.RunWhere(Method.SmallKernels, ta, m, n, k, a, lda, b, ldb, beta, c, ldc);
    }
}
