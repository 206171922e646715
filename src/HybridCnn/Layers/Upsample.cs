using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>Larger images, x [N, C, H, W] → y [N, C, H·scale, W·scale], in either layout. As in PyTorch, with align_corners = false.</summary>
public sealed class Upsample : Layer
{
    private readonly (int Height, int Width) _scale;
    private readonly UpsampleMode _mode;
    private UpsampleOperator? _operator;
    private Binding _binding;

    /// <summary>The same factor along both sides.</summary>
    public Upsample(int scale, UpsampleMode mode = UpsampleMode.Nearest)
        : this((scale, scale), mode)
    {
    }

    /// <summary>A factor for each side.</summary>
    /// <param name="scale">Each at least 1.</param>
    /// <param name="mode">What lies between the pixels.</param>
    public Upsample((int Height, int Width) scale, UpsampleMode mode = UpsampleMode.Nearest)
    {
        _scale = ConvolutionSettings.AtLeast(1, scale, nameof(scale));
        if (mode is not (UpsampleMode.Nearest or UpsampleMode.Bilinear))
            throw new ArgumentOutOfRangeException(nameof(mode), mode, "No such mode.");
        _mode = mode;
    }

    internal override bool BackwardReadsInput => false;

    internal override bool BackwardReadsOutput => false;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        Shape output = new Shape(input[0], input[1], checked(input[2] * _scale.Height), checked(input[3] * _scale.Width)).In(input.Layout);
        _operator = new UpsampleOperator(input, output, isBilinear: _mode == UpsampleMode.Bilinear);
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
