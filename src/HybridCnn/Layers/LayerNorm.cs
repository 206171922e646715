using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Normalization over the last extents of x: y = (x − mean)·weight/√(variance + epsilon) + bias, with mean and (biased) variance over them, and a weight and a bias for
/// each of their elements. As in PyTorch; the same in training and evaluation. Images may be in NHWC order where all of [C, H, W] is normalized.
/// Source: Ba, Kiros, Hinton, Layer Normalization, 2016.
/// </summary>
public sealed class LayerNorm : Layer
{
    private readonly Shape _normalized;
    private readonly double _epsilon;
    private readonly AffineWeights _weights;
    private LayerNormalization? _operator;
    private Binding _binding;

    /// <summary>Starts with weight 1 and bias 0.</summary>
    /// <param name="normalizedShape">The last one to three extents of x.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="affine">Whether there are weight and bias.</param>
    public LayerNorm(int[] normalizedShape, double epsilon = 1e-5, bool affine = true)
    {
        ArgumentNullException.ThrowIfNull(normalizedShape);
        if (normalizedShape.Length is < 1 or > 3)
            throw new ArgumentException($"LayerNorm normalizes one to three extents; got {normalizedShape.Length}.", nameof(normalizedShape));
        ArgumentOutOfRangeException.ThrowIfLessThan(epsilon, 0);
        (_normalized, _epsilon) = (new Shape(normalizedShape), epsilon);
        _weights = new AffineWeights(_normalized, affine);
    }

    /// <summary>weight and bias of the normalized shape, if there are any.</summary>
    public override IReadOnlyList<Parameter> Parameters => _weights.Parameters;

    internal override bool BackwardReadsOutput => false;

    internal override bool ForwardInPlace => true;

    internal override bool BackwardInPlace => true;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => _normalized.Rank == 3 ? input.Layout : Layout.Nchw;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireBatch(this, input);
        bool fits = input.Rank > _normalized.Rank;
        for (int axis = 1; fits && axis <= _normalized.Rank; axis++)
            fits = input[input.Rank - axis] == _normalized[_normalized.Rank - axis];
        if (!fits)
            throw new ArgumentException($"LayerNorm normalizes {_normalized}; {input} doesn't end in it.", nameof(input));
        if (_normalized.Rank < 3)
            InputShape.RequireNchw(this, input);
        if (_operator is null || _binding.Input != input)
            _operator = new LayerNormalization(input, _normalized.Count, _epsilon);
        _binding = new Binding(input, input);
        return input;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _operator!.Forward(x, _weights.Weight, _weights.Bias, y, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        _operator!.Backward(x, dy, _weights.Weight, _weights.WeightGradient, _weights.BiasGradient, dx, context);
    }
}
