using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Layers;

/// <summary>A layer of the catalog with all that a forward and a backward pass need.</summary>
internal sealed class BoundLayer
{
    private readonly Action<Layer>? _rewind;

    public BoundLayer(LayerCatalog.Entry entry)
    {
        _rewind = entry.Rewind;
        var random = new SeededRandom(7);
        Layer = entry.Create(random);
        Assert.Equal(entry.Output, Layer.Bind(entry.Input));
        X = new Tensor(entry.Input);
        Y = new Tensor(entry.Output);
        Dx = new Tensor(entry.Input);
        Dy = new Tensor(entry.Output);

        // Distinct and none near 0, so that a step of finite differences crosses no maximum and no zero of the input.
        Span<float> x = X.Span;
        for (int i = 0; i < x.Length; i++)
            x[i] = (i - x.Length / 2 + 0.5f) * Spacing(x.Length);
        random.Shuffle(x);
        foreach (ref float value in Dy.Span)
            value = random.NextFloat(-1, 1);
    }

    public Layer Layer { get; }

    public Tensor X { get; }

    public Tensor Y { get; }

    public Tensor Dx { get; }

    public Tensor Dy { get; }

    public void Forward(ComputeContext context)
    {
        _rewind?.Invoke(Layer);
        Layer.Forward(X, Y, context);
    }

    public void Backward(ComputeContext context) => Layer.Backward(X, Y, Dy, Dx, context);

    public void ClearGradients()
    {
        foreach (Parameter parameter in Layer.Parameters)
            parameter.Gradient.Span.Clear();
    }

    /// <summary>Copies of y, dx and all gradients.</summary>
    public float[][] Results() => [Y.Span.ToArray(), Dx.Span.ToArray(), .. Layer.Parameters.Select(p => p.Gradient.Span.ToArray())];

    private static float Spacing(int count) => 4f / Math.Min(count, 200);
}
