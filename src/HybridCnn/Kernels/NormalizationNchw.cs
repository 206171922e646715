using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>The passes of <see cref="NormalizationNhwc"/> over one plane of one channel: its numbers are the same for all elements.</summary>
internal static class NormalizationNchw
{
    // Elements that are summed in float32, spread over the lanes of four vectors: at most 64 a lane.
    private const int Block = 2048;

    /// <summary>Σ (x − shift) and Σ (x − shift)².</summary>
    public static (double First, double Second) Moments(ReadOnlySpan<float> x, float shift) => Sums(x, x, null, shift, moments: true);

    /// <summary>Σ dy and Σ dy·(x − mean); dy counts only where relu, if there is one, let (x − mean)·scale + offset pass: above 0, below its ceiling.</summary>
    public static (double First, double Second) Products(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling)? relu, float mean) =>
        Sums(x, dy[..x.Length], relu, mean, moments: false);

    /// <summary>y = (x − mean)·scale + offset, and if there is a ReLU, of that ceiling, what it makes of it. Overwrites; y may be x.</summary>
    public static void Apply(ReadOnlySpan<float> x, float mean, float scale, float offset, float? relu, Span<float> y)
    {
        _ = y[..x.Length];
        int done = Vector512.IsHardwareAccelerated
            ? Apply<Floats16>(x, mean, scale, offset, relu, y, 0)
            : Apply<Floats8>(x, mean, scale, offset, relu, y, 0);
        _ = Apply<Floats1>(x, mean, scale, offset, relu, y, done);
    }

    /// <summary>dx = dy·a + (x − mean)·b + c; dy counts only as in <see cref="Products"/>. Overwrites; dx may be dy.</summary>
    public static void Gradient(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling)? relu, float mean, float a, float b, float c, Span<float> dx)
    {
        _ = dy[..x.Length];
        _ = dx[..x.Length];
        int done = Vector512.IsHardwareAccelerated
            ? Gradient<Floats16>(x, dy, relu, mean, a, b, c, dx, 0)
            : Gradient<Floats8>(x, dy, relu, mean, a, b, c, dx, 0);
        _ = Gradient<Floats1>(x, dy, relu, mean, a, b, c, dx, done);
    }

    private static (double First, double Second) Sums(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling)? relu, float shift, bool moments)
    {
        double first = 0, second = 0;
        for (int start = 0; start < x.Length; start += Block)
        {
            int length = Math.Min(Block, x.Length - start);
            ReadOnlySpan<float> xs = x.Slice(start, length), dys = dy.Slice(start, length);
            int done = Vector512.IsHardwareAccelerated
                ? AddSums<Floats16>(xs, dys, relu, shift, moments, 0, ref first, ref second)
                : AddSums<Floats8>(xs, dys, relu, shift, moments, 0, ref first, ref second);
            _ = AddSums<Floats1>(xs, dys, relu, shift, moments, done, ref first, ref second);
        }

        return (first, second);
    }

    // The spans of the methods below were checked above; each takes whole vectors from `at` on and returns where they end.
    private static int AddSums<T>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling)? relu, float shift, bool moments, int at, ref double first, ref double second)
        where T : struct, IFloats<T>
    {
        T shifts = T.Broadcast(shift), scales = T.Broadcast(relu?.Scale ?? 0), offsets = T.Broadcast(relu?.Offset ?? 0), ceilings = T.Broadcast(relu?.Ceiling ?? 0);
        T f0 = default, f1 = default, s0 = default, s1 = default;
        for (; at + 2 * T.Count <= x.Length; at += 2 * T.Count)
        {
            T d0 = T.Load(ref MemoryMarshal.GetReference(x), at) - shifts, d1 = T.Load(ref MemoryMarshal.GetReference(x), at + T.Count) - shifts;
            T g0 = d0, g1 = d1;
            if (!moments)
            {
                g0 = T.Load(ref MemoryMarshal.GetReference(dy), at);
                g1 = T.Load(ref MemoryMarshal.GetReference(dy), at + T.Count);
                if (relu is not null)
                {
                    g0 = Passed(T.MultiplyAdd(d0, scales, offsets), ceilings, g0);
                    g1 = Passed(T.MultiplyAdd(d1, scales, offsets), ceilings, g1);
                }
            }

            f0 += g0;
            f1 += g1;
            s0 = T.MultiplyAdd(g0, d0, s0);
            s1 = T.MultiplyAdd(g1, d1, s1);
        }

        for (; at + T.Count <= x.Length; at += T.Count)
        {
            T d = T.Load(ref MemoryMarshal.GetReference(x), at) - shifts, g = d;
            if (!moments)
            {
                g = T.Load(ref MemoryMarshal.GetReference(dy), at);
                if (relu is not null)
                    g = Passed(T.MultiplyAdd(d, scales, offsets), ceilings, g);
            }

            f0 += g;
            s0 = T.MultiplyAdd(g, d, s0);
        }

        first += (f0 + f1).Sum();
        second += (s0 + s1).Sum();
        return at;
    }

    // What a ReLU lets pass of a gradient, for the value before it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Passed<T>(T value, T ceiling, T gradient)
        where T : struct, IFloats<T> => T.WherePositive(value, T.WherePositive(ceiling - value, gradient));

    private static int Apply<T>(ReadOnlySpan<float> x, float mean, float scale, float offset, float? relu, Span<float> y, int at)
        where T : struct, IFloats<T>
    {
        T means = T.Broadcast(mean), scales = T.Broadcast(scale), offsets = T.Broadcast(offset), ceiling = T.Broadcast(relu ?? 0);
        bool rectify = relu is not null;
        for (; at + T.Count <= x.Length; at += T.Count)
        {
            T value = T.MultiplyAdd(T.Load(ref MemoryMarshal.GetReference(x), at) - means, scales, offsets);
            (rectify ? T.Min(T.Rectify(value), ceiling) : value).Store(ref MemoryMarshal.GetReference(y), at);
        }

        return at;
    }

    private static int Gradient<T>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling)? relu, float mean, float a, float b, float c, Span<float> dx, int at)
        where T : struct, IFloats<T>
    {
        T means = T.Broadcast(mean), factors = T.Broadcast(a), slopes = T.Broadcast(b), constants = T.Broadcast(c);
        T scales = T.Broadcast(relu?.Scale ?? 0), offsets = T.Broadcast(relu?.Offset ?? 0), ceilings = T.Broadcast(relu?.Ceiling ?? 0);
        for (; at + T.Count <= x.Length; at += T.Count)
        {
            T gradient = T.Load(ref MemoryMarshal.GetReference(dy), at);
            T difference = T.Load(ref MemoryMarshal.GetReference(x), at) - means;
            if (relu is not null)
                gradient = Passed(T.MultiplyAdd(difference, scales, offsets), ceilings, gradient);
            T rest = T.MultiplyAdd(difference, slopes, constants);
            T.MultiplyAdd(gradient, factors, rest).Store(ref MemoryMarshal.GetReference(dx), at);
        }

        return at;
    }
}
