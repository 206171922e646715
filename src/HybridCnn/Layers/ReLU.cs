using HybridCnn.Kernels;
using HybridCnn.Operators;

namespace HybridCnn.Layers;

/// <summary>Rectified linear units, y = max(x, 0).</summary>
public sealed class ReLU : Activation
{
    /// <summary>No options.</summary>
    public ReLU()
        : base(new ActivationOperator<ReluFunction>(default))
    {
    }

    internal override float? ReluCeiling => float.PositiveInfinity;
}
