using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>A function of every element by itself, on any shape and in either layout. As in PyTorch; NaN passes through.</summary>
public abstract class Activation : Layer
{
    private readonly ActivationOperator _operator;
    private Binding _binding;

    private protected Activation(ActivationOperator function) => _operator = function;

    internal override bool ForwardInPlace => true;

    internal override bool BackwardInPlace => true;

    internal override bool BackwardReadsInput => !_operator.FromOutput;

    internal override bool BackwardReadsOutput => _operator.FromOutput;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        if (input.Rank == 0)
            throw new ArgumentException($"{GetType().Name} takes a shape of 1 to 4 extents; got none.", nameof(input));
        _binding = new Binding(input, input);
        return input;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _operator.Forward(x, y, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is not null)
            _operator.Backward(_operator.FromOutput ? y : x, dy, dx, context);
    }
}
