using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>Copies matrices whose elements lie apart: every second column of an image, one channel of NHWC pixels.</summary>
internal static class StridedCopy
{
    /// <summary>destination[r·destinationStride + c·destinationStep] = source[r·sourceStride + c·sourceStep].</summary>
    public static void Rows(
        ReadOnlySpan<float> source, int sourceStride, int sourceStep, Span<float> destination, int destinationStride, int destinationStep, int rows, int columns)
    {
        if (sourceStep == 1 && destinationStep == 1)
        {
            RowCopy.Run(source, sourceStride, destination, destinationStride, rows, columns);
            return;
        }

        for (int row = 0; row < rows; row++)
        {
            // The slices prove the bounds that the references below rely on.
            ReadOnlySpan<float> from = source.Slice(row * sourceStride, (columns - 1) * sourceStep + 1);
            Span<float> to = destination.Slice(row * destinationStride, (columns - 1) * destinationStep + 1);
            ref float s = ref MemoryMarshal.GetReference(from);
            ref float d = ref MemoryMarshal.GetReference(to);
            if (sourceStep == 2 && destinationStep == 1 && columns > Vector128<float>.Count)
            {
                EverySecond(ref s, ref d, columns);
                continue;
            }

            for (int column = 0; column < columns; column++)
                Unsafe.Add(ref d, (nint)column * destinationStep) = Unsafe.Add(ref s, (nint)column * sourceStep);
        }
    }

    /// <summary>
    /// Sorts the columns of whole rows by their remainder: column c becomes lane (c + pad) / stride of those of remainder (c + pad) % stride. A row of the
    /// destination holds the lanes of remainder 0, then those of 1, and so on; what no column becomes stays as it is.
    /// </summary>
    public static void SortColumns(ReadOnlySpan<float> source, int columns, int pad, int stride, Span<float> destination, int lanes)
    {
        int rows = source.Length / columns;
        if (stride == 1)
        {
            RowCopy.Run(source, columns, destination[pad..], lanes, rows, columns);
            return;
        }

        if (stride == 2 && columns > 1)
        {
            Span<float> even = destination[(pad % 2 * lanes + pad / 2)..], odd = destination[((pad + 1) % 2 * lanes + (pad + 1) / 2)..];
            Halves(source, columns, even, odd, 2 * lanes, rows, columns);
            return;
        }

        for (int column = 0; column < Math.Min(stride, columns); column++)
        {
            (int lane, int remainder) = Math.DivRem(column + pad, stride);
            Rows(source[column..], columns, stride, destination[(remainder * lanes + lane)..], stride * lanes, 1, rows, (columns - column - 1) / stride + 1);
        }
    }

    /// <summary>Channels to planes: destination[c·stride + i] = source[i·step + c].</summary>
    public static void Gather(ReadOnlySpan<float> source, int step, int channels, Span<float> destination, int stride, int count)
    {
        ref float from = ref MemoryMarshal.GetReference(source[..((count - 1) * step + channels)]);
        ref float to = ref MemoryMarshal.GetReference(destination[..((channels - 1) * stride + count)]);
        for (int i = 0; i < count; i++)
        {
            ref float pixel = ref Unsafe.Add(ref from, (nint)i * step);
            for (int channel = 0; channel < channels; channel++)
                Unsafe.Add(ref to, (nint)channel * stride + i) = Unsafe.Add(ref pixel, channel);
        }
    }

    // Columns 0, 2, 4, … of rows of at least two columns to one place, and 1, 3, 5, … to another; their rows lie as far apart.
    private static void Halves(ReadOnlySpan<float> source, int sourceStride, Span<float> even, Span<float> odd, int stride, int rows, int columns)
    {
        int pairs = columns / 2;
        // The slices prove the bounds that the references below rely on.
        ref float source0 = ref MemoryMarshal.GetReference(source[..((rows - 1) * sourceStride + columns)]);
        ref float even0 = ref MemoryMarshal.GetReference(even[..((rows - 1) * stride + columns - pairs)]);
        ref float odd0 = ref MemoryMarshal.GetReference(odd[..((rows - 1) * stride + pairs)]);
        for (nint row = 0; row < rows; row++)
        {
            ref float from = ref Unsafe.Add(ref source0, row * sourceStride);
            ref float first = ref Unsafe.Add(ref even0, row * stride);
            ref float second = ref Unsafe.Add(ref odd0, row * stride);
            // The last pairs of a row move back over some that are done.
            int at = 0;
            if (pairs >= Vector512<float>.Count)
            {
                for (; at < pairs; at += Vector512<float>.Count)
                {
                    int pair = Math.Min(at, pairs - Vector512<float>.Count);
                    (Vector512<float> a, Vector512<float> b) = Lanes.Split512(ref from, (nuint)(2 * pair));
                    a.StoreUnsafe(ref first, (nuint)pair);
                    b.StoreUnsafe(ref second, (nuint)pair);
                }
            }
            else if (pairs >= Vector256<float>.Count)
            {
                for (; at < pairs; at += Vector256<float>.Count)
                {
                    int pair = Math.Min(at, pairs - Vector256<float>.Count);
                    (Vector256<float> a, Vector256<float> b) = Lanes.Split256(ref from, (nuint)(2 * pair));
                    a.StoreUnsafe(ref first, (nuint)pair);
                    b.StoreUnsafe(ref second, (nuint)pair);
                }
            }
            else if (pairs >= Vector128<float>.Count)
            {
                for (; at < pairs; at += Vector128<float>.Count)
                {
                    int pair = Math.Min(at, pairs - Vector128<float>.Count);
                    (Vector128<float> a, Vector128<float> b) = Lanes.Split128(ref from, (nuint)(2 * pair));
                    a.StoreUnsafe(ref first, (nuint)pair);
                    b.StoreUnsafe(ref second, (nuint)pair);
                }
            }

            for (; at < pairs; at++)
            {
                Unsafe.Add(ref first, at) = Unsafe.Add(ref from, 2 * at);
                Unsafe.Add(ref second, at) = Unsafe.Add(ref from, 2 * at + 1);
            }

            if (columns > 2 * pairs)
                Unsafe.Add(ref first, pairs) = Unsafe.Add(ref from, 2 * pairs);
        }
    }

    // Eight or four at a time. The last ones lie over elements already done, and are the second of their pairs: nothing behind the row is read.
    private static void EverySecond(ref float source, ref float destination, int columns)
    {
        if (columns > Vector256<float>.Count)
        {
            int last = columns - Vector256<float>.Count;
            for (int column = 0; column < last; column += Vector256<float>.Count)
                Lanes.Split256(ref source, (nuint)(2 * column)).Even.StoreUnsafe(ref destination, (nuint)column);
            Lanes.Split256(ref source, (nuint)(2 * last - 1)).Odd.StoreUnsafe(ref destination, (nuint)last);
        }
        else
        {
            int last = columns - Vector128<float>.Count;
            Lanes.Split128(ref source, 0).Even.StoreUnsafe(ref destination, 0);
            Lanes.Split128(ref source, (nuint)(2 * last - 1)).Odd.StoreUnsafe(ref destination, (nuint)last);
        }
    }
}
