using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>The parameters of a normalization, "weight" and "bias", unless they are left out.</summary>
internal sealed class AffineWeights
{
    private readonly Parameter[] _parameters;

    /// <summary>Starts with weight 1 and bias 0.</summary>
    public AffineWeights(Shape shape, bool exist)
    {
        _parameters = exist ? [new Parameter("weight", shape), new Parameter("bias", shape)] : [];
        if (exist)
            _parameters[0].Value.Span.Fill(1);
    }

    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>Empty for none, as are the others.</summary>
    public ReadOnlySpan<float> Weight => Value(0);

    public ReadOnlySpan<float> Bias => Value(1);

    public Span<float> WeightGradient => Gradient(0);

    public Span<float> BiasGradient => Gradient(1);

    /// <summary>Another number whenever they may have changed.</summary>
    public long Version => _parameters.Length == 0 ? 0 : _parameters[0].Value.Version + _parameters[1].Value.Version;

    private ReadOnlySpan<float> Value(int parameter) => _parameters.Length == 0 ? [] : _parameters[parameter].Value.ReadOnlySpan;

    private Span<float> Gradient(int parameter) => _parameters.Length == 0 ? [] : _parameters[parameter].Gradient.Span;
}
