using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// x where it is above 0, else slope·x (He, Zhang, Ren, Sun, Delving Deep into Rectifiers, 2015), over rows of channels [rows, C] with a slope for each,
/// or over a plane with one slope. Sums are taken in float32 over short runs and in double beyond.
/// </summary>
internal static class ParametricReluRows
{
    private const int Block = 2048;

    /// <summary>y from rows of channels. Overwrites; y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> slopes, Span<float> y)
    {
        for (int row = 0; row < x.Length; row += slopes.Length)
        {
            ReadOnlySpan<float> from = x.Slice(row, slopes.Length);
            Span<float> to = y.Slice(row, slopes.Length);
            int done = Forward<Floats16>(from, slopes, to, 0);
            done = Forward<Floats4>(from, slopes, to, done);
            _ = Forward<Floats1>(from, slopes, to, done);
        }
    }

    /// <summary>y from a plane. Overwrites; y may be x.</summary>
    public static void Forward(ReadOnlySpan<float> x, float slope, Span<float> y) => Elementwise.Forward(new LeakyReluFunction(slope), x, y);

    /// <summary>dx (or empty) from rows of channels, overwritten, may be dy; adds Σ dy·x, where x isn't above 0, to the sum of every channel.</summary>
    public static void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> slopes, Span<float> dx, Span<double> sums)
    {
        int channels = slopes.Length, run = Math.Max(1, Block / channels) * channels;
        Span<float> part = stackalloc float[16];
        for (int start = 0; start < x.Length; start += run)
        {
            int length = Math.Min(run, x.Length - start);
            ReadOnlySpan<float> xs = x.Slice(start, length), dys = dy.Slice(start, length);
            Span<float> dxs = dx.IsEmpty ? [] : dx.Slice(start, length);
            int done = Backward<Floats16>(xs, dys, slopes, dxs, sums, part, 0);
            done = Backward<Floats4>(xs, dys, slopes, dxs, sums, part, done);
            _ = Backward<Floats1>(xs, dys, slopes, dxs, sums, part, done);
        }
    }

    /// <summary>dx (or empty) from a plane, overwritten, may be dy.</summary>
    /// <returns>Σ dy·x where x isn't above 0.</returns>
    public static double Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, float slope, Span<float> dx)
    {
        double sum = 0;
        for (int start = 0; start < x.Length; start += Block)
        {
            int length = Math.Min(Block, x.Length - start);
            ReadOnlySpan<float> xs = x.Slice(start, length), dys = dy.Slice(start, length);
            Span<float> dxs = dx.IsEmpty ? [] : dx.Slice(start, length);
            int done = Backward<Floats16>(xs, dys, slope, dxs, 0, ref sum);
            _ = Backward<Floats1>(xs, dys, slope, dxs, done, ref sum);
        }

        return sum;
    }

    // The spans of the methods below have been cut to length above.
    private static int Forward<T>(ReadOnlySpan<float> x, ReadOnlySpan<float> slopes, Span<float> y, int at)
        where T : struct, IFloats<T>
    {
        for (; at + T.Count <= y.Length; at += T.Count)
        {
            T value = T.Load(ref MemoryMarshal.GetReference(x), at);
            T.Select(value, value, value * T.Load(ref MemoryMarshal.GetReference(slopes), at)).Store(ref MemoryMarshal.GetReference(y), at);
        }

        return at;
    }

    private static int Backward<T>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> slopes, Span<float> dx, Span<double> sums, Span<float> part, int channel)
        where T : struct, IFloats<T>
    {
        for (; channel + T.Count <= slopes.Length; channel += T.Count)
        {
            T slope = T.Load(ref MemoryMarshal.GetReference(slopes), channel), sum = default, none = default;
            for (int at = channel; at < x.Length; at += slopes.Length)
            {
                T value = T.Load(ref MemoryMarshal.GetReference(x), at), gradient = T.Load(ref MemoryMarshal.GetReference(dy), at);
                sum += T.Select(value, none, gradient * value);
                if (!dx.IsEmpty)
                    T.Select(value, gradient, gradient * slope).Store(ref MemoryMarshal.GetReference(dx), at);
            }

            sum.Store(ref MemoryMarshal.GetReference(part), 0);
            for (int i = 0; i < T.Count; i++)
                sums[channel + i] += part[i];
        }

        return channel;
    }

    private static int Backward<T>(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, float slope, Span<float> dx, int at, ref double total)
        where T : struct, IFloats<T>
    {
        T slopes = T.Broadcast(slope), sum = default, none = default;
        for (; at + T.Count <= x.Length; at += T.Count)
        {
            T value = T.Load(ref MemoryMarshal.GetReference(x), at), gradient = T.Load(ref MemoryMarshal.GetReference(dy), at);
            sum += T.Select(value, none, gradient * value);
            if (!dx.IsEmpty)
                T.Select(value, gradient, gradient * slopes).Store(ref MemoryMarshal.GetReference(dx), at);
        }

        total += sum.Sum();
        return at;
    }
}
