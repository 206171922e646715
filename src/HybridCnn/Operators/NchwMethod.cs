using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// An NCHW algorithm on lowered matrices, or on what can be taken for one. A pass is a number of items that workers take in
/// contiguous shares; an item is one block of one group of one image. What changes lies in the job and its workspace.
/// </summary>
internal abstract class NchwMethod : ConvolutionMethod
{
    /// <summary>Floats of lowered patches that a worker keeps in its second-level cache (256 KB) between writing and multiplying.</summary>
    protected const int BlockFloats = 64 * 1024;

    private const int Line = 16;

    // Workspace of a worker: lowered block | transposed dY block | partial sums of dWeights | of dBias.
    private readonly long _lowered, _transposed, _weights;

    /// <param name="dims">Geometry.</param>
    /// <param name="smallKernels">Whether OpenBLAS has its small-matrix kernels here, for which products are then cut.</param>
    /// <param name="lowered">Floats of the lowered matrix, at most, that are in work at a time; 0 where there is none.</param>
    /// <param name="columns">The pixels of a block of dY.</param>
    protected NchwMethod(Conv2dDims dims, bool smallKernels, long lowered, long columns)
        : base(dims)
    {
        SmallKernels = smallKernels;
        Depth = dims.ICPerGroup * dims.KH * dims.KW;
        Pixels = dims.OH * dims.OW;
        TransposesOutputGradient = smallKernels && (long)dims.OCPerGroup * Depth > GemmPieces.TransposedBLimit;
        _lowered = Lines(lowered);
        _transposed = TransposesOutputGradient ? Lines(dims.OCPerGroup * columns) : 0;
        _weights = Lines(dims.WeightsCount);
    }

    public bool SmallKernels { get; }

    /// <summary>Floats of scratch memory per worker, enough for every pass.</summary>
    private long WorkspaceFloats => _lowered + _transposed + _weights + Lines(Dims.OC);

    /// <summary>Terms of one output element: rows of the lowered matrix, columns of the filter matrix.</summary>
    protected int Depth { get; }

    /// <summary>Pixels of an output plane: columns of the lowered matrix.</summary>
    protected int Pixels { get; }

    /// <summary>
    /// Whether dWeights is summed as its transpose, from a transposed block of dY. The product that gives dWeights itself has a
    /// transposed second factor, which the small-matrix kernels don't take; of the three matrices in it, dY is the one
    /// that costs least to turn.
    /// </summary>
    protected bool TransposesOutputGradient { get; }

    /// <summary>Blocks per image and group, so that blocks fit the cache and every worker gets one.</summary>
    public abstract int ForwardBlocks(int workers);

    /// <inheritdoc cref="ForwardBlocks"/>
    public abstract int BackwardDataBlocks(int workers);

    /// <summary>Blocks per image; every block takes all groups.</summary>
    public abstract int BackwardWeightsBlocks(int workers);

    /// <inheritdoc/>
    public sealed override ScratchSize Scratch(ConvolutionPass pass, int workers) => new(0, WorkspaceFloats);

    /// <inheritdoc/>
    public sealed override unsafe void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, bool relu, Span<float> y, ComputeContext context)
    {
        fixed (float* px = x, pw = weights, pb = bias, py = y)
        {
            using ComputeContext.Claim claim = context.Enter();
            ConvolutionJob job = Begin(context, new(px, x.Length), new(pw, weights.Length), new(pb, bias.Length), new(py, y.Length));
            job.Relu = relu;
            job.Blocks = ForwardBlocks(context.Workers.WorkerCount);
            context.Workers.ForChunks(checked(Dims.N * Dims.Groups * job.Blocks), 1, job, static (job, worker, start, end) =>
            {
                int groups = job.Method.Dims.Groups;
                for (int item = start; item < end; item++)
                    job.Method.Forward(job, worker, item / job.Blocks / groups, item / job.Blocks % groups, item % job.Blocks);
            });
        }
    }

    /// <inheritdoc/>
    public sealed override unsafe void BackwardData(ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context)
    {
        fixed (float* py = dy, pw = weights, px = dx)
        {
            using ComputeContext.Claim claim = context.Enter();
            ConvolutionJob job = Begin(context, new(px, dx.Length), new(pw, weights.Length), default, new(py, dy.Length));
            job.Blocks = BackwardDataBlocks(context.Workers.WorkerCount);
            context.Workers.ForChunks(checked(Dims.N * Dims.Groups * job.Blocks), 1, job, static (job, worker, start, end) =>
            {
                int groups = job.Method.Dims.Groups;
                for (int item = start; item < end; item++)
                    job.Method.BackwardData(job, worker, item / job.Blocks / groups, item / job.Blocks % groups, item % job.Blocks);
            });
        }
    }

    /// <inheritdoc/>
    public sealed override unsafe void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context)
    {
        fixed (float* px = x, py = dy, pw = dWeights, pb = dBias)
        {
            using ComputeContext.Claim claim = context.Enter();
            ConvolutionJob job = Begin(context, new(px, x.Length), new(pw, dWeights.Length), new(pb, dBias.Length), new(py, dy.Length));
            job.Blocks = BackwardWeightsBlocks(context.Workers.WorkerCount);
            context.Workers.For(checked(Dims.N * job.Blocks), job, static (job, worker, start, end) =>
            {
                job.Took[worker] = true;
                job.Method.PartialWeights(job, worker).Clear();
                job.Method.PartialBias(job, worker).Clear();
                for (int item = start; item < end; item++)
                {
                    for (int group = 0; group < job.Method.Dims.Groups; group++)
                        job.Method.BackwardWeights(job, worker, item / job.Blocks, group, item % job.Blocks);
                }
            });

            // In worker order, so that the sum has the same bits on every run.
            for (int worker = 0; worker < job.Took.Length; worker++)
            {
                if (job.Took[worker])
                    AddPartials(job, worker);
            }
        }
    }

    /// <summary>y = K·X + b of one block. Overwrites.</summary>
    protected abstract void Forward(ConvolutionJob job, int worker, int image, int group, int block);

    /// <summary>dx = col2im(Kᵀ·dZ) of one block. Overwrites.</summary>
    protected abstract void BackwardData(ConvolutionJob job, int worker, int image, int group, int block);

    /// <summary>Adds dK = dZ·Xᵀ of one block to the worker's partial sums.</summary>
    protected abstract void BackwardWeights(ConvolutionJob job, int worker, int image, int group, int block);

    /// <summary>Where a worker keeps the block of patches it works on.</summary>
    protected Span<float> Lowered(ConvolutionJob job, int worker) => Slice(job, worker, 0, _lowered);

    /// <summary>Where a worker keeps a block of dYᵀ.</summary>
    protected Span<float> Transposed(ConvolutionJob job, int worker) => Slice(job, worker, _lowered, _transposed);

    /// <summary>A worker's sums of dWeights; of each group [OC/G, Depth], or [Depth, OC/G] if <see cref="TransposesOutputGradient"/>.</summary>
    protected Span<float> PartialWeights(ConvolutionJob job, int worker) =>
        Slice(job, worker, _lowered + _transposed, Dims.WeightsCount);

    /// <summary>A worker's sums of dBias.</summary>
    protected Span<float> PartialBias(ConvolutionJob job, int worker) =>
        Slice(job, worker, _lowered + _transposed + _weights, Dims.OC);

    /// <summary>Adds one worker's sums to dWeights and dBias.</summary>
    private void AddPartials(ConvolutionJob job, int worker)
    {
        Span<float> partial = PartialWeights(job, worker), total = job.Weights.Span;
        if (TransposesOutputGradient)
        {
            int length = Dims.OCPerGroup * Depth;
            for (int group = 0; group < Dims.Groups; group++)
                TransposedSum.Add(partial.Slice(group * length, length), Dims.OCPerGroup, Depth, Dims.OCPerGroup, total.Slice(group * length, length));
        }
        else
        {
            Sums.Add(partial, total);
        }

        if (!job.Bias.IsEmpty)
            Sums.Add(PartialBias(job, worker), job.Bias.Span);
    }

    /// <summary>Ends a block of z, rows of so many pixels, while it is in the cache.</summary>
    protected void Finish(ConvolutionJob job, Span<float> z, int pixels)
    {
        if (job.Relu)
            Elementwise.InPlace(default(ReluFunction), z, Dims.OCPerGroup, pixels, Pixels);
    }

    /// <summary>C = op(A)·B + beta·C by the way that is fast here.</summary>
    protected void Multiply(Transpose ta, int m, int n, int k, ReadOnlySpan<float> a, int lda, ReadOnlySpan<float> b, int ldb, float beta, Span<float> c, int ldc)
    {
        GemmPieces.RunWhere(SmallKernels, ta, m, n, k, a, lda, b, ldb, beta, c, ldc);
    }

    /// <summary>
    /// Adds the products of some pixels to a worker's dWeights of one group.
    /// </summary>
    /// <param name="partial">The group's sums.</param>
    /// <param name="firstRow">First row of the lowered matrix that <paramref name="lowered"/> has.</param>
    /// <param name="rows">Rows of <paramref name="lowered"/>.</param>
    /// <param name="lowered">X [rows, pixels].</param>
    /// <param name="ldx">Its row stride.</param>
    /// <param name="pixels">Columns of X and of dZ.</param>
    /// <param name="dz">dZ [OC/G, pixels], at row stride <see cref="Pixels"/>.</param>
    /// <param name="dzTransposed">dZᵀ [pixels, OC/G]; used if <see cref="TransposesOutputGradient"/>.</param>
    protected void AddWeightGradient(
        Span<float> partial, int firstRow, int rows, ReadOnlySpan<float> lowered, int ldx, int pixels, ReadOnlySpan<float> dz, ReadOnlySpan<float> dzTransposed)
    {
        int filters = Dims.OCPerGroup;
        if (TransposesOutputGradient)
        {
            //           N = OC/G
            //         ┌───────┐
            // K=pixels│  dZᵀ  │      dKᵀ [rows, OC/G] += X [rows, pixels] · dZᵀ [pixels, OC/G]
            // ┌──────┐├───────┤
            // │  X   ││  dKᵀ  │ M = rows
            // └──────┘└───────┘
            GemmPieces.Run(Transpose.No, rows, filters, pixels, lowered, ldx, dzTransposed, filters, 1, partial[(firstRow * filters)..], filters);
        }
        else
        {
            //           N = rows
            //         ┌───────┐
            // K=pixels│  Xᵀ   │      dK [OC/G, rows] += dZ [OC/G, pixels] · Xᵀ [pixels, rows]
            // ┌──────┐├───────┤
            // │  dZ  ││  dK   │ M = OC/G
            // └──────┘└───────┘
            Gemm.Run(Transpose.No, Transpose.Yes, filters, rows, pixels, 1, dz, Pixels, lowered, ldx, 1, partial[firstRow..], Depth);
        }
    }

    /// <summary>The part [Start, End) that a block has of a range.</summary>
    protected static (int Start, int End) Part(int total, int parts, int index) =>
        ((int)((long)total * index / parts), (int)((long)total * (index + 1) / parts));

    /// <summary>At least as many parts as keep a part below a maximum, and as give every worker one; at most one per element.</summary>
    protected static int Parts(int total, int maximum, long items, int workers) =>
        (int)Math.Min(total, Math.Max((total + (long)maximum - 1) / maximum, (workers + items - 1) / items));

    private ConvolutionJob Begin(ComputeContext context, PinnedSpan x, PinnedSpan weights, PinnedSpan bias, PinnedSpan y)
    {
        context.Workspace.Reserve(checked((int)WorkspaceFloats));
        var job = context.State<ConvolutionJob>();
        job.Method = this;
        job.Workspace = context.Workspace;
        (job.X, job.Weights, job.Bias, job.Y) = (x, weights, bias, y);
        job.Clear(context.Workers.WorkerCount);
        return job;
    }

    private Span<float> Slice(ConvolutionJob job, int worker, long offset, long length) =>
        job.Workspace.Slice(worker, (int)WorkspaceFloats).Slice((int)offset, (int)length);

    private static long Lines(long floats) => (floats + Line - 1) / Line * Line;
}
