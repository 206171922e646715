using HybridCnn.Kernels;
using HybridCnn.Operators;

namespace HybridCnn.Layers;

/// <summary>y = x·Φ(x), Φ the standard normal distribution function. Source: Hendrycks, Gimpel, Gaussian error linear units, 2016.</summary>
public sealed class GELU : Activation
{
    /// <summary>No options.</summary>
    public GELU()
        : base(new ActivationOperator<GeluFunction>(default))
    {
    }
}
