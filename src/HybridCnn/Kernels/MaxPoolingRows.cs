using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Max pooling with stride 1 or 2 along the row, eight or sixteen windows at a time with their maxima in registers. Some input rows are copied between columns of
/// negative infinity, so that no window needs a case of its own, and with stride 2 every second column beside each other, so that a tap of neighboring windows is
/// one load; the last windows of a row are moved back to end with it. Same result as one window after the other, without a branch per element.
/// </summary>
internal static class MaxPoolingRows
{
    // Output rows go through together as long as the input rows that they cover fit the first-level cache.
    private const int StripFloats = 4096;

    /// <summary>Whether this kernel takes a geometry.</summary>
    public static bool Takes(in Pool2dDims dims) => dims.StrideW <= 2 && dims.OW >= Vector256<float>.Count;

    /// <summary>Floats of scratch memory: the rows that some rows of windows cover, and the first tap of every window.</summary>
    public static int Scratch(in Pool2dDims dims) => checked(Lines(dims, Rows(dims)) * Pitch(dims) + dims.OW);

    /// <summary><see cref="MaxPooling.Forward"/> for strides 1 and 2.</summary>
    public static void Forward(in Pool2dDims dims, ReadOnlySpan<float> x, Span<float> scratch, Span<float> y, Span<int> argmax)
    {
        int pitch = Pitch(dims), most = Rows(dims), length = Lines(dims, most) * pitch;
        Span<float> strip = scratch[..length];
        // A window of negative infinity alone has its first tap inside as its maximum.
        Span<int> firstTaps = MemoryMarshal.Cast<float, int>(scratch.Slice(length, dims.OW));
        for (int ow = 0; ow < dims.OW; ow++)
            firstTaps[ow] = dims.Columns(ow).First * dims.DilationW;

        for (int start = 0; start < dims.OH; start += most)
        {
            int rows = Math.Min(most, dims.OH - start), lines = Lines(dims, rows), top = start * dims.StrideH - dims.PadTop;
            int first = Math.Clamp(-top, 0, lines), end = Math.Clamp(dims.IH - top, first, lines);
            strip.Fill(float.NegativeInfinity);
            StridedCopy.SortColumns(
                x.Slice((top + first) * dims.IW, (end - first) * dims.IW), dims.IW, dims.PadLeft, dims.StrideW, strip[(first * pitch)..], pitch / dims.StrideW);
            for (int oh = start; oh < start + rows; oh++)
            {
                int at = oh * dims.OW;
                ReadOnlySpan<float> window = strip.Slice((oh - start) * dims.StrideH * pitch, Lines(dims, 1) * pitch);
                if (dims.OW >= Vector512<float>.Count)
                    Row512(dims, oh, window, pitch, firstTaps, y.Slice(at, dims.OW), argmax.Slice(at, dims.OW));
                else
                    Row256(dims, oh, window, pitch, firstTaps, y.Slice(at, dims.OW), argmax.Slice(at, dims.OW));
            }
        }
    }

    // Taps are told apart by their distance from tap (0, 0) in the plane.
    private static void Row512(
        in Pool2dDims dims, int oh, ReadOnlySpan<float> window, int pitch, ReadOnlySpan<int> firstTaps, Span<float> y, Span<int> argmax)
    {
        PoolWindow rows = dims.Rows(oh);
        int stride = dims.StrideW, lanes = pitch / stride, rowStep = dims.DilationH * dims.IW;
        for (int block = 0; block < y.Length; block += Vector512<float>.Count)
        {
            int ow = Math.Min(block, y.Length - Vector512<float>.Count);
            Vector512<float> max = Vector512.Create(float.NegativeInfinity), sum = Vector512<float>.Zero;
            Vector512<int> best = Vector512.Create<int>(firstTaps.Slice(ow, Vector512<int>.Count)) + Vector512.Create(rows.First * rowStep);
            for (int kh = rows.First; kh < rows.End; kh++)
            {
                // Columns of either remainder have as many lanes as there are windows, and those that their taps reach: no load leaves the slice.
                ref float line = ref MemoryMarshal.GetReference(window.Slice(kh * dims.DilationH * pitch, pitch));
                for (int kw = 0, column = 0; kw < dims.KW; kw++, column += dims.DilationW)
                {
                    Vector512<float> value = Vector512.LoadUnsafe(ref line, (nuint)(ow + (stride == 1 ? column : (column & 1) * lanes + (column >> 1))));
                    Vector512<float> take = Vector512.GreaterThan(value, max);
                    max = Vector512.ConditionalSelect(take, value, max);
                    best = Vector512.ConditionalSelect(take.AsInt32(), Vector512.Create(kh * rowStep + column), best);
                    sum += value;
                }
            }

            // A NaN anywhere makes the sum one, as infinities of both signs do.
            if (!Vector512.EqualsAll(sum, sum))
            {
                WithNaN(dims, rows, window, pitch, ow, Vector512<float>.Count, firstTaps, y, argmax);
                continue;
            }

            max.CopyTo(y[ow..]);
            (best + Vector512.CreateSequence(rows.Start * dims.IW + ow * stride - dims.PadLeft, stride)).CopyTo(argmax[ow..]);
        }
    }

    private static void Row256(
        in Pool2dDims dims, int oh, ReadOnlySpan<float> window, int pitch, ReadOnlySpan<int> firstTaps, Span<float> y, Span<int> argmax)
    {
        PoolWindow rows = dims.Rows(oh);
        int stride = dims.StrideW, lanes = pitch / stride, rowStep = dims.DilationH * dims.IW;
        for (int block = 0; block < y.Length; block += Vector256<float>.Count)
        {
            int ow = Math.Min(block, y.Length - Vector256<float>.Count);
            Vector256<float> max = Vector256.Create(float.NegativeInfinity), sum = Vector256<float>.Zero;
            Vector256<int> best = Vector256.Create<int>(firstTaps.Slice(ow, Vector256<int>.Count)) + Vector256.Create(rows.First * rowStep);
            for (int kh = rows.First; kh < rows.End; kh++)
            {
                // Columns of either remainder have as many lanes as there are windows, and those that their taps reach: no load leaves the slice.
                ref float line = ref MemoryMarshal.GetReference(window.Slice(kh * dims.DilationH * pitch, pitch));
                for (int kw = 0, column = 0; kw < dims.KW; kw++, column += dims.DilationW)
                {
                    Vector256<float> value = Vector256.LoadUnsafe(ref line, (nuint)(ow + (stride == 1 ? column : (column & 1) * lanes + (column >> 1))));
                    Vector256<float> take = Vector256.GreaterThan(value, max);
                    max = Vector256.ConditionalSelect(take, value, max);
                    best = Vector256.ConditionalSelect(take.AsInt32(), Vector256.Create(kh * rowStep + column), best);
                    sum += value;
                }
            }

            // A NaN anywhere makes the sum one, as infinities of both signs do.
            if (!Vector256.EqualsAll(sum, sum))
            {
                WithNaN(dims, rows, window, pitch, ow, Vector256<float>.Count, firstTaps, y, argmax);
                continue;
            }

            max.CopyTo(y[ow..]);
            (best + Vector256.CreateSequence(rows.Start * dims.IW + ow * stride - dims.PadLeft, stride)).CopyTo(argmax[ow..]);
        }
    }

    // The same for windows of which one has a NaN, one after the other: the last NaN beats all numbers.
    private static void WithNaN(
        in Pool2dDims dims, PoolWindow rows, ReadOnlySpan<float> window, int pitch, int first, int count, ReadOnlySpan<int> firstTaps, Span<float> y, Span<int> argmax)
    {
        int stride = dims.StrideW, lanes = pitch / stride;
        for (int ow = first; ow < first + count; ow++)
        {
            float max = float.NegativeInfinity;
            int best = firstTaps[ow] + rows.First * dims.DilationH * dims.IW;
            for (int kh = rows.First; kh < rows.End; kh++)
            {
                for (int kw = 0; kw < dims.KW; kw++)
                {
                    int column = kw * dims.DilationW;
                    float value = window[kh * dims.DilationH * pitch + column % stride * lanes + column / stride + ow];
                    if (value > max || float.IsNaN(value))
                        (max, best) = (value, kh * dims.DilationH * dims.IW + column);
                }
            }

            y[ow] = max;
            argmax[ow] = best + rows.Start * dims.IW + ow * stride - dims.PadLeft;
        }
    }

    private static int Rows(in Pool2dDims dims) => Math.Clamp((StripFloats / Pitch(dims) - Lines(dims, 1)) / dims.StrideH + 1, 1, dims.OH);

    private static int Lines(in Pool2dDims dims, int rows) => checked((rows - 1) * dims.StrideH + (dims.KH - 1) * dims.DilationH + 1);

    private static int Pitch(in Pool2dDims dims) => checked(
        Math.Max(dims.OW + (dims.KW - 1) * dims.DilationW / dims.StrideW, (dims.PadLeft + dims.IW - 1) / dims.StrideW + 1) * dims.StrideW);
}
