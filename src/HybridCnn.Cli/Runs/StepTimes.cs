using HybridCnn.Layers;

namespace HybridCnn.Cli.Runs;

/// <summary>Takes the time of every layer during some steps at the start of a training: enough for medians, too few to cost anything.</summary>
internal sealed class StepTimes(Network network)
{
    // The first steps are slower: the runtime compiles what is often called, and memory is touched for the first time.
    private const int WarmSteps = 5, TimedSteps = 20;

    private readonly NetworkTimer _timer = new();
    private int _steps;

    /// <summary>In the order in which they ran; none where the training ended before.</summary>
    public IReadOnlyList<LayerTimes> Layers => _timer.Layers;

    /// <summary>Called after every step.</summary>
    public void StepDone()
    {
        _steps++;
        network.Timer = _steps is >= WarmSteps and < WarmSteps + TimedSteps ? _timer : null;
    }

    /// <summary>Called before the network is used for anything but training.</summary>
    public void Pause() => network.Timer = null;
}
