using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Channels of zeros before and after those of images, x [N, C, H, W] → y [N, before + C + after, H, W], in either layout: how a shortcut without parameters
/// gets as many channels as the way beside it. Source: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2015, option A.
/// </summary>
public sealed class ZeroPadChannels : Layer
{
    private readonly ConcatOperator _operator = new();
    private readonly int _before, _after;
    private readonly Tensor[] _inputs = new Tensor[3];
    private readonly Tensor?[] _gradients = new Tensor?[3];
    private readonly Shape[] _shapes = new Shape[3];
    private Binding _binding;

    /// <summary>How many on either side.</summary>
    /// <param name="before">At least 1.</param>
    /// <param name="after">At least 1.</param>
    public ZeroPadChannels(int before, int after)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(before, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(after, 1);
        (_before, _after) = (before, after);
    }

    internal int Before => _before;

    internal int After => _after;

    internal override bool BackwardReadsInput => false;

    internal override bool BackwardReadsOutput => false;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        Shape output = With(checked(_before + input[1] + _after));
        (_shapes[0], _shapes[1], _shapes[2]) = (With(_before), input, With(_after));
        (_inputs[0], _inputs[2]) = (new Tensor(_shapes[0]), new Tensor(_shapes[2]));
        _binding = new Binding(input, output);
        return output;

        Shape With(int channels) => new Shape(input[0], channels, input[2], input[3]).In(input.Layout);
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _inputs[1] = x;
        _operator.Forward(_inputs, y, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is null)
            return;
        _gradients[1] = dx;
        _operator.Backward(dy, _gradients, _shapes, context);
    }
}
