using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// The sums that batch normalization needs of every channel of rows, x [rows, C]. Taken in float32 over short runs of rows and in double beyond.
/// Four vectors are summed abreast, so that additions don't wait for one another: neighbors in a row where it is that wide, else the same
/// channels of four rows.
/// </summary>
internal static class NormalizationSums
{
    // Rows that are summed in float32: 64 · 2^-24 is the most that a sum of squares loses.
    private const int BlockRows = 64;

    /// <summary>Adds Σ (x − shift) and Σ (x − shift)² of every channel to first and second.</summary>
    public static void AddMoments(ReadOnlySpan<float> x, ReadOnlySpan<float> shift, Span<double> first, Span<double> second) =>
        Add<Yes, No>(x, x, default, shift, first, second);

    /// <summary>Adds Σ dy and Σ dy·(x − shift) of every channel to first and second; dy counts only where relu, if there is one, lets it pass; shift is the mean then.</summary>
    public static void AddProducts(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> shift, Span<double> first, Span<double> second)
    {
        if (relu.IsEmpty)
            Add<No, No>(x, dy, relu, shift, first, second);
        else
            Add<No, Yes>(x, dy, relu, shift, first, second);
    }

    private static void Add<TMoments, TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> shift, Span<double> first, Span<double> second)
        where TMoments : struct, IFlag
        where TRelu : struct, IFlag
    {
        int channels = shift.Length;
        _ = dy[..x.Length];
        _ = first[..channels];
        _ = second[..channels];
        relu.Check(channels);
        int done = Vector512.IsHardwareAccelerated
            ? Add<Floats16, TMoments, TRelu>(x, dy, relu, shift, first, second, 0)
            : Add<Floats8, TMoments, TRelu>(x, dy, relu, shift, first, second, 0);
        done = Add<Floats4, TMoments, TRelu>(x, dy, relu, shift, first, second, done);
        _ = Add<Floats1, TMoments, TRelu>(x, dy, relu, shift, first, second, done);
    }

    // Whole vectors of channels from `channel` on; returns where they end. Blocks of rows are the outer loop, so that neighbors in memory are read together.
    private static int Add<T, TMoments, TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> shift, Span<double> first, Span<double> second, int channel)
        where T : struct, IFloats<T>
        where TMoments : struct, IFlag
        where TRelu : struct, IFlag
    {
        int channels = shift.Length, rows = x.Length / channels;
        int abreast = channel + (channels - channel) / (4 * T.Count) * (4 * T.Count), end = channel + (channels - channel) / T.Count * T.Count;
        for (int row = 0; row < rows && channel < abreast; row += BlockRows)
        {
            for (int c = channel; c < abreast; c += 4 * T.Count)
                Four<T, TMoments, TRelu>(x, dy, relu, shift, c, T.Count, row * channels + c, T.Count, channels, Math.Min(BlockRows, rows - row), first, second);
        }

        for (int row = 0; row < rows && abreast < end; row += 4 * BlockRows)
        {
            int count = Math.Min(4 * BlockRows, rows - row), rest = count % 4;
            for (int c = abreast; c < end; c += T.Count)
            {
                Four<T, TMoments, TRelu>(x, dy, relu, shift, c, 0, row * channels + c, channels, 4 * channels, count / 4, first, second);
                One<T, TMoments, TRelu>(x, dy, relu, shift, c, (row + count - rest) * channels + c, channels, rest, first, second);
            }
        }

        return end;
    }

    // Four vectors that lie `apart` in memory, and `channelsApart` in the numbers of the channels, down so many rows a step apart.
    private static void Four<T, TMoments, TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> shift, nint channel, nint channelsApart,
        nint at, nint apart, nint step, int rows, Span<double> first, Span<double> second)
        where T : struct, IFloats<T>
        where TMoments : struct, IFlag
        where TRelu : struct, IFlag
    {
        ref float xs = ref MemoryMarshal.GetReference(x), dys = ref MemoryMarshal.GetReference(dy), shifts = ref MemoryMarshal.GetReference(shift);
        nint c1 = channel + channelsApart, c2 = c1 + channelsApart, c3 = c2 + channelsApart;
        T m0 = T.Load(ref shifts, channel), m1 = T.Load(ref shifts, c1), m2 = T.Load(ref shifts, c2), m3 = T.Load(ref shifts, c3);
        T f0 = default, f1 = default, f2 = default, f3 = default, s0 = default, s1 = default, s2 = default, s3 = default;
        T p0 = default, p1 = default, p2 = default, p3 = default, o0 = default, o1 = default, o2 = default, o3 = default, ceiling = T.Broadcast(relu.Ceiling);
        if (TRelu.IsSet)
        {
            ref float scales = ref MemoryMarshal.GetReference(relu.Scale), offsets = ref MemoryMarshal.GetReference(relu.Offset);
            (p0, p1, p2, p3) = (T.Load(ref scales, channel), T.Load(ref scales, c1), T.Load(ref scales, c2), T.Load(ref scales, c3));
            (o0, o1, o2, o3) = (T.Load(ref offsets, channel), T.Load(ref offsets, c1), T.Load(ref offsets, c2), T.Load(ref offsets, c3));
        }

        for (int row = 0; row < rows; row++, at += step)
        {
            T d0 = T.Load(ref xs, at) - m0, d1 = T.Load(ref xs, at + apart) - m1, d2 = T.Load(ref xs, at + 2 * apart) - m2, d3 = T.Load(ref xs, at + 3 * apart) - m3;
            T g0 = d0, g1 = d1, g2 = d2, g3 = d3;
            if (!TMoments.IsSet)
            {
                (g0, g1) = (T.Load(ref dys, at), T.Load(ref dys, at + apart));
                (g2, g3) = (T.Load(ref dys, at + 2 * apart), T.Load(ref dys, at + 3 * apart));
            }

            // What the forward pass has computed, in the same way.
            if (TRelu.IsSet)
            {
                g0 = ReluMask.Passed(T.MultiplyAdd(d0, p0, o0), ceiling, g0);
                g1 = ReluMask.Passed(T.MultiplyAdd(d1, p1, o1), ceiling, g1);
                g2 = ReluMask.Passed(T.MultiplyAdd(d2, p2, o2), ceiling, g2);
                g3 = ReluMask.Passed(T.MultiplyAdd(d3, p3, o3), ceiling, g3);
            }

            (f0, f1, f2, f3) = (f0 + g0, f1 + g1, f2 + g2, f3 + g3);
            T.AddProduct(g0, d0, ref s0);
            T.AddProduct(g1, d1, ref s1);
            T.AddProduct(g2, d2, ref s2);
            T.AddProduct(g3, d3, ref s3);
        }

        ref double firsts = ref MemoryMarshal.GetReference(first), seconds = ref MemoryMarshal.GetReference(second);
        f0.AddTo(ref firsts, channel);
        f1.AddTo(ref firsts, c1);
        f2.AddTo(ref firsts, c2);
        f3.AddTo(ref firsts, c3);
        s0.AddTo(ref seconds, channel);
        s1.AddTo(ref seconds, c1);
        s2.AddTo(ref seconds, c2);
        s3.AddTo(ref seconds, c3);
    }

    private static void One<T, TMoments, TRelu>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> shift, nint channel,
        nint at, nint step, int rows, Span<double> first, Span<double> second)
        where T : struct, IFloats<T>
        where TMoments : struct, IFlag
        where TRelu : struct, IFlag
    {
        T mean = T.Load(ref MemoryMarshal.GetReference(shift), channel), f = default, s = default;
        T scale = TRelu.IsSet ? T.Load(ref MemoryMarshal.GetReference(relu.Scale), channel) : default;
        T offset = TRelu.IsSet ? T.Load(ref MemoryMarshal.GetReference(relu.Offset), channel) : default;
        for (int row = 0; row < rows; row++, at += step)
        {
            T d = T.Load(ref MemoryMarshal.GetReference(x), at) - mean;
            T g = TMoments.IsSet ? d : T.Load(ref MemoryMarshal.GetReference(dy), at);
            if (TRelu.IsSet)
                g = ReluMask.Passed(T.MultiplyAdd(d, scale, offset), T.Broadcast(relu.Ceiling), g);
            f += g;
            T.AddProduct(g, d, ref s);
        }

        f.AddTo(ref MemoryMarshal.GetReference(first), channel);
        s.AddTo(ref MemoryMarshal.GetReference(second), channel);
    }
}
