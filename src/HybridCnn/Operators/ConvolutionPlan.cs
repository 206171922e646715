using System.Text;
using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// A convolution of one geometry: decides at construction how to compute it, then runs any number of times without
/// allocating. Immutable, and so shareable between threads that have a <see cref="ComputeContext"/> each: all that changes
/// is the context's workspace. NCHW, cross-correlation as in PyTorch: y[n, o, p, q] = b[o] + Σ x[n, c, p·sh + i·dh − pt, q·sw + j·dw − pl] · w[o, c, i, j].
/// Reruns give the same bits for the same number of threads.
/// </summary>
public sealed class ConvolutionPlan
{
    private readonly ConvolutionMethod _method;
    private readonly string _refusals;

    /// <summary>Chooses an algorithm.</summary>
    /// <param name="dims">The geometry.</param>
    /// <param name="algorithm">Forces one; <see cref="ConvolutionAlgorithm.Automatic"/> takes the first that serves.</param>
    /// <exception cref="ArgumentException">
    /// The dims are <c>default</c>, an array would not fit one buffer, or the forced algorithm does not take the problem; the message gives its reason.
    /// </exception>
    /// <exception cref="NotSupportedException">The layout is not NCHW.</exception>
    public ConvolutionPlan(Conv2dDims dims, ConvolutionAlgorithm algorithm = ConvolutionAlgorithm.Automatic)
        : this(dims, algorithm, GemmPieces.ServedOn(Blas.Current.Core))
    {
    }

    internal ConvolutionPlan(Conv2dDims dims, ConvolutionAlgorithm algorithm, bool smallKernels)
    {
        CheckSizes(dims);
        Dims = dims;
        string? pointwiseRefusal = PointwiseConvolution.Refusal(dims);
        Algorithm = algorithm switch
        {
            ConvolutionAlgorithm.Automatic => pointwiseRefusal is null ? ConvolutionAlgorithm.Pointwise : ConvolutionAlgorithm.Im2Col,
            ConvolutionAlgorithm.Pointwise when pointwiseRefusal is not null =>
                throw new ArgumentException($"Pointwise does not take {dims}: {pointwiseRefusal}.", nameof(algorithm)),
            ConvolutionAlgorithm.Pointwise or ConvolutionAlgorithm.Im2Col => algorithm,
            _ => throw new ArgumentException($"Expected an algorithm by name; got {algorithm}.", nameof(algorithm)),
        };
        _refusals = algorithm != ConvolutionAlgorithm.Automatic ? $"  {algorithm} was asked for{Environment.NewLine}"
            : pointwiseRefusal is not null ? $"  Pointwise refused: {pointwiseRefusal}{Environment.NewLine}"
            : "";
        _method = Algorithm == ConvolutionAlgorithm.Pointwise
            ? new PointwiseConvolution(dims, smallKernels)
            : new Im2ColConvolution(dims, smallKernels);
        if (_method.WorkspaceFloats > Array.MaxLength)
            throw new ArgumentException($"{dims} needs a workspace of {_method.WorkspaceFloats} floats, more than the {Array.MaxLength} that one buffer can hold.", nameof(dims));
    }

    /// <summary>The geometry.</summary>
    public Conv2dDims Dims { get; }

    /// <summary>What was chosen.</summary>
    public ConvolutionAlgorithm Algorithm { get; }

    /// <summary>Scratch memory that a run takes from its context, per thread.</summary>
    public long WorkspaceBytesPerThread => _method.WorkspaceFloats * sizeof(float);

    /// <summary>The problem, which algorithms were looked at, why each was refused, what was chosen, and its workspace.</summary>
    public string Explain() => new StringBuilder()
        .AppendLine($"{Dims}: {Dims.Flops / 1e6:0.###} MFLOP a pass")
        .Append(_refusals)
        .AppendLine($"  {Algorithm} chosen: {_method.Describe()}")
        .AppendLine(_method.SmallKernels
            ? "  products cut to M·N·K ≤ 10⁶ for OpenBLAS's small-matrix kernels"
            : "  products in one piece: no small-matrix kernels here")
        .Append($"  workspace {WorkspaceBytesPerThread / 1024.0:0.#} KiB per thread")
        .ToString();

    /// <summary>Computes y from x. Overwrites y.</summary>
    /// <param name="x">x [N, IC, IH, IW].</param>
    /// <param name="weights">w [OC, IC/Groups, KH, KW].</param>
    /// <param name="bias">b [OC], or empty for none.</param>
    /// <param name="y">y [N, OC, OH, OW].</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public unsafe void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, Span<float> y, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(x.Length, nameof(x), Dims.XCount, "N, IC, IH, IW");
        CheckLength(weights.Length, nameof(weights), Dims.WeightsCount, "OC, IC/Groups, KH, KW");
        if (!bias.IsEmpty)
            CheckLength(bias.Length, nameof(bias), Dims.OC, "OC");
        CheckLength(y.Length, nameof(y), Dims.YCount, "N, OC, OH, OW");
        fixed (float* px = x, pw = weights, pb = bias, py = y)
        {
            using ComputeContext.Claim claim = context.Enter();
            ConvolutionJob job = Begin(context, new(px, x.Length), new(pw, weights.Length), new(pb, bias.Length), new(py, y.Length));
            job.Blocks = _method.ForwardBlocks(context.Workers.WorkerCount);
            context.Workers.For(checked(Dims.N * Dims.Groups * job.Blocks), job, static (job, worker, start, end) =>
            {
                int groups = job.Method.Dims.Groups;
                for (int item = start; item < end; item++)
                    job.Method.Forward(job, worker, item / job.Blocks / groups, item / job.Blocks % groups, item % job.Blocks);
            });
        }
    }

    /// <summary>Computes dx, the gradient of the loss by x, from dy. Overwrites dx.</summary>
    /// <param name="dy">dy [N, OC, OH, OW].</param>
    /// <param name="weights">w [OC, IC/Groups, KH, KW].</param>
    /// <param name="dx">dx [N, IC, IH, IW].</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public unsafe void BackwardData(ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(dy.Length, nameof(dy), Dims.YCount, "N, OC, OH, OW");
        CheckLength(weights.Length, nameof(weights), Dims.WeightsCount, "OC, IC/Groups, KH, KW");
        CheckLength(dx.Length, nameof(dx), Dims.XCount, "N, IC, IH, IW");
        fixed (float* py = dy, pw = weights, px = dx)
        {
            using ComputeContext.Claim claim = context.Enter();
            ConvolutionJob job = Begin(context, new(px, dx.Length), new(pw, weights.Length), default, new(py, dy.Length));
            job.Blocks = _method.BackwardDataBlocks(context.Workers.WorkerCount);
            context.Workers.For(checked(Dims.N * Dims.Groups * job.Blocks), job, static (job, worker, start, end) =>
            {
                int groups = job.Method.Dims.Groups;
                for (int item = start; item < end; item++)
                    job.Method.BackwardData(job, worker, item / job.Blocks / groups, item / job.Blocks % groups, item % job.Blocks);
            });
        }
    }

    /// <summary>Adds the gradients of the loss by weights and bias, from x and dy, to dWeights and dBias.</summary>
    /// <param name="x">x [N, IC, IH, IW].</param>
    /// <param name="dy">dy [N, OC, OH, OW].</param>
    /// <param name="dWeights">dw [OC, IC/Groups, KH, KW], added to.</param>
    /// <param name="dBias">db [OC], added to; or empty for none.</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public unsafe void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(x.Length, nameof(x), Dims.XCount, "N, IC, IH, IW");
        CheckLength(dy.Length, nameof(dy), Dims.YCount, "N, OC, OH, OW");
        CheckLength(dWeights.Length, nameof(dWeights), Dims.WeightsCount, "OC, IC/Groups, KH, KW");
        if (!dBias.IsEmpty)
            CheckLength(dBias.Length, nameof(dBias), Dims.OC, "OC");
        fixed (float* px = x, py = dy, pw = dWeights, pb = dBias)
        {
            using ComputeContext.Claim claim = context.Enter();
            ConvolutionJob job = Begin(context, new(px, x.Length), new(pw, dWeights.Length), new(pb, dBias.Length), new(py, dy.Length));
            job.Blocks = _method.BackwardWeightsBlocks(context.Workers.WorkerCount);
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
                    _method.AddPartials(job, worker);
            }
        }
    }

    private static void CheckSizes(Conv2dDims dims)
    {
        if (dims.N == 0)
            throw new ArgumentException("The dims are empty; make them by Conv2dDims.Create or Parse.", nameof(dims));
        if (dims.Layout != Layout.Nchw)
            throw new NotSupportedException($"Convolution takes Layout.Nchw; got Layout.{dims.Layout} in {dims}.");
        long largest = Math.Max(Math.Max(dims.XCount, dims.YCount), dims.WeightsCount);
        if (largest > Array.MaxLength)
            throw new ArgumentException($"{dims} has an array of {largest} elements, more than the {Array.MaxLength} that one buffer can hold.", nameof(dims));
    }

    private void CheckLength(int given, string name, long expected, string extents)
    {
        if (given != expected)
            throw new ArgumentException($"{name} must be [{extents}] of {Dims}, {expected} elements; got {given}.", name);
    }

    private ConvolutionJob Begin(ComputeContext context, PinnedSpan x, PinnedSpan weights, PinnedSpan bias, PinnedSpan y)
    {
        context.Workspace.Reserve((int)_method.WorkspaceFloats);
        var job = context.State<ConvolutionJob>();
        job.Method = _method;
        job.Workspace = context.Workspace;
        (job.X, job.Weights, job.Bias, job.Y) = (x, weights, bias, y);
        job.Clear(context.Workers.WorkerCount);
        return job;
    }
}
