using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// y = body(x) + shortcut(x), or body(x) + x without a shortcut. Both summands have one shape; where the body leaves another memory
/// order, the shortcut follows it. Parameters: "body.0.weight", "shortcut.0.weight".
/// Source: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2015.
/// </summary>
public sealed class Residual : Network
{
    private readonly Layer _body;
    private readonly Layer? _shortcut;

    /// <summary>Two ways from x to y.</summary>
    /// <param name="body">The long way.</param>
    /// <param name="shortcut">The short way, mostly a 1x1 convolution with batch normalization where the shape changes; null adds x itself.</param>
    /// <exception cref="ArgumentException">Body and shortcut are one layer: a layer is bound to one place.</exception>
    public Residual(Layer body, Layer? shortcut = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (ReferenceEquals(body, shortcut))
            throw new ArgumentException("The shortcut is the body again; a layer can be bound to one place only.", nameof(shortcut));
        (_body, _shortcut) = (body, shortcut);
        SetChildren(shortcut is null ? [new("body", body)] : [new("body", body), new("shortcut", shortcut)]);
    }

    /// <summary>The body's.</summary>
    public override Layout PreferredLayout(Shape input) => _body.PreferredLayout(input);

    internal override int Wire(NetworkWiring wiring, int x)
    {
        int body = wiring.Add("body", _body, x), shortcut = _shortcut is null ? x : wiring.Add("shortcut", _shortcut, x);
        Shape b = wiring.ShapeOf(body), s = wiring.ShapeOf(shortcut);
        return b == s || b.Rank == 4 && s.Rank == 4 && b == s.In(b.Layout)
            ? wiring.Add("", new SumJoin(), [body, shortcut])
            : throw wiring.Refusal($"The body makes {b} of {wiring.ShapeOf(x)}, the shortcut {s}; they must be the same.");
    }
}
