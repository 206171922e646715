using HybridCnn.Kernels;

namespace HybridCnn.Training;

/// <summary>The mean of |x - t|, PyTorch's L1Loss; the slope where they are equal is 0.</summary>
public sealed class MeanAbsoluteError : ElementwiseLoss
{
    private protected override double Sum(ReadOnlySpan<float> x, ReadOnlySpan<float> target, float scale, Span<float> dx) =>
        ElementLoss.Sum(default(AbsoluteLoss), x, target, scale, dx);
}
