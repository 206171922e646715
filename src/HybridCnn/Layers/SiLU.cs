using HybridCnn.Kernels;
using HybridCnn.Operators;

namespace HybridCnn.Layers;

/// <summary>y = x / (1 + e^−x), also called swish. Source: Elfwing, Uchibe, Doya, Sigmoid-weighted linear units, 2017.</summary>
public sealed class SiLU : Activation
{
    /// <summary>No options.</summary>
    public SiLU()
        : base(new ActivationOperator<SiluFunction>(default))
    {
    }
}
