using HybridCnn.Kernels;
using HybridCnn.Operators;

namespace HybridCnn.Layers;

/// <summary>y = 1 / (1 + e^−x).</summary>
public sealed class Sigmoid : Activation
{
    /// <summary>No options.</summary>
    public Sigmoid()
        : base(new ActivationOperator<SigmoidFunction>(default))
    {
    }
}
