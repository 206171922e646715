namespace HybridCnn.Tensors;

/// <summary>A tensor that training changes, and the gradient that layers add to.</summary>
public sealed class Parameter
{
    /// <summary>Allocates a parameter of zeros and its gradient.</summary>
    /// <param name="name">PyTorch's name for it within its layer: "weight", "bias".</param>
    /// <param name="shape">The extents of value and gradient.</param>
    public Parameter(string name, Shape shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
        Value = new Tensor(shape, countsWrites: true);
        Gradient = new Tensor(shape);
    }

    /// <summary>The name within the layer; <c>Sequential</c> puts the layer's position before it when weights are saved.</summary>
    public string Name { get; }

    /// <summary>The extents of <see cref="Value"/> and <see cref="Gradient"/>.</summary>
    public Shape Shape => Value.Shape;

    /// <summary>
    /// What the layer computes with and the optimizer updates. Whoever asks for its <see cref="Tensor.Span"/> may change it: the next
    /// prediction prepares the weights anew. A span that was taken before is not seen to be written after; take it again.
    /// </summary>
    public Tensor Value { get; }

    /// <summary>Sum of the gradients since it was last cleared.</summary>
    public Tensor Gradient { get; }
}
