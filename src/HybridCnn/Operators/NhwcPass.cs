using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>What one pass of an NHWC algorithm consists of, once its arguments are pinned.</summary>
internal delegate void NhwcPassBody(NhwcPass pass);

/// <summary>
/// The arguments of one convolution pass on their way to the workers. One object per context, filled anew by every pass, so
/// that a pass allocates nothing. Each span is the value or the gradient of its place, as the pass has it.
/// </summary>
internal sealed class NhwcPass
{
    private static readonly bool s_smallKernels = GemmPieces.ServedOn(Blas.Current.Core);

    private ScratchSize _scratch;

    public Conv2dDims Dims { get; private set; }

    public ComputeContext Context { get; private set; } = null!;

    public PinnedSpan X { get; private set; }

    public PinnedSpan Weights { get; private set; }

    public PinnedSpan Bias { get; private set; }

    public PinnedSpan Y { get; private set; }

    /// <summary>How the input channels, or the pixels, are divided; set by the pass.</summary>
    public NhwcSplit Split { get; set; }

    /// <summary>The algorithm's way of collecting dWeights; set by that pass.</summary>
    public NhwcWeightGradient? WeightGradient { get; set; }

    public int Workers => Context.Workers.WorkerCount;

    /// <summary>The scratch memory that all workers share.</summary>
    public Span<float> Shared => Context.Workspace.Shared((int)_scratch.Shared);

    /// <summary>Checks the lengths, claims the context, reserves the scratch memory, pins the spans and runs the body.</summary>
    /// <exception cref="ArgumentException">A span's length isn't the geometry's.</exception>
    public static unsafe void Run(
        Conv2dDims dims, ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, ReadOnlySpan<float> y,
        ComputeContext context, ScratchSize scratch, NhwcSplit split, NhwcPassBody body)
    {
        Require(x.Length, dims.XCount, dims, nameof(x));
        Require(weights.Length, dims.WeightsCount, dims, nameof(weights));
        Require(y.Length, dims.YCount, dims, nameof(y));
        if (!bias.IsEmpty)
            Require(bias.Length, dims.OC, dims, nameof(bias));
        using ComputeContext.Claim claim = context.Enter();
        context.Workspace.ReserveShared(checked((int)scratch.Shared));
        context.Workspace.Reserve(checked((int)scratch.PerWorker));

        var pass = context.State<NhwcPass>();
        fixed (float* px = x, pw = weights, pb = bias, py = y)
        {
            pass.Dims = dims;
            pass.Context = context;
            pass._scratch = scratch;
            pass.Split = split;
            pass.X = new PinnedSpan(px, x.Length);
            pass.Weights = new PinnedSpan(pw, weights.Length);
            pass.Bias = new PinnedSpan(pb, bias.Length);
            pass.Y = new PinnedSpan(py, y.Length);
            body(pass);
        }
    }

    /// <summary>A worker's own scratch memory.</summary>
    public Span<float> Own(int worker) => Context.Workspace.Slice(worker, (int)_scratch.PerWorker);

    /// <summary>C = op(A)·B + beta·C by the kernels that are fast on this machine.</summary>
    public static void Multiply(Transpose ta, int m, int n, int k, ReadOnlySpan<float> a, int lda, ReadOnlySpan<float> b, int ldb, float beta, Span<float> c, int ldc)
    {
        GemmPieces.RunWhere(s_smallKernels, ta, m, n, k, a, lda, b, ldb, beta, c, ldc);
    }

    private static void Require(int length, long expected, Conv2dDims dims, string name)
    {
        if (length != expected)
            throw new ArgumentException($"{name} has {length} elements; {dims} needs {expected}.", name);
    }
}
