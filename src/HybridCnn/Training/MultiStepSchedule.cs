namespace HybridCnn.Training;

/// <summary>The learning rate is multiplied by gamma at each milestone, PyTorch's MultiStepLR.</summary>
public sealed class MultiStepSchedule : Schedule
{
    private readonly double _learningRate, _gamma;
    private readonly long[] _milestones;

    /// <summary>Says when.</summary>
    /// <param name="learningRate">At the beginning.</param>
    /// <param name="milestones">The times from which on, rising; one that stands here twice counts twice.</param>
    /// <param name="gamma">What the rate is multiplied by.</param>
    /// <exception cref="ArgumentException">Milestones that fall or are negative, or a number out of range.</exception>
    public MultiStepSchedule(double learningRate, IReadOnlyList<long> milestones, double gamma = 0.1)
    {
        ArgumentNullException.ThrowIfNull(milestones);
        _learningRate = Rate(learningRate, nameof(learningRate));
        _gamma = Rate(gamma, nameof(gamma));
        _milestones = [.. milestones];
        for (int i = 0; i < _milestones.Length; i++)
        {
            if (_milestones[i] < (i == 0 ? 0 : _milestones[i - 1]))
                throw new ArgumentException($"Milestones must rise from 0; got {string.Join(", ", _milestones)}.", nameof(milestones));
        }
    }

    /// <inheritdoc/>
    protected override double RateAt(long time)
    {
        int passed = 0;
        while (passed < _milestones.Length && _milestones[passed] <= time)
            passed++;
        return _learningRate * Math.Pow(_gamma, passed);
    }
}
