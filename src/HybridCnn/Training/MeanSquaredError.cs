using HybridCnn.Kernels;

namespace HybridCnn.Training;

/// <summary>The mean of (x - t)², PyTorch's MSELoss.</summary>
public sealed class MeanSquaredError : ElementwiseLoss
{
    private protected override double Sum(ReadOnlySpan<float> x, ReadOnlySpan<float> target, float scale, Span<float> dx) =>
        ElementLoss.Sum(default(SquaredLoss), x, target, scale, dx);
}
