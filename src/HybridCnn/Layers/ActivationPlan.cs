using System.Diagnostics;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Where the values of a forward pass lie. x and y are the caller's. A layer that may writes over its input where nobody needs that any more, and a
/// view lies where its input lies. For training, what the backward pass reads is kept, unless it is computed again; for prediction nothing is.
/// </summary>
internal sealed class ActivationPlan
{
    private readonly NetworkWiring _wiring;
    private readonly PlannedBuffer?[] _buffers;
    private readonly Tensor?[] _tensors;
    private readonly Tensor[][] _inputs;

    public ActivationPlan(NetworkWiring wiring, Recomputation? training)
    {
        _wiring = wiring;
        bool isTraining = training is not null;
        Steps = isTraining ? wiring.Steps : wiring.ForPrediction();
        _inputs = [.. Steps.Select(step => new Tensor[step.Inputs.Length])];
        _buffers = new PlannedBuffer?[wiring.ValueCount];
        _tensors = new Tensor?[wiring.ValueCount];
        var lastReader = new int[wiring.ValueCount];
        for (int time = 0; time < Steps.Count; time++)
        {
            foreach (int input in Steps[time].Inputs)
            {
                bool isKept = training?.Forgets(input) == false && (Steps[time].BackwardReadsInput || training.ReadsAgain(input));
                lastReader[input] = isKept ? PlannedBuffer.Kept : Math.Max(lastReader[input], time);
            }
        }

        for (int time = 0; time < Steps.Count; time++)
        {
            NetworkStep step = Steps[time];
            if (step.Output == wiring.Output)
                continue;
            PlannedBuffer buffer = _buffers[step.Output] = Place(step, time);
            buffer.NeedAt(training?.Forgets(step.Output) == false && step.BackwardReadsOutput ? PlannedBuffer.Kept : lastReader[step.Output]);
        }
    }

    /// <summary>In the order in which they run.</summary>
    public IReadOnlyList<NetworkStep> Steps { get; }

    public IEnumerable<PlannedBuffer> Buffers => _buffers.OfType<PlannedBuffer>().Distinct();

    /// <summary>Makes the memory, once all buffers have their places.</summary>
    public void Allocate()
    {
        for (int value = 0; value < _tensors.Length; value++)
            _tensors[value] = _buffers[value]?.In(_wiring.ShapeOf(value));
    }

    /// <summary>Runs all steps.</summary>
    public void Run(Tensor x, Tensor y, NetworkTimer? timer, ComputeContext context)
    {
        for (int i = 0; i < _inputs.Length; i++)
        {
            NetworkStep step = Steps[i];
            if (IsRenamed(step))
                continue;
            Tensor[] inputs = _inputs[i];
            for (int input = 0; input < inputs.Length; input++)
                inputs[input] = this[step.Inputs[input], x, y];
            Tensor output = this[step.Output, x, y];
            long start = timer is null ? 0 : Stopwatch.GetTimestamp();
            step.Run(inputs, output, context);
            timer?.NoteForward(step, _wiring, start);
        }
    }

    // Whether the step's output is there as soon as its input is.
    private bool IsRenamed(NetworkStep step) => step.IsView && _buffers[step.Output] is { } buffer && buffer == _buffers[step.Inputs[0]];

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
