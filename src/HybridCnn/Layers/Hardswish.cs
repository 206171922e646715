using HybridCnn.Kernels;
using HybridCnn.Operators;

namespace HybridCnn.Layers;

/// <summary>y = x·min(max(x + 3, 0), 6) / 6. Source: Howard et al., Searching for MobileNetV3, 2019.</summary>
public sealed class Hardswish : Activation
{
    /// <summary>No options.</summary>
    public Hardswish()
        : base(new ActivationOperator<HardswishFunction>(default))
    {
    }
}
