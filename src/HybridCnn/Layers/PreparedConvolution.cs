using System.Buffers;
using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// A convolution, or a transposed one, as <see cref="Network.Predict"/> runs it. The batch normalization behind it is folded in: its line per channel,
/// y = s·x + t, makes s·w and s·b + t of a channel's weights and bias. The weights are packed or transformed as the algorithm multiplies them, once: until
/// somebody may have written to weights, bias, parameters or running statistics (<see cref="Tensor.Version"/>), or another plan or number of workers serves.
/// Source: Jacob and others, Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018, section 3.2.
/// </summary>
/// <param name="layer">What it stands for.</param>
/// <param name="weights">Its weights.</param>
/// <param name="passFor">Its forward pass in a context.</param>
/// <param name="normalization">What is folded in; null for nothing.</param>
internal sealed class PreparedConvolution(Layer layer, ConvolutionWeights weights, Func<ComputeContext, PreparedPass> passFor, BatchNorm2d? normalization) : Layer
{
    private PreparedPass? _pass;
    private int _workers;
    private long _version;
    private Tensor? _weights;
    private float[] _bias = [];
    private ActivationOperator<CappedReluFunction>? _cap;
    private float _ceiling;

    internal override string Kind => normalization is null ? layer.Kind : $"{layer.Kind}+{nameof(BatchNorm2d)}";

    internal override ConvolutionPlan? PlanOfPasses => layer.PlanOfPasses;

    internal override long Flops => layer.Flops;

    private ReadOnlySpan<float> Weights => _weights is null ? weights.Weight : _weights.ReadOnlySpan;

    private ReadOnlySpan<float> Bias => normalization is null ? weights.Bias : _bias;

    // Each counts up, so that the sum changes as soon as one does.
    private long Version => weights.Version + (normalization?.Version ?? 0);

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
        PreparedPass pass = passFor(context);
        if (_pass != pass || _workers != context.Workers.WorkerCount || _version != Version)
            Prepare(pass, context);
        if (ceiling is not { } cap || float.IsPositiveInfinity(cap) || pass.TakesCeiling)
        {
            pass.Run(x.Span, Weights, Bias, ceiling, y.Span, context);
            return;
        }

        pass.Run(x.Span, Weights, Bias, null, y.Span, context);
        if (_cap is null || _ceiling != cap)
            (_cap, _ceiling) = (new ActivationOperator<CappedReluFunction>(new(cap)), cap);
        _cap.Forward(y, y, context);
    }

    private void Prepare(PreparedPass pass, ComputeContext context)
    {
        // What is seen now is what counts as prepared, whatever is written meanwhile.
        long version = Version;
        _pass = null;
        if (normalization is null)
        {
            if (pass.Floats == 0)
                _weights = null;
            else
                pass.Prepare(weights.Weight, Room(pass.Floats), context);
        }
        else if (pass.Floats == 0)
        {
            Fold(normalization, pass, Room(weights.Weight.Length));
        }
        else
        {
            int count = weights.Weight.Length;
            float[] folded = ArrayPool<float>.Shared.Rent(count);
            Fold(normalization, pass, folded.AsSpan(0, count));
            pass.Prepare(folded.AsSpan(0, count), Room(pass.Floats), context);
            ArrayPool<float>.Shared.Return(folded);
        }

        (_pass, _workers, _version) = (pass, context.Workers.WorkerCount, version);
    }

    // Overwrites weights and bias with those that do the normalization, too.
    private void Fold(BatchNorm2d line, PreparedPass pass, Span<float> folded)
    {
        ReadOnlySpan<float> given = weights.Weight, bias = weights.Bias;
        if (_bias.Length == 0)
            _bias = new float[line.Channels];
        for (int channel = 0; channel < _bias.Length; channel++)
        {
            (double scale, double offset) = line.LineOf(channel);
            (int first, int runs, int length, int distance) = pass.WeightsOf(channel);
            for (int run = first; run < first + runs * distance; run += distance)
            {
                for (int i = run; i < run + length; i++)
                    folded[i] = (float)(scale * given[i]);
            }

            _bias[channel] = (float)(offset + scale * (bias.IsEmpty ? 0 : bias[channel]));
        }
    }

    private Span<float> Room(long floats)
    {
        if (_weights is null || _weights.Shape.Count != floats)
            _weights = new Tensor(new Shape(checked((int)floats)));
        return _weights.Span;
    }
}
