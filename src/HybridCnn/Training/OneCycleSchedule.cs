namespace HybridCnn.Training;

/// <summary>
/// One cycle (Smith and Topin, Super-convergence, 2018), PyTorch's OneCycleLR: from highest / divisor up to the highest rate, and down to
/// a tiny one. The optimizer's momentum stays as it is, PyTorch's cycle_momentum=False.
/// </summary>
/// <param name="highest">The highest learning rate.</param>
/// <param name="length">All times of the cycle; the last one, length - 1, has the lowest rate.</param>
/// <param name="rising">The share of the time in which the rate rises, above 0 and below 1.</param>
/// <param name="divisor">Of the highest rate, at the beginning.</param>
/// <param name="finalDivisor">Of the first rate, at the end.</param>
/// <param name="linear">Along straight lines instead of half cosines.</param>
public sealed class OneCycleSchedule(
    double highest, long length, double rising = 0.3, double divisor = 25, double finalDivisor = 1e4, bool linear = false) : Schedule
{
    private readonly double _highest = Rate(highest, nameof(highest)), _first = highest / Above0(divisor, nameof(divisor));
    private readonly double _last = highest / divisor / Above0(finalDivisor, nameof(finalDivisor));
    private readonly long _length = Length(length, nameof(length));
    private readonly double _peak = rising > 0 && rising < 1
        ? rising * length - 1
        : throw new ArgumentOutOfRangeException(nameof(rising), rising, "Must be above 0 and below 1.");

    /// <inheritdoc/>
    protected override double RateAt(long time)
    {
        time = Math.Min(time, _length - 1);
        return time <= _peak && _peak > 0
            ? Between(_first, _highest, time / _peak)
            : Between(_highest, _last, (time - _peak) / (_length - 1 - _peak));
    }

    private double Between(double start, double end, double share) => linear ? (end - start) * share + start : Cosine(start, end, share);

    private static double Above0(double value, string name) => double.IsFinite(value) && value > 0
        ? value
        : throw new ArgumentOutOfRangeException(name, value, "Must be finite and above 0.");
}
