using System.Text;
using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// A convolution of one geometry: decides at construction how to compute each pass, then runs any number of times without
/// allocating. Immutable, and so shareable between threads: all that changes is the workspace of the
/// <see cref="ComputeContext"/>. With a context each they run at the same time, with the same one in turns. Cross-correlation as in PyTorch: y[n, o, p, q] = b[o] + Σ x[n, c, p·sh + i·dh − pt, q·sw + j·dw − pl] · w[o, c, i, j].
/// x and y lie in memory as the dims' layout says; the weights always as [OC, IC/Groups, KH, KW].
/// Reruns give the same bits for the same number of threads, and for any number with <see cref="ComputeOptions.Deterministic"/>.
/// </summary>
public sealed class ConvolutionPlan
{
    private const int VectorChannels = 16;

    // Of an image, as a first layer reads them.
    private const int Colours = 3;

    private readonly ConvolutionChoice _forward, _backwardData, _backwardWeights;
    private readonly PreparedPass _preparedForward, _preparedData;
    private readonly int _shares;
    private int _fallbacksCounted;

    /// <summary>Chooses algorithms.</summary>
    /// <param name="dims">The geometry.</param>
    /// <param name="algorithm">
    /// Forces one on all passes. <see cref="ConvolutionAlgorithm.Automatic"/> chooses for each pass, or takes the one that the environment
    /// variable HYBRIDCNN_CONV_ALGO names where that serves.
    /// </param>
    /// <param name="options">Precision, limit of the workspace, and threads to plan for; null for <see cref="ComputeOptions.Default"/>.</param>
    /// <exception cref="ArgumentException">
    /// The dims are <c>default</c>, an array would not fit one buffer, or the forced algorithm does not take the problem; the message gives its reason.
    /// </exception>
    public ConvolutionPlan(Conv2dDims dims, ConvolutionAlgorithm algorithm = ConvolutionAlgorithm.Automatic, ComputeOptions? options = null)
        : this(dims, algorithm, options, GemmPieces.ServedOn(Blas.Current.Core))
    {
    }

    internal ConvolutionPlan(Conv2dDims dims, ConvolutionAlgorithm algorithm, ComputeOptions? options, bool smallKernels)
        : this(dims, options ??= ComputeOptions.Default, pass => ConvolutionRules.Choose(dims, pass, algorithm, options, smallKernels), smallKernels)
    {
    }

    private ConvolutionPlan(Conv2dDims dims, ComputeOptions options, Func<ConvolutionPass, ConvolutionChoice> choose, bool smallKernels)
    {
        CheckSizes(dims);
        Dims = dims;
        Options = options;
        _shares = options.Shares;
        _forward = choose(ConvolutionPass.Forward);
        _backwardData = choose(ConvolutionPass.BackwardData);
        _backwardWeights = choose(ConvolutionPass.BackwardWeights);
        _preparedForward = Prepare(ConvolutionPass.Forward);
        _preparedData = Prepare(ConvolutionPass.BackwardData);

        PreparedPass Prepare(ConvolutionPass pass) => new(this, pass, ConvolutionRules.ForPrepared(Choice(pass), dims, pass, options, smallKernels));
    }

    /// <summary>
    /// Chooses by measuring: for each pass, runs the algorithms that take the problem and keep to the context's precision and workspace, and takes
    /// the fastest, unless the one that the constructor would choose is less than 5 % slower. Takes about half a second for each algorithm
    /// and pass, more where one run takes longer; <see cref="Explain"/> has the times. An algorithm that HYBRIDCNN_CONV_ALGO names is not tuned.
    /// </summary>
    /// <remarks>
    /// The bits of a result follow from the algorithm, and so from what was measured. Keep the cache to have the same bits in another process.
    /// With <see cref="ComputeOptions.Deterministic"/> its entries hold for any number of threads.
    /// </remarks>
    /// <param name="dims">The geometry.</param>
    /// <param name="context">What the plan is to run in. Nothing else should run in it meanwhile, nor on the same processors.</param>
    /// <param name="cache">Takes what is measured, and saves measuring what it has; null for none.</param>
    /// <exception cref="ArgumentException">As by the constructor.</exception>
    public static ConvolutionPlan Tune(Conv2dDims dims, ComputeContext context, TuningCache? cache = null) =>
        Tune(dims, context, cache ?? new TuningCache(), GemmPieces.ServedOn(Blas.Current.Core), TimeProvider.System);

    internal static ConvolutionPlan Tune(Conv2dDims dims, ComputeContext context, TuningCache cache, bool smallKernels, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(context);
        var tuner = new ConvolutionTuner(dims, context, cache, smallKernels, clock);
        return new ConvolutionPlan(dims, context.Options, tuner.Choose, smallKernels);
    }

    /// <summary>
    /// The memory order that serves a problem best: NHWC where vectors of channels are full; the order that the dims have for few or odd channels and for
    /// groups, but NHWC for the three colours of an image and for strided kernels, whose patches NCHW would gather number by number.
    /// </summary>
    public static Layout PreferredLayout(Conv2dDims dims) => PreferredLayout(dims.IC, dims.OC, dims.Groups, dims.StrideW, dims.Layout);

    internal static Layout PreferredLayout(int inChannels, int outChannels, int groups, int strideW, Layout given) =>
        groups == 1 && outChannels % VectorChannels == 0 && (inChannels % VectorChannels == 0 || inChannels == Colours || strideW > 1) ? Layout.Nhwc : given;

    /// <summary>The geometry.</summary>
    public Conv2dDims Dims { get; }

    /// <summary>What was planned for.</summary>
    public ComputeOptions Options { get; }

    /// <summary>What was chosen for a pass.</summary>
    public ConvolutionAlgorithm Algorithm(ConvolutionPass pass) => Choice(pass).Algorithm;

    /// <summary>Scratch memory that a pass takes from its context, of all threads together, if that has as many as were planned for.</summary>
    public long WorkspaceBytes(ConvolutionPass pass) => Choice(pass).Method.Scratch(pass, _shares).Bytes(_shares);

    /// <summary>Why a pass runs the general algorithm where a faster one could (<see cref="ConvolutionFallbacks"/>); null if it does not.</summary>
    public string? Fallback(ConvolutionPass pass) => Choice(pass).Fallback;

    /// <summary>The problem and, for each pass, which algorithms were looked at, why each was refused, what was chosen, and its workspace.</summary>
    public string Explain()
    {
        var text = new StringBuilder().Append($"{Dims}: {Dims.Flops / 1e6:0.###} MFLOP a pass, {Options.Precision}, {_shares} shares of work");
        foreach (ConvolutionPass pass in (ConvolutionPass[])[ConvolutionPass.Forward, ConvolutionPass.BackwardData, ConvolutionPass.BackwardWeights])
        {
            ConvolutionChoice choice = Choice(pass);
            text.AppendLine().Append($"  {pass}: {choice.Algorithm}, {choice.Method.Describe(pass, _shares)}; workspace {WorkspaceBytes(pass) / 1024.0:0.#} KiB");
            if (pass != ConvolutionPass.BackwardWeights && Prepared(pass).Algorithm is var other && other != choice.Algorithm)
            {
                string layer = pass == ConvolutionPass.Forward ? "prediction" : "the prediction of a transposed convolution";
                text.AppendLine().Append($"    {other} in {layer}, where reading so many transformed weights would take longer");
            }

            foreach (string reason in choice.Reasons)
                text.AppendLine().Append($"    {reason}");
            if (choice.Fallback is { } fallback)
                text.AppendLine().Append($"    the general algorithm serves, a slow path: {fallback}");
        }

        return text.ToString();
    }

    /// <summary>Computes y from x, or max(y, 0) where <paramref name="relu"/> is set. Overwrites y.</summary>
    /// <param name="x">x [N, IC, IH, IW].</param>
    /// <param name="weights">w [OC, IC/Groups, KH, KW].</param>
    /// <param name="bias">b [OC], or empty for none.</param>
    /// <param name="y">y [N, OC, OH, OW].</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <param name="relu">Whether a ReLU follows; it costs next to nothing, because y is still in the cache.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, Span<float> y, ComputeContext context, bool relu = false)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(x.Length, nameof(x), Dims.XCount, "N, IC, IH, IW");
        CheckLength(weights.Length, nameof(weights), Dims.WeightsCount, "OC, IC/Groups, KH, KW");
        if (!bias.IsEmpty)
            CheckLength(bias.Length, nameof(bias), Dims.OC, "OC");
        CheckLength(y.Length, nameof(y), Dims.YCount, "N, OC, OH, OW");
        CountFallback(ConvolutionPass.Forward, _forward);
        _forward.Method.Forward(x, weights, bias, relu, y, context);
    }

    /// <summary>The forward pass, or that by data, with weights that are prepared once.</summary>
    internal PreparedPass Prepared(ConvolutionPass pass) => pass switch
    {
        ConvolutionPass.Forward => _preparedForward,
        ConvolutionPass.BackwardData => _preparedData,
        _ => throw new ArgumentOutOfRangeException(nameof(pass), pass, "Expected a pass that multiplies by the weights."),
    };

    /// <summary>Computes dx, the gradient of the loss by x, from dy. Overwrites dx.</summary>
    /// <param name="dy">dy [N, OC, OH, OW].</param>
    /// <param name="weights">w [OC, IC/Groups, KH, KW].</param>
    /// <param name="dx">dx [N, IC, IH, IW].</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void BackwardData(ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(dy.Length, nameof(dy), Dims.YCount, "N, OC, OH, OW");
        CheckLength(weights.Length, nameof(weights), Dims.WeightsCount, "OC, IC/Groups, KH, KW");
        CheckLength(dx.Length, nameof(dx), Dims.XCount, "N, IC, IH, IW");
        CountFallback(ConvolutionPass.BackwardData, _backwardData);
        _backwardData.Method.BackwardData(dy, weights, dx, context);
    }

    /// <summary>Adds the gradients of the loss by weights and bias, from x and dy, to dWeights and dBias.</summary>
    /// <param name="x">x [N, IC, IH, IW].</param>
    /// <param name="dy">dy [N, OC, OH, OW].</param>
    /// <param name="dWeights">dw [OC, IC/Groups, KH, KW], added to.</param>
    /// <param name="dBias">db [OC], added to; or empty for none.</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(x.Length, nameof(x), Dims.XCount, "N, IC, IH, IW");
        CheckLength(dy.Length, nameof(dy), Dims.YCount, "N, OC, OH, OW");
        CheckLength(dWeights.Length, nameof(dWeights), Dims.WeightsCount, "OC, IC/Groups, KH, KW");
        if (!dBias.IsEmpty)
            CheckLength(dBias.Length, nameof(dBias), Dims.OC, "OC");
        CountFallback(ConvolutionPass.BackwardWeights, _backwardWeights);
        _backwardWeights.Method.BackwardWeights(x, dy, dWeights, dBias, context);
    }

    // Once for each pass, when it first runs: a plan that is replaced before it runs costs nobody time.
    internal void CountFallback(ConvolutionPass pass, ConvolutionChoice choice)
    {
        int bit = 1 << (int)pass;
        if (choice.Fallback is { } reason && (Volatile.Read(ref _fallbacksCounted) & bit) == 0 && (Interlocked.Or(ref _fallbacksCounted, bit) & bit) == 0)
            ConvolutionFallbacks.Add($"{Dims} {pass}: {reason}");
    }

    private static void CheckSizes(Conv2dDims dims)
    {
        if (dims.N == 0)
            throw new ArgumentException("The dims are empty; make them by Conv2dDims.Create or Parse.", nameof(dims));
        long largest = Math.Max(Math.Max(dims.XCount, dims.YCount), dims.WeightsCount);
        if (largest > Array.MaxLength)
            throw new ArgumentException($"{dims} has an array of {largest} elements, more than the {Array.MaxLength} that one buffer can hold.", nameof(dims));
    }

    private void CheckLength(int given, string name, long expected, string extents)
    {
        if (given != expected)
            throw new ArgumentException($"{name} must be [{extents}] of {Dims}, {expected} elements; got {given}.", name);
    }

    private ConvolutionChoice Choice(ConvolutionPass pass) => pass switch
    {
        ConvolutionPass.Forward => _forward,
        ConvolutionPass.BackwardData => _backwardData,
        ConvolutionPass.BackwardWeights => _backwardWeights,
        _ => throw new ArgumentOutOfRangeException(nameof(pass), pass, "Expected one of the three passes."),
    };
}
