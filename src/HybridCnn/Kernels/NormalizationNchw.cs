using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>The passes of <see cref="NormalizationNhwc"/> over one plane of one channel: its numbers are the same for all elements.</summary>
internal static class NormalizationNchw
{
    // Elements that are summed in float32, spread over the lanes of four vectors: at most 64 a lane.
    private const int Block = 4096;

    /// <summary>Σ (x − shift) and Σ (x − shift)².</summary>
    public static (double First, double Second) Moments(ReadOnlySpan<float> x, float shift) => Sums<Yes, No>(x, x, default, shift);

    /// <summary>Σ dy and Σ dy·(x − mean); dy counts only where relu, if there is one, let (x − mean)·scale + offset pass: above 0, below its ceiling.</summary>
    public static (double First, double Second) Products(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling)? relu, float mean) =>
        relu is { } mask ? Sums<No, Yes>(x, dy[..x.Length], mask, mean) : Sums<No, No>(x, dy[..x.Length], default, mean);

    /// <summary>y = (x − mean)·scale + offset, and if there is a ReLU, of that ceiling, what it makes of it. Overwrites; y may be x.</summary>
    public static void Apply(ReadOnlySpan<float> x, float mean, float scale, float offset, float? relu, Span<float> y)
    {
        if (relu is { } ceiling)
            Apply<Yes>(x, mean, scale, offset, ceiling, y[..x.Length]);
        else
            Apply<No>(x, mean, scale, offset, 0, y[..x.Length]);
    }

    /// <summary>dx = dy·a + (x − mean)·b + c; dy counts only as in <see cref="Products"/>. Overwrites; dx may be dy.</summary>
    public static void Gradient(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling)? relu, float mean, float a, float b, float c, Span<float> dx)
    {
        if (relu is { } mask)
            Gradient<Yes>(x, dy[..x.Length], mask, mean, a, b, c, dx[..x.Length]);
        else
            Gradient<No>(x, dy[..x.Length], default, mean, a, b, c, dx[..x.Length]);
    }

    private static (double First, double Second) Sums<TMoments, TRelu>(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling) relu, float shift)
        where TMoments : struct, IFlag
        where TRelu : struct, IFlag
    {
        double first = 0, second = 0;
        for (int start = 0; start < x.Length; start += Block)
        {
            int length = Math.Min(Block, x.Length - start);
            ReadOnlySpan<float> xs = x.Slice(start, length), dys = dy.Slice(start, length);
            int done = Vector512.IsHardwareAccelerated
                ? AddSums<Floats16, TMoments, TRelu>(xs, dys, relu, shift, 0, ref first, ref second)
                : AddSums<Floats8, TMoments, TRelu>(xs, dys, relu, shift, 0, ref first, ref second);
            _ = AddSums<Floats1, TMoments, TRelu>(xs, dys, relu, shift, done, ref first, ref second);
        }

        return (first, second);
    }

    private static void Apply<TRelu>(ReadOnlySpan<float> x, float mean, float scale, float offset, float ceiling, Span<float> y)
        where TRelu : struct, IFlag
    {
        int done = Vector512.IsHardwareAccelerated
            ? Apply<Floats16, TRelu>(x, mean, scale, offset, ceiling, y, 0)
            : Apply<Floats8, TRelu>(x, mean, scale, offset, ceiling, y, 0);
        _ = Apply<Floats1, TRelu>(x, mean, scale, offset, ceiling, y, done);
    }

    private static void Gradient<TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling) relu, float mean, float a, float b, float c, Span<float> dx)
        where TRelu : struct, IFlag
    {
        int done = Vector512.IsHardwareAccelerated
            ? Gradient<Floats16, TRelu>(x, dy, relu, mean, a, b, c, dx, 0)
            : Gradient<Floats8, TRelu>(x, dy, relu, mean, a, b, c, dx, 0);
        _ = Gradient<Floats1, TRelu>(x, dy, relu, mean, a, b, c, dx, done);
    }

    // The spans of the methods below were checked above; each takes whole vectors from `at` on and returns where they end.
    private static int AddSums<T, TMoments, TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling) relu, float shift, nint at, ref double first, ref double second)
        where T : struct, IFloats<T>
        where TMoments : struct, IFlag
        where TRelu : struct, IFlag
    {
        ref float xs = ref MemoryMarshal.GetReference(x), dys = ref MemoryMarshal.GetReference(dy);
        T shifts = T.Broadcast(shift), scales = T.Broadcast(relu.Scale), offsets = T.Broadcast(relu.Offset), ceilings = T.Broadcast(relu.Ceiling);
        T f0 = default, f1 = default, f2 = default, f3 = default, s0 = default, s1 = default, s2 = default, s3 = default;
        nint n = T.Count, end = x.Length;
        for (; at + 4 * n <= end; at += 4 * n)
        {
            T d0 = T.Load(ref xs, at) - shifts, d1 = T.Load(ref xs, at + n) - shifts;
            T d2 = T.Load(ref xs, at + 2 * n) - shifts, d3 = T.Load(ref xs, at + 3 * n) - shifts;
            T g0 = d0, g1 = d1, g2 = d2, g3 = d3;
            if (!TMoments.IsSet)
                (g0, g1, g2, g3) = (T.Load(ref dys, at), T.Load(ref dys, at + n), T.Load(ref dys, at + 2 * n), T.Load(ref dys, at + 3 * n));
            if (TRelu.IsSet)
            {
                g0 = ReluMask.Passed(T.MultiplyAdd(d0, scales, offsets), ceilings, g0);
                g1 = ReluMask.Passed(T.MultiplyAdd(d1, scales, offsets), ceilings, g1);
                g2 = ReluMask.Passed(T.MultiplyAdd(d2, scales, offsets), ceilings, g2);
                g3 = ReluMask.Passed(T.MultiplyAdd(d3, scales, offsets), ceilings, g3);
            }

            (f0, f1, f2, f3) = (f0 + g0, f1 + g1, f2 + g2, f3 + g3);
            T.AddProduct(g0, d0, ref s0);
            T.AddProduct(g1, d1, ref s1);
            T.AddProduct(g2, d2, ref s2);
            T.AddProduct(g3, d3, ref s3);
        }

        for (; at + n <= end; at += n)
        {
            T d = T.Load(ref xs, at) - shifts, g = TMoments.IsSet ? d : T.Load(ref dys, at);
            if (TRelu.IsSet)
                g = ReluMask.Passed(T.MultiplyAdd(d, scales, offsets), ceilings, g);
            f0 += g;
            T.AddProduct(g, d, ref s0);
        }

        first += (f0 + f1 + (f2 + f3)).Sum();
        second += (s0 + s1 + (s2 + s3)).Sum();
        return (int)at;
    }

    private static int Apply<T, TRelu>(ReadOnlySpan<float> x, float mean, float scale, float offset, float ceiling, Span<float> y, nint at)
        where T : struct, IFloats<T>
        where TRelu : struct, IFlag
    {
        ref float from = ref MemoryMarshal.GetReference(x), to = ref MemoryMarshal.GetReference(y);
        T means = T.Broadcast(mean), scales = T.Broadcast(scale), offsets = T.Broadcast(offset), most = T.Broadcast(ceiling);
        for (nint n = T.Count; at + n <= x.Length; at += n)
        {
            T value = T.MultiplyAdd(T.Load(ref from, at) - means, scales, offsets);
            (TRelu.IsSet ? T.Min(T.Rectify(value), most) : value).Store(ref to, at);
        }

        return (int)at;
    }

    private static int Gradient<T, TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, (float Scale, float Offset, float Ceiling) relu, float mean, float a, float b, float c, Span<float> dx, nint at)
        where T : struct, IFloats<T>
        where TRelu : struct, IFlag
    {
        ref float xs = ref MemoryMarshal.GetReference(x), dys = ref MemoryMarshal.GetReference(dy), dxs = ref MemoryMarshal.GetReference(dx);
        var gradient = new ChannelGradient<T, TRelu>(
            T.Broadcast(mean), T.Broadcast(relu.Scale), T.Broadcast(relu.Offset), T.Broadcast(relu.Ceiling), T.Broadcast(a), T.Broadcast(b), T.Broadcast(c));
        for (nint n = T.Count; at + n <= x.Length; at += n)
            gradient.Of(T.Load(ref xs, at), T.Load(ref dys, at)).Store(ref dxs, at);
        return (int)at;
    }
}
