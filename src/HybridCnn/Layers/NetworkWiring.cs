using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// A network as a list of steps over numbered values, bound to a shape; value 0 is x. Networks inside it are laid open: their layers are steps like
/// all others, so that memory is planned and ReLUs are taken in across their borders.
/// </summary>
internal sealed class NetworkWiring
{
    private readonly List<NetworkStep> _steps = [];
    private readonly List<Shape> _shapes = [];
    private readonly Dictionary<(int Value, Layout Layout), int> _changed = [];
    private readonly HashSet<Layer> _layers = new(ReferenceEqualityComparer.Instance);
    private string _prefix = "";
    private int _depth, _child = -1, _segment = -1, _segments;

    /// <summary>Wires a network and binds all of its layers.</summary>
    /// <exception cref="ArgumentException">A layer refuses its shape, or stands in two places; the message names it.</exception>
    public NetworkWiring(Network network, Shape input)
    {
        _shapes.Add(input);
        _segment = network.Recompute ? _segments++ : -1;
        Output = network.Wire(this, 0);
        ChildCount = network.Children.Count;
        TakeInRelus();
    }

    /// <summary>In the order in which they run.</summary>
    public IReadOnlyList<NetworkStep> Steps => _steps;

    /// <summary>The value that y is.</summary>
    public int Output { get; }

    /// <summary>How many children the outermost network has.</summary>
    public int ChildCount { get; }

    public int ValueCount => _shapes.Count;

    public Shape OutputShape => _shapes[Output];

    /// <summary>The step that makes a value; the first one for x, which nobody makes.</summary>
    public NetworkStep StepOf(int value) => _steps.Find(step => step.Output == value) ?? _steps[0];

    public Shape ShapeOf(int value) => _shapes[value];

    /// <summary>Adds a layer, with a change of the memory order before it where it prefers another one.</summary>
    /// <returns>The value that it makes.</returns>
    public int Add(string name, Layer layer, int input)
    {
        if (_depth == 0)
            _child++;
        string outer = _prefix, full = FullName(name);
        if (!_layers.Add(layer))
            throw new ArgumentException($"Layer {full} stands in another place, too; a layer can be bound to one place only.", nameof(input));
        if (layer is Network network)
        {
            int segment = _segment;
            _prefix = full;
            _depth++;
            // Of networks inside one another the outermost that asks for it counts.
            if (network.Recompute && segment < 0)
                _segment = _segments++;
            int result = network.Wire(this, input);
            (_segment, _prefix) = (segment, outer);
            _depth--;
            return result;
        }

        Shape shape = _shapes[input];
        try
        {
            if (shape.Rank == 4 && layer.PreferredLayout(shape) is var layout && layout != shape.Layout)
            {
                input = In(layout, input);
                shape = _shapes[input];
            }

            return AddStep(full, _child, layer, null, [input], layer.Bind(shape));
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"Layer {full}, bound to {shape}: {e.Message}", nameof(input), e);
        }
    }

    /// <summary>Adds a join; its inputs follow the memory order of the first.</summary>
    /// <param name="name">Empty for the join that a network ends in.</param>
    /// <param name="join">What it does.</param>
    /// <param name="inputs">The values that it joins.</param>
    /// <returns>The value that it makes.</returns>
    public int Add(string name, Join join, int[] inputs)
    {
        Layout layout = _shapes[inputs[0]].Layout;
        int[] values = [.. inputs.Select(value => _shapes[value].Rank == 4 ? In(layout, value) : value)];
        try
        {
            return AddStep(FullName(name), -1, null, join, values, join.Bind([.. values.Select(ShapeOf)]));
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"Node {FullName(name)}: {e.Message}", nameof(inputs), e);
        }
    }

    /// <summary>The error of a network that can't be wired.</summary>
    public ArgumentException Refusal(string message) => new(_prefix.Length == 0 ? message : $"Layer {_prefix}: {message}");

    /// <summary>
    /// The steps of prediction: convolutions and transposed ones with prepared weights, which take in the batch normalization behind them, and its ReLU, if
    /// nobody else reads what they make, and fully connected layers with prepared weights.
    /// </summary>
    public IReadOnlyList<NetworkStep> ForPrediction()
    {
        var steps = new List<NetworkStep>();
        var readers = new int[_shapes.Count];
        foreach (int input in _steps.SelectMany(step => step.Inputs).Append(Output))
            readers[input]++;
        // Convolutions that may still take a normalization in, by the value that they make.
        var open = new Dictionary<int, (int Position, Layer Layer)>();
        foreach (NetworkStep step in _steps)
        {
            switch (step.Layer)
            {
                case Linear linear:
                    steps.Add(step.With(new PreparedLinear(linear)));
                    break;
                case BatchNorm2d normalization when open.Remove(step.Inputs[0], out (int Position, Layer Layer) before):
                    steps[before.Position] = steps[before.Position].With(before.Layer.Prepared(normalization)!, step);
                    break;
                case { } layer when layer.Prepared(null) is { } prepared:
                    if (step.Relu is null && readers[step.Output] == 1)
                        open.Add(step.Output, (steps.Count, layer));
                    steps.Add(step.With(prepared));
                    break;
                default:
                    steps.Add(step);
                    break;
            }
        }

        return steps;
    }

    private string FullName(string name) => _prefix.Length == 0 ? name : name.Length == 0 ? _prefix : $"{_prefix}.{name}";

    // A value is turned once, whoever asks for it.
    private int In(Layout layout, int value)
    {
        if (_shapes[value].Layout == layout)
            return value;
        if (_changed.TryGetValue((value, layout), out int changed))
            return changed;
        var change = new LayoutChange(layout);
        changed = AddStep("-", -1, change, null, [value], change.Bind(_shapes[value]));
        _changed[(value, layout)] = changed;
        _changed[(changed, _shapes[value].Layout)] = value;
        return changed;
    }

    private int AddStep(string name, int child, Layer? layer, Join? join, int[] inputs, Shape output)
    {
        _shapes.Add(output);
        _steps.Add(new NetworkStep(name, child, layer, join, inputs, _shapes.Count - 1, _segment));
        return _shapes.Count - 1;
    }

    // A ReLU is left to the step before it if nobody else reads what that makes.
    private void TakeInRelus()
    {
        var makers = new NetworkStep?[_shapes.Count];
        var readers = new int[_shapes.Count];
        foreach (int input in _steps.SelectMany(step => step.Inputs))
            readers[input]++;
        for (int i = 0; i < _steps.Count; i++)
        {
            NetworkStep step = _steps[i];
            if (makers[step.Inputs[0]] is { } before && readers[before.Output] == 1 && before.TakesIn(step))
            {
                before.TakeIn(step);
                _steps.RemoveAt(i--);
                step = before;
            }

            makers[step.Output] = step;
        }
    }
}
