using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>What clipping and layer-wise rates do to a run of elements: the sum of squares, scaling, clamping. NaN passes through.</summary>
internal static class GradientLimits
{
    /// <summary>Σ x². In float: for runs of some thousand elements, whose sums are then added in double.</summary>
    public static double SumOfSquares(ReadOnlySpan<float> x)
    {
        int i = 0;
        double sum = Vector512.IsHardwareAccelerated ? SumOfSquares<Floats16>(x, ref i) : SumOfSquares<Floats8>(x, ref i);
        return sum + SumOfSquares<Floats1>(x, ref i);
    }

    /// <summary>x *= factor.</summary>
    public static void Scale(float factor, Span<float> x)
    {
        int done = Vector512.IsHardwareAccelerated ? Scale<Floats16>(factor, x, 0) : Scale<Floats8>(factor, x, 0);
        _ = Scale<Floats1>(factor, x, done);
    }

    /// <summary>x = min(max(x, -limit), limit).</summary>
    public static void Clamp(float limit, Span<float> x)
    {
        int done = Vector512.IsHardwareAccelerated ? Clamp<Floats16>(limit, x, 0) : Clamp<Floats8>(limit, x, 0);
        _ = Clamp<Floats1>(limit, x, done);
    }

    // Four sums side by side: one alone would wait for its own addition.
    private static double SumOfSquares<T>(ReadOnlySpan<float> x, ref int i)
        where T : struct, IFloats<T>
    {
        ref float source = ref MemoryMarshal.GetReference(x);
        T a = default, b = default, c = default, d = default;
        for (; i + 4 * T.Count <= x.Length; i += 4 * T.Count)
        {
            T first = T.Load(ref source, i), second = T.Load(ref source, i + T.Count);
            T third = T.Load(ref source, i + 2 * T.Count), fourth = T.Load(ref source, i + 3 * T.Count);
            (a, b) = (T.MultiplyAdd(first, first, a), T.MultiplyAdd(second, second, b));
            (c, d) = (T.MultiplyAdd(third, third, c), T.MultiplyAdd(fourth, fourth, d));
        }

        for (; i + T.Count <= x.Length; i += T.Count)
        {
            T last = T.Load(ref source, i);
            T.AddProduct(last, last, ref a);
        }

        return (a + b + (c + d)).Sum();
    }

    private static int Scale<T>(float factor, Span<float> x, int i)
        where T : struct, IFloats<T>
    {
        ref float target = ref MemoryMarshal.GetReference(x);
        for (; i + T.Count <= x.Length; i += T.Count)
            (T.Load(ref target, i) * T.Broadcast(factor)).Store(ref target, i);
        return i;
    }

    private static int Clamp<T>(float limit, Span<float> x, int i)
        where T : struct, IFloats<T>
    {
        ref float target = ref MemoryMarshal.GetReference(x);
        for (; i + T.Count <= x.Length; i += T.Count)
            T.Min(T.Max(T.Load(ref target, i), T.Broadcast(-limit)), T.Broadcast(limit)).Store(ref target, i);
        return i;
    }
}
