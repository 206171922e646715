using HybridCnn.Kernels;
using HybridCnn.Operators;

namespace HybridCnn.Layers;

/// <summary>Rectified linear units up to 6, y = min(max(x, 0), 6). Source: Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010.</summary>
public sealed class ReLU6 : Activation
{
    /// <summary>No options.</summary>
    public ReLU6()
        : base(new ActivationOperator<CappedReluFunction>(new(6)))
    {
    }

    internal override float? ReluCeiling => 6;
}
