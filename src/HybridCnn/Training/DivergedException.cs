namespace HybridCnn.Training;

/// <summary>The loss is no longer a finite number: the learning rate is too high, or the input holds NaN.</summary>
/// <param name="epoch">Counted from 1.</param>
/// <param name="step">Counted from 1, over all epochs.</param>
/// <param name="loss">NaN or infinite.</param>
public sealed class DivergedException(int epoch, long step, float loss)
    : Exception($"Training diverged: the loss is {loss} in epoch {epoch}, step {step}. Try a lower learning rate; check the input for NaN.")
{
    /// <summary>Counted from 1.</summary>
    public int Epoch { get; } = epoch;

    /// <summary>Counted from 1, over all epochs.</summary>
    public long Step { get; } = step;

    /// <summary>NaN or infinite.</summary>
    public float Loss { get; } = loss;
}
