using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// The gradient of NHWC max pooling whose windows are three wide and two apart, as at the head of residual networks. Down a row of windows, a vector of
/// channels at a time, neighbors share one column, whose sum goes along in a register: every element of dx is written once and none is read.
/// </summary>
internal static class MaxPoolingNhwcGradient
{
    /// <summary>Whether this kernel takes a geometry.</summary>
    public static bool Takes(in Pool2dDims dims) =>
        dims.KW == 3 && dims.StrideW == 2 && dims.DilationW == 1 && dims.DilationH == 1 && dims.KH <= 2 * dims.StrideH && dims.C >= Vector512<float>.Count;

    /// <summary><see cref="MaxPoolingNhwc.BackwardRow"/> for such windows; at most two rows of them meet a row of dx.</summary>
    public static void Row(in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<byte> argmax, int ih, Span<float> dx)
    {
        int line = dims.OW * dims.C, rows = 0, first = 0, firstTap = 0, second = 0, secondTap = 0;
        for (int kh = 0; kh < dims.KH; kh++)
        {
            int oh = dims.OutputRow(ih, kh);
            if (oh < 0)
                continue;
            (second, secondTap) = (first, firstTap);
            (first, firstTap) = (oh, kh * dims.KW);
            rows++;
        }

        if (rows == 0)
            dx.Clear();
        else if (rows == 1)
            Row<No>(dims, dy.Slice(first * line, line), argmax.Slice(first * line, line), firstTap, default, default, 0, dx);
        else
            Row<Yes>(dims, dy.Slice(first * line, line), argmax.Slice(first * line, line), firstTap, dy.Slice(second * line, line), argmax.Slice(second * line, line), secondTap, dx);
    }

    // Four vectors of channels abreast, so that whole runs of lines are written together, then one after the other.
    private static void Row<TSecond>(
        in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<byte> argmax, int tap,
        ReadOnlySpan<float> secondDy, ReadOnlySpan<byte> secondArgmax, int secondTap, Span<float> dx)
        where TSecond : struct, IFlag
    {
        int channels = dims.C, n = Vector512<float>.Count, channel = 0, end = (2 * dims.OW - dims.PadLeft + 1) * channels;
        dx = dx[..(dims.IW * channels)];
        for (; channel + 4 * n <= channels; channel += 4 * n)
        {
            Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default;
            for (int ow = 0; ow <= dims.OW; ow++)
            {
                c0 = Window<TSecond>(dims, ow, dy, argmax, tap, secondDy, secondArgmax, secondTap, channel, c0, dx);
                c1 = Window<TSecond>(dims, ow, dy, argmax, tap, secondDy, secondArgmax, secondTap, channel + n, c1, dx);
                c2 = Window<TSecond>(dims, ow, dy, argmax, tap, secondDy, secondArgmax, secondTap, channel + 2 * n, c2, dx);
                c3 = Window<TSecond>(dims, ow, dy, argmax, tap, secondDy, secondArgmax, secondTap, channel + 3 * n, c3, dx);
            }
        }

        for (; channel < channels; channel += n)
        {
            Vector512<float> carried = default;
            for (int ow = 0; ow <= dims.OW; ow++)
                carried = Window<TSecond>(dims, ow, dy, argmax, tap, secondDy, secondArgmax, secondTap, Math.Min(channel, channels - n), carried, dx);
        }

        if (end < dx.Length)
            dx[end..].Clear();
    }

    // Writes the first two columns of window ow, which start at 2·ow − PadLeft, and returns what falls to its third. What lies outside has no winner and
    // isn't written. Behind the last window there is only what it hands on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Window<TSecond>(
        in Pool2dDims dims, int ow, ReadOnlySpan<float> dy, ReadOnlySpan<byte> argmax, int tap,
        ReadOnlySpan<float> secondDy, ReadOnlySpan<byte> secondArgmax, int secondTap, int channel, Vector512<float> carried, Span<float> dx)
        where TSecond : struct, IFlag
    {
        nint channels = dims.C, source = ow * channels + channel;
        int iw = 2 * ow - dims.PadLeft;
        ref float to = ref Unsafe.Add(ref MemoryMarshal.GetReference(dx), iw * channels + channel);
        if (ow == dims.OW)
        {
            if (iw < dims.IW)
                carried.StoreUnsafe(ref to);
            return default;
        }

        (Vector512<float> left, Vector512<float> middle, Vector512<float> right) = Shares(dy, argmax, source, tap);
        if (TSecond.IsSet)
        {
            (Vector512<float> l, Vector512<float> m, Vector512<float> r) = Shares(secondDy, secondArgmax, source, secondTap);
            (left, middle, right) = (left + l, middle + m, right + r);
        }

        if (iw >= 0)
            (carried + left).StoreUnsafe(ref to);
        if ((uint)(iw + 1) < (uint)dims.IW)
            middle.StoreUnsafe(ref Unsafe.Add(ref to, channels));
        return right;
    }

    // What of a window's gradient falls to its three columns in the row of this tap.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Left, Vector512<float> Middle, Vector512<float> Right) Shares(ReadOnlySpan<float> dy, ReadOnlySpan<byte> argmax, nint at, int tap)
    {
        Vector512<float> gradient = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(dy), (nuint)at);
        Vector512<byte> bytes = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(argmax), (nuint)at).ToVector256Unsafe().ToVector512Unsafe();
        Vector512<uint> winner = Vector512.WidenLower(Vector512.WidenLower(bytes)) - Vector512.Create((uint)tap);
        return (
            Vector512.ConditionalSelect(Vector512.Equals(winner, Vector512<uint>.Zero).AsSingle(), gradient, default),
            Vector512.ConditionalSelect(Vector512.Equals(winner, Vector512<uint>.One).AsSingle(), gradient, default),
            Vector512.ConditionalSelect(Vector512.Equals(winner, Vector512.Create(2u)).AsSingle(), gradient, default));
    }
}
