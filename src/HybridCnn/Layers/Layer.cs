using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// One step of a network. Bind once per input shape, then run any number of times without allocating.
/// A layer keeps between <see cref="Forward"/> and <see cref="Backward"/> only what cannot be computed again (an argmax), and
/// a container its activations: it serves one thread at a time. Threads that train or predict side by side need a network each.
/// </summary>
public abstract class Layer
{
    /// <summary>What training changes; empty for a layer without weights.</summary>
    public virtual IReadOnlyList<Parameter> Parameters => [];

    /// <summary>What a layer remembers of training besides, and is saved with it: running statistics. Their gradients mean nothing.</summary>
    public virtual IReadOnlyList<Parameter> Buffers => [];

    /// <summary>The layers inside a container, each with the name that goes before the names of its parameters; empty for any other layer.</summary>
    public virtual IReadOnlyList<NamedLayer> Children => [];

    /// <summary>All parameters under PyTorch's names: "weight" of a layer, "3.weight" of a container.</summary>
    public IReadOnlyList<NamedParameter> NamedParameters => [.. Named(static layer => layer.Parameters)];

    /// <summary>Everything that is saved, parameters and buffers, under PyTorch's names.</summary>
    public IReadOnlyList<NamedParameter> NamedState => [.. Named(static layer => layer.Parameters.Concat(layer.Buffers))];

    /// <summary>What it is called where layers are listed.</summary>
    internal virtual string Kind => GetType().Name;

    /// <summary>Whether the first parameter is the weights of sums over its inputs, and the second, if there is one, their biases.</summary>
    internal virtual bool HasMatrix => false;

    /// <summary>Where a ReLU stops, for the layer before it to take it in: infinity, 6 for ReLU6; null for any other layer.</summary>
    internal virtual float? ReluCeiling => null;

    /// <summary>How much of a ReLU behind this layer a container may leave to it.</summary>
    internal virtual ReluFusion ReluFusion => ReluFusion.None;

    /// <summary>Whether <see cref="Backward"/> looks at x. Where nobody does, a container lets another tensor take x's place.</summary>
    internal virtual bool BackwardReadsInput => true;

    /// <summary>Whether <see cref="Backward"/> looks at y.</summary>
    internal virtual bool BackwardReadsOutput => true;

    /// <summary>Whether <see cref="Forward"/> takes a y that is x.</summary>
    internal virtual bool ForwardInPlace => false;

    /// <summary>Whether <see cref="Backward"/> takes a dx that is dy. A container that passes that gives dy up.</summary>
    internal virtual bool BackwardInPlace => false;

    /// <summary>Whether y is x under another shape, so that a container need not call the layer at all.</summary>
    internal virtual bool IsView => false;

    /// <summary>How the passes of a bound convolution are computed; null for any other layer.</summary>
    internal virtual ConvolutionPlan? PlanOfPasses => null;

    /// <summary>How prediction runs a bound convolution, with the normalization behind it if that is given; null for any other layer.</summary>
    internal virtual PreparedConvolution? Prepared(BatchNorm2d? normalization) => null;

    /// <summary>Multiplications and additions of a bound layer's forward pass, where they are sums of products.</summary>
    internal virtual long Flops => PlanOfPasses?.Dims.Flops ?? 0;

    /// <summary>
    /// The memory order in which this layer would like x, for a given rank-4 shape. A container may ask before it binds and
    /// convert; a layer that is bound to the other order refuses it or takes it, but never converts by itself.
    /// </summary>
    public virtual Layout PreferredLayout(Shape input) => Layout.Nchw;

    /// <summary>Validates the input shape, plans the memory that must survive from forward to backward, and infers the output.</summary>
    /// <param name="input">x [N, C, H, W], [N, C, L] or [N, F].</param>
    /// <returns>The shape of y.</returns>
    /// <exception cref="ArgumentException">The layer cannot take this shape; the message names both values.</exception>
    public abstract Shape Bind(Shape input);

    /// <summary>
    /// Measures which algorithms are the fastest, where a layer has a choice, and uses them from then on in contexts with the same options.
    /// A container tunes the layers inside it; a layer without a choice does nothing. Call it after <see cref="Bind"/>.
    /// </summary>
    /// <param name="context">What the layer will run in; see <see cref="ConvolutionPlan.Tune(Tensors.Conv2dDims, ComputeContext, TuningCache?)"/>.</param>
    /// <param name="cache">Takes what is measured, and saves measuring what it has.</param>
    /// <param name="tuned">Called after every convolution, with its plan.</param>
    /// <exception cref="InvalidOperationException">A layer with a choice isn't bound.</exception>
    public virtual void Tune(ComputeContext context, TuningCache cache, Action<ConvolutionPlan>? tuned = null)
    {
        foreach (NamedLayer child in Children)
            child.Layer.Tune(context, cache, tuned);
    }

    /// <summary>
    /// Starts the weights of all convolutions and fully connected layers anew, this one's or those inside it, first layer first, and their biases. All
    /// other parameters (of normalizations, of PReLU) stay as they are.
    /// </summary>
    /// <param name="weight">How the weights start.</param>
    /// <param name="random">Where the numbers come from.</param>
    /// <param name="bias">How the biases start; with 0 unless given.</param>
    public void Initialize(Initializer weight, SeededRandom random, Initializer? bias = null)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(random);
        foreach (NamedLayer child in Children)
            child.Layer.Initialize(weight, random, bias);
        if (!HasMatrix)
            return;
        weight.Fill(Parameters[0].Value, random);
        if (Parameters.Count > 1)
            (bias ?? Initializer.Constant(0)).Fill(Parameters[1].Value, random);
    }

    /// <summary>Computes y from x. Overwrites y, leaves x.</summary>
    public abstract void Forward(Tensor x, Tensor y, ComputeContext context);

    /// <summary><see cref="Forward"/> with a ReLU behind it, y = min(max(y, 0), ceiling); for layers with a <see cref="ReluFusion"/>. Overwrites y, leaves x.</summary>
    internal virtual void ForwardRelu(Tensor x, Tensor y, float ceiling, ComputeContext context) =>
        throw new InvalidOperationException($"{GetType().Name} takes in no ReLU.");

    /// <summary>
    /// Computes the gradients of the loss from <paramref name="dy"/>, its gradient by y. Overwrites dx; adds to the
    /// parameters' gradients; leaves x, y and dy.
    /// </summary>
    /// <param name="x">What <see cref="Forward"/> read.</param>
    /// <param name="y">What <see cref="Forward"/> wrote.</param>
    /// <param name="dy">Gradient by y, of y's shape.</param>
    /// <param name="dx">Gradient by x, of x's shape; null where nobody needs it (the first layer).</param>
    /// <param name="context">Threads and scratch memory.</param>
    public abstract void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context);

    /// <summary>How a bound layer computes, where it had a choice; else empty.</summary>
    public virtual string Explain() => "";

    private IEnumerable<NamedParameter> Named(Func<Layer, IEnumerable<Parameter>> own) => Children.Count == 0
        ? own(this).Select(static parameter => new NamedParameter(parameter.Name, parameter))
        : Children.SelectMany(child => child.Layer.Named(own), static (child, inner) => new NamedParameter($"{child.Name}.{inner.Name}", inner.Parameter));
}
