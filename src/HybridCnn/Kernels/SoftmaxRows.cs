using System.Runtime.InteropServices;

namespace HybridCnn.Kernels;

/// <summary>Softmax of one row, around its maximum so that no finite number overflows; backward dx = y·(dy − Σ dy·y).</summary>
internal static class SoftmaxRows
{
    /// <summary>Overwrites y, which may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, Span<float> y)
    {
        float max = x[0];
        int done = Max<Floats16>(x, ref max, 0);
        _ = Max<Floats1>(x, ref max, done);
        double sum = 0;
        done = Exp<Floats16>(x, max, y, ref sum, 0);
        _ = Exp<Floats1>(x, max, y, ref sum, done);
        float share = (float)(1 / sum);
        done = Scale<Floats16>(share, y, 0);
        _ = Scale<Floats1>(share, y, done);
    }

    /// <summary>Overwrites dx, which may be dy.</summary>
    public static void Backward(ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx)
    {
        double sum = 0;
        int done = Product<Floats16>(y, dy[..y.Length], ref sum, 0);
        _ = Product<Floats1>(y, dy, ref sum, done);
        done = Gradient<Floats16>(y, dy, (float)sum, dx[..y.Length], 0);
        _ = Gradient<Floats1>(y, dy, (float)sum, dx, done);
    }

    private static int Max<T>(ReadOnlySpan<float> x, ref float max, int at)
        where T : struct, IFloats<T>
    {
        T highest = T.Broadcast(max);
        for (; at + T.Count <= x.Length; at += T.Count)
            highest = T.Max(highest, T.Load(ref MemoryMarshal.GetReference(x), at));
        Span<float> lanes = stackalloc float[16];
        highest.Store(ref MemoryMarshal.GetReference(lanes), 0);
        foreach (float lane in lanes[..T.Count])
            max = MathF.Max(max, lane);
        return at;
    }

    private static int Exp<T>(ReadOnlySpan<float> x, float max, Span<float> y, ref double sum, int at)
        where T : struct, IFloats<T>
    {
        T highest = T.Broadcast(max), total = default;
        for (; at + T.Count <= y.Length; at += T.Count)
        {
            T value = Exponential.ExpOfNegative(T.Load(ref MemoryMarshal.GetReference(x), at) - highest);
            value.Store(ref MemoryMarshal.GetReference(y), at);
            total += value;
        }

        sum += total.Sum();
        return at;
    }

    private static int Scale<T>(float share, Span<float> y, int at)
        where T : struct, IFloats<T>
    {
        for (; at + T.Count <= y.Length; at += T.Count)
            (T.Load(ref MemoryMarshal.GetReference(y), at) * T.Broadcast(share)).Store(ref MemoryMarshal.GetReference(y), at);
        return at;
    }

    private static int Product<T>(ReadOnlySpan<float> y, ReadOnlySpan<float> dy, ref double sum, int at)
        where T : struct, IFloats<T>
    {
        T total = default;
        for (; at + T.Count <= y.Length; at += T.Count)
            T.AddProduct(T.Load(ref MemoryMarshal.GetReference(y), at), T.Load(ref MemoryMarshal.GetReference(dy), at), ref total);
        sum += total.Sum();
        return at;
    }

    private static int Gradient<T>(ReadOnlySpan<float> y, ReadOnlySpan<float> dy, float sum, Span<float> dx, int at)
        where T : struct, IFloats<T>
    {
        for (; at + T.Count <= y.Length; at += T.Count)
        {
            T difference = T.Load(ref MemoryMarshal.GetReference(dy), at) - T.Broadcast(sum);
            (T.Load(ref MemoryMarshal.GetReference(y), at) * difference).Store(ref MemoryMarshal.GetReference(dx), at);
        }

        return at;
    }
}
