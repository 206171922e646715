using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>Sums of shifted arrays: what a convolution is in <see cref="PhasePlanes"/>. Lengths are multiples of 64.</summary>
internal static class ShiftedSums
{
    /// <summary>y[i] = start + Σ over terms t of x[distance t + i] · w[t]. Overwrites.</summary>
    public static void Run(ReadOnlySpan<float> x, ReadOnlySpan<int> distances, ReadOnlySpan<float> w, float start, Span<float> y)
    {
        if (w.Length != distances.Length)
            throw new ArgumentException($"{distances.Length} distances, {w.Length} weights.", nameof(w));
        foreach (int distance in distances)
            _ = x.Slice(distance, y.Length);
        if (Vector512.IsHardwareAccelerated)
            Run<Floats16>(x, distances, w, start, y);
        else
            Run<Floats8>(x, distances, w, start, y);
    }

    /// <summary>Adds Σ over i of x[distance t + i] · dy[i] to sums[t].</summary>
    public static void AddProducts(ReadOnlySpan<float> x, ReadOnlySpan<int> distances, ReadOnlySpan<float> dy, Span<float> sums)
    {
        if (sums.Length != distances.Length)
            throw new ArgumentException($"{distances.Length} distances, {sums.Length} sums.", nameof(sums));
        foreach (int distance in distances)
            _ = x.Slice(distance, dy.Length);
        if (Vector512.IsHardwareAccelerated)
            AddProducts<Floats16>(x, distances, dy, sums);
        else
            AddProducts<Floats8>(x, distances, dy, sums);
    }

    private static void Run<T>(ReadOnlySpan<float> x, ReadOnlySpan<int> distances, ReadOnlySpan<float> w, float start, Span<float> y)
        where T : struct, IFloats<T>
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(y);
        for (nint i = 0; i < y.Length; i += 4 * T.Count)
        {
            T a = T.Broadcast(start), b = a, c = a, d = a;
            for (int t = 0; t < distances.Length; t++)
            {
                nint at = i + distances[t];
                T weight = T.Broadcast(w[t]);
                a = T.MultiplyAdd(T.Load(ref from, at), weight, a);
                b = T.MultiplyAdd(T.Load(ref from, at + T.Count), weight, b);
                c = T.MultiplyAdd(T.Load(ref from, at + 2 * T.Count), weight, c);
                d = T.MultiplyAdd(T.Load(ref from, at + 3 * T.Count), weight, d);
            }

            a.Store(ref to, i);
            b.Store(ref to, i + T.Count);
            c.Store(ref to, i + 2 * T.Count);
            d.Store(ref to, i + 3 * T.Count);
        }
    }

    private static void AddProducts<T>(ReadOnlySpan<float> x, ReadOnlySpan<int> distances, ReadOnlySpan<float> dy, Span<float> sums)
        where T : struct, IFloats<T>
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float gradient = ref MemoryMarshal.GetReference(dy);
        int t = 0;
        for (; t + 3 <= distances.Length; t += 3)
        {
            T a = default, b = default, c = default;
            nint x0 = distances[t], x1 = distances[t + 1], x2 = distances[t + 2];
            for (nint i = 0; i < dy.Length; i += T.Count)
            {
                T value = T.Load(ref gradient, i);
                a = T.MultiplyAdd(T.Load(ref from, x0 + i), value, a);
                b = T.MultiplyAdd(T.Load(ref from, x1 + i), value, b);
                c = T.MultiplyAdd(T.Load(ref from, x2 + i), value, c);
            }

            sums[t] += a.Sum();
            sums[t + 1] += b.Sum();
            sums[t + 2] += c.Sum();
        }

        for (; t < distances.Length; t++)
        {
            T a = default, b = default;
            for (nint i = 0; i < dy.Length; i += 2 * T.Count)
            {
                a = T.MultiplyAdd(T.Load(ref from, distances[t] + i), T.Load(ref gradient, i), a);
                b = T.MultiplyAdd(T.Load(ref from, distances[t] + i + T.Count), T.Load(ref gradient, i + T.Count), b);
            }

            sums[t] += (a + b).Sum();
        }
    }
}
