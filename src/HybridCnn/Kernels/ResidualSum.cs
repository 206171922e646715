using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>The sum at the end of a residual block, with the ReLU behind it (He, Zhang, Ren, Sun, Deep Residual Learning, 2015).</summary>
internal static class ResidualSum
{
    /// <summary>y = a + b, and the maximum of that and 0 if <paramref name="relu"/>. Overwrites; y may be a or b. Equal lengths.</summary>
    public static void Run(ReadOnlySpan<float> a, ReadOnlySpan<float> b, bool relu, Span<float> y)
    {
        if (a.Length != b.Length || a.Length != y.Length)
            throw new ArgumentException($"a has {a.Length} elements, b {b.Length}, y {y.Length}.", nameof(y));
        int done = Vector512.IsHardwareAccelerated ? Run<Floats16>(a, b, relu, y, 0) : Run<Floats8>(a, b, relu, y, 0);
        _ = Run<Floats1>(a, b, relu, y, done);
    }

    private static int Run<T>(ReadOnlySpan<float> a, ReadOnlySpan<float> b, bool relu, Span<float> y, int at)
        where T : struct, IFloats<T>
    {
        for (; at + T.Count <= y.Length; at += T.Count)
        {
            T sum = T.Load(ref MemoryMarshal.GetReference(a), at) + T.Load(ref MemoryMarshal.GetReference(b), at);
            (relu ? T.Rectify(sum) : sum).Store(ref MemoryMarshal.GetReference(y), at);
        }

        return at;
    }
}
