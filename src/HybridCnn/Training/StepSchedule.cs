namespace HybridCnn.Training;

/// <summary>learningRate·gamma^⌊time / length⌋, PyTorch's StepLR.</summary>
/// <param name="learningRate">At the beginning.</param>
/// <param name="length">How long each rate lasts.</param>
/// <param name="gamma">What each is multiplied by.</param>
public sealed class StepSchedule(double learningRate, long length, double gamma = 0.1) : Schedule
{
    private readonly double _learningRate = Rate(learningRate, nameof(learningRate)), _gamma = Rate(gamma, nameof(gamma));
    private readonly long _length = Length(length, nameof(length));

    /// <inheritdoc/>
    protected override double RateAt(long time) => _learningRate * Math.Pow(_gamma, time / _length);
}
