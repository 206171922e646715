using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// A transposed convolution of one geometry, as PyTorch's: y[n, o, ih·sh + i·dh − pt, iw·sw + j·dw − pl] sums x[n, c, ih, iw] · w[c, o, i, j], plus
/// b[o]. Each pass is a pass of an ordinary convolution whose x and y have changed places (Dumoulin, Visin, A guide to convolution
/// arithmetic for deep learning, 2016, section 4), and runs as that one's <see cref="ConvolutionPlan"/> decides: y as its dx, dx as its y, dw as
/// its dw. Shareable, and as reproducible, as that plan.
/// </summary>
public sealed class TransposedConvolutionPlan
{
    private readonly ConvolutionPlan _convolution;

    /// <summary>Chooses algorithms.</summary>
    /// <param name="dims">The geometry.</param>
    /// <param name="algorithm">As for the ordinary convolution's plan.</param>
    /// <param name="options">Precision, limit of the workspace, and threads to plan for; null for <see cref="ComputeOptions.Default"/>.</param>
    /// <exception cref="ArgumentException">
    /// The dims are <c>default</c>, an array would not fit one buffer, or the forced algorithm does not take the problem; the message gives its reason.
    /// </exception>
    public TransposedConvolutionPlan(
        ConvTranspose2dDims dims, ConvolutionAlgorithm algorithm = ConvolutionAlgorithm.Automatic, ComputeOptions? options = null)
        : this(dims, algorithm, options, GemmPieces.ServedOn(Blas.Current.Core))
    {
    }

    internal TransposedConvolutionPlan(ConvTranspose2dDims dims, ConvolutionAlgorithm algorithm, ComputeOptions? options, bool smallKernels)
        : this(dims, new ConvolutionPlan(dims.Convolution, algorithm, options, smallKernels))
    {
    }

    private TransposedConvolutionPlan(ConvTranspose2dDims dims, ConvolutionPlan convolution)
    {
        Dims = dims;
        _convolution = convolution;
    }

    /// <summary>Chooses by measuring, as <see cref="ConvolutionPlan.Tune(Conv2dDims, ComputeContext, TuningCache?)"/>.</summary>
    /// <param name="dims">The geometry.</param>
    /// <param name="context">What the plan is to run in; nothing else should run in it meanwhile.</param>
    /// <param name="cache">Takes what is measured, and saves measuring what it has; null for none.</param>
    /// <exception cref="ArgumentException">As by the constructor.</exception>
    public static TransposedConvolutionPlan Tune(ConvTranspose2dDims dims, ComputeContext context, TuningCache? cache = null) =>
        new(dims, ConvolutionPlan.Tune(dims.Convolution, context, cache));

    /// <summary>The geometry.</summary>
    public ConvTranspose2dDims Dims { get; }

    /// <summary>The ordinary convolution whose passes it runs.</summary>
    internal ConvolutionPlan Convolution => _convolution;

    /// <summary>Its forward pass with weights that are prepared once; bias and ReLU are those of y.</summary>
    internal PreparedPass PreparedForward => _convolution.Prepared(ConvolutionPass.BackwardData);

    /// <summary>What was planned for.</summary>
    public ComputeOptions Options => _convolution.Options;

    /// <summary>What was chosen for a pass.</summary>
    public ConvolutionAlgorithm Algorithm(ConvolutionPass pass) => _convolution.Algorithm(Exchanged(pass));

    /// <summary>Scratch memory that a pass takes from its context, of all threads together, if that has as many as were planned for.</summary>
    public long WorkspaceBytes(ConvolutionPass pass) => _convolution.WorkspaceBytes(Exchanged(pass));

    /// <summary>What <see cref="ConvolutionPlan.Explain"/> says of the ordinary convolution, under a line that says which pass is which.</summary>
    public string Explain() =>
        $"Transposed: its Forward is BackwardData of the following, its BackwardData is Forward{Environment.NewLine}{_convolution.Explain()}";

    /// <summary>Computes y from x, or max(y, 0) where <paramref name="relu"/> is set. Overwrites y.</summary>
    /// <param name="x">x [N, IC, IH, IW].</param>
    /// <param name="weights">w [IC, OC/Groups, KH, KW].</param>
    /// <param name="bias">b [OC], or empty for none.</param>
    /// <param name="y">y [N, OC, OH, OW].</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <param name="relu">Whether a ReLU follows; it is computed in the sweep that adds the bias.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, Span<float> y, ComputeContext context, bool relu = false)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(x.Length, nameof(x), Dims.XCount, "N, IC, IH, IW");
        CheckLength(weights.Length, nameof(weights), Dims.WeightsCount, "IC, OC/Groups, KH, KW");
        if (!bias.IsEmpty)
            CheckLength(bias.Length, nameof(bias), Dims.OC, "OC");
        CheckLength(y.Length, nameof(y), Dims.YCount, "N, OC, OH, OW");
        _convolution.BackwardData(x, weights, y, context);
        ChannelBias.Add(bias, Dims.OH * Dims.OW, Dims.Layout, relu, y, context);
    }

    /// <summary>Computes dx, the gradient of the loss by x, from dy. Overwrites dx.</summary>
    /// <param name="dy">dy [N, OC, OH, OW].</param>
    /// <param name="weights">w [IC, OC/Groups, KH, KW].</param>
    /// <param name="dx">dx [N, IC, IH, IW].</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void BackwardData(ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(dy.Length, nameof(dy), Dims.YCount, "N, OC, OH, OW");
        CheckLength(weights.Length, nameof(weights), Dims.WeightsCount, "IC, OC/Groups, KH, KW");
        CheckLength(dx.Length, nameof(dx), Dims.XCount, "N, IC, IH, IW");
        _convolution.Forward(dy, weights, [], dx, context);
    }

    /// <summary>Adds the gradients of the loss by weights and bias, from x and dy, to dWeights and dBias.</summary>
    /// <param name="x">x [N, IC, IH, IW].</param>
    /// <param name="dy">dy [N, OC, OH, OW].</param>
    /// <param name="dWeights">dw [IC, OC/Groups, KH, KW], added to.</param>
    /// <param name="dBias">db [OC], added to; or empty for none.</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckLength(x.Length, nameof(x), Dims.XCount, "N, IC, IH, IW");
        CheckLength(dy.Length, nameof(dy), Dims.YCount, "N, OC, OH, OW");
        CheckLength(dWeights.Length, nameof(dWeights), Dims.WeightsCount, "IC, OC/Groups, KH, KW");
        if (!dBias.IsEmpty)
            CheckLength(dBias.Length, nameof(dBias), Dims.OC, "OC");
        _convolution.BackwardWeights(dy, x, dWeights, [], context);
        if (!dBias.IsEmpty)
            ChannelBias.AddSums(dy, Dims.OH * Dims.OW, Dims.Layout, dBias, context);
    }

    private void CheckLength(int given, string name, long expected, string extents)
    {
        if (given != expected)
            throw new ArgumentException($"{name} must be [{extents}] of {Dims}, {expected} elements; got {given}.", name);
    }

    private static ConvolutionPass Exchanged(ConvolutionPass pass) => pass switch
    {
        ConvolutionPass.Forward => ConvolutionPass.BackwardData,
        ConvolutionPass.BackwardData => ConvolutionPass.Forward,
        _ => pass,
    };
}
