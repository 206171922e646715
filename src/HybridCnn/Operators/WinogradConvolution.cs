using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// 3x3 convolution at stride 1 by Winograd's minimal filtering, NHWC (Lavin and Gray, "Fast Algorithms for Convolutional
/// Neural Networks", 2015). The images are cut into tiles of m x m outputs; in the transformed domain a convolution is a
/// product of small matrices for each of (m+2)² places, 36 instead of 144 multiplications per channel for m = 4, 16 instead of 36 for m = 2.
/// <code>
/// x ── Bᵀ d B ──► V [36][tiles, IC] ─┐
///                                    ├─► P [36][tiles, OC] ── Aᵀ p A + bias, ReLU ──► y
/// w ── G g Gᵀ ──► U [36][IC, OC] ────┘
/// </code>
/// The errors are those that <see cref="ConvolutionAlgorithm"/> states. Immutable; reruns give the same bits for the same number
/// of threads.
/// </summary>
internal sealed class WinogradConvolution : ConvolutionMethod
{
    /// <summary>64 MB.</summary>
    public const long DefaultWorkspaceLimit = 64 * 1024 * 1024;

    private readonly int _tile;
    private readonly bool _smallKernels;
    private readonly long _limit;

    /// <summary>Prepares a geometry.</summary>
    /// <param name="dims">3x3, stride 1, one group, NHWC; any padding, sizes and channels.</param>
    /// <param name="tile">m: 4 is faster, 2 more precise.</param>
    /// <param name="workspaceLimit">
    /// Bytes of scratch memory, of all workers together, that blocks are cut to; exceeded only where not even the smallest
    /// blocks keep it (<see cref="Scratch"/> tells).
    /// </param>
    /// <exception cref="ArgumentException">The tile is neither, or the dims are refused; the message gives the reason.</exception>
    public WinogradConvolution(Conv2dDims dims, int tile, long workspaceLimit = DefaultWorkspaceLimit)
        : this(dims, tile, workspaceLimit, GemmPieces.ServedOn(Blas.Current.Core))
    {
    }

    internal WinogradConvolution(Conv2dDims dims, int tile, long workspaceLimit, bool smallKernels)
        : base(dims)
    {
        if (tile is not (2 or 4))
            throw new ArgumentException($"tile must be 2 or 4; got {tile}.", nameof(tile));
        if (Refusal(dims) is { } reason)
            throw new ArgumentException($"Winograd does not take {dims}: {reason}.", nameof(dims));
        _tile = tile;
        _smallKernels = smallKernels;
        _limit = workspaceLimit / sizeof(float);
    }

    private int Products => (_tile + 2) * (_tile + 2);

    /// <summary>Why Winograd does not take a problem; null if it does.</summary>
    public static string? Refusal(Conv2dDims dims) =>
        dims.Layout != Layout.Nhwc ? $"the layout is {dims.Layout}, not Nhwc"
        : dims.KH != 3 || dims.KW != 3 ? $"the kernel is {dims.KH}x{dims.KW}, not 3x3"
        : dims.StrideH != 1 || dims.StrideW != 1 ? $"the stride is {dims.StrideH}x{dims.StrideW}, not 1x1"
        : dims.DilationH != 1 || dims.DilationW != 1 ? $"the dilation is {dims.DilationH}x{dims.DilationW}, not 1x1"
        : dims.Groups != 1 ? $"there are {dims.Groups} groups, not 1"
        : Math.Max(Math.Max(dims.XCount, dims.YCount), dims.WeightsCount) > Array.MaxLength ? "an array is longer than one buffer can hold"
        : null;

    /// <inheritdoc/>
    public override string Describe(ConvolutionPass pass, int workers) =>
        Blocking(pass, workers) is { WeightStationary: true } ? "weights in cache, all tiles at once" : $"blocks of {Blocking(pass, workers).Tiles} tiles";

    /// <inheritdoc/>
    public override ScratchSize Scratch(ConvolutionPass pass, int workers)
    {
        WinogradBlocking blocking = Blocking(pass, workers);
        return new(blocking.SharedFloats, blocking.WorkerFloats);
    }

    /// <summary>y = x * w + b, or max(0, x * w + b) where <paramref name="relu"/> is set. Overwrites y.</summary>
    /// <param name="x">x, [N, IH, IW, IC] in memory.</param>
    /// <param name="weights">w [OC, IC, 3, 3].</param>
    /// <param name="bias">b [OC], or empty.</param>
    /// <param name="relu">Whether to replace negative results by 0.</param>
    /// <param name="y">y, [N, OH, OW, OC] in memory.</param>
    /// <param name="context">Threads and scratch memory.</param>
    public override unsafe void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, bool relu, Span<float> y, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(x.Length, nameof(x), Dims.XCount);
        CheckLength(weights.Length, nameof(weights), Dims.WeightsCount);
        if (!bias.IsEmpty)
            CheckLength(bias.Length, nameof(bias), Dims.OC);
        CheckLength(y.Length, nameof(y), Dims.YCount);
        fixed (float* px = x, pw = weights, pb = bias, py = y)
        {
            using ComputeContext.Claim claim = context.Enter();
            Convolve(
                WinogradRoles.Forward(Dims), new(px, x.Length), new(pw, weights.Length), new(pb, bias.Length), relu, new(py, y.Length), context);
        }
    }

    /// <inheritdoc/>
    public override long PreparedFloats(ConvolutionPass pass)
    {
        WinogradRoles roles = Roles(pass);
        return (long)Products * WinogradBlocking.Panels(roles.OutputChannels) * WinogradBlocking.PreparedStride(roles.InputChannels);
    }

    /// <inheritdoc/>
    public override unsafe void Prepare(ConvolutionPass pass, ReadOnlySpan<float> weights, Span<float> prepared, ComputeContext context)
    {
        CheckLength(weights.Length, nameof(weights), Dims.WeightsCount);
        CheckLength(prepared.Length, nameof(prepared), PreparedFloats(pass));
        fixed (float* pw = weights, pp = prepared)
        {
            using ComputeContext.Claim claim = context.Enter();
            WinogradRoles roles = Roles(pass);
            WinogradBlocking blocking = WinogradBlocking.TileBlocked(roles, Products, 1, 1, 0, _limit);
            WinogradJob job = Begin(roles, blocking, default, new(pw, weights.Length), default, default, context);
            job.Prepared = new(pp, prepared.Length);
            if (_tile == 4)
                WinogradTileBlocked<WinogradF4>.Prepare(job, context.Workers);
            else
                WinogradTileBlocked<WinogradF2>.Prepare(job, context.Workers);
        }
    }

    /// <inheritdoc/>
    public override void ForwardPrepared(
        ReadOnlySpan<float> x, ReadOnlySpan<float> prepared, ReadOnlySpan<float> bias, float? ceiling, Span<float> y, ComputeContext context)
    {
        CheckLength(x.Length, nameof(x), Dims.XCount);
        CheckLength(prepared.Length, nameof(prepared), PreparedFloats(ConvolutionPass.Forward));
        CheckLength(y.Length, nameof(y), Dims.YCount);
        ConvolvePrepared(WinogradRoles.Forward(Dims), x, prepared, bias, ceiling is not null, y, context);
    }

    /// <summary>dx, the gradient by x. Overwrites dx.</summary>
    /// <param name="dy">dy, [N, OH, OW, OC] in memory.</param>
    /// <param name="weights">w [OC, IC, 3, 3].</param>
    /// <param name="dx">dx, [N, IH, IW, IC] in memory.</param>
    /// <param name="context">Threads and scratch memory.</param>
    public override unsafe void BackwardData(ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(dy.Length, nameof(dy), Dims.YCount);
        CheckLength(weights.Length, nameof(weights), Dims.WeightsCount);
        CheckLength(dx.Length, nameof(dx), Dims.XCount);
        fixed (float* py = dy, pw = weights, px = dx)
        {
            using ComputeContext.Claim claim = context.Enter();
            Convolve(
                WinogradRoles.BackwardData(Dims), new(py, dy.Length), new(pw, weights.Length), default, relu: false, new(px, dx.Length), context);
        }
    }

    /// <inheritdoc/>
    public override void BackwardDataPrepared(ReadOnlySpan<float> dy, ReadOnlySpan<float> prepared, Span<float> dx, ComputeContext context)
    {
        CheckLength(dy.Length, nameof(dy), Dims.YCount);
        CheckLength(prepared.Length, nameof(prepared), PreparedFloats(ConvolutionPass.BackwardData));
        CheckLength(dx.Length, nameof(dx), Dims.XCount);
        ConvolvePrepared(WinogradRoles.BackwardData(Dims), dy, prepared, [], relu: false, dx, context);
    }

    /// <summary>Adds the gradients by weights and bias to dWeights and dBias.</summary>
    /// <param name="x">x, [N, IH, IW, IC] in memory.</param>
    /// <param name="dy">dy, [N, OH, OW, OC] in memory.</param>
    /// <param name="dWeights">dw [OC, IC, 3, 3], added to.</param>
    /// <param name="dBias">db [OC], added to; or empty.</param>
    /// <param name="context">Threads and scratch memory.</param>
    public override unsafe void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(x.Length, nameof(x), Dims.XCount);
        CheckLength(dy.Length, nameof(dy), Dims.YCount);
        CheckLength(dWeights.Length, nameof(dWeights), Dims.WeightsCount);
        if (!dBias.IsEmpty)
            CheckLength(dBias.Length, nameof(dBias), Dims.OC);
        fixed (float* px = x, py = dy, pw = dWeights, pb = dBias)
        {
            using ComputeContext.Claim claim = context.Enter();
            WinogradBlocking blocking = Blocking(ConvolutionPass.BackwardWeights, context.Workers.WorkerCount);
            WinogradJob job = Begin(
                WinogradRoles.Forward(Dims), blocking, new(px, x.Length), new(pw, dWeights.Length), new(pb, dBias.Length), new(py, dy.Length), context);
            switch (_tile, blocking.PrivateGradient)
            {
                case (4, false):
                    WinogradGradient<WinogradF4>.Run(job, context.Workers);
                    break;
                case (4, true):
                    WinogradPrivateGradient<WinogradF4>.Run(job, context.Workers);
                    break;
                case (_, false):
                    WinogradGradient<WinogradF2>.Run(job, context.Workers);
                    break;
                default:
                    WinogradPrivateGradient<WinogradF2>.Run(job, context.Workers);
                    break;
            }
        }
    }

    private void Convolve(
        in WinogradRoles roles, PinnedSpan input, PinnedSpan weights, PinnedSpan bias, bool relu, PinnedSpan output, ComputeContext context)
    {
        WinogradBlocking blocking = WinogradBlocking.Convolution(roles, Products, Tiles(roles).Count, context.Workers.WorkerCount, _limit);
        Convolve(Begin(roles, blocking, input, weights, bias, output, context), relu, context);
    }

    private unsafe void ConvolvePrepared(
        in WinogradRoles roles, ReadOnlySpan<float> input, ReadOnlySpan<float> prepared, ReadOnlySpan<float> bias, bool relu, Span<float> output, ComputeContext context)
    {
        fixed (float* pi = input, pp = prepared, pb = bias, po = output)
        {
            using ComputeContext.Claim claim = context.Enter();
            WinogradBlocking blocking = WinogradBlocking.Prepared(roles, Products, Tiles(roles).Count, context.Workers.WorkerCount, _limit);
            WinogradJob job = Begin(roles, blocking, new(pi, input.Length), default, new(pb, bias.Length), new(po, output.Length), context);
            job.Prepared = new(pp, prepared.Length);
            Convolve(job, relu, context);
        }
    }

    private void Convolve(WinogradJob job, bool relu, ComputeContext context)
    {
        job.Relu = relu;
        switch (_tile, job.Blocking.WeightStationary)
        {
            case (4, false):
                WinogradTileBlocked<WinogradF4>.Run(job, context.Workers);
                break;
            case (4, true):
                WinogradWeightStationary<WinogradF4>.Run(job, context.Workers);
                break;
            case (_, false):
                WinogradTileBlocked<WinogradF2>.Run(job, context.Workers);
                break;
            default:
                WinogradWeightStationary<WinogradF2>.Run(job, context.Workers);
                break;
        }
    }

    private WinogradBlocking Blocking(ConvolutionPass pass, int workers)
    {
        WinogradRoles roles = Roles(pass);
        int tiles = Tiles(roles).Count;
        return pass == ConvolutionPass.BackwardWeights
            ? WinogradBlocking.Gradient(roles, Products, tiles, workers, _limit)
            : WinogradBlocking.Convolution(roles, Products, tiles, workers, _limit);
    }

    private WinogradRoles Roles(ConvolutionPass pass) => pass == ConvolutionPass.BackwardData ? WinogradRoles.BackwardData(Dims) : WinogradRoles.Forward(Dims);

    private WinogradTiles Tiles(in WinogradRoles roles) => new(_tile, roles.Images, roles.OutputHeight, roles.OutputWidth);

    private WinogradJob Begin(
        in WinogradRoles roles, in WinogradBlocking blocking, PinnedSpan input, PinnedSpan weights, PinnedSpan bias, PinnedSpan output, ComputeContext context)
    {
        context.Workspace.ReserveShared(checked((int)blocking.SharedFloats));
        context.Workspace.Reserve(checked((int)blocking.WorkerFloats));
        var job = context.State<WinogradJob>();
        job.Roles = roles;
        job.Blocking = blocking;
        job.Tiles = Tiles(roles);
        job.SmallKernels = _smallKernels;
        job.Workspace = context.Workspace;
        job.Prepared = default;
        (job.Input, job.Weights, job.Bias, job.Output) = (input, weights, bias, output);
        return job;
    }

    private void CheckLength(int given, string name, long expected)
    {
        if (given != expected)
            throw new ArgumentException($"{name} of {Dims} has {expected} elements; got {given}.", name);
    }
}
