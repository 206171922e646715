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
    public static int Scratch(in Pool2dDims dims) => Math.Max(dims.IW, dims.OW) * dims.C;

    /// <summary>One output row y [OW, C] from image x [IH, IW, C]. Overwrites y and scratch.</summary>
    public static void ForwardRow(
        in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<float> x, int oh, Span<float> scratch, Span<float> y)
    {
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

    // Adds factor · x to each of so many pixels of y, a step apart.
    private static void AddProduct(ReadOnlySpan<float> x, float factor, Span<float> y, int pixels, int step)
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
