using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// The mean over windows that share x out evenly among a given number of outputs, x [N, C, H, W] → y [N, C, OH, OW], in either layout. As in PyTorch: output i covers
/// positions ⌊i·H/OH⌋ up to, not including, ⌈(i + 1)·H/OH⌉.
/// </summary>
public sealed class AdaptiveAveragePool2d : Layer
{
    private readonly int _height, _width;
    private AveragePoolingPlan? _even;
    private AdaptivePooling? _uneven;
    private Binding _binding;

    /// <summary>As many outputs along height and width.</summary>
    public AdaptiveAveragePool2d(int outputSize)
        : this(outputSize, outputSize)
    {
    }

    /// <summary>Outputs along each side.</summary>
    /// <param name="height">OH.</param>
    /// <param name="width">OW.</param>
    public AdaptiveAveragePool2d(int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        (_height, _width) = (height, width);
    }

    internal override bool BackwardReadsInput => false;

    internal override bool BackwardReadsOutput => false;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        Shape output = new Shape(input[0], input[1], _height, _width).In(input.Layout);
        // Windows of one size that don't overlap are ordinary average pooling.
        bool isEven = input[2] % _height == 0 && input[3] % _width == 0;
        _even = isEven
            ? new AveragePoolingPlan(Pool2dDims.Create(
                input[0], input[1], input[2], input[3], input[2] / _height, input[3] / _width, input[2] / _height, input[3] / _width, layout: input.Layout))
            : null;
        _uneven = isEven ? null : new AdaptivePooling(input, output);
        _binding = new Binding(input, output);
        return output;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        if (_even is not null)
            _even.Forward(x.Span, y.Span, context);
        else
            _uneven!.Forward(x, y, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is null)
            return;
        if (_even is not null)
            _even.Backward(dy.Span, dx.Span, context);
        else
            _uneven!.Backward(dy, dx, context);
    }
}
