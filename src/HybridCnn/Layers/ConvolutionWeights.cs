using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>The parameters of a convolution layer: "weight" and, unless left out, "bias".</summary>
internal sealed class ConvolutionWeights
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <summary>
    /// Draws both uniformly from ±1/√f, f the elements of one index of the weight's first extent: PyTorch's default (He et al., Delving Deep into
    /// Rectifiers, 2015, with a = √5). Without <paramref name="random"/> from a sequence with seed 0.
    /// </summary>
    public ConvolutionWeights(Shape weight, int outChannels, bool bias, SeededRandom? random)
    {
        _weight = new Parameter("weight", weight);
        _bias = bias ? new Parameter("bias", new Shape(outChannels)) : null;
        Parameters = _bias is null ? [_weight] : [_weight, _bias];

        random ??= new SeededRandom(0);
        float bound = 1 / MathF.Sqrt(weight.CountPerItem);
        foreach (Parameter parameter in Parameters)
        {
            foreach (ref float value in parameter.Value.Span)
                value = random.NextFloat(-bound, bound);
        }
    }

    public IReadOnlyList<Parameter> Parameters { get; }

    public ReadOnlySpan<float> Weight => _weight.Value.ReadOnlySpan;

    /// <summary>Empty for none.</summary>
    public ReadOnlySpan<float> Bias => _bias is null ? [] : _bias.Value.ReadOnlySpan;

    /// <summary>Another number whenever they may have changed.</summary>
    public long Version => _weight.Value.Version + (_bias?.Value.Version ?? 0);

    public Span<float> WeightGradient => _weight.Gradient.Span;

    /// <summary>Empty for none.</summary>
    public Span<float> BiasGradient => _bias is null ? [] : _bias.Gradient.Span;
}
