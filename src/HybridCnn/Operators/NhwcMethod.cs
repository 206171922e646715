using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>What one pass consists of, once its arguments are pinned.</summary>
internal delegate void NhwcPassBody(NhwcPass pass);

/// <summary>
/// An algorithm that reads the images in the order they lie in, or by planes of its own. What changes lies in the
/// <see cref="NhwcPass"/> and its scratch memory.
/// </summary>
/// <param name="dims">Geometry.</param>
/// <param name="smallKernels">Whether OpenBLAS has its small-matrix kernels here, for which products are then cut.</param>
internal abstract class NhwcMethod(Conv2dDims dims, bool smallKernels) : ConvolutionMethod(dims)
{
    public bool SmallKernels { get; } = smallKernels;

    /// <summary>Whether the forward and the data pass pack the filters into the shared scratch memory before they multiply them.</summary>
    protected virtual bool PacksFilters => true;

    /// <inheritdoc/>
    public sealed override long PreparedFloats(ConvolutionPass pass) => PacksFilters ? Dims.WeightsCount : 0;

    /// <inheritdoc/>
    public sealed override bool TakesCeiling => true;

    /// <inheritdoc/>
    public sealed override void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, bool relu, Span<float> y, ComputeContext context) =>
        Run(ConvolutionPass.Forward, x, weights, bias, y, context, default, static pass =>
        {
            pass.Method.PackForward(pass);
            pass.Method.Forward(pass);
        }, relu ? float.PositiveInfinity : null);

    /// <summary>dx = the transpose of the forward pass, applied to dy. Overwrites dx.</summary>
    public sealed override void BackwardData(ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context) =>
        Run(ConvolutionPass.BackwardData, dx, weights, [], dy, context, DataSplit(context.Workers.WorkerCount), static pass =>
        {
            pass.Method.PackBackward(pass);
            pass.Method.BackwardData(pass);
        });

    /// <inheritdoc/>
    public sealed override unsafe void Prepare(ConvolutionPass kind, ReadOnlySpan<float> weights, Span<float> prepared, ComputeContext context)
    {
        Require(weights.Length, Dims.WeightsCount, nameof(weights));
        Require(prepared.Length, PreparedFloats(kind), nameof(prepared));
        using ComputeContext.Claim claim = context.Enter();
        var pass = context.State<NhwcPass>();
        fixed (float* pw = weights, pp = prepared)
        {
            pass.Method = this;
            pass.Context = context;
            pass.Weights = new PinnedSpan(pw, weights.Length);
            pass.Prepared = new PinnedSpan(pp, prepared.Length);
            pass.Split = DataSplit(context.Workers.WorkerCount);
            if (kind == ConvolutionPass.Forward)
                PackForward(pass);
            else
                PackBackward(pass);
        }
    }

    /// <inheritdoc/>
    public sealed override void ForwardPrepared(
        ReadOnlySpan<float> x, ReadOnlySpan<float> prepared, ReadOnlySpan<float> bias, float? ceiling, Span<float> y, ComputeContext context) =>
        Run(
            ConvolutionPass.Forward, x, prepared, bias, y, context, default, static pass => pass.Method.Forward(pass), ceiling, isPrepared: PacksFilters);

    /// <inheritdoc/>
    public sealed override void BackwardDataPrepared(ReadOnlySpan<float> dy, ReadOnlySpan<float> prepared, Span<float> dx, ComputeContext context) =>
        Run(
            ConvolutionPass.BackwardData, dx, prepared, [], dy, context, DataSplit(context.Workers.WorkerCount), static pass => pass.Method.BackwardData(pass),
            isPrepared: PacksFilters);

    /// <summary>Packs the filters of a forward pass into <see cref="NhwcPass.Filters"/>.</summary>
    protected virtual void PackForward(NhwcPass pass) => FilterPanels.PackForward(pass);

    /// <summary>The forward pass, with packed filters.</summary>
    protected abstract void Forward(NhwcPass pass);

    /// <summary>How the data pass divides the input channels, which its packed filters follow.</summary>
    protected virtual NhwcSplit DataSplit(int workers) => new(Dims.ICPerGroup, 1);

    /// <summary>Packs the filters of a data pass into <see cref="NhwcPass.Filters"/>.</summary>
    protected abstract void PackBackward(NhwcPass pass);

    /// <summary>The data pass, with packed filters: dX in x's place, dY in y's.</summary>
    protected abstract void BackwardData(NhwcPass pass);

    /// <summary>Checks the lengths, claims the context, reserves the scratch memory, pins the spans and runs the body.</summary>
    /// <exception cref="ArgumentException">A span's length isn't the geometry's.</exception>
    protected unsafe void Run(
        ConvolutionPass kind, ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, ReadOnlySpan<float> y,
        ComputeContext context, NhwcSplit split, NhwcPassBody body, float? ceiling = null, bool isPrepared = false)
    {
        Require(x.Length, Dims.XCount, nameof(x));
        Require(weights.Length, Dims.WeightsCount, nameof(weights));
        Require(y.Length, Dims.YCount, nameof(y));
        if (!bias.IsEmpty)
            Require(bias.Length, Dims.OC, nameof(bias));
        using ComputeContext.Claim claim = context.Enter();
        ScratchSize scratch = Scratch(kind, context.Workers.WorkerCount);
        context.Workspace.ReserveShared(checked((int)scratch.Shared));
        context.Workspace.Reserve(checked((int)scratch.PerWorker));

        var pass = context.State<NhwcPass>();
        fixed (float* px = x, pw = weights, pb = bias, py = y)
        {
            pass.Method = this;
            pass.Context = context;
            pass.Scratch = scratch;
            pass.Split = split;
            pass.Ceiling = ceiling;
            pass.Prepared = isPrepared ? new PinnedSpan(pw, weights.Length) : default;
            pass.X = new PinnedSpan(px, x.Length);
            pass.Weights = new PinnedSpan(pw, weights.Length);
            pass.Bias = new PinnedSpan(pb, bias.Length);
            pass.Y = new PinnedSpan(py, y.Length);
            body(pass);
        }
    }

    private void Require(int length, long expected, string name)
    {
        if (length != expected)
            throw new ArgumentException($"{name} has {length} elements; {Dims} needs {expected}.", name);
    }
}
