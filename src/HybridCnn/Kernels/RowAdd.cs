using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Adds a matrix of short rows to rows at another stride, which may overlap one another. The last vector of a row overlaps the
/// one before; its sums are taken before any of the row is stored, so that no element is added twice.
/// </summary>
internal static class RowAdd
{
    public static void Run(ReadOnlySpan<float> source, int sourceStride, Span<float> destination, int destinationStride, int rows, int width)
    {
        if (rows <= 0 || width <= 0)
            return;
        if ((rows - 1L) * sourceStride + width > source.Length || (rows - 1L) * destinationStride + width > destination.Length)
            throw new ArgumentException($"{rows} rows of {width} at strides {sourceStride} and {destinationStride} leave spans of {source.Length} and {destination.Length}.");

        // From here on the references stay inside what was just checked.
        ref float from = ref MemoryMarshal.GetReference(source);
        ref float to = ref MemoryMarshal.GetReference(destination);
        for (int row = 0; row < rows; row++)
        {
            nuint s = (nuint)((long)row * sourceStride), d = (nuint)((long)row * destinationStride), n = (nuint)width;
            if (width >= Vector512<float>.Count)
                Add512(ref from, s, ref to, d, n);
            else if (width >= Vector128<float>.Count)
                Add128(ref from, s, ref to, d, n);
            else
            {
                for (int i = 0; i < width; i++)
                    destination[row * destinationStride + i] += source[row * sourceStride + i];
            }
        }
    }

    private static void Add512(ref float from, nuint s, ref float to, nuint d, nuint width)
    {
        nuint step = (nuint)Vector512<float>.Count, last = width - step;
        Vector512<float> tail = Vector512.LoadUnsafe(ref from, s + last) + Vector512.LoadUnsafe(ref to, d + last);
        for (nuint i = 0; i < last; i += step)
            (Vector512.LoadUnsafe(ref from, s + i) + Vector512.LoadUnsafe(ref to, d + i)).StoreUnsafe(ref to, d + i);
        tail.StoreUnsafe(ref to, d + last);
    }

    private static void Add128(ref float from, nuint s, ref float to, nuint d, nuint width)
    {
        nuint step = (nuint)Vector128<float>.Count, last = width - step;
        Vector128<float> tail = Vector128.LoadUnsafe(ref from, s + last) + Vector128.LoadUnsafe(ref to, d + last);
        for (nuint i = 0; i < last; i += step)
            (Vector128.LoadUnsafe(ref from, s + i) + Vector128.LoadUnsafe(ref to, d + i)).StoreUnsafe(ref to, d + i);
        tail.StoreUnsafe(ref to, d + last);
    }
}
