using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Layers wired in any way that doesn't lead back: every node is named and reads one earlier node, or several that it adds or lines up;
/// any number of nodes may read the same one, and their gradients are added. x is the node <see cref="Input"/>, y the last
/// node added. Names are those of the parameters: "layer1.0.conv1" has "layer1.0.conv1.weight".
/// <code>
/// var graph = new Graph();
/// string x = graph.Add("conv1", new Conv2d(3, 64, 3, padding: 1, bias: false));
/// graph.Add("conv2", new Conv2d(64, 64, 3, padding: 1, bias: false));
/// graph.Add("bn2", new BatchNorm2d(64));
/// graph.Sum("sum", "bn2", x);
/// graph.Add("relu", new ReLU());
/// </code>
/// </summary>
public sealed class Graph : Network
{
    /// <summary>The name of x.</summary>
    public const string Input = "input";

    private readonly List<Node> _nodes = [];
    private readonly Dictionary<string, int> _positions = new(StringComparer.Ordinal) { [Input] = -1 };

    /// <summary>The name of the node that is y: the last one added.</summary>
    public string Output => _nodes.Count == 0 ? Input : _nodes[^1].Name;

    /// <summary>Adds a layer, which may be a network itself.</summary>
    /// <param name="name">What goes before the names of its parameters.</param>
    /// <param name="layer">A layer that has no other place.</param>
    /// <param name="from">The node that it reads; the last one added unless given.</param>
    /// <returns><paramref name="name"/>, to read it from.</returns>
    /// <exception cref="ArgumentException">The name is taken, the layer stands here already, or there is no node <paramref name="from"/>.</exception>
    public string Add(string name, Layer layer, string? from = null)
    {
        ArgumentNullException.ThrowIfNull(layer);
        if (_nodes.Find(node => ReferenceEquals(node.Layer, layer)) is { } first)
            throw new ArgumentException($"The layer of \"{name}\" is that of \"{first.Name}\"; a layer can be bound to one place only.", nameof(layer));
        return Add(name, layer, null, [from ?? Output]);
    }

    /// <summary>Adds the sum of nodes of one shape, element by element; where their memory orders differ, all follow the first.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="from">Two nodes or more.</param>
    /// <returns><paramref name="name"/>.</returns>
    /// <exception cref="ArgumentException">The name is taken, there are less than two nodes, or one of them doesn't exist.</exception>
    public string Sum(string name, params string[] from) => Add(name, null, new SumJoin(), from);

    /// <summary>
    /// Adds a node of the channels of others, one after another: [N, C1, H, W], [N, C2, H, W] → [N, C1 + C2, H, W], and so with [N, C, L] and
    /// [N, F]. Where their memory orders differ, all follow the first.
    /// </summary>
    /// <inheritdoc cref="Sum"/>
    public string Concat(string name, params string[] from) => Add(name, null, new ConcatJoin(), from);

    internal override int Wire(NetworkWiring wiring, int x)
    {
        if (_nodes.Count == 0)
            throw wiring.Refusal("A Graph has at least one node; this one has none.");
        var readers = new int[_nodes.Count];
        foreach (int input in _nodes.SelectMany(node => node.Inputs).Where(input => input >= 0))
            readers[input]++;
        if (Array.IndexOf(readers, 0) is int unread && unread < _nodes.Count - 1)
            throw wiring.Refusal($"Nobody reads node \"{_nodes[unread].Name}\"; the output is the last node, \"{Output}\".");

        var values = new int[_nodes.Count];
        for (int i = 0; i < values.Length; i++)
        {
            int[] inputs = [.. _nodes[i].Inputs.Select(input => input < 0 ? x : values[input])];
            values[i] = _nodes[i].Layer is { } layer ? wiring.Add(_nodes[i].Name, layer, inputs[0]) : wiring.Add(_nodes[i].Name, _nodes[i].Join!, inputs);
        }

        return values[^1];
    }

    private string Add(string name, Layer? layer, Join? join, string[] from)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(from);
        if (join is not null && from.Length < 2)
            throw new ArgumentException($"\"{name}\" takes two nodes or more; got {from.Length}.", nameof(from));
        int[] inputs = [.. from.Select(input => _positions.TryGetValue(input ?? throw new ArgumentNullException(nameof(from)), out int position)
            ? position
            : throw new ArgumentException($"\"{name}\" reads \"{input}\"; there is no such node before it.", nameof(from)))];
        if (!_positions.TryAdd(name, _nodes.Count))
            throw new ArgumentException($"There is a node \"{name}\" already.", nameof(name));
        _nodes.Add(new Node(name, layer, join, inputs));
        SetChildren(_nodes.Where(node => node.Layer is not null).Select(node => new NamedLayer(node.Name, node.Layer!)));
        return name;
    }

    // One of layer and join. Inputs are positions of nodes, -1 for x.
    private sealed record Node(string Name, Layer? Layer, Join? Join, int[] Inputs);
}
