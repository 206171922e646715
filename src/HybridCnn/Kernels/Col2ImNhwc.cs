using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>The transpose of <see cref="Im2ColNhwc"/>: adds every element of the lowered matrix to the pixel it was copied from.</summary>
internal static class Col2ImNhwc
{
    // From this many channels on, a kernel element is worth a loop of its own; below, the elements of a kernel row go together.
    private const int WideChannels = 16;

    /// <summary>Adds dcol [pixels, KH·KW·channels] of a run of output pixels of one image to dx.</summary>
    /// <param name="dims">Geometry.</param>
    /// <param name="dcol">The lowered block.</param>
    /// <param name="firstPixel">First output pixel, counted over the rows and columns of the image.</param>
    /// <param name="pixels">How many.</param>
    /// <param name="firstChannel">First channel of the slice, counted over all groups.</param>
    /// <param name="channels">Channels of the slice.</param>
    /// <param name="dx">The image [IH, IW, IC].</param>
    public static void Run(in Conv2dDims dims, ReadOnlySpan<float> dcol, int firstPixel, int pixels, int firstChannel, int channels, Span<float> dx)
    {
        int width = dims.KW * channels, depth = dims.KH * width;
        bool together = channels == dims.IC && dims.DilationW == 1 && channels < WideChannels;
        for (int done = 0; done < pixels;)
        {
            (int oh, int start) = Math.DivRem(firstPixel + done, dims.OW);
            int end = Math.Min(dims.OW, start + pixels - done);
            (int innerStart, int innerEnd) = together ? Inner(dims, start, end) : (start, start);
            for (int kh = 0; kh < dims.KH; kh++)
            {
                int ih = oh * dims.StrideH - dims.PadTop + kh * dims.DilationH;
                if ((uint)ih >= (uint)dims.IH)
                    continue;
                ReadOnlySpan<float> rows = dcol.Slice(done * depth, (end - start) * depth)[(kh * width)..];
                Span<float> line = dx.Slice(ih * dims.IW * dims.IC, dims.IW * dims.IC);
                if (innerStart < innerEnd)
                {
                    RowAdd.Run(
                        rows[((innerStart - start) * depth)..], depth,
                        line[((innerStart * dims.StrideW - dims.PadLeft) * dims.IC)..], dims.StrideW * dims.IC, innerEnd - innerStart, width);
                }

                Elements(dims, rows, depth, start, start, innerStart, firstChannel, channels, line);
                Elements(dims, rows, depth, start, innerEnd, end, firstChannel, channels, line);
            }

            done += end - start;
        }
    }

    private static void Elements(
        in Conv2dDims dims, ReadOnlySpan<float> rows, int depth, int start, int from, int to, int firstChannel, int channels, Span<float> line)
    {
        if (from >= to)
            return;
        for (int kw = 0; kw < dims.KW; kw++)
        {
            int offset = kw * dims.DilationW - dims.PadLeft;
            (int first, int last) = Window.Inside(offset, dims.StrideW, dims.IW, from, to);
            if (first < last)
            {
                RowAdd.Run(
                    rows[((first - start) * depth + kw * channels)..], depth,
                    line[((first * dims.StrideW + offset) * dims.IC + firstChannel)..], dims.StrideW * dims.IC, last - first, channels);
            }
        }
    }

    private static (int Start, int End) Inner(in Conv2dDims dims, int start, int end)
    {
        (int first, _) = Window.Inside(-dims.PadLeft, dims.StrideW, dims.IW, start, end);
        (_, int last) = Window.Inside(dims.KW - 1 - dims.PadLeft, dims.StrideW, dims.IW, start, end);
        return first < last ? (first, last) : (start, start);
    }
}
