using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>The sum at the end of a residual block, with the ReLU behind it, and the sum of the gradients where ways part (He, Zhang, Ren, Sun, Deep Residual Learning, 2015).</summary>
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

    /// <summary>dx = a + b where y is above 0, else 0: the gradient behind a ReLU whose output y has two readers. Overwrites; dx may be a or b. Equal lengths.</summary>
    public static void RunMasked(ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> y, Span<float> dx)
    {
        if (a.Length != b.Length || a.Length != y.Length || a.Length != dx.Length)
            throw new ArgumentException($"a has {a.Length} elements, b {b.Length}, y {y.Length}, dx {dx.Length}.", nameof(dx));
        int done = Vector512.IsHardwareAccelerated ? RunMasked<Floats16>(a, b, y, dx, 0) : RunMasked<Floats8>(a, b, y, dx, 0);
        _ = RunMasked<Floats1>(a, b, y, dx, done);
    }

    private static int RunMasked<T>(ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> y, Span<float> dx, int at)
        where T : struct, IFloats<T>
    {
        for (; at + T.Count <= dx.Length; at += T.Count)
        {
            T sum = T.Load(ref MemoryMarshal.GetReference(a), at) + T.Load(ref MemoryMarshal.GetReference(b), at);
            T.WherePositive(T.Load(ref MemoryMarshal.GetReference(y), at), sum).Store(ref MemoryMarshal.GetReference(dx), at);
        }

        return at;
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
