using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>The products of one row with many: a matrix times a vector, which reads every weight once and so runs at the speed of memory.</summary>
internal static class RowDots
{
    // Rows that share the loads of x, and give the processor independent sums.
    private const int RowsTogether = 4;

    /// <summary>y[r] += Σ x[k]·w[r, k]. A result doesn't depend on which rows are asked for together.</summary>
    /// <param name="x">One row.</param>
    /// <param name="w">[y.Length, x.Length].</param>
    /// <param name="y">Added to.</param>
    public static void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<float> y)
    {
        if (w.Length != (long)x.Length * y.Length)
            throw new ArgumentException($"w has {w.Length} elements; {y.Length} rows of {x.Length} have {(long)x.Length * y.Length}.", nameof(w));
        int row = 0;
        for (; row + RowsTogether <= y.Length; row += RowsTogether)
            AddFour(x, w.Slice(row * x.Length, RowsTogether * x.Length), y.Slice(row, RowsTogether));
        for (; row < y.Length; row++)
            y[row] += One(x, w.Slice(row * x.Length, x.Length));
    }

    private static void AddFour(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<float> y)
    {
        if (Vector512.IsHardwareAccelerated)
            AddFour<Floats16>(x, w, y);
        else
            AddFour<Floats8>(x, w, y);
    }

    private static float One(ReadOnlySpan<float> x, ReadOnlySpan<float> w) =>
        Vector512.IsHardwareAccelerated ? One<Floats16>(x, w) : One<Floats8>(x, w);

    private static void AddFour<T>(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<float> y)
        where T : struct, IFloats<T>
    {
        ref float first = ref MemoryMarshal.GetReference(w), vector = ref MemoryMarshal.GetReference(x);
        T a = T.Broadcast(0), b = a, c = a, d = a;
        int k = 0, length = x.Length;
        for (; k + T.Count <= length; k += T.Count)
        {
            T part = T.Load(ref vector, k);
            T.AddProduct(part, T.Load(ref first, k), ref a);
            T.AddProduct(part, T.Load(ref first, length + k), ref b);
            T.AddProduct(part, T.Load(ref first, 2 * length + k), ref c);
            T.AddProduct(part, T.Load(ref first, 3 * length + k), ref d);
        }

        y[0] += a.Sum() + Rest(x, w[..length], k);
        y[1] += b.Sum() + Rest(x, w.Slice(length, length), k);
        y[2] += c.Sum() + Rest(x, w.Slice(2 * length, length), k);
        y[3] += d.Sum() + Rest(x, w.Slice(3 * length, length), k);
    }

    private static float One<T>(ReadOnlySpan<float> x, ReadOnlySpan<float> w)
        where T : struct, IFloats<T>
    {
        T sum = T.Broadcast(0);
        int k = 0;
        for (; k + T.Count <= x.Length; k += T.Count)
            T.AddProduct(T.Load(ref MemoryMarshal.GetReference(x), k), T.Load(ref MemoryMarshal.GetReference(w), k), ref sum);
        return sum.Sum() + Rest(x, w, k);
    }

    private static float Rest(ReadOnlySpan<float> x, ReadOnlySpan<float> w, int k)
    {
        float sum = 0;
        for (; k < x.Length; k++)
            sum += x[k] * w[k];
        return sum;
    }
}
