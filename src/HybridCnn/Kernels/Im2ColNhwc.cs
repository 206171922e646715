using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Lowers a convolution of NHWC images to a matrix product: row = output pixel, columns = (kernel row, kernel column, channel).
/// Since the channels of neighboring pixels are neighbors, a kernel row is one contiguous copy. The rows may span images, so
/// that a block of them has the same size whatever the image's.
/// Source of the lowering: Chellapilla, Puri, Simard, High Performance Convolutional Neural Networks for Document Processing, 2006.
/// </summary>
internal static class Im2ColNhwc
{
    /// <summary>col [pixels, KH·KW·channels] of a run of output pixels and a slice of the channels. Overwrites.</summary>
    /// <param name="dims">Geometry.</param>
    /// <param name="x">All images [N, IH, IW, IC].</param>
    /// <param name="firstPixel">First output pixel, counted over images, rows and columns.</param>
    /// <param name="pixels">How many.</param>
    /// <param name="firstChannel">First channel of the slice, counted over all groups.</param>
    /// <param name="channels">Channels of the slice.</param>
    /// <param name="col">The lowered block.</param>
    public static void Run(in Conv2dDims dims, ReadOnlySpan<float> x, int firstPixel, int pixels, int firstChannel, int channels, Span<float> col)
    {
        int depth = dims.KH * dims.KW * channels;
        for (int done = 0; done < pixels;)
        {
            (int row, int start) = Math.DivRem(firstPixel + done, dims.OW);
            int end = Math.Min(dims.OW, start + pixels - done);
            (int image, int oh) = Math.DivRem(row, dims.OH);
            OutputRow(dims, x, image, oh, start, end, firstChannel, channels, col.Slice(done * depth, (end - start) * depth));
            done += end - start;
        }
    }

    private static void OutputRow(
        in Conv2dDims dims, ReadOnlySpan<float> x, int image, int oh, int start, int end, int firstChannel, int channels, Span<float> col)
    {
        int width = dims.KW * channels, depth = dims.KH * width;
        // Pixels whose whole kernel row lies in the image, if its elements are neighbors in memory.
        (int innerStart, int innerEnd) = channels == dims.IC && dims.DilationW == 1 ? Inner(dims, start, end) : (start, start);
        for (int kh = 0; kh < dims.KH; kh++)
        {
            Span<float> rows = col[(kh * width)..];
            int ih = oh * dims.StrideH - dims.PadTop + kh * dims.DilationH;
            if ((uint)ih >= (uint)dims.IH)
            {
                Clear(rows, depth, end - start, width);
                continue;
            }

            ReadOnlySpan<float> line = x.Slice((image * dims.IH + ih) * dims.IW * dims.IC, dims.IW * dims.IC);
            if (innerStart < innerEnd)
            {
                RowCopy.Run(
                    line[((innerStart * dims.StrideW - dims.PadLeft) * dims.IC)..], dims.StrideW * dims.IC,
                    rows[((innerStart - start) * depth)..], depth, innerEnd - innerStart, width);
                Edge(dims, line, start, start, innerStart, rows, depth);
                Edge(dims, line, start, innerEnd, end, rows, depth);
            }
            else
            {
                Elements(dims, line, start, start, end, firstChannel, channels, rows, depth);
            }
        }
    }

    // Pixels whose kernel row begins or ends in the padding: zeros, what lies in the image, zeros.
    private static void Edge(in Conv2dDims dims, ReadOnlySpan<float> line, int start, int from, int to, Span<float> rows, int depth)
    {
        for (int ow = from; ow < to; ow++)
        {
            // Elements [first, last) of the kernel row; none where it lies in the padding as a whole.
            int iw = ow * dims.StrideW - dims.PadLeft, first = Math.Clamp(-iw, 0, dims.KW), last = Math.Clamp(dims.IW - iw, first, dims.KW);
            Span<float> row = rows.Slice((ow - start) * depth, dims.KW * dims.IC);
            row[..(first * dims.IC)].Clear();
            if (first < last)
                line[((iw + first) * dims.IC)..((iw + last) * dims.IC)].CopyTo(row[(first * dims.IC)..]);
            row[(last * dims.IC)..].Clear();
        }
    }

    // One kernel element after the other, for the pixels [from, to).
    private static void Elements(
        in Conv2dDims dims, ReadOnlySpan<float> line, int start, int from, int to, int firstChannel, int channels, Span<float> rows, int depth)
    {
        if (from >= to)
            return;
        for (int kw = 0; kw < dims.KW; kw++)
        {
            int offset = kw * dims.DilationW - dims.PadLeft;
            (int first, int last) = Window.Inside(offset, dims.StrideW, dims.IW, from, to);
            Span<float> element = rows[(kw * channels)..];
            Clear(element[((from - start) * depth)..], depth, first - from, channels);
            if (first < last)
            {
                RowCopy.Run(
                    line[((first * dims.StrideW + offset) * dims.IC + firstChannel)..], dims.StrideW * dims.IC,
                    element[((first - start) * depth)..], depth, last - first, channels);
            }

            if (last < to)
                Clear(element[((last - start) * depth)..], depth, to - last, channels);
        }
    }

    private static (int Start, int End) Inner(in Conv2dDims dims, int start, int end)
    {
        (int first, _) = Window.Inside(-dims.PadLeft, dims.StrideW, dims.IW, start, end);
        (_, int last) = Window.Inside(dims.KW - 1 - dims.PadLeft, dims.StrideW, dims.IW, start, end);
        return first < last ? (first, last) : (start, start);
    }

    private static void Clear(Span<float> rows, int stride, int count, int width)
    {
        for (int row = 0; row < count; row++)
            rows.Slice(row * stride, width).Clear();
    }
}
