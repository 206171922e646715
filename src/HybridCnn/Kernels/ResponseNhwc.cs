using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>Local response normalization of NHWC pixels, x [pixels, C]: what lies around a channel lies beside it. Sums run over a row with zeros at both ends.</summary>
internal static class ResponseNhwc
{
    /// <summary>Floats of scratch memory that both passes take.</summary>
    public static int Scratch(ResponseWindow window, int channels) => 3 * Stride(window, channels);

    /// <summary>Overwrites y.</summary>
    public static void Forward(ResponseWindow window, int channels, ReadOnlySpan<float> x, Span<float> scratch, Span<float> y)
    {
        Span<float> squares = scratch[..Stride(window, channels)];
        squares.Clear();
        for (int at = 0; at < x.Length; at += channels)
        {
            ReadOnlySpan<float> pixel = x.Slice(at, channels);
            Span<float> result = y.Slice(at, channels);
            int done = Square<Floats16>(pixel, squares[window.Before..], 0);
            _ = Square<Floats1>(pixel, squares[window.Before..], done);
            done = Forward<Floats16>(window, pixel, squares, result, 0);
            _ = Forward<Floats1>(window, pixel, squares, result, done);
        }
    }

    /// <summary>Overwrites dx.</summary>
    public static void Backward(ResponseWindow window, int channels, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> scratch, Span<float> dx)
    {
        int stride = Stride(window, channels);
        Span<float> squares = scratch[..stride], shares = scratch.Slice(stride, stride), factors = scratch.Slice(2 * stride, channels);
        squares.Clear();
        shares.Clear();
        for (int at = 0; at < x.Length; at += channels)
        {
            ReadOnlySpan<float> pixel = x.Slice(at, channels), gradient = dy.Slice(at, channels);
            Span<float> result = dx.Slice(at, channels);
            int done = Square<Floats16>(pixel, squares[window.Before..], 0);
            _ = Square<Floats1>(pixel, squares[window.Before..], done);
            done = Share<Floats16>(window, pixel, gradient, squares, factors, shares, 0);
            _ = Share<Floats1>(window, pixel, gradient, squares, factors, shares, done);
            done = Backward<Floats16>(window, pixel, gradient, factors, shares, result, 0);
            _ = Backward<Floats1>(window, pixel, gradient, factors, shares, result, done);
        }
    }

    private static int Stride(ResponseWindow window, int channels) => channels + window.Before + window.Behind;

    // The spans of the methods below have been cut to length above; each takes whole vectors from `c` on and returns where they end.
    private static int Square<T>(ReadOnlySpan<float> x, Span<float> squares, int c)
        where T : struct, IFloats<T>
    {
        for (; c + T.Count <= x.Length; c += T.Count)
        {
            T value = T.Load(ref MemoryMarshal.GetReference(x), c);
            (value * value).Store(ref MemoryMarshal.GetReference(squares), c);
        }

        return c;
    }

    private static int Forward<T>(ResponseWindow window, ReadOnlySpan<float> x, ReadOnlySpan<float> squares, Span<float> y, int c)
        where T : struct, IFloats<T>
    {
        for (; c + T.Count <= x.Length; c += T.Count)
        {
            T factor = window.Factor(window.Total(Sum<T>(squares, c, window.Before + window.Behind)));
            (T.Load(ref MemoryMarshal.GetReference(x), c) * factor).Store(ref MemoryMarshal.GetReference(y), c);
        }

        return c;
    }

    // shares[Behind + j] = dy_j·x_j·s_j^(−beta − 1): element i takes the sum from i − Behind to i + Before.
    private static int Share<T>(
        ResponseWindow window, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> squares, Span<float> factors, Span<float> shares, int c)
        where T : struct, IFloats<T>
    {
        for (; c + T.Count <= x.Length; c += T.Count)
        {
            T total = window.Total(Sum<T>(squares, c, window.Before + window.Behind)), factor = window.Factor(total);
            factor.Store(ref MemoryMarshal.GetReference(factors), c);
            T product = T.Load(ref MemoryMarshal.GetReference(x), c) * T.Load(ref MemoryMarshal.GetReference(dy), c);
            (product * factor / total).Store(ref MemoryMarshal.GetReference(shares), c + window.Behind);
        }

        return c;
    }

    private static int Backward<T>(
        ResponseWindow window, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> factors, ReadOnlySpan<float> shares, Span<float> dx, int c)
        where T : struct, IFloats<T>
    {
        T weight = T.Broadcast(-2 * window.Alpha * window.Beta);
        for (; c + T.Count <= x.Length; c += T.Count)
        {
            T sum = Sum<T>(shares, c, window.Before + window.Behind) * weight;
            T own = T.Load(ref MemoryMarshal.GetReference(dy), c) * T.Load(ref MemoryMarshal.GetReference(factors), c);
            T.MultiplyAdd(sum, T.Load(ref MemoryMarshal.GetReference(x), c), own).Store(ref MemoryMarshal.GetReference(dx), c);
        }

        return c;
    }

    private static T Sum<T>(ReadOnlySpan<float> row, int from, int more)
        where T : struct, IFloats<T>
    {
        T sum = T.Load(ref MemoryMarshal.GetReference(row), from);
        for (int i = 1; i <= more; i++)
            sum += T.Load(ref MemoryMarshal.GetReference(row), from + i);
        return sum;
    }
}
