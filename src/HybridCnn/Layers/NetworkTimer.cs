using System.Diagnostics;
using HybridCnn.Compute;

namespace HybridCnn.Layers;

/// <summary>
/// Notes how long every layer of a network takes, as the layers run in it: fused, over shared buffers, networks inside laid open. It costs some
/// hundred nanoseconds a layer and allocates. See <see cref="Network.Timer"/>.
/// </summary>
public sealed class NetworkTimer
{
    private readonly Dictionary<(NetworkStep Step, bool IsSum), LayerTimes> _times = [];
    private readonly List<LayerTimes> _layers = [];

    /// <summary>In the order in which they first ran.</summary>
    public IReadOnlyList<LayerTimes> Layers => _layers;

    /// <summary>Forgets everything: after the first passes, which are slower.</summary>
    public void Clear()
    {
        _times.Clear();
        _layers.Clear();
    }

    internal void NoteForward(NetworkStep step, NetworkWiring wiring, long start) =>
        Of(step, wiring, isSum: false).AddForward(Stopwatch.GetElapsedTime(start).TotalMilliseconds);

    /// <param name="step">Whose backward pass it was, or who made the value whose gradients were added.</param>
    /// <param name="wiring">Knows the shapes.</param>
    /// <param name="isSum">Whether gradients were added, or went through a ReLU.</param>
    /// <param name="start">When it began.</param>
    /// <param name="context">Knows when the gradient of the weights was done.</param>
    internal void NoteBackward(NetworkStep step, NetworkWiring wiring, bool isSum, long start, ComputeContext context)
    {
        long end = Stopwatch.GetTimestamp(), between = context.WeightsDone > start ? context.WeightsDone : start;
        Of(step, wiring, isSum).AddBackward(
            Stopwatch.GetElapsedTime(between, end).TotalMilliseconds, Stopwatch.GetElapsedTime(start, between).TotalMilliseconds);
    }

    /// <summary>Of a forward pass that runs again for the backward pass, which it counts as a part of.</summary>
    internal void NoteAgain(NetworkStep step, NetworkWiring wiring, long start) =>
        Of(step, wiring, isSum: false).Again = Stopwatch.GetElapsedTime(start).TotalMilliseconds;

    private LayerTimes Of(NetworkStep step, NetworkWiring wiring, bool isSum)
    {
        if (_times.TryGetValue((step, isSum), out LayerTimes? times))
            return times;
        string kind = isSum ? "Sum of gradients" : step.FullTypeName;
        times = new LayerTimes(step.Name, kind, wiring.ShapeOf(step.Output));
        _times.Add((step, isSum), times);
        _layers.Add(times);
        return times;
    }
}
