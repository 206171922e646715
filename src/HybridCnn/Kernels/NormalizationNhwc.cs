using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// The passes of batch normalization over rows of channels, x [rows, C]: an NHWC image is its pixels. What a channel's numbers mean is said in
/// <see cref="Normalization"/>; the sums before a pass are <see cref="NormalizationSums"/>.
/// Four vectors go down the rows abreast, neighbors in a row, so that the numbers of their channels stay in registers.
/// </summary>
internal static class NormalizationNhwc
{
    /// <summary>y = (x − mean)·scale + offset, and if there is a ReLU, of that ceiling, what it makes of it. Overwrites; y may be x.</summary>
    public static void Apply(
        ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, float? relu, Span<float> y)
    {
        if (relu is { } ceiling)
            Apply<Yes>(x, mean, scale, offset, ceiling, y);
        else
            Apply<No>(x, mean, scale, offset, 0, y);
    }

    /// <summary>dx = dy·a + (x − mean)·b + c; dy counts only where relu, if there is one, lets it pass. Overwrites; dx may be dy.</summary>
    public static void Gradient(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> mean,
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, Span<float> dx)
    {
        if (relu.IsEmpty)
            Gradient<No>(x, dy, relu, mean, a, b, c, dx);
        else
            Gradient<Yes>(x, dy, relu, mean, a, b, c, dx);
    }

    private static void Apply<TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, float ceiling, Span<float> y)
        where TRelu : struct, IFlag
    {
        int channels = mean.Length;
        _ = y[..x.Length];
        _ = scale[..channels];
        _ = offset[..channels];
        int done = Vector512.IsHardwareAccelerated
            ? Apply<Floats16, TRelu>(x, mean, scale, offset, ceiling, y, 0)
            : Apply<Floats8, TRelu>(x, mean, scale, offset, ceiling, y, 0);
        done = Apply<Floats4, TRelu>(x, mean, scale, offset, ceiling, y, done);
        _ = Apply<Floats1, TRelu>(x, mean, scale, offset, ceiling, y, done);
    }

    private static void Gradient<TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> mean,
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, Span<float> dx)
        where TRelu : struct, IFlag
    {
        int channels = mean.Length;
        _ = dy[..x.Length];
        _ = dx[..x.Length];
        _ = a[..channels];
        _ = b[..channels];
        _ = c[..channels];
        relu.Check(channels);
        int done = Vector512.IsHardwareAccelerated
            ? Gradient<Floats16, TRelu>(x, dy, relu, mean, a, b, c, dx, 0)
            : Gradient<Floats8, TRelu>(x, dy, relu, mean, a, b, c, dx, 0);
        done = Gradient<Floats4, TRelu>(x, dy, relu, mean, a, b, c, dx, done);
        _ = Gradient<Floats1, TRelu>(x, dy, relu, mean, a, b, c, dx, done);
    }

    // The spans of the methods below were checked above. Each takes whole vectors of channels from `channel` on and returns where they end.
    private static int Apply<T, TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, float ceiling, Span<float> y, int channel)
        where T : struct, IFloats<T>
        where TRelu : struct, IFlag
    {
        ref float from = ref MemoryMarshal.GetReference(x), to = ref MemoryMarshal.GetReference(y);
        ref float means = ref MemoryMarshal.GetReference(mean), scales = ref MemoryMarshal.GetReference(scale), offsets = ref MemoryMarshal.GetReference(offset);
        nint n = T.Count, step = mean.Length, end = x.Length, c = channel;
        T most = T.Broadcast(ceiling);
        for (; c + 4 * n <= step; c += 4 * n)
        {
            T m0 = T.Load(ref means, c), m1 = T.Load(ref means, c + n), m2 = T.Load(ref means, c + 2 * n), m3 = T.Load(ref means, c + 3 * n);
            T s0 = T.Load(ref scales, c), s1 = T.Load(ref scales, c + n), s2 = T.Load(ref scales, c + 2 * n), s3 = T.Load(ref scales, c + 3 * n);
            T o0 = T.Load(ref offsets, c), o1 = T.Load(ref offsets, c + n), o2 = T.Load(ref offsets, c + 2 * n), o3 = T.Load(ref offsets, c + 3 * n);
            for (nint at = c; at < end; at += step)
            {
                T y0 = T.MultiplyAdd(T.Load(ref from, at) - m0, s0, o0), y1 = T.MultiplyAdd(T.Load(ref from, at + n) - m1, s1, o1);
                T y2 = T.MultiplyAdd(T.Load(ref from, at + 2 * n) - m2, s2, o2), y3 = T.MultiplyAdd(T.Load(ref from, at + 3 * n) - m3, s3, o3);
                (TRelu.IsSet ? T.Min(T.Rectify(y0), most) : y0).Store(ref to, at);
                (TRelu.IsSet ? T.Min(T.Rectify(y1), most) : y1).Store(ref to, at + n);
                (TRelu.IsSet ? T.Min(T.Rectify(y2), most) : y2).Store(ref to, at + 2 * n);
                (TRelu.IsSet ? T.Min(T.Rectify(y3), most) : y3).Store(ref to, at + 3 * n);
            }
        }

        for (; c + n <= step; c += n)
        {
            T m = T.Load(ref means, c), s = T.Load(ref scales, c), o = T.Load(ref offsets, c);
            for (nint at = c; at < end; at += step)
            {
                T value = T.MultiplyAdd(T.Load(ref from, at) - m, s, o);
                (TRelu.IsSet ? T.Min(T.Rectify(value), most) : value).Store(ref to, at);
            }
        }

        return (int)c;
    }

    private static int Gradient<T, TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> mean,
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, Span<float> dx, int channel)
        where T : struct, IFloats<T>
        where TRelu : struct, IFlag
    {
        ref float xs = ref MemoryMarshal.GetReference(x), dys = ref MemoryMarshal.GetReference(dy), dxs = ref MemoryMarshal.GetReference(dx);
        nint n = T.Count, step = mean.Length, end = x.Length;
        for (; channel + 4 * n <= step; channel += 4 * (int)n)
        {
            var c0 = new ChannelGradient<T, TRelu>(relu, mean, a, b, c, channel);
            var c1 = new ChannelGradient<T, TRelu>(relu, mean, a, b, c, channel + T.Count);
            var c2 = new ChannelGradient<T, TRelu>(relu, mean, a, b, c, channel + 2 * T.Count);
            var c3 = new ChannelGradient<T, TRelu>(relu, mean, a, b, c, channel + 3 * T.Count);
            for (nint at = channel; at < end; at += step)
            {
                c0.Of(T.Load(ref xs, at), T.Load(ref dys, at)).Store(ref dxs, at);
                c1.Of(T.Load(ref xs, at + n), T.Load(ref dys, at + n)).Store(ref dxs, at + n);
                c2.Of(T.Load(ref xs, at + 2 * n), T.Load(ref dys, at + 2 * n)).Store(ref dxs, at + 2 * n);
                c3.Of(T.Load(ref xs, at + 3 * n), T.Load(ref dys, at + 3 * n)).Store(ref dxs, at + 3 * n);
            }
        }

        for (; channel + n <= step; channel += (int)n)
        {
            var only = new ChannelGradient<T, TRelu>(relu, mean, a, b, c, channel);
            for (nint at = channel; at < end; at += step)
                only.Of(T.Load(ref xs, at), T.Load(ref dys, at)).Store(ref dxs, at);
        }

        return channel;
    }
}
