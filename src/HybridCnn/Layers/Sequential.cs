using System.Globalization;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>Layers one after another.</summary>
public sealed class Sequential : Network
{
    private readonly Layer[] _layers;

    /// <summary>Chains the layers in the given order; their names are PyTorch's, "3": every layer counts, also one without parameters.</summary>
    /// <exception cref="ArgumentException">None, null among them, or one that stands there twice: a layer is bound to one place.</exception>
    public Sequential(params Layer[] layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        if (layers.Length == 0)
            throw new ArgumentException("A Sequential has at least one layer; got none.", nameof(layers));
        for (int i = 0; i < layers.Length; i++)
        {
            if (layers[i] is null)
                throw new ArgumentException($"Layer {i} is null.", nameof(layers));
            if (Array.IndexOf(layers, layers[i]) is int first && first < i)
                throw new ArgumentException($"Layer {i} is layer {first} again; a layer can be bound to one place only.", nameof(layers));
        }

        _layers = [.. layers];
        SetChildren(_layers.Select((layer, i) => new NamedLayer(i.ToString(CultureInfo.InvariantCulture), layer)));
    }

    /// <summary>The layers, in order.</summary>
    public IReadOnlyList<Layer> Layers => _layers;

    /// <summary>The first layer's.</summary>
    public override Layout PreferredLayout(Shape input) => _layers[0].PreferredLayout(input);

    internal override int Wire(NetworkWiring wiring, int x)
    {
        foreach (NamedLayer child in Children)
            x = wiring.Add(child.Name, child.Layer, x);
        return x;
    }
}
