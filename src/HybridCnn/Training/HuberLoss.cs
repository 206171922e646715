using HybridCnn.Kernels;

namespace HybridCnn.Training;

/// <summary>
/// The mean of d²/2 up to |d| = delta and of delta·(|d| - delta/2) beyond, with d = x - t (Huber, Robust estimation of a location
/// parameter, 1964); PyTorch's HuberLoss.
/// </summary>
public sealed class HuberLoss : ElementwiseLoss
{
    /// <summary>Says where the parabola ends.</summary>
    /// <param name="delta">Finite and above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">Anything else.</exception>
    public HuberLoss(float delta = 1)
    {
        if (!(delta > 0 && float.IsFinite(delta)))
            throw new ArgumentOutOfRangeException(nameof(delta), delta, "Must be finite and above 0.");
        Delta = delta;
    }

    /// <summary>Where the parabola ends.</summary>
    public float Delta { get; }

    private protected override double Sum(ReadOnlySpan<float> x, ReadOnlySpan<float> target, float scale, Span<float> dx) =>
        ElementLoss.Sum(new HuberFunction(Delta), x, target, scale, dx);
}
