using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// One step of a network. Bind once per input shape, then run any number of times without allocating.
/// A layer keeps between <see cref="Forward"/> and <see cref="Backward"/> only what cannot be computed again (an argmax).
/// </summary>
public abstract class Layer
{
    /// <summary>What training changes; empty for a layer without weights.</summary>
    public virtual IReadOnlyList<Parameter> Parameters => [];

    /// <summary>What a layer remembers of training besides, and is saved with it: running statistics. Their gradients mean nothing.</summary>
    public virtual IReadOnlyList<Parameter> Buffers => [];

    /// <summary>
    /// The memory order in which this layer would like x, for a given rank-4 shape. A container may ask before it binds and
    /// convert; a layer that is bound to the other order refuses it or takes it, but never converts by itself.
    /// </summary>
    public virtual Layout PreferredLayout(Shape input) => Layout.Nchw;

    /// <summary>Validates the input shape, plans the memory that must survive from forward to backward, and infers the output.</summary>
    /// <param name="input">x [N, C, H, W] or [N, F].</param>
    /// <returns>The shape of y.</returns>
    /// <exception cref="ArgumentException">The layer cannot take this shape; the message names both values.</exception>
    public abstract Shape Bind(Shape input);

    /// <summary>Computes y from x. Overwrites y, leaves x.</summary>
    public abstract void Forward(Tensor x, Tensor y, ComputeContext context);

    /// <summary>
    /// Computes the gradients of the loss from <paramref name="dy"/>, its gradient by y. Overwrites dx; adds to the
    /// parameters' gradients; leaves x, y and dy.
    /// </summary>
    /// <param name="x">What <see cref="Forward"/> read.</param>
    /// <param name="y">What <see cref="Forward"/> wrote.</param>
    /// <param name="dy">Gradient by y, of y's shape.</param>
    /// <param name="dx">Gradient by x, of x's shape; null where nobody needs it (the first layer).</param>
    /// <param name="context">Threads and scratch memory.</param>
    public abstract void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context);
}
