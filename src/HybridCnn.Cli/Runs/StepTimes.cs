using HybridCnn.Layers;

namespace HybridCnn.Cli.Runs;

/// <summary>
/// Takes the time of every layer during some steps of a training: enough for medians, too few to cost anything. Not the first ones, in which the runtime
/// still compiles what is often called.
/// </summary>
/// <param name="network">The one that is trained.</param>
/// <param name="steps">How many steps this process is to make.</param>
internal sealed class StepTimes(Network network, long steps)
{
    // By then the loops of the kernels have been compiled at their best, which the runtime does in the background.
    private const int WarmSteps = 200, TimedSteps = 20, LeastWarmSteps = 5;

    private readonly NetworkTimer _timer = new();
    private readonly long _first = Math.Clamp(steps - TimedSteps, LeastWarmSteps, WarmSteps);
    private long _done;

    /// <summary>In the order in which they ran; none where the training ended before.</summary>
    public IReadOnlyList<LayerTimes> Layers => _timer.Layers;

    /// <summary>Which steps were timed, in words.</summary>
    public string Moment => $"{Math.Min(TimedSteps, _done - _first)} steps after the first {_first}{(_first < WarmSteps ? ", in which the runtime was still compiling" : "")}";

    /// <summary>Called before the first step of an epoch, or of what is left of one.</summary>
    public void Start() => network.Timer = _done >= _first && _done < _first + TimedSteps ? _timer : null;

    /// <summary>Called after every step.</summary>
    public void StepDone()
    {
        _done++;
        Start();
    }

    /// <summary>Called before the network is used for anything but training.</summary>
    public void Pause() => network.Timer = null;
}
