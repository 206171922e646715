using HybridCnn.Kernels;
using HybridCnn.Operators;

namespace HybridCnn.Layers;

/// <summary>y = tanh x.</summary>
public sealed class Tanh : Activation
{
    /// <summary>No options.</summary>
    public Tanh()
        : base(new ActivationOperator<TanhFunction>(default))
    {
    }
}
