using System.Numerics;
using System.Runtime.InteropServices;

namespace HybridCnn.Kernels;

/// <summary>Mixes two images into each other.</summary>
internal static class ImageMix
{
    /// <summary>a, b = share a + (1 - share) b, share b + (1 - share) a.</summary>
    /// <param name="a">Overwritten.</param>
    /// <param name="b">As many; overwritten.</param>
    /// <param name="share">0 to 1.</param>
    public static void Run(Span<float> a, Span<float> b, float share)
    {
        float rest = 1 - share;
        Span<Vector<float>> wideA = MemoryMarshal.Cast<float, Vector<float>>(a), wideB = MemoryMarshal.Cast<float, Vector<float>>(b[..a.Length]);
        for (int i = 0; i < wideA.Length; i++)
            (wideA[i], wideB[i]) = (share * wideA[i] + rest * wideB[i], share * wideB[i] + rest * wideA[i]);
        for (int i = wideA.Length * Vector<float>.Count; i < a.Length; i++)
            (a[i], b[i]) = (share * a[i] + rest * b[i], share * b[i] + rest * a[i]);
    }
}
