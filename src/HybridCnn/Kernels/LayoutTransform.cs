using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Turns one image from channel planes (NCHW) to pixels (NHWC) and back: the transpose of a [channels, pixels] matrix, in
/// squares that fit the registers. Any number of channels and pixels; nothing outside the image is read or written.
/// </summary>
internal static unsafe class LayoutTransform
{
    // Pixels per strip. A strip reads or writes a few whole lines of every plane, and fits the second-level cache.
    private const int Strip = 64;

    private const int Colours = 3;

    // Columns that are turned together where there are fewer than fill a square.
    private const int Narrow = 4, Wide = 16;

    /// <summary>nhwc[p][c] = nchw[c][p].</summary>
    /// <param name="channels">C.</param>
    /// <param name="pixels">H·W.</param>
    /// <param name="nchw">One image, [C, H, W].</param>
    /// <param name="nhwc">Overwritten with the image as [H, W, C].</param>
    public static void ToNhwc(int channels, int pixels, ReadOnlySpan<float> nchw, Span<float> nhwc) => ToNhwc(channels, pixels, 0, pixels, nchw, nhwc);

    /// <summary>The same for pixels [first, end) of the image alone.</summary>
    public static void ToNhwc(int channels, int pixels, int first, int end, ReadOnlySpan<float> nchw, Span<float> nhwc)
    {
        CheckRange(pixels, first, end);
        int count = checked(channels * pixels);
        fixed (float* source = nchw[..count])
        fixed (float* target = nhwc[..count])
        {
            for (int p = first; p < end; p += Strip)
                Matrix(channels, Math.Min(Strip, end - p), source + p, pixels, target + (nint)p * channels, channels);
        }
    }

    /// <summary>nchw[c][p] = nhwc[p][c].</summary>
    /// <param name="channels">C.</param>
    /// <param name="pixels">H·W.</param>
    /// <param name="nhwc">One image, [H, W, C].</param>
    /// <param name="nchw">Overwritten with the image as [C, H, W].</param>
    public static void ToNchw(int channels, int pixels, ReadOnlySpan<float> nhwc, Span<float> nchw) => ToNchw(channels, pixels, 0, pixels, nhwc, nchw);

    /// <summary>The same for pixels [first, end) of the image alone.</summary>
    public static void ToNchw(int channels, int pixels, int first, int end, ReadOnlySpan<float> nhwc, Span<float> nchw)
    {
        CheckRange(pixels, first, end);
        int count = checked(channels * pixels);
        fixed (float* source = nhwc[..count])
        fixed (float* target = nchw[..count])
        {
            for (int p = first; p < end; p += Strip)
                Matrix(Math.Min(Strip, end - p), channels, source + (nint)p * channels, channels, target + p, pixels);
        }
    }

    /// <summary>target[j·targetStride + i] = source[i·sourceStride + j] for i below rows and j below columns.</summary>
    public static void Transpose(int rows, int columns, ReadOnlySpan<float> source, int sourceStride, Span<float> target, int targetStride)
    {
        fixed (float* from = source[..((rows - 1) * sourceStride + columns)])
        fixed (float* to = target[..((columns - 1) * targetStride + rows)])
            Matrix(rows, columns, from, sourceStride, to, targetStride);
    }

    private static void CheckRange(int pixels, int first, int end)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(end, pixels);
    }

    private static void Matrix(int rows, int columns, float* source, nint sourceStride, float* target, nint targetStride)
    {
        if (rows == Colours && targetStride == Colours)
        {
            Interleave(columns, source, sourceStride, target);
            return;
        }

        if (columns is >= Narrow and < Wide && rows >= Floats8.Count)
        {
            if (Vector512.IsHardwareAccelerated && rows >= Floats16.Count)
                FewColumns<Floats16>(rows, columns, source, sourceStride, target, targetStride);
            else
                FewColumns<Floats8>(rows, columns, source, sourceStride, target, targetStride);
            return;
        }

        if (rows is >= Narrow and < Wide && columns >= Floats8.Count)
        {
            if (Vector512.IsHardwareAccelerated && columns >= Floats16.Count)
                FewRows<Floats16>(rows, columns, source, sourceStride, target, targetStride);
            else
                FewRows<Floats8>(rows, columns, source, sourceStride, target, targetStride);
            return;
        }

        int least = Math.Min(rows, columns);
        if (Vector512.IsHardwareAccelerated && least >= Floats16.Count)
            Squares<Floats16>(rows, columns, source, sourceStride, target, targetStride);
        else if (least >= Floats8.Count)
            Squares<Floats8>(rows, columns, source, sourceStride, target, targetStride);
        else if (least >= Floats4.Count)
            Squares<Floats4>(rows, columns, source, sourceStride, target, targetStride);
        else
            Squares<Floats1>(rows, columns, source, sourceStride, target, targetStride);
    }

    // The pixels of a colour image, which are too few planes for squares.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Interleave(int pixels, float* source, nint plane, float* target)
    {
        float* red = source, green = source + plane, blue = green + plane;
        for (int p = 0; p < pixels; p++, target += Colours)
            (target[0], target[1], target[2]) = (red[p], green[p], blue[p]);
    }

    // Few columns, as the nine of a 3x3 kernel, four at a time; the last four lie over elements already done.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FewColumns<TVector>(int rows, int columns, float* source, nint sourceStride, float* target, nint targetStride)
        where TVector : struct, IFloats<TVector>
    {
        for (int row = 0; row < rows; row += TVector.Count)
        {
            int i = Math.Min(row, rows - TVector.Count);
            for (int column = 0; column < columns; column += Narrow)
            {
                int j = Math.Min(column, columns - Narrow);
                TVector.TransposeFour(source + i * sourceStride + j, sourceStride, target + j * targetStride + i, targetStride);
            }
        }
    }

    // Few rows, likewise.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FewRows<TVector>(int rows, int columns, float* source, nint sourceStride, float* target, nint targetStride)
        where TVector : struct, IFloats<TVector>
    {
        for (int column = 0; column < columns; column += TVector.Count)
        {
            int j = Math.Min(column, columns - TVector.Count);
            for (int row = 0; row < rows; row += Narrow)
            {
                int i = Math.Min(row, rows - Narrow);
                TVector.SpreadFour(source + i * sourceStride + j, sourceStride, target + j * targetStride + i, targetStride);
            }
        }
    }

    // Along the planes, whose rows lie far apart: their lines are finished before others push them out. The last square of a row or column of squares
    // lies over elements already done.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Squares<TVector>(int rows, int columns, float* source, nint sourceStride, float* target, nint targetStride)
        where TVector : struct, IFloats<TVector>
    {
        bool alongSource = sourceStride >= targetStride;
        int outer = alongSource ? rows : columns, inner = alongSource ? columns : rows;
        for (int o = 0; o < outer; o += TVector.Count)
        {
            for (int p = 0; p < inner; p += TVector.Count)
            {
                int i = Math.Min(alongSource ? o : p, rows - TVector.Count), j = Math.Min(alongSource ? p : o, columns - TVector.Count);
                TVector.Transpose(source + i * sourceStride + j, sourceStride, target + j * targetStride + i, targetStride);
            }
        }
    }
}
