using System.Globalization;

namespace HybridCnn.Tensors;

/// <summary>
/// The extents of a tensor, one to four of them, and the memory order of a rank-4 one.
/// Rank 4 is always written [N, C, H, W], whatever the <see cref="Layout"/>; rank 3 is [N, C, L], rank 2 [N, F].
/// </summary>
public readonly struct Shape : IEquatable<Shape>
{
    private readonly int _d0, _d1, _d2, _d3;

    /// <summary>Creates a shape of one to four extents.</summary>
    /// <param name="extents">Each at least 1; their product at most <see cref="Array.MaxLength"/>.</param>
    /// <exception cref="ArgumentException">No extent, more than four, one below 1, or too many elements for one buffer.</exception>
    public Shape(params ReadOnlySpan<int> extents)
    {
        if (extents.Length is < 1 or > 4)
            throw new ArgumentException($"A shape has 1 to 4 extents; got {extents.Length}.", nameof(extents));
        long count = 1;
        for (int i = 0; i < extents.Length; i++)
        {
            if (extents[i] < 1)
                throw new ArgumentException($"Extent {i} must be at least 1; got {extents[i]}.", nameof(extents));
            // At most 2^31 * 2^31 before the check, so a long never overflows here.
            count *= extents[i];
            if (count > Array.MaxLength)
                throw new ArgumentException(
                    $"[{string.Join(", ", extents.ToArray())}] has more than the {Array.MaxLength} elements that one buffer can hold.", nameof(extents));
        }

        Rank = extents.Length;
        _d0 = extents[0];
        _d1 = Rank > 1 ? extents[1] : 1;
        _d2 = Rank > 2 ? extents[2] : 1;
        _d3 = Rank > 3 ? extents[3] : 1;
    }

    private Shape(Shape other, Layout layout)
    {
        this = other;
        Layout = layout;
    }

    /// <summary>Number of extents, 1 to 4; 0 only in <c>default</c>.</summary>
    public int Rank { get; }

    /// <summary>Memory order; meaningful for rank 4 only.</summary>
    public Layout Layout { get; }

    /// <summary>Number of elements.</summary>
    public int Count => Rank == 0 ? 0 : _d0 * _d1 * _d2 * _d3;

    /// <summary>Number of elements that belong to one index of the first extent.</summary>
    public int CountPerItem => _d1 * _d2 * _d3;

    /// <summary>The extent of one axis; for rank 4: 0 = N, 1 = C, 2 = H, 3 = W.</summary>
    public int this[int axis] => (uint)axis < (uint)Rank
        ? axis switch { 0 => _d0, 1 => _d1, 2 => _d2, _ => _d3 }
        : throw new ArgumentOutOfRangeException(nameof(axis), axis, $"{this} has rank {Rank}.");

    /// <summary>The same extents in another memory order.</summary>
    /// <exception cref="InvalidOperationException">The rank is not 4.</exception>
    public Shape In(Layout layout) => Rank == 4 || layout == Layout.Nchw
        ? new Shape(this, layout)
        : throw new InvalidOperationException($"Only a rank-4 shape has a layout; this one is {this}.");

    /// <inheritdoc/>
    public bool Equals(Shape other) =>
        Rank == other.Rank && Layout == other.Layout && _d0 == other._d0 && _d1 == other._d1 && _d2 == other._d2 && _d3 == other._d3;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Rank, Layout, _d0, _d1, _d2, _d3);

    /// <summary>Same rank, extents and layout.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Different rank, extents or layout.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary>"[64, 3, 32, 32]", with " NHWC" behind it where that is the layout.</summary>
    public override string ToString()
    {
        Span<int> extents = [_d0, _d1, _d2, _d3];
        string text = string.Join(", ", extents[..Rank].ToArray().Select(e => e.ToString(CultureInfo.InvariantCulture)));
        return $"[{text}]{(Layout == Layout.Nhwc ? " NHWC" : "")}";
    }
}
