namespace HybridCnn.Training;

/// <summary>The same learning rate for ever.</summary>
/// <param name="learningRate">Finite and not negative.</param>
public sealed class ConstantSchedule(double learningRate) : Schedule
{
    private readonly double _learningRate = Rate(learningRate, nameof(learningRate));

    /// <inheritdoc/>
    protected override double RateAt(long time) => _learningRate;
}
