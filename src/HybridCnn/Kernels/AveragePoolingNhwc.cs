using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Average pooling of NHWC images, row by row, with the divisor of <see cref="AveragePooling"/>. Windows are summed along the height first,
/// a whole row of pixels at a time, and then along the width: KH + KW additions where a window has KH·KW elements.
/// </summary>
internal static class AveragePoolingNhwc
{
    /// <summary>Floats of scratch memory that a row takes.</summary>
    public static int Scratch(in Pool2dDims dims) => Math.Max(dims.IW, dims.OW) * dims.C + dims.OW;

    /// <summary>How many channels of the only window <see cref="ForwardWhole"/> takes at once.</summary>
    public const int Block = 64;

    // So many pixels are added up in registers before they join the sum of the image, which keeps the digits of long sums.
    private const int Run = 32;

    /// <summary>Some channels, from <paramref name="first"/> on, of the mean of all pixels of image x [IH·IW, C]. Overwrites y, of at most <see cref="Block"/>.</summary>
    public static void ForwardWhole(in Pool2dDims dims, int divisorOverride, ReadOnlySpan<float> x, int first, Span<float> y)
    {
        int pixels = dims.IH * dims.IW;
        float share = divisorOverride != 0 ? 1f / divisorOverride : 1f / pixels;
        y.Clear();
        for (int pixel = 0; pixel < pixels; pixel += Run)
            AddPixels(x[(pixel * dims.C + first)..], Math.Min(Run, pixels - pixel), dims.C, y);
        foreach (ref float mean in y)
            mean *= share;
    }

    /// <summary>One output row y [OW, C] from image x [IH, IW, C]. Overwrites y and scratch.</summary>
    public static void ForwardRow(
        in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<float> x, int oh, Span<float> scratch, Span<float> y)
    {
        if (AreTiles(dims))
        {
            ForwardTiles(dims, divisorOverride, x, oh, y);
            return;
        }

        PoolWindow rows = dims.Rows(oh);
        int line = dims.IW * dims.C;
        Span<float> sums = scratch[..line];
        int top = rows.Start + rows.First * dims.DilationH;
        x.Slice(top * line, line).CopyTo(sums);
        RowAdd.Run(x[((rows.End - rows.First > 1 ? top + dims.DilationH : top) * line)..], dims.DilationH * line, sums, 0, rows.End - rows.First - 1, line);
        for (int ow = 0; ow < dims.OW; ow++)
        {
            PoolWindow columns = dims.Columns(ow);
            float share = (float)(1 / AveragePooling.Divisor(rows, columns, countIncludePad, divisorOverride));
            Sum(
                sums[((columns.Start + columns.First * dims.DilationW) * dims.C)..], columns.End - columns.First, dims.DilationW * dims.C, share,
                y.Slice(ow * dims.C, dims.C));
        }
    }

    /// <summary>One row of dx [IW, C] from image dy [OH, OW, C]. Overwrites dx and scratch.</summary>
    public static void BackwardRow(
        in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<float> dy, int ih, Span<float> scratch, Span<float> dx)
    {
        if (dims.IsOneWindow)
        {
            float share = divisorOverride != 0 ? 1f / divisorOverride : 1f / (dims.IH * dims.IW);
            Spread(dy[..dims.C], share, dx, dims.IW);
            return;
        }

        if (AreTiles(dims))
        {
            BackwardTiles(dims, divisorOverride, dy, ih, dx);
            return;
        }

        if (dims.StrideW == 1)
        {
            AveragePoolingNhwcGradient.Row(dims, countIncludePad, divisorOverride, dy, ih, scratch, dx);
            return;
        }

        dx.Clear();
        int line = dims.OW * dims.C;
        Span<float> sums = scratch[..line];
        sums.Clear();
        for (int kh = 0; kh < dims.KH; kh++)
        {
            int oh = dims.OutputRow(ih, kh);
            if (oh < 0)
                continue;
            PoolWindow rows = dims.Rows(oh);
            for (int ow = 0; ow < dims.OW; ow++)
            {
                float share = (float)(1 / AveragePooling.Divisor(rows, dims.Columns(ow), countIncludePad, divisorOverride));
                AddProduct(dy.Slice(oh * line + ow * dims.C, dims.C), share, sums.Slice(ow * dims.C, dims.C), 1, 0);
            }
        }

        for (int ow = 0; ow < dims.OW; ow++)
        {
            PoolWindow columns = dims.Columns(ow);
            AddProduct(
                sums.Slice(ow * dims.C, dims.C), 1, dx[((columns.Start + columns.First * dims.DilationW) * dims.C)..],
                columns.End - columns.First, dims.DilationW * dims.C);
        }
    }

    // Windows side by side, all inside: every pixel has one, and there is one divisor.
    private static bool AreTiles(in Pool2dDims dims) =>
        dims.KH == dims.StrideH && dims.KW == dims.StrideW && dims.PadTop == 0 && dims.PadLeft == 0 && dims.DilationH == 1 && dims.DilationW == 1
        && (long)dims.OH * dims.KH <= dims.IH && (long)dims.OW * dims.KW <= dims.IW;

    private static float Share(in Pool2dDims dims, int divisorOverride) => 1f / (divisorOverride != 0 ? divisorOverride : dims.KH * dims.KW);

    private static void ForwardTiles(in Pool2dDims dims, int divisorOverride, ReadOnlySpan<float> x, int oh, Span<float> y)
    {
        int channels = dims.C, line = dims.IW * channels, height = dims.KH, width = dims.KW;
        float share = Share(dims, divisorOverride);
        ReadOnlySpan<float> window = x.Slice(oh * height * line, height * line);
        ref float from = ref MemoryMarshal.GetReference(window);
        for (int ow = 0; ow < dims.OW; ow++)
        {
            Span<float> mean = y.Slice(ow * channels, channels);
            int origin = ow * width * channels, channel = 0;
            for (; channel + Vector512<float>.Count <= channels; channel += Vector512<float>.Count)
            {
                Vector512<float> sum = default;
                for (int kw = 0; kw < width; kw++)
                {
                    int at = origin + kw * channels + channel;
                    Vector512<float> column = Vector512.LoadUnsafe(ref from, (nuint)at);
                    for (int kh = 1; kh < height; kh++)
                        column += Vector512.LoadUnsafe(ref from, (nuint)(kh * line + at));
                    sum += column;
                }

                (sum * share).CopyTo(mean[channel..]);
            }

            for (; channel < channels; channel++)
            {
                float sum = 0;
                for (int kw = 0; kw < width; kw++)
                {
                    for (int kh = 0; kh < height; kh++)
                        sum += window[kh * line + origin + kw * channels + channel];
                }

                mean[channel] = sum * share;
            }
        }
    }

    private static void BackwardTiles(in Pool2dDims dims, int divisorOverride, ReadOnlySpan<float> dy, int ih, Span<float> dx)
    {
        int channels = dims.C, oh = ih / dims.KH, covered = oh < dims.OH ? dims.OW * dims.KW * channels : 0;
        if (covered < dx.Length)
            dx[covered..].Clear();
        if (covered == 0)
            return;
        float share = Share(dims, divisorOverride);
        ReadOnlySpan<float> row = dy.Slice(oh * dims.OW * channels, dims.OW * channels);
        for (int ow = 0; ow < dims.OW; ow++)
            Spread(row.Slice(ow * channels, channels), share, dx.Slice(ow * dims.KW * channels, dims.KW * channels), dims.KW);
    }

    /// <summary>Each of so many pixels of y = factor · x.</summary>
    public static void Spread(ReadOnlySpan<float> x, float factor, Span<float> y, int pixels)
    {
        int channels = x.Length;
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(y[..(pixels * channels)]);
        for (int at = 0; at < pixels * channels; at += channels)
        {
            int channel = 0;
            for (; channel + Vector512<float>.Count <= channels; channel += Vector512<float>.Count)
                (Vector512.LoadUnsafe(ref from, (nuint)channel) * factor).StoreUnsafe(ref to, (nuint)(at + channel));
            for (; channel < channels; channel++)
                y[at + channel] = x[channel] * factor;
        }
    }

    // y = share · Σ of so many pixels a step apart. The slices here and below prove the bounds of the vector loads.
    private static void Sum(ReadOnlySpan<float> x, int pixels, int step, float share, Span<float> y)
    {
        ref float from = ref MemoryMarshal.GetReference(x[..((pixels - 1) * step + y.Length)]);
        int channel = 0;
        for (; channel + Vector512<float>.Count <= y.Length; channel += Vector512<float>.Count)
        {
            Vector512<float> sum = Vector512.LoadUnsafe(ref from, (nuint)channel);
            for (int pixel = 1; pixel < pixels; pixel++)
                sum += Vector512.LoadUnsafe(ref from, (nuint)(pixel * step + channel));
            (sum * share).CopyTo(y[channel..]);
        }

        for (; channel < y.Length; channel++)
        {
            float sum = x[channel];
            for (int pixel = 1; pixel < pixels; pixel++)
                sum += x[pixel * step + channel];
            y[channel] = sum * share;
        }
    }

    // Adds so many pixels of x, a step apart, to y. Four registers of channels of two pixels at a time: eight sums that don't wait for one another.
    private static void AddPixels(ReadOnlySpan<float> x, int pixels, int step, Span<float> y)
    {
        ref float from = ref MemoryMarshal.GetReference(x[..((pixels - 1) * step + y.Length)]);
        ref float to = ref MemoryMarshal.GetReference(y);
        int n = Vector512<float>.Count, channel = 0;
        for (; channel + 4 * n <= y.Length; channel += 4 * n)
        {
            Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
            int pixel = 0;
            for (; pixel + 2 <= pixels; pixel += 2)
            {
                nuint a = (nuint)(pixel * step + channel), b = a + (nuint)step;
                a0 += Vector512.LoadUnsafe(ref from, a);
                a1 += Vector512.LoadUnsafe(ref from, a + 16);
                a2 += Vector512.LoadUnsafe(ref from, a + 32);
                a3 += Vector512.LoadUnsafe(ref from, a + 48);
                b0 += Vector512.LoadUnsafe(ref from, b);
                b1 += Vector512.LoadUnsafe(ref from, b + 16);
                b2 += Vector512.LoadUnsafe(ref from, b + 32);
                b3 += Vector512.LoadUnsafe(ref from, b + 48);
            }

            if (pixel < pixels)
            {
                nuint a = (nuint)(pixel * step + channel);
                a0 += Vector512.LoadUnsafe(ref from, a);
                a1 += Vector512.LoadUnsafe(ref from, a + 16);
                a2 += Vector512.LoadUnsafe(ref from, a + 32);
                a3 += Vector512.LoadUnsafe(ref from, a + 48);
            }

            nuint sums = (nuint)channel;
            (Vector512.LoadUnsafe(ref to, sums) + (a0 + b0)).StoreUnsafe(ref to, sums);
            (Vector512.LoadUnsafe(ref to, sums + 16) + (a1 + b1)).StoreUnsafe(ref to, sums + 16);
            (Vector512.LoadUnsafe(ref to, sums + 32) + (a2 + b2)).StoreUnsafe(ref to, sums + 32);
            (Vector512.LoadUnsafe(ref to, sums + 48) + (a3 + b3)).StoreUnsafe(ref to, sums + 48);
        }

        for (; channel + n <= y.Length; channel += n)
        {
            Vector512<float> sum = default;
            for (int pixel = 0; pixel < pixels; pixel++)
                sum += Vector512.LoadUnsafe(ref from, (nuint)(pixel * step + channel));
            (Vector512.LoadUnsafe(ref to, (nuint)channel) + sum).StoreUnsafe(ref to, (nuint)channel);
        }

        for (; channel < y.Length; channel++)
        {
            float sum = 0;
            for (int pixel = 0; pixel < pixels; pixel++)
                sum += x[pixel * step + channel];
            y[channel] += sum;
        }
    }

    /// <summary>Adds factor · x to each of so many pixels of y, a step apart.</summary>
    public static void AddProduct(ReadOnlySpan<float> x, float factor, Span<float> y, int pixels, int step)
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(y[..((pixels - 1) * step + x.Length)]);
        int channel = 0;
        for (; channel + Vector512<float>.Count <= x.Length; channel += Vector512<float>.Count)
        {
            Vector512<float> product = Vector512.LoadUnsafe(ref from, (nuint)channel) * factor;
            for (int pixel = 0; pixel < pixels; pixel++)
            {
                nuint at = (nuint)(pixel * step + channel);
                (Vector512.LoadUnsafe(ref to, at) + product).StoreUnsafe(ref to, at);
            }
        }

        for (; channel < x.Length; channel++)
        {
            for (int pixel = 0; pixel < pixels; pixel++)
                y[pixel * step + channel] += x[channel] * factor;
        }
    }
}
