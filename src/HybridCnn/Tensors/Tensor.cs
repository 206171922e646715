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
    private readonly WriteCount? _writes;

    /// <summary>Allocates a tensor of zeros.</summary>
    public Tensor(Shape shape)
        : this(shape, countsWrites: false)
    {
    }

    /// <summary>Allocates a tensor of zeros.</summary>
    /// <param name="shape">Extents and memory order.</param>
    /// <param name="countsWrites">Whether <see cref="Version"/> tells that its elements may have changed.</param>
    internal Tensor(Shape shape, bool countsWrites)
    {
        if (shape.Rank == 0)
            throw new ArgumentException("The shape is empty; give it 1 to 4 extents.", nameof(shape));
        // One line more than needed, so that the first element can start on a line.
        _buffer = GC.AllocateArray<float>(checked(shape.Count + FloatsPerLine - 1), pinned: true);
        nint address = AddressOf(_buffer);
        _offset = (int)((-address & (FloatsPerLine * sizeof(float) - 1)) / sizeof(float));
        Shape = shape;
        _writes = countsWrites ? new WriteCount() : null;
    }

    private Tensor(Tensor other, Shape shape)
    {
        _buffer = other._buffer;
        _offset = other._offset;
        _writes = other._writes;
        Shape = shape;
    }

    /// <summary>Extents and memory order.</summary>
    public Shape Shape { get; }

    /// <summary>Memory order; meaningful for rank 4 only.</summary>
    public Layout Layout => Shape.Layout;

    /// <summary>All elements, in memory order.</summary>
    public Span<float> Span
    {
        get
        {
            NoteWrite();
            return _buffer.AsSpan(_offset, Shape.Count);
        }
    }

    /// <summary>All elements, in memory order, to read. Of a parameter it leaves what was prepared of it for prediction as it is; <see cref="Span"/> doesn't.</summary>
    public ReadOnlySpan<float> ReadOnlySpan => _buffer.AsSpan(_offset, Shape.Count);

    /// <summary>How often the elements were handed out to be written; 0 for a tensor that doesn't count.</summary>
    internal long Version => _writes is null ? 0 : Volatile.Read(ref _writes.Count);

    /// <summary>The elements of one index of the first extent (one image of [N, C, H, W]).</summary>
    public Span<float> Item(int index) => (uint)index < (uint)Shape[0]
        ? Span.Slice(index * Shape.CountPerItem, Shape.CountPerItem)
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

    // Two threads at once may count as one, which is as good: the number is another one than before.
    private void NoteWrite()
    {
        if (_writes is not null)
            _writes.Count++;
    }

    // The array is on the pinned heap, so its address is a constant of its lifetime; it is only looked at, never read through.
    private static nint AddressOf(float[] pinned) => Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0);

    // Shared by all tensors over the same elements.
    private sealed class WriteCount
    {
        public long Count;
    }
}
