using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Sums of shifted arrays: what a convolution is in <see cref="PhasePlanes"/>. Lengths are multiples of 64. Six filters by two registers of pixels are
/// summed together, so that a step has twelve multiplications to eight loads.
/// </summary>
internal static class ShiftedSums
{
    /// <summary>Filters that are computed together.</summary>
    public const int Together = 6;

    // With fewer filters, one after the other is as fast.
    private const int FewFilters = 3;

    /// <summary>y[f·stride + i] = bias[f] + Σ over terms t of x[distance t + i] · w[f, t]. Overwrites, up to the next multiple of 64 behind the length.</summary>
    /// <param name="x">Where the distances count from.</param>
    /// <param name="distances">One for each term.</param>
    /// <param name="w">[filters, terms], of at most <see cref="Together"/> filters.</param>
    /// <param name="bias">[filters], or empty.</param>
    /// <param name="y">A row for each filter.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="length">Elements that count.</param>
    public static void Run(ReadOnlySpan<float> x, ReadOnlySpan<int> distances, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, Span<float> y, int stride, int length)
    {
        (int filters, int rest) = Math.DivRem(w.Length, distances.Length);
        if (rest != 0 || filters is 0 or > Together)
            throw new ArgumentException($"{w.Length} weights are not 1 to {Together} filters of {distances.Length} terms.", nameof(w));
        int rounded = (length + PhasePlanes.Step - 1) / PhasePlanes.Step * PhasePlanes.Step;
        if (filters < FewFilters)
        {
            for (int filter = 0; filter < filters; filter++)
                Run(x, distances, w.Slice(filter * distances.Length, distances.Length), bias.IsEmpty ? 0 : bias[filter], y.Slice(filter * stride, rounded));
            return;
        }

        // The last filter stands for those that are missing in the last six.
        Span<int> filter6 = stackalloc int[Together];
        for (int i = 0; i < Together; i++)
            filter6[i] = Math.Min(i, filters - 1);
        foreach (int distance in distances)
            _ = x.Slice(distance, rounded);
        _ = y[..((filters - 1) * stride + rounded)];
        if (!bias.IsEmpty)
            _ = bias[..filters];
        if (Vector512.IsHardwareAccelerated)
            Six<Floats16>(x, distances, w, filter6, bias, y, stride, length);
        else
            Six<Floats8>(x, distances, w, filter6, bias, y, stride, length);
    }

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
                T.AddProduct(T.Load(ref from, at), weight, ref a);
                T.AddProduct(T.Load(ref from, at + T.Count), weight, ref b);
                T.AddProduct(T.Load(ref from, at + 2 * T.Count), weight, ref c);
                T.AddProduct(T.Load(ref from, at + 3 * T.Count), weight, ref d);
            }

            a.Store(ref to, i);
            b.Store(ref to, i + T.Count);
            c.Store(ref to, i + 2 * T.Count);
            d.Store(ref to, i + 3 * T.Count);
        }
    }

    // Registers: twelve sums, two of x, one weight in all lanes.
    private static void Six<T>(
        ReadOnlySpan<float> x, ReadOnlySpan<int> distances, ReadOnlySpan<float> w, ReadOnlySpan<int> filter, ReadOnlySpan<float> bias, Span<float> y, int stride, int length)
        where T : struct, IFloats<T>
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(y);
        ref int distance = ref MemoryMarshal.GetReference(distances);
        int terms = distances.Length;
        ref float w0 = ref MemoryMarshal.GetReference(w), w1 = ref Unsafe.Add(ref w0, filter[1] * terms), w2 = ref Unsafe.Add(ref w0, filter[2] * terms);
        ref float w3 = ref Unsafe.Add(ref w0, filter[3] * terms), w4 = ref Unsafe.Add(ref w0, filter[4] * terms), w5 = ref Unsafe.Add(ref w0, filter[5] * terms);
        for (nint i = 0; i < length; i += 2 * T.Count)
        {
            T a0 = Start<T>(bias, filter[0]), a1 = a0, b0 = Start<T>(bias, filter[1]), b1 = b0, c0 = Start<T>(bias, filter[2]), c1 = c0;
            T d0 = Start<T>(bias, filter[3]), d1 = d0, e0 = Start<T>(bias, filter[4]), e1 = e0, f0 = Start<T>(bias, filter[5]), f1 = f0;
            for (nint t = 0; t < terms; t++)
            {
                nint at = i + Unsafe.Add(ref distance, t);
                T x0 = T.Load(ref from, at), x1 = T.Load(ref from, at + T.Count), weight = T.Broadcast(Unsafe.Add(ref w0, t));
                (a0, a1) = (T.MultiplyAdd(x0, weight, a0), T.MultiplyAdd(x1, weight, a1));
                weight = T.Broadcast(Unsafe.Add(ref w1, t));
                (b0, b1) = (T.MultiplyAdd(x0, weight, b0), T.MultiplyAdd(x1, weight, b1));
                weight = T.Broadcast(Unsafe.Add(ref w2, t));
                (c0, c1) = (T.MultiplyAdd(x0, weight, c0), T.MultiplyAdd(x1, weight, c1));
                weight = T.Broadcast(Unsafe.Add(ref w3, t));
                (d0, d1) = (T.MultiplyAdd(x0, weight, d0), T.MultiplyAdd(x1, weight, d1));
                weight = T.Broadcast(Unsafe.Add(ref w4, t));
                (e0, e1) = (T.MultiplyAdd(x0, weight, e0), T.MultiplyAdd(x1, weight, e1));
                weight = T.Broadcast(Unsafe.Add(ref w5, t));
                (f0, f1) = (T.MultiplyAdd(x0, weight, f0), T.MultiplyAdd(x1, weight, f1));
            }

            Store(a0, a1, ref to, i + filter[0] * stride);
            Store(b0, b1, ref to, i + filter[1] * stride);
            Store(c0, c1, ref to, i + filter[2] * stride);
            Store(d0, d1, ref to, i + filter[3] * stride);
            Store(e0, e1, ref to, i + filter[4] * stride);
            Store(f0, f1, ref to, i + filter[5] * stride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Start<T>(ReadOnlySpan<float> bias, int filter)
        where T : struct, IFloats<T> => bias.IsEmpty ? default : T.Broadcast(bias[filter]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T>(T first, T second, ref float to, nint at)
        where T : struct, IFloats<T>
    {
        first.Store(ref to, at);
        second.Store(ref to, at + T.Count);
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
                T.AddProduct(T.Load(ref from, x0 + i), value, ref a);
                T.AddProduct(T.Load(ref from, x1 + i), value, ref b);
                T.AddProduct(T.Load(ref from, x2 + i), value, ref c);
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
                T.AddProduct(T.Load(ref from, distances[t] + i), T.Load(ref gradient, i), ref a);
                T.AddProduct(T.Load(ref from, distances[t] + i + T.Count), T.Load(ref gradient, i + T.Count), ref b);
            }

            sums[t] += (a + b).Sum();
        }
    }
}
