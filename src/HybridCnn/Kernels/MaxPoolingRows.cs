using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Max pooling with stride 1 or 2 along the row, eight windows at a time with their maxima in registers. Input rows are copied between columns of
/// negative infinity, so that no window needs a case of its own; the last eight windows of a row are moved back to end with it.
/// Same result as one window after the other, without a branch per element.
/// </summary>
internal static class MaxPoolingRows
{
    private const int Windows = 8;

    /// <summary>Whether this kernel takes a geometry.</summary>
    public static bool Takes(in Pool2dDims dims) => dims.StrideW <= 2 && dims.OW >= Windows;

    /// <summary>Floats of scratch memory: the rows that a row of windows covers, and the first tap of every window.</summary>
    public static int Scratch(in Pool2dDims dims) => checked(Slots(dims) * Width(dims) + dims.OW);

    /// <summary><see cref="MaxPooling.Forward"/> for strides 1 and 2.</summary>
    public static void Forward(in Pool2dDims dims, ReadOnlySpan<float> x, Span<float> scratch, Span<float> y, Span<int> argmax)
    {
        int width = Width(dims), slots = Slots(dims), inside = Math.Min(dims.IW, width - dims.PadLeft), copied = 0;
        Span<float> padded = scratch[..(slots * width)];
        padded.Fill(float.NegativeInfinity);
        // A window of negative infinity alone has its first tap inside as its maximum.
        Span<int> firstTaps = MemoryMarshal.Cast<float, int>(scratch.Slice(slots * width, dims.OW));
        for (int ow = 0; ow < dims.OW; ow++)
            firstTaps[ow] = dims.Columns(ow).First * dims.DilationW;

        for (int oh = 0; oh < dims.OH; oh++)
        {
            PoolWindow rows = dims.Rows(oh);
            int last = rows.Start + (rows.End - 1) * dims.DilationH;
            for (copied = Math.Max(copied, rows.Start); copied <= last; copied++)
                x.Slice(copied * dims.IW, inside).CopyTo(padded[(copied % slots * width + dims.PadLeft)..]);
            for (int block = 0; block < dims.OW; block += Windows)
            {
                int ow = Math.Min(block, dims.OW - Windows);
                Block(dims, rows, ow, padded, width, slots, firstTaps.Slice(ow, Windows), y.Slice(oh * dims.OW + ow, Windows), argmax.Slice(oh * dims.OW + ow, Windows));
            }
        }
    }

    // Taps are told apart by their distance from tap (0, 0) in the plane.
    private static void Block(
        in Pool2dDims dims, PoolWindow rows, int ow, ReadOnlySpan<float> padded, int width, int slots, ReadOnlySpan<int> firstTaps, Span<float> y, Span<int> argmax)
    {
        int stride = dims.StrideW, reach = (dims.KW - 1) * dims.DilationW, rowStep = dims.DilationH * dims.IW;
        Vector256<float> max = Vector256.Create(float.NegativeInfinity);
        Vector256<int> best = Vector256.Create(firstTaps) + Vector256.Create(rows.First * rowStep);
        for (int kh = rows.First; kh < rows.End; kh++)
        {
            // The slice proves the bounds of the loads below.
            ref float row = ref MemoryMarshal.GetReference(
                padded.Slice((rows.Start + kh * dims.DilationH) % slots * width + ow * stride, Windows * stride + reach));
            for (int column = 0; column <= reach; column += dims.DilationW)
            {
                Vector256<float> value = stride == 1 ? Vector256.LoadUnsafe(ref row, (nuint)column) : Lanes.Split256(ref row, (nuint)column).Even;
                Vector256<float> take = Vector256.GreaterThan(value, max) | ~Vector256.Equals(value, value);
                max = Vector256.ConditionalSelect(take, value, max);
                best = Vector256.ConditionalSelect(take.AsInt32(), Vector256.Create(kh * rowStep + column), best);
            }
        }

        max.CopyTo(y);
        (best + Vector256.CreateSequence(rows.Start * dims.IW + ow * stride - dims.PadLeft, stride)).CopyTo(argmax);
    }

    private static int Slots(in Pool2dDims dims) => checked((dims.KH - 1) * dims.DilationH + 1);

    // One more than the last window needs: with stride 2 pairs are read.
    private static int Width(in Pool2dDims dims) => checked(Math.Max(dims.OW * dims.StrideW + (dims.KW - 1) * dims.DilationW, dims.PadLeft + 1));
}
