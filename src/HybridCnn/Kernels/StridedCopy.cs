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
