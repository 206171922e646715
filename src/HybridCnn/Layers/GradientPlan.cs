using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// The backward pass as a list of operations, and where its gradients lie. A value's gradient is the sum of what its readers give; a sum hands its own
/// gradient to all of its inputs, without a copy. That sum and the ReLU it may have to go through are one pass over memory. A layer that may
/// writes dx over dy where nobody else needs that.
/// </summary>
internal sealed class GradientPlan
{
    private readonly NetworkWiring _wiring;
    private readonly List<PlannedBuffer> _buffers = [];
    private readonly List<GradientOperation> _operations = [];
    private readonly PlannedBuffer?[] _again;
    private readonly Tensor?[] _tensorsAgain;
    private readonly List<PlannedGradient>[] _given;
    private readonly bool[] _hasParametersBehind;
    private readonly int _start;

    public GradientPlan(NetworkWiring wiring, Recomputation recomputation)
    {
        _wiring = wiring;
        _again = new PlannedBuffer?[wiring.ValueCount];
        _tensorsAgain = new Tensor?[wiring.ValueCount];
        _start = wiring.Steps.Count;
        _given = [.. Enumerable.Range(0, wiring.ValueCount).Select(_ => new List<PlannedGradient>())];
        _hasParametersBehind = new bool[wiring.ValueCount];
        foreach (NetworkStep step in wiring.Steps)
            _hasParametersBehind[step.Output] = step.HasParameters || step.Inputs.Any(input => _hasParametersBehind[input]);

        _given[wiring.Output].Add(PlannedGradient.CallersDy);
        int segment = -1;
        foreach (NetworkStep step in wiring.Steps.Reverse())
        {
            if (step.Segment != segment)
            {
                foreach (NetworkStep again in recomputation.StepsOf(segment = step.Segment))
                    AddAgain(again);
            }

            Add(step, Collect(step.Output, step.MasksGradient));
        }

        if (_given[0].Count > 0)
            Combine(0, _given[0], isMasked: false, PlannedGradient.CallersDx);
    }

    /// <summary>Of gradients, and of values that are computed again.</summary>
    public IEnumerable<PlannedBuffer> Buffers => _buffers;

    /// <summary>The tensor of a value that was computed again; null for any other.</summary>
    public Tensor? Again(int value) => _tensorsAgain[value];

    /// <summary>In the order in which they run.</summary>
    public IReadOnlyList<GradientOperation> Operations => _operations;

    /// <summary>Makes the memory, once all buffers have their places.</summary>
    public void Allocate()
    {
        foreach (GradientOperation operation in _operations)
            operation.Allocate(_wiring);
        for (int value = 0; value < _again.Length; value++)
            _tensorsAgain[value] = _again[value]?.In(_wiring.ShapeOf(value));
    }

    /// <summary>Whether anybody needs the gradient by a value, when the caller doesn't ask for dx.</summary>
    public bool HasParametersBehind(int value) => _hasParametersBehind[value];

    private int Time => _start + _operations.Count;

    // The one gradient by a value, from all that its readers have given.
    private PlannedGradient Collect(int value, bool isMasked)
    {
        List<PlannedGradient> terms = _given[value];
        if (terms.Count == 1 && !isMasked)
            return terms[0];
        int own = terms.FindIndex(term => term.IsOurs);
        if (own > 0)
            (terms[0], terms[own]) = (terms[own], terms[0]);
        PlannedGradient sum = own >= 0 ? terms[0] : New(value);
        Combine(value, terms, isMasked, sum);
        if (own < 0)
            sum.Holders = 1;
        return sum;
    }

    private void Combine(int value, List<PlannedGradient> terms, bool isMasked, PlannedGradient sum)
    {
        foreach (PlannedGradient term in (PlannedGradient[])[.. terms, sum])
            term.Buffer?.NeedAt(Time);
        if (isMasked)
            _again[value]?.NeedAt(Time);
        _operations.Add(new GradientOperation(null, value, isMasked, [.. terms], [sum]));
        foreach (PlannedGradient term in terms)
            term.Holders -= term == sum ? 0 : 1;
    }

    private void Add(NetworkStep step, PlannedGradient dy)
    {
        if (step.Join is { PassesGradient: true } || step.IsView && dy.Buffer is not null)
        {
            foreach (int input in step.Inputs)
                Give(input, dy);
            dy.Holders--;
            return;
        }

        PlannedGradient[] dx = [.. step.Inputs.Select(input => Target(step, input, dy))];
        foreach (PlannedGradient gradient in (PlannedGradient[])[dy, .. dx])
            gradient.Buffer?.NeedAt(Time);
        if (step.BackwardReadsInput)
            _again[step.Inputs[0]]?.NeedAt(Time);
        if (step.BackwardReadsOutput)
            _again[step.Output]?.NeedAt(Time);
        _operations.Add(new GradientOperation(step, step.Output, false, [dy], dx));
        for (int i = 0; i < dx.Length; i++)
        {
            if (dx[i] != PlannedGradient.CallersDx)
                Give(step.Inputs[i], dx[i]);
        }

        dy.Holders--;
    }

    // A step of the forward pass, into memory that only the backward pass needs.
    private void AddAgain(NetworkStep step)
    {
        foreach (int input in step.Inputs)
            _again[input]?.NeedAt(Time);
        _buffers.Add(_again[step.Output] = new PlannedBuffer(_wiring.ShapeOf(step.Output).Count, Time));
        _operations.Add(new GradientOperation(step, step.Output, false, [], []) { IsAgain = true });
    }

    private PlannedGradient Target(NetworkStep step, int input, PlannedGradient dy)
    {
        if (input == 0 && _wiring.Steps.Sum(reader => reader.Inputs.Count(value => value == 0)) == 1)
            return PlannedGradient.CallersDx;
        return step.BackwardInPlace && dy.IsOurs ? dy : New(input);
    }

    private void Give(int value, PlannedGradient gradient)
    {
        _given[value].Add(gradient);
        gradient.Holders++;
    }

    private PlannedGradient New(int value)
    {
        var buffer = new PlannedBuffer(_wiring.ShapeOf(value).Count, Time);
        _buffers.Add(buffer);
        return new PlannedGradient(buffer);
    }
}
