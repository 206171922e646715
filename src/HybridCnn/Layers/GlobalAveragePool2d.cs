using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>The mean of every plane, x [N, C, H, W] → y [N, C, 1, 1], in either layout.</summary>
public sealed class GlobalAveragePool2d : Layer
{
    private AveragePoolingPlan? _plan;
    private Binding _binding;

    internal override bool BackwardReadsInput => false;

    internal override bool BackwardReadsOutput => false;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => PoolWindows.Global(input, isMax: false).LayoutFor(input);

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        Pool2dDims dims = PoolWindows.Global(input, isMax: false).Over(input, ceilMode: false);
        _plan = new AveragePoolingPlan(dims);
        _binding = new Binding(input, dims.Output);
        return dims.Output;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _plan!.Forward(x.Span, y.Span, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is not null)
            _plan!.Backward(dy.Span, dx.Span, context);
    }
}
