using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Random masks by counting: whether an element is kept is a function of its position and two keys, so that any part of a mask can be made at any time, on any thread, and
/// isn't stored (Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3, 2011). The function is two rounds of a mixer of 32 bits whose bias is near the
/// least that two multiplications reach (lowbias32: Wellons, Prospecting for Hash Functions, 2018), with a key before each.
/// </summary>
internal static class DropoutMask
{
    private const uint First = 0x7feb352d, Second = 0x846ca68b;

    /// <summary>The keys of one mask: neighbouring seeds and steps have nothing in common (the mixer of SplitMix64: Steele, Lea, Flood, 2014).</summary>
    public static (uint First, uint Second) Keys(ulong seed, ulong step)
    {
        ulong z = Mix(seed + 0x9E3779B97F4A7C15) + step * 0x9E3779B97F4A7C15;
        z = Mix(z);
        return ((uint)z, (uint)(z >> 32));

        static ulong Mix(ulong z)
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }

    /// <summary>y = x·scale where 32 random bits are at least <paramref name="threshold"/>, else 0. Overwrites; y may be x. Equal lengths.</summary>
    /// <param name="x">A part of a tensor.</param>
    /// <param name="position">Of the part's first element in the tensor.</param>
    /// <param name="keys">Which mask.</param>
    /// <param name="threshold">2^32 times the probability of dropping.</param>
    /// <param name="scale">What is kept is multiplied by.</param>
    /// <param name="y">The part of the result.</param>
    public static void Apply(ReadOnlySpan<float> x, uint position, (uint First, uint Second) keys, uint threshold, float scale, Span<float> y)
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(y[..x.Length]);
        int at = 0;
        Vector512<uint> lanes = Vector512<uint>.Indices, thresholds = Vector512.Create(threshold);
        for (; at + Vector512<uint>.Count <= x.Length; at += Vector512<uint>.Count)
        {
            Vector512<uint> bits = Mixed(lanes + Vector512.Create(position + (uint)at + keys.First));
            bits = Mixed(bits ^ Vector512.Create(keys.Second));
            Vector512<float> kept = Vector512.GreaterThanOrEqual(bits, thresholds).AsSingle();
            (kept & (Vector512.LoadUnsafe(ref from, (nuint)at) * scale)).StoreUnsafe(ref to, (nuint)at);
        }

        for (; at < x.Length; at++)
        {
            uint bits = Mixed(Mixed(position + (uint)at + keys.First) ^ keys.Second);
            y[at] = bits >= threshold ? x[at] * scale : 0;
        }
    }

    private static Vector512<uint> Mixed(Vector512<uint> v)
    {
        v = (v ^ (v >>> 16)) * First;
        v = (v ^ (v >>> 15)) * Second;
        return v ^ (v >>> 16);
    }

    private static uint Mixed(uint v)
    {
        v = (v ^ (v >> 16)) * First;
        v = (v ^ (v >> 15)) * Second;
        return v ^ (v >> 16);
    }
}
