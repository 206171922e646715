namespace HybridCnn.Kernels;

/// <summary>
/// Means over windows that share an image out evenly, of pixels of so many numbers that lie together (C in NHWC order, 1 in NCHW order). A window's rows are summed first, for all
/// columns at once, and then its columns.
/// </summary>
internal static class AdaptiveAveraging
{
    /// <summary>Overwrites y [OH, OW, unit] and scratch [IW, unit]; x is [IH, IW, unit].</summary>
    public static void Forward(
        (int Height, int Width) input, (int Height, int Width) output, int unit, ReadOnlySpan<float> x, Span<float> scratch, Span<float> y)
    {
        int line = input.Width * unit;
        Span<float> sums = scratch[..line];
        for (int oh = 0; oh < output.Height; oh++)
        {
            (int top, int bottom) = Window(oh, output.Height, input.Height);
            x.Slice(top * line, line).CopyTo(sums);
            for (int ih = top + 1; ih < bottom; ih++)
                Sums.Add(x.Slice(ih * line, line), sums);
            for (int ow = 0; ow < output.Width; ow++)
            {
                (int left, int right) = Window(ow, output.Width, input.Width);
                float share = 1f / ((bottom - top) * (right - left));
                Span<float> pixel = y.Slice((oh * output.Width + ow) * unit, unit);
                pixel.Clear();
                for (int iw = left; iw < right; iw++)
                    RowProduct.Add(sums.Slice(iw * unit, unit), share, pixel);
            }
        }
    }

    /// <summary>Overwrites dx [IH, IW, unit] and scratch [IW, unit]; dy is [OH, OW, unit].</summary>
    public static void Backward(
        (int Height, int Width) input, (int Height, int Width) output, int unit, ReadOnlySpan<float> dy, Span<float> scratch, Span<float> dx)
    {
        int line = input.Width * unit;
        Span<float> sums = scratch[..line];
        dx.Clear();
        for (int oh = 0; oh < output.Height; oh++)
        {
            (int top, int bottom) = Window(oh, output.Height, input.Height);
            sums.Clear();
            for (int ow = 0; ow < output.Width; ow++)
            {
                (int left, int right) = Window(ow, output.Width, input.Width);
                float share = 1f / ((bottom - top) * (right - left));
                ReadOnlySpan<float> pixel = dy.Slice((oh * output.Width + ow) * unit, unit);
                for (int iw = left; iw < right; iw++)
                    RowProduct.Add(pixel, share, sums.Slice(iw * unit, unit));
            }

            for (int ih = top; ih < bottom; ih++)
                Sums.Add(sums, dx.Slice(ih * line, line));
        }
    }

    // The first position that an output covers, and one behind its last.
    private static (int Start, int End) Window(int output, int outputs, int extent) =>
        ((int)((long)output * extent / outputs), (int)(((output + 1L) * extent + outputs - 1) / outputs));
}
