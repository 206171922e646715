namespace HybridCnn.Training;

/// <summary>
/// The learning rate over time, counted in steps or in epochs. PyTorch's values in double; what they say beyond the end, a schedule
/// with an end keeps its last value.
/// </summary>
public abstract class Schedule
{
    /// <summary>Whether time is counted in epochs; else in steps.</summary>
    public bool ByEpoch { get; init; }

    /// <summary>What must be saved besides the time; empty unless the schedule listens.</summary>
    public virtual TrainingState State => TrainingState.Empty;

    /// <summary>The learning rate of a step or an epoch.</summary>
    /// <param name="time">Steps or epochs before, from 0.</param>
    public double At(long time)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(time);
        return RateAt(time);
    }

    /// <summary>Tells the schedule how an epoch went. Most don't listen; <see cref="PlateauSchedule"/> does.</summary>
    /// <param name="measure">A loss or an accuracy, as the schedule was told.</param>
    public virtual void Observe(double measure)
    {
    }

    /// <summary><see cref="At"/>, for a time that isn't negative.</summary>
    protected abstract double RateAt(long time);

    /// <summary>Throws unless <paramref name="value"/> is finite and not negative.</summary>
    private protected static double Rate(double value, string name) => double.IsFinite(value) && value >= 0
        ? value
        : throw new ArgumentOutOfRangeException(name, value, "Must be finite and not negative.");

    /// <summary>Throws unless <paramref name="value"/> is at least 1.</summary>
    private protected static long Length(long value, string name) => value >= 1
        ? value
        : throw new ArgumentOutOfRangeException(name, value, "Must be at least 1.");

    /// <summary>From <paramref name="start"/> to <paramref name="end"/> along half a cosine, for a share of the way from 0 to 1.</summary>
    private protected static double Cosine(double start, double end, double share) => end + (start - end) / 2 * (1 + Math.Cos(Math.PI * share));
}
