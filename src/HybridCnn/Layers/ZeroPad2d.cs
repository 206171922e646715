using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>Zeros around images, x [N, C, H, W] → y [N, C, top + H + bottom, left + W + right], in either layout. A convolution's own padding costs less.</summary>
public sealed class ZeroPad2d : Layer
{
    private readonly (int Top, int Left, int Bottom, int Right) _padding;
    private PadOperator? _operator;
    private Binding _binding;

    /// <summary>As many on every side.</summary>
    public ZeroPad2d(int padding)
        : this((padding, padding, padding, padding))
    {
    }

    /// <summary>Four separate pads, each at least 0.</summary>
    public ZeroPad2d((int Top, int Left, int Bottom, int Right) padding)
    {
        ConvolutionSettings.AtLeast(0, (padding.Top, padding.Left), nameof(padding));
        ConvolutionSettings.AtLeast(0, (padding.Bottom, padding.Right), nameof(padding));
        _padding = padding;
    }

    internal override bool BackwardReadsInput => false;

    internal override bool BackwardReadsOutput => false;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        Shape output = new Shape(
            input[0], input[1], checked(_padding.Top + input[2] + _padding.Bottom), checked(_padding.Left + input[3] + _padding.Right)).In(input.Layout);
        _operator = new PadOperator(input, output, _padding.Top, _padding.Left);
        _binding = new Binding(input, output);
        return output;
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
