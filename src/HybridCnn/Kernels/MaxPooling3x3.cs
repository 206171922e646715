using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// The gradient of max pooling by 3x3 windows two apart, with a column of padding on the left, as after the first convolution of a ResNet: sixteen columns of dx
/// gather from the windows over them instead of being scattered to, which takes no zeros beforehand and no sums in memory. Same result, whatever the order.
/// </summary>
internal static class MaxPooling3x3
{
    // Lines of dx are asked for so many floats before they are written: no processor here foresees stores that are paid by loads of what they overwrite.
    private const int FloatsAhead = 2048;

    private const int CacheLine = 16;

    /// <summary>Whether this kernel takes a geometry.</summary>
    public static bool Takes(in Pool2dDims dims) =>
        (dims.KH, dims.KW, dims.StrideH, dims.StrideW, dims.DilationH, dims.DilationW) == (3, 3, 2, 2, 1, 1)
        && dims.PadLeft == 1 && dims.IW == 2 * dims.OW && dims.OW >= Vector512<float>.Count;

    /// <summary><see cref="MaxPooling.Backward"/>.</summary>
    public static void Backward(in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, Span<float> dx)
    {
        int iw = dims.IW, ow = dims.OW;
        ref float gradients = ref MemoryMarshal.GetReference(dy[..(dims.OH * ow)]), target = ref MemoryMarshal.GetReference(dx[..(dims.IH * iw)]);
        ref int positions = ref MemoryMarshal.GetReference(argmax[..(dims.OH * ow)]);
        // From here on nothing but lines to be fetched lies outside of what was just checked.
        for (int ih = 0; ih < dims.IH; ih++)
        {
            int row = ih * iw;
            for (int i = 0; i < iw; i += CacheLine)
                Prefetch.Line(ref target, row + FloatsAhead + i);
            // Windows oh cover the rows 2oh to 2oh + 2, counted with the padding: every second row lies in two.
            int above = (ih + dims.PadTop - 1) >> 1, below = (ih + dims.PadTop) >> 1;
            for (int block = 0; block < ow; block += Vector512<float>.Count)
            {
                int first = Math.Min(block, ow - Vector512<float>.Count);
                bool isLast = first == ow - Vector512<float>.Count;
                Vector512<int> here = Vector512.CreateSequence(row + 2 * first, 2);
                Vector512<float> even = Vector512<float>.Zero, odd = Vector512<float>.Zero;
                if ((uint)above < (uint)dims.OH)
                    Take(ref gradients, ref positions, (nuint)(above * ow + first), isLast, here, ref even, ref odd);
                if (below != above && (uint)below < (uint)dims.OH)
                    Take(ref gradients, ref positions, (nuint)(below * ow + first), isLast, here, ref even, ref odd);
                Lanes.Join(even, odd, ref target, (nuint)(row + 2 * first));
            }
        }
    }

    // Adds what windows q of one row, from `at` on, hand to columns 2q (the middle of window q) and 2q + 1 (the right of window q, the left of window q + 1).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take(ref float dy, ref int argmax, nuint at, bool isLast, Vector512<int> even, ref Vector512<float> evenSum, ref Vector512<float> oddSum)
    {
        Vector512<int> odd = even + Vector512<int>.One, position = Vector512.LoadUnsafe(ref argmax, at), nextPosition;
        Vector512<float> value = Vector512.LoadUnsafe(ref dy, at), nextValue;
        if (isLast)
        {
            // No window comes after the last one: there a lane gets position 0, which is even.
            Vector512<int> next = Vector512.Create(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
            (nextPosition, nextValue) = (Vector512.Shuffle(position, next), Vector512.Shuffle(value, next));
        }
        else
        {
            (nextPosition, nextValue) = (Vector512.LoadUnsafe(ref argmax, at + 1), Vector512.LoadUnsafe(ref dy, at + 1));
        }

        evenSum = Vector512.ConditionalSelect(Vector512.Equals(position, even).AsSingle(), evenSum + value, evenSum);
        oddSum = Vector512.ConditionalSelect(Vector512.Equals(position, odd).AsSingle(), oddSum + value, oddSum);
        oddSum = Vector512.ConditionalSelect(Vector512.Equals(nextPosition, odd).AsSingle(), oddSum + nextValue, oddSum);
    }
}
