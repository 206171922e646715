namespace HybridCnn.Training;

/// <summary>
/// Multiplies the learning rate by a factor when a measure has stopped getting better, PyTorch's ReduceLROnPlateau. Tell it the measure
/// after every epoch: <see cref="Observe"/>.
/// </summary>
public sealed class PlateauSchedule : Schedule
{
    // PyTorch's: smaller changes are not made.
    private const double LeastChange = 1e-8;

    private readonly double _factor, _threshold, _minimum;
    private readonly long _patience, _cooldown;
    private readonly bool _higherIsBetter;
    private double _learningRate, _best;
    private long _badEpochs, _cooling;

    /// <summary>Says what a plateau is, and what then.</summary>
    /// <param name="learningRate">At the beginning.</param>
    /// <param name="factor">What it is multiplied by; from 0 to below 1.</param>
    /// <param name="patience">So many epochs in a row may be no better; one more is a plateau.</param>
    /// <param name="threshold">Better means by so much, as a share of the best.</param>
    /// <param name="cooldown">After a change, so many epochs are not counted.</param>
    /// <param name="minimum">The learning rate doesn't fall below.</param>
    /// <param name="higherIsBetter">Whether the measure is an accuracy; else a loss.</param>
    /// <exception cref="ArgumentException">A number out of range.</exception>
    public PlateauSchedule(
        double learningRate, double factor = 0.1, long patience = 10, double threshold = 1e-4, long cooldown = 0, double minimum = 0, bool higherIsBetter = false)
    {
        if (!(factor >= 0 && factor < 1))
            throw new ArgumentOutOfRangeException(nameof(factor), factor, "Must be from 0 to below 1.");
        ArgumentOutOfRangeException.ThrowIfNegative(patience);
        ArgumentOutOfRangeException.ThrowIfNegative(cooldown);
        (_learningRate, _factor, _threshold) = (Rate(learningRate, nameof(learningRate)), factor, Rate(threshold, nameof(threshold)));
        (_patience, _cooldown, _minimum, _higherIsBetter) = (patience, cooldown, Rate(minimum, nameof(minimum)), higherIsBetter);
        _best = higherIsBetter ? double.NegativeInfinity : double.PositiveInfinity;
        ByEpoch = true;
    }

    /// <summary>"learning_rate", "best", "bad_epochs" and "cooling".</summary>
    public override TrainingState State => new([],
    [
        new NamedNumber("learning_rate", () => _learningRate, value => _learningRate = Rate(value, "learning_rate")),
        new NamedNumber("best", () => _best, value => _best = value),
        NamedNumber.Counter("bad_epochs", () => _badEpochs, value => _badEpochs = value),
        NamedNumber.Counter("cooling", () => _cooling, value => _cooling = value),
    ]);

    /// <inheritdoc/>
    public override void Observe(double measure)
    {
        bool better = _higherIsBetter ? measure > _best * (1 + _threshold) : measure < _best * (1 - _threshold);
        if (better)
            (_best, _badEpochs) = (measure, 0);
        else
            _badEpochs++;
        if (_cooling > 0)
            (_cooling, _badEpochs) = (_cooling - 1, 0);
        if (_badEpochs <= _patience)
            return;
        double lower = Math.Max(_learningRate * _factor, _minimum);
        if (_learningRate - lower > LeastChange)
            _learningRate = lower;
        (_cooling, _badEpochs) = (_cooldown, 0);
    }

    /// <inheritdoc/>
    protected override double RateAt(long time) => _learningRate;
}
