using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Normalization over groups of channels of each image by itself, [N, C, H, W] in either layout, [N, C, L] or [N, C]: y = (x − mean)·weight/√(variance + epsilon) +
/// bias, with mean and (biased) variance of the group, weight and bias per channel. As in PyTorch; the same in training and evaluation.
/// Source: Wu, He, Group Normalization, 2018. As many groups as channels give instance normalization.
/// </summary>
public sealed class GroupNorm : Layer
{
    private readonly int _groups;
    private readonly double _epsilon;
    private readonly AffineWeights _weights;
    private GroupNormalization? _operator;
    private Binding _binding;

    /// <summary>Starts with weight 1 and bias 0.</summary>
    /// <param name="groups">Divides the channels.</param>
    /// <param name="channels">C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="affine">Whether there are weight and bias.</param>
    public GroupNorm(int groups, int channels, double epsilon = 1e-5, bool affine = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(groups, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(epsilon, 0);
        if (channels % groups != 0)
            throw new ArgumentException($"groups must divide channels; got groups = {groups}, channels = {channels}.", nameof(groups));
        (_groups, _epsilon, Channels) = (groups, epsilon, channels);
        _weights = new AffineWeights(new Shape(channels), affine);
    }

    /// <summary>C.</summary>
    public int Channels { get; }

    /// <summary>weight [C] and bias [C], if there are any.</summary>
    public override IReadOnlyList<Parameter> Parameters => _weights.Parameters;

    internal override bool BackwardReadsOutput => false;

    internal override bool ForwardInPlace => true;

    internal override bool BackwardInPlace => true;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireBatch(this, input);
        InputShape.RequireChannels(this, input, Channels);
        if (_operator is null || _binding.Input != input)
            _operator = new GroupNormalization(input, _groups, _epsilon);
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
