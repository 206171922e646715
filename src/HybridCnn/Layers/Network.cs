using System.Text;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Layers wired together; itself a layer. <see cref="Bind"/> decides the memory order between them, by what each layer prefers, leaves
/// a ReLU to the layer before it where that takes it in, and plans the memory of all activations and gradients, networks inside this one
/// included: those that the backward pass doesn't read again share buffers, and so do gradients. A layer that only renames its input
/// costs nothing. The buffers are made by the first pass that needs them; later ones allocate nothing. <see cref="Explain"/> shows all of it.
/// </summary>
public abstract class Network : Layer
{
    private NamedLayer[] _children = [];
    private Parameter[] _parameters = [], _buffers = [];
    private Network[] _recomputed = [];
    private NetworkPlan? _plan;
    private Binding _binding;

    private protected Network()
    {
    }

    /// <inheritdoc/>
    public override IReadOnlyList<NamedLayer> Children => _children;

    /// <summary>All parameters, first layer first.</summary>
    public override IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>All buffers, first layer first.</summary>
    public override IReadOnlyList<Parameter> Buffers => _buffers;

    /// <summary>
    /// Called in <see cref="Backward"/> with the position of a layer in <see cref="Children"/> as soon as the gradients of its parameters
    /// are complete: last layer first, every layer once. Of a network inside another one it isn't called.
    /// </summary>
    public Action<int>? GradientsReady { get; set; }

    /// <summary>
    /// Whether the activations inside this network are computed again in the backward pass instead of being kept from the forward pass: less memory for up to a third more time, and
    /// the same bits. Running statistics move once, and masks of dropout are the same. Meant for networks inside another one, as blocks between whose ends nothing
    /// is kept; of several inside one another the outermost counts. Takes effect with the next <see cref="Bind"/> of the outermost network.
    /// </summary>
    public bool Recompute { get; set; }

    /// <summary>Takes the time of every layer while it is set. Of a network inside another one it isn't asked.</summary>
    public NetworkTimer? Timer { get; set; }

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        Network[] recomputed = [.. Recomputed()];
        if (_plan is not null && _binding.Input == input && recomputed.SequenceEqual(_recomputed))
            return _binding.Output;

        (_plan, _binding) = (null, default);
        if (input.Rank == 0)
            throw new ArgumentException($"{GetType().Name} takes a shape of 1 to 4 extents; got none.", nameof(input));
        var wiring = new NetworkWiring(this, input);
        _plan = new NetworkPlan(wiring);
        _recomputed = recomputed;
        _binding = new Binding(input, wiring.OutputShape);
        return wiring.OutputShape;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _plan!.Forward(x, y, Timer, context);
    }

    /// <summary>
    /// Computes y from x as evaluation does (<see cref="ComputeContext.IsTraining"/> is false meanwhile), where no backward pass follows: nearly all
    /// activations share a few buffers, batch normalizations are folded into the convolutions before them, and weights are packed or transformed once
    /// and not on every call. Overwrites y, leaves x.
    /// </summary>
    /// <remarks>
    /// It computes with the weights as they are: the first call after somebody asked for the <see cref="Tensor.Span"/> of a parameter or a buffer (an optimizer's
    /// step, a training pass, loading) prepares that layer's weights anew. Only a span that was taken before a call and is written after it isn't
    /// seen; take it again. The rounding differs from <see cref="Forward"/>'s in the last bits.
    /// </remarks>
    /// <param name="x">Of the shape bound to.</param>
    /// <param name="y">Of the shape that <see cref="Bind"/> returned.</param>
    /// <param name="context">Threads and scratch memory.</param>
    public void Predict(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        bool wasTraining = context.IsTraining;
        context.IsTraining = false;
        try
        {
            _plan!.Predict(x, y, Timer, context);
        }
        finally
        {
            context.IsTraining = wasTraining;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">There was no <see cref="Forward"/> before it, or a <see cref="Predict"/> since.</exception>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        _plan!.Backward(x, y, dy, dx, GradientsReady, Timer, context);
    }

    /// <summary>
    /// Sets <see cref="Recompute"/> of the blocks inside this network: the smallest networks with two or more convolutions or fully connected layers, such as the residual
    /// blocks of ResNet. A network without networks inside has none.
    /// </summary>
    /// <returns>How many there are.</returns>
    public int RecomputeBlocks()
    {
        int count = 0;
        foreach (Network network in Children.Select(child => child.Layer).OfType<Network>())
        {
            int inside = network.RecomputeBlocks();
            network.Recompute = inside == 0 && network.MatrixCount >= 2;
            count += inside + (network.Recompute ? 1 : 0);
        }

        return count;
    }

    private int MatrixCount => Children.Sum(child => child.Layer is Network network ? network.MatrixCount : child.Layer.HasMatrix ? 1 : 0);

    private IEnumerable<Network> Recomputed() => (Recompute ? (Network[])[this] : []).Concat(Children.Select(child => child.Layer).OfType<Network>().SelectMany(network => network.Recomputed()));

    /// <summary>Shapes, parameters, operations and memory of every layer.</summary>
    /// <exception cref="InvalidOperationException">Not bound.</exception>
    public NetworkSummary Summarize() =>
        _plan?.Summarize(_binding.Input) ?? throw new InvalidOperationException($"{GetType().Name} isn't bound to a shape; call Bind first.");

    /// <summary>A line for every layer and for every change of the memory order: what it makes of which shape, and how; then the memory planned.</summary>
    public override string Explain()
    {
        var text = new StringBuilder($"{GetType().Name}, x {_binding.Input}");
        _plan?.Explain(text);
        return text.ToString();
    }

    /// <summary>Adds the layers to a plan, from the value that x is.</summary>
    /// <returns>The value that y is.</returns>
    internal abstract int Wire(NetworkWiring wiring, int x);

    /// <summary>What <see cref="Children"/> are from now on; a plan made before is void.</summary>
    private protected void SetChildren(IEnumerable<NamedLayer> children)
    {
        _children = [.. children];
        _parameters = [.. _children.SelectMany(child => child.Layer.Parameters)];
        _buffers = [.. _children.SelectMany(child => child.Layer.Buffers)];
        (_plan, _binding) = (null, default);
    }
}
