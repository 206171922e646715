using System.Buffers;
using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// A convolution as <see cref="Network.Predict"/> runs it. The batch normalization behind it is folded in: its line per channel, y = s·x + t, makes s·w and
/// s·b + t of a filter's weights and bias. The weights are packed or transformed as the algorithm multiplies them, once: until somebody may have written to
/// weights, bias, parameters or running statistics (<see cref="Tensor.Version"/>), or another plan serves.
/// Source: Jacob and others, Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018, section 3.2.
/// </summary>
internal sealed class PreparedConv2d(PlannedConvolution convolution, BatchNorm2d? normalization) : Layer
{
    private ConvolutionPlan? _plan;
    private long _version;
    private Tensor? _weights;
    private float[] _bias = [];
    private ActivationOperator<CappedReluFunction>? _cap;
    private float _ceiling;

    internal override string Kind => normalization is null ? nameof(Conv2d) : $"{nameof(Conv2d)}+{nameof(BatchNorm2d)}";

    internal override ConvolutionPlan? PlanOfPasses => convolution.Plan;

    private ReadOnlySpan<float> Weights => _weights is null ? convolution.Weights.Weight : _weights.ReadOnlySpan;

    private ReadOnlySpan<float> Bias => normalization is null ? convolution.Weights.Bias : _bias;

    // Each counts up, so that the sum changes as soon as one does.
    private long Version => convolution.Weights.Version + (normalization?.Version ?? 0);

    /// <summary>It stands for layers that are bound.</summary>
    public override Shape Bind(Shape input) => throw new NotSupportedException("Bind the convolution itself.");

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context) => Run(x, y, null, context);

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context) =>
        throw new NotSupportedException("Prediction has no backward pass.");

    internal override void ForwardRelu(Tensor x, Tensor y, float ceiling, ComputeContext context) => Run(x, y, ceiling, context);

    private void Run(Tensor x, Tensor y, float? ceiling, ComputeContext context)
    {
        ConvolutionPlan plan = convolution.PlanFor(context);
        if (_plan != plan || _version != Version)
            Prepare(plan, context);
        if (ceiling is not { } cap || float.IsPositiveInfinity(cap) || plan.TakesCeiling)
        {
            plan.ForwardPrepared(x.Span, Weights, Bias, ceiling, y.Span, context);
            return;
        }

        plan.ForwardPrepared(x.Span, Weights, Bias, null, y.Span, context);
        if (_cap is null || _ceiling != cap)
            (_cap, _ceiling) = (new ActivationOperator<CappedReluFunction>(new(cap)), cap);
        _cap.Forward(y, y, context);
    }

    private void Prepare(ConvolutionPlan plan, ComputeContext context)
    {
        // What is seen now is what counts as prepared, whatever is written meanwhile.
        long version = Version;
        _plan = null;
        if (normalization is null)
        {
            if (plan.PreparedFloats == 0)
                _weights = null;
            else
                plan.Prepare(convolution.Weights.Weight, Room(plan.PreparedFloats), context);
        }
        else if (plan.PreparedFloats == 0)
        {
            Fold(normalization, Room(convolution.Weights.Weight.Length));
        }
        else
        {
            int count = convolution.Weights.Weight.Length;
            float[] folded = ArrayPool<float>.Shared.Rent(count);
            Fold(normalization, folded.AsSpan(0, count));
            plan.Prepare(folded.AsSpan(0, count), Room(plan.PreparedFloats), context);
            ArrayPool<float>.Shared.Return(folded);
        }

        (_plan, _version) = (plan, version);
    }

    // Overwrites weights and bias with those that do the normalization, too.
    private void Fold(BatchNorm2d line, Span<float> folded)
    {
        ReadOnlySpan<float> weights = convolution.Weights.Weight, bias = convolution.Weights.Bias;
        if (_bias.Length == 0)
            _bias = new float[line.Channels];
        int size = weights.Length / _bias.Length;
        for (int filter = 0; filter < _bias.Length; filter++)
        {
            (double scale, double offset) = line.LineOf(filter);
            for (int i = filter * size; i < (filter + 1) * size; i++)
                folded[i] = (float)(scale * weights[i]);
            _bias[filter] = (float)(offset + scale * (bias.IsEmpty ? 0 : bias[filter]));
        }
    }

    private Span<float> Room(long floats)
    {
        if (_weights is null || _weights.Shape.Count != floats)
            _weights = new Tensor(new Shape(checked((int)floats)));
        return _weights.Span;
    }
}
