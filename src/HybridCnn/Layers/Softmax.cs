using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// y = e^x / Σ e^x over the channels (second extent): [N, F], [N, C, L], or [N, C, H, W] in either layout. To train a classifier, leave it out: the
/// loss takes logits and has it built in.
/// </summary>
public sealed class Softmax : Layer
{
    private SoftmaxOperator? _operator;
    private Binding _binding;

    internal override bool BackwardReadsInput => false;

    internal override bool ForwardInPlace => true;

    internal override bool BackwardInPlace => true;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireBatch(this, input);
        _operator = new SoftmaxOperator(input);
        _binding = new Binding(input, input);
        return input;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _operator!.Forward(x, y, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is not null)
            _operator!.Backward(y, dy, dx, context);
    }
}
