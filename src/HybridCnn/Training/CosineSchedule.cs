namespace HybridCnn.Training;

/// <summary>
/// From the learning rate to the minimum along half a cosine (Loshchilov and Hutter, SGDR, 2017, without restarts), PyTorch's
/// CosineAnnealingLR up to its end; afterwards the minimum, where PyTorch's rises again.
/// </summary>
/// <param name="learningRate">At the beginning.</param>
/// <param name="length">When the minimum is reached.</param>
/// <param name="minimum">At the end.</param>
public sealed class CosineSchedule(double learningRate, long length, double minimum = 0) : Schedule
{
    private readonly double _learningRate = Rate(learningRate, nameof(learningRate)), _minimum = Rate(minimum, nameof(minimum));
    private readonly long _length = Length(length, nameof(length));

    /// <inheritdoc/>
    protected override double RateAt(long time) => Cosine(_learningRate, _minimum, (double)Math.Min(time, _length) / _length);
}
