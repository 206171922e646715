using HybridCnn.Operators;
using HybridCnn.Tensors;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp;

/// <summary>One forward pass of a batch normalization, and the backward pass that belongs to it. Saves x, weight and bias; the statistics it keeps itself.</summary>
internal sealed class BatchNormalizationCall(HybridBatchNorm2d module, BatchNormalizationPlan plan, bool fromBatch, double share, Tensor x)
    : HybridCall(module, x, module.Weight, module.Bias)
{
    private readonly float[] _state = new float[plan.StateLength];

    public override Tensor Forward(Tensor x, Tensor? weight, Tensor? bias, List<Tensor?> saved)
    {
        Layout layout = plan.Shape.Layout;
        Tensor y = Images.Empty(plan.Shape);
        using Images images = Images.In(layout, x), result = Images.In(layout, y);
        Module.NoteConversion(images.Converted);
        ReadOnlySpan<float> scale = Images.FloatsOf(weight), offset = Images.FloatsOf(bias);
        Span<float> mean = Images.FloatsOf(module.RunningMean), variance = Images.FloatsOf(module.RunningVariance);
        if (fromBatch)
            plan.ForwardTraining(images.Floats, scale, offset, mean, variance, share, result.Floats, _state, Module.Context, module.HasRelu);
        else
            plan.ForwardEvaluation(images.Floats, scale, offset, mean, variance, result.Floats, _state, Module.Context, module.HasRelu);
        saved.AddRange([x, weight, bias]);
        return y;
    }

    public override Tensor?[] Backward(IReadOnlyList<Tensor?> saved, Tensor dy)
    {
        Layout layout = plan.Shape.Layout;
        int channels = plan.Shape[1];
        using Images images = Images.In(layout, saved[0]!), dImages = Images.In(layout, dy);
        Module.NoteConversion(dImages.Converted);
        Tensor? dx = NeedsX ? Images.Empty(plan.Shape) : null, dWeight = NeedsWeight ? Images.Zeros(channels) : null, dBias = NeedsBias ? Images.Zeros(channels) : null;
        if (dx is null)
        {
            plan.Backward(images.Floats, dImages.Floats, _state, [], Images.FloatsOf(dWeight), Images.FloatsOf(dBias), Module.Context);
        }
        else
        {
            using Images result = Images.In(layout, dx);
            plan.Backward(images.Floats, dImages.Floats, _state, result.Floats, Images.FloatsOf(dWeight), Images.FloatsOf(dBias), Module.Context);
        }

        return [dx, dWeight, dBias];
    }

    public override Tensor ByTorch(IReadOnlyList<Tensor?> saved)
    {
        Tensor normalized = fromBatch
            ? nn.functional.batch_norm(saved[0]!, null, null, saved[1], saved[2], training: true, momentum: 0, plan.Epsilon)
            : ByStatistics(saved[0]!, saved[1], saved[2]);
        return module.HasRelu ? nn.functional.relu(normalized) : normalized;
    }

    // As the running statistics were: they may have moved since.
    private Tensor ByStatistics(Tensor x, Tensor? weight, Tensor? bias)
    {
        int channels = plan.Shape[1];
        Tensor PerChannel(Tensor values) => values.reshape(1, channels, 1, 1);
        Tensor y = (x - PerChannel(tensor(_state[..channels]))) * PerChannel(tensor(_state[channels..(2 * channels)]));
        y = weight is null ? y : y * PerChannel(weight);
        return bias is null ? y : y + PerChannel(bias);
    }
}
