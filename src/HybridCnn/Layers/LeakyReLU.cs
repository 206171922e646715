using HybridCnn.Kernels;
using HybridCnn.Operators;

namespace HybridCnn.Layers;

/// <summary>y = x where it is above 0, else negativeSlope·x. Source: Maas, Hannun, Ng, Rectifier nonlinearities improve neural network acoustic models, 2013.</summary>
public sealed class LeakyReLU : Activation
{
    /// <summary>A line with a bend at 0.</summary>
    /// <param name="negativeSlope">The slope below 0, at least 0.</param>
    public LeakyReLU(double negativeSlope = 0.01)
        : base(new ActivationOperator<LeakyReluFunction>(new((float)negativeSlope)))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(negativeSlope, 0);
    }
}
