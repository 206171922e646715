using System.Runtime.InteropServices;

namespace HybridCnn.Tensors;

/// <summary>
/// A dense block of floats with a <see cref="Shape"/>. The buffer never moves (pinned heap), starts on a 64-byte line,
/// and is freed by the collector: there is nothing to dispose.
/// </summary>
public sealed class Tensor
{
    private const int FloatsPerLine = 16;

    private readonly float[] _buffer;
    private readonly int _offset;

    /// <summary>Allocates a tensor of zeros.</summary>
    public Tensor(Shape shape)
    {
        if (shape.Rank == 0)
            throw new ArgumentException("The shape is empty; give it 1 to 4 extents.", nameof(shape));
        // One line more than needed, so that the first element can start on a line.
        _buffer = GC.AllocateArray<float>(checked(shape.Count + FloatsPerLine - 1), pinned: true);
        nint address = AddressOf(_buffer);
        _offset = (int)((-address & (FloatsPerLine * sizeof(float) - 1)) / sizeof(float));
        Shape = shape;
    }

    private Tensor(Tensor other, Shape shape)
    {
        _buffer = other._buffer;
        _offset = other._offset;
        Shape = shape;
    }

    /// <summary>Extents and memory order.</summary>
    public Shape Shape { get; }

    /// <summary>Memory order; meaningful for rank 4 only.</summary>
    public Layout Layout => Shape.Layout;

    /// <summary>All elements, in memory order.</summary>
    public Span<float> Span => _buffer.AsSpan(_offset, Shape.Count);

    /// <summary>The elements of one index of the first extent (one image of [N, C, H, W]).</summary>
    public Span<float> Item(int index) => (uint)index < (uint)Shape[0]
        ? _buffer.AsSpan(_offset + index * Shape.CountPerItem, Shape.CountPerItem)
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"{Shape} has {Shape[0]} items.");

    /// <summary>A tensor over the same elements with other extents; no copy.</summary>
    /// <exception cref="ArgumentException">The number of elements differs.</exception>
    public Tensor Reshape(Shape shape) => shape.Count == Shape.Count
        ? new Tensor(this, shape)
        : throw new ArgumentException($"{Shape} has {Shape.Count} elements, {shape} has {shape.Count}.", nameof(shape));

    /// <summary>A tensor over the first elements; no copy. For planned memory that tensors of several shapes take turns in.</summary>
    internal Tensor Prefix(Shape shape) => shape.Count <= Shape.Count
        ? new Tensor(this, shape)
        : throw new ArgumentException($"{Shape} has {Shape.Count} elements, too few for {shape}.", nameof(shape));

    /// <summary>Allocates a tensor and copies <paramref name="values"/>, in memory order, into it.</summary>
    /// <exception cref="ArgumentException">The number of values differs from the shape's.</exception>
    public static Tensor From(Shape shape, ReadOnlySpan<float> values)
    {
        if (values.Length != shape.Count)
            throw new ArgumentException($"{shape} has {shape.Count} elements; got {values.Length} values.", nameof(values));
        var tensor = new Tensor(shape);
        values.CopyTo(tensor.Span);
        return tensor;
    }

    /// <summary>"Tensor [N, C, H, W]".</summary>
    public override string ToString() => $"Tensor {Shape}";

    // The array is on the pinned heap, so its address is a constant of its lifetime; it is only looked at, never read through.
    private static nint AddressOf(float[] pinned) => Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0);
}
