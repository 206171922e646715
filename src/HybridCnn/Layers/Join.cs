using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// A node of a network with several inputs and without parameters. Its gradients follow from dy alone, so that no input has to be kept. Shapes are
/// checked when it is bound; the network hands it what it has planned.
/// </summary>
internal abstract class Join
{
    /// <summary>Its name in <see cref="Layer.Explain"/>.</summary>
    public abstract string Name { get; }

    /// <summary>Whether <see cref="Forward"/> takes in a ReLU behind it.</summary>
    public virtual bool TakesInRelu => false;

    /// <summary>Whether the gradient by every input is dy: <see cref="Backward"/> isn't called then.</summary>
    public virtual bool PassesGradient => false;

    /// <summary>Whether y may be one of two inputs.</summary>
    public virtual bool ForwardInPlace => false;

    /// <summary>The shape of y, for inputs of one memory order.</summary>
    /// <exception cref="ArgumentException">Shapes that don't go together; the message names both.</exception>
    public abstract Shape Bind(IReadOnlyList<Shape> inputs);

    /// <summary>Overwrites y.</summary>
    public abstract void Forward(Tensor[] inputs, Tensor y, bool relu, ComputeContext context);

    /// <summary>Overwrites every dx that isn't null.</summary>
    public abstract void Backward(Tensor dy, Tensor?[] dx, ComputeContext context);
}
