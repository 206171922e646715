using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Max pooling with stride 1 or 2 along the row, a whole row of windows per tap: every tap of the kernel, in row-major order,
/// is compared with the best so far of all windows that it lies in. Same result as one window after the other, without a
/// branch per element.
/// </summary>
internal static class MaxPoolingRows
{
    /// <summary>Rows with fewer windows don't fill a vector.</summary>
    public const int MinimumWidth = 8;

    /// <summary><see cref="MaxPooling.Forward"/> for strides 1 and 2.</summary>
    public static void Forward(in Pool2dDims dims, ReadOnlySpan<float> x, Span<float> y, Span<int> argmax)
    {
        for (int oh = 0; oh < dims.OH; oh++)
        {
            PoolWindow rows = dims.Rows(oh);
            Span<float> max = y.Slice(oh * dims.OW, dims.OW);
            Span<int> best = argmax.Slice(oh * dims.OW, dims.OW);
            Start(dims, rows, max, best);
            for (int kh = rows.First; kh < rows.End; kh++)
            {
                int origin = (rows.Start + kh * dims.DilationH) * dims.IW;
                for (int kw = 0; kw < dims.KW; kw++)
                    Take(dims, x.Slice(origin, dims.IW), origin, kw * dims.DilationW - dims.PadLeft, max, best);
            }
        }
    }

    // A window of negative infinity alone has its first tap as its maximum.
    private static void Start(in Pool2dDims dims, PoolWindow rows, Span<float> max, Span<int> best)
    {
        max.Fill(float.NegativeInfinity);
        int origin = (rows.Start + rows.First * dims.DilationH) * dims.IW;
        for (int ow = 0; ow < best.Length; ow++)
        {
            int column = ow * dims.StrideW - dims.PadLeft;
            best[ow] = origin + (column >= 0 ? column : column + dims.Columns(ow).First * dims.DilationW);
        }
    }

    /// <summary>Compares x[ow * stride + offset] with max[ow] for all windows where that lies in the row.</summary>
    private static void Take(in Pool2dDims dims, ReadOnlySpan<float> x, int origin, int offset, Span<float> max, Span<int> best)
    {
        int stride = dims.StrideW;
        int ow = offset >= 0 ? 0 : (stride - 1 - offset) / stride;
        int end = (int)Math.Min(max.Length, ((long)x.Length - offset + stride - 1) / stride);
        Vector256<int> step = Vector256.CreateSequence(0, stride);
        // A block with stride 2 reads one element more than its last window's, hence the second condition.
        for (; ow + 8 <= end && ow * stride + offset <= x.Length - 8 * stride; ow += 8)
        {
            int column = ow * stride + offset;
            ref float source = ref MemoryMarshal.GetReference(x.Slice(column, 8 * stride));
            Vector256<float> value = stride == 1 ? Vector256.LoadUnsafe(ref source) : Lanes.Split256(ref source, 0).Even;
            ref float maxBlock = ref MemoryMarshal.GetReference(max.Slice(ow, 8));
            ref int bestBlock = ref MemoryMarshal.GetReference(best.Slice(ow, 8));
            Vector256<float> oldMax = Vector256.LoadUnsafe(ref maxBlock);
            Vector256<float> take = Vector256.GreaterThan(value, oldMax) | ~Vector256.Equals(value, value);
            Vector256.ConditionalSelect(take, value, oldMax).StoreUnsafe(ref maxBlock);
            Vector256.ConditionalSelect(take.AsInt32(), Vector256.Create(origin + column) + step, Vector256.LoadUnsafe(ref bestBlock)).StoreUnsafe(ref bestBlock);
        }

        for (; ow < end; ow++)
        {
            float value = x[ow * stride + offset];
            if (value > max[ow] || float.IsNaN(value))
            {
                max[ow] = value;
                best[ow] = origin + ow * stride + offset;
            }
        }
    }
}
