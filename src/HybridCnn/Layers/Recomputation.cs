namespace HybridCnn.Layers;

/// <summary>
/// What is computed a second time in the backward pass instead of being kept: the values inside networks that ask for it (<see cref="Network.Recompute"/>), each
/// such network a segment of the steps. A value that somebody outside reads is kept, and so is what a step that runs again reads from outside.
/// Source: Chen, Xu, Zhang, Guestrin, Training Deep Nets with Sublinear Memory Cost, 2016.
/// </summary>
internal sealed class Recomputation
{
    private readonly bool[] _forgotten, _readAgain;
    private readonly Dictionary<int, NetworkStep[]> _steps = [];

    public Recomputation(NetworkWiring wiring)
        : this(wiring.ValueCount)
    {
        ILookup<int, NetworkStep> readers = wiring.Steps
            .SelectMany(step => step.Inputs.Select(input => (input, step))).ToLookup(pair => pair.input, pair => pair.step);
        foreach (NetworkStep step in wiring.Steps.Where(step => step.Segment >= 0 && step.Output != wiring.Output))
            _forgotten[step.Output] = readers[step.Output].All(reader => reader.Segment == step.Segment);

        var needed = new bool[wiring.ValueCount];
        foreach (IGrouping<int, NetworkStep> segment in wiring.Steps.Where(step => step.Segment >= 0).GroupBy(step => step.Segment))
        {
            var again = new List<NetworkStep>();
            foreach (NetworkStep step in segment.Reverse())
            {
                needed[step.Inputs[0]] |= step.BackwardReadsInput;
                if (!_forgotten[step.Output] || !(needed[step.Output] || step.BackwardReadsOutput))
                    continue;
                again.Insert(0, step);
                foreach (int input in step.Inputs)
                    needed[input] = _readAgain[input] = true;
            }

            _steps.Add(segment.Key, [.. again]);
        }
    }

    private Recomputation(int values) => (_forgotten, _readAgain) = (new bool[values], new bool[values]);

    /// <summary>That of a network which keeps everything, whatever those inside ask for.</summary>
    public static Recomputation None(NetworkWiring wiring) => new(wiring.ValueCount);

    /// <summary>Whether a value isn't kept for the backward pass.</summary>
    public bool Forgets(int value) => _forgotten[value];

    /// <summary>Whether a step that runs again reads a value.</summary>
    public bool ReadsAgain(int value) => _readAgain[value];

    /// <summary>What runs again of a segment, in order.</summary>
    public IReadOnlyList<NetworkStep> StepsOf(int segment) => _steps.GetValueOrDefault(segment) ?? [];
}
