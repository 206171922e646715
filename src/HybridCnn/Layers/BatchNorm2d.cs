using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Batch normalization of images [N, C, H, W] in either layout: y = (x − mean)·weight/√(variance + epsilon) + bias, per channel.
/// While <see cref="ComputeContext.IsTraining"/>, mean and (biased) variance are the batch's, and the running ones move towards
/// them, the variance unbiased; else they are the running ones. As in PyTorch. Source: Ioffe, Szegedy, Batch Normalization, 2015.
/// </summary>
public sealed class BatchNorm2d : Layer
{
    private readonly double _epsilon, _momentum;
    private readonly AffineWeights _weights;
    private readonly Parameter[] _buffers;
    private BatchNormalization? _operator;
    private Binding _binding;

    /// <summary>Starts with weight 1, bias 0, running mean 0 and running variance 1.</summary>
    /// <param name="channels">C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="momentum">The new batch's share in the running statistics, 0 to 1.</param>
    /// <param name="affine">Whether there are weight and bias.</param>
    public BatchNorm2d(int channels, double epsilon = 1e-5, double momentum = 0.1, bool affine = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(epsilon, 0);
        ArgumentOutOfRangeException.ThrowIfLessThan(momentum, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(momentum, 1);
        (_epsilon, _momentum, Channels) = (epsilon, momentum, channels);
        var perChannel = new Shape(channels);
        _buffers = [new Parameter("running_mean", perChannel), new Parameter("running_var", perChannel)];
        _buffers[1].Value.Span.Fill(1);
        _weights = new AffineWeights(perChannel, affine);
    }

    /// <summary>C.</summary>
    public int Channels { get; }

    /// <summary>weight [C] and bias [C], if there are any.</summary>
    public override IReadOnlyList<Parameter> Parameters => _weights.Parameters;

    /// <summary>running_mean [C] and running_var [C].</summary>
    public override IReadOnlyList<Parameter> Buffers => _buffers;

    internal double Epsilon => _epsilon;

    /// <summary>Another number whenever parameters or running statistics may have changed.</summary>
    internal long Version => _buffers[0].Value.Version + _buffers[1].Value.Version + _weights.Version;

    internal override ReluFusion ReluFusion => ReluFusion.Both;

    internal override bool BackwardReadsOutput => false;

    internal override bool ForwardInPlace => true;

    internal override bool BackwardInPlace => true;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        if (input[1] != Channels)
            throw new ArgumentException($"BatchNorm2d has {Channels} channels; {input} has {input[1]}.", nameof(input));
        if (_operator is null || _binding.Input != input)
            _operator = new BatchNormalization(input, _epsilon);
        _binding = new Binding(input, input);
        return input;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context) => Forward(x, y, relu: null, context);

    internal override void ForwardRelu(Tensor x, Tensor y, float ceiling, ComputeContext context) => Forward(x, y, ceiling, context);

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        using ComputeContext.Claim claim = context.Enter();
        _operator!.Backward(x.ReadOnlySpan, dy.ReadOnlySpan, _weights.WeightGradient, _weights.BiasGradient, dx is null ? [] : dx.Span, context);
    }

    /// <summary>What evaluation makes of a channel: y = scale·x + offset.</summary>
    internal (double Scale, double Offset) LineOf(int channel)
    {
        double scale = (_weights.Weight.IsEmpty ? 1 : _weights.Weight[channel]) / Math.Sqrt(_buffers[1].Value.ReadOnlySpan[channel] + _epsilon);
        return (scale, (_weights.Bias.IsEmpty ? 0 : _weights.Bias[channel]) - _buffers[0].Value.ReadOnlySpan[channel] * scale);
    }

    private void Forward(Tensor x, Tensor y, float? relu, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        ReadOnlySpan<float> weight = _weights.Weight, bias = _weights.Bias;
        using ComputeContext.Claim claim = context.Enter();
        if (context.IsTraining && context.IsRecomputing)
            _operator!.ForwardTraining(x.ReadOnlySpan, weight, bias, [], [], _momentum, relu, y.Span, context);
        else if (context.IsTraining)
            _operator!.ForwardTraining(x.ReadOnlySpan, weight, bias, _buffers[0].Value.Span, _buffers[1].Value.Span, _momentum, relu, y.Span, context);
        else
            _operator!.ForwardFixed(x.ReadOnlySpan, weight, bias, _buffers[0].Value.ReadOnlySpan, _buffers[1].Value.ReadOnlySpan, relu, y.Span, context);
    }
}
