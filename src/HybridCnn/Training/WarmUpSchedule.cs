namespace HybridCnn.Training;

/// <summary>
/// A schedule after a linear rise from a small part of its first rate (Goyal et al., Accurate, large minibatch SGD, 2017): PyTorch's
/// SequentialLR of LinearLR and the schedule, whose own time begins when the rise ends.
/// </summary>
public sealed class WarmUpSchedule : Schedule
{
    private readonly Schedule _schedule;
    private readonly long _length;
    private readonly double _start;

    /// <summary>Puts a rise before a schedule, whose steps or epochs it takes over.</summary>
    /// <param name="schedule">What follows.</param>
    /// <param name="length">How long the rise is.</param>
    /// <param name="start">The first rate's share of the schedule's first rate, from 0 to 1.</param>
    /// <exception cref="ArgumentException">A number out of range.</exception>
    public WarmUpSchedule(Schedule schedule, long length, double start = 0.01)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        if (!(start >= 0 && start <= 1))
            throw new ArgumentOutOfRangeException(nameof(start), start, "Must be from 0 to 1.");
        (_schedule, _length, _start) = (schedule, Length(length, nameof(length)), start);
        ByEpoch = schedule.ByEpoch;
    }

    /// <inheritdoc/>
    public override TrainingState State => _schedule.State;

    /// <inheritdoc/>
    public override void Observe(double measure) => _schedule.Observe(measure);

    /// <inheritdoc/>
    protected override double RateAt(long time) => time < _length
        ? _schedule.At(0) * (_start + (1 - _start) * time / _length)
        : _schedule.At(time - _length);
}
