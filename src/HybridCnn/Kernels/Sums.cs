using System.Numerics;
using System.Runtime.InteropServices;

namespace HybridCnn.Kernels;

/// <summary>Sums of whole arrays, element by element.</summary>
internal static class Sums
{
    /// <summary>total += part. Equal lengths.</summary>
    public static void Add(ReadOnlySpan<float> part, Span<float> total)
    {
        if (part.Length != total.Length)
            throw new ArgumentException($"part has {part.Length} elements, total {total.Length}.", nameof(part));
        Span<Vector<float>> totals = MemoryMarshal.Cast<float, Vector<float>>(total);
        ReadOnlySpan<Vector<float>> parts = MemoryMarshal.Cast<float, Vector<float>>(part);
        for (int i = 0; i < totals.Length; i++)
            totals[i] += parts[i];
        for (int i = totals.Length * Vector<float>.Count; i < total.Length; i++)
            total[i] += part[i];
    }
}
