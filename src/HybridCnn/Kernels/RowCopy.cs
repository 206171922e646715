using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Copies short rows. A call of memmove costs as much as copying 24 floats does, and a convolution of small images copies
/// nothing longer; so the width is looked at once, and a row is a few vectors of which the last overlaps. Reads and writes
/// nothing outside the rows.
/// </summary>
internal static class RowCopy
{
    private const int MemmoveWidth = 256;

    /// <summary>Copies <paramref name="rows"/> rows of <paramref name="width"/> floats that lie a stride apart.</summary>
    /// <exception cref="ArgumentException">A row would leave its span.</exception>
    public static void Run(ReadOnlySpan<float> source, int sourceStride, Span<float> destination, int destinationStride, int rows, int width) =>
        Run(source, sourceStride, 0, destination, destinationStride, 0, 1, rows, width);

    /// <summary>
    /// Copies <paramref name="blocks"/> blocks of <paramref name="rows"/> rows of <paramref name="width"/> floats. Rows lie a
    /// stride apart, blocks a shift, both in source and destination; they may overlap in the source.
    /// </summary>
    /// <exception cref="ArgumentException">A row would leave its span.</exception>
    public static void Run(
        ReadOnlySpan<float> source, int sourceStride, int sourceShift, Span<float> destination, int destinationStride, int destinationShift,
        int blocks, int rows, int width)
    {
        if (blocks <= 0 || rows <= 0 || width <= 0)
            return;
        if ((blocks - 1L) * sourceShift + (rows - 1L) * sourceStride + width > source.Length
            || (blocks - 1L) * destinationShift + (rows - 1L) * destinationStride + width > destination.Length)
        {
            throw new ArgumentException($"{blocks} blocks of {rows} rows of {width} leave spans of {source.Length} and {destination.Length} floats.");
        }

        for (int block = 0; block < blocks; block++)
        {
            // From here on the references stay inside what was just checked.
            ref float from = ref MemoryMarshal.GetReference(source[(block * sourceShift)..]);
            ref float to = ref MemoryMarshal.GetReference(destination[(block * destinationShift)..]);
            if (width >= MemmoveWidth)
                CopyLong(source[(block * sourceShift)..], sourceStride, destination[(block * destinationShift)..], destinationStride, rows, width);
            else if (width >= Vector512<float>.Count)
                CopyWide(ref from, (nuint)sourceStride, ref to, (nuint)destinationStride, rows, (nuint)width);
            else if (width >= Vector256<float>.Count)
                Copy8(ref from, (nuint)sourceStride, ref to, (nuint)destinationStride, rows, (nuint)width);
            else if (width >= Vector128<float>.Count)
                Copy4(ref from, (nuint)sourceStride, ref to, (nuint)destinationStride, rows, (nuint)width);
            else
                CopyScalar(source[(block * sourceShift)..], sourceStride, destination[(block * destinationShift)..], destinationStride, rows, width);
        }
    }

    private static void CopyLong(ReadOnlySpan<float> source, int sourceStride, Span<float> destination, int destinationStride, int rows, int width)
    {
        for (int row = 0; row < rows; row++)
            source.Slice(row * sourceStride, width).CopyTo(destination[(row * destinationStride)..]);
    }

    private static void CopyWide(ref float from, nuint sourceStride, ref float to, nuint destinationStride, int rows, nuint width)
    {
        nuint step = (nuint)Vector512<float>.Count, last = width - step;
        for (nuint s = 0, d = 0; rows > 0; rows--, s += sourceStride, d += destinationStride)
        {
            for (nuint i = 0; i < last; i += step)
                Vector512.LoadUnsafe(ref from, s + i).StoreUnsafe(ref to, d + i);
            Vector512.LoadUnsafe(ref from, s + last).StoreUnsafe(ref to, d + last);
        }
    }

    private static void Copy8(ref float from, nuint sourceStride, ref float to, nuint destinationStride, int rows, nuint width)
    {
        nuint last = width - (nuint)Vector256<float>.Count;
        if (last == 0)
        {
            for (nuint s = 0, d = 0; rows > 0; rows--, s += sourceStride, d += destinationStride)
                Vector256.LoadUnsafe(ref from, s).StoreUnsafe(ref to, d);
            return;
        }

        for (nuint s = 0, d = 0; rows > 0; rows--, s += sourceStride, d += destinationStride)
        {
            Vector256.LoadUnsafe(ref from, s).StoreUnsafe(ref to, d);
            Vector256.LoadUnsafe(ref from, s + last).StoreUnsafe(ref to, d + last);
        }
    }

    private static void Copy4(ref float from, nuint sourceStride, ref float to, nuint destinationStride, int rows, nuint width)
    {
        nuint last = width - (nuint)Vector128<float>.Count;
        for (nuint s = 0, d = 0; rows > 0; rows--, s += sourceStride, d += destinationStride)
        {
            Vector128.LoadUnsafe(ref from, s).StoreUnsafe(ref to, d);
            Vector128.LoadUnsafe(ref from, s + last).StoreUnsafe(ref to, d + last);
        }
    }

    private static void CopyScalar(ReadOnlySpan<float> source, int sourceStride, Span<float> destination, int destinationStride, int rows, int width)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < width; i++)
                destination[row * destinationStride + i] = source[row * sourceStride + i];
        }
    }
}
