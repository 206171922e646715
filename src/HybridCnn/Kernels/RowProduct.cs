using System.Runtime.InteropServices;

namespace HybridCnn.Kernels;

/// <summary>Weighted sums of whole rows.</summary>
internal static class RowProduct
{
    /// <summary>y += factor·x. Equal lengths.</summary>
    public static void Add(ReadOnlySpan<float> x, float factor, Span<float> y)
    {
        CheckLength(x.Length, nameof(x), y.Length);
        int done = Add<Floats16>(x, factor, y, 0);
        done = Add<Floats4>(x, factor, y, done);
        _ = Add<Floats1>(x, factor, y, done);
    }

    /// <summary>y = a·x + b·z. Overwrites; equal lengths.</summary>
    public static void Blend(ReadOnlySpan<float> x, float a, ReadOnlySpan<float> z, float b, Span<float> y)
    {
        CheckLength(x.Length, nameof(x), y.Length);
        CheckLength(z.Length, nameof(z), y.Length);
        int done = Blend<Floats16>(x, a, z, b, y, 0);
        done = Blend<Floats4>(x, a, z, b, y, done);
        _ = Blend<Floats1>(x, a, z, b, y, done);
    }

    private static int Blend<T>(ReadOnlySpan<float> x, float a, ReadOnlySpan<float> z, float b, Span<float> y, int at)
        where T : struct, IFloats<T>
    {
        for (; at + T.Count <= y.Length; at += T.Count)
        {
            T first = T.Load(ref MemoryMarshal.GetReference(x), at) * T.Broadcast(a);
            T.MultiplyAdd(T.Load(ref MemoryMarshal.GetReference(z), at), T.Broadcast(b), first).Store(ref MemoryMarshal.GetReference(y), at);
        }

        return at;
    }

    private static int Add<T>(ReadOnlySpan<float> x, float factor, Span<float> y, int at)
        where T : struct, IFloats<T>
    {
        for (; at + T.Count <= y.Length; at += T.Count)
        {
            T sum = T.MultiplyAdd(T.Load(ref MemoryMarshal.GetReference(x), at), T.Broadcast(factor), T.Load(ref MemoryMarshal.GetReference(y), at));
            sum.Store(ref MemoryMarshal.GetReference(y), at);
        }

        return at;
    }

    private static void CheckLength(int given, string name, int expected)
    {
        if (given != expected)
            throw new ArgumentException($"{name} has {given} elements, y {expected}.", name);
    }
}
