using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>Rectified linear units, y = max(x, 0), on any shape. NaN passes through.</summary>
public sealed class ReLU : Layer
{
    private readonly ReluOperator _operator = new();
    private Binding _binding;

    internal override bool BackwardInPlace => true;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        if (input.Rank == 0)
            throw new ArgumentException("ReLU takes a shape of 1 to 4 extents; got none.", nameof(input));
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
            _operator.Backward(y, dy, dx, context);
    }
}
