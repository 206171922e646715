using HybridCnn.Interop;

namespace HybridCnn.Tests.Support;

/// <summary>Which end of a <see cref="GuardedBuffer"/> lies against an inaccessible page.</summary>
public enum GuardSide
{
    End = 0,
    Start = 1,
}

/// <summary>
/// Floats flush against an inaccessible page: native code that reads or writes one float too far ends the test process,
/// and managed code gets an exception, instead of going unnoticed. Filled with NaN.
/// </summary>
internal sealed unsafe class GuardedBuffer : IDisposable
{
    private readonly ulong _bytes;
    private float* _memory;

    public GuardedBuffer(int length, GuardSide side = GuardSide.End)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        _bytes = (ulong)length * sizeof(float);
        if (length == 0)
            return;
        _memory = (float*)NativeMethods.GuardAllocate(_bytes, (int)side);
        if (_memory == null)
            throw new InsufficientMemoryException($"No guarded memory for {length} floats.");
        Span.Fill(float.NaN);
    }

    public GuardedBuffer(ReadOnlySpan<float> contents, GuardSide side = GuardSide.End)
        : this(contents.Length, side) => contents.CopyTo(Span);

    public int Length { get; }

    public Span<float> Span => new(_memory, _memory == null ? 0 : Length);

    public void Dispose()
    {
        NativeMethods.GuardFree(_memory, _bytes);
        _memory = null;
    }
}
