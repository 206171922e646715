using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// y = x where it is above 0, else weight·x, with a weight for each channel (second extent) or one for all; in either layout. As in PyTorch.
/// Source: He, Zhang, Ren, Sun, Delving Deep into Rectifiers, 2015.
/// </summary>
public sealed class PReLU : Layer
{
    private readonly Parameter _weight;
    private readonly Parameter[] _parameters;
    private ParametricRelu? _operator;
    private Binding _binding;

    /// <summary>All slopes start alike.</summary>
    /// <param name="channels">C; 1 = one weight for all channels.</param>
    /// <param name="initial">What the slopes start with.</param>
    public PReLU(int channels = 1, float initial = 0.25f)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        _weight = new Parameter("weight", new Shape(channels));
        _weight.Value.Span.Fill(initial);
        _parameters = [_weight];
    }

    /// <summary>weight [C] or [1].</summary>
    public override IReadOnlyList<Parameter> Parameters => _parameters;

    internal override bool BackwardReadsOutput => false;

    internal override bool ForwardInPlace => true;

    internal override bool BackwardInPlace => true;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireBatch(this, input);
        if (_weight.Shape[0] > 1)
            InputShape.RequireChannels(this, input, _weight.Shape[0]);
        _operator = new ParametricRelu(input);
        _binding = new Binding(input, input);
        return input;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _operator!.Forward(x, _weight.Value.ReadOnlySpan, y, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        _operator!.Backward(x, dy, _weight.Value.ReadOnlySpan, _weight.Gradient.Span, dx, context);
    }
}
