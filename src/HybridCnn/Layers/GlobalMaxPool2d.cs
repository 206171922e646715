using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>The maximum of every plane, x [N, C, H, W] → y [N, C, 1, 1], in either layout (NHWC: planes of at most 256 elements). Ties and NaN as in <see cref="MaxPool2d"/>.</summary>
public sealed class GlobalMaxPool2d : Layer
{
    private PoolOperator? _operator;
    private Binding _binding;

    internal override bool BackwardReadsInput => false;

    internal override bool BackwardReadsOutput => false;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => PoolWindows.Global(input, isMax: true).LayoutFor(input);

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        Pool2dDims dims = PoolWindows.Global(input, isMax: true).Over(input, ceilMode: false);
        _operator = PoolOperator.Max(dims);
        _binding = new Binding(input, dims.Output);
        return dims.Output;
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
            _operator!.Backward(dy, dx, context);
    }
}
