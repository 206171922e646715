using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Copies a matrix of short rows. A call of memmove costs as much as copying 24 floats does, and a convolution of small
/// images copies nothing longer; so the width is looked at once, and a row is a few vectors of which the last overlaps.
/// Reads and writes nothing outside the rows.
/// </summary>
internal static class RowCopy
{
    private const int MemmoveWidth = 256;

    public static void Run(ReadOnlySpan<float> source, int sourceStride, Span<float> destination, int destinationStride, int rows, int width)
    {
        if (rows <= 0 || width <= 0)
            return;
        if ((rows - 1L) * sourceStride + width > source.Length || (rows - 1L) * destinationStride + width > destination.Length)
            throw new ArgumentException($"{rows} rows of {width} at strides {sourceStride} and {destinationStride} leave spans of {source.Length} and {destination.Length}.");

        // From here on the references stay inside what was just checked.
        ref float from = ref MemoryMarshal.GetReference(source);
        ref float to = ref MemoryMarshal.GetReference(destination);
        if (width >= MemmoveWidth)
        {
            for (int row = 0; row < rows; row++)
                source.Slice(row * sourceStride, width).CopyTo(destination[(row * destinationStride)..]);
        }
        else if (width >= Vector512<float>.Count)
        {
            CopyWide(ref from, (nuint)sourceStride, ref to, (nuint)destinationStride, rows, (nuint)width);
        }
        else if (width == Vector256<float>.Count)
        {
            for (nuint row = 0; row < (nuint)rows; row++)
                Vector256.LoadUnsafe(ref from, row * (nuint)sourceStride).StoreUnsafe(ref to, row * (nuint)destinationStride);
        }
        else if (width > Vector256<float>.Count)
        {
            nuint last = (nuint)(width - Vector256<float>.Count);
            for (nuint row = 0; row < (nuint)rows; row++)
            {
                nuint s = row * (nuint)sourceStride, d = row * (nuint)destinationStride;
                var head = Vector256.LoadUnsafe(ref from, s);
                var tail = Vector256.LoadUnsafe(ref from, s + last);
                head.StoreUnsafe(ref to, d);
                tail.StoreUnsafe(ref to, d + last);
            }
        }
        else if (width >= Vector128<float>.Count)
        {
            nuint last = (nuint)(width - Vector128<float>.Count);
            for (nuint row = 0; row < (nuint)rows; row++)
            {
                nuint s = row * (nuint)sourceStride, d = row * (nuint)destinationStride;
                var head = Vector128.LoadUnsafe(ref from, s);
                var tail = Vector128.LoadUnsafe(ref from, s + last);
                head.StoreUnsafe(ref to, d);
                tail.StoreUnsafe(ref to, d + last);
            }
        }
        else
        {
            for (int row = 0; row < rows; row++)
            {
                for (int i = 0; i < width; i++)
                    destination[row * destinationStride + i] = source[row * sourceStride + i];
            }
        }
    }

    private static void CopyWide(ref float from, nuint sourceStride, ref float to, nuint destinationStride, int rows, nuint width)
    {
        nuint step = (nuint)Vector512<float>.Count, last = width - step;
        for (nuint row = 0; row < (nuint)rows; row++)
        {
            nuint s = row * sourceStride, d = row * destinationStride;
            for (nuint i = 0; i < last; i += step)
                Vector512.LoadUnsafe(ref from, s + i).StoreUnsafe(ref to, d + i);
            Vector512.LoadUnsafe(ref from, s + last).StoreUnsafe(ref to, d + last);
        }
    }
}
