using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Where the values of a forward pass lie. x and y are the caller's. A layer that may writes over its input where nobody needs that any more, and a
/// view lies where its input lies. For training, what the backward pass reads is kept; for prediction nothing is.
/// </summary>
internal sealed class ActivationPlan
{
    private readonly NetworkWiring _wiring;
    private readonly PlannedBuffer?[] _buffers;
    private readonly Tensor?[] _tensors;

    public ActivationPlan(NetworkWiring wiring, bool isTraining)
    {
        _wiring = wiring;
        _buffers = new PlannedBuffer?[wiring.ValueCount];
        _tensors = new Tensor?[wiring.ValueCount];
        var lastReader = new int[wiring.ValueCount];
        for (int time = 0; time < wiring.Steps.Count; time++)
        {
            foreach (int input in wiring.Steps[time].Inputs)
                lastReader[input] = isTraining && wiring.Steps[time].BackwardReadsInput ? PlannedBuffer.Kept : Math.Max(lastReader[input], time);
        }

        for (int time = 0; time < wiring.Steps.Count; time++)
        {
            NetworkStep step = wiring.Steps[time];
            if (step.Output == wiring.Output)
                continue;
            PlannedBuffer buffer = _buffers[step.Output] = Place(step, time);
            buffer.NeedAt(isTraining && step.BackwardReadsOutput ? PlannedBuffer.Kept : lastReader[step.Output]);
        }
    }

    public IEnumerable<PlannedBuffer> Buffers => _buffers.OfType<PlannedBuffer>().Distinct();

    /// <summary>Makes the memory, once all buffers have their places.</summary>
    public void Allocate()
    {
        for (int value = 0; value < _tensors.Length; value++)
            _tensors[value] = _buffers[value]?.In(_wiring.ShapeOf(value));
    }

    /// <summary>Whether the step's output is there as soon as its input is.</summary>
    public bool IsRenamed(NetworkStep step) => step.IsView && _buffers[step.Output] is { } buffer && buffer == _buffers[step.Inputs[0]];

    /// <summary>The tensor of a value; <paramref name="x"/> and <paramref name="y"/> are the caller's.</summary>
    public Tensor this[int value, Tensor x, Tensor y] => value == 0 ? x : _tensors[value] ?? y;

    private PlannedBuffer Place(NetworkStep step, int time)
    {
        if (step.IsView && _buffers[step.Inputs[0]] is { } same)
            return same;
        if (step.ForwardInPlace)
        {
            foreach (int input in step.Inputs)
            {
                if (_buffers[input] is { } buffer && buffer.Last <= time)
                    return buffer;
            }
        }

        return new PlannedBuffer(_wiring.ShapeOf(step.Output).Count, time);
    }
}
