using System.Runtime.InteropServices;

namespace HybridCnn.Kernels;

/// <summary>Softmax over channels that lie a plane apart, x [C, plane]: vectors of pixels down all channels. As <see cref="SoftmaxRows"/>.</summary>
internal static class SoftmaxPlanes
{
    /// <summary>Overwrites y, which may be x.</summary>
    public static void Forward(int channels, ReadOnlySpan<float> x, Span<float> y)
    {
        int done = Forward<Floats16>(channels, x, y[..x.Length], 0);
        _ = Forward<Floats1>(channels, x, y, done);
    }

    /// <summary>Overwrites dx, which may be dy.</summary>
    public static void Backward(int channels, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx)
    {
        int done = Backward<Floats16>(channels, y, dy[..y.Length], dx[..y.Length], 0);
        _ = Backward<Floats1>(channels, y, dy, dx, done);
    }

    private static int Forward<T>(int channels, ReadOnlySpan<float> x, Span<float> y, int pixel)
        where T : struct, IFloats<T>
    {
        int plane = x.Length / channels, end = plane * channels;
        for (; pixel + T.Count <= plane; pixel += T.Count)
        {
            T max = T.Load(ref MemoryMarshal.GetReference(x), pixel), sum = default;
            for (int at = pixel + plane; at < end; at += plane)
                max = T.Max(max, T.Load(ref MemoryMarshal.GetReference(x), at));
            for (int at = pixel; at < end; at += plane)
            {
                T value = Exponential.ExpOfNegative(T.Load(ref MemoryMarshal.GetReference(x), at) - max);
                value.Store(ref MemoryMarshal.GetReference(y), at);
                sum += value;
            }

            T share = T.Broadcast(1) / sum;
            for (int at = pixel; at < end; at += plane)
                (T.Load(ref MemoryMarshal.GetReference(y), at) * share).Store(ref MemoryMarshal.GetReference(y), at);
        }

        return pixel;
    }

    private static int Backward<T>(int channels, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx, int pixel)
        where T : struct, IFloats<T>
    {
        int plane = y.Length / channels, end = plane * channels;
        for (; pixel + T.Count <= plane; pixel += T.Count)
        {
            T sum = default;
            for (int at = pixel; at < end; at += plane)
                T.AddProduct(T.Load(ref MemoryMarshal.GetReference(y), at), T.Load(ref MemoryMarshal.GetReference(dy), at), ref sum);
            for (int at = pixel; at < end; at += plane)
            {
                T difference = T.Load(ref MemoryMarshal.GetReference(dy), at) - sum;
                (T.Load(ref MemoryMarshal.GetReference(y), at) * difference).Store(ref MemoryMarshal.GetReference(dx), at);
            }
        }

        return pixel;
    }
}
