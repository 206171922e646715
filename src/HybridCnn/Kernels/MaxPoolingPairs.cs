using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// The gradient of max pooling with windows three columns wide and two apart, eight pairs of columns at a time: of every window the second column,
/// which it has for itself, and the third, which is the first of the next window. Every element of dx is written once, and none is read.
/// </summary>
internal static class MaxPoolingPairs
{
    private const int Pairs = 8;

    /// <summary>Whether this kernel takes a geometry.</summary>
    public static bool Takes(in Pool2dDims dims) =>
        dims.KW == 3 && dims.StrideW == 2 && dims.DilationW == 1 && dims.DilationH == 1 && dims.OW > Pairs;

    /// <summary><see cref="MaxPooling.Backward"/> for such windows.</summary>
    public static void Backward(in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, Span<float> dx)
    {
        int iw = dims.IW, ow = dims.OW;
        for (int ih = 0; ih < dims.IH; ih++)
        {
            // The windows that cover a row are rows of dy in a row.
            (int first, int end) = Covering(dims, ih);
            ReadOnlySpan<float> gradients = dy[(first * ow)..(end * ow)];
            ReadOnlySpan<int> winners = argmax[(first * ow)..(end * ow)];
            Span<float> row = dx.Slice(ih * iw, iw);
            int paired = 1 - dims.PadLeft;
            for (int block = 0; block < ow - 1; block += Pairs)
            {
                int pair = Math.Min(block, ow - 1 - Pairs), column = paired + 2 * pair;
                Block(gradients, winners, end - first, ow, pair, ih * iw + column, row.Slice(column, 2 * Pairs));
            }

            // The columns that are in no pair belong to the first or the last window alone.
            for (int column = 0; column < paired; column++)
                row[column] = OfWindow(gradients, winners, 0, ow, ih * iw + column);
            for (int column = paired + 2 * (ow - 1); column < iw; column++)
                row[column] = OfWindow(gradients, winners, ow - 1, ow, ih * iw + column);
        }
    }

    private static (int First, int End) Covering(in Pool2dDims dims, int ih)
    {
        int first = 0, end = 0;
        for (int kh = dims.KH - 1; kh >= 0; kh--)
        {
            int oh = dims.OutputRow(ih, kh);
            if (oh >= 0)
                (first, end) = (end == 0 ? oh : first, oh + 1);
        }

        return (first, end);
    }

    private static void Block(
        ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, int rows, int width, int pair, int position, Span<float> dx)
    {
        Vector256<float> own = Vector256<float>.Zero, shared = Vector256<float>.Zero;
        Vector256<int> second = Vector256.CreateSequence(position, 2), third = second + Vector256<int>.One;
        for (int at = pair; at < rows * width; at += width)
        {
            // The slices prove the bounds of the loads.
            ref float gradient = ref MemoryMarshal.GetReference(dy.Slice(at, Pairs + 1));
            ref int winner = ref MemoryMarshal.GetReference(argmax.Slice(at, Pairs + 1));
            Vector256<float> here = Vector256.LoadUnsafe(ref gradient), next = Vector256.LoadUnsafe(ref gradient, 1);
            Vector256<int> best = Vector256.LoadUnsafe(ref winner), nextBest = Vector256.LoadUnsafe(ref winner, 1);
            own += here & Vector256.Equals(best, second).AsSingle();
            shared += (here & Vector256.Equals(best, third).AsSingle()) + (next & Vector256.Equals(nextBest, third).AsSingle());
        }

        Lanes.Join(own, shared, ref MemoryMarshal.GetReference(dx[..(2 * Pairs)]), 0);
    }

    private static float OfWindow(ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, int window, int width, int position)
    {
        float sum = 0;
        for (int at = window; at < dy.Length; at += width)
            sum += argmax[at] == position ? dy[at] : 0;
        return sum;
    }
}
