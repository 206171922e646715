namespace HybridCnn.Compute;

/// <summary>
/// A span that its caller keeps pinned (by <c>fixed</c>) for as long as a parallel run lasts, so that a state object can
/// carry it to the workers: a span itself cannot be a field of a class. The one place where a pointer leaves a method.
/// </summary>
internal readonly unsafe struct PinnedSpan(float* pointer, int length)
{
    public Span<float> Span => new(pointer, length);

    public bool IsEmpty => length == 0;
}
