using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// y = x / (k + alpha/size·Σ x²)^beta, the sum over <c>size</c> channels around the element's own, those outside counting as 0; x [N, C, H, W] in either layout. As in PyTorch
/// (whose alpha is size times the paper's). Source: Krizhevsky, Sutskever, Hinton, ImageNet classification with deep convolutional neural networks, 2012.
/// </summary>
public sealed class LocalResponseNorm : Layer
{
    private readonly ResponseNormalization _operator;
    private Binding _binding;

    /// <summary>Size/2 channels before an element's own count, and (size − 1)/2 behind it.</summary>
    /// <param name="size">Channels that are summed.</param>
    /// <param name="alpha">Weight of their mean.</param>
    /// <param name="beta">The exponent.</param>
    /// <param name="k">What the sum starts from, above 0.</param>
    public LocalResponseNorm(int size, double alpha = 1e-4, double beta = 0.75, double k = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(alpha);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        _operator = new ResponseNormalization(size, (float)(alpha / size), (float)beta, (float)k);
    }

    internal override bool BackwardReadsOutput => false;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        _binding = new Binding(input, input);
        return input;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _operator.Forward(x, y, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is not null)
            _operator.Backward(x, dy, dx, context);
    }
}
