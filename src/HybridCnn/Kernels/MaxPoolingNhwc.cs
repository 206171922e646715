using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Max pooling of NHWC images, row by row, vectors over the channels. The position of a maximum is kept as one byte, the tap
/// kh·KW + kw of its window. A row of dx is written from the rows of dy that read it, so rows can be computed in any order.
/// </summary>
internal static class MaxPoolingNhwc
{
    /// <summary>Taps that a byte can tell apart.</summary>
    public const int MostTaps = 256;

    /// <summary>
    /// One output row: y [OW, C] and the taps of the maxima [OW, C] from image x [IH, IW, C]. The first maximum in row-major window
    /// order wins, the last NaN wins over all, as in <see cref="MaxPooling"/>. Overwrites.
    /// </summary>
    public static void ForwardRow(in Pool2dDims dims, ReadOnlySpan<float> x, int oh, Span<float> y, Span<byte> argmax)
    {
        PoolWindow rows = dims.Rows(oh);
        ReadOnlySpan<float> image = x[((rows.Start + rows.First * dims.DilationH) * dims.IW * dims.C)..];
        for (int ow = 0, windows; ow < dims.OW; ow += windows)
        {
            windows = dims.WholeColumnsFrom(ow);
            PoolWindow columns = dims.Columns(ow);
            Max(
                dims, image[((columns.Start + columns.First * dims.DilationW) * dims.C)..], rows.First * dims.KW + columns.First,
                rows.End - rows.First, columns.End - columns.First, windows,
                y.Slice(ow * dims.C, windows * dims.C), argmax.Slice(ow * dims.C, windows * dims.C));
        }
    }

    /// <summary>One row of dx [IW, C] from image dy [OH, OW, C] and its argmax. Overwrites.</summary>
    public static void BackwardRow(in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<byte> argmax, int ih, Span<float> dx)
    {
        if (MaxPoolingNhwcGradient.Takes(dims))
        {
            MaxPoolingNhwcGradient.Row(dims, dy, argmax, ih, dx);
            return;
        }

        int line = dims.OW * dims.C, added = ClearUnwritten(dims, dx);
        bool written = false;
        for (int kh = 0; kh < dims.KH; kh++)
        {
            int oh = dims.OutputRow(ih, kh);
            if (oh < 0)
                continue;
            ReadOnlySpan<float> gradients = dy.Slice(oh * line, line);
            ReadOnlySpan<byte> winners = argmax.Slice(oh * line, line);
            for (int ow = 0, windows; ow < dims.OW; ow += windows)
            {
                windows = dims.WholeColumnsFrom(ow);
                PoolWindow columns = dims.Columns(ow);
                Spread(
                    dims, gradients.Slice(ow * dims.C, windows * dims.C), winners.Slice(ow * dims.C, windows * dims.C), kh * dims.KW + columns.First,
                    columns.End - columns.First, written ? dims.KW : added - columns.First, windows, dx[((columns.Start + columns.First * dims.DilationW) * dims.C)..]);
            }

            written = true;
        }

        if (!written)
            dx.Clear();
    }

    // Windows without gaps cover the row like tiles, each with the pixels that the one before it hasn't: their last StrideW taps. So the first row of
    // windows stores those, and only what no window covers is cleared here. Returns how many taps of a window are added instead.
    private static int ClearUnwritten(in Pool2dDims dims, Span<float> dx)
    {
        int overlap = dims.KW - dims.StrideW;
        if (dims.DilationW > 1 || overlap < 0)
        {
            dx.Clear();
            return dims.KW;
        }

        long end = (dims.OW - 1L) * dims.StrideW + dims.KW - dims.PadLeft;
        dx[..(Math.Clamp(overlap - dims.PadLeft, 0, dims.IW) * dims.C)].Clear();
        dx[((int)Math.Min(end, dims.IW) * dims.C)..].Clear();
        return overlap;
    }

    // Windows of rows x columns taps, a stride apart, the first tap of the first at the start of x. The slices of this method and the next prove
    // the bounds of the vector loads.
    private static void Max(
        in Pool2dDims dims, ReadOnlySpan<float> x, int firstTap, int rows, int columns, int windows, Span<float> y, Span<byte> argmax)
    {
        int channels = dims.C, kw = dims.KW, rowStep = dims.DilationH * dims.IW * channels, columnStep = dims.DilationW * channels, step = dims.StrideW * channels;
        x = x[..((windows - 1) * step + (rows - 1) * rowStep + (columns - 1) * columnStep + channels)];
        y = y[..(windows * channels)];
        argmax = argmax[..y.Length];
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(y);
        ref byte winners = ref MemoryMarshal.GetReference(argmax);
        for (int window = 0; window < windows; window++)
        {
            int start = window * step, result = window * channels, channel = 0;
            for (; channel + Vector512<float>.Count <= channels; channel += Vector512<float>.Count)
            {
                Vector512<float> best = Vector512.Create(float.NegativeInfinity);
                Vector512<int> index = Vector512.Create(firstTap);
                for (int row = 0; row < rows; row++)
                {
                    int at = start + row * rowStep + channel, tap = firstTap + row * kw;
                    for (int column = 0; column < columns; column++, at += columnStep, tap++)
                    {
                        Vector512<float> value = Vector512.LoadUnsafe(ref from, (nuint)at);
                        Vector512<float> wins = Vector512.GreaterThan(value, best) | ~Vector512.Equals(value, value);
                        best = Vector512.ConditionalSelect(wins, value, best);
                        index = Vector512.ConditionalSelect(wins.AsInt32(), Vector512.Create(tap), index);
                    }
                }

                best.StoreUnsafe(ref to, (nuint)(result + channel));
                Vector256<ushort> words = Vector256.Narrow(index.GetLower().AsUInt32(), index.GetUpper().AsUInt32());
                Vector128.Narrow(words.GetLower(), words.GetUpper()).StoreUnsafe(ref winners, (nuint)(result + channel));
            }

            for (; channel < channels; channel++)
            {
                float best = float.NegativeInfinity;
                int index = firstTap;
                for (int row = 0; row < rows; row++)
                {
                    for (int column = 0; column < columns; column++)
                    {
                        float value = x[start + row * rowStep + column * columnStep + channel];
                        if (value > best || float.IsNaN(value))
                            (best, index) = (value, firstTap + row * kw + column);
                    }
                }

                y[result + channel] = best;
                argmax[result + channel] = (byte)index;
            }
        }
    }

    // Brings the gradients of windows, a stride apart, to the pixels of a row of their taps, each to the one whose tap is the winner. The first taps
    // are added to dx; the others overwrite it.
    private static void Spread(
        in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<byte> argmax, int firstTap, int taps, int added, int windows, Span<float> dx)
    {
        added = Math.Clamp(added, 0, taps);
        int channels = dims.C, tapStep = dims.DilationW * channels, step = dims.StrideW * channels;
        dy = dy[..(windows * channels)];
        argmax = argmax[..dy.Length];
        dx = dx[..((windows - 1) * step + (taps - 1) * tapStep + channels)];
        ref float from = ref MemoryMarshal.GetReference(dy);
        ref byte winners = ref MemoryMarshal.GetReference(argmax);
        ref float to = ref MemoryMarshal.GetReference(dx);
        for (int window = 0; window < windows; window++)
        {
            int source = window * channels, start = window * step, channel = 0;
            for (; channel + Vector512<float>.Count <= channels; channel += Vector512<float>.Count)
            {
                Vector512<float> gradient = Vector512.LoadUnsafe(ref from, (nuint)(source + channel));
                Vector512<byte> bytes = Vector128.LoadUnsafe(ref winners, (nuint)(source + channel)).ToVector256Unsafe().ToVector512Unsafe();
                Vector512<uint> winner = Vector512.WidenLower(Vector512.WidenLower(bytes));
                nuint at = (nuint)(start + channel);
                int tap = 0;
                for (; tap < added; tap++, at += (nuint)tapStep)
                {
                    Vector512<float> share = gradient & Vector512.Equals(winner, Vector512.Create((uint)(firstTap + tap))).AsSingle();
                    (Vector512.LoadUnsafe(ref to, at) + share).StoreUnsafe(ref to, at);
                }

                for (; tap < taps; tap++, at += (nuint)tapStep)
                    (gradient & Vector512.Equals(winner, Vector512.Create((uint)(firstTap + tap))).AsSingle()).StoreUnsafe(ref to, at);
            }

            for (; channel < channels; channel++)
            {
                int winner = argmax[source + channel] - firstTap;
                for (int tap = added; tap < taps; tap++)
                    dx[start + tap * tapStep + channel] = 0;
                if ((uint)winner < (uint)taps)
                    dx[start + winner * tapStep + channel] += dy[source + channel];
            }
        }
    }
}
