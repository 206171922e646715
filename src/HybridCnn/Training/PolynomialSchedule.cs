namespace HybridCnn.Training;

/// <summary>learningRate·(1 - time / length)^power, PyTorch's PolynomialLR; 0 from its end on.</summary>
/// <param name="learningRate">At the beginning.</param>
/// <param name="length">When 0 is reached.</param>
/// <param name="power">1 for a straight line.</param>
public sealed class PolynomialSchedule(double learningRate, long length, double power = 1) : Schedule
{
    private readonly double _learningRate = Rate(learningRate, nameof(learningRate)), _power = Rate(power, nameof(power));
    private readonly long _length = Length(length, nameof(length));

    /// <inheritdoc/>
    protected override double RateAt(long time) => _learningRate * Math.Pow(1 - (double)Math.Min(time, _length) / _length, _power);
}
