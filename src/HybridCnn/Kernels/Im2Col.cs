using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Writes the patches that a convolution's outputs see as columns of a matrix, so that the convolution becomes a product
/// of matrices (Chellapilla, Puri, Simard: High Performance Convolutional Neural Networks for Document Processing, 2006).
/// NCHW. Padding is written as zeros on the way; there is no padded copy of the image.
/// </summary>
internal static class Im2Col
{
    /// <summary>Lowers output rows [<paramref name="oh0"/>, <paramref name="oh1"/>) of some channels of one image.</summary>
    /// <param name="d">Geometry; its batch, channels and groups are not looked at.</param>
    /// <param name="x">x [channels, IH, IW].</param>
    /// <param name="channels">How many planes to lower.</param>
    /// <param name="oh0">First output row.</param>
    /// <param name="oh1">One behind the last output row.</param>
    /// <param name="col">
    /// col [channels·KH·KW, (oh1 − oh0)·OW], overwritten: row (c, kh, kw) holds, for each output pixel, the input element that
    /// kernel element (kh, kw) meets in channel c.
    /// </param>
    public static void Run(in Conv2dDims d, ReadOnlySpan<float> x, int channels, int oh0, int oh1, Span<float> col) => Run(d, x, channels, oh0, oh1, 0, d.OW, col);

    /// <summary>The same for columns [<paramref name="ow0"/>, <paramref name="ow1"/>) of these output rows alone: col [channels·KH·KW, (oh1 − oh0)·(ow1 − ow0)].</summary>
    public static void Run(in Conv2dDims d, ReadOnlySpan<float> x, int channels, int oh0, int oh1, int ow0, int ow1, Span<float> col)
    {
        if (ow0 == 0 && ow1 == d.OW && Im2ColStrips.Takes(d))
            Im2ColStrips.Run(d, x, channels, oh0, oh1, col);
        else
            Elements(d, x, channels, oh0, oh1, ow0, ow1, col);
    }

    // One kernel element after the other, straight from the image.
    private static void Elements(in Conv2dDims d, ReadOnlySpan<float> x, int channels, int oh0, int oh1, int ow0, int ow1, Span<float> col)
    {
        int plane = d.IH * d.IW, width = ow1 - ow0, pixels = (oh1 - oh0) * width;
        long left = (long)ow0 * d.StrideW - d.PadLeft;
        bool unpadded = d.StrideW == 1 && left >= 0 && left + width + (d.KW - 1L) * d.DilationW <= d.IW;
        int at = 0;
        for (int c = 0; c < channels; c++)
        {
            for (int kh = 0; kh < d.KH; kh++, at += d.KW * pixels)
            {
                long offsetH = (long)kh * d.DilationH - d.PadTop;
                var (first, end) = Window.Inside(offsetH, d.StrideH, d.IH, oh0, oh1);
                Span<float> target = col.Slice(at, d.KW * pixels);
                if (first > oh0 || end < oh1)
                    ClearRows(target, pixels, (first - oh0) * width, (end - oh0) * width);
                if (first == end)
                    continue;

                ReadOnlySpan<float> image = x.Slice(c * plane, plane)[((int)(first * (long)d.StrideH + offsetH) * d.IW)..];
                target = target[((first - oh0) * width)..];
                if (unpadded)
                    RowCopy.Run(image[(int)left..], d.StrideH * d.IW, d.DilationW, target, width, pixels, d.KW, end - first, width);
                else
                    PaddedRows(d, image, left, end - first, width, pixels, target);
            }
        }
    }

    // The output rows that kernel row kh meets only in the padding.
    private static void ClearRows(Span<float> target, int pixels, int first, int end)
    {
        for (int at = 0; at < target.Length; at += pixels)
        {
            target.Slice(at, first).Clear();
            target[(at + end)..(at + pixels)].Clear();
        }
    }

    private static void PaddedRows(in Conv2dDims d, ReadOnlySpan<float> image, long left, int rows, int width, int pixels, Span<float> target)
    {
        for (int kw = 0; kw < d.KW; kw++)
            Rows(d, image, left + (long)kw * d.DilationW, width, target.Slice(kw * pixels, rows * width));
    }

    // image starts at the input row of the first output row of target; every row of target has an input row.
    private static void Rows(in Conv2dDims d, ReadOnlySpan<float> image, long offsetW, int width, Span<float> target)
    {
        int rows = target.Length / width, stride = d.StrideH * d.IW;
        var (first, end) = Window.Inside(offsetW, d.StrideW, d.IW, 0, width);
        if (first == end)
        {
            target.Clear();
            return;
        }

        image = image[(int)(first * (long)d.StrideW + offsetW)..];
        if (d.StrideW > 1)
        {
            StridedCopy.Rows(image, stride, d.StrideW, target[first..], width, 1, rows, end - first);
        }
        else if (stride == width)
        {
            // "Same" convolution: output rows follow each other as input rows do, so all of them are one shifted copy,
            // wrong only in the columns that are padding.
            int length = (rows - 1) * width + end - first;
            image[..length].CopyTo(target[first..]);
        }
        else
        {
            RowCopy.Run(image, stride, target[first..], width, rows, end - first);
        }

        // Padding is a column or two: a store each is quicker than a call that clears.
        for (int column = 0; column < first; column++)
            ClearColumn(target, column, width);
        for (int column = end; column < width; column++)
            ClearColumn(target, column, width);
    }

    private static void ClearColumn(Span<float> target, int column, int width)
    {
        for (int i = column; i < target.Length; i += width)
            target[i] = 0;
    }
}
