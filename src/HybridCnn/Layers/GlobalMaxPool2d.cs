using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>The maximum of every plane, x [N, C, H, W] → y [N, C, 1, 1], in either layout (NHWC: planes of at most 256 elements). Ties and NaN as in <see cref="MaxPool2d"/>.</summary>
public sealed class GlobalMaxPool2d : Layer
{
    private MaxPoolingPlan? _plan;
    private int[] _indices = [];
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
        _plan = new MaxPoolingPlan(dims);
        _indices = new int[_plan.IndexLength];
        _binding = new Binding(input, dims.Output);
        return dims.Output;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _plan!.Forward(x.Span, y.Span, _indices, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is not null)
            _plan!.Backward(dy.Span, _indices, dx.Span, context);
    }
}
