using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Lowers by strips: some rows of one channel are copied between zeros, every stride-th column beside each other, into a strip that the first-level
/// cache holds. From there the rows of all kernel elements are plain copies, whatever stride and padding, and a column is sorted once instead of
/// once for every element that meets it.
/// </summary>
internal static class Im2ColStrips
{
    private const int StripFloats = 4096;

    /// <summary>Whether the kernel is made for this geometry: for a kernel of one column a strip is a copy too many.</summary>
    public static bool Takes(in Conv2dDims d) => d.KW > 1 && Pitch(d) * Reach(d) <= StripFloats;

    /// <summary><see cref="Im2Col"/> for such geometries.</summary>
    public static void Run(in Conv2dDims d, ReadOnlySpan<float> x, int channels, int oh0, int oh1, Span<float> col)
    {
        int plane = d.IH * d.IW, pixels = (oh1 - oh0) * d.OW, patches = d.KH * d.KW * pixels, top = oh0 * d.StrideH - d.PadTop;
        if (d.StrideW == 1 && d.PadLeft == 0 && d.OW + (d.KW - 1) * d.DilationW <= d.IW && top >= 0 && top + Lines(d, oh1 - oh0) <= d.IH)
        {
            for (int c = 0; c < channels; c++)
                Patches(d, x.Slice(c * plane + top * d.IW, Lines(d, oh1 - oh0) * d.IW), d.IW, 0, oh1 - oh0, pixels, col.Slice(c * patches, patches));
            return;
        }

        int pitch = (int)Pitch(d), most = Math.Min((StripFloats / pitch - (int)Reach(d)) / d.StrideH + 1, oh1 - oh0);
        Span<float> strip = stackalloc float[Lines(d, most) * pitch];
        for (int oh = oh0; oh < oh1; oh += most)
        {
            // Zeros stay where they are from channel to channel.
            strip.Clear();
            int rows = Math.Min(most, oh1 - oh), lines = Lines(d, rows), ih = oh * d.StrideH - d.PadTop;
            int first = Math.Clamp(-ih, 0, lines), end = Math.Clamp(d.IH - ih, first, lines);
            for (int c = 0; c < channels; c++)
            {
                if (first < end)
                {
                    StridedCopy.SortColumns(
                        x.Slice(c * plane + (ih + first) * d.IW, (end - first) * d.IW), d.IW, d.PadLeft, d.StrideW, strip[(first * pitch)..], pitch / d.StrideW);
                }

                Patches(d, strip[..(lines * pitch)], pitch, pitch / d.StrideW, rows, pixels, col.Slice(c * patches, patches)[((oh - oh0) * d.OW)..]);
            }
        }
    }

    private static int Lines(in Conv2dDims d, int rows) => (rows - 1) * d.StrideH + (int)Reach(d);

    private static long Reach(in Conv2dDims d) => (d.KH - 1L) * d.DilationH + 1;

    // A line holds all columns, sorted by their remainder: as many lanes for each as windows reach, or as the image has.
    private static long Pitch(in Conv2dDims d) =>
        Math.Max(d.OW + (d.KW - 1L) * d.DilationW / d.StrideW, (d.PadLeft + d.IW - 1L) / d.StrideW + 1) * d.StrideW;

    // The rows of all elements of a channel's kernel, pixels apart.
    private static void Patches(in Conv2dDims d, ReadOnlySpan<float> strip, int pitch, int lanes, int rows, int pixels, Span<float> col)
    {
        if (d.OW > Floats8.Count && pitch >= Floats16.Count - 1)
            Patches<Floats16, Floats8>(d, strip, pitch, lanes, rows, pixels, col);
        else if (d.OW > Floats4.Count && pitch >= Floats8.Count - 1)
            Patches<Floats8, Floats4>(d, strip, pitch, lanes, rows, pixels, col);
        else if (d.OW >= Floats4.Count)
            Patches<Floats4, Floats1>(d, strip, pitch, lanes, rows, pixels, col);
        else
            Patches<Floats1, Floats1>(d, strip, pitch, lanes, rows, pixels, col);
    }

    private static void Patches<T, THalf>(in Conv2dDims d, ReadOnlySpan<float> strip, int pitch, int lanes, int rows, int pixels, Span<float> col)
        where T : struct, IFloats<T>
        where THalf : struct, IFloats<THalf>
    {
        int stride = d.StrideW, kernelWidth = d.KW, rowsOfKernel = d.KH, linesApart = d.DilationH * pitch;
        (int laneStep, int remainderStep) = Math.DivRem(d.DilationW, stride);
        nint width = d.OW, lineStep = (nint)pitch * d.StrideH;
        // The slices prove the bounds that the references below rely on.
        ref float source = ref MemoryMarshal.GetReference(strip[..(Lines(d, rows) * pitch)]);
        ref float target = ref MemoryMarshal.GetReference(col[..((rowsOfKernel * kernelWidth - 1) * pixels + rows * d.OW)]);
        nint from = 0, to = 0;
        for (int kh = 0; kh < rowsOfKernel; kh++, from += linesApart)
        {
            int remainder = 0, lane = 0;
            for (int kw = 0; kw < kernelWidth; kw++, to += pixels)
            {
                Rows<T, THalf>(ref Unsafe.Add(ref source, from + remainder * lanes + lane), lineStep, ref Unsafe.Add(ref target, to), width, rows);
                lane += laneStep;
                remainder += remainderStep;
                if (remainder >= stride)
                {
                    remainder -= stride;
                    lane++;
                }
            }
        }
    }

    // Rows are wider than half a register. All but the last are written up to a whole register, and the row after them overwrites what is too much; reading
    // reaches no farther than the line below, which is a register wide but for one float. The last row ends where it ends.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows<T, THalf>(ref float from, nint fromStep, ref float to, nint width, int rows)
        where T : struct, IFloats<T>
        where THalf : struct, IFloats<THalf>
    {
        nint n = T.Count, source = 0, target = 0;
        int row = 1;
        if (width <= n)
        {
            for (; row < rows; row++, source += fromStep, target += width)
                T.Load(ref from, source).Store(ref to, target);
        }
        else if (width <= 2 * n)
        {
            for (; row < rows; row++, source += fromStep, target += width)
            {
                T a = T.Load(ref from, source), b = T.Load(ref from, source + n);
                a.Store(ref to, target);
                b.Store(ref to, target + n);
            }
        }
        else if (width > 3 * n && width <= 4 * n)
        {
            for (; row < rows; row++, source += fromStep, target += width)
            {
                T a = T.Load(ref from, source), b = T.Load(ref from, source + n), c = T.Load(ref from, source + 2 * n), d = T.Load(ref from, source + 3 * n);
                a.Store(ref to, target);
                b.Store(ref to, target + n);
                c.Store(ref to, target + 2 * n);
                d.Store(ref to, target + 3 * n);
            }
        }
        else
        {
            for (; row < rows; row++, source += fromStep, target += width)
            {
                for (nint i = 0; i < width; i += n)
                    T.Load(ref from, source + i).Store(ref to, target + i);
            }
        }

        if (width >= n)
        {
            nint last = width - n;
            for (nint i = 0; i < last; i += n)
                T.Load(ref from, source + i).Store(ref to, target + i);
            T.Load(ref from, source + last).Store(ref to, target + last);
        }
        else
        {
            nint last = width - THalf.Count;
            THalf.Load(ref from, source).Store(ref to, target);
            THalf.Load(ref from, source + last).Store(ref to, target + last);
        }
    }
}
