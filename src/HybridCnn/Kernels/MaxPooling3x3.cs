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
        Vector512.IsHardwareAccelerated
        && (dims.KH, dims.KW, dims.StrideH, dims.StrideW, dims.DilationH, dims.DilationW) == (3, 3, 2, 2, 1, 1)
        && dims.PadLeft == 1 && dims.IW == 2 * dims.OW && dims.OW >= Vector512<float>.Count;

    /// <summary><see cref="MaxPooling.Backward"/>.</summary>
    public static void Backward(in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, Span<float> dx)
    {
        int iw = dims.IW, ow = dims.OW;
        ref float gradients = ref MemoryMarshal.GetReference(dy[..(dims.OH * ow)]), target = ref MemoryMarshal.GetReference(dx[..(dims.IH * iw)]);
        ref int positions = ref MemoryMarshal.GetReference(argmax[..(dims.OH * ow)]);
        // From here on nothing but lines to be fetched lies outside of what was just checked. Windows oh cover rows 2oh to 2oh + 2, counted with the
        // padding: two rows of dx at a time, the first of which lies in two rows of windows.
        for (int below = 0, row = -dims.PadTop; row < dims.IH; below++, row += 2)
        {
            for (int i = 0; i < 2 * iw; i += CacheLine)
                Prefetch.Line(ref target, row * iw + FloatsAhead + i);
            for (int block = 0; block < ow; block += Vector512<float>.Count)
            {
                int first = Math.Min(block, ow - Vector512<float>.Count), at = row * iw + 2 * first;
                bool isLast = first == ow - Vector512<float>.Count;
                Vector512<int> upper = Vector512.CreateSequence(at, 2), lower = upper + Vector512.Create(iw);
                Vector512<float> upperEven = default, upperOdd = default, lowerEven = default, lowerOdd = default;
                if (below > 0 && below <= dims.OH)
                {
                    // To the right of the last window in a row stands the first of the next row, whose maximum is too far left to count.
                    bool isEnd = isLast && below == dims.OH;
                    Windows(ref gradients, ref positions, (below - 1) * ow + first, isEnd, out var dys, out var maxima, out var nextDys, out var nextMaxima);
                    Add(dys, maxima, nextDys, nextMaxima, upper, ref upperEven, ref upperOdd);
                }

                if (below < dims.OH)
                {
                    bool isEnd = isLast && below == dims.OH - 1;
                    Windows(ref gradients, ref positions, below * ow + first, isEnd, out var dys, out var maxima, out var nextDys, out var nextMaxima);
                    Add(dys, maxima, nextDys, nextMaxima, upper, ref upperEven, ref upperOdd);
                    Add(dys, maxima, nextDys, nextMaxima, lower, ref lowerEven, ref lowerOdd);
                }

                if (row >= 0)
                    Lanes.Join(upperEven, upperOdd, ref target, (nuint)at);
                if (row + 1 < dims.IH)
                    Lanes.Join(lowerEven, lowerOdd, ref target, (nuint)(at + iw));
            }
        }
    }

    // Sixteen windows of a row, and those to the right of each; to the right of the very last one comes position 0, which is even.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Windows(
        ref float dy, ref int argmax, int at, bool isEnd,
        out Vector512<float> dys, out Vector512<int> maxima, out Vector512<float> nextDys, out Vector512<int> nextMaxima)
    {
        (dys, maxima) = (Vector512.LoadUnsafe(ref dy, (nuint)at), Vector512.LoadUnsafe(ref argmax, (nuint)at));
        if (isEnd)
        {
            Vector512<int> next = Vector512.Create(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
            (nextDys, nextMaxima) = (Vector512.Shuffle(dys, next), Vector512.Shuffle(maxima, next));
        }
        else
        {
            (nextDys, nextMaxima) = (Vector512.LoadUnsafe(ref dy, (nuint)at + 1), Vector512.LoadUnsafe(ref argmax, (nuint)at + 1));
        }
    }

    // Column 2q is the middle of window q, column 2q + 1 the right of window q and the left of the next.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        Vector512<float> dys, Vector512<int> maxima, Vector512<float> nextDys, Vector512<int> nextMaxima,
        Vector512<int> even, ref Vector512<float> evenSum, ref Vector512<float> oddSum)
    {
        Vector512<int> odd = even + Vector512<int>.One;
        evenSum = Vector512.ConditionalSelect(Vector512.Equals(maxima, even).AsSingle(), evenSum + dys, evenSum);
        oddSum = Vector512.ConditionalSelect(Vector512.Equals(maxima, odd).AsSingle(), oddSum + dys, oddSum);
        oddSum = Vector512.ConditionalSelect(Vector512.Equals(nextMaxima, odd).AsSingle(), oddSum + nextDys, oddSum);
    }
}
