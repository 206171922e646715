using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// The same images in another memory order. A <see cref="Network"/> puts it where the next layer prefers another layout
/// than the last one left, and says so in <see cref="Network.Explain"/>.
/// </summary>
public sealed class LayoutChange(Layout to) : Layer
{
    private readonly LayoutOperator _operator = new();
    private Binding _binding;

    /// <summary>The layout of y.</summary>
    public Layout To { get; } = to;

    internal override bool BackwardReadsInput => false;

    internal override bool BackwardReadsOutput => false;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        _binding = new Binding(input, input.In(To));
        return _binding.Output;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        Copy(x, y, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is not null)
            Copy(dy, dx, context);
    }

    private void Copy(Tensor source, Tensor target, ComputeContext context)
    {
        if (source.Layout == target.Layout)
            source.Span.CopyTo(target.Span);
        else
            _operator.Run(source, target, context);
    }
}
