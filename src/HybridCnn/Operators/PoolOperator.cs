using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Pooling of a batch of images, in the layout of its dims. Immutable, and so shareable; the arguments have been checked. Threads over planes (NCHW)
/// or rows (NHWC). Each is written by one worker: the bits don't depend on their number.
/// </summary>
/// <param name="dims">The geometry.</param>
/// <param name="scratch">Floats of scratch memory that a worker needs.</param>
internal abstract class PoolOperator(Pool2dDims dims, int scratch)
{
    /// <summary>The geometry.</summary>
    protected Pool2dDims Dims { get; } = dims;

    /// <summary>How many pieces a forward pass falls into: planes or output rows, counted over all images.</summary>
    protected virtual int ForwardItems => Dims.N * (IsNhwc ? Dims.OH : Dims.C);

    private int BackwardItems => Dims.N * (IsNhwc ? Dims.IH : Dims.C);

    private bool IsNhwc => Dims.Layout == Layout.Nhwc;

    /// <summary>y = window maxima or means of x. Overwrites y and, for maxima, their indices.</summary>
    public unsafe void Forward(ReadOnlySpan<float> x, Span<float> y, Span<int> indices, ComputeContext context)
    {
        using ComputeContext.Claim claim = context.Enter();
        fixed (float* px = x, py = y, pi = MemoryMarshal.Cast<int, float>(indices))
        {
            Job job = Prepare(new(px, x.Length), new(py, y.Length), new(pi, indices.Length), context);
            Dispatch.For(context, ForwardItems, x.Length, job, static (job, worker, start, end) =>
                job.Operator.Forward(job.Input.Span, job.Output.Span, job.Indices, job.Scratch(worker), start, end));
        }
    }

    /// <summary>dx = every dy brought back to its maximum, or spread over its window. Overwrites dx.</summary>
    public unsafe void Backward(ReadOnlySpan<float> dy, ReadOnlySpan<int> indices, Span<float> dx, ComputeContext context)
    {
        using ComputeContext.Claim claim = context.Enter();
        fixed (float* py = dy, px = dx, pi = MemoryMarshal.Cast<int, float>(indices))
        {
            Job job = Prepare(new(py, dy.Length), new(px, dx.Length), new(pi, indices.Length), context);
            Dispatch.For(context, BackwardItems, dx.Length, job, static (job, worker, start, end) =>
                job.Operator.Backward(job.Input.Span, job.Indices, job.Output.Span, job.Scratch(worker), start, end));
        }
    }

    /// <summary>Some of the <see cref="ForwardItems"/>.</summary>
    protected abstract void Forward(ReadOnlySpan<float> x, Span<float> y, Span<int> indices, Span<float> scratch, int start, int end);

    /// <summary>Planes or input rows, counted over all images.</summary>
    protected abstract void Backward(ReadOnlySpan<float> dy, ReadOnlySpan<int> indices, Span<float> dx, Span<float> scratch, int start, int end);

    private Job Prepare(PinnedSpan input, PinnedSpan output, PinnedSpan indices, ComputeContext context)
    {
        context.Workspace.Reserve(scratch);
        Job job = context.State<Job>();
        job.Fill(this, context.Workspace, scratch, input, output, indices);
        return job;
    }

    // The arguments on their way to the workers; one object per context, filled anew by each call.
    private sealed class Job
    {
        private Workspace? _workspace;
        private PinnedSpan _indices;
        private int _scratch;

        public PoolOperator Operator { get; private set; } = null!;

        public PinnedSpan Input { get; private set; }

        public PinnedSpan Output { get; private set; }

        // Integers that travel as floats, which are as long.
        public Span<int> Indices => MemoryMarshal.Cast<float, int>(_indices.Span);

        public Span<float> Scratch(int worker) => _workspace!.Slice(worker, _scratch);

        public void Fill(PoolOperator pool, Workspace workspace, int scratch, PinnedSpan input, PinnedSpan output, PinnedSpan indices) =>
            (Operator, _workspace, _scratch, Input, Output, _indices) = (pool, workspace, scratch, input, output, indices);
    }
}
