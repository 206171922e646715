using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Mean over windows of one NCHW plane. What a window's sum is divided by follows PyTorch: the override if given; else the
/// taps inside the input and its declared padding (<c>countIncludePad</c>), or those inside the input alone.
/// </summary>
internal static class AveragePooling
{
    /// <summary>y[oh, ow] = sum of the window / its divisor. Overwrites y.</summary>
    /// <param name="dims">The geometry; N and C are not looked at.</param>
    /// <param name="countIncludePad">Whether padding counts in the divisor.</param>
    /// <param name="divisorOverride">What to divide by instead; 0 = none.</param>
    /// <param name="x">[IH, IW].</param>
    /// <param name="y">[OH, OW].</param>
    public static void Forward(in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<float> x, Span<float> y)
    {
        if (dims.IsTwoByTwoTiles && dims.OW >= Vector128<float>.Count)
        {
            ForwardTiles(dims, 1f / (divisorOverride == 0 ? 4 : divisorOverride), x, y);
            return;
        }

        for (int oh = 0; oh < dims.OH; oh++)
        {
            PoolWindow rows = dims.Rows(oh);
            for (int ow = 0; ow < dims.OW; ow++)
            {
                PoolWindow columns = dims.Columns(ow);
                double sum = 0;
                for (int kh = rows.First; kh < rows.End; kh++)
                {
                    int row = (rows.Start + kh * dims.DilationH) * dims.IW + columns.Start;
                    if (dims.DilationW == 1)
                    {
                        sum += Sum(x[(row + columns.First)..(row + columns.End)]);
                        continue;
                    }

                    for (int kw = columns.First; kw < columns.End; kw++)
                        sum += x[row + kw * dims.DilationW];
                }

                y[oh * dims.OW + ow] = (float)(sum / Divisor(rows, columns, countIncludePad, divisorOverride));
            }
        }
    }

    /// <summary>dx[p] = sum of dy / divisor over the windows that cover p. Overwrites dx.</summary>
    /// <param name="dims">The geometry; N and C are not looked at.</param>
    /// <param name="countIncludePad">As in <see cref="Forward"/>.</param>
    /// <param name="divisorOverride">As in <see cref="Forward"/>.</param>
    /// <param name="dy">[OH, OW].</param>
    /// <param name="dx">[IH, IW].</param>
    public static void Backward(in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<float> dy, Span<float> dx)
    {
        if (dims.IsTwoByTwoTiles && dims.OW >= Vector128<float>.Count)
        {
            BackwardTiles(dims, 1f / (divisorOverride == 0 ? 4 : divisorOverride), dy, dx);
            return;
        }

        dx.Clear();
        for (int oh = 0; oh < dims.OH; oh++)
        {
            PoolWindow rows = dims.Rows(oh);
            for (int ow = 0; ow < dims.OW; ow++)
            {
                PoolWindow columns = dims.Columns(ow);
                float share = (float)(dy[oh * dims.OW + ow] / Divisor(rows, columns, countIncludePad, divisorOverride));
                for (int kh = rows.First; kh < rows.End; kh++)
                {
                    int row = (rows.Start + kh * dims.DilationH) * dims.IW + columns.Start;
                    if (dims.DilationW == 1)
                    {
                        Add(share, dx[(row + columns.First)..(row + columns.End)]);
                        continue;
                    }

                    for (int kw = columns.First; kw < columns.End; kw++)
                        dx[row + kw * dims.DilationW] += share;
                }
            }
        }
    }

    internal static double Divisor(PoolWindow rows, PoolWindow columns, bool countIncludePad, int divisorOverride) =>
        divisorOverride != 0 ? divisorOverride
        : countIncludePad ? (double)rows.Padded * columns.Padded
        : (double)(rows.End - rows.First) * (columns.End - columns.First);

    private static double Sum(ReadOnlySpan<float> values)
    {
        int vectorized = values.Length - values.Length % Vector<float>.Count;
        double sum = 0;
        if (vectorized > 0)
        {
            var lanes = Vector<float>.Zero;
            for (int i = 0; i < vectorized; i += Vector<float>.Count)
                lanes += new Vector<float>(values[i..]);
            sum = Vector.Sum(lanes);
        }

        for (int i = vectorized; i < values.Length; i++)
            sum += values[i];
        return sum;
    }

    private static void Add(float share, Span<float> values)
    {
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(values[i..]) + new Vector<float>(share)).CopyTo(values[i..]);
        for (; i < values.Length; i++)
            values[i] += share;
    }

    // The last block of a row is moved back to end with the row, as in MaxPooling2x2.
    private static void ForwardTiles(in Pool2dDims dims, float scale, ReadOnlySpan<float> x, Span<float> y)
    {
        int iw = dims.IW, ow = dims.OW;
        for (int oh = 0; oh < dims.OH; oh++)
        {
            ref float top = ref MemoryMarshal.GetReference(x.Slice(2 * oh * iw, 2 * ow));
            ref float bottom = ref MemoryMarshal.GetReference(x.Slice((2 * oh + 1) * iw, 2 * ow));
            ref float mean = ref MemoryMarshal.GetReference(y.Slice(oh * ow, ow));
            for (int block = 0; block < ow; block += 4)
            {
                int i = Math.Min(block, ow - 4);
                (Vector128<float> a, Vector128<float> b) = Lanes.Split128(ref top, (nuint)(2 * i));
                (Vector128<float> c, Vector128<float> d) = Lanes.Split128(ref bottom, (nuint)(2 * i));
                (((a + b) + (c + d)) * scale).StoreUnsafe(ref mean, (nuint)i);
            }
        }
    }

    private static void BackwardTiles(in Pool2dDims dims, float scale, ReadOnlySpan<float> dy, Span<float> dx)
    {
        int iw = dims.IW, ow = dims.OW;
        for (int oh = 0; oh < dims.OH; oh++)
        {
            int origin = 2 * oh * iw;
            ref float gradient = ref MemoryMarshal.GetReference(dy.Slice(oh * ow, ow));
            ref float top = ref MemoryMarshal.GetReference(dx.Slice(origin, 2 * ow));
            for (int block = 0; block < ow; block += 4)
            {
                int i = Math.Min(block, ow - 4);
                Vector128<float> share = Vector128.LoadUnsafe(ref gradient, (nuint)i) * scale;
                Lanes.Join(share, share, ref top, (nuint)(2 * i));
            }

            dx[(origin + 2 * ow)..(origin + iw)].Clear();
            dx.Slice(origin, iw).CopyTo(dx.Slice(origin + iw, iw));
        }

        dx[(2 * dims.OH * iw)..].Clear();
    }
}
