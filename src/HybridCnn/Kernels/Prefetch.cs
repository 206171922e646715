using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace HybridCnn.Kernels;

/// <summary>
/// Asks for memory before it is needed, where walks over images take steps that processors don't foresee. A hint, which changes no
/// result; .NET has it for x86 alone, elsewhere it is nothing.
/// </summary>
internal static unsafe class Prefetch
{
    /// <summary>Brings the line of an address to the first-level cache. Any address may be given.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(float* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    /// <summary>What to ask for during steps [<paramref name="step"/>, <paramref name="end"/>) of <paramref name="steps"/>, so that they ask for all values evenly.</summary>
    public static ReadOnlySpan<float> Share(ReadOnlySpan<float> values, int step, int end, int steps) =>
        values[(int)((long)values.Length * step / steps)..(int)((long)values.Length * end / steps)];

    /// <summary>Brings some values to the first-level cache.</summary>
    public static void All(ReadOnlySpan<float> values)
    {
        fixed (float* first = values)
        {
            for (int at = 0; at < values.Length; at += CacheLine.Floats)
                Line(first + at);
        }
    }

    /// <summary>How far to go on from one of so many steps to the next, so that they ask for all floats evenly; a line at most.</summary>
    public static nint Step(int floats, int steps) => Math.Min(CacheLine.Floats, (floats - 1 + steps) / steps);

    /// <summary>The line so many floats from here, which may be beyond the memory that the reference belongs to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(ref float from, nint offset) => Line((float*)Unsafe.AsPointer(ref from) + offset);
}
