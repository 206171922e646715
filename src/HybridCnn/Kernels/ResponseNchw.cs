using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>Local response normalization of a strip of pixels of one NCHW image, x [C, plane]: vectors of pixels, whose channels lie a plane apart.</summary>
internal static class ResponseNchw
{
    /// <summary>Overwrites the strip of y.</summary>
    /// <param name="window">What is summed.</param>
    /// <param name="channels">C.</param>
    /// <param name="plane">Pixels of the image.</param>
    /// <param name="first">First pixel of the strip.</param>
    /// <param name="count">Pixels of the strip.</param>
    /// <param name="x">The image.</param>
    /// <param name="y">Its result.</param>
    public static void Forward(ResponseWindow window, int channels, int plane, int first, int count, ReadOnlySpan<float> x, Span<float> y)
    {
        _ = (x[..(channels * plane)].Length, y[..(channels * plane)].Length, x.Slice(first, count).Length);
        int done = Forward<Floats16>(window, channels, plane, first, first + count, x, y);
        _ = Forward<Floats1>(window, channels, plane, done, first + count, x, y);
    }

    /// <summary>Overwrites the strip of dx, and scratch, of twice the strip's elements.</summary>
    /// <inheritdoc cref="Forward(ResponseWindow, int, int, int, int, ReadOnlySpan{float}, Span{float})"/>
    public static void Backward(
        ResponseWindow window, int channels, int plane, int first, int count, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> scratch, Span<float> dx)
    {
        _ = (x[..(channels * plane)].Length, dy[..(channels * plane)].Length, dx[..(channels * plane)].Length, x.Slice(first, count).Length);
        Span<float> factors = scratch[..(channels * count)], shares = scratch.Slice(channels * count, channels * count);
        int done = Backward<Floats16>(window, channels, plane, first, first, count, x, dy, factors, shares, dx);
        _ = Backward<Floats1>(window, channels, plane, first, done, count, x, dy, factors, shares, dx);
    }

    private static int Forward<T>(ResponseWindow window, int channels, int plane, int from, int end, ReadOnlySpan<float> x, Span<float> y)
        where T : struct, IFloats<T>
    {
        int rest = from + (end - from) / T.Count * T.Count;
        for (int c = 0; c < channels; c++)
        {
            for (int pixel = from; pixel < rest; pixel += T.Count)
            {
                T factor = window.Factor(window.Total(Squares<T>(window, channels, plane, x, c, pixel)));
                (T.Load(ref MemoryMarshal.GetReference(x), c * plane + pixel) * factor).Store(ref MemoryMarshal.GetReference(y), c * plane + pixel);
            }
        }

        return rest;
    }

    private static int Backward<T>(
        ResponseWindow window, int channels, int plane, int first, int from, int count, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> factors, Span<float> shares,
        Span<float> dx)
        where T : struct, IFloats<T>
    {
        int rest = from + (first + count - from) / T.Count * T.Count;
        for (int c = 0; c < channels; c++)
        {
            for (int pixel = from; pixel < rest; pixel += T.Count)
            {
                int at = c * plane + pixel, kept = c * count + pixel - first;
                T total = window.Total(Squares<T>(window, channels, plane, x, c, pixel)), factor = window.Factor(total);
                factor.Store(ref MemoryMarshal.GetReference(factors), kept);
                T product = T.Load(ref MemoryMarshal.GetReference(x), at) * T.Load(ref MemoryMarshal.GetReference(dy), at);
                (product * factor / total).Store(ref MemoryMarshal.GetReference(shares), kept);
            }
        }

        T weight = T.Broadcast(-2 * window.Alpha * window.Beta);
        for (int c = 0; c < channels; c++)
        {
            for (int pixel = from; pixel < rest; pixel += T.Count)
            {
                int at = c * plane + pixel, kept = c * count + pixel - first;
                T sum = default;
                for (int j = Math.Max(0, c - window.Behind); j <= Math.Min(channels - 1, c + window.Before); j++)
                    sum += T.Load(ref MemoryMarshal.GetReference(shares), j * count + pixel - first);
                T own = T.Load(ref MemoryMarshal.GetReference(dy), at) * T.Load(ref MemoryMarshal.GetReference(factors), kept);
                T.MultiplyAdd(sum * weight, T.Load(ref MemoryMarshal.GetReference(x), at), own).Store(ref MemoryMarshal.GetReference(dx), at);
            }
        }

        return rest;
    }

    private static T Squares<T>(ResponseWindow window, int channels, int plane, ReadOnlySpan<float> x, int c, int pixel)
        where T : struct, IFloats<T>
    {
        T sum = default;
        for (int j = Math.Max(0, c - window.Before); j <= Math.Min(channels - 1, c + window.Behind); j++)
        {
            T value = T.Load(ref MemoryMarshal.GetReference(x), j * plane + pixel);
            T.AddProduct(value, value, ref sum);
        }

        return sum;
    }
}
