using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// [N, C, H, W] → [N, C·H·W], PyTorch's element order. In a <see cref="Sequential"/> it costs nothing (y is x under another
/// shape); called alone it copies.
/// </summary>
public sealed class Flatten : Layer
{
    private Binding _binding;

    internal override bool BackwardReadsInput => false;

    internal override bool BackwardReadsOutput => false;

    internal override bool IsView => true;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireBatch(this, input);
        InputShape.RequireNchw(this, input);
        var output = new Shape(input[0], input.CountPerItem);
        _binding = new Binding(input, output);
        return output;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        x.Span.CopyTo(y.Span);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is not null)
            dy.Span.CopyTo(dx.Span);
    }
}
