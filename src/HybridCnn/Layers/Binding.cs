using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// The shapes that a layer was bound to, and the checks that every call makes before it touches memory: a wrong tensor is an
/// error that names the argument and both shapes, never a read past its end.
/// </summary>
internal struct Binding(Shape input, Shape output)
{
    /// <summary>The shape of x and dx.</summary>
    public Shape Input { get; } = input;

    /// <summary>The shape of y and dy.</summary>
    public Shape Output { get; } = output;

    /// <summary>Checks the arguments of <see cref="Layer.Forward"/>.</summary>
    public readonly void CheckForward(Layer layer, Tensor x, Tensor y, ComputeContext context)
    {
        CheckIsBound(layer);
        Check(layer, x, nameof(x), Input);
        Check(layer, y, nameof(y), Output);
        ArgumentNullException.ThrowIfNull(context);
    }

    /// <summary>Checks the arguments of <see cref="Layer.Backward"/>.</summary>
    public readonly void CheckBackward(Layer layer, Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        CheckForward(layer, x, y, context);
        Check(layer, dy, nameof(dy), Output);
        if (dx is not null)
            Check(layer, dx, nameof(dx), Input);
    }

    private readonly void CheckIsBound(Layer layer)
    {
        if (Input.Rank == 0)
            throw new InvalidOperationException($"{layer.GetType().Name} isn't bound to a shape; call Bind first.");
    }

    private static void Check(Layer layer, Tensor tensor, string name, Shape expected)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.Shape != expected)
            throw new ArgumentException($"{layer.GetType().Name} is bound to {name} {expected}; got {tensor.Shape}.", name);
    }
}
