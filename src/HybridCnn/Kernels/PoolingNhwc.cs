using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Pooling of NHWC images, row by row, vectors over the channels. The position of a maximum is kept as one byte, the tap of its
/// window. Backward gathers: a pixel of dx collects from the windows that cover it and is written once, so rows of dx can be
/// computed in any order.
/// </summary>
internal static class PoolingNhwc
{
    /// <summary>Taps that a byte can tell apart.</summary>
    public const int MostTaps = 256;

    /// <summary>
    /// Which outputs cover an input position along one axis: entry [position·kernel + tap] is the output that reads the position
    /// by that tap, or -1.
    /// </summary>
    public static void Cover(int input, int output, int kernel, int stride, int padBefore, int dilation, Span<int> table)
    {
        table[..(input * kernel)].Fill(-1);
        for (int o = 0; o < output; o++)
        {
            for (int tap = 0; tap < kernel; tap++)
            {
                int position = o * stride - padBefore + tap * dilation;
                if ((uint)position < (uint)input)
                    table[position * kernel + tap] = o;
            }
        }
    }

    /// <summary>
    /// One output row of max pooling: y [OW, C] and the taps of the maxima [OW, C] from image x [IH, IW, C]. The first maximum
    /// in row-major window order wins, the last NaN wins over all, as in <see cref="MaxPooling"/>. Overwrites.
    /// </summary>
    public static void MaxRow(in Pool2dDims dims, ReadOnlySpan<float> x, int oh, Span<float> y, Span<byte> argmax)
    {
        Span<int> offsets = stackalloc int[MostTaps], taps = stackalloc int[MostTaps];
        PoolWindow rows = dims.Rows(oh);
        int count = 0, start = 0;
        bool whole = false;
        for (int ow = 0; ow < dims.OW; ow++)
        {
            PoolWindow columns = dims.Columns(ow);
            bool wholeNow = columns.First == 0 && columns.End == dims.KW;
            // From one whole window to the next only the start moves.
            if (whole && wholeNow)
            {
                start += dims.StrideW * dims.C;
            }
            else
            {
                start = 0;
                count = Taps(dims, rows, columns, offsets, taps);
            }

            whole = wholeNow;
            Max(x[start..], offsets[..count], taps[..count], y.Slice(ow * dims.C, dims.C), argmax.Slice(ow * dims.C, dims.C));
        }
    }

    /// <summary>One row of dx [IW, C] of max pooling from image dy [OH, OW, C] and its argmax; tables by <see cref="Cover"/>. Overwrites.</summary>
    public static void MaxBackwardRow(
        in Pool2dDims dims, ReadOnlySpan<int> coverRows, ReadOnlySpan<int> coverColumns, ReadOnlySpan<float> dy, ReadOnlySpan<byte> argmax, int ih, Span<float> dx)
    {
        Span<int> offsets = stackalloc int[MostTaps], taps = stackalloc int[MostTaps];
        for (int iw = 0; iw < dims.IW; iw++)
        {
            int count = Covering(dims, coverRows, coverColumns, ih, iw, offsets, taps);
            MaxBackward(dy, argmax, offsets[..count], taps[..count], dx.Slice(iw * dims.C, dims.C));
        }
    }

    /// <summary>One output row of average pooling, with the divisor of <see cref="AveragePooling"/>. Overwrites.</summary>
    public static void AverageRow(in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<float> x, int oh, Span<float> y)
    {
        Span<int> offsets = stackalloc int[MostTaps], taps = stackalloc int[MostTaps];
        Span<float> shares = stackalloc float[MostTaps];
        PoolWindow rows = dims.Rows(oh);
        for (int ow = 0; ow < dims.OW; ow++)
        {
            PoolWindow columns = dims.Columns(ow);
            int count = Taps(dims, rows, columns, offsets, taps);
            shares[..count].Fill((float)(1 / AveragePooling.Divisor(rows, columns, countIncludePad, divisorOverride)));
            WeightedSum(x, offsets[..count], shares, y.Slice(ow * dims.C, dims.C));
        }
    }

    /// <summary>One row of dx [IW, C] of average pooling from image dy [OH, OW, C]. Overwrites.</summary>
    public static void AverageBackwardRow(
        in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<int> coverRows, ReadOnlySpan<int> coverColumns,
        ReadOnlySpan<float> dy, int ih, Span<float> dx)
    {
        Span<int> offsets = stackalloc int[MostTaps], taps = stackalloc int[MostTaps];
        Span<float> shares = stackalloc float[MostTaps];
        for (int iw = 0; iw < dims.IW; iw++)
        {
            int count = Covering(dims, coverRows, coverColumns, ih, iw, offsets, taps);
            for (int i = 0; i < count; i++)
            {
                (int oh, int ow) = Math.DivRem(offsets[i] / dims.C, dims.OW);
                shares[i] = (float)(1 / AveragePooling.Divisor(dims.Rows(oh), dims.Columns(ow), countIncludePad, divisorOverride));
            }

            WeightedSum(dy, offsets[..count], shares, dx.Slice(iw * dims.C, dims.C));
        }
    }

    // Where the taps of a window that lie inside read, and their numbers.
    private static int Taps(in Pool2dDims dims, PoolWindow rows, PoolWindow columns, Span<int> offsets, Span<int> taps)
    {
        int count = 0;
        for (int kh = rows.First; kh < rows.End; kh++)
        {
            for (int kw = columns.First; kw < columns.End; kw++)
            {
                offsets[count] = ((rows.Start + kh * dims.DilationH) * dims.IW + columns.Start + kw * dims.DilationW) * dims.C;
                taps[count++] = kh * dims.KW + kw;
            }
        }

        return count;
    }

    // Where the outputs lie whose windows cover a pixel, and by which tap.
    private static int Covering(in Pool2dDims dims, ReadOnlySpan<int> coverRows, ReadOnlySpan<int> coverColumns, int ih, int iw, Span<int> offsets, Span<int> taps)
    {
        int count = 0;
        for (int kh = 0; kh < dims.KH; kh++)
        {
            int oh = coverRows[ih * dims.KH + kh];
            for (int kw = 0; kw < dims.KW && oh >= 0; kw++)
            {
                int ow = coverColumns[iw * dims.KW + kw];
                if (ow < 0)
                    continue;
                offsets[count] = (oh * dims.OW + ow) * dims.C;
                taps[count++] = kh * dims.KW + kw;
            }
        }

        return count;
    }

    // The slices of the methods below prove the bounds of the vector loads.
    private static void Max(ReadOnlySpan<float> x, ReadOnlySpan<int> offsets, ReadOnlySpan<int> taps, Span<float> y, Span<byte> argmax)
    {
        foreach (int offset in offsets)
            _ = x.Slice(offset, y.Length);
        ref float from = ref MemoryMarshal.GetReference(x);
        int channel = 0;
        for (; channel + Vector512<float>.Count <= y.Length; channel += Vector512<float>.Count)
        {
            Vector512<float> best = Vector512.LoadUnsafe(ref from, (nuint)(offsets[0] + channel));
            Vector512<int> index = Vector512.Create(taps[0]);
            for (int i = 1; i < offsets.Length; i++)
            {
                Vector512<float> value = Vector512.LoadUnsafe(ref from, (nuint)(offsets[i] + channel));
                Vector512<float> wins = Vector512.GreaterThan(value, best) | ~Vector512.Equals(value, value);
                best = Vector512.ConditionalSelect(wins, value, best);
                index = Vector512.ConditionalSelect(wins.AsInt32(), Vector512.Create(taps[i]), index);
            }

            best.CopyTo(y[channel..]);
            Vector256<ushort> words = Vector256.Narrow(index.GetLower().AsUInt32(), index.GetUpper().AsUInt32());
            Vector128.Narrow(words.GetLower(), words.GetUpper()).CopyTo(argmax[channel..]);
        }

        for (; channel < y.Length; channel++)
        {
            float best = x[offsets[0] + channel];
            int index = taps[0];
            for (int i = 1; i < offsets.Length; i++)
            {
                float value = x[offsets[i] + channel];
                if (value > best || float.IsNaN(value))
                    (best, index) = (value, taps[i]);
            }

            y[channel] = best;
            argmax[channel] = (byte)index;
        }
    }

    private static void MaxBackward(ReadOnlySpan<float> dy, ReadOnlySpan<byte> argmax, ReadOnlySpan<int> offsets, ReadOnlySpan<int> taps, Span<float> dx)
    {
        foreach (int offset in offsets)
            _ = (dy.Slice(offset, dx.Length).Length, argmax.Slice(offset, dx.Length).Length);
        ref float from = ref MemoryMarshal.GetReference(dy);
        ref byte winners = ref MemoryMarshal.GetReference(argmax);
        int channel = 0;
        for (; channel + Vector512<float>.Count <= dx.Length; channel += Vector512<float>.Count)
        {
            Vector512<float> sum = Vector512<float>.Zero;
            for (int i = 0; i < offsets.Length; i++)
            {
                nuint at = (nuint)(offsets[i] + channel);
                Vector512<byte> bytes = Vector128.LoadUnsafe(ref winners, at).ToVector256Unsafe().ToVector512Unsafe();
                Vector512<uint> winner = Vector512.WidenLower(Vector512.WidenLower(bytes));
                sum += Vector512.LoadUnsafe(ref from, at) & Vector512.Equals(winner, Vector512.Create((uint)taps[i])).AsSingle();
            }

            sum.CopyTo(dx[channel..]);
        }

        for (; channel < dx.Length; channel++)
        {
            float sum = 0;
            for (int i = 0; i < offsets.Length; i++)
                sum += argmax[offsets[i] + channel] == taps[i] ? dy[offsets[i] + channel] : 0;
            dx[channel] = sum;
        }
    }

    private static void WeightedSum(ReadOnlySpan<float> x, ReadOnlySpan<int> offsets, ReadOnlySpan<float> weights, Span<float> y)
    {
        foreach (int offset in offsets)
            _ = x.Slice(offset, y.Length);
        ref float from = ref MemoryMarshal.GetReference(x);
        int channel = 0;
        for (; channel + Vector512<float>.Count <= y.Length; channel += Vector512<float>.Count)
        {
            Vector512<float> sum = Vector512<float>.Zero;
            for (int i = 0; i < offsets.Length; i++)
                sum = Vector512.MultiplyAddEstimate(Vector512.LoadUnsafe(ref from, (nuint)(offsets[i] + channel)), Vector512.Create(weights[i]), sum);
            sum.CopyTo(y[channel..]);
        }

        for (; channel < y.Length; channel++)
        {
            float sum = 0;
            for (int i = 0; i < offsets.Length; i++)
                sum += x[offsets[i] + channel] * weights[i];
            y[channel] = sum;
        }
    }
}
