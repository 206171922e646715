using HybridCnn.Kernels;

namespace HybridCnn.Training;

/// <summary>
/// The mean of -t·log σ(x) - (1 - t)·log(1 - σ(x)), PyTorch's BCEWithLogitsLoss: every class is a question of its own, answered by a
/// logit. Stable for logits of any finite size. Targets lie between 0 and 1.
/// </summary>
public sealed class BinaryCrossEntropy : ElementwiseLoss
{
    private protected override double Sum(ReadOnlySpan<float> x, ReadOnlySpan<float> target, float scale, Span<float> dx) =>
        ElementLoss.Sum(default(BinaryCrossEntropyFunction), x, target, scale, dx);
}
