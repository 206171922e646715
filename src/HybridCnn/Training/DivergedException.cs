namespace HybridCnn.Training;

/// <summary>The loss, or the norm of its gradient, is no longer a finite number: the learning rate is too high, or the input holds NaN.</summary>
/// <param name="epoch">Counted from 1.</param>
/// <param name="step">Counted from 1, over all epochs.</param>
/// <param name="loss">The loss.</param>
/// <param name="norm">The norm of the gradient, where it was taken.</param>
public sealed class DivergedException(int epoch, long step, float loss, double norm = 0)
    : Exception($"Training diverged: {(float.IsFinite(loss) ? $"the norm of the gradient is {norm}" : $"the loss is {loss}")} in epoch {epoch}, step {step}. Try a lower learning rate; check the input for NaN.")
{
    /// <summary>Counted from 1.</summary>
    public int Epoch { get; } = epoch;

    /// <summary>Counted from 1, over all epochs.</summary>
    public long Step { get; } = step;

    /// <summary>NaN or infinite, unless the norm is.</summary>
    public float Loss { get; } = loss;

    /// <summary>The norm of the gradient, where it was taken; else 0.</summary>
    public double Norm { get; } = norm;
}
